//! PostgreSQL behind the trait: connections, their deadlines, and the migration.

mod apply;
mod copy;
mod history;
mod ledger;
mod listings;
mod lock;
mod pool;
mod session;
mod settings;
mod survey;
mod watch_list;

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::Connection;
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::postgres::{PgConnection, PgPool};
use uuid::Uuid;

use self::lock::SessionLock;
use self::session::{HOLDS_A_LOCK, MIGRATES, Sessions};
use self::survey::survey;
use super::error::{self, DbErrorKind};
use super::schema;
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

/// Run in one transaction under a lock that outlasts it.
static MIGRATIONS: Migrator = Migrator {
    locking: false,
    ..sqlx::migrate!("migrations/postgres")
};

/// A start waits this many times longer: many processes may be starting together.
const STARTS: u32 = 4;
const CONNECT: Duration = Duration::from_secs(5);
/// A silent server is given up a little later than it would give up a statement itself.
const DEADLINE: Duration = Duration::from_secs(32);

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
    sessions: Sessions,
    place: String,
}

impl PgStore {
    pub async fn open(target: PgTarget, access: Access) -> Result<Self> {
        let place = target.shown;
        let sessions = Sessions::of(&target.url, access)?;
        let pool = pool::lazy(&sessions, migrate(&sessions, &place).await?);
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
            sessions,
            place,
        })
    }

    /// What the first start would create in a database; `None` if nothing is missing.
    pub async fn preview(target: PgTarget) -> Result<Option<String>> {
        let (sessions, place) = (Sessions::of(&target.url, Access::ReadWrite)?, target.shown);
        let mut connection = within(CONNECT, &place, sessions.bare())
            .await?
            .map_err(|e| error::postgres(&e, &place))?;
        let found = within(DEADLINE, &place, survey(&mut connection, &sessions, &place))
            .await
            .flatten();
        let _ = connection.close().await;
        let found = found?;
        let place = format!(
            "PostgreSQL {}, schema {} at {place}",
            found.version, found.home
        );
        Ok(schema::preview(found.schema, &MIGRATIONS, &place))
    }

    /// Runs work on a pooled connection, to its end, within the deadline.
    ///
    /// A connection that had an error or missed the deadline is closed: its state is not known.
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
        self.require_writer()?;
        self.work(work).await
    }

    fn require_writer(&self) -> Result<()> {
        match self.sessions.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(DbError::new(
                DbErrorKind::ReadOnly,
                format!("PostgreSQL at {} was opened for reading only", self.place),
            )),
        }
    }
}

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Surveys the server and brings the schema up to date, on a separate connection, which is always
/// closed: that releases the lock of the migration. Returns how many connections the pool may have.
async fn migrate(sessions: &Sessions, place: &str) -> Result<u32> {
    let mut connection = within(CONNECT, place, sessions.bare())
        .await?
        .map_err(|e| error::postgres(&e, place))?;
    let outcome = async {
        let found = within(DEADLINE, place, survey(&mut connection, sessions, place)).await??;
        if schema::needs_migration(
            found.schema,
            sessions.access,
            &format!("PostgreSQL at {place}"),
        )? {
            sessions
                .settle(&mut connection, MIGRATES)
                .await
                .map_err(|e| error::postgres(&e, place))?;
            run_migrations(&mut connection)
                .await
                .map_err(|failed| unmigrated(&failed, place))?;
        }
        Ok(found.pool)
    }
    .await;
    let _ = connection.close().await;
    outcome
}

/// All migrations or none.
async fn run_migrations(connection: &mut PgConnection) -> std::result::Result<(), MigrateError> {
    connection.lock().await?;
    let mut tx = connection.begin().await?;
    MIGRATIONS.run_direct(None, &mut *tx, false).await?;
    Ok(tx.commit().await?)
}

fn unmigrated(failed: &MigrateError, place: &str) -> DbError {
    match failed {
        MigrateError::VersionMissing(version) => {
            error::newer_schema(*version, schema::latest(&MIGRATIONS))
        }
        MigrateError::Execute(sql) | MigrateError::ExecuteMigration(sql, _) => {
            error::postgres(sql, place)
        }
        other => DbError::other(format!(
            "the schema of PostgreSQL at {place} cannot be migrated ({other})"
        )),
    }
}

/// Waits at most `limit` for a server.
async fn within<T>(limit: Duration, place: &str, work: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(limit, work).await.map_err(|_| {
        DbError::new(
            DbErrorKind::Unreachable,
            format!(
                "PostgreSQL at {place} did not answer within {} s; check that it is up and has \
                connections left",
                limit.as_secs()
            ),
        )
    })
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
                // Only a role that may connect to a database may read its size; this one may have
                // lost that right.
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
        self.require_writer()?;
        let (sessions, place, trigger) =
            (self.sessions.clone(), self.place.clone(), trigger.to_owned());
        uncancelled(async move {
            let started = async {
                let mut connection = sessions.open(HOLDS_A_LOCK).await?;
                let (id, key) = history::begin_run(&mut connection, &trigger, series).await?;
                let lock = SessionLock::new(sessions, connection, key, false);
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
        let (sessions, place) = (self.sessions.clone(), self.place.clone());
        uncancelled(async move {
            let tried = async {
                let mut connection = sessions.open(HOLDS_A_LOCK).await?;
                let key = sqlx::query_scalar(SCHEDULE_KEY).fetch_one(&mut connection).await?;
                if lock::take(&mut connection, key).await? {
                    let lock = SessionLock::new(sessions, connection, key, true);
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
        self.write(|connection| Box::pin(history::sweep(connection)))
            .await
    }

    async fn close(&self) {
        self.pool.close().await;
    }
});
