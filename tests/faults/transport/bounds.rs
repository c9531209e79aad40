//! What a bad provider may cost in memory, time, tasks and descriptors.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline_tui::model::{Interval, Request, SeriesKey};
use pipeline_tui::pipeline::http::Bounds;
use pipeline_tui::pipeline::source::{SendError, Source, Wish};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{broken, headers, packed, part};
use crate::support::peer::{Peer, Step, answer, bars, bomb};
use crate::support::program::Desk;
use crate::support::promise::assert_in_time;
use crate::support::rig::source;
use crate::support::{cluster, in_a_process_of_its_own, rounds};

/// How much more memory a process may use for a bad answer than for a good one.
const RISE_KIB: u64 = 16 << 10;
/// In flight at once.
const CROWD: usize = 32;

/// The most memory a process has had so far, in KiB, as the kernel counts it.
fn peak(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let digits: String = line.unwrap().chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// The program's peak once it has read this as the first of two answers.
async fn peak_after(first: Vec<Step>) -> u64 {
    let peer = Peer::start(move |number, symbol| match number {
        0 => first.clone(),
        _ => vec![Step::Gate, Step::Send(answer(200, "", &bars(symbol, 50)))],
    })
    .await;
    // One in flight: at the second request the program is done with the first answer.
    let desk = Desk::new()
        .with("ALPHA_VANTAGE_PLAN", "free")
        .with("ALPHA_VANTAGE_BASE_URL", &peer.base_url());
    let mut command = desk.command(&["fetch", "--symbols", "IBM,AAPL", "--interval", "5min"]);
    let mut program = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    peer.seen(2).await;
    let peak = peak(&program);
    peer.open_gate();
    tokio::task::block_in_place(|| program.wait()).unwrap();
    assert_eq!(
        desk.sql("SELECT count(*) FROM stock_data WHERE symbol = 'AAPL'"),
        ["50"]
    );
    peak
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_takes_more_than_16_mib_of_memory() {
    let small = peak_after(vec![Step::Send(answer(200, "", &bars("IBM", 50)))]).await;
    let bomb = bomb(1_024);
    assert!(
        bomb.len() < 1_300_000,
        "a megabyte that decompresses to a gibibyte: {}",
        bomb.len()
    );
    let endless = |bytes: &[u8]| Step::Repeat(bytes.repeat(1 << 12), u64::MAX);
    let mut told = String::new();
    for (name, script) in [
        (
            "a gzip bomb",
            vec![Step::Send(answer(200, "Content-Encoding: gzip\r\n", &bomb))],
        ),
        ("an endless body", vec![part("", b""), endless(b"x")]),
        (
            "an endless header",
            vec![
                Step::Send(b"HTTP/1.1 200 OK\r\nX: ".to_vec()),
                endless(b"y"),
            ],
        ),
        (
            "endless headers",
            vec![
                Step::Send(b"HTTP/1.1 200 OK\r\n".to_vec()),
                endless(b"X-A: b\r\n"),
            ],
        ),
    ] {
        let peak = peak_after(script).await;
        let rise = peak.saturating_sub(small);
        assert!(
            rise <= RISE_KIB,
            "{name}: {rise} KiB more than the {small} KiB of a good answer"
        );
        let _ = write!(told, "; {name} {rise} KiB more");
    }
    cluster::notice(&format!("a good answer: {small} KiB{told}"));
}

fn descriptors() -> usize {
    std::fs::read_dir(Path::new("/proc/self/fd"))
        .unwrap()
        .count()
}

/// Every way to break, and silence in the middle of each part of an answer.
fn scripts() -> Vec<Vec<Step>> {
    let faults = broken().into_iter().chain(packed()).chain(headers());
    let mut scripts: Vec<_> = faults.map(|(_, script, ..)| script).collect();
    let slow = |bytes: &[u8]| Step::Drip(bytes.to_vec(), Duration::from_millis(20));
    scripts.push(vec![slow(&answer(200, "", &bars("IBM", 50)))]);
    scripts.push(vec![
        part("Content-Length: 1000\r\n", b"{"),
        slow(&[b' '; 999]),
    ]);
    scripts
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_peers_leave_no_task_and_no_descriptor_behind() {
    if !tokio::task::block_in_place(|| {
        in_a_process_of_its_own(
            "transport::bounds::bad_peers_leave_no_task_and_no_descriptor_behind",
            "bad peers",
        )
    }) {
        return;
    }
    let total = rounds("BAD_PEERS", 300);
    let limits = Bounds {
        read: Duration::from_millis(60),
        total: Duration::from_millis(150),
        body: 1 << 20,
        ..Bounds::default()
    };
    let scripts = scripts();
    let kinds = scripts.len();
    let peer = Peer::start(move |number, _| scripts[number % scripts.len()].clone()).await;
    let client = Arc::new(source(&peer.base_url(), limits));
    let handle = tokio::runtime::Handle::current();
    let ask = |client: Arc<_>| async move { send(&*client).await };
    // Once, so that what is created once and kept is there.
    ask(Arc::clone(&client)).await;
    peer.alone().await;
    settled(|| handle.metrics().num_alive_tasks() == 1).await;
    let (tasks, files) = (handle.metrics().num_alive_tasks(), descriptors());
    assert_eq!(tasks, 1, "only the peer");
    let mut crowd = JoinSet::new();
    let (mut longest, mut failed) = (Duration::ZERO, 0);
    for _ in 0..total {
        while crowd.len() >= CROWD {
            let (took, outcome): (Duration, bool) = crowd.join_next().await.unwrap().unwrap();
            longest = longest.max(took);
            failed += usize::from(outcome);
        }
        crowd.spawn(ask(Arc::clone(&client)));
    }
    while let Some(ended) = crowd.join_next().await {
        let (took, outcome) = ended.unwrap();
        longest = longest.max(took);
        failed += usize::from(outcome);
    }
    peer.alone().await;
    settled(|| handle.metrics().num_alive_tasks() <= tasks && descriptors() <= files).await;
    let left = (handle.metrics().num_alive_tasks(), descriptors());
    assert!(
        left.0 <= tasks && left.1 <= files,
        "{left:?} from {tasks}, {files}"
    );
    assert!(
        failed > total / 2,
        "only {failed} of {total} failed: the peers are not bad enough"
    );
    assert_in_time(longest, limits.total + Duration::from_secs(5));
    cluster::notice(&format!(
        "{total} bad peers of {kinds} kinds: {failed} requests failed, the longest took {longest:?}, \
         tasks {tasks} to {}, descriptors {files} to {}",
        left.0, left.1
    ));
}

/// Waits for what ends by itself.
async fn settled(is: impl Fn() -> bool) {
    let waiting = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(10), waiting).await;
}

fn question(client: &impl Source) -> Request {
    let series = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
    client.plan(&[Wish::newest(series)]).requests.remove(0)
}

/// How long a request took, and whether it failed.
async fn send(client: &impl Source) -> (Duration, bool) {
    let began = Instant::now();
    let outcome = client.send(&question(client), Uuid::new_v4()).await;
    (began.elapsed(), outcome.is_err())
}

/// One byte at a time is never silent for long enough; only the overall limit ends it.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_outlives_its_total() {
    let product = Bounds::default();
    assert_eq!(product.total, Duration::from_mins(1));
    let total = Duration::from_millis(u64::try_from(rounds("FAULTS_TOTAL_MS", 2_000)).unwrap());
    let limits = Bounds { total, ..product };
    let drip = vec![
        part("", b""),
        Step::Drip(vec![b' '; 100_000], Duration::from_millis(25)),
    ];
    let peer = Peer::always(drip).await;
    let client = source(&peer.base_url(), limits);
    let began = Instant::now();
    let ended = client
        .send(&question(&client), Uuid::new_v4())
        .await
        .unwrap_err();
    let took = began.elapsed();
    let SendError::Broken(said) = ended else {
        panic!("{ended:?}")
    };
    assert!(
        said.starts_with("the answer was not complete within"),
        "{said}"
    );
    assert!(took >= total, "{took:?}");
    assert_in_time(took, total + Duration::from_secs(2));
}
