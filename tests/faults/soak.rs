//! An engine that runs for hours on a clock 120 times as fast. The resources it uses must not
//! grow (T28).
//!
//! Not faster: the engine checks for other processes' work every ten seconds of its clock, and checks
//! that come faster than the database answers pile up, which never happens on a real clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use pipeline_tui::db::Store;
use pipeline_tui::model::{Interval, RunStatus, SeriesKey};
use pipeline_tui::pipeline::command::Command;
use pipeline_tui::pipeline::engine::Handle;
use pipeline_tui::pipeline::notice::What;
use pipeline_tui::pipeline::source::FetchOptions;
use pipeline_tui::pipeline::{Event, Pipeline, RunRequest, Waits};
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;
use tokio_util::sync::CancellationToken;

use crate::support::engine::{self, Work, until};
use crate::support::{cluster, in_a_process_with, rounds};

const SPEED: i32 = 120;
const SYMBOLS: [&str; 8] = [
    "IBM", "AAPL", "MSFT", "GOOGL", "AMZN", "NVDA", "ORCL", "INTC",
];
/// Series of 100 bars in a filled store.
const FILLED: usize = 500;
/// How often the work is repeated if its resources have grown.
const PARTS: usize = 3;
/// The log of SQLite is cut back at 16 MiB.
const LOG: u64 = 16 << 20;

/// The resources of a process while its engine is idle.
#[derive(Debug, Clone, Copy)]
struct Load {
    /// Its private memory in RAM: the system loads and drops pages of the program's file as it likes.
    own_kib: u64,
    descriptors: usize,
    tasks: usize,
}

impl Load {
    fn has_grown_from(self, before: Self) -> bool {
        self.own_kib > before.own_kib + before.own_kib / 20 + 1024
            // Checks for other processes' work continue while idle, and each is a few tasks.
            || self.tasks > before.tasks + 24
            || self.descriptors > before.descriptors + 8
    }
}

fn load() -> Load {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let digits: String = line.unwrap().chars().filter(char::is_ascii_digit).collect();
    Load {
        own_kib: digits.parse().unwrap(),
        descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
        tasks: tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks(),
    }
}

/// Where the provider is, and when the clock was started: in the process that is measured.
const PROVIDER: &str = "SOAK_PROVIDER";
const BEGAN: &str = "SOAK_BEGAN";

#[tokio::test(flavor = "multi_thread")]
async fn hours_of_work_on_sqlite_take_up_no_more_than_the_first() {
    let Some(provider) =
        beside_the_provider("soak::hours_of_work_on_sqlite_take_up_no_more_than_the_first").await
    else {
        return;
    };
    let (folder, store) = engine::sqlite().await;
    soak(&store, &provider).await;
    // Before the store closes, which removes its log.
    let log = std::fs::metadata(folder.path().join("bars.db-wal")).unwrap();
    assert!((1..=LOG).contains(&log.len()), "{} bytes of log", log.len());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_of_work_on_postgres_take_up_no_more_than_the_first() {
    let Some(provider) =
        beside_the_provider("soak::hours_of_work_on_postgres_take_up_no_more_than_the_first").await
    else {
        return;
    };
    let Some(store) = engine::postgres().await else {
        return;
    };
    soak(&store, &provider).await;
    store.close().await;
}

/// Starts the provider and the test of this path in a separate process, which is given the
/// provider's address: the resources of the provider and of other tests do not count.
async fn beside_the_provider(path: &str) -> Option<String> {
    if let Ok(provider) = std::env::var(PROVIDER) {
        return Some(provider);
    }
    let began = Clock::system().now();
    let server = Server::start(Options {
        plan: Plan::Unlimited,
        clock: clock(began),
        faults: ["status:503@every=23", "cut:200@every=31"]
            .map(|fault| fault.parse().unwrap())
            .into(),
        ..Options::default()
    })
    .await
    .unwrap();
    let variables = [(PROVIDER, server.base_url()), (BEGAN, began.to_rfc3339())];
    tokio::task::block_in_place(|| in_a_process_with(&variables, path, "soak of"));
    None
}

/// The clock of both processes: it started on a Monday, when the exchange had just opened.
fn clock(began: DateTime<Utc>) -> Clock {
    let monday: DateTime<Utc> = "2026-11-23T14:31:00Z".parse().unwrap();
    Clock::running_from(monday + (Clock::system().now() - began) * SPEED, SPEED)
}

/// `SOAK` is how many seconds the engine runs on each database.
async fn soak(store: &Arc<dyn Store>, provider: &str) {
    let length = Duration::from_secs(u64::try_from(rounds("SOAK", 6)).unwrap());
    let clock = clock(std::env::var(BEGAN).unwrap().parse().unwrap());
    let tick = Duration::from_millis(1);
    let work = Work {
        symbols: &SYMBOLS,
        interval: Interval::Min1,
        schedule: "every 1",
        in_flight: 4,
        waits: Waits {
            burst: tick,
            minute: tick,
            outage: tick,
            cap: tick,
            ..Waits::default()
        },
        tick: Duration::from_millis(50),
    };
    let pipeline = engine::pipeline(store, provider, clock, &work);
    fill(&pipeline).await;
    let mut handle = engine::start(pipeline, work).await;
    // The first third is for what is created once: connections, caches, tables.
    work_for(&mut handle, length / 3).await;
    let mut before = rest(&mut handle).await;
    // A leak grows each time; what piles up on a busy machine for a while does not.
    for part in 1..=PARTS {
        let asked = work_for(&mut handle, length * 2 / 3).await;
        let after = rest(&mut handle).await;
        cluster::notice(&format!(
            "soak of {} s on {}: {asked} requests after the first third, {before:?}, then {after:?}",
            length.as_secs(),
            store.backend()
        ));
        assert!(asked > SYMBOLS.len(), "{asked} requests prove nothing");
        if !after.has_grown_from(before) {
            break;
        }
        assert!(part < PARTS, "{before:?} grew to {after:?}, {PARTS} times");
        before = after;
    }
    handle.commands.send(Command::Shutdown).await.unwrap();
    handle.ended.await.unwrap();
}

/// Stores as many bars as a store in use holds: SQLite's page cache, 8 MiB, is full then, so later
/// growth comes from the work. Each answer is small: the free heap that a large one leaves would hide
/// a later leak.
async fn fill(pipeline: &Arc<Pipeline>) {
    let series =
        (0..FILLED).map(|n| SeriesKey::raw(format!("F{n}").parse().unwrap(), Interval::Daily));
    let request = RunRequest {
        trigger: "fill",
        series: series.collect(),
        options: FetchOptions::default().with("outputsize", "compact"),
        max_age: None,
        within: None,
    };
    let (silent, never) = (Arc::new(|_| {}), CancellationToken::new());
    let report = pipeline.run(request, silent, never).await.unwrap();
    assert_eq!(report.status, RunStatus::Succeeded);
}

/// Receives the engine's notices, as a panel does, for this long. Returns the number of requests sent.
async fn work_for(handle: &mut Handle, length: Duration) -> usize {
    handle.commands.send(Command::Resume).await.unwrap();
    let until = Instant::now() + length;
    let mut sent = 0;
    while Instant::now() < until {
        // This is the work itself, not a wait for something: notices come as long as it continues.
        let left = until.saturating_duration_since(Instant::now());
        let notice = tokio::time::timeout(left, handle.notices.recv()).await;
        if let Ok(Some(notice)) = notice {
            sent += usize::from(matches!(notice.what, What::Run(Event::Sending { .. })));
        }
    }
    sent
}

/// Lets the engine finish its work, and returns the resources used then.
async fn rest(handle: &mut Handle) -> Load {
    handle.commands.send(Command::Pause).await.unwrap();
    until(handle, |snapshot| {
        snapshot.schedule.paused && snapshot.run.is_none()
    })
    .await;
    load()
}
