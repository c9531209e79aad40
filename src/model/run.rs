//! A run and how each of its series ended.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::text::thousands;
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
    /// The state of a run.
    pub enum RunStatus {
        /// In progress; its process holds the run's lock.
        Running = "running",
        /// Every series succeeded or was fresh enough to skip.
        Succeeded = "succeeded",
        /// Some series succeeded, others did not.
        Partial = "partial",
        /// No series succeeded.
        Failed = "failed",
        /// Stopped on request.
        Cancelled = "cancelled",
        /// Its process died before the run ended, or another engine took over.
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
        /// Fresh enough; no request was sent.
        Skipped = "skipped",
        /// The plan, the key or the quota forbids it.
        Refused = "refused",
        /// Tried without success.
        Failed = "failed",
        /// Stopped on request.
        Cancelled = "cancelled",
        /// Its process died, or another engine took over.
        Interrupted = "interrupted",
    }
}

/// What starts runs that ask for older bars than the newest.
pub const OLDER_BARS: [&str; 3] = ["backfill", "history", "month"];

/// Whether a run that this started asks for the newest bars: only such a run tells whether a source has
/// bars of a series at all.
#[must_use]
pub fn asks_for_newest(trigger: &str) -> bool {
    !OLDER_BARS.contains(&trigger)
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
    /// Values whose digits past the eighth were rounded away.
    pub rounded: u32,
    /// Adjusted closes, dividends and splits that were set aside; their bars are stored without them.
    pub set_aside: u32,
    /// Oldest stored bar of the answer.
    pub first: Option<DateTime<Utc>>,
    /// Newest stored bar of the answer.
    pub last: Option<DateTime<Utc>>,
    /// Attempts made, whether or not anything was sent.
    pub attempts: u32,
    /// Requests it cost, one for each page at least; one about several series counts in each.
    pub requests: u32,
    /// Attempts beyond the first for the same page.
    pub retries: u32,
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
            retries: 0,
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
    } else if count(SeriesStatus::Interrupted) > 0 {
        RunStatus::Interrupted
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
    /// Its state.
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
    /// Requests it sent; one about several series counts once.
    pub requests: u32,
    /// Retries among them.
    pub retries: u32,
    /// Bars it inserted.
    pub inserted: u64,
    /// Bars it changed.
    pub changed: u64,
}

impl RunSummary {
    /// Whether it was a symbol request: a separate run, without series, that says nothing about how
    /// fetching goes.
    #[must_use]
    pub const fn is_about_symbols(&self) -> bool {
        self.series == 0
    }
}

/// How fetching went over several runs, counted in series, since a run has many of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Series that succeeded or were skipped.
    pub good: u32,
    /// Series that were to be fetched.
    pub series: u32,
    /// The median duration of the runs.
    pub median: Option<TimeDelta>,
}

impl Rate {
    /// The rate of those of these runs that fetched and have ended.
    #[must_use]
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a RunSummary>) -> Self {
        let has_ended =
            |run: &&RunSummary| run.status != RunStatus::Running && !run.is_about_symbols();
        let runs: Vec<&RunSummary> = runs.into_iter().filter(has_ended).collect();
        let took =
            |run: &&RunSummary| Some((run.finished_at? - run.started_at).max(TimeDelta::zero()));
        let mut times: Vec<TimeDelta> = runs.iter().filter_map(took).collect();
        times.sort();
        Self {
            good: runs.iter().map(|run| run.succeeded).sum(),
            series: runs.iter().map(|run| run.series).sum(),
            median: times.get(times.len().saturating_sub(1) / 2).copied(),
        }
    }
}

impl fmt::Display for Rate {
    /// `96% of 412 series ok, median 0.4 s`; never 0% or 100% unless it is none or all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = u64::from(self.good) * 100;
        let Some(percent) = percent.checked_div(u64::from(self.series)) else {
            return f.write_str("no series fetched yet");
        };
        let under = if percent == 0 && self.good > 0 {
            "under 1"
        } else {
            &percent.to_string()
        };
        write!(f, "{under}% of {} series ok", thousands(self.series))?;
        match self.median.map(TimeDelta::as_seconds_f64) {
            Some(seconds) if seconds < 60.0 => write!(f, ", median {seconds:.1} s"),
            Some(seconds) => write!(f, ", median {:.0} min", seconds / 60.0),
            None => Ok(()),
        }
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

    fn run(status: RunStatus, (succeeded, series): (u32, u32), millis: i64) -> RunSummary {
        let started_at: DateTime<Utc> = "2026-11-20T17:00:00Z".parse().unwrap();
        let took = TimeDelta::milliseconds(millis);
        RunSummary {
            id: RunId(1),
            status,
            trigger: "schedule".into(),
            started_at,
            finished_at: (status != RunStatus::Running).then(|| started_at + took),
            series,
            succeeded,
            requests: series,
            retries: 0,
            inserted: 0,
            changed: 0,
        }
    }

    #[test]
    fn a_rate_is_of_series_and_questions_about_symbols_are_none() {
        let runs = [
            run(RunStatus::Running, (0, 300), 0),
            run(RunStatus::Failed, (0, 0), 90_000),
            run(RunStatus::Partial, (392, 408), 400),
            run(RunStatus::Succeeded, (4, 4), 1_000),
        ];
        let rate = Rate::of(&runs);
        assert_eq!((rate.good, rate.series), (396, 412));
        assert_eq!(rate.to_string(), "96% of 412 series ok, median 0.4 s");
        for (good, series, said) in [
            (0, 3, "0% of 3 series ok"),
            (1, 300, "under 1% of 300 series ok"),
            (299, 300, "99% of 300 series ok"),
            (1_200, 1_200, "100% of 1,200 series ok"),
        ] {
            let rate = Rate::of(&[run(RunStatus::Partial, (good, series), 120_000)]);
            assert_eq!(rate.to_string(), format!("{said}, median 2 min"));
        }
        assert_eq!(Rate::of(&[]).to_string(), "no series fetched yet");
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
        assert_eq!(
            run_status(&reports(&[Succeeded, SeriesStatus::Interrupted])),
            RunStatus::Interrupted
        );
    }
}
