//! Several processes on one database: killed side by side, and frozen while others work.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use crate::support::gate::Gate;
use crate::support::ledger::Ledger;
use crate::support::market::{check_bars, fetch, last_run, market, wish};
use crate::support::process::{finish, said, start};
use crate::support::product::{Database, Product};
use crate::support::program::signal;
use crate::support::{chance, cluster, rounds};

/// All use one market: these tests cannot know which of two answers about a bar is written last.
const WORKERS: usize = 4;
const OTHERS: &str = "IBM,AAPL";

#[tokio::test(flavor = "multi_thread")]
async fn workers_killed_beside_each_other_lose_nothing_in_sqlite() {
    workers_killed_beside_each_other_lose_nothing(Product::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_killed_beside_each_other_lose_nothing_in_postgres() {
    if let Some(product) = Product::postgres() {
        workers_killed_beside_each_other_lose_nothing(product).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_worker_harms_nobody_in_sqlite() {
    a_frozen_worker_harms_nobody(Product::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_worker_harms_nobody_in_postgres() {
    if let Some(product) = Product::postgres() {
        a_frozen_worker_harms_nobody(product).await;
    }
}

/// `CROWD_KILLS` is the number of kills on each database.
async fn workers_killed_beside_each_other_lose_nothing(product: Product) {
    let mut rng = chance("CROWD_SEED");
    let (mut providers, mut killed, mut ended) = (vec![], 0, 0);
    while killed < rounds("CROWD_KILLS", 12) {
        let round = providers.len();
        let provider = market(0).await;
        // All of them fetch the same, so that they write the same rows.
        let wish = wish(round, &mut rng);
        let mut workers: Vec<_> = (0..WORKERS)
            .map(|_| start(&product, &provider.base_url(), &wish))
            .collect();
        for worker in &mut workers {
            // This is the fault itself, not a wait for something: it spreads the kills over the runs.
            tokio::time::sleep(Duration::from_micros(rng.u64(0..150_000))).await;
            worker.kill().unwrap();
        }
        for worker in &mut workers {
            match worker.wait().unwrap() {
                status if status.signal() == Some(9) => killed += 1,
                status if status.success() => ended += 1,
                status => panic!("{status}\n{}", said(&product)),
            }
        }
        providers.push(provider);
    }
    product.settle().await;
    let ledger = last_run(&product, providers, killed, ended).await;
    cluster::notice(&format!(
        "{}: {killed} of {} workers killed, {WORKERS} at once; {}",
        product.kind(),
        killed + ended,
        ledger.distribution(killed, ended + 1)
    ));
}

/// A process frozen while its answer is on the way keeps its run, and stores the answer when it wakes.
/// It fetches one series: with several, it may freeze inside a transaction and block the others.
/// `FROZEN` is how often one is frozen.
async fn a_frozen_worker_harms_nobody(product: Product) {
    let mut providers = vec![];
    for _ in 0..rounds("FROZEN", 2) {
        let provider = market(0).await;
        let gate = Gate::before(&provider).await;
        let mut sleeper = start(&product, &gate.base_url(), &fetch("IBM"));
        let held = gate.arrival().await;
        signal("STOP", &sleeper);
        while holds_the_file(&product) {
            signal("CONT", &sleeper);
            signal("STOP", &sleeper);
        }
        gate.release(held).await;
        gate.open();
        providers.push(provider);
        let other = market(0).await;
        let mut run = start(&product, &other.base_url(), &fetch(OTHERS));
        let status = finish(&mut run).await;
        assert!(status.success(), "{status}\n{}", said(&product));
        let runs = "SELECT CAST(status AS text) FROM runs ORDER BY id DESC LIMIT 2";
        assert_eq!(product.rows(runs).await.concat(), ["succeeded", "running"]);
        signal("CONT", &sleeper);
        let status = finish(&mut sleeper).await;
        assert!(status.success(), "{status}\n{}", said(&product));
        providers.push(other);
    }
    let ledger = Ledger::read(&product, &providers, 1).await;
    ledger.check_requests();
    ledger.check_runs(&product, 0, providers.len()).await;
    check_bars(&product, &ledger, &providers).await;
}

/// Whether a process is in an SQLite transaction. One that freezes there holds the file, and all others wait.
fn holds_the_file(product: &Product) -> bool {
    let Database::Sqlite(path) = &product.database else {
        return false;
    };
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.busy_timeout(Duration::ZERO).unwrap();
    connection
        .execute_batch("BEGIN IMMEDIATE; ROLLBACK")
        .is_err()
}
