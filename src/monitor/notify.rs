//! Word to the service manager that started this process, if it wants any.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Watched;

/// Where a service is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It works.
    Ready,
    /// It ends.
    Stopping,
}

/// The service manager, told that the engine is alive for as long as this value is kept.
#[derive(Debug)]
pub struct Manager {
    _watchdog: Option<DropGuard>,
}

impl Manager {
    /// Begins to tell that the engine is alive, as often as the manager wants; not while it takes no turn.
    #[must_use]
    pub fn watching(watched: Watched) -> Self {
        let every = sd_notify::watchdog_enabled().map(|limit| limit / 2);
        let every = every.filter(|every| *every > Duration::ZERO);
        Self {
            _watchdog: every.map(|every| {
                let end = CancellationToken::new();
                let ended = end.clone();
                tokio::spawn(async move {
                    ended.run_until_cancelled(pat(watched, every)).await;
                });
                end.drop_guard()
            }),
        }
    }

    /// Tells where this service is.
    pub fn tell(&self, stage: Stage) {
        tell(&match stage {
            Stage::Ready => NotifyState::Ready,
            Stage::Stopping => NotifyState::Stopping,
        });
    }
}

async fn pat(watched: Watched, every: Duration) {
    let mut times = tokio::time::interval(every);
    loop {
        times.tick().await;
        if watched.is_alive() {
            tell(&NotifyState::Watchdog);
        }
    }
}

fn tell(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
