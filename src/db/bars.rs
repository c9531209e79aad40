//! Bars: stored from an answer, and read.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

use super::error::Result;
use super::ledger::Credential;
use crate::model::{Bar, Batch, Counts, Coverage, Segment, SeriesKey, Symbol};

/// A summary of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesFacts {
    /// When it was last fetched with success.
    pub fetched_at: Option<DateTime<Utc>>,
    /// Bars stored.
    pub bars: u64,
    /// The oldest bar.
    pub oldest: Option<DateTime<Utc>>,
    /// The newest bars, newest first, a session of a 5min series at most.
    pub recent: Vec<Bar>,
    /// Which times were asked for.
    pub coverage: Coverage,
}

/// The bars of a series in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthCount {
    /// The series.
    pub series: SeriesKey,
    /// The first day of the month.
    pub month: NaiveDate,
    /// How many there are, at least one.
    pub bars: u64,
}

/// The stored bars of a symbol in one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The series, with its symbol as it is stored.
    pub series: SeriesKey,
    /// How many there are, at least one.
    pub bars: u64,
    /// The oldest.
    pub oldest: DateTime<Utc>,
    /// The newest.
    pub newest: DateTime<Utc>,
}

/// Newest bars that [`SeriesFacts`] holds.
pub(crate) const RECENT: u32 = 200;

/// From which end bars are read, and in which order they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The newest, newest first.
    NewestFirst,
    /// The oldest, oldest first.
    OldestFirst,
}

/// Which bars to read.
#[derive(Debug, Clone)]
pub struct BarQuery {
    /// The series.
    pub series: SeriesKey,
    /// Oldest instant, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// Newest instant, inclusive.
    pub to: Option<DateTime<Utc>>,
    /// At most this many.
    pub limit: u32,
    /// From which end.
    pub order: Order,
}

/// What a store does with bars.
#[async_trait]
pub trait BarStore: fmt::Debug + Send + Sync {
    /// Stores the bars of an answer, its rejected rows, counts and outcomes, in one transaction. The
    /// batches are all that the answer to one request holds. Returns for each what the run has then
    /// done for its series; repeating this returns the same.
    async fn apply(&self, page: Vec<Batch>, credential: Credential) -> Result<Vec<Counts>>;

    /// A summary of a series.
    async fn facts(&self, series: SeriesKey) -> Result<SeriesFacts>;

    /// When a series was last fetched with success.
    async fn last_fetch(&self, series: SeriesKey) -> Result<Option<DateTime<Utc>>>;

    /// What is stored for a symbol, ignoring case.
    async fn held(&self, symbol: Symbol) -> Result<Vec<Holding>>;

    /// Adds to what is known of the times of a series.
    async fn record(&self, series: SeriesKey, segments: Vec<Segment>) -> Result<()>;

    /// What is known of every series that is stored or was asked for.
    async fn coverage(&self) -> Result<Vec<(SeriesKey, Coverage)>>;

    /// The bars of every series by month.
    async fn months(&self) -> Result<Vec<MonthCount>>;

    /// Bars, in the order of the query.
    async fn bars(&self, query: BarQuery) -> Result<Vec<Bar>>;
}
