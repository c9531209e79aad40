//! A pipeline in this process on an SQLite file, with waits and limits short enough for a test.

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::America::New_York;
use pipeline_tui::config::Secret;
use pipeline_tui::db::{self, Access};
use pipeline_tui::model::quota::Quota;
use pipeline_tui::model::{ErrorClass, Interval, SeriesKey, SeriesReport};
use pipeline_tui::pipeline::http::Bounds;
use pipeline_tui::pipeline::source::FetchOptions;
use pipeline_tui::pipeline::sources::{self, alpha_vantage::AlphaVantage};
use pipeline_tui::pipeline::{Lane, Once, Pipeline, RunRequest, Unreadable, Waits};
use pipeline_tui::time::Clock;
use tokio_util::sync::CancellationToken;

use super::lane::lane;
use super::program::{CANARY, persistence};

/// No gap and no day limit.
pub const UNLIMITED: Quota = Quota::unlimited(New_York);

/// How long a provider may be silent in a test that waits for it.
pub fn short() -> Bounds {
    Bounds {
        read: Duration::from_secs(1),
        ..Bounds::default()
    }
}

/// The provider's client alone.
pub fn source(base_url: &str, limits: Bounds) -> AlphaVantage {
    let (url, key) = (base_url.parse().unwrap(), Secret::new(CANARY));
    AlphaVantage::with_bounds(url, key, false, Clock::system(), limits).unwrap()
}

/// Waits that a test can bear, none longer than this.
pub fn hurry(waits: &mut Waits, cap: Duration) {
    let tick = Duration::from_millis(1);
    *waits = Waits {
        burst: tick,
        minute: tick,
        outage: tick,
        cap,
        ..*waits
    };
}

pub struct Rig {
    pub folder: tempfile::TempDir,
    pub pipeline: Arc<Pipeline>,
}

impl Rig {
    /// One that waits at most this long before it retries.
    pub async fn new(base_url: &str, quota: Quota, cap: Duration) -> Self {
        Self::with(source(base_url, Bounds::default()), quota, cap).await
    }

    /// One over this client.
    pub async fn with(source: AlphaVantage, quota: Quota, cap: Duration) -> Self {
        let lane = lane(source, ("f00d", "test"), |policy| {
            (policy.quota, policy.in_flight) = (quota, 1);
            hurry(&mut policy.waits, cap);
        });
        Self::on(vec![lane], Clock::system()).await
    }

    /// One with these lanes, and this clock.
    pub async fn on(lanes: Vec<Lane>, clock: Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bars.db");
        let store = db::open_sqlite(&path, Access::ReadWrite).await.unwrap();
        let pipeline = Pipeline {
            store,
            lanes,
            answers_limit: 1 << 28,
            calendars: sources::calendars(),
            unreadable: Unreadable::default(),
            stocktaking: Once::default(),
            persistence: persistence(),
            clock,
        };
        Self {
            folder,
            pipeline: Arc::new(pipeline),
        }
    }

    pub async fn fetch(&self, symbols: &[&str]) -> Vec<SeriesReport> {
        let series = symbols
            .iter()
            .map(|symbol| SeriesKey::raw(symbol.parse().unwrap(), Interval::Min5));
        let options = FetchOptions::default();
        self.fetch_with(series.collect(), options).await
    }

    pub async fn fetch_with(
        &self,
        series: Vec<SeriesKey>,
        options: FetchOptions,
    ) -> Vec<SeriesReport> {
        let request = RunRequest {
            trigger: "test",
            series,
            options,
            max_age: None,
            within: None,
        };
        let (silent, never) = (Arc::new(|_| {}), CancellationToken::new());
        let report = self.pipeline.run(request, silent, never).await.unwrap();
        assert_eq!(report.unrecorded, None);
        report.series
    }

    /// The file's content, read without the product.
    pub fn column(&self, sql: &str) -> Vec<String> {
        let file = rusqlite::Connection::open(self.folder.path().join("bars.db")).unwrap();
        let mut statement = file.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// The attempts that count as spent.
    pub fn spent(&self) -> Vec<String> {
        self.column("SELECT attempt_id FROM requests WHERE state <> 'not_sent' ORDER BY id")
    }
}

/// Why a series failed.
pub fn class(report: &SeriesReport) -> Option<ErrorClass> {
    report.error.as_ref().map(|error| error.class)
}
