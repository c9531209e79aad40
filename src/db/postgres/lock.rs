//! Session locks: each lives as long as a separate session, which is watched while the lock is held.

use std::fmt;
use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio::task::AbortHandle;

use super::super::RunLock;
use super::session::{HOLDS_A_LOCK, Sessions};

/// How often the session is checked; with the next two, less than the sweep's grace after a restart.
const LOOK: Duration = Duration::from_secs(3);
/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(3);
/// How often to try to take a lost lock again.
const AGAIN: Duration = Duration::from_millis(500);

/// Takes a lock by its key, unless another session has it.
pub async fn take(connection: &mut PgConnection, key: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(key)
        .fetch_one(connection)
        .await
}

/// A lock held by a separate session. Dropping it ends the session.
pub struct SessionLock {
    watcher: AbortHandle,
}

impl SessionLock {
    /// Watches the session of a held lock. One that breaks, as when the server restarts, is
    /// replaced and takes the lock again.
    pub fn new(sessions: Sessions, connection: PgConnection, key: i64) -> Self {
        let watcher = tokio::spawn(async move {
            let mut connection = connection;
            loop {
                until_broken(&mut connection).await;
                connection = taken_again(&sessions, key).await;
            }
        });
        Self {
            watcher: watcher.abort_handle(),
        }
    }
}

impl RunLock for SessionLock {}

impl Drop for SessionLock {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

impl fmt::Debug for SessionLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionLock")
    }
}

async fn until_broken(connection: &mut PgConnection) {
    loop {
        tokio::time::sleep(LOOK).await;
        if !matches!(
            tokio::time::timeout(ANSWER, connection.ping()).await,
            Ok(Ok(()))
        ) {
            return;
        }
    }
}

async fn taken_again(sessions: &Sessions, key: i64) -> PgConnection {
    loop {
        let again = async {
            let mut connection = sessions.open(HOLDS_A_LOCK).await?;
            Ok::<_, sqlx::Error>(take(&mut connection, key).await?.then_some(connection))
        };
        if let Ok(Ok(Some(connection))) = tokio::time::timeout(ANSWER, again).await {
            return connection;
        }
        tokio::time::sleep(AGAIN).await;
    }
}
