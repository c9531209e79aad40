//! The pause that the provider asks for with `Retry-After`: seconds or a date. Kept within bounds,
//! and ignored if it cannot be read.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// A pause of zero would be a loop.
const LEAST: Duration = Duration::from_secs(1);
/// A wrong number must not stop the program for good.
const MOST: Duration = Duration::from_hours(24);

/// More than this is an instant, not a time to wait.
const AN_INSTANT: i64 = 1_000_000_000;

/// The pause that a header's value asks for; `now` is the server's time, if it sent one.
pub(super) fn asked(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim_ascii();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let pause = if is_number {
        // Only a number that is too large fails to parse.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        (date(value)? - now).to_std().unwrap_or_default()
    };
    Some(pause.clamp(LEAST, MOST))
}

/// The pause until a provider accepts requests again, if it says that none remain.
pub(super) fn until_reset(remaining: &str, reset: &str, now: DateTime<Utc>) -> Option<Duration> {
    let is_none_left = remaining.trim_ascii().parse() == Ok(0_u64);
    reset_in(reset, now).filter(|_| is_none_left)
}

/// The time until a window ends: a header names the instant in seconds since 1970, or the seconds
/// until then.
pub(super) fn reset_in(reset: &str, now: DateTime<Utc>) -> Option<Duration> {
    let reset: i64 = reset.trim_ascii().parse().ok()?;
    let left = if reset > AN_INSTANT {
        reset - now.timestamp()
    } else {
        reset
    };
    let left = u64::try_from(left).ok().filter(|left| *left > 0)?;
    Some(Duration::from_secs(left).clamp(LEAST, MOST))
}

/// A date in one of the three forms that HTTP knows.
pub(super) fn date(value: &str) -> Option<DateTime<Utc>> {
    httpdate::parse_http_date(value).ok().map(DateTime::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(value: &str) -> Option<u64> {
        let now = "1994-11-06T08:49:07Z".parse().unwrap();
        asked(value, now).map(|pause| pause.as_secs())
    }

    #[test]
    fn seconds_and_the_three_forms_of_a_date_are_understood() {
        for (value, pause) in [
            ("1", 1),
            (" 120 ", 120),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 30),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 30),
            ("Sun Nov  6 08:49:37 1994", 30),
        ] {
            assert_eq!(seconds(value), Some(pause), "{value}");
        }
    }

    #[test]
    fn requests_that_are_used_up_are_a_pause_until_there_are_more() {
        let now = "2026-11-23T15:00:00Z".parse().unwrap();
        let pause =
            |remaining, reset| until_reset(remaining, reset, now).map(|pause| pause.as_secs());
        for (remaining, reset, left) in [
            ("0", "1795446030", Some(30)),
            (" 0 ", "12", Some(12)),
            ("0", "1795446000", None),
            ("0", "9999999999", Some(86_400)),
            ("1", "1795446030", None),
            ("199", "12", None),
            ("0", "soon", None),
            ("", "12", None),
            ("0", "-5", None),
        ] {
            assert_eq!(pause(remaining, reset), left, "{remaining:?} {reset:?}");
        }
    }

    #[test]
    fn a_pause_is_a_second_at_least_and_a_day_at_most() {
        for (value, pause) in [
            ("0", 1),
            ("Sun, 06 Nov 1994 08:49:00 GMT", 1),
            ("1000000000000", 86_400),
            ("99999999999999999999999999", 86_400),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ] {
            assert_eq!(seconds(value), Some(pause), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_read_asks_for_nothing() {
        for value in [
            "",
            " ",
            "-5",
            "+5",
            "1.5",
            "1e3",
            "soon",
            "5 s",
            "\u{661}",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
        ] {
            assert_eq!(seconds(value), None, "{value:?}");
        }
    }
}
