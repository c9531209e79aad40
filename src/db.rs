//! The store: one trait, PostgreSQL and SQLite behind it.
//!
//! Writes run in separate tasks, so that a caller that goes away never leaves a transaction half
//! done; a connection that had an error or missed a deadline is closed, never pooled again.

pub mod error;
mod postgres;
mod row;
mod schema;
mod sqlite;
mod upsert;
mod watched;
mod work;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

pub use error::{DbError, DbErrorKind};
pub use postgres::PgTarget;
pub use watched::MARK as WATCH_LIST_MARK;

use crate::model::quota::{Decision, Ledger, Limits};
use crate::model::{
    Answer, Bar, Batch, Counts, ErrorClass, Listing, Question, RejectedRow, RequestId, RunId,
    RunStatus, RunSummary, SeriesKey, SeriesReport, Symbol, WatchEdit, WatchEdited,
};

/// The outcome of a store operation.
pub type Result<T> = std::result::Result<T, DbError>;

/// Which database a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A PostgreSQL server.
    Postgres,
    /// An SQLite file.
    Sqlite,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        })
    }
}

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading and writing; the schema is created or brought up to date.
    ReadWrite,
    /// Reading only; the schema must be there.
    ReadOnly,
}

/// A run in progress. Dropping it releases the lock by which other processes see that the run is alive.
#[derive(Debug)]
pub struct ActiveRun {
    /// The run.
    pub id: RunId,
    /// Held for its `Drop`.
    pub(crate) _lock: Box<dyn RunLock>,
}

/// A lock that ends with its process.
pub trait RunLock: fmt::Debug + Send + Sync {
    /// Whether it is still held, as far as is known.
    fn is_held(&self) -> bool;
}

/// What is needed to send one request.
#[derive(Debug, Clone)]
pub struct Reservation {
    /// Identifies the attempt in the ledger and at the provider.
    pub attempt_id: Uuid,
    /// The run that sends it.
    pub run: RunId,
    /// What is requested.
    pub ask: Question,
    /// The key whose quota it uses.
    pub credential: Credential,
    /// 1 for the first attempt of a series in this run.
    pub attempt: u32,
    /// What the plan allows.
    pub limits: Limits,
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
}

impl Reserved {
    /// The answer to a decision that is not a grant.
    fn unless_granted(decision: Decision, now: DateTime<Utc>) -> Option<Self> {
        match decision {
            Decision::Grant => None,
            Decision::Wait(until) => Some(Self::Wait(until - now)),
            Decision::DaySpent(until) => Some(Self::DaySpent(until)),
            Decision::RetriesSpent => Some(Self::RetriesSpent),
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
    /// It was read, and there is nothing in it to store: the matches of a search.
    Read,
}

/// What is known about a function under a key's plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// The function.
    pub function: String,
    /// The parameter as `name=value`; empty: the whole function.
    pub parameter: String,
    /// Whether the provider answered with data.
    pub granted: bool,
    /// What the provider said when it refused.
    pub message: Option<String>,
}

/// An answer that was kept by a run that died before it was stored.
#[derive(Debug, Clone)]
pub struct KeptAnswer {
    /// The request it answers.
    pub request: RequestId,
    /// The run that requested it.
    pub run: RunId,
    /// What is requested.
    pub ask: Question,
    /// The answer.
    pub answer: Answer,
    /// The key it was requested with.
    pub credential: Credential,
}

/// A summary of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesFacts {
    /// When it was last fetched with success.
    pub fetched_at: Option<DateTime<Utc>>,
    /// Bars stored.
    pub bars: u64,
    /// The oldest bar.
    pub oldest: Option<DateTime<Utc>>,
    /// The newest bars, newest first, a session of a 5min series at most.
    pub recent: Vec<Bar>,
}

/// The stored bars of a symbol in one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The series, with its symbol as it is stored.
    pub series: SeriesKey,
    /// How many there are, at least one.
    pub bars: u64,
    /// The oldest.
    pub oldest: DateTime<Utc>,
    /// The newest.
    pub newest: DateTime<Utc>,
}

/// Newest bars that [`SeriesFacts`] holds.
pub(crate) const RECENT: u32 = 200;

/// The key and plan of a request: entitlements are remembered under these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Fingerprint of the key, never the key.
    pub fingerprint: String,
    /// The plan as configured; a refusal learnt under another plan does not count.
    pub plan: String,
}

/// From which end bars are read, and in which order they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The newest, newest first.
    NewestFirst,
    /// The oldest, oldest first.
    OldestFirst,
}

/// Which bars to read.
#[derive(Debug, Clone)]
pub struct BarQuery {
    /// The series.
    pub series: SeriesKey,
    /// Oldest instant, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// Newest instant, inclusive.
    pub to: Option<DateTime<Utc>>,
    /// At most this many.
    pub limit: u32,
    /// From which end.
    pub order: Order,
}

/// A row of the ledger, for showing a run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RequestRow {
    /// The request.
    pub id: RequestId,
    /// The symbol it requested; empty for a symbol request.
    pub symbol: String,
    /// The interval it requested; empty for a symbol request.
    pub interval: String,
    /// Whether it requested adjusted prices.
    pub adjusted: bool,
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
        self.symbol == series.symbol.as_str()
            && self.interval == series.interval.as_str()
            && self.adjusted == series.adjusted
    }

    /// The series it requested, as text; `None` for a symbol request.
    #[must_use]
    pub fn series(&self) -> Option<String> {
        let adjusted = if self.adjusted { " adjusted" } else { "" };
        (!self.symbol.is_empty()).then(|| format!("{} {}{adjusted}", self.symbol, self.interval))
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

/// A run with everything the store knows about it.
#[derive(Debug, Clone)]
pub struct RunDetail {
    /// The run.
    pub summary: RunSummary,
    /// How its series ended.
    pub series: Vec<SeriesReport>,
    /// The requests it reserved.
    pub requests: Vec<RequestRow>,
    /// Rows that validation refused and extras that were set aside: the first hundred.
    pub rejected: Vec<(SeriesKey, RejectedRow)>,
}

/// What a store says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The version of the database.
    pub version: String,
    /// The version of the schema.
    pub schema: i64,
    /// The database's clock.
    pub now: DateTime<Utc>,
    /// Bars stored.
    pub bars: u64,
}

/// The size of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Bytes on disk; `None` if the server does not report it to this role.
    pub bytes: Option<u64>,
    /// Answers kept.
    pub answers: u64,
    /// Their size in bytes, compressed.
    pub answer_bytes: u64,
}

/// Everything the program needs from a database.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Which database it is.
    fn backend(&self) -> Backend;

    /// Where it is, without secrets.
    fn location(&self) -> &str;

    /// Version, clock and size.
    async fn health(&self) -> Result<Health>;

    /// Its size. Reads more than [`health`](Self::health): for a person who looks, not for each run.
    async fn size(&self) -> Result<Size>;

    /// The watch list, in the order in which series were added.
    async fn watch_list(&self) -> Result<Vec<SeriesKey>>;

    /// Puts series into the watch list if it is empty; returns the list as it then is.
    async fn fill_watch_list(&self, series: Vec<SeriesKey>) -> Result<Vec<SeriesKey>>;

    /// Changes the watch list in one transaction, which gives it another [`WATCH_LIST_MARK`].
    /// An edit that changes nothing writes nothing.
    async fn edit_watch_list(&self, edit: WatchEdit) -> Result<WatchEdited>;

    /// Everything the engine remembers, by name.
    async fn settings(&self) -> Result<HashMap<String, String>>;

    /// What the engine remembers under a name.
    async fn setting(&self, name: &'static str) -> Result<Option<String>>;

    /// Remembers something under a name.
    async fn set_setting(&self, name: &'static str, value: String) -> Result<()>;

    /// Takes the lock of the one process that fetches on schedule; `None` while another has it.
    async fn own_schedule(&self) -> Result<Option<Box<dyn RunLock>>>;

    /// A summary of a series.
    async fn facts(&self, series: SeriesKey) -> Result<SeriesFacts>;

    /// The ledger of a key on the quota day of the database's clock.
    async fn ledger(&self, credential: Credential) -> Result<Ledger>;

    /// Requests of a key since an instant in runs with one of these triggers.
    async fn sent_since(
        &self,
        credential: Credential,
        triggers: &'static [&'static str],
        since: DateTime<Utc>,
    ) -> Result<u32>;

    /// Starts a run over these series and takes its lock.
    async fn begin_run(&self, trigger: &str, series: Vec<SeriesKey>) -> Result<ActiveRun>;

    /// Records the end of a series that stored nothing new.
    async fn finish_series(&self, run: RunId, report: SeriesReport) -> Result<()>;

    /// Records how a run ended.
    async fn finish_run(&self, run: RunId, status: RunStatus) -> Result<()>;

    /// Marks runs whose lock nobody holds as interrupted, and their unsettled requests as in doubt.
    async fn sweep(&self) -> Result<Vec<RunId>>;

    /// Records a request in the ledger, if quota and pace allow it now.
    async fn reserve(&self, reservation: Reservation) -> Result<Reserved>;

    /// The request that an attempt was reserved as; `None` if this store has none.
    async fn attempt(&self, attempt_id: Uuid) -> Result<Option<RequestId>>;

    /// Keeps an answer before it is read, dropping the oldest past `limit` bytes.
    async fn keep(&self, request: RequestId, answer: Answer, limit: u64) -> Result<()>;

    /// Records how a request without bars ended.
    async fn settle(&self, request: RequestId, end: RequestEnd) -> Result<()>;

    /// Stores the bars of an answer, its rejected rows, counts and outcomes, in one transaction.
    /// Repeating this returns the counts of the first time.
    async fn apply(&self, batch: Batch, credential: Credential) -> Result<Counts>;

    /// The list of symbols and when the provider sent it; `None`: none is stored.
    async fn listings(&self) -> Result<(Option<DateTime<Utc>>, Vec<Listing>)>;

    /// Replaces the list of symbols with that of an answer and ends its request, in one
    /// transaction. A list that is newer than the answer stays. Repeating this changes nothing.
    async fn keep_listings(
        &self,
        request: RequestId,
        sent_at: DateTime<Utc>,
        listings: Vec<Listing>,
    ) -> Result<()>;

    /// Answers that were kept but not stored by runs that are no longer running.
    async fn unapplied(&self) -> Result<Vec<KeptAnswer>>;

    /// What is known about a key under its plan.
    async fn entitlements(&self, credential: Credential) -> Result<Vec<Entitlement>>;

    /// Remembers that the plan refuses a function or one of its parameters.
    async fn learn_refusal(&self, credential: Credential, refused: Entitlement) -> Result<()>;

    /// When a series was last fetched with success.
    async fn last_fetch(&self, series: SeriesKey) -> Result<Option<DateTime<Utc>>>;

    /// What is stored for a symbol, ignoring case.
    async fn held(&self, symbol: Symbol) -> Result<Vec<Holding>>;

    /// Bars, in the order of the query.
    async fn bars(&self, query: BarQuery) -> Result<Vec<Bar>>;

    /// The newest runs, newest first.
    async fn runs(&self, limit: u32) -> Result<Vec<RunSummary>>;

    /// One run in detail.
    async fn run(&self, run: RunId) -> Result<Option<RunDetail>>;

    /// The answer to a request; `None` if there is no such request.
    async fn answer(&self, request: RequestId) -> Result<Option<StoredAnswer>>;

    /// Closes every connection.
    async fn close(&self);
}

/// Opens an SQLite file, creating it if allowed.
pub async fn open_sqlite(path: &Path, access: Access) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(sqlite::SqliteStore::open(path, access).await?))
}

/// Connects to PostgreSQL.
pub async fn open_postgres(target: PgTarget, access: Access) -> Result<Arc<dyn Store>> {
    let opened = Box::pin(postgres::PgStore::open(target, access));
    Ok(Arc::new(opened.await?))
}

/// What the first start would create in an SQLite file; `None` if nothing is missing.
pub async fn preview_sqlite(path: &Path) -> Result<Option<String>> {
    sqlite::SqliteStore::preview(path).await
}

/// What the first start would create in a database on a server; `None` if nothing is missing. Fails
/// if the start would be refused.
pub async fn preview_postgres(target: PgTarget) -> Result<Option<String>> {
    Box::pin(postgres::PgStore::preview(target)).await
}

/// Runs database work to its end, even if the caller goes away.
async fn uncancelled<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => Err(DbError::other(format!(
            "a database task ended early: {error}"
        ))),
    }
}
