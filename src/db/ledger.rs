//! The ledger: requests, what became of each, and what is known about the key that sent them.

use std::fmt;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::error::Result;
use super::row::count;
use crate::model::quota::{Decision, Ledger, Quota};
use crate::model::{Answer, ErrorClass, Request, RequestId, RunId, SeriesKey, SourceId};

/// The key and plan of a request: entitlements are remembered under these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The source that it is a key of.
    pub source: SourceId,
    /// Fingerprint of the key, never the key.
    pub fingerprint: String,
    /// The plan as configured; a refusal learnt under another plan does not count.
    pub plan: String,
}

/// What is needed to send one request.
#[derive(Debug, Clone)]
pub struct Reservation {
    /// Identifies the attempt in the ledger and at the provider.
    pub attempt_id: Uuid,
    /// The run that sends it.
    pub run: RunId,
    /// What is requested.
    pub request: Request,
    /// The key whose quota it uses.
    pub credential: Credential,
    /// 1 for the first attempt at this page in this run; what is more is a retry.
    pub attempt: u32,
    /// What the key may send.
    pub quota: Quota,
}

/// The result of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// The request is in the ledger; send it now.
    Granted(RequestId),
    /// Nothing was written; try again after this time.
    Wait(TimeDelta),
    /// Nothing was written; the day's requests are used up until this instant.
    DaySpent(DateTime<Utc>),
    /// Nothing was written; the day's retries are used up.
    RetriesSpent,
    /// Nothing was written; the provider says that nothing is left for this time.
    Held(TimeDelta),
}

impl Reserved {
    /// The answer to a decision that is not a grant.
    pub(super) fn unless_granted(decision: Decision, now: DateTime<Utc>) -> Option<Self> {
        match decision {
            Decision::Grant => None,
            Decision::Wait(until) => Some(Self::Wait(until - now)),
            Decision::DaySpent(until) => Some(Self::DaySpent(until)),
            Decision::RetriesSpent => Some(Self::RetriesSpent),
            Decision::Held(until) => Some(Self::Held(until - now)),
        }
    }
}

/// How a request without bars ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestEnd {
    /// It was never sent: not spent.
    NotSent(String),
    /// It was sent and nothing usable came back.
    Failed(ErrorClass, String),
    /// The provider refused it.
    Refused(ErrorClass, String),
}

/// What is known about an endpoint under a key's plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// The endpoint.
    pub endpoint: String,
    /// The parameter as `name=value`; empty: the whole endpoint.
    pub parameter: String,
    /// Whether the provider answered with data.
    pub granted: bool,
    /// What the provider said when it refused.
    pub message: Option<String>,
}

impl Entitlement {
    /// What a provider can have against a symbol, as if it were an endpoint. No plan changes it, so it
    /// is forgotten after a month.
    pub const SYMBOL: &'static str = "symbol";

    /// A symbol that the provider does not accept, whatever is asked about it.
    #[must_use]
    pub fn unaccepted(symbol: &str, message: &str) -> Self {
        Self {
            endpoint: Self::SYMBOL.to_owned(),
            parameter: symbol.to_owned(),
            granted: false,
            message: Some(message.to_owned()),
        }
    }
}

/// A kept answer with the request that it answers.
#[derive(Debug, Clone)]
pub struct KeptAnswer {
    /// The row of the request.
    pub id: RequestId,
    /// The run that requested it.
    pub run: RunId,
    /// What was requested.
    pub request: Request,
    /// The answer.
    pub answer: Answer,
    /// The key it was requested with.
    pub credential: Credential,
}

/// A row of the ledger, for showing a run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RequestRow {
    /// The request.
    pub id: RequestId,
    /// The source it was sent to.
    pub source: String,
    /// The symbol it requested; empty for a symbol request.
    pub symbol: String,
    /// The interval it requested; empty for a symbol request.
    pub interval: String,
    /// Whether it requested adjusted prices.
    pub adjusted: bool,
    /// What of the source was asked.
    pub endpoint: String,
    /// Its parameters, without the key.
    pub query: String,
    /// Which attempt it was.
    pub attempt: u32,
    /// Its state in the ledger.
    pub state: String,
    /// Class of the refusal or failure.
    pub class: Option<String>,
    /// HTTP status of the answer.
    pub http_status: Option<u16>,
    /// Milliseconds to the last byte.
    pub elapsed_ms: Option<u32>,
    /// When it was reserved.
    pub reserved_at: DateTime<Utc>,
    /// When it ended: with a stored answer, or with what went wrong.
    pub ended_at: Option<DateTime<Utc>>,
    /// Milliseconds that reading the answer took.
    pub parse_ms: Option<u32>,
}

impl RequestRow {
    /// Whether it requested this series.
    #[must_use]
    pub fn is_of(&self, series: &SeriesKey) -> bool {
        self.source == series.source.as_str()
            && self.symbol == series.symbol.as_str()
            && self.interval == series.interval.as_str()
            && self.adjusted == series.adjusted
    }

    /// Its parameters, in the order in which they were sent.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, String)> {
        super::row::parameters(&self.query)
    }

    /// The series it requested, as text; `None` for a symbol request.
    #[must_use]
    pub fn series(&self) -> Option<String> {
        let source = match self.source.as_str() {
            source if source == SourceId::DEFAULT.as_str() => String::new(),
            source => format!("{source}:"),
        };
        let adjusted = if self.adjusted { " adjusted" } else { "" };
        let is_of_series = !self.symbol.is_empty();
        is_of_series.then(|| format!("{source}{} {}{adjusted}", self.symbol, self.interval))
    }
}

/// The provider's answer to a request, as far as it is still kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// HTTP status; `None` if no answer came.
    pub status: Option<u16>,
    /// `Content-Type`, if any.
    pub content_type: Option<String>,
    /// When the last byte came; if none came, when the request ended or was reserved.
    pub received_at: DateTime<Utc>,
    /// Milliseconds to the last byte.
    pub elapsed_ms: u32,
    /// The body; `None` if it was deleted to make room, or no answer came.
    pub body: Option<bytes::Bytes>,
}

/// Requests of a key in a rolling window.
pub(super) const SENT_AFTER: &str = "\
    SELECT count(*) FROM requests \
    WHERE key_fingerprint = $1 AND reserved_at > $2 AND state <> 'not_sent'";

/// Requests of a key whose answers are awaited. Older ones are those of dead processes.
pub(super) const AWAITED: &str = "\
    SELECT count(*) FROM requests \
    WHERE key_fingerprint = $1 AND reserved_at > $2 AND state = 'reserved'";

/// Longer than any answer takes.
pub(super) const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(10);

/// The newest request of a key that has ended.
pub(super) const LAST_END: &str = "\
    SELECT ended_at, class FROM requests \
    WHERE key_fingerprint = $1 AND ended_at IS NOT NULL AND state <> 'not_sent' \
    ORDER BY reserved_at DESC LIMIT 1";

/// A request counts from the instant at which its start was decided, and is sent once the store has kept
/// that. If keeping it took longer than this, the next start could come too soon, so it is decided again.
const LATE: Duration = Duration::from_millis(100);

/// Tries to decide in time. A store that is always slow keeps starts apart all the same: it is as late for
/// the next one.
pub(super) const TRIES: u32 = 3;

/// Whether the store took so long to keep a start that it must be decided again; only where there is a
/// pace to keep.
pub(super) fn is_late(decided: Instant, quota: &Quota) -> bool {
    let is_paced = quota.gap > TimeDelta::zero() || quota.rolling().iter().any(Option::is_some);
    is_paced && decided.elapsed() > LATE
}

/// Takes request `$1` back, which was not sent.
pub(super) const TAKE_BACK: &str = "DELETE FROM requests WHERE id = $1 AND state = 'reserved'";

/// What the requests of a key since two minutes, or since its quota day began, add up to.
#[derive(sqlx::FromRow)]
pub(super) struct SeenRow {
    last_start: Option<DateTime<Utc>>,
    today: i64,
    retries: i64,
    refused_at: Option<DateTime<Utc>>,
    brought: i64,
    brought_start: Option<DateTime<Utc>>,
    awaited: Option<DateTime<Utc>>,
}

/// Reads it for key `$1`: its quota day began at `$2`, nothing before `$3` counts, and who started before
/// `$4` is no longer awaited.
pub(super) const SEEN: &str = "\
    SELECT max(reserved_at) AS last_start, \
           count(CASE WHEN reserved_at >= $2 THEN 1 END) AS today, \
           count(CASE WHEN reserved_at >= $2 AND attempt > 1 THEN 1 END) AS retries, \
           max(CASE WHEN reserved_at >= $2 AND class = 'day' THEN ended_at END) AS refused_at, \
           count(CASE WHEN reserved_at >= $2 AND state = 'stored' THEN 1 END) AS brought, \
           max(CASE WHEN reserved_at >= $2 AND state = 'stored' THEN reserved_at END) AS brought_start, \
           max(CASE WHEN reserved_at >= $4 AND state IN ('reserved', 'answered') THEN reserved_at END) AS awaited \
    FROM requests WHERE key_fingerprint = $1 AND reserved_at >= $3 AND state <> 'not_sent'";

/// How long after a refusal came a request may still have started without knowing of it: the refusal is
/// kept first and read then. Nor does what was on its way beside it say anything about the day: it may
/// have been counted before.
const UNAWARE: TimeDelta = TimeDelta::minutes(1);

impl SeenRow {
    /// The ledger, but for what windows hold.
    pub(super) fn ledger(self) -> Ledger {
        let unaware = self.refused_at.map(|refused| refused + UNAWARE);
        let is_over = self.brought_start > unaware;
        Ledger {
            last_start: self.last_start,
            today: count(self.today),
            retries_today: count(self.retries),
            day_refusal: self.refused_at.filter(|_| !is_over),
            data_today: self.brought > 0,
            awaited: self.awaited,
            ..Ledger::default()
        }
    }
}

/// Remembers for the key of request `$1` that `$2` requests are left until `$3`. What a later request said
/// stays, until its window ends at `$4`, which is now.
pub(super) const STATE: &str = "\
    INSERT INTO stated_left (key_fingerprint, start, left_after, until) \
    SELECT key_fingerprint, reserved_at, $2, $3 FROM requests WHERE id = $1 \
    ON CONFLICT (key_fingerprint) DO UPDATE \
    SET start = excluded.start, left_after = excluded.left_after, until = excluded.until \
    WHERE excluded.start >= stated_left.start OR stated_left.until <= $4";

/// What is left by what was last said about key `$1`, at `$2`, and until when.
pub(super) const STATED: &str = "\
    SELECT s.left_after - (SELECT count(*) FROM requests r \
                           WHERE r.key_fingerprint = $1 AND r.reserved_at > s.start AND r.state <> 'not_sent'), \
           s.until \
    FROM stated_left s WHERE s.key_fingerprint = $1 AND s.until > $2";

/// Requests that are left: none if more were sent than the provider said.
pub(super) fn stated(found: Option<(i64, DateTime<Utc>)>) -> Option<(u32, DateTime<Utc>)> {
    found.map(|(left, until)| (count(left.max(0)), until))
}

/// The class in a row; one of a newer version is an unknown one.
pub(super) fn class(word: Option<String>) -> Option<ErrorClass> {
    word.map(|word| word.parse().unwrap_or(ErrorClass::Unknown))
}

/// Whether the answer to a request in this state may be stored: it was kept before, and a second
/// try finds it stored.
pub(super) fn can_be_stored(state: &str) -> bool {
    matches!(state, "answered" | "stored")
}

/// What a store does with requests.
#[async_trait]
pub trait LedgerStore: fmt::Debug + Send + Sync {
    /// The ledger of a key for the windows of its pace, by the database's clock.
    async fn ledger(&self, credential: Credential, quota: Quota) -> Result<Ledger>;

    /// Requests of a key since an instant in runs with one of these triggers.
    async fn sent_since(
        &self,
        credential: Credential,
        triggers: &'static [&'static str],
        since: DateTime<Utc>,
    ) -> Result<u32>;

    /// Records a request in the ledger, if quota and pace allow it now.
    async fn reserve(&self, reservation: Reservation) -> Result<Reserved>;

    /// The request that an attempt was reserved as; `None` if this store has none.
    async fn attempt(&self, attempt_id: Uuid) -> Result<Option<RequestId>>;

    /// Keeps an answer before it is read, dropping the oldest past `limit` bytes.
    async fn keep(&self, request: RequestId, answer: Answer, limit: u64) -> Result<()>;

    /// Records how a request without bars ended.
    async fn settle(&self, request: RequestId, end: RequestEnd) -> Result<()>;

    /// Answers that were kept but not stored by runs that are no longer running.
    async fn unapplied(&self) -> Result<Vec<KeptAnswer>>;

    /// The newest stored page of each request to a source that an earlier run did not bring to its
    /// end, where its answer is still kept and nothing later has replaced it.
    async fn unfinished(&self, source: SourceId) -> Result<Vec<KeptAnswer>>;

    /// The answer to a request; `None` if there is no such request.
    async fn answer(&self, request: RequestId) -> Result<Option<StoredAnswer>>;

    /// What is known about a key under its plan.
    async fn entitlements(&self, credential: Credential) -> Result<Vec<Entitlement>>;

    /// Remembers that the plan refuses an endpoint or one of its parameters.
    async fn learn_refusal(&self, credential: Credential, refused: Entitlement) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use chrono_tz::UTC;

    use super::*;

    #[test]
    fn only_a_start_that_has_a_pace_to_keep_is_late() {
        let Some(before) = Instant::now().checked_sub(LATE * 2) else {
            return;
        };
        let paced = Quota::daily(TimeDelta::seconds(1), None, UTC);
        assert!(is_late(before, &paced));
        assert!(!is_late(Instant::now() + LATE, &paced));
        assert!(!is_late(
            before,
            &Quota::daily(TimeDelta::zero(), Some(25), UTC)
        ));
    }
}
