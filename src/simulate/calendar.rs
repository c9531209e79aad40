//! The New York exchange's calendar: which days trade, and at what times.
//!
//! Times are seconds of the exchange's wall clock since 1970-01-01 00:00 there. No session touches
//! the hour of a clock change, so wall time orders all sessions and needs no zone. Closures for
//! single events (storms, mourning) are left out.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, Utc, Weekday};
use chrono_tz::America::New_York;

/// Seconds in a minute.
pub(super) const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// One trading day, in wall seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Session {
    /// Start of pre-market trading: 04:00.
    pub early: i64,
    /// Opening: 09:30.
    pub open: i64,
    /// Close: 16:00, on a half day 13:00.
    pub close: i64,
    /// End of after-hours trading: 20:00, on a half day 17:00.
    pub late: i64,
}

impl Session {
    /// The session of a date; `None` when the exchange is closed.
    pub(super) fn of(date: NaiveDate) -> Option<Self> {
        is_trading_day(date).then(|| {
            let midnight = midnight(date);
            let close = if is_half_day(date) { 13 } else { 16 } * HOUR;
            Self {
                early: midnight + 4 * HOUR,
                open: midnight + 9 * HOUR + 30 * MINUTE,
                close: midnight + close,
                late: midnight + close + 4 * HOUR,
            }
        })
    }
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

/// The wall time of wall seconds.
pub(super) fn from_seconds(seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(seconds, 0)
        .unwrap_or_default()
        .naive_utc()
}

/// The trading days up to and including `last`, newest first, not before `first`.
pub(super) fn trading_days_back(
    first: NaiveDate,
    last: NaiveDate,
) -> impl Iterator<Item = NaiveDate> {
    std::iter::successors(Some(last), |date| date.checked_sub_days(Days::new(1)))
        .take_while(move |date| *date >= first)
        .filter(|date| is_trading_day(*date))
}

/// The first trading day that is not before `date`.
pub(super) fn trading_day_from(date: NaiveDate) -> NaiveDate {
    date.iter_days()
        .find(|date| is_trading_day(*date))
        .unwrap_or(date)
}

/// Whether the exchange trades on a date.
#[must_use]
pub fn is_trading_day(date: NaiveDate) -> bool {
    !is_weekend(date) && !is_holiday(date)
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

/// Whether trading ends at 13:00: the day after Thanksgiving, and 24 December.
fn is_half_day(date: NaiveDate) -> bool {
    let after_thanksgiving = date
        .pred_opt()
        .is_some_and(|eve| eve.month() == 11 && is_nth(eve, Weekday::Thu, 4));
    after_thanksgiving || (date.month(), date.day()) == (12, 24)
}

fn is_holiday(date: NaiveDate) -> bool {
    match date.month() {
        // New Year's Day on a Saturday is not observed: the year closes on the Friday before.
        1 => is_observed(date, 1, 1) || is_nth(date, Weekday::Mon, 3),
        2 => is_nth(date, Weekday::Mon, 3),
        3 | 4 => date
            .checked_add_days(Days::new(2))
            .is_some_and(|sunday| Some(sunday) == easter(date.year())),
        5 => date.weekday() == Weekday::Mon && date.day() > 24,
        6 => date.year() >= 2022 && is_observed(date, 6, 19),
        7 => is_observed(date, 7, 4),
        9 => is_nth(date, Weekday::Mon, 1),
        11 => is_nth(date, Weekday::Thu, 4),
        12 => is_observed(date, 12, 25),
        _ => false,
    }
}

/// Whether a fixed holiday is observed on `date`: a Saturday's on Friday, a Sunday's on Monday.
fn is_observed(date: NaiveDate, month: u32, day: u32) -> bool {
    let kept =
        NaiveDate::from_ymd_opt(date.year(), month, day).and_then(|fixed| match fixed.weekday() {
            Weekday::Sat => fixed.pred_opt(),
            Weekday::Sun => fixed.succ_opt(),
            _ => Some(fixed),
        });
    kept == Some(date)
}

fn is_nth(date: NaiveDate, weekday: Weekday, n: u8) -> bool {
    NaiveDate::from_weekday_of_month_opt(date.year(), date.month(), weekday, n) == Some(date)
}

/// Easter Sunday of a Gregorian year, after Meeus, Jones and Butcher.
fn easter(year: i32) -> Option<NaiveDate> {
    let golden = year % 19;
    let (century, rest) = (year / 100, year % 100);
    let correction = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - century / 4 - correction + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    NaiveDate::from_ymd_opt(
        year,
        u32::try_from(days / 31).ok()?,
        u32::try_from(days % 31 + 1).ok()?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn close_hour(text: &str) -> Option<i64> {
        Session::of(date(text)).map(|session| (session.close - midnight(date(text))) / HOUR)
    }

    #[test]
    fn holidays_are_closed() {
        for closed in [
            "2026-01-01",
            "2023-01-02",
            "2026-01-19",
            "2026-02-16",
            "2026-04-03",
            "2024-03-29",
            "2026-05-25",
            "2026-06-19",
            "2022-06-20",
            "2026-07-03",
            "2021-07-05",
            "2026-09-07",
            "2026-11-26",
            "2026-12-25",
            "2021-12-24",
            "2022-12-26",
            "2026-05-16",
            "2026-05-17",
        ] {
            assert_eq!(close_hour(closed), None, "{closed}");
        }
    }

    #[test]
    fn other_days_are_open() {
        for open in [
            "2026-05-15",
            "2021-06-18",
            "2021-12-31",
            "2026-04-06",
            "2026-05-18",
        ] {
            assert_eq!(close_hour(open), Some(16), "{open}");
        }
    }

    #[test]
    fn half_days_close_at_one() {
        for half in ["2026-11-27", "2019-11-29", "2020-12-24"] {
            assert_eq!(close_hour(half), Some(13), "{half}");
        }
        let session = Session::of(date("2020-12-24")).unwrap();
        assert_eq!(session.late - session.close, 4 * HOUR);
    }

    #[test]
    fn days_go_back_over_a_long_weekend() {
        let days: Vec<_> = trading_days_back(date("2026-05-20"), date("2026-05-26")).collect();
        let expected = ["2026-05-26", "2026-05-22", "2026-05-21", "2026-05-20"].map(date);
        assert_eq!(days, expected);
    }
}
