//! The fewest requests that bring missing bars: the newest hundred, months, or the whole history.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::America::New_York;

use super::options::{Options, Outputsize};
use crate::model::{Interval, Span, moment};
use crate::pipeline::source::Month;

/// Bars that the newest ones are sure to be: a hundred come, and the youngest may be unfinished.
const SURE: u32 = 98;
/// The hours of the extended session: the most bars that a day has.
const HOURS: (u32, u32) = (4, 20);

/// Since when the newest bars that one request brings reach back at least; `trades` says of a date whether
/// it has any.
pub(super) fn newest_reach(
    interval: Interval,
    trades: &dyn Fn(NaiveDate) -> bool,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let local = now.with_timezone(&New_York).naive_local();
    let at = |date: NaiveDate, hour| {
        let time = NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        moment::local(date.and_time(time), New_York)
    };
    let mut left = SURE;
    let mut date = local.date();
    loop {
        if trades(date) {
            let bars = match interval.minutes() {
                None => 1,
                Some(minutes) => {
                    let (open, close) = (at(date, HOURS.0), at(date, HOURS.1).min(now));
                    let minutes = (close - open).num_minutes() / i64::from(minutes.max(1));
                    u32::try_from(minutes).unwrap_or(0)
                }
            };
            if bars >= left {
                return match interval.minutes() {
                    None => moment::midnight(date, New_York),
                    Some(minutes) => {
                        at(date, HOURS.1).min(now) - TimeDelta::minutes((minutes * left).into())
                    }
                };
            }
            left -= bars;
        }
        match date.checked_sub_days(Days::new(1)) {
            Some(before) => date = before,
            None => return now,
        }
    }
}

/// Whether a date may have bars, where nothing is known of holidays.
fn is_weekday(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

/// The requests that bring what is missing, the newest bars first, as options of each. A free key
/// has the newest bars only.
pub(super) fn slices(
    (interval, options): (Interval, &Options),
    missing: &[Span],
    is_free: bool,
    now: DateTime<Utc>,
) -> Vec<Options> {
    let reach = newest_reach(interval, &is_weekday, now);
    let older: Vec<Span> = missing
        .iter()
        .map(|span| span.common(Span::new(span.from, reach)))
        .filter(|span| !span.is_empty())
        .collect();
    if is_free || older.is_empty() || matches!(interval, Interval::Weekly | Interval::Monthly) {
        return vec![options.clone()];
    }
    if interval == Interval::Daily {
        return vec![Options {
            outputsize: Some(Outputsize::Full),
            ..options.clone()
        }];
    }
    let months: BTreeSet<Month> = older.iter().flat_map(|span| months(*span)).collect();
    let current = Month::of(now.with_timezone(&New_York).date_naive());
    let wants_newest = missing.iter().any(|span| span.to > reach) && !months.contains(&current);
    let of_month = |month: &Month| Options {
        month: Some(*month),
        ..options.clone()
    };
    let newest = wants_newest.then(|| options.clone());
    newest
        .into_iter()
        .chain(months.iter().rev().map(of_month))
        .collect()
}

/// The months that a time touches, from the first that there are bars of.
fn months(span: Span) -> impl Iterator<Item = Month> {
    let first_day = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default();
    let date = |at: DateTime<Utc>| at.with_timezone(&New_York).date_naive();
    let first = date(span.from).max(first_day);
    let last = date(span.to - TimeDelta::milliseconds(1));
    let next = move |day: &NaiveDate| {
        day.with_day(1)?
            .checked_add_months(chrono::Months::new(1))
            .filter(|day| *day <= last)
    };
    let begins = Some(first).filter(|first| *first <= last);
    std::iter::successors(begins, next).map(Month::of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::{CalendarId, Calendars};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Thursday, 10:00 in New York.
    const NOW: &str = "2026-11-19T15:00:00Z";

    fn asked(interval: Interval, missing: &[(&str, &str)], is_free: bool) -> Vec<String> {
        let missing: Vec<Span> = missing
            .iter()
            .map(|(from, to)| Span::new(at(from), at(to)))
            .collect();
        let options = Options::default();
        slices((interval, &options), &missing, is_free, at(NOW))
            .iter()
            .map(|options| match (options.month, options.outputsize) {
                (Some(month), None) => month.to_string(),
                (None, Some(size)) => size.to_string(),
                _ => "newest".to_owned(),
            })
            .collect()
    }

    #[test]
    fn the_newest_hundred_reach_back_over_nights_and_weekends() {
        for (interval, reach) in [
            (Interval::Min1, "2026-11-19T13:22:00Z"),
            // Six hours of today, and the last bars of yesterday's extended session.
            (Interval::Min5, "2026-11-18T22:50:00Z"),
            (Interval::Min60, "2026-11-11T13:00:00Z"),
            (Interval::Daily, "2026-07-07T04:00:00Z"),
        ] {
            let reached = newest_reach(interval, &is_weekday, at(NOW));
            assert_eq!(reached, at(reach), "{interval}");
        }
        // Labor Day has no bar: one more day.
        let new_york = Calendars::default().get(CalendarId::Xnys);
        let trades = |date| new_york.session(date).is_some();
        let reached = newest_reach(Interval::Daily, &trades, at(NOW));
        assert_eq!(reached, at("2026-07-06T04:00:00Z"));
        let monday = at("2026-11-23T09:30:00Z");
        assert_eq!(
            newest_reach(Interval::Min5, &is_weekday, monday),
            at("2026-11-20T17:20:00Z")
        );
    }

    #[test]
    fn the_fewest_requests_are_asked_the_newest_first() {
        let recent = ("2026-11-19T14:00:00Z", NOW);
        let summer = ("2026-06-15T14:00:00Z", "2026-08-03T14:00:00Z");
        let week = ("2026-11-12T14:00:00Z", NOW);
        for (interval, missing, requests) in [
            (Interval::Min5, vec![recent], vec!["newest"]),
            (Interval::Min5, vec![], vec!["newest"]),
            (Interval::Min5, vec![week], vec!["2026-11"]),
            (
                Interval::Min5,
                vec![summer],
                vec!["2026-08", "2026-07", "2026-06"],
            ),
            (
                Interval::Min5,
                vec![summer, recent],
                vec!["newest", "2026-08", "2026-07", "2026-06"],
            ),
            (
                Interval::Min5,
                vec![summer, week],
                vec!["2026-11", "2026-08", "2026-07", "2026-06"],
            ),
            (Interval::Daily, vec![week], vec!["newest"]),
            (Interval::Daily, vec![summer], vec!["full"]),
            (Interval::Weekly, vec![summer], vec!["newest"]),
        ] {
            assert_eq!(
                asked(interval, &missing, false),
                requests,
                "{interval} {missing:?}"
            );
        }
        assert_eq!(
            asked(Interval::Daily, &[summer], true),
            ["newest"],
            "a free key"
        );
    }

    #[test]
    fn a_month_ends_at_midnight_of_the_exchange_and_none_is_before_2000() {
        let may = ("2026-05-01T04:00:00Z", "2026-06-01T04:00:00Z");
        assert_eq!(asked(Interval::Min1, &[may], false), ["2026-05"]);
        let old = ("1999-11-01T05:00:00Z", "2000-02-01T05:00:00Z");
        assert_eq!(asked(Interval::Min1, &[old], false), ["2000-01"]);
    }
}
