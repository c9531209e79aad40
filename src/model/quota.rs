//! Whether a request may be sent now: a pure decision over the ledger of those sent before.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::America::New_York;

/// What a plan allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The shortest time between the starts of two requests.
    pub gap: TimeDelta,
    /// Requests a day, if the plan has such a limit.
    pub per_day: Option<u32>,
}

/// Retries a day, if the day has a limit.
pub const RETRIES_PER_DAY: u32 = 2;
/// How long to wait before a day that refused its first request is probed again.
const PROBE: TimeDelta = TimeDelta::hours(1);

/// What the ledger holds about one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ledger {
    /// When the newest request was reserved.
    pub last_start: Option<DateTime<Utc>>,
    /// Requests of the quota day, including those in doubt, excluding those released.
    pub today: u32,
    /// Retries among them.
    pub retries_today: u32,
    /// When the provider last said that the day's requests are used up, within the quota day.
    pub day_refusal: Option<DateTime<Utc>>,
    /// Whether any request of the quota day returned data.
    pub data_today: bool,
}

/// What may happen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Send.
    Grant,
    /// Try again at this instant.
    Wait(DateTime<Utc>),
    /// The day's requests are used up; nothing more until this instant.
    DaySpent(DateTime<Utc>),
    /// The day's retries are used up; first attempts may still be sent.
    RetriesSpent,
}

/// The quota day that holds `now`: from midnight to midnight in New York.
#[must_use]
pub fn day(now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let date = now.with_timezone(&New_York).date_naive();
    let midnight = |date: chrono::NaiveDate| {
        New_York
            .from_local_datetime(&date.and_time(NaiveTime::MIN))
            .earliest()
            .map_or(now, |midnight| midnight.with_timezone(&Utc))
    };
    (midnight(date), midnight(date + Days::new(1)))
}

/// Until when nothing more may be sent, if the day's requests are used up: none are left, or the
/// provider said so.
#[must_use]
pub fn spent_until(
    ledger: &Ledger,
    per_day: Option<u32>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let (_, tomorrow) = day(now);
    let probe = |refused: DateTime<Utc>| {
        if ledger.data_today {
            tomorrow
        } else {
            (refused + PROBE).min(tomorrow)
        }
    };
    ledger
        .day_refusal
        .map(probe)
        .filter(|probe| now < *probe)
        .or_else(|| {
            per_day
                .is_some_and(|limit| ledger.today >= limit)
                .then_some(tomorrow)
        })
}

/// Requests that may still be sent today; `None`: no limit.
#[must_use]
pub fn left(ledger: &Ledger, per_day: Option<u32>, now: DateTime<Utc>) -> Option<u32> {
    if spent_until(ledger, per_day, now).is_some() {
        return Some(0);
    }
    per_day.map(|limit| limit.saturating_sub(ledger.today))
}

/// When there are requests again: at the next midnight in New York if the plan has a daily limit,
/// or when a day that the provider called used up is probed again.
#[must_use]
pub fn renews_at(
    ledger: &Ledger,
    per_day: Option<u32>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    spent_until(ledger, per_day, now).or_else(|| per_day.map(|_| day(now).1))
}

/// Decides whether a request may be sent now.
#[must_use]
pub fn decide(ledger: &Ledger, limits: &Limits, retry: bool, now: DateTime<Utc>) -> Decision {
    if let Some(until) = spent_until(ledger, limits.per_day, now) {
        return Decision::DaySpent(until);
    }
    if limits.per_day.is_some() && retry && ledger.retries_today >= RETRIES_PER_DAY {
        return Decision::RetriesSpent;
    }
    match ledger.last_start {
        // A start in the future means that the clock was set back: wait one gap, not until then.
        Some(last) if now < last => Decision::Wait(now + limits.gap.min(last - now + limits.gap)),
        Some(last) if now - last < limits.gap => Decision::Wait(last + limits.gap),
        _ => Decision::Grant,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Limits = Limits {
        gap: TimeDelta::milliseconds(1200),
        per_day: Some(25),
    };

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_quota_day_turns_at_midnight_in_new_york_in_both_seasons() {
        assert_eq!(
            day(at("2026-11-23T04:59:59Z")).1,
            at("2026-11-23T05:00:00Z")
        );
        assert_eq!(
            day(at("2026-07-01T12:00:00Z")),
            (at("2026-07-01T04:00:00Z"), at("2026-07-02T04:00:00Z"))
        );
        let (start, end) = day(at("2026-11-01T12:00:00Z"));
        assert_eq!(end - start, TimeDelta::hours(25));
    }

    #[test]
    fn starts_keep_the_burst_gap() {
        let now = at("2026-11-23T15:00:00Z");
        let ledger = Ledger {
            last_start: Some(now - TimeDelta::milliseconds(200)),
            ..Ledger::default()
        };
        assert_eq!(
            decide(&ledger, &FREE, false, now),
            Decision::Wait(now + TimeDelta::seconds(1))
        );
        assert_eq!(
            decide(&ledger, &FREE, false, now + TimeDelta::seconds(1)),
            Decision::Grant
        );
    }

    #[test]
    fn a_clock_that_went_back_delays_by_one_gap_only() {
        let now = at("2026-11-23T15:00:00Z");
        let ledger = Ledger {
            last_start: Some(now + TimeDelta::hours(2)),
            ..Ledger::default()
        };
        assert_eq!(
            decide(&ledger, &FREE, false, now),
            Decision::Wait(now + FREE.gap)
        );
    }

    #[test]
    fn the_day_ends_at_its_limit_and_retries_share_two() {
        let now = at("2026-11-23T15:00:00Z");
        let spent = Ledger {
            today: 25,
            ..Ledger::default()
        };
        assert_eq!(
            decide(&spent, &FREE, false, now),
            Decision::DaySpent(at("2026-11-24T05:00:00Z"))
        );
        let retried = Ledger {
            today: 5,
            retries_today: 2,
            ..Ledger::default()
        };
        assert_eq!(decide(&retried, &FREE, true, now), Decision::RetriesSpent);
        assert_eq!(decide(&retried, &FREE, false, now), Decision::Grant);
    }

    #[test]
    fn what_is_left_of_a_day_and_when_it_renews_is_known_before_it_is_spent() {
        let now = at("2026-11-23T15:00:00Z");
        let (midnight, used) = (at("2026-11-24T05:00:00Z"), |today| Ledger {
            today,
            ..Ledger::default()
        });
        let known = |ledger: &Ledger, per_day| {
            (
                left(ledger, per_day, now),
                spent_until(ledger, per_day, now),
                renews_at(ledger, per_day, now),
            )
        };
        assert_eq!(known(&used(300), None), (None, None, None));
        assert_eq!(known(&used(4), Some(25)), (Some(21), None, Some(midnight)));
        assert_eq!(
            known(&used(25), Some(25)),
            (Some(0), Some(midnight), Some(midnight))
        );
        let refused = Ledger {
            day_refusal: Some(now),
            ..used(1)
        };
        let probe = Some(now + PROBE);
        assert_eq!(known(&refused, Some(25)), (Some(0), probe, probe));
        assert_eq!(known(&refused, None), (Some(0), probe, probe));
        let later = now + PROBE;
        assert_eq!(
            left(&refused, Some(25), later),
            Some(24),
            "it is tried again"
        );
    }

    #[test]
    fn a_refused_day_is_probed_hourly_unless_it_had_brought_data() {
        let refused = at("2026-11-23T05:00:05Z");
        let empty = Ledger {
            day_refusal: Some(refused),
            today: 1,
            ..Ledger::default()
        };
        let soon = refused + TimeDelta::minutes(5);
        assert_eq!(
            decide(&empty, &FREE, false, soon),
            Decision::DaySpent(refused + PROBE)
        );
        assert_eq!(
            decide(&empty, &FREE, false, refused + PROBE),
            Decision::Grant
        );
        let used = Ledger {
            data_today: true,
            ..empty
        };
        assert_eq!(
            decide(&used, &FREE, false, soon),
            Decision::DaySpent(at("2026-11-24T05:00:00Z"))
        );
    }
}
