//! PostgreSQL behind the trait: connections, their deadlines, and the migration.

mod adjust;
mod adopt;
mod alerts;
mod apply;
mod copy;
mod coverage;
mod facts;
mod history;
mod lanes;
mod ledger;
mod listings;
mod lock;
mod migrate;
mod pool;
mod ranks;
mod session;
mod settings;
mod store;
mod survey;
mod tail;
mod ticks;
mod upkeep;
mod watch_list;

use std::fmt;
use std::time::Duration;

use sqlx::Connection;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnection, PgPool};

pub use self::adopt::adopt;
use self::session::Sessions;
use self::survey::survey;
use super::error::{self, DbError, DbErrorKind, Result};
use super::schema;
use super::store::Access;
use super::work::{Fault, Outcome, Work, uncancelled};
use crate::config::Secret;
use crate::model::Lease;

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
#[derive(Clone)]
pub struct PgStore {
    pool: PgPool,
    sessions: Sessions,
    place: String,
    /// What it may write under; `None`: what needs no lane.
    lease: Option<Lease>,
}

impl PgStore {
    pub async fn open(target: PgTarget, access: Access) -> Result<Self> {
        let place = target.shown;
        let sessions = Sessions::of(&target.url, access)?;
        let pool = pool::lazy(&sessions, prepare(&sessions, &place).await?);
        for start in 1..=STARTS {
            match pool.acquire().await {
                Err(sqlx::Error::PoolTimedOut) if start < STARTS => {}
                outcome => {
                    pool::give_back(outcome.map_err(|e| error::postgres(e, &place))?);
                    break;
                }
            }
        }
        Ok(Self {
            pool,
            sessions,
            place,
            lease: None,
        })
    }

    /// What the first start would create in a database; `None` if nothing is missing.
    pub async fn preview(target: PgTarget) -> Result<Option<String>> {
        let (sessions, place) = (Sessions::of(&target.url, Access::ReadWrite)?, target.shown);
        let mut connection = within(CONNECT, &place, sessions.bare())
            .await?
            .map_err(|e| error::postgres(e, &place))?;
        let found = within(DEADLINE, &place, survey(&mut connection, &sessions, &place))
            .await
            .flatten();
        let added = match found {
            Ok(_) => within(DEADLINE, &place, migrate::added(&mut connection))
                .await?
                .map_err(|e| error::postgres(e, &place)),
            Err(_) => Ok(vec![]),
        };
        let _ = connection.close().await;
        let found = found?;
        let place = format!(
            "PostgreSQL {}, schema {} at {place}",
            found.version, found.home
        );
        schema::preview(found.schema, &MIGRATIONS, &added?, &place)
    }

    /// Runs work on a pooled connection, to its end, within the deadline.
    ///
    /// A connection that had an error or missed the deadline is closed: its state is not known.
    async fn read<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut PgConnection) -> Work<'c, T> + Send + 'static,
    ) -> Result<T> {
        let (pool, place) = (self.pool.clone(), self.place.clone());
        uncancelled(async move {
            let mut connection = pool
                .acquire()
                .await
                .map_err(|e| error::postgres(e, &place))?;
            let fault = match tokio::time::timeout(DEADLINE, work(&mut connection)).await {
                Ok(Ok(value)) => {
                    pool::give_back(connection);
                    return Ok(value);
                }
                Ok(Err(Fault::Sql(sql))) => error::postgres(sql, &place),
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

    /// Writes; under a lease in one transaction with the check that it is still good. The transactions of
    /// the work are then parts of it. The server orders its writers itself.
    async fn write<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut PgConnection) -> Work<'c, T> + Send + 'static,
    ) -> Result<T> {
        let Some(lease) = self.lease.clone() else {
            return self.write_freely(work).await;
        };
        self.write_freely(move |connection| {
            Box::pin(async move {
                let mut tx = connection.begin().await?;
                lanes::require(&mut tx, &lease).await?;
                let done = work(&mut tx).await?;
                tx.commit().await?;
                Ok(done)
            })
        })
        .await
    }

    /// Writes what needs no lane, or checks its lease itself.
    async fn write_freely<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut PgConnection) -> Work<'c, T> + Send + 'static,
    ) -> Result<T> {
        self.require_writer()?;
        self.read(work).await
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
async fn prepare(sessions: &Sessions, place: &str) -> Result<u32> {
    let mut connection = within(CONNECT, place, sessions.bare())
        .await?
        .map_err(|e| error::postgres(e, place))?;
    let outcome = async {
        let found = within(DEADLINE, place, survey(&mut connection, sessions, place)).await??;
        if schema::needs_migration(
            found.schema,
            sessions.access,
            &format!("PostgreSQL at {place}"),
        )? {
            migrate::migrate(&mut connection, sessions, place).await?;
        }
        Ok(found.pool)
    }
    .await;
    let _ = connection.close().await;
    outcome
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
