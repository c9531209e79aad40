//! The engine over real stores and a real provider: schedule, ownership, and the headless command.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::America::New_York;
use pipeline_tui::config::Secret;
use pipeline_tui::db::{self, Access, Beat, PgTarget, Store};
use pipeline_tui::model::calendar::{Calendar, CalendarId};
use pipeline_tui::model::quota::Quota;
use pipeline_tui::model::{EngineHome, EngineId, Interval, SeriesKey, SourceId, WatchEdit};
use pipeline_tui::pipeline::command::{Anchor, BarsWindow, Command};
use pipeline_tui::pipeline::credential::fingerprint;
use pipeline_tui::pipeline::engine::{self, EngineOptions, Handle};
use pipeline_tui::pipeline::notice::What;
use pipeline_tui::pipeline::schedule::Schedule;
use pipeline_tui::pipeline::snapshot::Snapshot;
use pipeline_tui::pipeline::sources::{self, alpha_vantage::AlphaVantage};
use pipeline_tui::pipeline::{Once, Pipeline, Unreadable};
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;

mod coverage;
mod events;
mod export;
mod faults;
mod fills;
mod kept;
mod monitor;
mod panel;
mod rolled_up;
mod sessions;
mod several;
mod spare;
mod starts;
mod symbols;
mod watch_list;

use crate::support::cluster;
use crate::support::lane::lane;
use crate::support::program::{CANARY, Desk, persistence, provider, signal};

/// Whether New York trades on this day and on the Monday after it until 16:00.
fn is_full_day(friday: NaiveDate) -> bool {
    let calendar = Calendar::from(CalendarId::Xnys);
    [friday, friday + chrono::Days::new(3)].iter().all(|date| {
        calendar
            .session(*date)
            .is_some_and(|session| !session.early)
    })
}

/// A clock that a test moves.
#[derive(Clone)]
struct Hands(Arc<Mutex<DateTime<Utc>>>);

impl Hands {
    /// Noon in New York on the next Friday: everything the database's clock records is before it.
    fn at_noon() -> Self {
        let mut date = Clock::system().now().date_naive() + chrono::Days::new(1);
        while date.weekday() != chrono::Weekday::Fri || !is_full_day(date) {
            date = date + chrono::Days::new(1);
        }
        let noon = New_York
            .from_local_datetime(&date.and_hms_opt(12, 0, 0).unwrap())
            .unwrap();
        Self(Arc::new(Mutex::new(noon.to_utc())))
    }

    fn clock(&self) -> Clock {
        let hands = self.clone();
        Clock::from_fn(move || *hands.0.lock().unwrap())
    }

    fn move_on(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }

    /// Sets it to half past four in New York on the next Monday, whatever clocks do on Sunday.
    fn after_mondays_close(&self) {
        let mut hands = self.0.lock().unwrap();
        let mut date = hands.with_timezone(&New_York).date_naive();
        while date.weekday() != chrono::Weekday::Mon {
            date = date + chrono::Days::new(1);
        }
        let close = New_York.from_local_datetime(&date.and_hms_opt(16, 30, 0).unwrap());
        *hands = close.unwrap().to_utc();
    }
}

fn watched() -> Vec<SeriesKey> {
    ["IBM", "AAPL"]
        .map(|symbol| SeriesKey::raw(symbol.parse().unwrap(), Interval::Daily))
        .into()
}

fn pipeline(store: Arc<dyn Store>, server: &Server, hands: &Hands, key: &str) -> Pipeline {
    let base_url = server.base_url().parse().unwrap();
    let source = AlphaVantage::new(base_url, Secret::new(key), false, hands.clock()).unwrap();
    Pipeline {
        store,
        lanes: vec![lane(
            source,
            (&fingerprint(&[Secret::new(key)]), "free"),
            |policy| {
                (policy.quota, policy.in_flight) = (Quota::unlimited(New_York), 2);
            },
        )],
        answers_limit: 1 << 28,
        calendars: sources::calendars(),
        unreadable: Unreadable::default(),
        stocktaking: Once::default(),
        persistence: persistence(),
        clock: hands.clock(),
    }
}

fn options() -> EngineOptions {
    EngineOptions {
        watch: watched(),
        only: None,
        schedule: Schedule::after_close(),
        tick: Some(Duration::from_millis(5)),
        read_only: false,
        rekey: None,
        exports: std::env::temp_dir(),
        alerts: Arc::default(),
        retention: pipeline_tui::model::Retention::default(),
        lease: engine::LEASE,
    }
}

/// Makes a store look used: on a new one, an engine's first start fetches by itself.
async fn ran_before(store: &Arc<dyn Store>, hands: &Hands) {
    let now = hands.clock().now();
    if !store.last_ticks().await.unwrap().is_empty() {
        return;
    }
    let home = EngineHome {
        id: EngineId::new(),
        host: "here".into(),
        pid: 1,
        version: "test".into(),
    };
    let beat = Beat {
        home: home.clone(),
        wanted: vec![SourceId::DEFAULT.into()],
        lease: engine::LEASE,
        now,
    };
    for leased in store.beat(beat).await.unwrap() {
        store.save_last_tick(leased.lease, now).await.unwrap();
    }
    store.leave(home.id).await.unwrap();
}

async fn start(store: Arc<dyn Store>, server: &Server, hands: &Hands) -> Handle {
    ran_before(&store, hands).await;
    let pipeline = pipeline(store, server, hands, CANARY);
    engine::start(Arc::new(pipeline), options()).await.unwrap()
}

/// Waits for a snapshot for which this is true.
async fn until(handle: &mut Handle, is_true: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let found = handle.snapshots.wait_for(|snapshot| is_true(snapshot));
    let found = tokio::time::timeout(Duration::from_secs(30), found)
        .await
        .unwrap();
    Arc::clone(&found.unwrap())
}

/// Waits for a notice for which this is true.
async fn told<T>(handle: &mut Handle, is_it: impl Fn(&What) -> Option<T>) -> T {
    let waiting = async {
        loop {
            let notice = handle.notices.recv().await.unwrap();
            if let Some(found) = is_it(&notice.what) {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .unwrap()
}

async fn send(handle: &Handle, command: Command) {
    handle.commands.send(command).await.unwrap();
}

/// Runs one fetch to its end.
async fn fetch(handle: &mut Handle, series: &[SeriesKey]) {
    let before = handle.snapshots.borrow().runs.len();
    send(handle, Command::Fetch(series.to_vec())).await;
    until(handle, |snapshot| {
        snapshot.runs.len() > before && snapshot.run.is_none()
    })
    .await;
}

async fn end(handle: Handle) {
    handle.commands.send(Command::Shutdown).await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), handle.ended)
        .await
        .unwrap()
        .unwrap();
}

/// Two stores on one new database, for each kind of database.
async fn pairs() -> Vec<(tempfile::TempDir, [Arc<dyn Store>; 2])> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bars.db");
    let mut pairs = vec![];
    let sqlite = [
        db::open_sqlite(&path, Access::ReadWrite).await.unwrap(),
        db::open_sqlite(&path, Access::ReadWrite).await.unwrap(),
    ];
    pairs.push((folder, sqlite));
    if let Some(url) = cluster::new_database() {
        let target = PgTarget {
            url: Secret::new(url),
            shown: "test cluster".into(),
        };
        let postgres = [
            db::open_postgres(target.clone(), Access::ReadWrite)
                .await
                .unwrap(),
            db::open_postgres(target, Access::ReadWrite).await.unwrap(),
        ];
        pairs.push((tempfile::tempdir().unwrap(), postgres));
    }
    pairs
}

async fn market(hands: &Hands) -> Server {
    Server::start(Options {
        plan: Plan::Unlimited,
        clock: hands.clock(),
        ..Options::default()
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_in_a_hurry_the_later_stays() {
    for (_folder, [here, there]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let handle = start(here, &server, &hands).await;
        for round in 5..25 {
            send(&handle, Command::Pause).await;
            send(&handle, Command::Resume).await;
            let marker: Schedule = format!("every {round}").parse().unwrap();
            send(&handle, Command::SetSchedule(marker.clone())).await;
            let marker = serde_json::to_string(&marker).unwrap();
            let saved = async {
                while there.setting("schedule").await.unwrap().as_ref() != Some(&marker) {}
            };
            tokio::time::timeout(Duration::from_secs(30), saved)
                .await
                .unwrap();
            let paused = there.setting("paused").await.unwrap();
            assert_eq!(paused.as_deref(), Some("false"), "round {round}");
        }
        end(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_owner_fetches_on_schedule_and_another_takes_over() {
    for (_folder, [here, there]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut first = start(here, &server, &hands).await;
        until(&mut first, |snapshot| {
            snapshot.schedule.is_owner && snapshot.series.len() == 2
        })
        .await;
        let mut second = start(there, &server, &hands).await;
        until(&mut second, |snapshot| snapshot.series.len() == 2).await;

        hands.move_on(TimeDelta::minutes(260));
        until(&mut first, |snapshot| {
            snapshot.runs.len() == 1 && snapshot.run.is_none()
        })
        .await;
        assert_eq!(
            server.journal().len(),
            2,
            "each series once, by one of the two"
        );
        let stored = |snapshot: &Snapshot| snapshot.series.iter().all(|series| series.bars == 100);
        let snapshot = until(&mut first, stored).await;
        assert!(
            snapshot
                .series
                .iter()
                .all(|series| series.last_bar.is_some())
        );
        assert!(!second.snapshots.borrow().schedule.is_owner);

        end(first).await;
        // The database may notice the end of a session a little later, as the system that of a file
        // lock: others try to take the schedule every ten seconds.
        let owns = async {
            while !second.snapshots.borrow().schedule.is_owner {
                hands.move_on(TimeDelta::seconds(11));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), owns)
            .await
            .unwrap();
        hands.after_mondays_close();
        until(&mut second, |snapshot| {
            snapshot.runs.len() == 2 && snapshot.run.is_none()
        })
        .await;
        assert_eq!(server.journal().len(), 4, "the next trading day");
        end(second).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_change_what_is_true() {
    for (_folder, [store, again]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = start(store, &server, &hands).await;
        let msft = SeriesKey::raw("MSFT".parse().unwrap(), Interval::Daily);
        let send = |command| handle.commands.send(command);
        send(Command::EditList(WatchEdit::Add(vec![msft.clone()])))
            .await
            .unwrap();
        send(Command::EditList(WatchEdit::Remove(vec![
            watched()[1].clone(),
        ])))
        .await
        .unwrap();
        send(Command::SetSchedule("every 15".parse().unwrap()))
            .await
            .unwrap();
        send(Command::Pause).await.unwrap();
        send(Command::Fetch(vec![msft.clone()])).await.unwrap();
        let window = BarsWindow {
            series: msft.clone(),
            anchor: Anchor::Newest,
            newer: 0,
            older: 10,
        };
        until(&mut handle, |snapshot| {
            snapshot.runs.len() == 1 && snapshot.run.is_none()
        })
        .await;
        handle
            .commands
            .send(Command::ShowBars(window.clone()))
            .await
            .unwrap();
        let snapshot = until(&mut handle, |snapshot| snapshot.bars.is_some()).await;
        let page = snapshot.bars.as_ref().unwrap();
        assert_eq!(
            (page.bars.len(), page.total, &page.window),
            (10, 100, &window)
        );
        let keys: Vec<_> = snapshot
            .series
            .iter()
            .map(|series| series.key.clone())
            .collect();
        assert_eq!(keys, [watched()[0].clone(), msft]);
        end(handle).await;

        let restarted = start(again, &server, &hands).await;
        let remembered = restarted.snapshots.borrow().schedule.clone();
        assert_eq!(
            (remembered.schedule.to_string().as_str(), remembered.paused),
            ("every 15", true)
        );
        end(restarted).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_makes_up_for_missed_instants_and_ends_in_order() {
    let server = provider(Plan::Unlimited, &[]).await;
    for desk in Desk::on_each_database() {
        let desk = desk
            .asking(&server)
            .with("ALPHA_VANTAGE_PLAN", "1200")
            .with("PIPELINE_INTERVAL", "daily");
        desk.run(&["runs"]);
        desk.sql(
            "INSERT INTO lanes (source, last_tick) VALUES ('alpha_vantage', '2026-01-05T12:00:00+00:00')",
        );
        let mut child = desk
            .command(&["run"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.by_ref() {
            said.push_str(&line.unwrap());
            said.push('\n');
            if said.contains("run 1 succeeded") {
                break;
            }
        }
        assert!(
            said.contains("engine started") && said.contains("were missed"),
            "{said}"
        );
        assert!(said.contains("this process fetches on schedule"), "{said}");
        let began = std::time::Instant::now();
        while desk.sql("SELECT count(*) FROM ticks WHERE outcome = 'due'") != ["0"] {
            assert!(began.elapsed() < Duration::from_secs(30), "undecided");
        }
        signal("TERM", &child);
        let rest: Vec<String> = lines.map_while(Result::ok).collect();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{said}{rest:?}");
        assert!(
            rest.last()
                .is_some_and(|line| line.contains("engine stopped")),
            "{rest:?}"
        );
        assert_eq!(desk.sql("SELECT status FROM runs"), ["succeeded"]);
        assert_eq!(
            desk.sql("SELECT count(DISTINCT symbol) FROM stock_data"),
            ["4"]
        );
        made_up(&desk);
    }
}

/// The newest instants are noted: the last one had its run, which made up for the others.
fn made_up(desk: &Desk) {
    let noted = desk.sql("SELECT outcome, count(*), min(run_id), max(run_id) FROM ticks GROUP BY outcome ORDER BY outcome");
    assert_eq!(noted, ["done|1|1|1", "missed|999|1|1"]);
    let newest = desk.sql("SELECT outcome FROM ticks ORDER BY at DESC LIMIT 2");
    assert_eq!(newest, ["done", "missed"]);
    let shown = desk.run(&["ticks", "--limit", "2"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    for words in [
        "NEXT",
        "nothing planned yet",
        "done",
        "run 1, at 2",
        "made up at 2",
    ] {
        assert!(shown.stdout.contains(words), "{words}: {}", shown.stdout);
    }
    let shown = desk.run(&["ticks", "--limit", "2", "--format", "json"]);
    let ticks: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(ticks["next"].as_array().unwrap().len(), 5);
    let [done, missed] = &ticks["last"].as_array().unwrap()[..] else {
        panic!("{ticks}");
    };
    assert_eq!(
        (&done["outcome"], &done["run_status"]),
        (&"done".into(), &"succeeded".into())
    );
    assert_eq!(
        (&missed["outcome"], &missed["run"]),
        (&"missed".into(), &1.into())
    );
    assert!(missed["at"].as_str() < done["at"].as_str());
}

#[test]
fn run_hears_the_signal_that_comes_before_its_store_is_open() {
    for desk in Desk::on_each_database() {
        // Opening a pipe waits for the other end: the program here, the test there.
        let config = desk.folder().join("config.toml");
        let made = std::process::Command::new("mkfifo").arg(&config).status();
        assert!(made.unwrap().success());
        let desk = desk.with("PIPELINE_CONFIG", config.to_str().unwrap());
        let mut child = desk
            .command(&["run"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let settings = within(Duration::from_secs(30), move || {
            std::fs::OpenOptions::new().write(true).open(config)
        })
        .expect("the program reads its configuration");
        signal("TERM", &child);
        drop(settings);
        let mut output = child.stdout.take().unwrap();
        let said = within(Duration::from_secs(30), move || {
            let mut said = String::new();
            output.read_to_string(&mut said).unwrap();
            said
        });
        if said.is_none() {
            child.kill().unwrap();
        }
        let code = child.wait().unwrap().code();
        let said = said.expect("run continues after it was stopped");
        assert_eq!(code, Some(0), "{said}");
        // Heard before the store was open, nothing was started; after it, all was stopped in order.
        assert!(said.is_empty() || said.contains("engine stopped"), "{said}");
    }
}

/// The result of some work, if it ends in time.
fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(work()));
    told.recv_timeout(limit).ok()
}

/// A panel on a new store shows bars without a key press, whatever the time of day.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_on_a_store_fetches_by_itself_and_the_second_does_not() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        for start in 1..=2 {
            let pipeline = pipeline(Arc::clone(&store), &server, &hands, CANARY);
            let mut handle = engine::start(Arc::new(pipeline), options()).await.unwrap();
            until(&mut handle, |snapshot| {
                snapshot.schedule.is_owner
                    && snapshot.run.is_none()
                    && snapshot
                        .runs
                        .first()
                        .is_some_and(|run| run.trigger == "start")
                    && snapshot.series.iter().all(|series| series.bars == 100)
            })
            .await;
            end(handle).await;
            assert_eq!(server.journal().len(), 2, "start {start}");
        }
    }
}
