//! The New York exchange's calendar: which days trade, and at what times.
//!
//! Times are seconds of the exchange's wall clock since 1970-01-01 00:00 there. No session touches
//! the hour of a clock change, so wall time orders all sessions and needs no zone. It shares nothing
//! with the product's own calendar, so that a mistake in one of them shows.

mod closures;

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::America::New_York;

use self::closures::{closes_early, is_closed};
use crate::model::moment;

/// Seconds in a minute.
pub(super) const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
/// Wall time of the next morning at which what was served of a session is corrected: 06:00.
const CORRECTED_AT: i64 = 30 * HOUR;

/// One trading day, in wall seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Session {
    /// Its day.
    pub date: NaiveDate,
    /// Start of pre-market trading: 04:00.
    pub early: i64,
    /// Opening: 09:30.
    pub open: i64,
    /// Close: 16:00, on a half day 13:00.
    pub close: i64,
    /// End of after-hours trading: 20:00, on a half day 17:00.
    pub late: i64,
    /// When its corrections are made: 06:00 of the next morning.
    pub corrected: i64,
}

impl Session {
    /// The start and the end of its trading, with or without the extended hours.
    pub(super) const fn trading(&self, extended: bool) -> (i64, i64) {
        if extended {
            (self.early, self.late)
        } else {
            (self.open, self.close)
        }
    }
}

/// The exchange's calendar, and the days planted in it on which it is closed or trades.
#[derive(Debug, Clone, Default)]
pub(super) struct Calendar {
    closed: BTreeSet<NaiveDate>,
    open: BTreeSet<NaiveDate>,
}

impl Calendar {
    /// The exchange's calendar with more days on which it is closed, and more on which it trades.
    pub(super) fn with(
        closed: impl IntoIterator<Item = NaiveDate>,
        open: impl IntoIterator<Item = NaiveDate>,
    ) -> Self {
        Self {
            closed: closed.into_iter().collect(),
            open: open.into_iter().collect(),
        }
    }

    /// The session of a date; `None` when the exchange is closed.
    pub(super) fn session(&self, date: NaiveDate) -> Option<Session> {
        self.trades_on(date).then(|| {
            let midnight = midnight(date);
            let close = if closes_early(date) { 13 } else { 16 } * HOUR;
            Session {
                date,
                early: midnight + 4 * HOUR,
                open: midnight + 9 * HOUR + 30 * MINUTE,
                close: midnight + close,
                late: midnight + close + 4 * HOUR,
                corrected: midnight + CORRECTED_AT,
            }
        })
    }

    /// Whether the exchange trades on a date.
    pub(super) fn trades_on(&self, date: NaiveDate) -> bool {
        let is_open = is_trading_day(date) || self.open.contains(&date);
        is_open && !self.closed.contains(&date)
    }

    /// The trading days up to and including `last`, newest first, not before `first`.
    pub(super) fn days_back(
        &self,
        first: NaiveDate,
        last: NaiveDate,
    ) -> impl Iterator<Item = NaiveDate> {
        std::iter::successors(Some(last), |date| date.checked_sub_days(Days::new(1)))
            .take_while(move |date| *date >= first)
            .filter(|date| self.trades_on(*date))
    }

    /// The first trading day that is not before `date`.
    pub(super) fn day_from(&self, date: NaiveDate) -> NaiveDate {
        date.iter_days()
            .find(|date| self.trades_on(*date))
            .unwrap_or(date)
    }
}

/// Whether the exchange trades on a date.
#[must_use]
pub fn is_trading_day(date: NaiveDate) -> bool {
    !is_closed(date)
}

/// The wall seconds at which a date begins.
pub(super) fn midnight(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default())
        .num_seconds()
}

/// The wall time of an instant.
pub(super) fn wall_time(instant: DateTime<Utc>) -> NaiveDateTime {
    instant.with_timezone(&New_York).naive_local()
}

/// The wall seconds of an instant.
pub(super) fn wall_seconds(instant: DateTime<Utc>) -> i64 {
    wall_time(instant).and_utc().timestamp()
}

/// The wall time of wall seconds.
pub(super) fn from_seconds(seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(seconds, 0)
        .unwrap_or_default()
        .naive_utc()
}

/// The instant of wall seconds.
pub(super) fn instant(seconds: i64) -> DateTime<Utc> {
    moment::local(from_seconds(seconds), New_York)
}

/// The instant at which the day after a date begins.
pub(super) fn day_after(date: NaiveDate) -> DateTime<Utc> {
    instant(midnight(date.succ_opt().unwrap_or(date)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_go_back_over_a_long_weekend() {
        let calendar = Calendar::default();
        let days: Vec<_> = calendar
            .days_back(date("2026-05-20"), date("2026-05-26"))
            .collect();
        let expected = ["2026-05-26", "2026-05-22", "2026-05-21", "2026-05-20"].map(date);
        assert_eq!(days, expected);
    }

    #[test]
    fn a_half_day_ends_at_one_and_trades_on_for_four_hours() {
        let half = date("2026-11-27");
        let session = Calendar::default().session(half).unwrap();
        let hour = |at: i64| (at - midnight(half)) / HOUR;
        assert_eq!((hour(session.close), hour(session.late)), (13, 17));
        assert_eq!(
            instant(session.close).to_rfc3339(),
            "2026-11-27T18:00:00+00:00"
        );
        assert_eq!(
            instant(session.corrected).to_rfc3339(),
            "2026-11-28T11:00:00+00:00"
        );
    }

    #[test]
    fn a_planted_closure_is_a_day_without_a_session() {
        let closed = date("2026-11-18");
        let calendar = Calendar::with([closed], []);
        assert_eq!(calendar.session(closed), None);
        assert_eq!(calendar.day_from(closed), date("2026-11-19"));
        assert!(Calendar::default().session(closed).is_some());
        let holiday = date("2026-11-26");
        assert!(Calendar::with([], [holiday]).session(holiday).is_some());
        assert_eq!(Calendar::default().session(holiday), None);
    }
}
