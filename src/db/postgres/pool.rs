//! The pool: connections that are tested before and after use, within time limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{Connection, Postgres};

use super::session::Sessions;

/// Connections of one process: one per series in flight, and a few for readers.
pub const MOST: u32 = 8;
/// How long to wait for a free connection or a new one.
const ACQUIRE: Duration = Duration::from_secs(3);
/// How long a connection may take to show that it is alive.
const PING: Duration = Duration::from_millis(300);

/// When a connection was last found dead, in milliseconds since the pool was made; 0: never.
#[derive(Clone)]
struct LastDeath {
    epoch: Instant,
    at: Arc<AtomicU64>,
}

impl LastDeath {
    fn new() -> Self {
        Self {
            epoch: Instant::now(),
            at: Arc::default(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn note(&self) {
        self.at.store(self.now().max(1), Ordering::Relaxed);
    }

    /// Whether a connection was last used before another one was found dead: then it is probably
    /// dead too, and a pool of dead ones must not be tested one by one.
    fn is_after(&self, last_used: Duration) -> bool {
        let at = self.at.load(Ordering::Relaxed);
        let idle = u64::try_from(last_used.as_millis()).unwrap_or(u64::MAX);
        at > 0 && self.now().saturating_sub(idle) <= at
    }
}

/// A pool without connections yet, which will have at most `most`.
pub fn lazy(sessions: &Sessions, most: u32) -> PgPool {
    let death = LastDeath::new();
    let options = sessions.options.clone();
    let sessions = sessions.clone();
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(move |connection, meta| {
            let death = death.clone();
            Box::pin(async move {
                if death.is_after(meta.idle_for) {
                    return Ok(false);
                }
                let ping = tokio::time::timeout(PING, connection.ping()).await;
                let lives = matches!(ping, Ok(Ok(())));
                if !lives {
                    death.note();
                }
                Ok(lives)
            })
        })
        .after_connect(move |connection, _| {
            let sessions = sessions.clone();
            Box::pin(async move { sessions.settle(connection, "").await })
        })
        .connect_lazy_with(options)
}

/// Returns a connection to its pool, which tests it first. Dropping it does the same, but waits
/// forever if the server has gone silent, and the pool never gets its place back.
pub fn give_back(mut connection: PoolConnection<Postgres>) {
    tokio::spawn(async move { tokio::time::timeout(PING, connection.return_to_pool()).await });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_before_a_death_is_taken_for_dead_and_what_came_after_is_not() {
        let death = LastDeath::new();
        assert!(!death.is_after(Duration::from_hours(1)), "none has died");
        death.note();
        assert!(death.is_after(Duration::from_secs(1)));
        death.at.store(1, Ordering::Relaxed);
        let later = LastDeath {
            epoch: death.epoch.checked_sub(Duration::from_secs(10)).unwrap(),
            ..death
        };
        assert!(!later.is_after(Duration::from_secs(1)));
        assert!(later.is_after(Duration::from_secs(11)));
    }
}
