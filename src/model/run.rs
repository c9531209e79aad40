//! A run and what became of each of its series.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::words::words;
use super::{Counts, ErrorClass, SeriesKey};

/// Identifies a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identifies a row of the request ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct RequestId(pub i64);

words! {
    /// How a run stands.
    pub enum RunStatus {
        /// At work; its process holds the run's lock.
        Running = "running",
        /// Every series succeeded or was fresh enough to skip.
        Succeeded = "succeeded",
        /// Some series succeeded, others did not.
        Partial = "partial",
        /// No series succeeded.
        Failed = "failed",
        /// Stopped on request.
        Cancelled = "cancelled",
        /// Its process died before the run ended.
        Interrupted = "interrupted",
    }
}

words! {
    /// How one series of a run ended.
    pub enum SeriesStatus {
        /// Being fetched.
        Running = "running",
        /// Its answer is stored.
        Succeeded = "succeeded",
        /// Fresh enough; nothing was asked.
        Skipped = "skipped",
        /// The plan, the key or the quota forbids it.
        Refused = "refused",
        /// Tried without success.
        Failed = "failed",
        /// Stopped on request.
        Cancelled = "cancelled",
        /// Its process died.
        Interrupted = "interrupted",
    }
}

/// What kept a series from succeeding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeriesError {
    /// The class, which decided about retries.
    pub class: ErrorClass,
    /// What happened and what to do, safe to show.
    pub message: String,
}

/// What a run did for one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesReport {
    /// The series.
    pub series: SeriesKey,
    /// How it ended.
    pub status: SeriesStatus,
    /// Bars the answer held, rejected ones included.
    pub received: u32,
    /// What the upsert did.
    pub counts: Counts,
    /// Rows that validation refused.
    pub rejected: u32,
    /// Values of which digits past the eighth were rounded away.
    pub rounded: u32,
    /// Adjusted closes, dividends and splits that were set aside; their bars are stored without them.
    pub set_aside: u32,
    /// Oldest stored bar of the answer.
    pub first: Option<DateTime<Utc>>,
    /// Newest stored bar of the answer.
    pub last: Option<DateTime<Utc>>,
    /// Times it was tried.
    pub attempts: u32,
    /// Requests it cost.
    pub requests: u32,
    /// Why it did not succeed.
    pub error: Option<SeriesError>,
}

impl SeriesReport {
    /// A report of a series for which nothing has happened yet.
    #[must_use]
    pub fn new(series: SeriesKey, status: SeriesStatus) -> Self {
        Self {
            series,
            status,
            received: 0,
            counts: Counts::default(),
            rejected: 0,
            rounded: 0,
            set_aside: 0,
            first: None,
            last: None,
            attempts: 0,
            requests: 0,
            error: None,
        }
    }

    /// The same report, ended by an error.
    #[must_use]
    pub fn with_error(
        mut self,
        status: SeriesStatus,
        class: ErrorClass,
        message: impl Into<String>,
    ) -> Self {
        self.status = status;
        self.error = Some(SeriesError {
            class,
            message: message.into(),
        });
        self
    }
}

/// Decides how a run ended from how its series ended.
#[must_use]
pub fn run_status(reports: &[SeriesReport]) -> RunStatus {
    let count = |status| {
        reports
            .iter()
            .filter(|report| report.status == status)
            .count()
    };
    let good = count(SeriesStatus::Succeeded) + count(SeriesStatus::Skipped);
    if count(SeriesStatus::Cancelled) > 0 {
        RunStatus::Cancelled
    } else if good == reports.len() {
        RunStatus::Succeeded
    } else if good > 0 {
        RunStatus::Partial
    } else {
        RunStatus::Failed
    }
}

/// A row of the run history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunSummary {
    /// The run.
    pub id: RunId,
    /// How it stands.
    pub status: RunStatus,
    /// What started it, for example `fetch`.
    pub trigger: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Series it covers.
    pub series: u32,
    /// Series that succeeded or were skipped.
    pub succeeded: u32,
    /// Requests it sent.
    pub requests: u32,
    /// Bars it inserted.
    pub inserted: u64,
    /// Bars it changed.
    pub changed: u64,
}

impl RunSummary {
    /// Whether it asked about symbols: a run of its own, without series, that says nothing about
    /// how fetching goes.
    #[must_use]
    pub const fn is_about_symbols(&self) -> bool {
        self.series == 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Interval, Symbol};
    use super::*;

    fn reports(statuses: &[SeriesStatus]) -> Vec<SeriesReport> {
        let symbol: Symbol = "IBM".parse().unwrap();
        let series = SeriesKey::raw(symbol, Interval::Daily);
        statuses
            .iter()
            .map(|status| SeriesReport::new(series.clone(), *status))
            .collect()
    }

    #[test]
    fn a_run_is_what_its_series_are() {
        use SeriesStatus::{Cancelled, Failed, Refused, Skipped, Succeeded};
        assert_eq!(
            run_status(&reports(&[Succeeded, Skipped])),
            RunStatus::Succeeded
        );
        assert_eq!(
            run_status(&reports(&[Succeeded, Failed])),
            RunStatus::Partial
        );
        assert_eq!(run_status(&reports(&[Refused, Failed])), RunStatus::Failed);
        assert_eq!(
            run_status(&reports(&[Succeeded, Cancelled])),
            RunStatus::Cancelled
        );
    }
}
