//! A database that crashes, freezes, disconnects or falls silent in the middle of a run.
//!
//! The promise: an answer that was paid for is never thrown away and never requested twice.

use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pipeline_tui::config::Secret;
use pipeline_tui::db::{self, Access, PgTarget, Store};
use pipeline_tui::model::EngineId;
use pipeline_tui::simulate::Server as Provider;

use crate::support::cluster::{Server, notice, psql};
use crate::support::gate::Gate;
use crate::support::ledger::Ledger;
use crate::support::market::{MARKETS, check_bars, fetch, market, wish};
use crate::support::process::{PATIENCE, finish, said, start};
use crate::support::product::Product;
use crate::support::program::signal;
use crate::support::promise::assert_in_time;
use crate::support::proxy::{Proxy, Way};
use crate::support::server::{self, crash, database, durable};
use crate::support::{chance, rounds};

/// Requests in flight at once on a plan without limits.
const IN_FLIGHT: usize = 4;
const EIGHT: &str = "IBM,AAPL,MSFT,GOOGL,AMZN,NVDA,ORCL,INTC";
/// From the server's first accepted connection to the last kept answer in its tables.
const DRAINED: Duration = Duration::from_secs(5);

/// A run of eight series of which four wait for their answers.
struct Scene {
    server: Server,
    product: Product,
    /// Of the previous run, and of this one.
    providers: [Provider; 2],
    run: Child,
}

impl Scene {
    /// The server crashes, then the answers arrive; returns once all of them are on disk.
    async fn with_answers_on_disk() -> Option<Self> {
        let server = durable()?;
        let product = Product::on(database(&server));
        // A key's first request of a function goes alone, so only the second run sends four at once.
        let providers = [market(0).await, market(1).await];
        let mut first = start(&product, &providers[0].base_url(), &fetch("QCOM"));
        assert!(finish(&mut first).await.success(), "{}", said(&product));
        let gate = Gate::before(&providers[1]).await;
        let run = start(&product, &gate.base_url(), &fetch(EIGHT));
        let mut held = vec![];
        while held.len() < IN_FLIGHT {
            held.push(gate.arrival().await);
        }
        crash(&server);
        for request in held {
            gate.release(request).await;
        }
        gate.open();
        let scene = Self {
            server,
            product,
            providers,
            run,
        };
        until(|| scene.spooled().len() == IN_FLIGHT).await;
        Some(scene)
    }

    /// Answers on disk.
    fn spooled(&self) -> Vec<PathBuf> {
        let folder = self.product.data().join("spool");
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let paths = files.map(|file| file.path());
        paths
            .filter(|path| path.extension().is_some_and(|end| end == "answer"))
            .collect()
    }

    async fn stored(&self) -> usize {
        let stored = "SELECT CAST(count(*) AS text) FROM requests WHERE state = 'stored'";
        self.product.text(stored).await.parse::<usize>().unwrap() - 1
    }

    /// Requests of this run that the provider has received.
    fn seen(&self) -> usize {
        self.providers[1].journal().len()
    }

    /// Every request was received once and is stored, and every bar is there as it was sent.
    async fn check(self, runs: &[&str]) {
        assert_eq!(self.spooled(), Vec::<PathBuf>::new());
        let statuses = "SELECT CAST(status AS text) FROM runs ORDER BY id";
        assert_eq!(self.product.rows(statuses).await.concat(), runs);
        let ledger = Ledger::read(&self.product, &self.providers, MARKETS).await;
        let unseen = ledger
            .requests
            .iter()
            .find(|request| request.seen.is_none());
        assert!(unseen.is_none(), "reserved and not sent");
        ledger.check_requests();
        check_bars(&self.product, &ledger, &self.providers).await;
    }
}

/// Waits until another process has made something true.
async fn until(is_true: impl Fn() -> bool) {
    let waiting = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}

/// `OUTAGES` is the lengths of the outages in seconds, with commas between them.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_throws_no_answer_away_and_asks_for_none_twice() {
    let lengths = std::env::var("OUTAGES").unwrap_or_else(|_| "1".to_owned());
    for seconds in lengths.split(',').map(|length| length.parse().unwrap()) {
        let Some(mut scene) = Scene::with_answers_on_disk().await else {
            return;
        };
        // This is the fault itself, not a wait for something.
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        assert!(scene.run.try_wait().unwrap().is_none(), "it waits");
        assert_eq!(scene.seen(), IN_FLIGHT, "it sends nothing");
        scene.server.begin();
        let ready = Instant::now();
        while scene.stored().await < IN_FLIGHT {
            assert!(ready.elapsed() < PATIENCE, "{}", said(&scene.product));
        }
        let drained = ready.elapsed();
        notice(&format!(
            "outage of {seconds} s: drained {} ms after the server was ready",
            drained.as_millis()
        ));
        assert_in_time(drained, DRAINED);
        let status = finish(&mut scene.run).await;
        let words = said(&scene.product);
        assert!(status.success(), "{words}");
        assert!(words.contains("safe on disk"), "{words}");
        assert_eq!(scene.seen(), 2 * IN_FLIGHT);
        scene.check(&["succeeded", "succeeded"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_on_disk_outlive_their_process() {
    let Some(mut scene) = Scene::with_answers_on_disk().await else {
        return;
    };
    scene.run.kill().unwrap();
    scene.run.wait().unwrap();
    scene.server.begin();
    until_up_for(GRACE, &scene.product).await;
    let url = scene.providers[1].base_url();
    let mut next = start(&scene.product, &url, &fetch("CSCO"));
    assert!(
        finish(&mut next).await.success(),
        "{}",
        said(&scene.product)
    );
    assert_eq!(scene.seen(), IN_FLIGHT + 1);
    scene
        .check(&["succeeded", "interrupted", "succeeded"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_in_an_outage_it_stops_at_once_and_the_answers_stay() {
    for (name, code) in [("TERM", 130), ("INT", 130)] {
        let Some(mut scene) = Scene::with_answers_on_disk().await else {
            return;
        };
        signal(name, &scene.run);
        let told = Instant::now();
        let status = finish(&mut scene.run).await;
        assert_in_time(told.elapsed(), Duration::from_secs(5));
        assert_eq!(status.code(), Some(code), "{}", said(&scene.product));
        assert_eq!(scene.spooled().len(), IN_FLIGHT, "{}", said(&scene.product));
    }
}

/// `RESTARTS` is the number of crashes.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_at_any_moment_costs_nothing() {
    let Some(server) = durable() else { return };
    let product = Product::on(database(&server));
    let mut rng = chance("OUTAGE_SEED");
    let mut providers = vec![];
    for round in 0..rounds("RESTARTS", 2) {
        let provider = market(round).await;
        let mut run = start(&product, &provider.base_url(), &wish(round, &mut rng));
        let requests = rng.usize(1..=12);
        until(|| provider.journal().len() >= requests || run_is_over(&run)).await;
        crash(&server);
        server.begin();
        let status = finish(&mut run).await;
        assert!(
            status.success(),
            "round {round}: {status}\n{}",
            said(&product)
        );
        providers.push(provider);
    }
    check(&product, &providers).await;
}

/// Whether a process is over, without reaping it.
fn run_is_over(run: &Child) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", run.id())).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_none_or(|(_, rest)| rest.starts_with('Z'))
}

/// Every request that was sent is stored, none twice, and every bar is as it was sent.
async fn check(product: &Product, providers: &[Provider]) {
    let ledger = Ledger::read(product, providers, MARKETS).await;
    for request in &ledger.requests {
        let is_seen = request.seen.is_some();
        assert!(
            request.state == "stored" && is_seen || request.state == "in_doubt" && !is_seen,
            "request {} is {}, seen: {is_seen}",
            request.id,
            request.state
        );
    }
    check_bars(product, &ledger, providers).await;
    let open =
        "SELECT CAST(count(*) AS text) FROM runs WHERE status NOT IN ('succeeded', 'interrupted')";
    assert_eq!(product.text(open).await, "0");
    let empty = "SELECT CAST(count(*) AS text) FROM runs r WHERE status = 'interrupted' \
                 AND EXISTS (SELECT 1 FROM requests q WHERE q.run_id = r.id)";
    assert_eq!(product.text(empty).await, "0", "a live run was swept");
}

/// A proxy to the server that can break, and the database's URL through it.
async fn by_proxy(server: &Server) -> (Proxy, String) {
    let direct = database(server);
    let (_, place) = direct.split_once('@').unwrap();
    let (host, _) = place.split_once('/').unwrap();
    let proxy = Proxy::before(host.to_owned()).await;
    let address = direct.replace(host, proxy.address());
    (proxy, address)
}

/// The store at a URL, in this process.
async fn open(url: String) -> Arc<dyn Store> {
    let target = PgTarget {
        url: Secret::new(url),
        shown: "here".to_owned(),
    };
    db::open_postgres(target, Access::ReadWrite).await.unwrap()
}

/// `CUTS` is the number of COMMITs at which the connection breaks.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_at_commit_leaves_no_doubt() {
    let Some(server) = durable() else { return };
    let (proxy, address) = by_proxy(&server).await;
    let product = Product::on(address);
    let (mut providers, mut cut) = (vec![market(0).await], 0);
    let mut first = start(&product, &providers[0].base_url(), &fetch("IBM"));
    assert!(finish(&mut first).await.success(), "{}", said(&product));
    let mut rng = chance("OUTAGE_SEED");
    let cuts = rounds("CUTS", 12);
    let mut at = 0;
    while cut < cuts {
        let round = providers.len();
        let provider = market(round).await;
        // Each step of a run in turn, beginning with the first.
        at += 1;
        let before = proxy.commits();
        proxy.cut_at_commit(at);
        let mut run = start(&product, &provider.base_url(), &wish(round, &mut rng));
        let status = finish(&mut run).await;
        assert!(
            status.success(),
            "cut at COMMIT {at}: {status}\n{}",
            said(&product)
        );
        providers.push(provider);
        if proxy.commits() - before < at {
            at = 0;
        } else {
            cut += 1;
        }
    }
    proxy.cut_at_commit(usize::MAX / 2);
    let last = market(providers.len()).await;
    let mut run = start(&product, &last.base_url(), &fetch("IBM"));
    assert!(finish(&mut run).await.success(), "{}", said(&product));
    providers.push(last);
    check(&product, &providers).await;
}

/// `TERMINATIONS` is the number of sessions that the server ends.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_the_server_ends_cost_nothing() {
    let Some(server) = durable() else { return };
    let product = Product::on(database(&server));
    let mut rng = chance("OUTAGE_SEED");
    let (mut providers, mut ended) = (vec![], 0);
    while ended < rounds("TERMINATIONS", 10) {
        let round = providers.len();
        let provider = market(round).await;
        let mut run = start(&product, &provider.base_url(), &wish(round, &mut rng));
        while !run_is_over(&run) {
            let end = "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity \
                       WHERE application_name = 'pipeline-tui' ORDER BY random() LIMIT 1) one";
            ended += psql(&database(&server), end).parse::<usize>().unwrap();
        }
        let status = finish(&mut run).await;
        // A session that ends while the store is being opened ends the command, before anything is requested.
        let words = said(&product);
        assert!(
            status.success() || provider.journal().is_empty(),
            "{status}\n{words}"
        );
        providers.push(provider);
    }
    let last = market(providers.len()).await;
    let mut run = start(&product, &last.base_url(), &fetch("IBM"));
    assert!(finish(&mut run).await.success(), "{}", said(&product));
    providers.push(last);
    check(&product, &providers).await;
}

/// `HOLES` is how often all connections of a store fall silent at once.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_fell_silent_are_replaced_within_a_second() {
    let Some(server) = durable() else { return };
    let (proxy, address) = by_proxy(&server).await;
    let store = open(address).await;
    for round in 0..rounds("HOLES", 2) {
        // Enough at once to open every connection of the pool.
        let reads = |count| (0..count).map(|_| store.health());
        for read in join_all(reads(32)).await {
            read.unwrap();
        }
        let busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pipeline-tui' AND state <> 'idle'";
        until(|| psql(&database(&server), busy) == "0").await;
        proxy.set(Way::Silent);
        // Connections in use fall silent as well as idle ones.
        let in_use = Arc::clone(&store);
        let in_use = tokio::spawn(async move { in_use.health().await });
        let lost = Instant::now();
        assert!(store.health().await.is_err(), "round {round}");
        let told = lost.elapsed();
        proxy.set(Way::Open);
        let healed = Instant::now();
        store.health().await.unwrap();
        let back = healed.elapsed();
        notice(&format!(
            "silent: told after {} ms, back after {} ms",
            told.as_millis(),
            back.as_millis()
        ));
        assert_in_time(told, Duration::from_secs(4));
        assert_in_time(back, Duration::from_secs(1));
        in_use.abort();
    }
    store.close().await;
}

/// A connection is tested when it is returned: one that falls silent then must not keep its place
/// in the pool, or after eight of them the pool has no connection left.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_falls_silent_while_it_is_given_back_keeps_no_place() {
    let Some(server) = durable() else { return };
    let (proxy, address) = by_proxy(&server).await;
    let store = open(address).await;
    proxy.set(Way::Untried);
    // As many at once as the pool has places, four times.
    for _ in 0..4 {
        for read in join_all((0..8).map(|_| store.health())).await {
            read.unwrap();
        }
    }
    // It closes once every place is free.
    let closed = tokio::time::timeout(Duration::from_secs(10), store.close()).await;
    assert!(closed.is_ok(), "a place in the pool is lost");
}

/// `FREEZE` is how long the server is frozen, in seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_is_waited_for() {
    let Some(server) = durable() else { return };
    let product = Product::on(database(&server));
    let provider = market(0).await;
    let gate = Gate::before(&provider).await;
    let mut run = start(&product, &gate.base_url(), &fetch(EIGHT));
    let held = gate.arrival().await;
    server::signal(&server, "STOP");
    gate.release(held).await;
    gate.open();
    // This is the fault itself, not a wait for something.
    let seconds = rounds("FREEZE", 2);
    tokio::time::sleep(Duration::from_secs(seconds.try_into().unwrap())).await;
    server::signal(&server, "CONT");
    assert!(finish(&mut run).await.success(), "{}", said(&product));
    check(&product, &[provider]).await;
}

/// The server forgets every lock when it crashes; a live run must not look dead afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_takes_its_lock_again_after_a_crash() {
    let Some(server) = durable() else { return };
    let product = Product::on(database(&server));
    let providers = [market(0).await, market(1).await];
    // Slow answers: the first is requested alone, then four times as many as may be in
    // flight. The run stays alive during that time.
    providers[0].set_faults(vec!["slow:5000".parse().unwrap()]);
    let symbols = "IBM,MSFT,GOOGL,AMZN,NVDA,ORCL,INTC,CSCO,QCOM,TXN,AMD,S1,S2,S3,S4,S5,S6";
    let mut live = start(&product, &providers[0].base_url(), &fetch(symbols));
    until(|| providers[0].journal().len() == 1).await;
    crash(&server);
    server.begin();
    until_up_for(GRACE, &product).await;
    let mut other = start(&product, &providers[1].base_url(), &fetch("AAPL"));
    assert!(finish(&mut other).await.success(), "{}", said(&product));
    let statuses = "SELECT CAST(status AS text) FROM runs ORDER BY id";
    assert_eq!(
        product.rows(statuses).await.concat(),
        ["running", "succeeded"]
    );
    assert!(finish(&mut live).await.success(), "{}", said(&product));
    providers[0].set_faults(vec![]);
    check(&product, &providers).await;
}

/// Runs that are older than the server's start have ten seconds to take their locks again.
const GRACE: u32 = 10;

/// Waits until the server has been up for this many seconds.
async fn until_up_for(seconds: u32, product: &Product) {
    let up = format!(
        "SELECT CAST(clock_timestamp() > pg_postmaster_start_time() + interval '{seconds} s' AS text)"
    );
    while product.text(&up).await != "true" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// An engine whose session ended still lives: until others see that again, they may take its lanes.
#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_an_engine_that_was_ended_is_replaced() {
    let Some(server) = durable() else { return };
    let store = open(database(&server)).await;
    let engine = EngineId::new();
    let _lock = store.appear(engine).await.unwrap().unwrap();
    assert!(store.appear(engine).await.unwrap().is_none());
    let held = || {
        psql(
            &database(&server),
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory'",
        )
    };
    let first = held();
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'";
    assert_eq!(psql(&database(&server), end), "1");
    until(|| ![String::new(), first.clone()].contains(&held())).await;
    store.close().await;
}
