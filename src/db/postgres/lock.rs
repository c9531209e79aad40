//! Session locks: each lives as long as a separate session, which is watched while the lock is held.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// Whether any session of this database has a lock.
pub async fn is_held(connection: &mut PgConnection, key: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND d.datname = current_database() \
           AND CAST(l.classid AS bigint) = (($1 >> 32) & 4294967295) \
           AND CAST(l.objid AS bigint) = ($1 & 4294967295))",
    )
    .bind(key)
    .fetch_one(connection)
    .await
}

/// A lock held by a separate session. Dropping it ends the session.
pub struct SessionLock {
    is_held: Arc<AtomicBool>,
    watcher: AbortHandle,
}

impl SessionLock {
    /// Watches the session of a held lock. One that breaks, as when the server restarts, is
    /// replaced and takes the lock again, unless `once`.
    pub fn new(sessions: Sessions, connection: PgConnection, key: i64, once: bool) -> Self {
        let is_held = Arc::new(AtomicBool::new(true));
        let held = Arc::clone(&is_held);
        let watcher = tokio::spawn(async move {
            let mut connection = connection;
            loop {
                until_broken(&mut connection).await;
                held.store(false, Ordering::Relaxed);
                if once {
                    return;
                }
                connection = taken_again(&sessions, key).await;
                held.store(true, Ordering::Relaxed);
            }
        });
        Self {
            is_held,
            watcher: watcher.abort_handle(),
        }
    }
}

impl RunLock for SessionLock {
    fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Relaxed)
    }
}

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
