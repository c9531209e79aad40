//! Which bars of a series can exist: its slots, from the sessions of its exchange.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::calendar::{Calendar, Session};
use super::{Interval, Publishing, Span};

/// Days within which every exchange has a session.
const A_YEAR: Days = Days::new(366);

/// The slots of a series: the bars that its exchange's sessions let one expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// The length of a bar.
    pub interval: Interval,
    /// When its exchange trades.
    pub calendar: Calendar,
    /// When its source has its bars.
    pub publishing: Publishing,
}

/// The time of a bar, and when that bar is usually there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The time of the bar.
    pub span: Span,
    /// When the bar is due.
    pub due: DateTime<Utc>,
}

impl Grid {
    /// The slots that begin within a time, oldest first.
    pub fn slots(&self, within: Span) -> impl Iterator<Item = Slot> + '_ {
        let is_within = move |slot: &Slot| within.contains(slot.span.from);
        self.periods(self.dates(within)).filter(is_within)
    }

    /// How many slots begin within a time.
    #[must_use]
    pub fn count(&self, within: Span) -> u64 {
        if within.is_empty() {
            return 0;
        }
        if self.interval == Interval::Daily {
            let day = |at: DateTime<Utc>| {
                let date = at.with_timezone(&self.publishing.zone).date_naive();
                let begins = self.publishing.period(Interval::Daily, date).from >= at;
                if begins { Some(date) } else { date.succ_opt() }
            };
            let (first, end) = (day(within.from), day(within.to));
            return match (first, end.and_then(|end| end.pred_opt())) {
                (Some(first), Some(last)) if first <= last => {
                    self.calendar.count_sessions(first..=last)
                }
                _ => 0,
            };
        }
        let (first, last) = self.dates(within);
        if !self.interval.is_intraday() {
            return self.slots(within).count() as u64;
        }
        let sessions = self.calendar.sessions(first..=last);
        let counts = sessions.map(|session| {
            let whole = Span::new(self.begin(&session), session.close);
            if session.pause.is_none() && whole.common(within) == whole {
                self.many(whole)
            } else {
                let slots = self.in_session(session);
                slots.filter(|slot| within.contains(slot.span.from)).count() as u64
            }
        });
        counts.sum()
    }

    /// The first slot that begins within a time.
    #[must_use]
    pub fn first(&self, within: Span) -> Option<Slot> {
        self.slots(within).next()
    }

    /// The last slot that begins within a time; it is looked for near the end first.
    #[must_use]
    pub fn last(&self, within: Span) -> Option<Slot> {
        let months = self.interval == Interval::Monthly;
        let mut back = TimeDelta::days(if months { 62 } else { 15 });
        loop {
            let from = within.from.max(within.to - back);
            let found = self.slots(Span::new(from, within.to)).last();
            if found.is_some() || from == within.from {
                return found;
            }
            back = back * 4;
        }
    }

    /// The first and the last slot of a time, as people write them: minutes in `zone`, dates as the
    /// source has them.
    #[must_use]
    pub fn labels(&self, within: Span, zone: Tz) -> [String; 2] {
        let (form, zone) = if self.interval.is_intraday() {
            ("%Y-%m-%d %H:%M", zone)
        } else {
            ("%Y-%m-%d", self.publishing.zone)
        };
        let first = self
            .first(within)
            .map_or(within.from, |slot| slot.span.from);
        let last = self.last(within).map_or(within.to, |slot| slot.span.from);
        [first, last].map(|at| {
            let local = at.with_timezone(&zone);
            local.format(form).to_string()
        })
    }

    /// The time of the bar that an instant is in, inside a session or outside.
    #[must_use]
    pub fn time_at(&self, at: DateTime<Utc>) -> Span {
        if !self.interval.is_intraday() {
            let date = at.with_timezone(&self.publishing.zone).date_naive();
            return self.publishing.period(self.interval, date);
        }
        let date = self.calendar.date(at);
        let midnight = super::moment::midnight(date, self.calendar.zone());
        let step = self.interval.length();
        let place = (at - midnight).num_seconds() / step.num_seconds().max(1);
        let from = midnight + step * i32::try_from(place).unwrap_or_default();
        Span::new(from, from + step)
    }

    /// The time of the bar that an instant belongs to; `None` where that time overlaps a session and
    /// the instant is outside it.
    #[must_use]
    pub fn slot_at(&self, at: DateTime<Utc>) -> Option<Span> {
        let slot = self.time_at(at);
        if !self.interval.is_intraday() {
            return Some(slot);
        }
        let date = self.calendar.date(at);
        let session = self.calendar.session(date);
        let is_outside = session.is_some_and(|session| {
            let hours = Span::new(session.open, session.close);
            !hours.contains(at) && !hours.common(slot).is_empty()
        });
        (!is_outside).then_some(slot)
    }

    /// The day of a bar that begins at an instant; `None` for bars of more than a day.
    #[must_use]
    pub fn day(&self, at: DateTime<Utc>) -> Option<NaiveDate> {
        match self.interval {
            Interval::Weekly | Interval::Monthly => None,
            Interval::Daily => Some(at.with_timezone(&self.publishing.zone).date_naive()),
            _ => Some(self.calendar.date(at)),
        }
    }

    /// The newest slot whose bar is due.
    #[must_use]
    pub fn newest_due(&self, now: DateTime<Utc>) -> Option<Slot> {
        let today = self.calendar.date(now).succ_opt()?;
        let since = today.checked_sub_days(A_YEAR)?;
        let sessions = self.calendar.sessions(since..=today).rev();
        let mut begun = sessions.filter(|session| session.open <= now);
        begun.find_map(|session| self.last_due_in(session, now))
    }

    /// The slot whose bar is due next.
    #[must_use]
    pub fn next_due(&self, now: DateTime<Utc>) -> Option<Slot> {
        let back = if self.interval.is_intraday() { 1 } else { 31 };
        let first = self.calendar.date(now).checked_sub_days(Days::new(back))?;
        let last = self.calendar.date(now).checked_add_days(A_YEAR)?;
        self.periods((first, last)).find(|slot| slot.due > now)
    }

    /// The last slot of a session, or with it, that is due.
    fn last_due_in(&self, session: Session, now: DateTime<Utc>) -> Option<Slot> {
        let is_due = |slot: &Slot| slot.due <= now;
        if self.interval.is_intraday() {
            return self.in_session(session).filter(is_due).last();
        }
        self.periods((session.date, session.date)).find(is_due)
    }

    /// The dates whose sessions may have slots that begin within a time.
    fn dates(&self, within: Span) -> (NaiveDate, NaiveDate) {
        let (first, last) = (
            self.calendar.date(within.from),
            self.calendar.date(within.to),
        );
        (
            first.pred_opt().unwrap_or(first),
            last.succ_opt().unwrap_or(last),
        )
    }

    /// The slots of the sessions of these dates; for weeks and months, of the periods with these dates.
    fn periods(
        &self,
        (first, last): (NaiveDate, NaiveDate),
    ) -> Box<dyn Iterator<Item = Slot> + '_> {
        match self.interval {
            Interval::Daily => {
                let sessions = self.calendar.sessions(first..=last);
                Box::new(sessions.map(|session| self.whole(session)))
            }
            Interval::Weekly | Interval::Monthly => {
                let start = |date| self.interval.period_start(date);
                let mut next = start(first);
                Box::new(
                    std::iter::from_fn(move || {
                        let date = next.filter(|date| *date <= last)?;
                        let period = self.publishing.period(self.interval, date);
                        let after = period.to.with_timezone(&self.publishing.zone).date_naive();
                        next = Some(after);
                        let mut sessions = self.calendar.sessions(date..=after.pred_opt()?);
                        Some(sessions.next_back().map(|session| self.whole(session)))
                    })
                    .flatten(),
                )
            }
            _ => {
                let sessions = self.calendar.sessions(first..=last);
                Box::new(sessions.flat_map(|session| self.in_session(session)))
            }
        }
    }

    /// The slot of the day, week or month whose last session this is.
    fn whole(&self, session: Session) -> Slot {
        Slot {
            span: self.publishing.period(self.interval, session.date),
            due: session.close + self.publishing.delay,
        }
    }

    /// Where the slots of a session begin: minutes are counted from midnight, so that hours begin on
    /// the hour.
    fn begin(&self, session: &Session) -> DateTime<Utc> {
        let midnight = super::moment::midnight(session.date, self.calendar.zone());
        let step = self.interval.length().num_seconds().max(1);
        let seconds = (session.open - midnight).num_seconds().div_euclid(step) * step;
        midnight + TimeDelta::seconds(seconds)
    }

    fn in_session(&self, session: Session) -> impl Iterator<Item = Slot> + use<> {
        let step = self.interval.length();
        let (begin, delay) = (self.begin(&session), self.publishing.delay);
        let many = self.many(Span::new(begin, session.close));
        let slot = move |place: u64| {
            let place = i32::try_from(place).unwrap_or(i32::MAX);
            let from = begin + step * place;
            let to = from + step;
            let due = to.min(session.close) + delay;
            let trades = session
                .pause
                .is_none_or(|(stops, goes_on)| from < stops || to > goes_on);
            trades.then_some(Slot {
                span: Span::new(from, to),
                due,
            })
        };
        (0..many).filter_map(slot)
    }

    /// How many slots a time has from its first instant on, the last perhaps cut off.
    fn many(&self, span: Span) -> u64 {
        let step = self.interval.length().num_seconds().max(1);
        let seconds = (span.to - span.from).num_seconds().max(0);
        u64::try_from((seconds + step - 1) / step).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveTime;
    use chrono_tz::America::New_York;
    use proptest::prelude::*;

    use super::*;
    use crate::model::Settles;
    use crate::model::calendar::{CalendarId, Calendars};

    fn grid(interval: Interval) -> Grid {
        of(interval, CalendarId::Xnys)
    }

    fn of(interval: Interval, id: CalendarId) -> Grid {
        Grid {
            interval,
            calendar: Calendars::default().get(id),
            publishing: Publishing {
                zone: New_York,
                delay: TimeDelta::zero(),
                settles: Settles::NextDay(NaiveTime::MIN),
                first_day: NaiveDate::MIN,
                between_sessions: false,
            },
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn span(from: &str, to: &str) -> Span {
        Span::new(at(from), at(to))
    }

    /// The week of Thanksgiving: a holiday on the 26th, a half day on the 27th.
    fn week() -> Span {
        span("2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z")
    }

    #[test]
    fn a_week_with_a_holiday_and_a_half_day_has_fewer_slots() {
        for (interval, slots) in [
            (Interval::Min1, 3 * 390 + 210),
            (Interval::Min5, 3 * 78 + 42),
            (Interval::Min60, 3 * 7 + 4),
            (Interval::Daily, 4),
            (Interval::Weekly, 1),
            (Interval::Monthly, 0),
        ] {
            let grid = grid(interval);
            assert_eq!(grid.count(week()), slots, "{interval}");
            assert_eq!(grid.slots(week()).count() as u64, slots, "{interval}");
        }
        let hours = grid(Interval::Min60);
        let first = hours.slots(week()).next().unwrap();
        assert_eq!(
            first.span,
            span("2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z")
        );
    }

    #[test]
    fn a_bar_is_due_at_its_end_and_a_day_at_the_close_of_that_day() {
        for (interval, now, newest, due, next_due) in [
            (
                Interval::Min5,
                "2026-11-25T15:02:00Z",
                "2026-11-25T14:55:00Z",
                "2026-11-25T15:00:00Z",
                "2026-11-25T15:05:00Z",
            ),
            // Thanksgiving, after the half day, and before Monday.
            (
                Interval::Min5,
                "2026-11-26T15:00:00Z",
                "2026-11-25T20:55:00Z",
                "2026-11-25T21:00:00Z",
                "2026-11-27T14:35:00Z",
            ),
            (
                Interval::Min5,
                "2026-11-27T19:30:00Z",
                "2026-11-27T17:55:00Z",
                "2026-11-27T18:00:00Z",
                "2026-11-30T14:35:00Z",
            ),
            (
                Interval::Daily,
                "2026-11-27T17:59:59Z",
                "2026-11-25T05:00:00Z",
                "2026-11-25T21:00:00Z",
                "2026-11-27T18:00:00Z",
            ),
            (
                Interval::Daily,
                "2026-11-27T18:00:00Z",
                "2026-11-27T05:00:00Z",
                "2026-11-27T18:00:00Z",
                "2026-11-30T21:00:00Z",
            ),
            (
                Interval::Weekly,
                "2026-11-27T17:59:00Z",
                "2026-11-16T05:00:00Z",
                "2026-11-20T21:00:00Z",
                "2026-11-27T18:00:00Z",
            ),
            (
                Interval::Monthly,
                "2026-11-27T19:00:00Z",
                "2026-10-01T04:00:00Z",
                "2026-10-30T20:00:00Z",
                "2026-11-30T21:00:00Z",
            ),
        ] {
            let grid = grid(interval);
            let slot = grid.newest_due(at(now)).unwrap();
            assert_eq!(
                (slot.span.from, slot.due),
                (at(newest), at(due)),
                "{interval} {now}"
            );
            let next = grid.next_due(at(now)).unwrap();
            assert_eq!(next.due, at(next_due), "{interval} {now}");
        }
    }

    #[test]
    fn nothing_is_expected_in_a_pause_and_everything_around_the_clock() {
        let shanghai = of(Interval::Min5, CalendarId::Xshg);
        let day = span("2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z");
        assert_eq!(
            shanghai.count(day),
            48,
            "two hours in the morning, two after noon"
        );
        let always = Grid {
            publishing: Publishing {
                zone: chrono_tz::UTC,
                ..grid(Interval::Min5).publishing
            },
            ..of(Interval::Min5, CalendarId::Always)
        };
        assert_eq!(always.count(week()), 7 * 288);
        let sunday = at("2026-11-29T23:59:00Z");
        assert_eq!(
            always.newest_due(sunday).unwrap().span.to,
            at("2026-11-29T23:55:00Z")
        );
        assert_eq!(
            always.next_due(sunday).unwrap().due,
            at("2026-11-30T00:00:00Z")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn counting_agrees_with_walking(from in 0_i64..60 * 24 * 400, long in 0_i64..60 * 24 * 40, place in 0_usize..8) {
            let grid = grid(Interval::ALL[place]);
            let from = at("2025-11-01T00:00:00Z") + TimeDelta::minutes(from);
            let within = Span::new(from, from + TimeDelta::minutes(long));
            prop_assert_eq!(grid.count(within), grid.slots(within).count() as u64);
        }
    }
}
