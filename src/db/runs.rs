//! Runs: begun, ended, and found dead by others.

use std::fmt;

use async_trait::async_trait;

use super::error::Result;
use super::ledger::RequestRow;
use crate::model::{RejectedRow, RunId, RunStatus, RunSummary, SeriesKey, SeriesReport, SourceId};

/// A run in progress. Dropping it releases the lock by which other processes see that the run is alive.
#[derive(Debug)]
pub struct ActiveRun {
    /// The run.
    pub id: RunId,
    /// Held for its `Drop`.
    pub(crate) _lock: Box<dyn RunLock>,
}

/// A lock that ends with its process, or when it is dropped.
pub trait RunLock: fmt::Debug + Send + Sync {}

/// A run with everything the store knows about it.
#[derive(Debug, Clone)]
pub struct RunDetail {
    /// The run.
    pub summary: RunSummary,
    /// How its series ended.
    pub series: Vec<SeriesReport>,
    /// The requests it reserved.
    pub requests: Vec<RequestRow>,
    /// Rows that validation refused and extras that were set aside: the first hundred.
    pub rejected: Vec<(SeriesKey, RejectedRow)>,
}

/// What a store does with runs.
#[async_trait]
pub trait RunStore: fmt::Debug + Send + Sync {
    /// Starts a run over these series and takes its lock.
    async fn begin_run(&self, trigger: &str, series: Vec<SeriesKey>) -> Result<ActiveRun>;

    /// Records the end of a series that stored nothing new.
    async fn finish_series(&self, run: RunId, report: SeriesReport) -> Result<()>;

    /// Records how a run ended.
    async fn finish_run(&self, run: RunId, status: RunStatus) -> Result<()>;

    /// Marks runs whose lock nobody holds as interrupted, and their unsettled requests as in doubt.
    async fn sweep(&self) -> Result<Vec<RunId>>;

    /// The newest runs, newest first.
    async fn runs(&self, limit: u32) -> Result<Vec<RunSummary>>;

    /// The sources whose newest run of the schedule did not end: its engine died, or still works on it.
    async fn cut_short(&self) -> Result<Vec<SourceId>>;

    /// One run in detail.
    async fn run(&self, run: RunId) -> Result<Option<RunDetail>>;
}
