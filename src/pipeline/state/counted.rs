//! What the ended series of the current run add up to, until the store is read again.

use crate::model::{RunSummary, SeriesReport, SeriesStatus};

/// Sums over series.
#[derive(Debug, Default)]
pub(super) struct Counted {
    succeeded: u32,
    requests: u32,
    retries: u32,
    inserted: u64,
    changed: u64,
}

impl Counted {
    /// Adds a series that has ended.
    pub(super) fn add(&mut self, report: &SeriesReport) {
        let is_good = matches!(
            report.status,
            SeriesStatus::Succeeded | SeriesStatus::Skipped
        );
        self.succeeded += u32::from(is_good);
        self.requests += report.requests;
        self.retries += report.retries;
        self.inserted += u64::from(report.counts.inserted);
        self.changed += u64::from(report.counts.changed);
    }

    /// Shows the sums in the run's line, where the store had not counted more when it was read.
    pub(super) fn show_in(&self, summary: &mut RunSummary) {
        summary.succeeded = summary.succeeded.max(self.succeeded);
        summary.requests = summary.requests.max(self.requests);
        summary.retries = summary.retries.max(self.retries);
        summary.inserted = summary.inserted.max(self.inserted);
        summary.changed = summary.changed.max(self.changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Counts, Interval, RunId, RunStatus, SeriesKey};

    #[test]
    fn what_the_store_has_counted_already_is_not_counted_twice() {
        let series = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
        let report = SeriesReport {
            requests: 1,
            counts: Counts::of(7, 5, 2),
            ..SeriesReport::new(series, SeriesStatus::Succeeded)
        };
        let mut counted = Counted::default();
        counted.add(&report);
        for requests in [0, 1] {
            let mut summary = RunSummary {
                id: RunId(1),
                status: RunStatus::Running,
                trigger: "fetch".to_owned(),
                started_at: chrono::DateTime::UNIX_EPOCH,
                finished_at: None,
                series: 2,
                succeeded: requests,
                requests,
                retries: 0,
                inserted: 0,
                changed: 0,
            };
            counted.show_in(&mut summary);
            assert_eq!(
                (summary.succeeded, summary.requests, summary.retries),
                (1, 1, 0)
            );
            assert_eq!((summary.inserted, summary.changed), (5, 2));
        }
    }
}
