//! How a source stands: its key, its plan, its requests, its pause.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::quota::WINDOWS;
use crate::model::words::words;
use crate::model::{ErrorClass, SourceId};

/// A source: what may be asked of it, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    /// The source.
    pub id: SourceId,
    /// What a person has of it: `free key`, `key demo`, `75 a minute`.
    pub plan: String,
    /// Which key it is asked with.
    pub key: KeyUse,
    /// Whether the plan includes intraday bars.
    pub has_intraday: bool,
    /// Its requests.
    pub quota: QuotaStatus,
    /// Requests that fetching what is due can send to it now.
    pub sendable: usize,
    /// The pause that it asked for: until when, and why.
    pub pause: Option<(DateTime<Utc>, String)>,
}

words! {
    /// Which key a source is asked with.
    pub enum KeyUse {
        /// A person's own.
        Own = "own",
        /// The one that everyone may use.
        Public = "public",
        /// It needs one and has none: it is asked nothing.
        Missing = "missing",
        /// It needs none.
        Unneeded = "unneeded",
    }
}

/// The requests to a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QuotaStatus {
    /// Requests of the quota day.
    pub used: u32,
    /// The daily limit, if the plan has one.
    pub limit: Option<u32>,
    /// The shortest time between two requests.
    pub gap: TimeDelta,
    /// The windows of a rolling time.
    pub rolling: [Option<RollingStatus>; WINDOWS],
    /// Requests whose answers are awaited.
    pub in_flight: u32,
    /// When the newest answer came, or its request failed.
    pub answered_at: Option<DateTime<Utc>>,
    /// What was wrong with it.
    pub class: Option<ErrorClass>,
    /// Nothing more may be sent before this instant.
    pub spent_until: Option<DateTime<Utc>>,
    /// When there are requests again; `None` if the plan has no daily limit.
    pub renews_at: Option<DateTime<Utc>>,
}

impl QuotaStatus {
    /// Requests that may still be sent today; `None`: no limit by day.
    #[must_use]
    pub fn left(&self) -> Option<u32> {
        let left = self.limit?.saturating_sub(self.used);
        Some(if self.spent_until.is_some() { 0 } else { left })
    }
}

/// So many requests of so many in the time before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollingStatus {
    /// Requests in it.
    pub used: u32,
    /// The most.
    pub limit: u32,
    /// The time.
    pub span: TimeDelta,
}

impl RollingStatus {
    /// Requests that still fit into it.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }
}
