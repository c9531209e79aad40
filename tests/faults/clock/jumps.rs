//! The engine over real stores while its clock is set forward and back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Datelike as _, Days, TimeDelta, TimeZone as _, Utc, Weekday};
use chrono_tz::America::New_York;
use pipeline_tui::config::Secret;
use pipeline_tui::db::{self, Access, Credential, PgTarget, Store};
use pipeline_tui::model::{Interval, SeriesKey};
use pipeline_tui::pipeline::alpha_vantage::{AlphaVantage, Limits};
use pipeline_tui::pipeline::command::Command;
use pipeline_tui::pipeline::engine::{self, EngineOptions, Handle};
use pipeline_tui::pipeline::snapshot::{ProviderStatus, Snapshot};
use pipeline_tui::pipeline::{Pipeline, Waits};
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;

use crate::support::cluster;
use crate::support::program::{CANARY, persistence};
use crate::support::rig::UNLIMITED;

const LIMIT: Duration = Duration::from_secs(30);

/// A clock that a test sets, and that counts how often it is looked at.
#[derive(Clone)]
struct Hands {
    at: Arc<Mutex<DateTime<Utc>>>,
    looks: Arc<AtomicUsize>,
}

impl Hands {
    /// Noon in New York on a Friday that the database's clock has not reached.
    fn at_noon() -> Self {
        let mut date = Clock::system().now().date_naive() + Days::new(1);
        while date.weekday() != Weekday::Fri {
            date = date + Days::new(1);
        }
        let noon = New_York.from_local_datetime(&date.and_hms_opt(12, 0, 10).unwrap());
        Self {
            at: Arc::new(Mutex::new(noon.unwrap().to_utc())),
            looks: Arc::default(),
        }
    }

    fn clock(&self) -> Clock {
        let hands = self.clone();
        Clock::from_fn(move || {
            hands.looks.fetch_add(1, Ordering::Relaxed);
            *hands.at.lock().unwrap()
        })
    }

    fn turn(&self, by: TimeDelta) {
        *self.at.lock().unwrap() += by;
    }

    /// Waits until the engine has looked at the clock many times, and so has acted on it.
    async fn seen(&self) {
        let enough = self.looks.load(Ordering::Relaxed) + 100;
        let seen = async {
            while self.looks.load(Ordering::Relaxed) < enough {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, seen).await.unwrap();
    }
}

async fn stores() -> Vec<(tempfile::TempDir, Arc<dyn Store>)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bars.db");
    let sqlite = db::open_sqlite(&file, Access::ReadWrite).await.unwrap();
    let mut stores = vec![(folder, sqlite)];
    if let Some(url) = cluster::new_database() {
        let target = PgTarget {
            url: Secret::new(url),
            shown: "test cluster".into(),
        };
        let postgres = db::open_postgres(target, Access::ReadWrite).await.unwrap();
        stores.push((tempfile::tempdir().unwrap(), postgres));
    }
    stores
}

async fn start(store: &Arc<dyn Store>, server: &Server, hands: &Hands, schedule: &str) -> Handle {
    let url = server.base_url().parse().unwrap();
    let limits = Limits::default();
    let source = AlphaVantage::with_limits(url, Secret::new(CANARY), false, hands.clock(), limits);
    let pipeline = Pipeline {
        store: Arc::clone(store),
        source: Arc::new(source.unwrap()),
        credential: Credential {
            fingerprint: "f00d".into(),
            plan: "test".into(),
        },
        limits: UNLIMITED,
        in_flight: 2,
        answers_limit: 1 << 28,
        waits: Waits::default(),
        persistence: persistence(),
        clock: hands.clock(),
    };
    let series = ["IBM", "AAPL"];
    let options = EngineOptions {
        provider: ProviderStatus {
            name: "simulated".into(),
            plan: "no limit".into(),
            key_is_demo: false,
            is_simulated: true,
        },
        watch: series
            .map(|symbol| SeriesKey::raw(symbol.parse().unwrap(), Interval::Min5))
            .into(),
        only: None,
        schedule: schedule.parse().unwrap(),
        tick: Some(Duration::from_millis(5)),
        read_only: false,
        rekey: None,
        exports: std::env::temp_dir(),
    };
    engine::start(Arc::new(pipeline), options).await.unwrap()
}

async fn until(handle: &mut Handle, is_true: impl Fn(&Snapshot) -> bool) {
    let found = handle.snapshots.wait_for(|snapshot| is_true(snapshot));
    let found = tokio::time::timeout(LIMIT, found).await.unwrap();
    drop(found.unwrap());
}

/// Waits until so many runs have ended and nothing is at work; each asked for both series, once.
async fn ran(handle: &mut Handle, server: &Server, runs: usize) {
    until(handle, |snapshot| {
        snapshot.runs.len() == runs && snapshot.run.is_none()
    })
    .await;
    assert_eq!(server.journal().len(), runs * 2, "after {runs} runs");
}

async fn end(handle: Handle) {
    handle.commands.send(Command::Shutdown).await.unwrap();
    tokio::time::timeout(LIMIT, handle.ended)
        .await
        .unwrap()
        .unwrap();
}

async fn market(hands: &Hands) -> Server {
    let options = Options {
        plan: Plan::Unlimited,
        clock: hands.clock(),
        ..Options::default()
    };
    Server::start(options).await.unwrap()
}

/// An engine that has fetched at its very first start and owns the schedule.
async fn started(store: &Arc<dyn Store>, server: &Server, hands: &Hands, schedule: &str) -> Handle {
    let mut handle = start(store, server, hands, schedule).await;
    until(&mut handle, |snapshot| snapshot.schedule.is_owner).await;
    ran(&mut handle, server, 1).await;
    handle
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_forward_starts_one_run_and_a_jump_back_starts_none() {
    for (_folder, store) in stores().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = started(&store, &server, &hands, "every 15").await;
        // 4, 672 and 34,944 instants are missed: one run each.
        for (runs, jump) in [
            (2, TimeDelta::hours(1)),
            (3, TimeDelta::days(7)),
            (4, TimeDelta::days(364)),
        ] {
            hands.turn(jump);
            ran(&mut handle, &server, runs).await;
            hands.seen().await;
            ran(&mut handle, &server, runs).await;
        }
        // Back over eight instants that were acted on, and through them again.
        hands.turn(TimeDelta::hours(-2));
        for _ in 0..8 {
            hands.seen().await;
            ran(&mut handle, &server, 4).await;
            hands.turn(TimeDelta::minutes(15));
        }
        hands.seen().await;
        ran(&mut handle, &server, 4).await;
        hands.turn(TimeDelta::minutes(15));
        ran(&mut handle, &server, 5).await;
        end(handle).await;
    }
}

/// A machine whose clock was years ahead until it was set right: the schedule goes on from now.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_years_ahead_stops_the_schedule_for_no_longer_than_it_is_wrong() {
    for (_folder, store) in stores().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = started(&store, &server, &hands, "every 15").await;
        hands.turn(TimeDelta::days(364 * 8));
        ran(&mut handle, &server, 2).await;
        hands.turn(TimeDelta::days(-364 * 8));
        hands.seen().await;
        ran(&mut handle, &server, 2).await;
        hands.turn(TimeDelta::days(7));
        ran(&mut handle, &server, 3).await;
        end(handle).await;

        // The same where the clock is set right while no engine runs.
        hands.turn(TimeDelta::days(364 * 8));
        let mut handle = start(&store, &server, &hands, "every 15").await;
        ran(&mut handle, &server, 4).await;
        end(handle).await;
        hands.turn(TimeDelta::days(-364 * 8));
        let mut handle = start(&store, &server, &hands, "every 15").await;
        until(&mut handle, |snapshot| snapshot.schedule.is_owner).await;
        hands.seen().await;
        hands.turn(TimeDelta::days(7));
        ran(&mut handle, &server, 5).await;
        end(handle).await;
    }
}
