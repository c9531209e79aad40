//! What trades around the clock beside a schedule that follows the sessions of an exchange: it is
//! fetched whenever a bar is due.

use chrono::{DateTime, TimeDelta, Utc};

use super::lanes::Asker;
use super::{Entry, State};

/// Minutes after which bars of a day and longer are asked for again if they did not come.
const AGAIN: u32 = 60;

/// Series by what starts their fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Every series.
    All,
    /// Those that the schedule speaks for.
    Scheduled,
    /// Those that trade around the clock, if the schedule follows the sessions of an exchange.
    AroundTheClock,
}

impl State {
    pub(super) fn is_of(&self, whose: Whose, entry: &Entry) -> bool {
        let is_scheduled = || self.schedule.speaks_for(entry.grid.calendar.id());
        match whose {
            Whose::All => true,
            Whose::Scheduled => is_scheduled(),
            Whose::AroundTheClock => !is_scheduled(),
        }
    }

    /// The next instant at which a series of these lanes that trades around the clock is fetched by itself;
    /// a person asks for all lanes. Where a bar did not come, with the next one.
    pub(super) fn next_around(&self, asker: &Asker, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let around = self.entries.iter();
        let is_around =
            |entry: &Entry| self.is_of(Whose::AroundTheClock, entry) && self.is_asked(asker, entry);
        let around = around.filter(|entry| is_around(entry));
        let minutes = |entry: &Entry| entry.key.interval.minutes().unwrap_or(AGAIN);
        let every = around.clone().map(minutes).min()?;
        let delay = around.map(|entry| entry.grid.publishing.delay).max()?;
        let from = self.last_around.map_or(now, |last| {
            now.max(next_multiple(every, last.min(now)) + delay)
        });
        let askable = self.entries.iter().filter(|entry| {
            is_around(entry) && entry.can_be_asked(from) && !self.is_spent(&entry.key, from)
        });
        askable.filter_map(|entry| entry.due_from(from)).min()
    }
}

/// The first instant after another that is a multiple of so many minutes.
fn next_multiple(minutes: u32, at: DateTime<Utc>) -> DateTime<Utc> {
    let step = i64::from(minutes.max(1)) * 60;
    let next = (at.timestamp().div_euclid(step) + 1) * step;
    DateTime::from_timestamp(next, 0).unwrap_or(at + TimeDelta::seconds(step))
}
