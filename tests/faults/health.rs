//! `/health` of a running engine turns bad, as a monitor sees it that asks every second, within
//! [`LIMIT`] of each fault.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use pipeline_tui::simulate::Server;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::cluster::notice;
use crate::support::market::market;
use crate::support::mount::Mount;
use crate::support::product::{Database, Product};
use crate::support::program::signal;
use crate::support::server::{crash, database, durable};

/// How soon a fault must be seen.
const LIMIT: Duration = Duration::from_secs(35);
/// How long a monitor waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
const PERIOD: Duration = Duration::from_secs(1);

/// An engine that serves `/health`, and what it needs.
struct Watched {
    engine: Child,
    address: SocketAddr,
    product: Product,
    _provider: Server,
}

impl Watched {
    /// Starts an engine, and waits until it is well.
    async fn start(product: Product) -> Self {
        let provider = market(0).await;
        let mut command = product.command(&provider.base_url());
        command
            .args(["run", "--metrics", "0"])
            .env("PIPELINE_SYMBOLS", "IBM")
            .env("PIPELINE_INTERVAL", "daily")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut engine = command.spawn().unwrap();
        let said = tokio::process::ChildStdout::from_std(engine.stdout.take().unwrap()).unwrap();
        let mut lines = BufReader::new(said).lines();
        let address = loop {
            let line = lines.next_line().await.unwrap().unwrap();
            if line.contains("serving /metrics") {
                break line.rsplit_once('/').unwrap().1.parse().unwrap();
            }
        };
        // Nobody reads further: the pipe must not fill up.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let watched = Self {
            engine,
            address,
            product,
            _provider: provider,
        };
        while watched.health().await.as_deref() != Some("ok") {
            tokio::time::sleep(PERIOD / 10).await;
        }
        watched
    }

    /// What a monitor reads: `ok`, what fails, or nothing.
    async fn health(&self) -> Option<String> {
        let asked = async {
            let mut stream = TcpStream::connect(self.address).await.ok()?;
            let request = b"GET /health HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
            stream.write_all(request).await.ok()?;
            let mut text = String::new();
            stream.read_to_string(&mut text).await.ok()?;
            let (head, body) = text.split_once("\r\n\r\n")?;
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            let failing = body["failing"].as_array().unwrap();
            assert_eq!(head.contains(" 200 "), failing.is_empty(), "{text}");
            let names: Vec<&str> = failing.iter().map(|name| name.as_str().unwrap()).collect();
            let names = if names.is_empty() { vec!["ok"] } else { names };
            Some(names.join(" "))
        };
        timeout(PATIENCE, asked).await.ok().flatten()
    }

    /// Waits until something is wrong: what, or `silent` without an answer.
    async fn until_bad(&self, fault: &str) -> String {
        let began = Instant::now();
        loop {
            let health = self.health().await.unwrap_or_else(|| "silent".to_owned());
            let after = began.elapsed();
            if health != "ok" {
                let kind = self.product.kind();
                notice(&format!(
                    "{fault}, {kind}: {health} after {:.1} s",
                    after.as_secs_f64()
                ));
                return health;
            }
            assert!(after < LIMIT, "{fault}: /health says ok after {after:?}");
            tokio::time::sleep(PERIOD).await;
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.engine.kill();
        let _ = self.engine.wait();
    }
}

/// Another engine, which follows the schedule.
struct Owner(Child);

impl Owner {
    /// Starts one, and waits until it has a lane.
    async fn start(product: &Product, provider: &str) -> Self {
        let mut list = product.command(provider);
        list.args(["watch", "list"]);
        list.stdout(Stdio::null()).stderr(Stdio::null());
        assert!(list.status().unwrap().success(), "the store is made");
        let mut command = product.command(provider);
        command
            .arg("run")
            .env("PIPELINE_SYMBOLS", "IBM")
            .env("PIPELINE_INTERVAL", "daily")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let engine = Self(command.spawn().unwrap());
        let held = "SELECT CAST(count(*) AS text) FROM lanes WHERE engine IS NOT NULL";
        while product.text(held).await == "0" {
            tokio::time::sleep(PERIOD / 10).await;
        }
        engine
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn products() -> impl Iterator<Item = Product> {
    [Some(Product::sqlite()), Product::postgres()]
        .into_iter()
        .flatten()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_was_killed_is_not_well() {
    for product in products() {
        let watched = Watched::start(product).await;
        signal("KILL", &watched.engine);
        assert_eq!(watched.until_bad("killed").await, "silent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_frozen_is_not_well_and_gets_well_again() {
    for product in products() {
        let watched = Watched::start(product).await;
        signal("STOP", &watched.engine);
        assert_eq!(watched.until_bad("frozen").await, "silent");
        signal("CONT", &watched.engine);
        while watched.health().await.as_deref() != Some("ok") {
            tokio::time::sleep(PERIOD).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_without_its_server_is_not_well_and_gets_well_again() {
    let Some(server) = durable() else { return };
    let watched = Watched::start(Product::on(database(&server))).await;
    crash(&server);
    let failing = watched.until_bad("the server is gone").await;
    assert!(failing.contains("store"), "{failing}");
    server.begin();
    while watched.health().await.as_deref() != Some("ok") {
        tokio::time::sleep(PERIOD).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_whose_file_was_removed_is_not_well() {
    let watched = Watched::start(Product::sqlite()).await;
    let Database::Sqlite(file) = &watched.product.database else {
        unreachable!("it is on SQLite")
    };
    std::fs::rename(file, Path::new(file).with_extension("moved")).unwrap();
    let failing = watched.until_bad("the file is gone").await;
    assert!(failing.contains("store"), "{failing}");
}

/// Another engine follows the schedule and is frozen. Until its lease is over, nobody does. A file stays locked by it,
/// so that there nobody takes over.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_nobody_follows_is_not_well_until_somebody_does() {
    for product in products() {
        let provider = market(0).await;
        let owner = Owner::start(&product, &provider.base_url()).await;
        let watched = Watched::start(product).await;
        signal("STOP", &owner.0);
        let failing = watched.until_bad("nobody follows the schedule").await;
        assert!(failing.contains("schedule"), "{failing}");
        let is_file = matches!(watched.product.database, Database::Sqlite(_));
        if is_file {
            signal("CONT", &owner.0);
        }
        while watched.health().await.as_deref() != Some("ok") {
            tokio::time::sleep(PERIOD).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_on_a_full_disk_is_not_well_and_gets_well_again() {
    let product = Product::sqlite();
    let Some(mount) = Mount::small(&product.data(), "64M") else {
        return;
    };
    let watched = Watched::start(product).await;
    let filling = mount.fill(0);
    let failing = watched.until_bad("the disk is full").await;
    assert!(failing.contains("disk"), "{failing}");
    drop(filling);
    while watched.health().await.as_deref() != Some("ok") {
        tokio::time::sleep(PERIOD).await;
    }
}
