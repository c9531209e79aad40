//! What a source with a limited day may be sent: today and on the days to come.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::calendar::Calendars;
use crate::model::quota::Quota;
use crate::pipeline::schedule::Schedule;

/// Days that are planned one by one; later ones are taken to be like them.
const HORIZON: usize = 160;
/// One in so many requests of a day is kept for a person.
const SHARE: u32 = 25;

/// A quota day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaDay {
    /// The first instant of the schedule on it.
    pub at: DateTime<Utc>,
    /// When it ends.
    pub ends: DateTime<Utc>,
    /// Requests.
    pub room: u32,
}

/// What a source may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Requests left of today.
    pub left: u32,
    /// Requests of a day.
    pub per_day: u32,
    /// Requests of a day that are kept for a person, unless a bar would be lost.
    pub reserve: u32,
    /// The days on which the schedule sends, oldest first.
    pub days: Vec<QuotaDay>,
}

/// Requests of a day that are kept for a person.
#[must_use]
pub const fn reserve(per_day: u32) -> u32 {
    let share = per_day / SHARE;
    if share == 0 && per_day > 1 { 1 } else { share }
}

impl Room {
    /// What is left now, and what comes with each day on which the schedule sends, from an instant on.
    /// `spent_until`: before that, nothing is sent.
    #[must_use]
    pub fn of(
        (quota, left): (&Quota, u32),
        (schedule, calendars): (&Schedule, &Calendars),
        first: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let per_day = quota.per_day()?;
        let (_, tonight) = quota.day(now);
        let mut days: Vec<QuotaDay> = vec![];
        let mut next = first;
        while let Some(at) = next.filter(|_| days.len() < HORIZON) {
            let (_, ends) = quota.day(at);
            let room = if ends == tonight { left } else { per_day };
            days.push(QuotaDay { at, ends, room });
            next = schedule.next_after(calendars, ends - TimeDelta::milliseconds(1));
        }
        Some(Self {
            left,
            per_day,
            reserve: reserve(per_day),
            days,
        })
    }

    /// The place of the day on which an instant falls, or of the first one after it; the number of the
    /// known days, if it is after all of them.
    pub(super) fn day_of(&self, at: DateTime<Utc>) -> usize {
        self.days.partition_point(|day| day.ends <= at)
    }

    /// The place of the last day whose requests come no later than an instant, or of the first where that
    /// has passed; the number of the known days, if it is after all of them.
    pub(super) fn last_day_before(&self, deadline: DateTime<Utc>) -> usize {
        let days = self.days.partition_point(|day| day.at <= deadline);
        match self.days.last() {
            Some(last) if last.at < deadline => days,
            _ => days.saturating_sub(1),
        }
    }

    /// When requests come after those of a day.
    pub(super) fn after(&self, day: usize) -> DateTime<Utc> {
        let next = self.days.get(day + 1).map(|next| next.at);
        let ends = self.days.get(day).map(|day| day.ends);
        next.or(ends).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Requests of a day that are not kept for a person.
    pub(super) fn usable(&self) -> u32 {
        self.per_day.saturating_sub(self.reserve).max(1)
    }

    /// What so many requests take of a day: no more than it has.
    pub(super) fn cost(&self, price: u32) -> u32 {
        price.clamp(1, self.usable())
    }
}
