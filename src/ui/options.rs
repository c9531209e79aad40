//! What the panel needs to start, and how it ended.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use super::shared::Shared;
use crate::config::EnteredKey;
use crate::pipeline::engine::Handle;
use crate::pipeline::snapshot::Snapshot;
use crate::telemetry::Record;
use crate::telemetry::kept::{KeptLog, Line};
use crate::time::Clock;

/// Saves a key for later starts; returns the file.
pub type SaveKey = Arc<dyn Fn(&EnteredKey) -> io::Result<PathBuf> + Send + Sync>;

/// The state of starting the engine.
#[derive(Debug)]
pub enum Booting {
    /// It will be retried.
    Waiting {
        /// What went wrong.
        reason: String,
        /// When it is retried.
        again_at: DateTime<Utc>,
    },
    /// It is running.
    Ready(Box<Handle>),
    /// It cannot run until something is changed.
    Failed {
        /// The program's exit code.
        code: u8,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// What the panel needs to start.
pub struct PanelOptions {
    /// The state that every view sees.
    pub shared: Shared,
    /// The clock of the engine.
    pub clock: Clock,
    /// The time between redraws while a countdown is shown; `None`: each whole second.
    pub beat: Option<Duration>,
    /// Reports about starting the engine.
    pub booting: mpsc::Receiver<Booting>,
    /// What the program logs.
    pub records: mpsc::Receiver<Record>,
    /// The log of the last hours before this start.
    pub earlier: Vec<Line>,
    /// Keeps the log for the next start.
    pub kept: Option<KeptLog>,
    /// Where saved tables go.
    pub exports: PathBuf,
    /// Saves a key for later starts.
    pub save_key: SaveKey,
    /// Errors in the configuration; those lines were ignored.
    pub problems: Vec<String>,
}

impl fmt::Debug for PanelOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PanelOptions").finish_non_exhaustive()
    }
}

/// How the panel ended.
#[derive(Debug)]
pub struct Ended {
    /// The program's exit code.
    pub code: u8,
    /// The error to print on the normal screen.
    pub failure: Option<String>,
    /// The last snapshot.
    pub last: Option<Arc<Snapshot>>,
    /// Whether the person goes on to the demo.
    pub goes_to_demo: bool,
}
