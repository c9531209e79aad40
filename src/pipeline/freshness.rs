//! Whether a fetch was recent.

use chrono::{DateTime, TimeDelta, Utc};

use crate::time::is_far_ahead;

/// Whether a fetch at `fetched_at` is no older than `max_age`. One recorded far in the future is
/// not: a clock was wrong.
#[must_use]
pub fn is_recent(fetched_at: DateTime<Utc>, max_age: TimeDelta, now: DateTime<Utc>) -> bool {
    !is_far_ahead(fetched_at, now) && now - fetched_at <= max_age
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
