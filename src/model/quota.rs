//! Whether a request may be sent now: a pure decision over the ledger of those sent before.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::{ErrorClass, SourceId};

/// Windows that a pace can have: of a day, a minute and a second.
pub const WINDOWS: usize = 3;

/// What a key may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The shortest time between the starts of two requests.
    pub gap: TimeDelta,
    /// How many requests may be sent in which time; all of them hold.
    pub windows: [Option<Window>; WINDOWS],
    /// Where a quota day begins at midnight.
    pub zone: Tz,
}

/// So many requests in such a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The most requests.
    pub limit: u32,
    /// The time.
    pub span: WindowSpan,
}

/// The time that a window covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowSpan {
    /// A quota day.
    Day,
    /// The time before each instant.
    Rolling(TimeDelta),
}

impl Quota {
    /// No limit at all.
    #[must_use]
    pub const fn unlimited(zone: Tz) -> Self {
        Self {
            gap: TimeDelta::zero(),
            windows: [None; WINDOWS],
            zone,
        }
    }

    /// This gap, and perhaps a limit of requests a day.
    #[must_use]
    pub const fn daily(gap: TimeDelta, per_day: Option<u32>, zone: Tz) -> Self {
        let day = match per_day {
            Some(limit) => Some(Window {
                limit,
                span: WindowSpan::Day,
            }),
            None => None,
        };
        Self {
            gap,
            windows: [day, None, None],
            zone,
        }
    }

    /// Requests a day, if there is such a limit.
    #[must_use]
    pub fn per_day(&self) -> Option<u32> {
        let windows = self.windows.iter().flatten();
        let days = windows.filter(|window| window.span == WindowSpan::Day);
        days.map(|window| window.limit).min()
    }

    /// For each window its limit and time, if it is a rolling one.
    #[must_use]
    pub fn rolling(&self) -> [Option<(u32, TimeDelta)>; WINDOWS] {
        self.windows.map(|window| match window?.span {
            WindowSpan::Rolling(span) => Some((window?.limit, span)),
            WindowSpan::Day => None,
        })
    }

    /// The quota day that holds `now`, from midnight to midnight.
    #[must_use]
    pub fn day(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let date = now.with_timezone(&self.zone).date_naive();
        let midnight = |date: NaiveDate| {
            self.zone
                .from_local_datetime(&date.and_time(NaiveTime::MIN))
                .earliest()
                .map_or(now, |midnight| midnight.with_timezone(&Utc))
        };
        (midnight(date), midnight(date + Days::new(1)))
    }
}

/// Retries a day, if the day has a limit.
pub const RETRIES_PER_DAY: u32 = 2;
/// How long to wait before a day that refused its first request is probed again.
const PROBE: TimeDelta = TimeDelta::hours(1);
/// How often to look whether a probe has ended.
const LOOK: TimeDelta = TimeDelta::milliseconds(500);

/// What the ledger holds about one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ledger {
    /// When the newest request was reserved.
    pub last_start: Option<DateTime<Utc>>,
    /// Requests of the quota day, including those in doubt, excluding those released.
    pub today: u32,
    /// Retries among them.
    pub retries_today: u32,
    /// When the provider last said that the day's requests are used up, within the quota day, if no
    /// later request returned data.
    pub day_refusal: Option<DateTime<Utc>>,
    /// Whether any request of the quota day returned data.
    pub data_today: bool,
    /// When the newest request started whose end is not known.
    pub awaited: Option<DateTime<Utc>>,
    /// For each window of the pace, if it is a rolling one and full: when the request started that
    /// must leave it before the next one fits.
    pub gives_way: [Option<DateTime<Utc>>; WINDOWS],
    /// What the provider says is left of a window, without what was sent since, and when that ends.
    pub stated: Option<(u32, DateTime<Utc>)>,
    /// What a person sees of it; no decision needs it.
    pub lately: Lately,
}

/// What a key has sent lately, and what became of the last request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lately {
    /// For each window of the pace, if it is a rolling one: requests in it.
    pub rolling: [u32; WINDOWS],
    /// Requests whose answers are awaited.
    pub in_flight: u32,
    /// When the newest answer came, or its request failed.
    pub answered_at: Option<DateTime<Utc>>,
    /// What was wrong with it.
    pub class: Option<ErrorClass>,
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
    /// The provider says that nothing is left until this instant.
    Held(DateTime<Utc>),
}

/// Until when nothing more may be sent, if the day's requests are used up: none are left, or the
/// provider said so.
#[must_use]
pub fn spent_until(ledger: &Ledger, quota: &Quota, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (_, tomorrow) = quota.day(now);
    let probe = |refused: DateTime<Utc>| {
        if ledger.data_today {
            tomorrow
        } else {
            (refused + PROBE).min(tomorrow)
        }
    };
    let is_full = quota.per_day().is_some_and(|limit| ledger.today >= limit);
    ledger
        .day_refusal
        .map(probe)
        .filter(|probe| now < *probe)
        .or_else(|| is_full.then_some(tomorrow))
}

/// Whether a request is on its way that tells whether a used-up day still is: it is the only one.
fn is_probed(ledger: &Ledger) -> bool {
    let refused = ledger.day_refusal;
    refused.is_some_and(|refused| ledger.awaited.is_some_and(|start| start > refused))
}

/// Requests that may still be sent today; `None`: no limit.
#[must_use]
pub fn left(ledger: &Ledger, quota: &Quota, now: DateTime<Utc>) -> Option<u32> {
    if spent_until(ledger, quota, now).is_some() {
        return Some(0);
    }
    quota
        .per_day()
        .map(|limit| limit.saturating_sub(ledger.today))
}

/// When there are requests again: at the next midnight if the plan has a daily limit, or when a day
/// that the provider called used up is probed again.
#[must_use]
pub fn renews_at(ledger: &Ledger, quota: &Quota, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let tomorrow = || quota.per_day().map(|_| quota.day(now).1);
    spent_until(ledger, quota, now).or_else(tomorrow)
}

/// Decides whether a request may be sent now.
#[must_use]
pub fn decide(ledger: &Ledger, quota: &Quota, retry: bool, now: DateTime<Utc>) -> Decision {
    if let Some(until) = spent_until(ledger, quota, now) {
        return Decision::DaySpent(until);
    }
    if quota.per_day().is_some() && retry && ledger.retries_today >= RETRIES_PER_DAY {
        return Decision::RetriesSpent;
    }
    if is_probed(ledger) {
        return Decision::Wait(now + LOOK);
    }
    if let Some((0, until)) = ledger.stated.filter(|(_, until)| now < *until) {
        return Decision::Held(until);
    }
    // A start in the future means that the clock was set back: wait one span, not until then.
    let after = |start: DateTime<Utc>, span: TimeDelta| start.min(now) + span;
    let gap = ledger.last_start.map(|last| after(last, quota.gap));
    let full = quota.rolling().into_iter().zip(ledger.gives_way);
    let full = full.filter_map(|(window, start)| Some(after(start?, window?.1)));
    match gap.into_iter().chain(full).max() {
        Some(free) if now < free => Decision::Wait(free),
        _ => Decision::Grant,
    }
}

/// What a source with a daily limit may still be sent today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The source.
    pub source: SourceId,
    /// Requests left.
    pub left: u32,
    /// Requests of a day.
    pub per_day: u32,
}

impl Left {
    /// The day on which this many requests are sent, from today on; `None`: today.
    #[must_use]
    pub fn last_day(&self, requests: u32, today: NaiveDate) -> Option<NaiveDate> {
        let rest = requests.checked_sub(self.left).filter(|rest| *rest > 0)?;
        let days = rest.div_ceil(self.per_day.max(1));
        today.checked_add_signed(TimeDelta::days(days.into()))
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;

    fn free() -> Quota {
        Quota::daily(TimeDelta::milliseconds(1200), Some(25), New_York)
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_quota_day_turns_at_midnight_in_new_york_in_both_seasons() {
        assert_eq!(
            free().day(at("2026-11-23T04:59:59Z")).1,
            at("2026-11-23T05:00:00Z")
        );
        assert_eq!(
            free().day(at("2026-07-01T12:00:00Z")),
            (at("2026-07-01T04:00:00Z"), at("2026-07-02T04:00:00Z"))
        );
        let (start, end) = free().day(at("2026-11-01T12:00:00Z"));
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
            decide(&ledger, &free(), false, now),
            Decision::Wait(now + TimeDelta::seconds(1))
        );
        assert_eq!(
            decide(&ledger, &free(), false, now + TimeDelta::seconds(1)),
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
            decide(&ledger, &free(), false, now),
            Decision::Wait(now + free().gap)
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
            decide(&spent, &free(), false, now),
            Decision::DaySpent(at("2026-11-24T05:00:00Z"))
        );
        let retried = Ledger {
            today: 5,
            retries_today: 2,
            ..Ledger::default()
        };
        assert_eq!(decide(&retried, &free(), true, now), Decision::RetriesSpent);
        assert_eq!(decide(&retried, &free(), false, now), Decision::Grant);
    }

    #[test]
    fn what_is_left_of_a_day_and_when_it_renews_is_known_before_it_is_spent() {
        let now = at("2026-11-23T15:00:00Z");
        let (midnight, used) = (at("2026-11-24T05:00:00Z"), |today| Ledger {
            today,
            ..Ledger::default()
        });
        let unlimited = Quota::unlimited(New_York);
        let known = |ledger: &Ledger, quota: &Quota| {
            (
                left(ledger, quota, now),
                spent_until(ledger, quota, now),
                renews_at(ledger, quota, now),
            )
        };
        assert_eq!(known(&used(300), &unlimited), (None, None, None));
        assert_eq!(known(&used(4), &free()), (Some(21), None, Some(midnight)));
        assert_eq!(
            known(&used(25), &free()),
            (Some(0), Some(midnight), Some(midnight))
        );
        let refused = Ledger {
            day_refusal: Some(now),
            ..used(1)
        };
        let probe = Some(now + PROBE);
        assert_eq!(known(&refused, &free()), (Some(0), probe, probe));
        assert_eq!(known(&refused, &unlimited), (Some(0), probe, probe));
        let later = now + PROBE;
        assert_eq!(
            left(&refused, &free(), later),
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
            decide(&empty, &free(), false, soon),
            Decision::DaySpent(refused + PROBE)
        );
        assert_eq!(
            decide(&empty, &free(), false, refused + PROBE),
            Decision::Grant
        );
        let used = Ledger {
            data_today: true,
            ..empty
        };
        assert_eq!(
            decide(&used, &free(), false, soon),
            Decision::DaySpent(at("2026-11-24T05:00:00Z"))
        );
    }

    #[test]
    fn one_request_probes_a_refused_day_and_the_others_wait_for_its_end() {
        let refused = at("2026-11-23T05:00:05Z");
        let due = refused + PROBE;
        let ledger = Ledger {
            day_refusal: Some(refused),
            awaited: Some(refused - TimeDelta::seconds(1)),
            ..Ledger::default()
        };
        let probed = Ledger {
            awaited: Some(due),
            ..ledger
        };
        assert_eq!(decide(&ledger, &free(), false, due), Decision::Grant);
        assert_eq!(
            decide(&probed, &free(), false, due),
            Decision::Wait(due + LOOK)
        );
        let with_the_refusal = Ledger {
            awaited: Some(refused),
            ..ledger
        };
        assert_eq!(
            decide(&with_the_refusal, &free(), false, due),
            Decision::Grant,
            "a probe starts after the refusal"
        );
        let unrefused = Ledger {
            day_refusal: None,
            ..probed
        };
        let later = due + free().gap;
        assert_eq!(decide(&unrefused, &free(), false, later), Decision::Grant);
    }

    #[test]
    fn what_the_provider_says_is_left_counts_while_its_window_lasts() {
        let now = at("2026-11-23T15:00:00Z");
        let until = now + TimeDelta::seconds(9);
        let stated = |left| Ledger {
            stated: Some((left, until)),
            ..Ledger::default()
        };
        let decide = |left, now| decide(&stated(left), &free(), false, now);
        assert_eq!(decide(1, now), Decision::Grant);
        assert_eq!(decide(0, now), Decision::Held(until));
        assert_eq!(decide(0, until), Decision::Grant);
    }

    #[test]
    fn windows_of_a_day_a_minute_and_a_second_all_hold() {
        let now = at("2026-11-23T15:00:00Z");
        let rolling = |limit, seconds| {
            let span = WindowSpan::Rolling(TimeDelta::seconds(seconds));
            Some(Window { limit, span })
        };
        let quota = Quota {
            gap: TimeDelta::zero(),
            windows: [rolling(200, 60), None, rolling(10, 1)],
            zone: chrono_tz::UTC,
        };
        let ledger = |minute: Option<i64>, second: Option<i64>| Ledger {
            today: 100_000,
            last_start: Some(now),
            gives_way: [minute, None, second]
                .map(|ago| ago.map(|ago| now - TimeDelta::milliseconds(ago))),
            ..Ledger::default()
        };
        let decide = |ledger: &Ledger| decide(ledger, &quota, true, now);
        let wait = |ms| Decision::Wait(now + TimeDelta::milliseconds(ms));
        assert_eq!(decide(&ledger(None, None)), Decision::Grant, "no day limit");
        assert_eq!(decide(&ledger(Some(59_000), None)), wait(1_000));
        assert_eq!(decide(&ledger(None, Some(400))), wait(600));
        assert_eq!(decide(&ledger(Some(59_900), Some(400))), wait(600));
        assert_eq!(decide(&ledger(Some(60_000), Some(1_000))), Decision::Grant);
        // By a clock that was set back.
        assert_eq!(decide(&ledger(Some(-9_999_999), None)), wait(60_000));
    }

    #[test]
    fn a_day_turns_where_the_source_says() {
        let quota = Quota::unlimited(chrono_tz::UTC);
        assert_eq!(
            quota.day(at("2026-11-23T04:59:59Z")),
            (at("2026-11-23T00:00:00Z"), at("2026-11-24T00:00:00Z"))
        );
    }

    #[test]
    fn what_does_not_fit_today_is_spread_over_the_next_days() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 27).unwrap();
        let left = |left, per_day| Left {
            source: SourceId::DEFAULT,
            left,
            per_day,
        };
        for (requests, limit, day) in [
            (14, left(14, 25), None),
            (15, left(14, 25), Some("2026-11-28")),
            (39, left(14, 25), Some("2026-11-28")),
            (40, left(14, 25), Some("2026-11-29")),
            (3, left(0, 0), Some("2026-11-30")),
        ] {
            let last = limit.last_day(requests, today);
            assert_eq!(
                last,
                day.map(|day: &str| day.parse().unwrap()),
                "{requests}"
            );
        }
    }
}
