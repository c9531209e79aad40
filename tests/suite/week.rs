//! A week of four sources in one process, by a clock that the test turns: every lane keeps its own
//! limits, and one that is down holds up no other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use pipeline_tui::config::{self, Inputs};
use pipeline_tui::db::{self, Access};
use pipeline_tui::model::{Interval, SeriesKey, SeriesReport, SeriesStatus, Standing};
use pipeline_tui::pipeline::source::FetchOptions;
use pipeline_tui::pipeline::{
    Observer, Once, Pipeline, RunReport, RunRequest, Unreadable, sources,
};
use pipeline_tui::simulate::{Dialect, Options, Plan, Server};
use pipeline_tui::time::Clock;
use tokio_util::sync::CancellationToken;

use crate::support::program::persistence;

/// Monday morning in New York.
const BEGINS: &str = "2026-05-11T06:00:00Z";
const TICK: TimeDelta = TimeDelta::hours(4);
const TICKS: i32 = 42;

/// A clock that a test turns.
#[derive(Clone)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn at(instant: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(instant.timestamp())))
    }

    fn turn(&self, to: DateTime<Utc>) {
        self.0.store(to.timestamp(), Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.0);
        Clock::from_fn(move || DateTime::from_timestamp(seconds.load(Ordering::SeqCst), 0).unwrap())
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn series(source: &str, symbol: &str, interval: Interval) -> SeriesKey {
    SeriesKey {
        source: source.parse().unwrap(),
        ..SeriesKey::raw(symbol.parse().unwrap(), interval)
    }
}

/// The settings of a person with keys of all sources.
fn settings(server: &Server, folder: &std::path::Path) -> config::Settings {
    let mut inputs = Inputs::isolated(folder, sources::SETTINGS);
    let mut set = |name: &str, value: &str| {
        inputs.environment.insert(name.to_owned(), value.to_owned());
    };
    for source in sources::SETTINGS {
        let Some(dialect) = Dialect::of_source(source.id.as_str()) else {
            continue;
        };
        let url = server.base_url_of(dialect.as_str()).unwrap();
        for address in source.addresses {
            set(address.name, &url);
        }
        for (field, value) in source.key.iter().zip(dialect.key()) {
            set(field.value.name, value);
        }
    }
    set("ALPHA_VANTAGE_PLAN", "1200");
    set("ALPACA_PLAN", "paid");
    config::load(&inputs).unwrap()
}

async fn tick(pipeline: &Arc<Pipeline>, series: &[SeriesKey]) -> RunReport {
    let request = RunRequest {
        trigger: "schedule",
        series: series.to_vec(),
        options: FetchOptions::default(),
        max_age: None,
        within: None,
    };
    let (silent, never): (Observer, _) = (Arc::new(|_| {}), CancellationToken::new());
    pipeline.run(request, silent, never).await.unwrap()
}

fn failed(report: &RunReport) -> Vec<String> {
    let is_failed = |series: &&SeriesReport| series.status != SeriesStatus::Succeeded;
    let failed = report.series.iter().filter(is_failed);
    failed.map(|series| series.series.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_of_four_sources_is_complete_and_each_keeps_its_own_limits() {
    let folder = tempfile::tempdir().unwrap();
    let hands = Hands::at(at(BEGINS));
    let server = Server::start(Options {
        plan: Plan::Premium,
        clock: hands.clock(),
        ..Options::default()
    })
    .await
    .unwrap();
    let settings = settings(&server, folder.path());
    let store = db::open_sqlite(&folder.path().join("bars.db"), Access::ReadWrite).await;
    let store = store.unwrap();
    let pipeline = Arc::new(Pipeline {
        store: Arc::clone(&store),
        lanes: sources::lanes(&settings, &hands.clock()).unwrap(),
        answers_limit: 1 << 28,
        persistence: persistence(),
        calendars: settings.calendars.clone(),
        clock: hands.clock(),
        unreadable: Unreadable::default(),
        stocktaking: Once::default(),
    });
    let watched = [
        series("alpha_vantage", "IBM", Interval::Min5),
        series("alpha_vantage", "IBM", Interval::Daily),
        series("alpaca", "IBM", Interval::Min5),
        series("alpaca", "AAPL", Interval::Min5),
        series("coinbase", "BTC-USD", Interval::Min5),
        series("binance", "BTCUSDT", Interval::Min5),
        series("binance", "ETHUSDT", Interval::Min60),
    ];
    for number in 0..TICKS {
        let now = at(BEGINS) + TICK * number;
        hands.turn(now);
        let down: &[&str] = match number {
            // Tuesday's and Wednesday's outages, each of one source.
            8 => &["status:503,symbol=BTC-USD"],
            13 => &["location,symbol=BTCUSDT", "location,symbol=ETHUSDT"],
            _ => &[],
        };
        server.set_faults(down.iter().map(|fault| fault.parse().unwrap()).collect());
        let report = tick(&pipeline, &watched).await;
        match number {
            8 => assert_eq!(failed(&report), ["coinbase:BTC-USD 5min"]),
            13 => assert_eq!(
                failed(&report),
                ["binance:BTCUSDT 5min", "binance:ETHUSDT 60min"]
            ),
            _ => assert_eq!(failed(&report), [""; 0], "{now}"),
        }
    }
    let stands = pipeline.stands(&watched, None).await.unwrap();
    for stand in &stands {
        assert_eq!(stand.truth.standing, Standing::Fresh, "{}", stand.series);
        assert_eq!(stand.truth.holes, [], "{}", stand.series);
    }
    // Six days and 20 hours between the first tick and the last, and what the first had brought.
    let week = 12 * (24 * 6 + 20);
    let bars: BTreeMap<String, u64> = stands
        .iter()
        .map(|stand| (stand.series.to_string(), stand.bars))
        .collect();
    for (name, at_least) in [
        ("coinbase:BTC-USD 5min", week),
        ("binance:BTCUSDT 5min", week),
        // Five sessions of 78 bars.
        ("alpaca:IBM 5min", 5 * 78),
        ("alpaca:AAPL 5min", 5 * 78),
        ("IBM 5min", 5 * 78),
    ] {
        assert!(bars[name] >= at_least, "{name}: {bars:?}");
    }
    let mut outcomes: BTreeMap<(String, String), u32> = BTreeMap::new();
    for entry in server.journal() {
        let dialect = entry.dialect.unwrap().to_string();
        *outcomes.entry((dialect, entry.outcome)).or_default() += 1;
    }
    let refused: Vec<_> = outcomes
        .keys()
        .filter(|(_, outcome)| outcome != "data" && !outcome.starts_with("fault:"))
        .collect();
    assert!(refused.is_empty(), "no limit was ever met: {outcomes:?}");
    let of = |dialect: &str| {
        let mine = outcomes.iter().filter(|((named, _), _)| named == dialect);
        mine.map(|(_, count)| count).sum::<u32>()
    };
    // Two symbols of one interval share a request.
    let ticks = u32::try_from(TICKS).unwrap();
    assert!(of("alpaca") <= ticks + 2, "{outcomes:?}");
    server.stop().await;
}
