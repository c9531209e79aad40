//! The engine on real stores while its clock is set forward and back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Datelike as _, Days, TimeDelta, TimeZone as _, Utc, Weekday};
use chrono_tz::America::New_York;
use pipeline_tui::db::Store;
use pipeline_tui::model::Interval;
use pipeline_tui::model::calendar::{Calendar, CalendarId};
use pipeline_tui::pipeline::Waits;
use pipeline_tui::pipeline::command::Command;
use pipeline_tui::pipeline::engine::Handle;
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;

use crate::support::engine::{self, Work, stores, until};

const LIMIT: Duration = Duration::from_secs(30);

/// A clock that a test sets, and that counts how often it is looked at.
#[derive(Clone)]
struct Hands {
    at: Arc<Mutex<DateTime<Utc>>>,
    looks: Arc<AtomicUsize>,
}

impl Hands {
    /// Noon in New York on a Friday after the database's present.
    fn at_noon() -> Self {
        let new_york = Calendar::from(CalendarId::Xnys);
        let mut date = Clock::system().now().date_naive() + Days::new(1);
        while date.weekday() != Weekday::Fri || new_york.session(date).is_none() {
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
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(LIMIT, seen).await.unwrap();
    }
}

async fn start(store: &Arc<dyn Store>, server: &Server, hands: &Hands, schedule: &str) -> Handle {
    let work = Work {
        symbols: &["IBM", "AAPL"],
        interval: Interval::Min5,
        schedule,
        in_flight: 2,
        waits: Waits::default(),
        tick: Duration::from_millis(5),
    };
    let pipeline = engine::pipeline(store, &server.base_url(), hands.clock(), &work);
    engine::start(pipeline, work).await
}

/// Waits until this many runs have ended and none is in progress; each requested both series once.
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

/// What became of the newest instants, newest first, each with the run, once that is known of all.
async fn noted(store: &Arc<dyn Store>, hands: &Hands) -> Vec<String> {
    let upto = hands.clock().now() + TimeDelta::hours(3);
    let known = async {
        while !store.due_ticks().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, known).await.unwrap();
    let noted = store.ticks(500, upto).await.unwrap();
    let words = noted.iter().map(|noted| {
        let run = noted.tick.run.map_or(0, |run| run.0);
        format!("{} {run}", noted.tick.outcome)
    });
    words.collect()
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
    owned(&handle, hands).await;
    ran(&mut handle, server, 1).await;
    handle
}

/// Waits until an engine owns the schedule. The database may notice the end of the last owner's session
/// a little later: then the engine tries again every ten seconds of its clock.
async fn owned(handle: &Handle, hands: &Hands) {
    for _ in 0..60 {
        hands.seen().await;
        if handle.snapshots.borrow().schedule.is_owner {
            return;
        }
        hands.turn(TimeDelta::seconds(10));
    }
    panic!("not the owner of the schedule after ten minutes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_forward_starts_one_run_and_a_jump_back_starts_none() {
    for (_folder, store) in stores().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = started(&store, &server, &hands, "every 15").await;
        assert!(noted(&store, &hands).await.is_empty());
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
            let noted = noted(&store, &hands).await;
            let of_this_run = |outcome: &str| format!("{outcome} {runs}");
            assert_eq!(noted[0], of_this_run("done"), "the newest instant");
            assert_eq!(noted[1..4], [(); 3].map(|()| of_this_run("missed")));
            assert_eq!(noted.len(), if runs == 2 { 4 } else { 500 });
        }
        let before = noted(&store, &hands).await;
        // Back over eight instants that had their run, and through them again.
        hands.turn(TimeDelta::hours(-2));
        for _ in 0..8 {
            hands.seen().await;
            ran(&mut handle, &server, 4).await;
            hands.turn(TimeDelta::minutes(15));
        }
        hands.seen().await;
        ran(&mut handle, &server, 4).await;
        assert_eq!(
            noted(&store, &hands).await,
            before,
            "no instant is noted twice"
        );
        hands.turn(TimeDelta::minutes(15));
        ran(&mut handle, &server, 5).await;
        hands.seen().await;
        ran(&mut handle, &server, 5).await;
        end(handle).await;
    }
}

/// A machine whose clock was years ahead until it was corrected: the schedule continues from now.
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

        // The same if the clock is corrected while no engine runs.
        hands.turn(TimeDelta::days(364 * 8));
        let mut handle = start(&store, &server, &hands, "every 15").await;
        owned(&handle, &hands).await;
        ran(&mut handle, &server, 4).await;
        end(handle).await;
        hands.turn(TimeDelta::days(-364 * 8));
        let mut handle = start(&store, &server, &hands, "every 15").await;
        owned(&handle, &hands).await;
        hands.seen().await;
        hands.turn(TimeDelta::days(7));
        ran(&mut handle, &server, 5).await;
        end(handle).await;
    }
}
