//! Bars: stored from an answer, and read.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

use super::error::Result;
use super::ledger::Credential;
use crate::model::{
    Bar, Batch, Close, Counts, Coverage, Listing, Segment, SeriesError, SeriesKey, Symbol,
};

/// A summary of a series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesFacts {
    /// When it was last fetched with success.
    pub fetched_at: Option<DateTime<Utc>>,
    /// How it last failed, if it was not fetched with success since.
    pub failure: Option<LastFailure>,
    /// Bars stored.
    pub bars: u64,
    /// The oldest bar.
    pub oldest: Option<DateTime<Utc>>,
    /// The newest bar.
    pub newest: Option<Bar>,
    /// How the newest bars closed, newest first: those of a session of a 5min series at most.
    pub recent: Vec<Close>,
    /// Which times were asked for.
    pub coverage: Coverage,
    /// What its source says of its symbol, if it is known.
    pub listing: Option<Arc<Listing>>,
}

/// How the last attempt of a series failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFailure {
    /// When.
    pub at: DateTime<Utc>,
    /// Requests that it cost.
    pub requests: u32,
    /// Why.
    pub error: SeriesError,
}

/// The bars of a series by month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldMonths {
    /// The series.
    pub series: SeriesKey,
    /// The first day of each month that has bars, and how many it has.
    pub months: Vec<(NaiveDate, u64)>,
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

/// Closes that [`SeriesFacts`] holds of an intraday series: a session of 5min bars with its extended
/// hours.
const RECENT_INTRADAY: u32 = 200;
/// The same of daily and longer bars: as many as a short answer has.
const RECENT_DAYS: u32 = 100;

/// Series of which as many closes are read.
pub(crate) struct Alike<'a> {
    /// Each with its place among all that are wanted.
    pub series: Vec<(usize, &'a SeriesKey)>,
    /// The closes.
    pub recent: u32,
}

/// Parts the series of which facts are wanted.
pub(crate) fn alike(series: &[SeriesKey]) -> impl Iterator<Item = Alike<'_>> {
    let (intraday, longer) = series
        .iter()
        .enumerate()
        .partition(|(_, key)| key.interval.is_intraday());
    let alike = |(series, recent)| Alike { series, recent };
    let kinds = [(intraday, RECENT_INTRADAY), (longer, RECENT_DAYS)];
    let kinds = kinds.into_iter().map(alike);
    kinds.filter(|alike| !alike.series.is_empty())
}

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

    /// A summary of each of these series, in their order.
    async fn facts_of(&self, series: Vec<SeriesKey>) -> Result<Vec<SeriesFacts>>;

    /// A summary of one series.
    async fn facts(&self, series: SeriesKey) -> Result<SeriesFacts> {
        let facts = self.facts_of(vec![series]).await?;
        Ok(facts.into_iter().next().unwrap_or_default())
    }

    /// When a series was last fetched with success.
    async fn last_fetch(&self, series: SeriesKey) -> Result<Option<DateTime<Utc>>>;

    /// What is stored for a symbol, ignoring case.
    async fn held(&self, symbol: Symbol) -> Result<Vec<Holding>>;

    /// Adds to what is known of the times of a series.
    async fn record(&self, series: SeriesKey, segments: Vec<Segment>) -> Result<()>;

    /// What is known of every series that is stored or was asked for.
    async fn coverage(&self) -> Result<Vec<(SeriesKey, Coverage)>>;

    /// The bars by month of every series that has some.
    async fn months(&self) -> Result<Vec<HeldMonths>>;

    /// Bars, in the order of the query.
    async fn bars(&self, query: BarQuery) -> Result<Vec<Bar>>;
}
