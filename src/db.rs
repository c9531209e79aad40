//! The store: one trait, PostgreSQL and SQLite behind it.
//!
//! Writes run in tasks of their own, so that a caller that goes away never leaves a transaction
//! half-way; a connection that saw an error or a deadline is closed, never pooled again.

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

/// A running run. Dropping it ends the lock by which other processes see that the run is alive.
#[derive(Debug)]
pub struct ActiveRun {
    /// The run.
    pub id: RunId,
    /// Held for its `Drop`.
    pub(crate) _lock: Box<dyn RunLock>,
}

/// A lock that dies with its process.
pub trait RunLock: fmt::Debug + Send + Sync {
    /// Whether it still holds, as far as is known.
    fn is_held(&self) -> bool;
}

/// A wish to send one request.
#[derive(Debug, Clone)]
pub struct Reservation {
    /// Identifies the attempt in the ledger and at the provider.
    pub attempt_id: Uuid,
    /// The run on whose behalf it is sent.
    pub run: RunId,
    /// The question.
    pub ask: Question,
    /// Whose quota it draws on.
    pub credential: Credential,
    /// 1 for the first attempt of a series in this run.
    pub attempt: u32,
    /// What the plan allows.
    pub limits: Limits,
}

/// What became of the wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// The request is in the ledger; send it now.
    Granted(RequestId),
    /// Nothing was written; ask again after this time.
    Wait(TimeDelta),
    /// Nothing was written; the day's requests are spent until this instant.
    DaySpent(DateTime<Utc>),
    /// Nothing was written; the day's retries are spent.
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

/// How a request ended that brought no bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestEnd {
    /// It never left this machine: not spent.
    NotSent(String),
    /// It was sent and nothing usable came back.
    Failed(ErrorClass, String),
    /// The provider refused it.
    Refused(ErrorClass, String),
    /// It was read, and there is nothing in it to store: the matches of a search.
    Read,
}

/// What is known about a key and a function.
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
    /// The run that asked.
    pub run: RunId,
    /// The question.
    pub ask: Question,
    /// The answer.
    pub answer: Answer,
    /// Who it was asked for.
    pub credential: Credential,
}

/// What the store knows of a series at a glance.
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

/// Bars that are stored of a symbol under one key.
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

/// Who a request was sent for: what entitlements are remembered under.
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
    /// At most so many.
    pub limit: u32,
    /// From which end.
    pub order: Order,
}

/// A row of the ledger, for showing a run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RequestRow {
    /// The request.
    pub id: RequestId,
    /// The symbol it asked for; empty for a question about symbols.
    pub symbol: String,
    /// The interval it asked for; empty for a question about symbols.
    pub interval: String,
    /// Whether it asked for adjusted prices.
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
    /// Whether it asked for this series.
    #[must_use]
    pub fn is_of(&self, series: &SeriesKey) -> bool {
        self.symbol == series.symbol.as_str()
            && self.interval == series.interval.as_str()
            && self.adjusted == series.adjusted
    }

    /// The series it asked for, as a series is written; `None` for a question about symbols.
    #[must_use]
    pub fn series(&self) -> Option<String> {
        let adjusted = if self.adjusted { " adjusted" } else { "" };
        (!self.symbol.is_empty()).then(|| format!("{} {}{adjusted}", self.symbol, self.interval))
    }
}

/// What the provider answered to a request, as far as it is still kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// HTTP status; `None` where no answer came.
    pub status: Option<u16>,
    /// `Content-Type`, if any.
    pub content_type: Option<String>,
    /// When the last byte came; where none came, when the request ended or was reserved.
    pub received_at: DateTime<Utc>,
    /// Milliseconds to the last byte.
    pub elapsed_ms: u32,
    /// The body; `None` once it had to make room, or where no answer came.
    pub body: Option<bytes::Bytes>,
}

/// A run with everything the store knows of it.
#[derive(Debug, Clone)]
pub struct RunDetail {
    /// The run.
    pub summary: RunSummary,
    /// What became of its series.
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

/// What a store takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Bytes on disk; `None` where the server does not tell this role.
    pub bytes: Option<u64>,
    /// Answers kept.
    pub answers: u64,
    /// The bytes that they take, compressed.
    pub answer_bytes: u64,
}

/// Everything the product asks of a database.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Which database it is.
    fn backend(&self) -> Backend;

    /// Where it is, without secrets.
    fn location(&self) -> &str;

    /// Version, clock and size.
    async fn health(&self) -> Result<Health>;

    /// What it takes. Reads more than [`health`](Self::health): for a person who looks, not for each run.
    async fn size(&self) -> Result<Size>;

    /// The watch list, in the order in which series were added.
    async fn watch_list(&self) -> Result<Vec<SeriesKey>>;

    /// Puts series into the watch list if it is empty; returns the list as it then is.
    async fn fill_watch_list(&self, series: Vec<SeriesKey>) -> Result<Vec<SeriesKey>>;

    /// Changes the watch list in one transaction, which gives it another [`WATCH_LIST_MARK`].
    /// A change of nothing writes nothing.
    async fn edit_watch_list(&self, edit: WatchEdit) -> Result<WatchEdited>;

    /// Everything the engine remembers, by name.
    async fn settings(&self) -> Result<HashMap<String, String>>;

    /// What the engine remembers under a name.
    async fn setting(&self, name: &'static str) -> Result<Option<String>>;

    /// Remembers something under a name.
    async fn set_setting(&self, name: &'static str, value: String) -> Result<()>;

    /// Takes the lock of the one process that fetches on schedule; `None` while another has it.
    async fn own_schedule(&self) -> Result<Option<Box<dyn RunLock>>>;

    /// What the store knows of a series at a glance.
    async fn facts(&self, series: SeriesKey) -> Result<SeriesFacts>;

    /// The ledger of a key on the quota day of the database's clock.
    async fn ledger(&self, credential: Credential) -> Result<Ledger>;

    /// Requests of a key since an instant in runs that one of these words started.
    async fn sent_since(
        &self,
        credential: Credential,
        triggers: &'static [&'static str],
        since: DateTime<Utc>,
    ) -> Result<u32>;

    /// Starts a run over these series and takes its lock.
    async fn begin_run(&self, trigger: &str, series: Vec<SeriesKey>) -> Result<ActiveRun>;

    /// Records how a series ended that stored nothing new.
    async fn finish_series(&self, run: RunId, report: SeriesReport) -> Result<()>;

    /// Records how a run ended.
    async fn finish_run(&self, run: RunId, status: RunStatus) -> Result<()>;

    /// Marks runs whose lock nobody holds as interrupted, and their unsettled requests as in doubt.
    async fn sweep(&self) -> Result<Vec<RunId>>;

    /// Writes a request into the ledger, if quota and pace allow it now.
    async fn reserve(&self, reservation: Reservation) -> Result<Reserved>;

    /// The request that an attempt was reserved as; `None` where this store has none.
    async fn attempt(&self, attempt_id: Uuid) -> Result<Option<RequestId>>;

    /// Keeps an answer before anyone looks at it, dropping the oldest past `limit` bytes.
    async fn keep(&self, request: RequestId, answer: Answer, limit: u64) -> Result<()>;

    /// Records how a request ended that brought no bars.
    async fn settle(&self, request: RequestId, end: RequestEnd) -> Result<()>;

    /// Stores the bars of an answer, its rejected rows, counts and outcomes, in one transaction.
    /// Doing so again returns the counts of the first time.
    async fn apply(&self, batch: Batch, credential: Credential) -> Result<Counts>;

    /// The list of symbols and when the provider sent it; `None`: none is kept.
    async fn listings(&self) -> Result<(Option<DateTime<Utc>>, Vec<Listing>)>;

    /// Replaces the list of symbols by that of an answer and ends its request, in one transaction.
    /// A list that is younger than the answer stays. Doing so again changes nothing.
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

    /// What is stored of a symbol, whatever the case of its letters.
    async fn held(&self, symbol: Symbol) -> Result<Vec<Holding>>;

    /// Bars, in the order of the query.
    async fn bars(&self, query: BarQuery) -> Result<Vec<Bar>>;

    /// The newest runs, newest first.
    async fn runs(&self, limit: u32) -> Result<Vec<RunSummary>>;

    /// One run in detail.
    async fn run(&self, run: RunId) -> Result<Option<RunDetail>>;

    /// The answer to a request; `None` where there is no such request.
    async fn answer(&self, request: RequestId) -> Result<Option<StoredAnswer>>;

    /// Closes every connection.
    async fn close(&self);
}

/// Opens an SQLite file, creating it where it may.
pub async fn open_sqlite(path: &Path, access: Access) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(sqlite::SqliteStore::open(path, access).await?))
}

/// Connects to PostgreSQL.
pub async fn open_postgres(target: PgTarget, access: Access) -> Result<Arc<dyn Store>> {
    let opened = Box::pin(postgres::PgStore::open(target, access));
    Ok(Arc::new(opened.await?))
}

/// What the first start would make in an SQLite file; `None` where nothing is missing.
pub async fn preview_sqlite(path: &Path) -> Result<Option<String>> {
    sqlite::SqliteStore::preview(path).await
}

/// What the first start would make in a database on a server; `None` where nothing is missing. Fails
/// where the start would be refused.
pub async fn preview_postgres(target: PgTarget) -> Result<Option<String>> {
    Box::pin(postgres::PgStore::preview(target)).await
}

/// Runs database work to its end, whatever becomes of the caller.
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
