//! Sends what waits, each message by one process at a time, until it has arrived or is given up.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Alerts;
use crate::config::secret::redact;
use crate::db::DbError;
use crate::model::alert::{Attempt, Channel, DeliveryEnd, Message, again};
use crate::model::text::clean_to;
use crate::pipeline::run::Pipeline;

/// How long one attempt may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long a message is this process's: longer than an attempt takes, so that nobody else sends it.
const CLAIM: TimeDelta = TimeDelta::minutes(1);
/// Messages that are sent one after the other before the engine is told.
const AT_ONCE: usize = 20;
/// Characters of what a channel said.
const SAID: usize = 200;

/// Why a message did not arrive.
#[derive(Debug)]
pub(super) enum Failed {
    /// It may arrive later.
    ForNow(String),
    /// It will never be accepted.
    ForGood(String),
}

impl Alerts {
    /// Sends what waits; returns why messages did not arrive.
    pub(super) async fn deliver(&self, pipeline: &Pipeline) -> Result<Vec<String>, DbError> {
        let store = &pipeline.store;
        let mut not_sent = vec![];
        for _ in 0..AT_ONCE {
            let now = pipeline.clock.now();
            let channels = self.channels.clone();
            let Some(attempt) = store.claim_delivery(channels, now, now + CLAIM).await? else {
                break;
            };
            let sent = self.send(attempt.channel, &attempt.payload).await;
            let now = pipeline.clock.now();
            let channel = attempt.channel;
            let outcome = match sent {
                Ok(said) => DeliveryEnd::Delivered(said),
                Err(Failed::ForGood(why)) => DeliveryEnd::GivenUp(why),
                Err(Failed::ForNow(why)) => match again(&attempt, now, fastrand::f64()) {
                    Some(at) => DeliveryEnd::Again(why, at),
                    None => DeliveryEnd::GivenUp(why),
                },
            };
            not_sent.extend(told(&attempt, &outcome));
            tracing::debug!(%channel, ?outcome, "an alert was sent");
            store.end_delivery(attempt.id, outcome, now).await?;
        }
        Ok(not_sent)
    }

    /// Sends a test to every channel: whether each took it, and how it went.
    pub async fn test(&self, now: DateTime<Utc>) -> Vec<(bool, String)> {
        let message = Message::test(now);
        let Ok(payload) = serde_json::to_string(&message) else {
            return vec![];
        };
        let mut all = vec![];
        for channel in &self.channels {
            let sent = self.send(*channel, &payload).await;
            all.push(match sent {
                Ok(said) => (true, format!("{channel}: delivered ({said})")),
                Err(Failed::ForNow(why) | Failed::ForGood(why)) => {
                    (false, format!("{channel}: not delivered: {why}"))
                }
            });
        }
        all
    }

    async fn send(&self, channel: Channel, payload: &str) -> Result<String, Failed> {
        let missing = || Failed::ForNow("this process has no such channel".to_owned());
        let sent = match channel {
            Channel::Webhook => match &self.webhook {
                Some(webhook) => webhook.send(payload).await,
                None => Err(missing()),
            },
            Channel::Command => match &self.program {
                Some(program) => program.run(payload).await,
                None => Err(missing()),
            },
        };
        sent.map(|said| safe(&said)).map_err(|failed| match failed {
            Failed::ForNow(why) => Failed::ForNow(safe(&why)),
            Failed::ForGood(why) => Failed::ForGood(safe(&why)),
        })
    }
}

/// What is said of an attempt: the first failure and the last, not each in between.
fn told(attempt: &Attempt, outcome: &DeliveryEnd) -> Option<String> {
    let channel = attempt.channel;
    match outcome {
        DeliveryEnd::Again(why, _) if attempt.attempts == 1 => {
            Some(format!("{channel}: {why}; it is sent again"))
        }
        DeliveryEnd::GivenUp(why) => Some(format!("{channel}: {why}; it is given up")),
        DeliveryEnd::Again(..) | DeliveryEnd::Delivered(_) => None,
    }
}

/// What others said, without secrets and harmless.
fn safe(said: &str) -> String {
    clean_to(&redact(said), SAID)
}
