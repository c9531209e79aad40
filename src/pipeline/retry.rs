//! When a request is sent again: pure decisions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use crate::model::ErrorClass;

/// Retries of one page of one request in one run, for every class that is retried at all.
pub const PER_PAGE: u32 = 3;

/// The waits of the retry policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waits {
    /// After a burst refusal; doubles.
    pub burst: Duration,
    /// The part of that wait that chance decides, from 0 to 1: where a limit refills all the time,
    /// many clients would otherwise come back together.
    pub spread: f64,
    /// After a minute refusal.
    pub minute: Duration,
    /// Upper bound of the first wait after an outage or a broken connection; doubles, full jitter.
    pub outage: Duration,
    /// No wait is longer than this.
    pub cap: Duration,
    /// Retries of one page: `PER_PAGE`, or none.
    pub retries: u32,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            burst: Duration::from_millis(1200),
            spread: 0.0,
            minute: Duration::from_mins(1),
            outage: Duration::from_secs(5),
            cap: Duration::from_mins(1),
            retries: PER_PAGE,
        }
    }
}

impl Waits {
    /// No retry: one request, whatever its outcome.
    #[must_use]
    pub fn once() -> Self {
        Self {
            retries: 0,
            ..Self::default()
        }
    }

    /// The wait before retry number `retry` (0 is the first), or `None` if a retry would not help.
    ///
    /// `jitter` is a random number from 0 to 1 that spreads retries of many clients.
    #[must_use]
    pub fn before(&self, class: ErrorClass, retry: u32, jitter: f64) -> Option<Duration> {
        if retry >= self.retries {
            return None;
        }
        let doubled = |first: Duration| first.saturating_mul(1 << retry).min(self.cap);
        let chance = jitter.clamp(0.0, 1.0);
        match class {
            ErrorClass::Burst => {
                Some(doubled(self.burst).mul_f64(1.0 - self.spread * (1.0 - chance)))
            }
            ErrorClass::Minute => Some(self.minute),
            ErrorClass::Outage | ErrorClass::Network | ErrorClass::Unknown => {
                Some(doubled(self.outage).mul_f64(chance))
            }
            ErrorClass::Day
            | ErrorClass::NotEntitled
            | ErrorClass::BadKey
            | ErrorClass::DemoKey
            | ErrorClass::BadRequest
            | ErrorClass::NoData
            | ErrorClass::Malformed
            | ErrorClass::Endless
            | ErrorClass::ClientBug
            | ErrorClass::Blocked
            | ErrorClass::Database
            | ErrorClass::Cancelled
            | ErrorClass::Superseded => None,
        }
    }
}

/// Requests that lanes share in one run.
#[derive(Debug, Clone)]
pub struct Allowance(Arc<AtomicUsize>);

impl Allowance {
    /// So many.
    #[must_use]
    pub fn of(requests: u32) -> Self {
        Self(Arc::new(AtomicUsize::new(requests as usize)))
    }
}

/// What the requests of a lane share in one run.
#[derive(Debug)]
pub struct Budget {
    retries: AtomicUsize,
    /// `None`: as many requests as the plan allows.
    requests: Option<Allowance>,
    sent: AtomicU32,
}

impl Budget {
    /// The budget of a lane with this many series that may send this many requests.
    ///
    /// Retries after outages and broken connections grow slower than the series: a provider that is
    /// down must not get four requests for each of a thousand.
    #[must_use]
    pub fn new(series: usize, requests: Option<Allowance>) -> Self {
        Self {
            retries: AtomicUsize::new(3 + series / 5),
            sent: AtomicU32::new(0),
            requests,
        }
    }

    /// Takes a retry, if one is left.
    #[must_use]
    pub fn take_retry(&self) -> bool {
        take(&self.retries)
    }

    /// Takes a request, if one is left.
    #[must_use]
    pub fn take_request(&self) -> bool {
        self.requests.as_ref().is_none_or(|left| take(&left.0))
    }

    /// Returns a request that was not sent.
    pub fn put_request_back(&self) {
        if let Some(requests) = &self.requests {
            requests.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a request that is sent.
    pub fn count_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes back one that never left.
    pub fn count_unsent(&self) {
        self.sent.fetch_sub(1, Ordering::Relaxed);
    }

    /// The requests that were sent.
    #[must_use]
    pub fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether a request is left.
    #[must_use]
    pub fn has_request(&self) -> bool {
        let left = self.requests.as_ref();
        left.is_none_or(|left| left.0.load(Ordering::Relaxed) > 0)
    }
}

fn take(left: &AtomicUsize) -> bool {
    let less = |left: usize| left.checked_sub(1);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(class: ErrorClass) -> Vec<u128> {
        let waits = Waits::default();
        (0..9)
            .map_while(|retry| waits.before(class, retry, 1.0))
            .map(|wait| wait.as_millis())
            .collect()
    }

    #[test]
    fn every_class_waits_as_the_provider_asks() {
        assert_eq!(waits(ErrorClass::Burst), [1_200, 2_400, 4_800]);
        assert_eq!(waits(ErrorClass::Minute), [60_000, 60_000, 60_000]);
        assert_eq!(waits(ErrorClass::Outage), [5_000, 10_000, 20_000]);
        assert_eq!(waits(ErrorClass::Network), [5_000, 10_000, 20_000]);
        for class in [
            ErrorClass::Day,
            ErrorClass::NotEntitled,
            ErrorClass::BadKey,
            ErrorClass::BadRequest,
        ] {
            assert!(waits(class).is_empty(), "{class}");
        }
    }

    #[test]
    fn jitter_spreads_over_the_whole_wait() {
        let waits = Waits::default();
        assert_eq!(
            waits.before(ErrorClass::Outage, 1, 0.0),
            Some(Duration::ZERO)
        );
        assert_eq!(
            waits.before(ErrorClass::Outage, 1, 0.25),
            Some(Duration::from_millis(2_500))
        );
    }

    #[test]
    fn half_of_a_wait_after_a_burst_can_be_left_to_chance() {
        let waits = Waits {
            burst: Duration::from_secs(1),
            spread: 0.5,
            cap: Duration::from_secs(30),
            retries: 6,
            ..Waits::default()
        };
        let after = |jitter| {
            let wait = |retry| waits.before(ErrorClass::Burst, retry, jitter);
            let waits = (0..9).map_while(wait);
            waits.map(|wait| wait.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(after(1.0), [1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
        assert_eq!(after(0.0), [500, 1_000, 2_000, 4_000, 8_000, 15_000]);
    }

    #[test]
    fn the_shared_budget_grows_slower_than_the_series() {
        let retries = |series| {
            let budget = Budget::new(series, None);
            (0..1_000).take_while(|_| budget.take_retry()).count()
        };
        assert_eq!((retries(1), retries(4), retries(1000)), (3, 3, 203));
    }

    #[test]
    fn requests_end_where_they_are_bounded_and_one_that_was_not_sent_is_back() {
        let budget = Budget::new(300, Some(Allowance::of(2)));
        let taken = [(); 3].map(|()| budget.take_request());
        assert_eq!((taken, budget.has_request()), ([true, true, false], false));
        budget.put_request_back();
        assert!(budget.has_request() && budget.take_request());
        let unbounded = Budget::new(1, None);
        assert!((0..100).all(|_| unbounded.take_request()));
    }

    #[test]
    fn a_request_that_is_sent_once_is_not_tried_again() {
        let wait = |waits: Waits| waits.before(ErrorClass::Minute, 0, 1.0);
        assert!(wait(Waits::default()).is_some());
        assert_eq!(wait(Waits::once()), None);
    }

    #[test]
    fn what_was_sent_is_counted_without_what_never_left() {
        let budget = Budget::new(1, None);
        assert_eq!(budget.sent(), 0);
        (0..3).for_each(|_| budget.count_sent());
        budget.count_unsent();
        assert_eq!(budget.sent(), 2);
        assert!(budget.has_request(), "nothing bounds them");
    }
}
