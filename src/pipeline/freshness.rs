//! Whether a series may have changed since it was fetched, by the calendar of its exchange.

use chrono::{DateTime, TimeDelta, Utc};

use super::snapshot::SeriesState;
use crate::model::Interval;
use crate::model::calendar::Calendar;
use crate::time::is_far_ahead;

/// The state of a series that was last fetched at `fetched_at`.
#[must_use]
pub fn state(
    calendar: &Calendar,
    interval: Interval,
    fetched_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> SeriesState {
    let Some(fetched_at) = fetched_at.filter(|at| !is_far_ahead(*at, now)) else {
        return SeriesState::Due;
    };
    match last_change(calendar, interval, now) {
        Some(changed) if fetched_at < changed => SeriesState::Due,
        _ => SeriesState::Fresh,
    }
}

/// Whether a series that was last fetched at `fetched_at` may have changed since.
#[must_use]
pub fn can_have_changed(
    calendar: &Calendar,
    interval: Interval,
    fetched_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> bool {
    state(calendar, interval, fetched_at, now) != SeriesState::Fresh
}

/// Whether a fetch at `fetched_at` is no older than `max_age`. One recorded far in the future is
/// not: a clock was wrong.
#[must_use]
pub fn is_recent(fetched_at: DateTime<Utc>, max_age: TimeDelta, now: DateTime<Utc>) -> bool {
    !is_far_ahead(fetched_at, now) && now - fetched_at <= max_age
}

/// The latest instant, up to `now`, at which a new bar may have been complete; `None`: the exchange
/// has not traded for a year.
fn last_change(
    calendar: &Calendar,
    interval: Interval,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let Some(minutes) = interval.minutes() else {
        return calendar.last_close(now);
    };
    let today = calendar.session(calendar.date(now));
    let hours = today.map(|session| calendar.extended(&session));
    match hours.filter(|hours| hours.start <= now) {
        Some(hours) if now < hours.end => Some(step(minutes, now, 0)),
        Some(hours) => Some(hours.end),
        None => {
            let before = calendar.last_session(now)?;
            Some(calendar.extended(&before).end)
        }
    }
}

/// The first instant after `now` at which a new bar may be complete.
#[must_use]
pub fn next_change(
    calendar: &Calendar,
    interval: Interval,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let Some(minutes) = interval.minutes() else {
        return calendar.next_close(now);
    };
    let today = calendar.session(calendar.date(now));
    let hours = today.map(|session| calendar.extended(&session));
    match hours {
        Some(hours) if now < hours.start => Some(hours.start),
        Some(hours) if now < hours.end => Some(step(minutes, now, 1)),
        _ => {
            let after = calendar.next_session(now)?;
            Some(calendar.extended(&after).start)
        }
    }
}

/// So many whole steps of an interval after the one that `now` is in.
fn step(minutes: u32, now: DateTime<Utc>, after: i64) -> DateTime<Utc> {
    let seconds = i64::from(minutes) * 60;
    let at = (now.timestamp().div_euclid(seconds) + after) * seconds;
    DateTime::from_timestamp(at, 0).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::CalendarId;

    fn new_york() -> Calendar {
        CalendarId::Xnys.into()
    }

    fn stands(interval: Interval, fetched: &str, now: &str) -> SeriesState {
        state(
            &new_york(),
            interval,
            Some(fetched.parse().unwrap()),
            now.parse().unwrap(),
        )
    }

    #[test]
    fn what_was_fetched_after_the_last_close_cannot_have_changed_until_the_next() {
        let changed = |fetched: Option<&str>, now: &str| {
            let fetched = fetched.map(|at| at.parse().unwrap());
            can_have_changed(&new_york(), Interval::Daily, fetched, now.parse().unwrap())
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
    fn a_holiday_changes_nothing_and_a_half_day_is_over_early() {
        let after_wednesday = "2026-11-25T21:20:00Z";
        for (now, state) in [
            // Thanksgiving at 10:00 and at 16:20.
            ("2026-11-26T15:00:00Z", SeriesState::Fresh),
            ("2026-11-26T21:20:00Z", SeriesState::Fresh),
            ("2026-11-27T17:59:59Z", SeriesState::Fresh),
            // The half day after it at 13:00.
            ("2026-11-27T18:00:00Z", SeriesState::Due),
        ] {
            assert_eq!(
                stands(Interval::Daily, after_wednesday, now),
                state,
                "{now}"
            );
        }
        // Extended hours end at 17:00.
        let at_five = "2026-11-27T22:00:00Z";
        assert_eq!(
            stands(Interval::Min5, at_five, "2026-11-28T00:30:00Z"),
            SeriesState::Fresh
        );
        let christmas = "2026-12-25T15:00:00Z";
        assert_eq!(
            stands(Interval::Min1, "2026-12-24T22:00:00Z", christmas),
            SeriesState::Fresh
        );
    }

    #[test]
    fn what_always_trades_changes_on_every_day() {
        let crypto = CalendarId::Always.into();
        let christmas = "2026-12-25T15:03:00Z".parse().unwrap();
        for (interval, last, next) in [
            (
                Interval::Min5,
                "2026-12-25T15:00:00Z",
                "2026-12-25T15:05:00Z",
            ),
            (
                Interval::Daily,
                "2026-12-25T00:00:00Z",
                "2026-12-26T00:00:00Z",
            ),
        ] {
            assert_eq!(last_change(&crypto, interval, christmas), last.parse().ok());
            assert_eq!(next_change(&crypto, interval, christmas), next.parse().ok());
        }
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
            // Thanksgiving, and the half day after it.
            (
                Interval::Daily,
                "2026-11-25T21:00:00Z",
                "2026-11-27T18:00:00Z",
            ),
            (
                Interval::Min5,
                "2026-11-26T15:00:00Z",
                "2026-11-27T09:00:00Z",
            ),
            (
                Interval::Min5,
                "2026-11-27T22:00:00Z",
                "2026-11-30T09:00:00Z",
            ),
        ] {
            let (now, change): (DateTime<Utc>, DateTime<Utc>) =
                (now.parse().unwrap(), change.parse().unwrap());
            let calendar = new_york();
            let last = |at| last_change(&calendar, interval, at).unwrap();
            let next = next_change(&calendar, interval, now);
            assert_eq!(next, Some(change), "{interval} {now}");
            assert_eq!(last(change), change, "{interval} {now}");
            assert!(last(change - TimeDelta::seconds(1)) < change);
        }
    }

    #[test]
    fn what_was_never_fetched_or_long_ago_is_due() {
        let now = "2026-11-20T15:00:00Z".parse().unwrap();
        assert_eq!(
            state(&new_york(), Interval::Daily, None, now),
            SeriesState::Due
        );
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
