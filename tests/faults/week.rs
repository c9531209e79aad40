//! A week of thirty series of two sources, both with free keys, by a wall clock that the test sets: the
//! engine asks for nothing that its ledger could know to be refused, and in the end every series is
//! fresh, or the plan says why not.
//!
//! `WEEK_DAYS` is how many days pass.

use std::io::Read as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::America::New_York;
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;
use serde_json::Value;

use crate::support::program::{Desk, Done, signal};
use crate::support::sources::variables;
use crate::support::wall::Wall;
use crate::support::{cluster, rounds};

/// Monday.
const BEGINS: NaiveDate = NaiveDate::from_ymd_opt(2026, 5, 11).unwrap();
/// To when the clock is set each day, in New York: twice in the session, and after its close.
const LOOKS: [(u32, u32); 3] = [(10, 10), (12, 40), (16, 40)];
/// How long a run may take: a request every 1.2 seconds.
const PATIENCE: Duration = Duration::from_mins(1);

const DAILY: [&str; 12] = [
    "IBM", "AAPL", "MSFT", "GOOGL", "AMZN", "NVDA", "ORCL", "INTC", "CSCO", "QCOM", "TXN", "AMD",
];

/// The watch list: sixteen of Alpha Vantage, of which a free key gets 25 answers a day, and fourteen of
/// Alpaca.
fn watched() -> String {
    let mut lines: Vec<String> = DAILY
        .iter()
        .map(|symbol| format!("alpha_vantage:{symbol} daily"))
        .collect();
    lines.extend(
        ["IBM weekly", "AAPL weekly", "IBM monthly", "AAPL monthly"]
            .map(|series| format!("alpha_vantage:{series}")),
    );
    lines.extend(
        DAILY
            .iter()
            .take(6)
            .map(|symbol| format!("alpaca:{symbol} 5min")),
    );
    lines.extend(
        DAILY
            .iter()
            .take(4)
            .map(|symbol| format!("alpaca:{symbol} 1min")),
    );
    lines.extend(
        DAILY
            .iter()
            .take(4)
            .map(|symbol| format!("alpaca:{symbol} daily")),
    );
    assert_eq!(lines.len(), 30);
    lines.join("\n")
}

/// The wall clock of the engine, and of the simulator.
struct Hands {
    wall: Wall,
    ahead: Arc<AtomicI64>,
}

impl Hands {
    fn show(&self, instant: DateTime<Utc>) {
        let ahead = (instant - Clock::system().now()).num_seconds();
        self.ahead.store(ahead, Ordering::SeqCst);
        self.wall.show(instant);
    }
}

fn look(day: u64, (hour, minute): (u32, u32)) -> DateTime<Utc> {
    let date = BEGINS + Days::new(day);
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
    New_York
        .from_local_datetime(&date.and_time(time))
        .unwrap()
        .to_utc()
}

/// What `status` says.
fn status(desk: &Desk, hands: &Hands) -> Value {
    let mut command = hands
        .wall
        .over(desk.command(&["status", "--format", "json"]));
    let done = Done::from(command.output().unwrap());
    serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"))
}

/// Waits until the engine has acted on the hour before this instant for both sources, or for the first
/// time on this store, and no run is left.
async fn settled(desk: &Desk, since: DateTime<Utc>) {
    let hour = since - TimeDelta::hours(1);
    let acted = format!(
        "SELECT (SELECT count(*) FROM runs WHERE trigger = 'start' AND started_at >= '{since}') \
              + (SELECT count(DISTINCT source) / 2 FROM ticks WHERE at > '{hour}' AND outcome <> 'due') \
         WHERE NOT EXISTS (SELECT 1 FROM runs WHERE status = 'running')",
        since = since.format("%Y-%m-%d %H:%M:%S"),
        hour = hour.format("%Y-%m-%d %H:%M:%S"),
    );
    let waiting = async {
        while !matches!(desk.sql(&acted).as_slice(), [times] if times != "0") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| {
            let runs = desk.sql("SELECT id || ' ' || status || ' ' || started_at FROM runs");
            let ticks = desk.sql("SELECT at || ' ' || source || ' ' || outcome FROM ticks");
            panic!("nothing since {since}: {runs:?} {ticks:?}")
        });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_of_thirty_series_is_refused_nothing_that_the_ledger_could_foresee() {
    let days = u64::try_from(rounds("WEEK_DAYS", 2)).unwrap();
    let ahead = Arc::new(AtomicI64::new(0));
    let clock = {
        let ahead = Arc::clone(&ahead);
        Clock::from_fn(move || {
            Clock::system().now() + TimeDelta::seconds(ahead.load(Ordering::SeqCst))
        })
    };
    let server = Server::start(Options {
        plan: Plan::Free,
        clock,
        ..Options::default()
    })
    .await
    .unwrap();
    let desk = variables(&server)
        .into_iter()
        .fold(Desk::new().asking(&server), |desk, (name, value)| {
            desk.with(name, &value)
        })
        .with("ALPACA_PLAN", "free")
        .with("ALPHA_VANTAGE_PLAN", "free");
    let Some(wall) = Wall::new(desk.folder()) else {
        return;
    };
    let hands = Hands { wall, ahead };
    hands.show(look(0, LOOKS[0]) - TimeDelta::hours(1));
    let wanted = desk.folder().join("watched");
    std::fs::write(&wanted, watched()).unwrap();
    let import = ["watch", "import", "--replace", wanted.to_str().unwrap()];
    let done = Done::from(hands.wall.over(desk.command(&import)).output().unwrap());
    assert_eq!(done.code, 0, "{done:?}");
    let schedule = r#"{"when":{"every":{"minutes":60}},"missed":"once"}"#;
    desk.sql(&format!(
        "INSERT INTO settings (name, value) VALUES ('schedule', '{schedule}')"
    ));

    let mut command = hands.wall.over(desk.command(&["run"]));
    let mut engine = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = engine.stdout.take().unwrap();
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        said.read_to_string(&mut text).map(|_| text)
    });
    for day in 0..days {
        for time in LOOKS {
            let now = look(day, time);
            hands.show(now);
            // At weekends nothing is due.
            if day % 7 < 5 {
                settled(&desk, now).await;
            }
        }
    }
    let last = status(&desk, &hands);
    let plan = hands
        .wall
        .over(desk.command(&["plan", "--format", "json"]))
        .output();
    let plan = String::from_utf8(plan.unwrap().stdout).unwrap();
    signal("TERM", &engine);
    assert_eq!(engine.wait().unwrap().code(), Some(0));
    let said = reading.join().unwrap().unwrap();

    let refused: Vec<String> = server
        .journal()
        .into_iter()
        .filter(|entry| entry.outcome != "data")
        .map(|entry| format!("{} {:?} {}", entry.at, entry.query, entry.outcome))
        .collect();
    cluster::notice(&format!(
        "{} requests in {days} days: {last}",
        server.journal().len()
    ));
    // That the free plan withholds the newest minutes is learnt with one request.
    let [learnt] = refused.as_slice() else {
        panic!("{refused:#?}\n{said}")
    };
    assert!(learnt.ends_with("premium"), "{learnt}");
    for bad in ["behind", "holes", "failed"] {
        assert_eq!(last[bad], 0, "{bad}: {last}\n{said}");
    }
    // Bars of the last minute came since: they wait for the schedule, and the plan says so.
    let (fresh, due) = (last["fresh"].as_u64(), last["due"].as_u64());
    assert_eq!(
        fresh.zip(due).map(|(fresh, due)| fresh + due),
        Some(30),
        "{last}"
    );
    let explained: Value = serde_json::from_str(&plan).unwrap();
    let lines = explained["lines"].as_array().unwrap().iter();
    let waiting = lines.filter(|line| line["why_not_now"]["reason"] == "schedule");
    assert_eq!(due, Some(waiting.count() as u64), "{plan}");
}
