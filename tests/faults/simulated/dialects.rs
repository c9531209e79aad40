//! The same of the other dialects: every fault that each of them has, its class and its cost.

use pipeline_tui::config::{self, Inputs};
use pipeline_tui::db;
use pipeline_tui::model::ErrorClass::{
    BadKey, BadRequest, Blocked, Burst, Endless, Malformed, Minute, Network, NotEntitled, Outage,
    Unknown,
};
use pipeline_tui::model::{Bar, ErrorClass, Interval, RunStatus, SeriesKey, SeriesReport, Span};
use pipeline_tui::pipeline::source::{FetchOptions, Range, SymbolWish};
use pipeline_tui::pipeline::symbols::Symbols;
use pipeline_tui::pipeline::{Lane, sources};
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;
use tokio_util::sync::CancellationToken;

use super::TICK;
use crate::support::canary::assert_no_secret;
use crate::support::rig::{Rig, class, hurry};
use crate::support::sources::variables;

/// Saturday: every bar of the day that is asked for is final.
const NIGHT: &str = "2026-05-16T02:00:00Z";
const DAY: [&str; 2] = ["2026-05-14T00:00:00Z", "2026-05-15T00:00:00Z"];

fn night() -> Clock {
    Clock::fixed(NIGHT.parse().unwrap())
}

/// The lane of a source whose provider is the simulator, with short waits.
fn lane(server: &Server, source: &str) -> Lane {
    let folder = tempfile::tempdir().unwrap();
    let mut inputs = Inputs::isolated(folder.path(), sources::SETTINGS);
    for (name, value) in variables(server) {
        inputs.environment.insert(name.to_owned(), value);
    }
    let settings = config::load(&inputs).unwrap();
    let mut lanes = sources::lanes(&settings, &night()).unwrap().into_iter();
    let mut lane = lanes.find(|lane| lane.id().as_str() == source).unwrap();
    lane.policy.in_flight = 1;
    hurry(&mut lane.policy.waits, TICK);
    lane
}

/// The simulator of all providers, at night.
async fn simulator() -> Server {
    let options = Options {
        plan: Plan::Unlimited,
        clock: night(),
        ..Options::default()
    };
    Server::start(options).await.unwrap()
}

/// What a source costs and stores with a fault.
struct Trial {
    server: Server,
    rig: Rig,
    series: SeriesKey,
}

impl Trial {
    async fn of(series: &str) -> Self {
        let (source, symbol) = series.split_once(':').unwrap();
        let server = simulator().await;
        let rig = Rig::on(vec![lane(&server, source)], night()).await;
        let series = SeriesKey {
            source: source.parse().unwrap(),
            ..SeriesKey::raw(symbol.parse().unwrap(), Interval::Min5)
        };
        Self {
            server,
            rig,
            series,
        }
    }

    async fn fetch(&self) -> SeriesReport {
        let [from, to] = DAY.map(|at| at.parse().unwrap());
        let range = Range::Between(Span::new(from, to));
        let options = FetchOptions {
            range,
            ..FetchOptions::default()
        };
        let series = vec![self.series.clone()];
        self.rig.fetch_with(series, options).await.remove(0)
    }

    async fn stored(&self) -> Vec<Bar> {
        let query = db::BarQuery {
            series: self.series.clone(),
            from: None,
            to: None,
            limit: 10_000,
            order: db::Order::NewestFirst,
        };
        self.rig.pipeline.store.bars(query).await.unwrap()
    }

    /// What is said is harmless, and neither it nor a file holds a part of a key.
    async fn check_words(&self, fault: &str, said: &str) {
        let is_harmless = |c: char| !c.is_control() && c != '\u{202e}';
        assert!(said.chars().all(is_harmless), "{fault}: {said}");
        self.rig.pipeline.store.close().await;
        assert_no_secret(fault, said.as_bytes());
        for file in std::fs::read_dir(self.rig.folder.path()).unwrap().flatten() {
            assert_no_secret(fault, &std::fs::read(file.path()).unwrap());
        }
    }
}

/// A fault, its class, and its cost.
type Case = (&'static str, ErrorClass, u32);

/// Each fault of a source, its class, and the requests that one series costs then. The simulator
/// answers a fault that a provider has not as ever.
const CASES: [(&str, &[Case]); 3] = [
    (
        "alpaca:IBM",
        &[
            ("burst", Burst, 7),
            ("minute", Burst, 7),
            ("premium", NotEntitled, 1),
            // It comes as a web page.
            ("bad-key", BadKey, 1),
            ("invalid", BadRequest, 1),
            ("internal", Outage, 4),
            ("wrong-symbol", Malformed, 1),
            ("token-repeats", Endless, 2),
            ("unknown-text", Unknown, 4),
            ("escape", Unknown, 4),
        ],
    ),
    (
        "coinbase:BTC-USD",
        &[
            ("burst", Burst, 4),
            ("invalid", BadRequest, 1),
            ("internal", Outage, 4),
            ("empty", Malformed, 1),
            ("unknown-text", Malformed, 1),
            ("escape", Malformed, 1),
        ],
    ),
    (
        "binance:BTCUSDT",
        &[
            // It says for how long nothing may be sent, longer than anybody waits here.
            ("burst", Minute, 1),
            ("minute", Minute, 1),
            ("banned", Blocked, 1),
            ("location", Blocked, 1),
            ("invalid", BadRequest, 1),
            ("internal", Outage, 4),
            ("empty", Malformed, 1),
            ("unknown-text", Malformed, 1),
            ("escape", Malformed, 1),
        ],
    ),
];
/// The same at each of them.
const EVERYWHERE: [Case; 10] = [
    ("status:503", Outage, 4),
    ("html", Outage, 4),
    ("forbidden", Blocked, 1),
    ("redirect:http://127.0.0.1:9/", Network, 1),
    ("cut:200", Network, 4),
    ("reset", Network, 4),
    ("bomb:64", Malformed, 1),
    ("wrong-interval", Malformed, 1),
    ("garbage", Malformed, 1),
    ("truncate:300", Malformed, 1),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_each_dialect_has_its_class_and_cost_and_changes_nothing() {
    for (series, own) in CASES {
        for (fault, expected, cost) in own.iter().copied().chain(EVERYWHERE) {
            let trial = Trial::of(series).await;
            assert_eq!(class(&trial.fetch().await), None, "{series}");
            let before = trial.stored().await;
            assert!(before.len() > 150, "{series}: {} bars", before.len());
            trial.server.set_faults(vec![fault.parse().unwrap()]);
            let report = trial.fetch().await;
            let found = (class(&report), report.requests);
            assert_eq!(
                found,
                (Some(expected), cost),
                "{series}, {fault}: {report:?}"
            );
            assert!(
                trial.stored().await == before,
                "{series}, {fault}: what is stored has changed"
            );
            let (seen, spent) = (trial.server.journal().len(), trial.rig.spent().len());
            assert_eq!(seen, spent, "{series}, {fault}: seen and reserved");
            trial
                .check_words(fault, &report.error.unwrap().message)
                .await;
        }
    }
}

/// Pages with fewer bars than were asked for lead on to the rest.
#[tokio::test(flavor = "multi_thread")]
async fn pages_that_shrink_are_walked_to_the_last() {
    let (whole, short) = (Trial::of("alpaca:IBM").await, Trial::of("alpaca:IBM").await);
    assert_eq!(whole.fetch().await.requests, 1);
    short
        .server
        .set_faults(vec!["page-shrinks".parse().unwrap()]);
    let report = short.fetch().await;
    // 192 bars: 96, 48, and so on, down to one.
    assert_eq!((class(&report), report.requests), (None, 9), "{report:?}");
    assert!(short.stored().await == whole.stored().await);
}

/// Rows that cannot be bars are left out and counted. Of two rows for one time the last is believed, so
/// that its bar alone may change.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_bars_change_no_other_bar() {
    for (series, rejected) in [
        ("alpaca:IBM", 3),
        ("coinbase:BTC-USD", 4),
        ("binance:BTCUSDT", 4),
    ] {
        let trial = Trial::of(series).await;
        assert_eq!(class(&trial.fetch().await), None, "{series}");
        let before = trial.stored().await;
        trial.server.set_faults(vec!["bad-row".parse().unwrap()]);
        let report = trial.fetch().await;
        assert_eq!(
            (class(&report), report.rejected),
            (None, rejected),
            "{report:?}"
        );
        let after = trial.stored().await;
        assert_eq!(after.len(), before.len(), "{series}");
        let changed = before
            .iter()
            .zip(&after)
            .filter(|(before, after)| before != after);
        assert_eq!(changed.count(), 1, "{series}");
    }
}

/// Answers without bars are no refusals, and take nothing away.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_bars_changes_nothing() {
    for (series, fault, requests) in [
        ("alpaca:IBM", "no-rows", 1),
        ("alpaca:IBM", "empty", 1),
        ("alpaca:IBM", "page-empty", 2),
        ("coinbase:BTC-USD", "no-rows", 1),
        ("binance:BTCUSDT", "no-rows", 1),
    ] {
        let trial = Trial::of(series).await;
        assert_eq!(class(&trial.fetch().await), None, "{series}");
        let before = trial.stored().await;
        trial.server.set_faults(vec![fault.parse().unwrap()]);
        let report = trial.fetch().await;
        let found = (class(&report), report.requests);
        assert_eq!(found, (None, requests), "{series}, {fault}: {report:?}");
        assert!(trial.stored().await == before, "{series}, {fault}");
    }
}

/// Whichever of two sources does not give its list, that of the other is stored, and the run says which
/// failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_symbols_that_fails_costs_no_other() {
    for (down, up, fault, class) in [
        ("coinbase", "binance", "status:503", "outage"),
        ("coinbase", "binance", "silent", "network"),
        ("binance", "coinbase", "reset", "network"),
    ] {
        let server = simulator().await;
        let fault = format!("{fault},dialect={down}");
        server.set_faults(vec![fault.parse().unwrap()]);
        let lanes = ["coinbase", "binance"].map(|source| lane(&server, source));
        let rig = Rig::on(lanes.into(), night()).await;
        let asked = rig
            .pipeline
            .symbols(&SymbolWish::List, CancellationToken::new());
        let Ok(Symbols::Listed(oldest, offers)) = asked.await.unwrap() else {
            panic!("{fault}: the list of {up} is there")
        };
        assert_eq!(oldest, None, "{fault}: one is missing");
        assert!(offers.len() > 2, "{fault}: {offers:?}");
        assert!(
            offers.iter().all(|offer| offer.source.as_str() == up),
            "{fault}"
        );
        let store = &rig.pipeline.store;
        let (sent_at, kept) = store.listings(up.parse().unwrap()).await.unwrap();
        assert_eq!((sent_at.is_some(), kept.len()), (true, offers.len()));
        let run = store.runs(1).await.unwrap().remove(0);
        assert_eq!(run.status, RunStatus::Partial, "{fault}");
        let requests = store.run(run.id).await.unwrap().unwrap().requests;
        let failed: Vec<_> = requests
            .iter()
            .filter(|request| request.state != "stored")
            .map(|request| (request.source.as_str(), request.class.as_deref()))
            .collect();
        assert_eq!(failed, [(down, Some(class))], "{fault}");
    }
}
