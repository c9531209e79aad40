//! PostgreSQL behind the trait: connections, their deadlines, and the migration.

mod apply;
mod history;
mod ledger;

use std::fmt;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};

use super::error::{self, DbErrorKind};
use super::{
    Access, ActiveRun, Backend, BarQuery, Credential, DbError, Entitlement, Health, KeptAnswer,
    RequestEnd, Reservation, Reserved, Result, RunDetail, RunLock, Store, uncancelled,
};
use crate::config::Secret;
use crate::model::{
    Answer, Bar, Batch, Counts, RequestId, RunId, RunStatus, RunSummary, SeriesKey, SeriesReport,
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Connections of one process: one a series in flight, and a few for readers.
const POOL: u32 = 8;
const ACQUIRE: Duration = Duration::from_secs(3);
const PING: Duration = Duration::from_millis(300);
const CONNECT: Duration = Duration::from_secs(5);
/// The server gives up a statement after this long …
const STATEMENT_MS: &str = "30000";
/// … and the client a little later, for a server that has fallen silent.
const DEADLINE: Duration = Duration::from_secs(32);
/// A start waits this long for another process that is migrating.
const MIGRATION_LOCK_MS: &str = "30000";

/// Where a PostgreSQL database is.
#[derive(Debug, Clone)]
pub struct PgTarget {
    /// The URL, password included.
    pub url: Secret,
    /// The same without secrets, as `user@host:port/database`.
    pub shown: String,
}

/// A store in PostgreSQL.
pub struct PgStore {
    pool: PgPool,
    options: PgConnectOptions,
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

impl PgStore {
    pub async fn open(target: PgTarget, access: Access) -> Result<Self> {
        let place = target.shown;
        let options = PgConnectOptions::from_str(target.url.expose())
            .map_err(|_| {
                DbError::new(
                    DbErrorKind::Refused,
                    "DATABASE_URL is not a PostgreSQL URL; write postgres://user:password@host:5432/database",
                )
            })?
            .application_name("pipeline-tui")
            .log_statements(tracing::log::LevelFilter::Trace)
            .options([
                ("statement_timeout", STATEMENT_MS),
                ("idle_in_transaction_session_timeout", "60000"),
                ("default_transaction_read_only", if access == Access::ReadOnly { "on" } else { "off" }),
            ]);
        migrate(&options, &place, access).await?;
        let pool = PgPoolOptions::new()
            .max_connections(POOL)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .before_acquire(|connection, _| {
                Box::pin(async move {
                    Ok(matches!(
                        tokio::time::timeout(PING, connection.ping()).await,
                        Ok(Ok(()))
                    ))
                })
            })
            .connect_lazy_with(options.clone());
        Ok(Self {
            pool,
            options,
            place,
        })
    }

    /// Runs work on a pooled connection, to its end, within the deadline.
    ///
    /// A connection that saw an error or the deadline is closed: its state is not known.
    async fn work<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut PgConnection) -> Work<'c, T> + Send + 'static,
    ) -> Result<T> {
        let (pool, place) = (self.pool.clone(), self.place.clone());
        uncancelled(async move {
            let mut connection = pool
                .acquire()
                .await
                .map_err(|e| error::postgres(&e, &place))?;
            let fault = match tokio::time::timeout(DEADLINE, work(&mut connection)).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(Fault::Sql(sql))) => error::postgres(&sql, &place),
                Ok(Err(Fault::Worded(worded))) => worded,
                Err(_) => DbError::new(
                    DbErrorKind::Unreachable,
                    format!(
                        "PostgreSQL at {place} did not answer for {} s",
                        DEADLINE.as_secs()
                    ),
                ),
            };
            drop(connection.detach());
            Err(fault)
        })
        .await
    }
}

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Brings the schema up to date on a connection of its own, which is closed whatever happens: a
/// refused migration would otherwise keep its advisory lock.
async fn migrate(options: &PgConnectOptions, place: &str, access: Access) -> Result<()> {
    let known = MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0);
    let unreachable = || {
        DbError::new(
            DbErrorKind::Unreachable,
            format!(
                "PostgreSQL at {place} did not answer within {} s; look whether it is up",
                CONNECT.as_secs()
            ),
        )
    };
    let options = options
        .clone()
        .options([("lock_timeout", MIGRATION_LOCK_MS)]);
    let mut connection = tokio::time::timeout(CONNECT, options.connect())
        .await
        .map_err(|_| unreachable())?
        .map_err(|e| error::postgres(&e, place))?;
    let outcome = async {
        let found = schema_version(&mut connection)
            .await
            .map_err(|e| error::postgres(&e, place))?;
        match (found, access) {
            (Some(found), _) if found > known => Err(error::newer_schema(found, known)),
            (Some(found), _) if found == known => Ok(()),
            (_, Access::ReadOnly) => Err(DbError::new(
                DbErrorKind::ReadOnly,
                format!(
                    "PostgreSQL at {place} has no up-to-date schema; start once without --read-only"
                ),
            )),
            _ => MIGRATIONS
                .run_direct(None, &mut connection, false)
                .await
                .map_err(|failed| match failed {
                    MigrateError::VersionMissing(version) => error::newer_schema(version, known),
                    MigrateError::Execute(sql) | MigrateError::ExecuteMigration(sql, _) => {
                        error::postgres(&sql, place)
                    }
                    other => DbError::other(format!(
                        "the schema of PostgreSQL at {place} cannot be migrated ({other})"
                    )),
                }),
        }
    }
    .await;
    let _ = connection.close().await;
    outcome
}

async fn schema_version(
    connection: &mut PgConnection,
) -> std::result::Result<Option<i64>, sqlx::Error> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
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

/// The session whose advisory lock says that a run is alive.
struct SessionLock {
    _connection: PgConnection,
}

impl fmt::Debug for SessionLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionLock")
    }
}

impl RunLock for SessionLock {}

#[async_trait]
impl Store for PgStore {
    fn backend(&self) -> Backend {
        Backend::Postgres
    }

    fn location(&self) -> &str {
        &self.place
    }

    async fn health(&self) -> Result<Health> {
        self.work(|connection| {
            Box::pin(async move {
                let (version, now, bars): (String, DateTime<Utc>, i64) = sqlx::query_as(
                    "SELECT current_setting('server_version'), clock_timestamp(), \
                     CASE WHEN c.reltuples > 100000 THEN c.reltuples::bigint ELSE (SELECT count(*) FROM stock_data) END \
                     FROM pg_class c WHERE c.oid = 'stock_data'::regclass",
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
        let (options, place, trigger) =
            (self.options.clone(), self.place.clone(), trigger.to_owned());
        uncancelled(async move {
            let started = async {
                // A dead peer is noticed, and its lock released, within about a minute.
                let mut connection = options
                    .options([
                        ("tcp_keepalives_idle", "30"),
                        ("tcp_keepalives_interval", "10"),
                        ("idle_session_timeout", "0"),
                    ])
                    .connect()
                    .await?;
                let id = history::begin_run(&mut connection, &trigger, series).await?;
                Ok((id, connection))
            };
            match tokio::time::timeout(DEADLINE, started).await {
                Ok(Ok((id, connection))) => Ok(ActiveRun {
                    id,
                    _lock: Box::new(SessionLock {
                        _connection: connection,
                    }),
                }),
                Ok(Err(sql)) => Err(error::postgres(&sql, &place)),
                Err(_) => Err(error::postgres(&sqlx::Error::PoolTimedOut, &place)),
            }
        })
        .await
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
        self.work(|connection| Box::pin(history::sweep(connection)))
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
