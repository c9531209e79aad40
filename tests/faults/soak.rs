//! An engine that works for hours of a clock that runs 120 times as fast. What it takes up must not
//! grow (T28).
//!
//! Not faster: the engine looks for the work of others every ten seconds of its clock, and looks that
//! come quicker than the database answers them pile up, which no clock of a person makes them do.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline_tui::config::Secret;
use pipeline_tui::db::{self, Access, Credential, PgTarget, Store};
use pipeline_tui::model::{Interval, SeriesKey};
use pipeline_tui::pipeline::alpha_vantage::{AlphaVantage, Limits};
use pipeline_tui::pipeline::command::Command;
use pipeline_tui::pipeline::engine::{self, EngineOptions, Handle};
use pipeline_tui::pipeline::snapshot::ProviderStatus;
use pipeline_tui::pipeline::{Pipeline, Waits};
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;

use crate::support::program::{CANARY, persistence};
use crate::support::rig::UNLIMITED;
use crate::support::{cluster, in_a_process_of_its_own, rounds};

const SPEED: i32 = 120;
const SYMBOLS: [&str; 8] = [
    "IBM", "AAPL", "MSFT", "GOOGL", "AMZN", "NVDA", "ORCL", "INTC",
];
/// The log of SQLite is cut back at 16 MiB.
const LOG: u64 = 16 << 20;

/// What a process takes up while its engine rests.
#[derive(Debug, Clone, Copy)]
struct Load {
    resident_kib: u64,
    descriptors: usize,
    tasks: usize,
}

fn load() -> Load {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let digits: String = line.unwrap().chars().filter(char::is_ascii_digit).collect();
    Load {
        resident_kib: digits.parse().unwrap(),
        descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
        tasks: tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks(),
    }
}

/// `SOAK` is how many seconds each database is worked on.
#[tokio::test(flavor = "multi_thread")]
async fn hours_of_work_take_up_no_more_than_the_first() {
    // What other tests take up is not counted.
    let path = "soak::hours_of_work_take_up_no_more_than_the_first";
    if !tokio::task::block_in_place(|| in_a_process_of_its_own(path, "soak of")) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bars.db");
    let sqlite = db::open_sqlite(&file, Access::ReadWrite).await.unwrap();
    soak(sqlite).await;
    let log = std::fs::metadata(Path::new(&format!("{}-wal", file.display())));
    assert!(log.map_or(0, |log| log.len()) <= LOG, "the log has grown");
    if let Some(url) = cluster::new_database() {
        let target = PgTarget {
            url: Secret::new(url),
            shown: "test cluster".into(),
        };
        soak(db::open_postgres(target, Access::ReadWrite).await.unwrap()).await;
    }
}

async fn soak(store: Arc<dyn Store>) {
    let length = Duration::from_secs(u64::try_from(rounds("SOAK", 6)).unwrap());
    let monday = "2026-11-23T14:00:00Z".parse().unwrap();
    let clock = Clock::running_from(monday, SPEED);
    let server = Server::start(Options {
        plan: Plan::Unlimited,
        clock: clock.clone(),
        faults: ["status:503@every=23", "cut:200@every=31"]
            .map(|fault| fault.parse().unwrap())
            .into(),
        ..Options::default()
    })
    .await
    .unwrap();
    let mut handle = start(&store, &server, clock).await;
    // The first third is for what is made once: connections, caches, tables.
    work_for(&mut handle, length / 3).await;
    let before = rest(&mut handle).await;
    let asked = server.journal().len();
    work_for(&mut handle, length * 2 / 3).await;
    let after = rest(&mut handle).await;
    let asked = server.journal().len() - asked;
    cluster::notice(&format!(
        "soak of {} s on {}: {asked} requests after the first third, {before:?}, then {after:?}",
        length.as_secs(),
        store.backend()
    ));
    assert!(asked > SYMBOLS.len(), "{asked} requests prove nothing");
    // The journal of the simulator, which is in this process as well, keeps each request.
    let allowed = before.resident_kib / 20 + 4 * 1024 + asked as u64;
    assert!(
        after.resident_kib <= before.resident_kib + allowed,
        "{before:?} grew to {after:?}"
    );
    // Looks for the work of others go on at rest, and each is a few tasks; a task lost in each request shows.
    assert!(after.tasks <= before.tasks + 24, "{before:?}, {after:?}");
    assert!(
        after.descriptors <= before.descriptors + 8,
        "{before:?}, {after:?}"
    );
    handle.commands.send(Command::Shutdown).await.unwrap();
    handle.ended.await.unwrap();
    store.close().await;
}

async fn start(store: &Arc<dyn Store>, server: &Server, clock: Clock) -> Handle {
    let url = server.base_url().parse().unwrap();
    let key = Secret::new(CANARY);
    let source = AlphaVantage::with_limits(url, key, false, clock.clone(), Limits::default());
    let tick = Duration::from_millis(1);
    let pipeline = Pipeline {
        store: Arc::clone(store),
        source: Arc::new(source.unwrap()),
        credential: Credential {
            fingerprint: "f00d".into(),
            plan: "test".into(),
        },
        limits: UNLIMITED,
        in_flight: 4,
        answers_limit: 8 << 20,
        waits: Waits {
            burst: tick,
            minute: tick,
            outage: tick,
            cap: tick,
        },
        persistence: persistence(),
        clock,
    };
    let options = EngineOptions {
        provider: ProviderStatus {
            name: "simulated".into(),
            plan: "no limit".into(),
            key_is_demo: false,
            is_simulated: true,
        },
        watch: SYMBOLS
            .map(|symbol| SeriesKey::raw(symbol.parse().unwrap(), Interval::Min1))
            .into(),
        only: None,
        schedule: "every 1".parse().unwrap(),
        tick: Some(Duration::from_millis(50)),
        read_only: false,
        rekey: None,
        exports: std::env::temp_dir(),
    };
    engine::start(Arc::new(pipeline), options).await.unwrap()
}

/// Hears what the engine tells, as a panel does, for so long.
async fn work_for(handle: &mut Handle, length: Duration) {
    handle.commands.send(Command::Resume).await.unwrap();
    let until = Instant::now() + length;
    while Instant::now() < until {
        // This is the work itself, not a wait for something: notices come as long as it goes on.
        let left = until.saturating_duration_since(Instant::now());
        let _ = tokio::time::timeout(left, handle.notices.recv()).await;
    }
}

/// Lets the engine finish what it is at, and says what is taken up then.
async fn rest(handle: &mut Handle) -> Load {
    handle.commands.send(Command::Pause).await.unwrap();
    let at_rest = handle
        .snapshots
        .wait_for(|snapshot| snapshot.schedule.paused && snapshot.run.is_none());
    let at_rest = tokio::time::timeout(Duration::from_secs(30), at_rest).await;
    drop(at_rest.unwrap().unwrap());
    load()
}
