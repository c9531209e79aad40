//! What holds between any two steps, whatever came in. Assertions of debug builds and tests ask.

use std::collections::HashSet;

use super::queue::MOST_QUEUED;
use super::{NEWEST, State};
use crate::model::SeriesKey;

impl State {
    /// The first promise that does not hold, in words.
    pub(super) fn broken_promise(&self) -> Option<&'static str> {
        let keys: HashSet<&SeriesKey> = self.entries.iter().map(|entry| &entry.key).collect();
        let is_in_a_run = self.entries.iter().any(|entry| entry.live.is_in_run());
        let is_twice = self.queue.iter().enumerate().any(|(at, run)| {
            let mut later = self.queue.iter().skip(at + 1);
            later.any(|later| later.asks_the_same(run))
        });
        let is_held_up =
            self.run.is_some() || self.is_list_old || self.is_ending || self.entries.is_empty();
        let spends = self.run.is_some()
            || !self.queue.is_empty()
            || self.search.is_asking()
            || self.asks_events;
        let promises = [
            (keys.len() == self.entries.len(), "a series is listed once"),
            (
                self.run.is_some() || !is_in_a_run,
                "a series waits or is fetched only in a run",
            ),
            (!is_twice, "no two runs that wait would do the same"),
            (
                self.queue.is_empty() || is_held_up,
                "a run waits only for another, or for the watch list",
            ),
            (self.queue.len() <= MOST_QUEUED, "few runs wait"),
            (
                self.is_ending || !self.has_orphaned_ticks(),
                "an instant that has come waits only for a decision",
            ),
            (
                !self.read_only || !spends,
                "a process that only reads sends no request",
            ),
            (
                !self.read_only || self.leases().is_empty(),
                "a process that only reads has no lane",
            ),
            (
                self.own_runs.len() <= NEWEST as usize,
                "as many own runs are known as are compared",
            ),
        ];
        promises
            .into_iter()
            .find_map(|(holds, promise)| (!holds).then_some(promise))
    }
}
