//! When history that is no longer kept is deleted.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Job, State};

/// How often: finding what may go reads more than a run should pay for.
const EVERY: TimeDelta = TimeDelta::hours(1);

impl State {
    /// After a run, whoever looks after the store deletes what is no longer kept, if it has not done so lately.
    pub(super) fn prune_in_time(&mut self, now: DateTime<Utc>) -> Option<Job> {
        let is_time = |at: DateTime<Utc>| now - at >= EVERY || now < at;
        let is_due = self.lanes.has_upkeep()
            && self.store.lost.is_none()
            && self.pruned_at.is_none_or(is_time);
        is_due.then(|| {
            self.pruned_at = Some(now);
            Job::Prune
        })
    }
}
