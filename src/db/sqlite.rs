//! SQLite behind the trait: the file, its locks, and the migration.
//!
//! Several processes share a file: WAL, every write transaction `BEGIN IMMEDIATE`, and an operating
//! system's lock held while the schema is created (the driver's migration lock does nothing here).

mod apply;
mod history;
mod ledger;
mod lock;

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};

use self::lock::FileLock;
use super::error::{self, DbErrorKind};
use super::{
    Access, ActiveRun, Backend, BarQuery, Credential, DbError, Entitlement, Health, KeptAnswer,
    RequestEnd, Reservation, Reserved, Result, RunDetail, Store, uncancelled,
};
use crate::model::{
    Answer, Bar, Batch, Counts, RequestId, RunId, RunStatus, RunSummary, SeriesKey, SeriesReport,
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The first release without the WAL-reset corruption of two connections.
const LEAST_VERSION: (u32, u32, u32) = (3, 51, 3);
const POOL: u32 = 4;
const ACQUIRE: Duration = Duration::from_secs(10);
const BUSY: Duration = Duration::from_secs(5);

/// A store in an SQLite file.
pub struct SqliteStore {
    pool: SqlitePool,
    path: PathBuf,
    place: String,
}

/// What may end a piece of database work: an error of the driver, or one already in words.
pub(super) enum Fault {
    Sql(sqlx::Error),
    Worded(DbError),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<DbError> for Fault {
    fn from(error: DbError) -> Self {
        Self::Worded(error)
    }
}

type Outcome<T> = std::result::Result<T, Fault>;
type Work<'c, T> = Pin<Box<dyn Future<Output = Outcome<T>> + Send + 'c>>;

impl SqliteStore {
    pub async fn open(path: &Path, access: Access) -> Result<Self> {
        let place = path.display().to_string();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .foreign_keys(true)
            .pragma("journal_size_limit", "16777216")
            .log_statements(tracing::log::LevelFilter::Trace);
        let options = match access {
            Access::ReadWrite => {
                let _schema_lock = FileLock::wait_for(path).await?;
                lock::create_private(path)?;
                migrate(&options, &place).await?;
                options
            }
            Access::ReadOnly if !path.exists() => {
                return Err(DbError::new(
                    DbErrorKind::ReadOnly,
                    format!("there is no SQLite file {place} yet; start once without --read-only"),
                ));
            }
            Access::ReadOnly => {
                let options = options.read_only(true);
                match check_schema(&options, &place).await {
                    Ok(()) => options,
                    // In a folder that cannot be written no reader can register itself. Nobody can
                    // write the file either, so without a journal it is complete as it stands.
                    Err(refused) if refused.kind == DbErrorKind::ReadOnly && !has_journal(path) => {
                        let options = options.immutable(true);
                        check_schema(&options, &place).await.map_err(|_| refused)?;
                        options
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let pool = SqlitePoolOptions::new()
            .max_connections(POOL)
            .acquire_timeout(ACQUIRE)
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            path: path.to_owned(),
            place,
        })
    }

    /// Runs work on a pooled connection, to its end. A connection that saw an error is closed: one
    /// failed COMMIT would otherwise spoil every transaction after it.
    async fn work<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send + 'static,
    ) -> Result<T> {
        let (pool, place) = (self.pool.clone(), self.place.clone());
        uncancelled(async move {
            let mut connection = pool
                .acquire()
                .await
                .map_err(|e| error::sqlite(&e, &place))?;
            let fault = match work(&mut connection).await {
                Ok(value) => return Ok(value),
                Err(Fault::Sql(sql)) => error::sqlite(&sql, &place),
                Err(Fault::Worded(worded)) => worded,
            };
            let _ = connection.detach().close().await;
            Err(fault)
        })
        .await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Whether a write-ahead journal lies beside the file.
fn has_journal(path: &Path) -> bool {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-wal");
    Path::new(&journal).exists()
}

fn known_version() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

async fn migrate(options: &SqliteConnectOptions, place: &str) -> Result<()> {
    let known = known_version();
    let mut connection = options
        .connect()
        .await
        .map_err(|e| error::sqlite(&e, place))?;
    let outcome = async {
        require_version(&mut connection, place).await?;
        match schema_version(&mut connection)
            .await
            .map_err(|e| error::sqlite(&e, place))?
        {
            Some(found) if found > known => return Err(error::newer_schema(found, known)),
            Some(found) if found == known => return Ok(()),
            _ => {}
        }
        MIGRATIONS
            .run_direct(None, &mut connection, false)
            .await
            .map_err(|failed| match failed {
                MigrateError::VersionMissing(version) => error::newer_schema(version, known),
                MigrateError::Execute(sql) | MigrateError::ExecuteMigration(sql, _) => {
                    error::sqlite(&sql, place)
                }
                other => DbError::other(format!(
                    "the schema of {place} cannot be migrated ({other})"
                )),
            })
    }
    .await;
    let _ = connection.close().await;
    outcome
}

async fn check_schema(options: &SqliteConnectOptions, place: &str) -> Result<()> {
    let known = known_version();
    let mut connection = options
        .connect()
        .await
        .map_err(|e| error::sqlite(&e, place))?;
    let found = schema_version(&mut connection)
        .await
        .map_err(|e| error::sqlite(&e, place));
    let _ = connection.close().await;
    match found? {
        Some(found) if found > known => Err(error::newer_schema(found, known)),
        Some(found) if found == known => Ok(()),
        _ => Err(DbError::new(
            DbErrorKind::ReadOnly,
            format!("{place} has no up-to-date schema; start once without --read-only"),
        )),
    }
}

async fn require_version(connection: &mut SqliteConnection, place: &str) -> Result<()> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(connection)
        .await
        .map_err(|e| error::sqlite(&e, place))?;
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) < LEAST_VERSION {
        return Err(DbError::other(format!(
            "SQLite {version} can damage files that two processes share; build with the bundled library"
        )));
    }
    Ok(())
}

async fn schema_version(
    connection: &mut SqliteConnection,
) -> std::result::Result<Option<i64>, sqlx::Error> {
    let there: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if there {
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
            .fetch_one(connection)
            .await
    } else {
        Ok(None)
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn backend(&self) -> Backend {
        Backend::Sqlite
    }

    fn location(&self) -> &str {
        &self.place
    }

    async fn health(&self) -> Result<Health> {
        self.work(|connection| {
            Box::pin(async move {
                let (version, now, bars): (String, DateTime<Utc>, i64) = sqlx::query_as(
                    "SELECT sqlite_version(), strftime('%Y-%m-%d %H:%M:%f', 'now'), (SELECT count(*) FROM bars)",
                )
                .fetch_one(&mut *connection)
                .await?;
                let schema = schema_version(connection).await?.unwrap_or(0);
                Ok(Health { version, schema, now, bars: super::row::count(bars) })
            })
        })
        .await
    }

    async fn watch_list(&self) -> Result<Vec<SeriesKey>> {
        self.work(|connection| Box::pin(history::watch_list(connection)))
            .await
    }

    async fn fill_watch_list(&self, series: Vec<SeriesKey>) -> Result<Vec<SeriesKey>> {
        self.work(|connection| Box::pin(history::fill_watch_list(connection, series)))
            .await
    }

    async fn begin_run(&self, trigger: &str, series: Vec<SeriesKey>) -> Result<ActiveRun> {
        let (lock, lock_key) = FileLock::for_new_run(&self.path)?;
        let trigger = trigger.to_owned();
        let id = self
            .work(move |connection| {
                Box::pin(history::begin_run(connection, trigger, lock_key, series))
            })
            .await?;
        Ok(ActiveRun {
            id,
            _lock: Box::new(lock),
        })
    }

    async fn finish_series(&self, run: RunId, report: SeriesReport) -> Result<()> {
        self.work(move |connection| Box::pin(history::finish_series(connection, run, report)))
            .await
    }

    async fn finish_run(&self, run: RunId, status: RunStatus) -> Result<()> {
        self.work(move |connection| Box::pin(history::finish_run(connection, run, status)))
            .await
    }

    async fn sweep(&self) -> Result<Vec<RunId>> {
        let path = self.path.clone();
        self.work(|connection| Box::pin(history::sweep(connection, path)))
            .await
    }

    async fn reserve(&self, reservation: Reservation) -> Result<Reserved> {
        self.work(|connection| Box::pin(ledger::reserve(connection, reservation)))
            .await
    }

    async fn keep(&self, request: RequestId, answer: Answer, limit: u64) -> Result<()> {
        self.work(move |connection| Box::pin(ledger::keep(connection, request, answer, limit)))
            .await
    }

    async fn settle(&self, request: RequestId, end: RequestEnd) -> Result<()> {
        self.work(move |connection| Box::pin(ledger::settle(connection, request, end)))
            .await
    }

    async fn apply(&self, batch: Batch, credential: Credential) -> Result<Counts> {
        self.work(|connection| Box::pin(apply::apply(connection, batch, credential)))
            .await
    }

    async fn unapplied(&self) -> Result<Vec<KeptAnswer>> {
        self.work(|connection| Box::pin(ledger::unapplied(connection)))
            .await
    }

    async fn entitlements(&self, credential: Credential) -> Result<Vec<Entitlement>> {
        self.work(|connection| Box::pin(ledger::entitlements(connection, credential)))
            .await
    }

    async fn learn_refusal(&self, credential: Credential, refused: Entitlement) -> Result<()> {
        self.work(|connection| Box::pin(ledger::learn_refusal(connection, credential, refused)))
            .await
    }

    async fn last_fetch(&self, series: SeriesKey) -> Result<Option<DateTime<Utc>>> {
        self.work(|connection| Box::pin(history::last_fetch(connection, series)))
            .await
    }

    async fn bars(&self, query: BarQuery) -> Result<Vec<Bar>> {
        self.work(|connection| Box::pin(history::bars(connection, query)))
            .await
    }

    async fn runs(&self, limit: u32) -> Result<Vec<RunSummary>> {
        self.work(move |connection| Box::pin(history::runs(connection, limit)))
            .await
    }

    async fn run(&self, run: RunId) -> Result<Option<RunDetail>> {
        self.work(move |connection| Box::pin(history::run(connection, run)))
            .await
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
