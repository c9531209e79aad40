//! How much was asked for in a minute, and who is banned for asking on.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// The most in a minute.
pub(super) const LIMIT: u32 = 6_000;
/// Requests after the limit until a ban.
const PATIENCE: u32 = 5;
/// The first ban in seconds; each is twice as long as the one before, up to three days.
const BAN: i64 = 120;
const LONGEST_BAN: i64 = 3 * 86_400;

/// What was used from one address.
#[derive(Debug, Default)]
pub(super) struct Weights(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    minute: i64,
    used: u32,
    denied: u32,
    bans: u32,
    banned_until: Option<DateTime<Utc>>,
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// For this many seconds.
    Waits(i64),
    /// Until an instant.
    Banned(DateTime<Utc>),
}

impl Denied {
    /// Until the next minute begins.
    pub(super) fn until_next_minute(now: DateTime<Utc>) -> Self {
        Self::Waits(60 - now.timestamp().rem_euclid(60))
    }

    /// The first ban.
    pub(super) fn first_ban(now: DateTime<Utc>) -> Self {
        Self::Banned(now + TimeDelta::seconds(BAN))
    }
}

impl Weights {
    /// Counts a request of some weight; gives what is used in this minute, and why the request is
    /// not answered, if it is not.
    pub(super) fn take(
        &self,
        now: DateTime<Utc>,
        weight: u32,
        is_limited: bool,
    ) -> (u32, Option<Denied>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.timestamp().div_euclid(60);
        if state.minute != minute {
            (state.minute, state.used, state.denied) = (minute, 0, 0);
        }
        state.used = state.used.saturating_add(weight);
        let denied = is_limited.then(|| state.deny(now)).flatten();
        (state.used, denied)
    }
}

impl State {
    fn deny(&mut self, now: DateTime<Utc>) -> Option<Denied> {
        if let Some(until) = self.banned_until.filter(|until| now < *until) {
            return Some(Denied::Banned(until));
        }
        if self.used <= LIMIT {
            return None;
        }
        self.denied += 1;
        if self.denied <= PATIENCE {
            return Some(Denied::until_next_minute(now));
        }
        let length = BAN.saturating_mul(1 << self.bans.min(20)).min(LONGEST_BAN);
        let until = now + TimeDelta::seconds(length);
        self.bans += 1;
        self.banned_until = Some(until);
        Some(Denied::Banned(until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_on_is_banned_for_longer_each_time() {
        let weights = Weights::default();
        let start: DateTime<Utc> = "2026-05-16T02:00:21Z".parse().unwrap();
        let take =
            |seconds, weight| weights.take(start + TimeDelta::seconds(seconds), weight, true);
        assert_eq!(take(0, 5_999), (5_999, None));
        assert_eq!(take(0, 2), (6_001, Some(Denied::Waits(39))));
        assert_eq!(take(39, 6_000), (6_000, None), "the next minute");
        let last = (0..=PATIENCE).fold(None, |_, _| take(40, 2).1);
        let ban =
            |from: i64, length| Some(Denied::Banned(start + TimeDelta::seconds(from + length)));
        assert_eq!(last, ban(40, 120));
        assert_eq!(take(159, 2).1, ban(40, 120));
        assert_eq!(take(160, 5_998).1, None);
        let last = (0..=PATIENCE).fold(None, |_, _| take(160, 2).1);
        assert_eq!(last, ban(160, 240));
        assert_eq!(weights.take(start, 9_000, false).1, None);
    }
}
