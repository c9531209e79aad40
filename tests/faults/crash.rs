//! `kill -9` at random moments of `fetch`, checked from outside.
//!
//! The check never relies on the program. It reads the tables with its own SQL, and learns what the
//! provider sent by asking the simulator again: its answers are functions of seed, clock and
//! query.
//!
//! `CRASH_ROUNDS` is the number of kills on each database (50), `CRASH_SEED` repeats the moments of
//! an earlier run as closely as the machine's own timing allows.

mod backfill;
mod sources;
mod steps;

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use fastrand::Rng;
use pipeline_tui::simulate::Server;

use crate::support::canary::forms;
use crate::support::gate::Gate;
use crate::support::ledger::Ledger;
use crate::support::market::{MARKETS, SYMBOLS, check_bars, fetch, market, wish};
use crate::support::process::{PATIENCE, finish, said, start};
use crate::support::product::{CANARY, Database, Product};
use crate::support::{chance, cluster, rounds};

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_nothing_in_sqlite() {
    kills_lose_nothing(Product::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_nothing_in_postgres() {
    if let Some(product) = Product::postgres() {
        kills_lose_nothing(product).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_run_is_not_swept_in_sqlite() {
    a_live_run_is_not_swept(Product::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_run_is_not_swept_in_postgres() {
    if let Some(product) = Product::postgres() {
        a_live_run_is_not_swept(product).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_after_the_sweep_is_in_doubt_in_sqlite() {
    a_reservation_after_the_sweep_is_in_doubt(Product::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_after_the_sweep_is_in_doubt_in_postgres() {
    if let Some(product) = Product::postgres() {
        a_reservation_after_the_sweep_is_in_doubt(product).await;
    }
}

async fn kills_lose_nothing(product: Product) {
    let kills = rounds("CRASH_ROUNDS", 50);
    let kind = product.kind();
    cluster::notice(&format!("{kind}: CRASH_ROUNDS={kills}"));
    let mut rng = chance("CRASH_SEED");
    let (mut servers, mut killed, mut ended) = (Vec::new(), 0, 0);
    while killed < kills {
        let round = servers.len();
        assert!(round < 4 * kills + 20, "most kills come too late to count");
        let server = market(round).await;
        let mut child = start(&product, &server.base_url(), &wish(round, &mut rng));
        let moment = Moment::random(&mut rng);
        match strike(&mut child, &server, moment).await {
            status if status.signal() == Some(9) => killed += 1,
            status if status.success() => ended += 1,
            status => panic!("round {round}: {status}\n{}", said(&product)),
        }
        servers.push(server);
    }
    product.settle().await;
    let last = market(servers.len()).await;
    let mut child = start(&product, &last.base_url(), &wish(servers.len(), &mut rng));
    let status = finish(&mut child).await;
    assert!(
        status.success(),
        "the last run: {status}\n{}",
        said(&product)
    );
    servers.push(last);

    let ledger = Ledger::read(&product, &servers, MARKETS).await;
    ledger.check_requests();
    ledger.check_runs(&product, killed, ended + 1).await;
    check_bars(&product, &ledger, &servers).await;
    check_secrets(&product, &[CANARY], "GOOGL").await;
    cluster::notice(&format!(
        "{kind}: {killed} kills, {ended} runs ended before theirs; {}",
        ledger.distribution(killed, ended + 1)
    ));
}

/// When a process is killed: this long after the provider has received that many of its requests.
#[derive(Debug, Clone, Copy)]
struct Moment {
    requests: usize,
    later: Duration,
}

impl Moment {
    /// Any step of a run: before its first request, between two, or after the last.
    fn random(rng: &mut Rng) -> Self {
        let requests = rng.usize(0..=SYMBOLS.len());
        // A start takes longer than a request, and the last answers must still be stored.
        let most = match requests {
            0 => 60_000,
            n if n == SYMBOLS.len() => 400_000,
            _ => 40_000,
        };
        Self {
            requests,
            later: Duration::from_micros(rng.u64(0..=most)),
        }
    }
}

/// Kills a process at its moment, if it has not ended by then.
async fn strike(child: &mut Child, server: &Server, moment: Moment) -> ExitStatus {
    let reached = async {
        while server.journal().len() < moment.requests && child.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.unwrap();
    // This is the fault itself, not a wait for something: it spreads the kills over the steps
    // between two requests.
    tokio::time::sleep(moment.later).await;
    child.kill().unwrap();
    child.wait().unwrap()
}

/// Secrets are in no table, no file of the data folder, and no output of the program; a symbol is.
async fn check_secrets(product: &Product, secrets: &[&str], symbol: &str) {
    let searchers: Vec<_> = secrets.iter().map(|secret| forms(secret)).collect();
    let mut sinks: Vec<(String, Vec<u8>)> = vec![("output".into(), said(product).into_bytes())];
    for path in files(&product.data()) {
        sinks.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }
    if let Database::Postgres(_) = product.database {
        let tables = "SELECT CAST(table_name AS text) FROM information_schema.tables WHERE table_schema = 'public'";
        let mut dump = String::new();
        for table in product.rows(tables).await.concat() {
            let rows = product
                .rows(&format!("SELECT CAST(t AS text) FROM {table} t"))
                .await;
            dump.push_str(&rows.concat().concat());
        }
        sinks.push(("tables".into(), dump.into_bytes()));
    }
    for (name, bytes) in &sinks {
        let found = searchers.iter().find_map(|searcher| searcher.find(bytes));
        assert_eq!(found, None, "{name} holds a key");
    }
    let places = sinks
        .iter()
        .filter(|(_, bytes)| memchr::memmem::find(bytes, symbol.as_bytes()).is_some());
    assert!(places.count() >= 2, "the search looks at the wrong places");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

async fn a_live_run_is_not_swept(product: Product) {
    let server = market(0).await;
    let gate = Gate::before(&server).await;
    let runs = "SELECT CAST(status AS text) FROM runs ORDER BY id";
    let requests = "SELECT CAST(state AS text) FROM requests ORDER BY id";

    let mut live = start(&product, &gate.base_url(), &fetch("IBM"));
    let held = gate.arrival().await;
    let mut dead = start(&product, &gate.base_url(), &fetch("AAPL"));
    let unanswered = gate.arrival().await;
    dead.kill().unwrap();
    dead.wait().unwrap();
    drop(unanswered);
    assert_eq!(product.rows(runs).await.concat(), ["running", "running"]);
    wait_for_a_free_lock(&product).await;

    let mut next = start(&product, &server.base_url(), &fetch("MSFT"));
    assert!(finish(&mut next).await.success(), "{}", said(&product));
    let expected = ["running", "interrupted", "succeeded"];
    assert_eq!(
        product.rows(runs).await.concat(),
        expected,
        "{}",
        said(&product)
    );
    let expected = ["reserved", "in_doubt", "stored"];
    assert_eq!(product.rows(requests).await.concat(), expected);

    gate.release(held).await;
    assert!(finish(&mut live).await.success(), "{}", said(&product));
    let expected = ["succeeded", "interrupted", "succeeded"];
    assert_eq!(product.rows(runs).await.concat(), expected);
    let expected = ["stored", "in_doubt", "stored"];
    assert_eq!(product.rows(requests).await.concat(), expected);
}

/// Waits until PostgreSQL has noticed the death of one of two runs.
async fn wait_for_a_free_lock(product: &Product) {
    if let Database::Postgres(_) = product.database {
        let locks = "SELECT CAST(count(*) AS text) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                     WHERE d.datname = current_database() AND l.locktype = 'advisory'";
        let free = async {
            while product.text(locks).await != "1" {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, free).await.unwrap();
    }
}

/// PostgreSQL may execute the COMMIT of a dead process after the next start has looked.
async fn a_reservation_after_the_sweep_is_in_doubt(product: Product) {
    let server = market(0).await;
    let gate = Gate::before(&server).await;
    let mut dead = start(&product, &gate.base_url(), &fetch("IBM"));
    let unanswered = gate.arrival().await;
    dead.kill().unwrap();
    dead.wait().unwrap();
    drop(unanswered);
    product.settle().await;
    let requests = "SELECT CAST(state AS text) FROM requests ORDER BY id";
    for after in [
        ["in_doubt", "stored"].as_slice(),
        &["in_doubt", "stored", "stored"],
    ] {
        let mut next = start(&product, &server.base_url(), &fetch("MSFT"));
        assert!(finish(&mut next).await.success(), "{}", said(&product));
        assert_eq!(product.rows(requests).await.concat(), after);
        let late = "UPDATE requests SET state = 'reserved' WHERE state = 'in_doubt'";
        product.rows(late).await;
    }
}
