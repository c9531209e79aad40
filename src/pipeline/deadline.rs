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
}
