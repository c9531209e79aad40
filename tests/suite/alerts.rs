//! Alerts: each kind told once and ended once, to a receiver over HTTP and to a program, whatever fails.

use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use pipeline_tui::config::{AlertSettings, Secret};
use pipeline_tui::db::{self, Access, PgTarget, Store};
use pipeline_tui::model::alert::{
    AlertKind, AlertRules, Engine, Facts, SETTLES, SeriesHealth, SpentSource,
};
use pipeline_tui::model::{
    ErrorClass, Interval, RunStatus, SeriesError, SeriesKey, SeriesReport, SeriesStatus,
};
use pipeline_tui::pipeline::alerts::Alerts;
use pipeline_tui::pipeline::{Once, Pipeline, Unreadable, sources};
use pipeline_tui::simulate::Plan;
use pipeline_tui::time::Clock;
use tokio::net::TcpListener;

use crate::support::cluster;
use crate::support::program::{CANARY, Desk, holds, persistence, provider, signal};
use crate::support::receiver::Receiver;

/// A store, a clock that the test moves, and a folder.
struct World {
    folder: tempfile::TempDir,
    pipeline: Pipeline,
    now: Arc<Mutex<DateTime<Utc>>>,
}

impl World {
    fn over(store: Arc<dyn Store>, start: DateTime<Utc>) -> Self {
        let now = Arc::new(Mutex::new(start));
        let clock = Clock::from_fn({
            let now = Arc::clone(&now);
            move || *now.lock().unwrap()
        });
        Self {
            folder: tempfile::tempdir().unwrap(),
            pipeline: Pipeline {
                store,
                lanes: vec![],
                answers_limit: 1 << 28,
                calendars: sources::calendars(),
                unreadable: Unreadable::default(),
                stocktaking: Once::default(),
                persistence: persistence(),
                clock,
            },
            now,
        }
    }

    async fn on_each_database() -> Vec<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bars.db");
        let start = "2026-11-20T16:00:00Z".parse().unwrap();
        let sqlite = db::open_sqlite(&path, Access::ReadWrite).await.unwrap();
        let mut all = vec![Self {
            folder,
            ..Self::over(sqlite, start)
        }];
        if let Some(url) = cluster::new_database() {
            let target = PgTarget {
                url: Secret::new(url),
                shown: "test cluster".into(),
            };
            let postgres = db::open_postgres(target, Access::ReadWrite).await.unwrap();
            all.push(Self::over(postgres, start));
        }
        all
    }

    fn later(&self, by: TimeDelta) {
        *self.now.lock().unwrap() += by;
    }

    /// Watches with these facts; a disk is nearly full from `full` percent on, a store from `limit` bytes.
    async fn watch(&self, receiver: &Receiver, facts: Facts, (full, limit): (u32, u64)) {
        let settings = AlertSettings {
            rules: AlertRules {
                full,
                ..AlertRules::default()
            },
            store_limit: Some(limit),
            ..to(&receiver.address)
        };
        let alerts = Alerts::new(&settings, self.folder.path().to_owned());
        alerts.watch(&self.pipeline, facts).await.unwrap();
    }

    /// A run of IBM that ends like this.
    async fn run(&self, status: SeriesStatus, class: Option<ErrorClass>) {
        let store = &self.pipeline.store;
        let run = store.begin_run("test", vec![ibm()]).await.unwrap();
        let report = SeriesReport {
            error: class.map(|class| SeriesError {
                class,
                message: "no such symbol".to_owned(),
            }),
            ..SeriesReport::new(ibm(), status)
        };
        store.finish_series(run.id, report).await.unwrap();
        store.finish_run(run.id, RunStatus::Failed).await.unwrap();
    }
}

fn to(address: &str) -> AlertSettings {
    AlertSettings {
        webhook: Some(Secret::new(address)),
        ..AlertSettings::default()
    }
}

fn ibm() -> SeriesKey {
    SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily)
}

/// Facts of a watch list of IBM, good or bad.
fn facts(is_bad: bool) -> Facts {
    let (oldest, renews_at) = ("2026-07-01T04:00:00Z", "2026-11-21T05:00:00Z");
    let at = |text: &str| text.parse().unwrap();
    let series = SeriesHealth {
        series: ibm(),
        behind: if is_bad { 4 } else { 0 },
        newest: None,
        missing: if is_bad { 7 } else { 0 },
        loses: is_bad.then(|| at(oldest)),
    };
    let spent = SpentSource {
        name: "nobody".to_owned(),
        limit: 25,
        due: u64::from(is_bad),
        renews_at: at(renews_at),
    };
    Facts {
        series: Some(vec![series]),
        spent: Some(vec![spent]),
        engine: Some(if is_bad {
            Engine::Missing(at(oldest))
        } else {
            Engine::Works
        }),
        ..Facts::default()
    }
}

/// Event and kind of each message.
fn told(messages: &[serde_json::Value]) -> Vec<(String, String)> {
    let word = |message: &serde_json::Value, name: &str| message[name].as_str().unwrap().to_owned();
    let mut told: Vec<_> = messages
        .iter()
        .map(|message| (word(message, "event"), word(message, "kind")))
        .collect();
    told.sort();
    told
}

const KINDS: [&str; 8] = [
    "about_to_be_lost",
    "behind",
    "disk_near_full",
    "failed",
    "holes",
    "no_engine",
    "quota_spent_early",
    "store_near_full",
];

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_is_told_once_and_ends_once() {
    let mut every: Vec<&str> = AlertKind::ALL.iter().map(|kind| kind.as_str()).collect();
    every.sort_unstable();
    assert_eq!(KINDS.as_slice(), every, "each kind that there is");
    for world in World::on_each_database().await {
        let receiver = Receiver::start().await;
        world
            .run(SeriesStatus::Failed, Some(ErrorClass::BadRequest))
            .await;
        let bad = (0, 1);
        for _ in 0..3 {
            world.watch(&receiver, facts(true), bad).await;
            world.later(TimeDelta::minutes(1));
        }
        let all = |event: &str| KINDS.map(|kind| (event.to_owned(), kind.to_owned()));
        assert_eq!(told(&receiver.taken()), all("opened"));
        for message in receiver.taken() {
            assert_eq!(message["text"], message["content"]);
            let text = message["text"].as_str().unwrap();
            assert!(text.contains("Stored bars are safe"), "{text}");
            assert_eq!(message["count"], 1);
        }
        let failed = "IBM daily failed: no such symbol. Stored bars are safe; `pipeline-tui runs` shows what failed.";
        assert!(
            receiver
                .taken()
                .iter()
                .any(|message| message["text"] == failed)
        );

        world.run(SeriesStatus::Succeeded, None).await;
        let good = (100, 1 << 50);
        for _ in 0..8 {
            world.watch(&receiver, facts(false), good).await;
            world.later(TimeDelta::minutes(1));
        }
        let after = receiver.taken();
        assert_eq!(told(&after[KINDS.len()..]), all("recovered"));
        assert_eq!(world.pipeline.store.open_alerts().await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_flaps_is_told_once() {
    for world in World::on_each_database().await {
        let receiver = Receiver::start().await;
        for round in 0..20 {
            world
                .watch(&receiver, facts(round % 2 == 0), (100, 1 << 50))
                .await;
            world.later(TimeDelta::minutes(2));
        }
        // Behind, holes, about to be lost, quota, engine.
        assert_eq!(receiver.taken().len(), 5, "{:?}", receiver.taken());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_waits_for_a_receiver_that_is_down_and_arrives_once() {
    for world in World::on_each_database().await {
        let down = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = down.local_addr().unwrap();
        let up = Receiver::on(down);
        up.says(503);
        let holed = || Facts {
            spent: None,
            engine: None,
            ..facts(true)
        };
        let quiet = (100, 1 << 50);
        world.watch(&up, holed(), quiet).await;
        let refused = up.taken().len();
        assert_eq!(refused, 1, "the next ones wait behind it");
        // Nobody listens at all.
        drop(up);
        world.later(TimeDelta::minutes(1));
        let store = &world.pipeline.store;
        let absent = async {
            // The port is free once the task that held it is gone.
            loop {
                if let Ok(listener) = TcpListener::bind(place).await {
                    break listener;
                }
                tokio::task::yield_now().await;
            }
        };
        let listener = absent.await;
        drop(listener);
        let gone = AlertSettings {
            ..to(&format!("http://{place}/hook"))
        };
        let alerts = Alerts::new(&gone, world.folder.path().to_owned());
        let round = alerts
            .watch(&world.pipeline, Facts::default())
            .await
            .unwrap();
        let waiting = &round.view.undelivered;
        assert_eq!((waiting.len(), waiting[0].attempts), (3, 2), "{waiting:?}");
        assert_eq!(waiting[0].outcome.as_deref(), Some("it cannot be reached"));

        let up = Receiver::on(TcpListener::bind(place).await.unwrap());
        for _ in 0..3 {
            world.later(TimeDelta::minutes(1));
            world.watch(&up, holed(), quiet).await;
        }
        let kinds: Vec<_> = told(&up.taken())
            .into_iter()
            .map(|(_, kind)| kind)
            .collect();
        assert_eq!(kinds, ["about_to_be_lost", "behind", "holes"]);
        assert_eq!(store.undelivered().await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_refused_for_good_is_given_up_and_said() {
    let world = World::on_each_database().await.remove(0);
    let receiver = Receiver::start().await;
    for (status, said) in [
        (404, "webhook: HTTP 404; it is given up"),
        (
            302,
            "webhook: HTTP 302: it redirects elsewhere, which is not followed; it is given up",
        ),
    ] {
        receiver.says(status);
        let alerts = Alerts::new(&to(&receiver.address), world.folder.path().to_owned());
        let bad = Facts {
            engine: Some(Engine::Missing(*world.now.lock().unwrap())),
            ..Facts::default()
        };
        let round = alerts.watch(&world.pipeline, bad).await.unwrap();
        assert_eq!(round.not_sent, [said]);
        assert_eq!(round.view.undelivered, []);
        for _ in 0..2 {
            let good = Facts {
                engine: Some(Engine::Works),
                ..Facts::default()
            };
            alerts.watch(&world.pipeline, good).await.unwrap();
            world.later(SETTLES);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_killed_engine_arrives_after_the_restart() {
    for desk in Desk::on_each_database() {
        let server = provider(Plan::Unlimited, &["invalid"]).await;
        let receiver = Receiver::start().await;
        receiver.says(0);
        let desk = desk
            .asking(&server)
            .with("PIPELINE_SYMBOLS", "IBM")
            .with("PIPELINE_ALERT_WEBHOOK", &receiver.address);
        let mut child = desk
            .command(&["run"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        receiver.until(1).await;
        signal("KILL", &child);
        child.wait().unwrap();
        receiver.says(204);
        let store = match desk.postgres() {
            None => db::open_sqlite(&desk.database(), Access::ReadWrite).await,
            Some(url) => {
                let target = PgTarget {
                    url: Secret::new(url),
                    shown: "test cluster".into(),
                };
                db::open_postgres(target, Access::ReadWrite).await
            }
        };
        // Whoever comes next waits until the claim of the dead one is over.
        let now = Clock::system().now();
        let world = World::over(store.unwrap(), now);
        let alerts = Alerts::new(&to(&receiver.address), desk.folder().to_owned());
        alerts
            .watch(&world.pipeline, Facts::default())
            .await
            .unwrap();
        assert_eq!(receiver.taken().len(), 1);
        world.later(TimeDelta::minutes(2));
        alerts
            .watch(&world.pipeline, Facts::default())
            .await
            .unwrap();
        let taken = receiver.taken();
        assert_eq!(taken.len(), 2, "{taken:?}");
        assert_eq!(taken[0], taken[1], "the same message");
        assert_eq!(taken[1]["kind"], "failed");
        let waiting = world.pipeline.store.undelivered().await.unwrap();
        assert_eq!(waiting, []);
    }
}

/// A desk with this in its configuration file.
fn desk_with(text: &str) -> Desk {
    let desk = Desk::new();
    let path = desk.folder().join("alerts.toml");
    std::fs::write(&path, text).unwrap();
    desk.with("PIPELINE_CONFIG", path.to_str().unwrap())
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_the_event_and_none_of_our_secrets() {
    let hook = "http://127.0.0.1:9/CANARYHOOK5T8";
    let script =
        "cat > event; env > seen; echo \\\"it is full of $ALPHA_VANTAGE_API_KEY\\\" >&2; exit 3";
    let config = format!("[alerts]\ncommand = [\"/bin/sh\", \"-c\", \"{script}\"]\n");
    let desk = desk_with(&config).with("PIPELINE_ALERT_WEBHOOK", hook);
    let done = desk.run(&["alert", "test"]);
    assert_eq!(done.code, 3, "{done:?}");
    assert!(
        done.stdout
            .contains("command: not delivered: exit code 3: it is full of"),
        "{done:?}"
    );
    let event: serde_json::Value =
        serde_json::from_str(&read(&desk.folder().join("event"))).unwrap();
    assert_eq!(event["event"], "test");
    let seen = read(&desk.folder().join("seen"));
    assert!(seen.contains("HOME=") && !seen.contains("CANARY"), "{seen}");

    let config = "[alerts]\ncommand = [\"/bin/sh\", \"-c\", \"cat > event\"]\n";
    let done = desk_with(config).run(&["alert", "test"]);
    assert_eq!(
        (done.code, &done.stdout[..]),
        (0, "command: delivered (exit code 0)\n")
    );
    let done = Desk::new().run(&["alert", "test"]);
    assert_eq!(done.code, 2, "{done:?}");
    let quiet = desk_with("[alerts]\nquiet = true\ncommand = [\"/bin/true\"]\n");
    assert_eq!(quiet.run(&["alert", "test"]).code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_the_webhook_is_nowhere() {
    let receiver = Receiver::start().await;
    receiver.says(500);
    let hook = format!("{}/CANARYHOOK5T8", receiver.address);
    let desk = Desk::new()
        .with("PIPELINE_ALERT_WEBHOOK", &hook)
        .with("RUST_LOG", "trace");
    let mut said = vec![];
    for (arguments, code) in [
        (&["alert", "test"][..], 3),
        (&["alert", "list", "--format", "json"], 0),
        (&["config", "show"], 0),
        (&["config", "check"], 0),
    ] {
        let done = desk.run(arguments);
        assert_eq!(done.code, code, "{done:?}");
        said.extend([done.stdout.into_bytes(), done.stderr.into_bytes()].concat());
    }
    assert_eq!(receiver.taken().len(), 1);
    assert!(holds(&said, "HTTP 500") && holds(&said, "PIPELINE_ALERT_WEBHOOK"));
    said.extend(desk.everything_written());
    assert!(
        !holds(&said, "CANARYHOOK"),
        "{}",
        String::from_utf8_lossy(&said)
    );
    assert!(!holds(&said, CANARY));
    // An address that cannot be used is not quoted either.
    let wrong = desk.with("PIPELINE_ALERT_WEBHOOK", "http://example.com/CANARYHOOK5T8");
    let done = wrong.run(&["status"]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(
        done.stderr.contains("PIPELINE_ALERT_ALLOW_HTTP") && !done.stderr.contains("CANARYHOOK")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_that_no_engine_is_there() {
    for desk in Desk::on_each_database() {
        let receiver = Receiver::start().await;
        let desk = desk.with("PIPELINE_ALERT_WEBHOOK", &receiver.address);
        assert_eq!(desk.run(&["watch", "add", "IBM"]).code, 0);
        let tick = "INSERT INTO lanes (source, last_tick) VALUES ('alpha_vantage', '2026-11-02T15:00:00+00:00')";
        desk.run(&["status"]);
        assert_eq!(receiver.taken().len(), 0, "it never ran");
        desk.sql(tick);
        for _ in 0..2 {
            let done = desk.run(&["status"]);
            assert_eq!(done.code, 1, "{done:?}");
            assert!(
                done.stdout
                    .contains("no engine: the run of 2026-11-02 10:05 ET did not start"),
                "{done:?}"
            );
        }
        assert_eq!(
            told(&receiver.taken()),
            [("opened".to_owned(), "no_engine".to_owned())]
        );
        let listed = desk.run(&["alert", "list"]);
        assert_eq!(listed.code, 1);
        assert!(
            listed.stdout.contains("No engine follows the schedule"),
            "{listed:?}"
        );
    }
}
