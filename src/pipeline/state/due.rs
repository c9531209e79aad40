//! Which series a run would fetch, and which wait for the quota of their source: pure.

use chrono::{DateTime, Utc};

use super::around::Whose;
use super::{Entry, State};
use crate::model::SeriesKey;

impl State {
    /// Whether nothing may be sent for a series before the quota of its source renews.
    pub(super) fn is_spent(&self, series: &SeriesKey, now: DateTime<Utc>) -> bool {
        self.quotas.spent_until(&series.source, now).is_some()
    }

    /// The first instant from `at` on at which a series is due; `None`: no series can become due.
    pub(super) fn due_from(&self, whose: Whose, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let asked = self
            .entries
            .iter()
            .filter(|entry| self.is_of(whose, entry) && entry.can_be_asked(at));
        asked.filter_map(|entry| entry.due_from(at)).min()
    }

    /// The series that a run at this instant would fetch: those never fetched first, then the
    /// oldest, so that a limited day reaches all of them in turn.
    pub(super) fn due(&self, at: DateTime<Utc>) -> impl Iterator<Item = &SeriesKey> {
        self.due_of(Whose::All, at)
    }

    /// Those of them that have this schedule.
    pub(super) fn due_of(
        &self,
        whose: Whose,
        at: DateTime<Utc>,
    ) -> impl Iterator<Item = &SeriesKey> {
        let is_due = move |entry: &&Entry| {
            self.is_of(whose, entry) && entry.can_be_asked(at) && entry.is_due(at)
        };
        let mut due: Vec<&Entry> = self.entries.iter().filter(is_due).collect();
        due.sort_by_key(|entry| entry.fetched_at());
        due.into_iter().map(|entry| &entry.key)
    }

    /// The series that are fetched by themselves at an instant to come.
    pub(super) fn due_at(&self, at: DateTime<Utc>, now: DateTime<Utc>) -> Vec<&SeriesKey> {
        let is_next = |next: Option<DateTime<Utc>>| next.is_some_and(|next| next <= at);
        let whose = match (
            is_next(self.next_scheduled(now)),
            is_next(self.next_around(now)),
        ) {
            (true, false) => Whose::Scheduled,
            (false, true) => Whose::AroundTheClock,
            _ => Whose::All,
        };
        self.due_of(whose, at).collect()
    }

    /// Those for which these requests are enough; sources whose day is not limited need none of them.
    pub(super) fn due_within(
        &self,
        whose: Whose,
        most: Option<u32>,
        now: DateTime<Utc>,
    ) -> Vec<SeriesKey> {
        let mut room = most.unwrap_or(u32::MAX);
        let has_room = |series: &&SeriesKey| {
            if !self.quotas.is_limited(&series.source) {
                return true;
            }
            let is_room = room > 0;
            room = room.saturating_sub(1);
            is_room
        };
        self.due_of(whose, now).filter(has_room).cloned().collect()
    }
}
