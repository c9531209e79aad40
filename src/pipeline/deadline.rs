//! Until when a bar can be asked for, where a key has the newest bars only: pure.

use chrono::{DateTime, TimeDelta, Utc};

/// Longer than the newest bars of any key reach back.
const LONGEST: TimeDelta = TimeDelta::days(1000);
/// An answer is no more exact than this.
const EXACT: TimeDelta = TimeDelta::minutes(1);

/// The last instant at which bars can be asked for that begin at `begins`, given since when bars can be
/// asked for at an instant, which only moves forward; `None`: always, or longer than anybody plans.
pub(super) fn last_reach(
    begins: DateTime<Utc>,
    reach: &dyn Fn(DateTime<Utc>) -> Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let is_within = |at| reach(at).is_none_or(|reach| reach <= begins);
    let whole = now.timestamp().div_euclid(60) * 60;
    let now = DateTime::from_timestamp(whole, 0).unwrap_or(now);
    let (mut within, mut beyond) = (now, now.max(begins) + LONGEST);
    if !is_within(within) {
        return Some(now);
    }
    if is_within(beyond) {
        return None;
    }
    while beyond - within >= EXACT * 2 {
        let minutes = (beyond - within).num_minutes() / 2;
        let middle = within + TimeDelta::minutes(minutes);
        if is_within(middle) {
            within = middle;
        } else {
            beyond = middle;
        }
    }
    Some(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_instant_is_found_to_the_minute() {
        let begins: DateTime<Utc> = "2026-11-02T05:00:00Z".parse().unwrap();
        let now = begins + TimeDelta::days(10);
        let reach = |days| move |at: DateTime<Utc>| Some(at - TimeDelta::days(days));
        let last = last_reach(begins, &reach(98), now).unwrap();
        let exact = begins + TimeDelta::days(98);
        assert!(last <= exact && exact - last <= EXACT, "{last}");
        assert_eq!(last_reach(begins, &reach(5), now), Some(now), "it is late");
        assert_eq!(last_reach(begins, &|_| None, now), None);
    }

    #[test]
    fn what_never_leaves_is_safe_and_what_is_yet_to_begin_is_looked_for_after_it() {
        let now: DateTime<Utc> = "2026-11-12T05:00:59Z".parse().unwrap();
        let minute: DateTime<Utc> = "2026-11-12T05:00:00Z".parse().unwrap();
        // It moves on and stops before the bar does.
        let begins = now - TimeDelta::days(10);
        let stops = move |at: DateTime<Utc>| Some((at - TimeDelta::days(98)).min(begins));
        assert_eq!(last_reach(begins, &stops, now), None);
        let late = |at| Some(at);
        assert_eq!(
            last_reach(begins, &late, now),
            Some(minute),
            "whole minutes"
        );
        // One that begins in two years is within reach for 900 days more.
        let begins = minute + TimeDelta::days(730);
        let reach = |at: DateTime<Utc>| Some(at - TimeDelta::days(900));
        let last = last_reach(begins, &reach, now).unwrap();
        let exact = begins + TimeDelta::days(900);
        assert!(last <= exact && exact - last <= EXACT, "{last}");
        let reach = |at: DateTime<Utc>| Some(at - TimeDelta::days(1_001));
        assert_eq!(last_reach(begins, &reach, now), None, "nobody plans so far");
    }
}
