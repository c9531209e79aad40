//! When a message that could not be delivered is tried again.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::words::words;

words! {
    /// Where messages go.
    pub enum Channel {
        /// One address that takes JSON.
        Webhook = "webhook",
        /// A program that takes JSON on its standard input.
        Command = "command",
    }
}

/// An attempt to deliver a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The number of the delivery.
    pub id: i64,
    /// Where to.
    pub channel: Channel,
    /// The message, as JSON.
    pub payload: String,
    /// When the message was written.
    pub created_at: DateTime<Utc>,
    /// Attempts so far, with this one.
    pub attempts: u32,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// It was delivered.
    Delivered(String),
    /// It may work later: why not now, and when it is tried again.
    Again(String, DateTime<Utc>),
    /// It will not work, or has not for too long.
    GivenUp(String),
}

/// The first wait; each next one is twice as long.
const FIRST: TimeDelta = TimeDelta::seconds(10);
/// The longest wait.
const LONGEST: TimeDelta = TimeDelta::minutes(15);
/// A message that is older says nothing new.
const STALE: TimeDelta = TimeDelta::days(3);

/// When to try again after an attempt failed; `None`: no more. `jitter` is between 0 and 1.
#[must_use]
pub fn again(attempt: &Attempt, now: DateTime<Utc>, jitter: f64) -> Option<DateTime<Utc>> {
    if now - attempt.created_at > STALE {
        return None;
    }
    let doublings = attempt.attempts.saturating_sub(1).min(10);
    let wait = (FIRST * (1 << doublings)).min(LONGEST);
    // Half of the wait at least: several processes must not come at once.
    let millis = wait.num_milliseconds();
    let half = millis / 2;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a part of at most a quarter of an hour"
    )]
    let part = (half as f64 * jitter.clamp(0.0, 1.0)) as i64;
    Some(now + TimeDelta::milliseconds(half + part))
}
