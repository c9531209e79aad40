//! Slots: the times that bars stand for, and when a source's bars come and change no more.

use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{Interval, Span, moment};

/// When a source has its bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publishing {
    /// The zone in which its days begin.
    pub zone: Tz,
    /// How long after the end of its time a bar is usually there.
    pub delay: TimeDelta,
    /// When bars change no more.
    pub settles: Settles,
    /// The first day that it has bars of.
    pub first_day: NaiveDate,
    /// Whether bars outside the sessions are asked for with those that follow, since that costs no more.
    pub between_sessions: bool,
}

/// When bars change no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settles {
    /// At this time of the next day.
    NextDay(NaiveTime),
    /// So long after their time ended.
    After(TimeDelta),
}

impl Publishing {
    /// Of a source that is not known.
    pub const UNKNOWN: Self = Self {
        zone: Tz::UTC,
        delay: TimeDelta::zero(),
        settles: Settles::After(TimeDelta::days(1)),
        first_day: NaiveDate::MIN,
        between_sessions: false,
    };

    /// The time of the bar with a label: a bar of a week or a month has it from its first day, wherever
    /// its label is.
    #[must_use]
    pub fn slot(&self, interval: Interval, label: DateTime<Utc>) -> Span {
        if interval.is_intraday() {
            return Span::new(label, label + interval.length());
        }
        self.period(interval, label.with_timezone(&self.zone).date_naive())
    }

    /// The time of the bar of a day, or of the week or month with that day.
    #[must_use]
    pub fn period(&self, interval: Interval, date: NaiveDate) -> Span {
        let first = interval.period_start(date).unwrap_or(date);
        let next = match interval {
            Interval::Weekly => first.checked_add_days(Days::new(7)),
            Interval::Monthly => first.checked_add_months(Months::new(1)),
            _ => first.succ_opt(),
        };
        let midnight = |date| moment::midnight(date, self.zone);
        Span::new(midnight(first), midnight(next.unwrap_or(first)))
    }

    /// Bars before this instant were settled when they were asked for.
    #[must_use]
    pub fn settled(&self, interval: Interval, asked_at: DateTime<Utc>) -> DateTime<Utc> {
        let ended = match self.settles {
            Settles::After(wait) => asked_at - wait,
            Settles::NextDay(time) => {
                let clock = asked_at.with_timezone(&self.zone).naive_local();
                let today = clock.date();
                let date = if clock.time() >= time {
                    Some(today)
                } else {
                    today.pred_opt()
                };
                moment::midnight(date.unwrap_or(today), self.zone)
            }
        };
        if interval.is_intraday() {
            return match self.settles {
                Settles::After(_) => ended - interval.length(),
                Settles::NextDay(_) => ended,
            };
        }
        self.slot(interval, ended).from
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;

    fn publishing(settles: Settles) -> Publishing {
        Publishing {
            zone: New_York,
            delay: TimeDelta::minutes(1),
            settles,
            first_day: NaiveDate::from_ymd_opt(1999, 11, 1).unwrap(),
            between_sessions: false,
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_bar_stands_for_its_minutes_its_day_or_the_whole_of_its_week_or_month() {
        let source = publishing(Settles::After(TimeDelta::zero()));
        for (interval, label, from, to) in [
            (
                Interval::Min5,
                "2026-11-20T14:30:00Z",
                "2026-11-20T14:30:00Z",
                "2026-11-20T14:35:00Z",
            ),
            (
                Interval::Daily,
                "2026-11-20T05:00:00Z",
                "2026-11-20T05:00:00Z",
                "2026-11-21T05:00:00Z",
            ),
            (
                Interval::Weekly,
                "2026-11-20T05:00:00Z",
                "2026-11-16T05:00:00Z",
                "2026-11-23T05:00:00Z",
            ),
            (
                Interval::Monthly,
                "2026-11-20T05:00:00Z",
                "2026-11-01T04:00:00Z",
                "2026-12-01T05:00:00Z",
            ),
        ] {
            assert_eq!(
                source.slot(interval, at(label)),
                Span::new(at(from), at(to)),
                "{interval}"
            );
        }
    }

    #[test]
    fn bars_are_settled_in_the_next_morning() {
        let source = publishing(Settles::NextDay(NaiveTime::from_hms_opt(6, 0, 0).unwrap()));
        for (interval, asked, settled) in [
            (
                Interval::Min5,
                "2026-11-20T10:59:59Z",
                "2026-11-19T05:00:00Z",
            ),
            (
                Interval::Min5,
                "2026-11-20T11:00:00Z",
                "2026-11-20T05:00:00Z",
            ),
            (
                Interval::Daily,
                "2026-11-20T11:00:00Z",
                "2026-11-20T05:00:00Z",
            ),
            // The week is unfinished.
            (
                Interval::Weekly,
                "2026-11-20T11:00:00Z",
                "2026-11-16T05:00:00Z",
            ),
            (
                Interval::Monthly,
                "2026-11-20T11:00:00Z",
                "2026-11-01T04:00:00Z",
            ),
        ] {
            assert_eq!(
                source.settled(interval, at(asked)),
                at(settled),
                "{interval} {asked}"
            );
        }
    }

    #[test]
    fn bars_of_some_sources_are_settled_minutes_after_their_end() {
        let source = publishing(Settles::After(TimeDelta::minutes(2)));
        let asked = at("2026-11-20T14:37:00Z");
        assert_eq!(
            source.settled(Interval::Min5, asked),
            at("2026-11-20T14:30:00Z")
        );
        let day_after = at("2026-11-21T05:02:00Z");
        assert_eq!(
            source.settled(Interval::Daily, day_after),
            at("2026-11-21T05:00:00Z")
        );
        let too_early = day_after - TimeDelta::seconds(1);
        assert_eq!(
            source.settled(Interval::Daily, too_early),
            at("2026-11-20T05:00:00Z")
        );
    }
}
