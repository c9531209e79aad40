//! PostgreSQL behind the trait: connections, their deadlines, and the migration.

mod apply;
mod copy;
mod history;
mod ledger;
mod listings;
mod lock;
mod pool;
mod settings;
mod watch_list;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{ConnectOptions, Connection};
use uuid::Uuid;

use self::lock::SessionLock;
use super::error::{self, DbErrorKind};
use super::work::{Fault, Outcome, Work, impl_store};
use super::{
    Access, ActiveRun, Backend, BarQuery, Credential, DbError, Entitlement, Health, Holding,
    KeptAnswer, RequestEnd, Reservation, Reserved, Result, RunDetail, RunLock, SeriesFacts, Size,
    Store, StoredAnswer, uncancelled,
};
use crate::config::Secret;
use crate::model::quota::Ledger;
use crate::model::{
    Answer, Bar, Batch, Counts, Listing, RequestId, RunId, RunStatus, RunSummary, SeriesKey,
    SeriesReport, Symbol, WatchEdit, WatchEdited,
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// A start is patient for so many times that long: many processes may be starting together.
const STARTS: u32 = 4;
const CONNECT: Duration = Duration::from_secs(5);
/// The server gives up a statement after this long …
const STATEMENT_MS: &str = "30000";
/// … and the client a little later, for a server that has fallen silent.
const DEADLINE: Duration = Duration::from_secs(32);
/// A process that is frozen in the middle of a transaction must not hold the others up for longer.
const IDLE_IN_TRANSACTION_MS: &str = "10000";
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
                ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MS),
                ("default_transaction_read_only", if access == Access::ReadOnly { "on" } else { "off" }),
            ]);
        migrate(&options, &place, access).await?;
        let pool = pool::lazy(&options);
        for start in 1..=STARTS {
            match pool.acquire().await {
                Err(sqlx::Error::PoolTimedOut) if start < STARTS => {}
                outcome => {
                    pool::give_back(outcome.map_err(|e| error::postgres(&e, &place))?);
                    break;
                }
            }
        }
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
                Ok(Ok(value)) => {
                    pool::give_back(connection);
                    return Ok(value);
                }
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

    /// The server orders its writers itself.
    async fn write<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut PgConnection) -> Work<'c, T> + Send + 'static,
    ) -> Result<T> {
        self.work(work).await
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
    let options = options.clone().options([
        ("lock_timeout", MIGRATION_LOCK_MS),
        ("statement_timeout", "0"),
    ]);
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

/// The key of the one lock of the process that fetches on schedule.
const SCHEDULE_KEY: &str = "SELECT hashtextextended('pipeline-tui schedule', 0)";

impl_store!(for PgStore, own: {
    fn backend(&self) -> Backend {
        Backend::Postgres
    }

    async fn health(&self) -> Result<Health> {
        self.work(|connection| {
            Box::pin(async move {
                let (version, now, bars): (String, DateTime<Utc>, i64) = sqlx::query_as(
                    "SELECT current_setting('server_version'), clock_timestamp(), \
                     (SELECT coalesce(sum(bars), 0)::bigint FROM series_totals)",
                )
                .fetch_one(&mut *connection)
                .await?;
                let schema = schema_version(connection).await?.unwrap_or(0);
                Ok(Health { version, schema, now, bars: super::row::count(bars) })
            })
        })
        .await
    }

    async fn size(&self) -> Result<Size> {
        self.work(|connection| {
            Box::pin(async move {
                // The size of a database is for those who may connect to it; a role may have lost that since.
                let bytes: Option<i64> = sqlx::query_scalar(
                    "SELECT CASE WHEN has_database_privilege(current_database(), 'CONNECT') \
                     THEN pg_database_size(current_database()) END",
                )
                .fetch_one(&mut *connection)
                .await?;
                let (answers, answer_bytes) = ledger::kept(connection).await?;
                Ok(Size { bytes: bytes.map(super::row::count), answers, answer_bytes })
            })
        })
        .await
    }

    async fn begin_run(&self, trigger: &str, series: Vec<SeriesKey>) -> Result<ActiveRun> {
        let (options, place, trigger) =
            (self.options.clone(), self.place.clone(), trigger.to_owned());
        uncancelled(async move {
            let started = async {
                let mut connection = lock::session(&options).await?;
                let (id, key) = history::begin_run(&mut connection, &trigger, series).await?;
                let lock = SessionLock::new(options.clone(), connection, key, false);
                Ok(ActiveRun { id, _lock: Box::new(lock) })
            };
            match tokio::time::timeout(DEADLINE, started).await {
                Ok(Ok(run)) => Ok(run),
                Ok(Err(sql)) => Err(error::postgres(&sql, &place)),
                Err(_) => Err(error::postgres(&sqlx::Error::PoolTimedOut, &place)),
            }
        })
        .await
    }

    async fn own_schedule(&self) -> Result<Option<Box<dyn RunLock>>> {
        let (options, place) = (self.options.clone(), self.place.clone());
        uncancelled(async move {
            let tried = async {
                let mut connection = lock::session(&options).await?;
                let key = sqlx::query_scalar(SCHEDULE_KEY).fetch_one(&mut connection).await?;
                if lock::take(&mut connection, key).await? {
                    let lock = SessionLock::new(options.clone(), connection, key, true);
                    return Ok(Some(Box::new(lock) as Box<dyn RunLock>));
                }
                let _ = connection.close().await;
                Ok(None)
            };
            match tokio::time::timeout(DEADLINE, tried).await {
                Ok(Ok(tried)) => Ok(tried),
                Ok(Err(sql)) => Err(error::postgres(&sql, &place)),
                Err(_) => Err(error::postgres(&sqlx::Error::PoolTimedOut, &place)),
            }
        })
        .await
    }

    async fn sweep(&self) -> Result<Vec<RunId>> {
        self.work(|connection| Box::pin(history::sweep(connection)))
            .await
    }

    async fn close(&self) {
        self.pool.close().await;
    }
});
