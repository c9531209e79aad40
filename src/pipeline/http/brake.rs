//! Until when nothing may be sent: what the headers of answers ask for.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Timelike as _, Utc};
use reqwest::header::{HeaderMap, HeaderName, RETRY_AFTER};

use super::pause::{asked, reset_in, until_reset};
use super::status::by_status;
use crate::model::{ErrorClass, Stated};
use crate::pipeline::source::{Pause, Refusal};

/// How many requests a provider still accepts, and from when it accepts more.
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// A header in which a provider counts what it was asked in the current minute.
#[derive(Debug, Clone)]
pub struct Meter {
    /// The header.
    pub header: HeaderName,
    /// From this count on nothing is sent until the next minute.
    pub most: u64,
    /// What a request counts.
    pub weight: u64,
}

/// Until when nothing may be sent, and why.
#[derive(Debug, Default)]
pub(super) struct Brake {
    meter: Option<Meter>,
    held: Mutex<Option<(Instant, Refusal)>>,
}

impl Brake {
    /// One that also heeds a meter.
    pub fn with(meter: Meter) -> Self {
        Self {
            meter: Some(meter),
            ..Self::default()
        }
    }

    /// The pause, while it lasts.
    pub fn pause(&self) -> Option<Pause> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, why) = held.as_ref()?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| Pause {
            why: why.clone(),
            left,
        })
    }

    /// Holds a pause, unless a longer one is held.
    pub fn hold(&self, Pause { why, left }: Pause) {
        let until = Instant::now() + left;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_none_or(|(before, _)| *before < until) {
            *held = Some((until, why));
        }
    }

    /// Heeds an answer: a refusal with `Retry-After`, the last of the requests that the provider
    /// counts, or a meter that is nearly full. `now` is the server's time, if it sent one.
    pub fn heed(&self, status: u16, headers: &HeaderMap, now: DateTime<Utc>) {
        let header = |name: &HeaderName| headers.get(name)?.to_str().ok();
        let minute = |left: Duration, why: String| Pause {
            why: Refusal::new(ErrorClass::Minute, why),
            left,
        };
        let refused = || {
            let value = header(&RETRY_AFTER).filter(|_| matches!(status, 418 | 429 | 500..))?;
            let why = by_status(status, b"")?;
            asked(value, now).map(|left| Pause { why, left })
        };
        let used_up = || {
            let left = until_reset(header(&REMAINING)?, header(&RESET)?, now)?;
            let why = "the provider says that no requests are left";
            Some(minute(left, why.to_owned()))
        };
        let is_full = || {
            let Meter {
                header: name, most, ..
            } = self.meter.as_ref()?;
            let used: u64 = header(name)?.trim().parse().ok()?;
            let left = to_next_minute(now);
            let why = || format!("the provider counts {used} in this minute, near its limit");
            (used >= *most).then(|| minute(left, why()))
        };
        if let Some(pause) = refused().or_else(used_up).or_else(is_full) {
            self.hold(pause);
        }
    }

    /// What an answer says may still be sent, by the same headers.
    pub fn stated(&self, status: u16, headers: &HeaderMap, now: DateTime<Utc>) -> Option<Stated> {
        let header = |name: &HeaderName| headers.get(name)?.to_str().ok();
        let number = |name: &HeaderName| header(name)?.trim_ascii().parse::<u64>().ok();
        let stated = |left: u64, ends_in| Stated {
            left: u32::try_from(left).unwrap_or(u32::MAX),
            ends_in,
        };
        let refused = || {
            let value = header(&RETRY_AFTER).filter(|_| matches!(status, 418 | 429))?;
            asked(value, now).map(|pause| stated(0, pause))
        };
        let counted = || {
            let ends_in = reset_in(header(&RESET)?, now)?;
            Some(stated(number(&REMAINING)?, ends_in))
        };
        let metered = || {
            let meter = self.meter.as_ref()?;
            let left = meter.most.saturating_sub(number(&meter.header)?);
            Some(stated(left / meter.weight.max(1), to_next_minute(now)))
        };
        refused().or_else(counted).or_else(metered)
    }
}

fn to_next_minute(now: DateTime<Utc>) -> Duration {
    Duration::from_secs(60_u64.saturating_sub(now.second().into()).max(1))
}
