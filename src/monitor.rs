//! The engine, watched from outside: metrics and health over HTTP, word to a service manager.

mod health;
mod metrics;
mod notify;
mod server;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

pub use self::notify::{Manager, Stage};
pub use self::server::{Monitor, StartError};
use crate::db::Store;
use crate::pipeline::engine::Handle;
use crate::pipeline::snapshot::Snapshot;

/// How long an engine may be silent that takes a turn every second.
const SILENCE: Duration = Duration::from_secs(10);

/// What can be seen of an engine.
#[derive(Debug, Clone)]
pub struct Watched {
    /// What is true.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// When it last took a turn.
    pub beat: watch::Receiver<Instant>,
    /// Its store.
    pub store: Arc<dyn Store>,
    /// The folder in which answers wait for the store.
    pub data_dir: PathBuf,
}

impl Watched {
    /// What can be seen of a running engine.
    #[must_use]
    pub fn of(handle: &Handle, store: Arc<dyn Store>, data_dir: PathBuf) -> Self {
        Self {
            snapshots: handle.snapshots.clone(),
            beat: handle.beat.clone(),
            store,
            data_dir,
        }
    }

    /// How long ago it took its last turn.
    fn silence(&self) -> Duration {
        self.beat.borrow().elapsed()
    }

    fn is_alive(&self) -> bool {
        self.silence() <= SILENCE
    }
}
