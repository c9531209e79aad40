//! Whether a key has the newest minutes of a feed. It is tried once: the answer tells.

use std::sync::atomic::{AtomicU8, Ordering};

use chrono::TimeDelta;

use super::plan;
use crate::model::{Answer, Request};

/// What is younger than this, no plan has that withholds anything.
const YOUNG: TimeDelta = TimeDelta::minutes(14);

const WITHHELD: u8 = 1;
const THERE: u8 = 2;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Withholding(AtomicU8);

impl Withholding {
    /// Whether the newest minutes are withheld, if that is known.
    pub(super) fn known(&self) -> Option<bool> {
        match self.0.load(Ordering::Relaxed) {
            WITHHELD => Some(true),
            THERE => Some(false),
            _ => None,
        }
    }

    /// The provider said that they are.
    pub(super) fn is_withheld(&self) {
        self.0.store(WITHHELD, Ordering::Relaxed);
    }

    /// Notices an answer that holds them.
    pub(super) fn heed(&self, request: &Request, answer: &Answer) {
        let is_young = plan::time(request).is_some_and(|time| time.to > answer.asked_at() - YOUNG);
        if is_young && answer.status == 200 && request.endpoint == plan::ENDPOINT {
            self.0.store(THERE, Ordering::Relaxed);
        }
    }
}
