//! Whether a series may have changed since it was fetched: by weekday and hours, until there is an
//! exchange calendar.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::America::New_York;

use super::snapshot::SeriesState;
use crate::model::Interval;
use crate::time::is_far_ahead;

/// Extended hours begin.
const OPEN: NaiveTime = hour(4);
/// Extended hours end, and with them the changes of intraday bars.
const CLOSE: NaiveTime = hour(20);
/// The regular session ends, and with it the day's bar.
const DAY_CLOSE: NaiveTime = hour(16);

const fn hour(hour: u32) -> NaiveTime {
    match NaiveTime::from_hms_opt(hour, 0, 0) {
        Some(time) => time,
        None => NaiveTime::MIN,
    }
}

/// The state of a series that was last fetched at `fetched_at`.
#[must_use]
pub fn state(
    interval: Interval,
    fetched_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> SeriesState {
    let Some(fetched_at) = fetched_at.filter(|at| !is_far_ahead(*at, now)) else {
        return SeriesState::Due;
    };
    let changed = last_change(interval, now);
    if fetched_at >= changed {
        SeriesState::Fresh
    } else {
        SeriesState::Due
    }
}

/// Whether a series that was last fetched at `fetched_at` may have changed since.
#[must_use]
pub fn can_have_changed(
    interval: Interval,
    fetched_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> bool {
    state(interval, fetched_at, now) != SeriesState::Fresh
}

/// Whether a fetch at `fetched_at` is no older than `max_age`. One recorded far in the future is
/// not: a clock was wrong.
#[must_use]
pub fn is_recent(fetched_at: DateTime<Utc>, max_age: TimeDelta, now: DateTime<Utc>) -> bool {
    !is_far_ahead(fetched_at, now) && now - fetched_at <= max_age
}

/// The latest instant, up to `now`, at which a new bar may have been complete.
fn last_change(interval: Interval, now: DateTime<Utc>) -> DateTime<Utc> {
    let local = now.with_timezone(&New_York).naive_local();
    let (date, time) = (local.date(), local.time());
    match interval.minutes() {
        Some(minutes) if is_weekday(date) && time >= OPEN && time < CLOSE => {
            let step = i64::from(minutes) * 60;
            DateTime::from_timestamp(now.timestamp().div_euclid(step) * step, 0).unwrap_or(now)
        }
        Some(_) => last_weekday_at(date, time, CLOSE, now),
        None => last_weekday_at(date, time, DAY_CLOSE, now),
    }
}

/// The first instant after `now` at which a new bar may be complete.
#[must_use]
pub fn next_change(interval: Interval, now: DateTime<Utc>) -> DateTime<Utc> {
    let local = now.with_timezone(&New_York).naive_local();
    let (date, time) = (local.date(), local.time());
    match interval.minutes() {
        Some(minutes) if is_weekday(date) && time >= OPEN && time < CLOSE => {
            let step = i64::from(minutes) * 60;
            let next = (now.timestamp().div_euclid(step) + 1) * step;
            DateTime::from_timestamp(next, 0).unwrap_or(now)
        }
        Some(_) => next_weekday_at(date, time, OPEN, now),
        None => next_weekday_at(date, time, DAY_CLOSE, now),
    }
}

fn next_weekday_at(
    today: NaiveDate,
    time: NaiveTime,
    at: NaiveTime,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let first = u64::from(time >= at);
    (first..first + 7)
        .filter_map(|days| today.checked_add_days(Days::new(days)))
        .find(|date| is_weekday(*date))
        .and_then(|date| New_York.from_local_datetime(&date.and_time(at)).earliest())
        .map_or(now, |instant| instant.with_timezone(&Utc))
}

fn last_weekday_at(
    today: NaiveDate,
    time: NaiveTime,
    at: NaiveTime,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let first = u64::from(time < at);
    (first..first + 7)
        .filter_map(|back| today.checked_sub_days(Days::new(back)))
        .find(|date| is_weekday(*date))
        .and_then(|date| New_York.from_local_datetime(&date.and_time(at)).earliest())
        .map_or(now, |instant| instant.with_timezone(&Utc))
}

fn is_weekday(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(interval: Interval, fetched: &str, now: &str) -> SeriesState {
        state(
            interval,
            Some(fetched.parse().unwrap()),
            now.parse().unwrap(),
        )
    }

    #[test]
    fn what_was_fetched_after_the_last_close_cannot_have_changed_until_the_next() {
        let changed = |fetched: Option<&str>, now: &str| {
            let fetched = fetched.map(|at| at.parse().unwrap());
            can_have_changed(Interval::Daily, fetched, now.parse().unwrap())
        };
        let after_fridays_close = Some("2026-11-20T21:30:00Z");
        assert!(!changed(after_fridays_close, "2026-11-23T20:59:59Z"));
        assert!(changed(after_fridays_close, "2026-11-23T21:00:00Z"));
        assert!(changed(None, "2026-11-22T12:00:00Z"), "never fetched");
        let by_a_wrong_clock = Some("2027-11-20T21:30:00Z");
        assert!(changed(by_a_wrong_clock, "2026-11-22T12:00:00Z"));
    }

    #[test]
    fn intraday_bars_are_due_each_interval_while_the_market_trades() {
        let fetched = "2026-11-20T15:01:00Z";
        assert_eq!(
            stands(Interval::Min5, fetched, "2026-11-20T15:04:59Z"),
            SeriesState::Fresh
        );
        assert_eq!(
            stands(Interval::Min5, fetched, "2026-11-20T15:05:00Z"),
            SeriesState::Due
        );
    }

    #[test]
    fn a_fetch_is_recent_up_to_its_age_and_not_years_ahead() {
        let now = "2026-11-20T15:00:00Z".parse().unwrap();
        for (fetched, recent) in [
            ("2026-11-20T14:00:00Z", true),
            ("2026-11-20T13:59:59Z", false),
            // The clocks of two machines differ a little.
            ("2026-11-20T15:00:02Z", true),
            ("2027-11-20T15:00:00Z", false),
        ] {
            let fetched_at = fetched.parse().unwrap();
            assert_eq!(
                is_recent(fetched_at, TimeDelta::hours(1), now),
                recent,
                "{fetched}"
            );
        }
    }

    #[test]
    fn a_weekend_changes_nothing() {
        let fetched = "2026-11-21T01:30:00Z";
        assert_eq!(
            stands(Interval::Min5, fetched, "2026-11-23T08:00:00Z"),
            SeriesState::Fresh
        );
        assert_eq!(
            stands(Interval::Daily, fetched, "2026-11-23T20:59:00Z"),
            SeriesState::Fresh
        );
        assert_eq!(
            stands(Interval::Daily, fetched, "2026-11-23T21:00:00Z"),
            SeriesState::Due
        );
    }

    #[test]
    fn the_next_change_is_the_last_one_when_it_has_come() {
        for (interval, now, change) in [
            (
                Interval::Min5,
                "2026-11-20T15:04:59Z",
                "2026-11-20T15:05:00Z",
            ),
            (
                Interval::Min60,
                "2026-11-21T01:30:00Z",
                "2026-11-23T09:00:00Z",
            ),
            (
                Interval::Daily,
                "2026-11-20T20:59:59Z",
                "2026-11-20T21:00:00Z",
            ),
            (
                Interval::Weekly,
                "2026-11-20T21:00:00Z",
                "2026-11-23T21:00:00Z",
            ),
        ] {
            let (now, change): (DateTime<Utc>, DateTime<Utc>) =
                (now.parse().unwrap(), change.parse().unwrap());
            assert_eq!(next_change(interval, now), change, "{interval} {now}");
            assert_eq!(last_change(interval, change), change, "{interval} {now}");
            assert!(last_change(interval, change - TimeDelta::seconds(1)) < change);
        }
    }

    #[test]
    fn what_was_never_fetched_or_long_ago_is_due() {
        let now = "2026-11-20T15:00:00Z".parse().unwrap();
        assert_eq!(state(Interval::Daily, None, now), SeriesState::Due);
        assert_eq!(
            stands(
                Interval::Daily,
                "2026-11-02T22:00:00Z",
                "2026-11-20T15:00:00Z"
            ),
            SeriesState::Due
        );
    }

    #[test]
    fn a_fetch_that_is_noted_for_far_ahead_says_nothing() {
        let friday = "2026-11-20T15:00:00Z";
        for (noted, stands_so) in [
            ("2026-11-20T17:00:00Z", SeriesState::Fresh),
            ("2034-11-17T17:00:00Z", SeriesState::Due),
        ] {
            assert_eq!(stands(Interval::Daily, noted, friday), stands_so, "{noted}");
        }
    }
}
