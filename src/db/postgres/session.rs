//! Sessions: how they are opened, and what is set in each.
//!
//! Settings are made after the start, not with it: a pooler refuses to start a session with parameters
//! that it does not know.

use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, raw_sql};

use super::super::error::{DbError, DbErrorKind};
use super::super::{Access, Result};
use crate::config::Secret;

/// The server gives up a statement after 30 s. A process that is frozen in the middle of a transaction
/// must not hold the others up for longer than 10 s. To compile a statement takes longer than any of
/// ours runs, and the server would where it has no statistics and expects too much.
const EVERY: &str = "SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '10s'; \
                     SET jit = off";
/// A migration has no time limit, but waits at most 30 s for another process that migrates.
pub const MIGRATES: &str = "SET statement_timeout = 0; SET lock_timeout = '30s'";
/// A session that holds a lock: kept however long it is idle, and when its peer is dead, noticed and
/// ended within about a minute.
pub const HOLDS_A_LOCK: &str = "SET idle_session_timeout = 0; SET tcp_keepalives_idle = 30; \
                                SET tcp_keepalives_interval = 10";
const READS_ONLY: &str = "SET default_transaction_read_only = on";

/// How sessions of a store are opened.
#[derive(Clone)]
pub struct Sessions {
    pub options: PgConnectOptions,
    pub access: Access,
}

impl Sessions {
    pub fn of(url: &Secret, access: Access) -> Result<Self> {
        let options = PgConnectOptions::from_str(url.expose()).map_err(|_| {
            DbError::new(
                DbErrorKind::Refused,
                "DATABASE_URL is not a PostgreSQL URL; write postgres://user:password@host:5432/database",
            )
        })?;
        let options = options
            .application_name("pipeline-tui")
            .extra_float_digits(None)
            .log_statements(tracing::log::LevelFilter::Trace);
        Ok(Self { options, access })
    }

    /// Opens a session without any settings.
    pub async fn bare(&self) -> std::result::Result<PgConnection, sqlx::Error> {
        self.options.connect().await
    }

    /// Opens a session for this store, with more settings.
    pub async fn open(&self, more: &str) -> std::result::Result<PgConnection, sqlx::Error> {
        let mut connection = self.bare().await?;
        self.settle(&mut connection, more).await?;
        Ok(connection)
    }

    /// Applies the settings of a bare session, and more.
    pub async fn settle(
        &self,
        connection: &mut PgConnection,
        more: &str,
    ) -> std::result::Result<(), sqlx::Error> {
        let reads_only = match self.access {
            Access::ReadOnly => READS_ONLY,
            Access::ReadWrite => "",
        };
        let settings = [EVERY, reads_only, more].join(";");
        raw_sql(AssertSqlSafe(settings)).execute(connection).await?;
        Ok(())
    }
}
