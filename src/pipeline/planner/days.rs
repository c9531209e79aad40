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

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Two days in which requests come at eight and that end at twenty.
    fn two_days() -> Room {
        let day = |date: &str| QuotaDay {
            at: at(&format!("{date}T08:00:00Z")),
            ends: at(&format!("{date}T20:00:00Z")),
            room: 5,
        };
        Room {
            left: 5,
            per_day: 5,
            reserve: 1,
            days: vec![day("2026-11-16"), day("2026-11-17")],
        }
    }

    #[test]
    fn one_request_in_twenty_five_is_kept_for_a_person_and_one_of_any_two() {
        let kept = [0, 1, 2, 24, 25, 49, 50, 500].map(reserve);
        assert_eq!(kept, [0, 0, 1, 1, 1, 1, 2, 20]);
    }

    #[test]
    fn an_instant_at_which_a_day_begins_is_its_first_and_days_are_looked_at_up_to_the_horizon() {
        // The schedule sends at each midnight of New York, when the quota day turns.
        let quota = Quota::daily(TimeDelta::zero(), Some(25), New_York);
        let schedule: Schedule = "0 0 * * *".parse().unwrap();
        let (midnight, next) = (at("2026-11-17T05:00:00Z"), at("2026-11-18T05:00:00Z"));
        let now = at("2026-11-16T21:00:00Z");
        let calendars = Calendars::default();
        let room = Room::of((&quota, 7), (&schedule, &calendars), Some(midnight), now).unwrap();
        assert_eq!(
            room.days[..2],
            [(midnight, next), (next, next + TimeDelta::days(1))].map(|(at, ends)| QuotaDay {
                at,
                ends,
                room: 25
            })
        );
        assert_eq!(room.days.len(), HORIZON);
        assert_eq!((room.left, room.per_day, room.reserve), (7, 25, 1));
    }

    #[test]
    fn an_instant_falls_on_the_day_that_has_not_ended() {
        let room = two_days();
        for (instant, day) in [
            ("2026-11-16T07:00:00Z", 0),
            ("2026-11-16T19:59:59Z", 0),
            ("2026-11-16T20:00:00Z", 1),
            ("2026-11-17T19:59:59Z", 1),
            ("2026-11-17T20:00:00Z", 2),
        ] {
            assert_eq!(room.day_of(at(instant)), day, "{instant}");
        }
    }

    #[test]
    fn the_last_day_before_a_deadline_is_one_whose_requests_come_in_time() {
        let room = two_days();
        for (deadline, day) in [
            ("2026-11-16T07:59:59Z", 0),
            ("2026-11-17T07:59:59Z", 0),
            ("2026-11-17T08:00:00Z", 1),
            ("2026-11-17T08:00:01Z", 2),
        ] {
            assert_eq!(room.last_day_before(at(deadline)), day, "{deadline}");
        }
        let none = Room {
            days: vec![],
            ..room
        };
        assert_eq!(none.last_day_before(at("2026-11-17T08:00:00Z")), 0);
    }

    #[test]
    fn after_the_last_day_requests_come_when_it_ends() {
        let room = two_days();
        let after = [0, 1, 2].map(|day| room.after(day));
        let never = DateTime::<Utc>::MAX_UTC;
        assert_eq!(after, [room.days[1].at, room.days[1].ends, never]);
    }
}
