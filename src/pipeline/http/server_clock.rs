//! The time by the server's clock, where ours is wrong.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{DATE, HeaderMap};

use super::pause;
use crate::time::Clock;

/// A clock that differs more than this from the server's is wrong: an answer takes less time, and
/// servers count whole seconds.
const MOST_SKEW: TimeDelta = TimeDelta::minutes(2);

/// Our clock, and how much the server's differs.
#[derive(Debug)]
pub(super) struct ServerClock {
    clock: Clock,
    /// Milliseconds that the server's is ahead of ours, if one of them is wrong.
    ahead: AtomicI64,
}

/// The time that an answer names.
pub(super) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    pause::date(headers.get(DATE)?.to_str().ok()?)
}

impl ServerClock {
    pub const fn new(clock: Clock) -> Self {
        Self {
            clock,
            ahead: AtomicI64::new(0),
        }
    }

    /// The time: by our clock, unless the last answer showed that it is wrong.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now() + TimeDelta::milliseconds(self.ahead.load(Ordering::Relaxed))
    }

    /// When an answer with this date came. Bars are not final, and a time is not asked for, because a
    /// machine believes in another hour or year.
    pub fn dated(&self, date: Option<DateTime<Utc>>) -> DateTime<Utc> {
        let ours = self.clock.now();
        let ahead = date.map_or(TimeDelta::zero(), |date| date - ours);
        let is_wrong = ahead.abs() > MOST_SKEW;
        let ahead = if is_wrong { ahead } else { TimeDelta::zero() };
        let was = self.ahead.swap(ahead.num_milliseconds(), Ordering::Relaxed);
        if is_wrong && was == 0 {
            let side = if ahead > TimeDelta::zero() {
                "behind"
            } else {
                "ahead of"
            };
            let off = spelled(ahead.abs());
            tracing::warn!(
                "this machine's clock is {off} {side} the provider's; set it. Answers are dated by the provider's"
            );
        }
        date.filter(|_| is_wrong).unwrap_or(ours)
    }
}

fn spelled(length: TimeDelta) -> String {
    match (length.num_days(), length.num_hours()) {
        (0 | 1, 0 | 1) => format!("{} minutes", length.num_minutes()),
        (0 | 1, hours) => format!("{hours} hours"),
        (days, _) => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_that_is_minutes_off_is_corrected_and_seconds_are_not() {
        let ours = at("2026-11-20T15:00:00Z");
        let server = ServerClock::new(Clock::fixed(ours));
        for (date, dated) in [
            (Some("2026-11-20T15:20:00Z"), "2026-11-20T15:20:00Z"),
            (Some("2026-11-20T14:40:00Z"), "2026-11-20T14:40:00Z"),
            (Some("2026-11-20T15:01:59Z"), "2026-11-20T15:00:00Z"),
            (None, "2026-11-20T15:00:00Z"),
        ] {
            assert_eq!(server.dated(date.map(at)), at(dated), "{date:?}");
            assert_eq!(server.now(), at(dated), "{date:?}");
        }
    }

    #[test]
    fn how_far_a_clock_is_off_is_said_in_its_largest_unit() {
        for (minutes, words) in [(20, "20 minutes"), (200, "3 hours"), (9000, "6 days")] {
            assert_eq!(spelled(TimeDelta::minutes(minutes)), words);
        }
    }
}
