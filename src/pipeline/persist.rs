//! Writes that must not be lost: retried while the store is away, until it is back or nobody waits
//! any more.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::event::{Event, Observer};
use super::spool::{Spool, SpoolError};
use crate::db::{DbError, DbErrorKind};
use crate::model::causes::Causes;

/// The wait before the second try; it doubles …
const AGAIN: Duration = Duration::from_millis(100);
/// … up to this.
const AGAIN_AT_MOST: Duration = Duration::from_secs(1);
/// A store that answers but does not complete a write is retried for no longer than this.
const BUSY: Duration = Duration::from_mins(2);
/// The same for a command, on a full disk or with writes off: neither ends by itself.
const FULL: Duration = Duration::from_secs(15);
/// How long a write may take after the run was stopped …
const GRACE: Duration = Duration::from_secs(3);
/// … and how long if the store is known to be away.
const SHORT_GRACE: Duration = Duration::from_millis(500);

/// How writes survive while the store is away.
#[derive(Debug)]
pub struct Persistence {
    /// Where answers wait.
    pub(super) spool: Spool,
    /// How long a write is retried; `None`: until the run is stopped.
    patience: Option<Duration>,
    /// Lets an outage be reported once, however many writes fail.
    away: AtomicBool,
}

/// Who waits for a write.
#[derive(Clone, Copy)]
pub(super) struct Waiting<'a> {
    /// Ends the waiting.
    pub cancel: &'a CancellationToken,
    /// Hears about outages.
    pub observer: &'a Observer,
}

impl Persistence {
    /// Retries until stopped; answers wait in this folder.
    #[must_use]
    pub fn new(spool: PathBuf) -> Self {
        Self {
            spool: Spool::at(spool),
            patience: None,
            away: AtomicBool::new(false),
        }
    }

    /// The same with a time limit.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self {
            patience: Some(patience),
            ..self
        }
    }

    /// How many answers wait on disk for the store.
    pub(super) async fn spooled(&self) -> Result<usize, SpoolError> {
        self.spool.waiting().await.map(|waiting| waiting.len())
    }

    /// Writes. Any write here may be repeated, even while it is still running.
    pub(super) async fn write<T, F: Future<Output = Result<T, DbError>>>(
        &self,
        waiting: Waiting<'_>,
        mut write: impl FnMut() -> F,
    ) -> Result<T, DbError> {
        let began = Instant::now();
        let mut wait = AGAIN;
        loop {
            let error = match self.once(waiting, write()).await {
                Err(error) if error.is_passing() => error,
                outcome => {
                    if self.away.swap(false, Ordering::Relaxed) {
                        (waiting.observer)(Event::StoreBack);
                    }
                    return outcome;
                }
            };
            if !self.away.swap(true, Ordering::Relaxed) {
                tracing::info!(error = %Causes(&error), "the store is away");
                (waiting.observer)(Event::StoreAway(error.clone()));
            }
            if waiting.cancel.is_cancelled() || self.is_over(error.kind, began.elapsed()) {
                return Err(error);
            }
            tracing::debug!(error = %Causes(&error), "the store is still away; trying again");
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(AGAIN_AT_MOST),
                () = waiting.cancel.cancelled() => {}
            }
        }
    }

    /// One try. It continues even if nobody waits for it any more.
    async fn once<T>(
        &self,
        waiting: Waiting<'_>,
        write: impl Future<Output = Result<T, DbError>>,
    ) -> Result<T, DbError> {
        let grace = async {
            waiting.cancel.cancelled().await;
            let is_away = self.away.load(Ordering::Relaxed);
            tokio::time::sleep(if is_away { SHORT_GRACE } else { GRACE }).await;
        };
        tokio::select! {
            outcome = write => outcome,
            () = grace => Err(DbError::silent()),
        }
    }

    fn is_over(&self, kind: DbErrorKind, elapsed: Duration) -> bool {
        let limit = match kind {
            DbErrorKind::Busy => Some(self.patience.unwrap_or(BUSY).min(BUSY)),
            DbErrorKind::Full | DbErrorKind::WritesOff => {
                self.patience.map(|patience| patience.min(FULL))
            }
            _ => self.patience,
        };
        limit.is_some_and(|limit| elapsed >= limit)
    }
}
