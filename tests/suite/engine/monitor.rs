//! The engine watched from outside: by HTTP, by a service manager, by a reader of events.

use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;

use pipeline_tui::monitor::{Monitor, Watched};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::support::mount::Mount;

/// The status and the body of an answer.
async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// What a monitor that has just started says is wrong.
async fn failing(watched: &Watched) -> Vec<String> {
    let here = "127.0.0.1:0".parse().unwrap();
    let monitor = Monitor::start(here, watched.clone()).await.unwrap();
    let (status, body) = get(monitor.address, "/health").await;
    let health: serde_json::Value = serde_json::from_str(&body).unwrap();
    let failing = health["failing"].as_array().unwrap().iter();
    let failing: Vec<String> = failing
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(status == 200, failing.is_empty(), "{status} {body}");
    assert_eq!(health["status"] == "ok", failing.is_empty(), "{body}");
    failing
}

#[tokio::test(flavor = "multi_thread")]
async fn health_names_what_is_wrong() {
    for (folder, [store, other]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = start(store, &server, &hands).await;
        until(&mut handle, |snapshot| snapshot.schedule.is_owner).await;
        let data = folder.path().to_owned();
        let well = Watched::of(&handle, Arc::clone(&other), data.clone());
        assert!(failing(&well).await.is_empty());

        let long_ago = tokio::time::Instant::now() - Duration::from_secs(11);
        let (_still, beat) = tokio::sync::watch::channel(long_ago);
        let frozen = Watched {
            beat,
            ..well.clone()
        };
        assert_eq!(failing(&frozen).await, ["engine"]);

        let small = tempfile::tempdir().unwrap();
        if let Some(mount) = Mount::small(small.path(), "16M") {
            let full = Watched {
                data_dir: small.path().to_owned(),
                ..well.clone()
            };
            assert!(failing(&full).await.is_empty());
            let _filling = mount.fill(1 << 20);
            assert_eq!(failing(&full).await, ["disk"]);
        }

        handle.commands.send(Command::Shutdown).await.unwrap();
        (&mut handle.ended).await.unwrap();
        let released = async { while other.engines().await.unwrap().is_one_at_work() {} };
        tokio::time::timeout(Duration::from_secs(30), released)
            .await
            .unwrap();
        assert_eq!(failing(&well).await, ["schedule"]);
        other.close().await;
        assert_eq!(failing(&well).await.last().unwrap(), "store");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_only_reads_takes_no_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bars.db");
    let store = db::open_sqlite(&path, Access::ReadWrite).await.unwrap();
    let hands = Hands::at_noon();
    let server = market(&hands).await;
    let mut handle = start(store, &server, &hands).await;
    until(&mut handle, |snapshot| snapshot.schedule.is_owner).await;
    let reader = db::open_sqlite(&path, Access::ReadOnly).await.unwrap();
    let watched = Watched::of(&handle, reader, folder.path().to_owned());
    assert_eq!(failing(&watched).await, ["store"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn run_serves_metrics_that_count_what_was_done() {
    let server = provider(Plan::Unlimited, &[]).await;
    for desk in Desk::on_each_database() {
        let desk = desk
            .asking(&server)
            .with("PIPELINE_SYMBOLS", "IBM,AAPL")
            .with("PIPELINE_INTERVAL", "daily")
            .with("PIPELINE_METRICS", "127.0.0.1:1");
        let mut child = desk
            .command(&["run", "--metrics", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut line = |words: &str| {
            let mut lines = lines.by_ref().map_while(Result::ok);
            lines.find(|line| line.contains(words)).unwrap()
        };
        let serving = line("serving /metrics");
        let address: SocketAddr = serving.rsplit_once('/').unwrap().1.parse().unwrap();
        assert!(address.ip().is_loopback(), "{serving}");
        line("run 1 succeeded");
        let figures = async {
            loop {
                let (status, text) = get(address, "/metrics").await;
                assert_eq!(status, 200);
                assert!(text.ends_with("# EOF\n"), "{text}");
                let of = |name: &str| -> Option<f64> {
                    let line = text.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|value| value.trim().parse().unwrap())
                };
                let stored =
                    of("pipeline_requests_total{source=\"alpha_vantage\",class=\"stored\"}");
                let runs = of("pipeline_runs_total{status=\"succeeded\"}");
                // Both are read again once the run has ended.
                let fresh = of("pipeline_series{state=\"fresh\"}");
                if (stored, runs, fresh) == (Some(2.0), Some(1.0), Some(2.0)) {
                    assert!(of("pipeline_bars").unwrap() > 100.0, "{text}");
                    assert!(of("pipeline_store_bytes").unwrap() > 1e4, "{text}");
                    assert!(
                        of("pipeline_engine_silence_seconds").unwrap() < 10.0,
                        "{text}"
                    );
                    assert_eq!(of("pipeline_schedule_owned"), Some(1.0), "{text}");
                    assert_eq!(of("pipeline_alerts_open"), Some(0.0), "{text}");
                    break;
                }
            }
        };
        let right = tokio::time::timeout(Duration::from_secs(30), figures).await;
        right.unwrap();
        assert_eq!(get(address, "/health").await.0, 200);
        assert_eq!(get(address, "/").await.0, 404);
        signal("TERM", &child);
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_is_told_of_start_life_and_end() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&server);
    let path = desk.folder().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let desk = desk
        .with("NOTIFY_SOCKET", path.to_str().unwrap())
        .with("WATCHDOG_USEC", "200000");
    let mut child = desk
        .command(&["run"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let until = |word: &str| {
        let mut told = [0; 256];
        loop {
            let length = socket.recv(&mut told).unwrap();
            let text = std::str::from_utf8(&told[..length]).unwrap().trim();
            if text == word {
                return;
            }
            assert!(["READY=1", "WATCHDOG=1"].contains(&text), "{text}");
        }
    };
    until("READY=1");
    until("WATCHDOG=1");
    until("WATCHDOG=1");
    signal("TERM", &child);
    until("STOPPING=1");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_followed_from_another_process_and_resumed() {
    let server = provider(Plan::Unlimited, &[]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        desk.run(&["runs"]);
        let mut follower = desk
            .command(&["events", "--follow", "--since", "0", "--format", "json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        desk.run(&["fetch", "--symbols", "IBM", "--interval", "daily"]);
        let lines = BufReader::new(follower.stdout.take().unwrap()).lines();
        let mut seen: Vec<serde_json::Value> = vec![];
        for line in lines.map_while(Result::ok) {
            seen.push(serde_json::from_str(&line).unwrap());
            if seen.last().unwrap()["event"] == "run_ended" {
                break;
            }
        }
        signal("TERM", &follower);
        assert_eq!(follower.wait().unwrap().code(), Some(0));
        let names: Vec<&str> = seen
            .iter()
            .map(|one| one["event"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["run_started", "series_ended", "run_ended"]);
        assert_eq!(seen[1]["detail"]["symbol"], "IBM");
        assert!(seen[1]["detail"]["inserted"].as_u64().unwrap() > 0);

        let cursor = seen[1]["cursor"].to_string();
        let rest = desk.run(&["events", "--since", &cursor]);
        let rest: Vec<&str> = rest.stdout.lines().collect();
        assert_eq!(rest.len(), 1);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(rest[0]).unwrap(),
            seen[2]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_ends_when_nobody_reads_it() {
    let desk = Desk::new();
    desk.run(&["runs"]);
    let mut follower = desk
        .command(&["events", "--follow"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(follower.stdout.take());
    let ended = tokio::task::spawn_blocking(move || follower.wait().unwrap());
    let ended = tokio::time::timeout(Duration::from_secs(30), ended).await;
    assert_eq!(ended.unwrap().unwrap().code(), Some(0));
}
