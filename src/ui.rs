//! The panel: what is drawn, what keys do, and how the terminal is entered and left.
//!
//! ```text
//!  keys, signals ──> event_loop ──> App::press ──> effects ──> engine, clipboard, files
//!  snapshots, notices ──┘   └──> frame::render(&App, now) ──> Screen ──> terminal
//! ```

pub mod action;
pub mod app;
mod csv;
mod draw;
mod event_loop;
#[cfg(debug_assertions)]
pub mod fault;
pub(crate) mod files;
pub mod frame;
mod input;
pub mod keymap;
mod overlays;
mod pace;
#[cfg(test)]
mod sample;
pub mod screen;
pub mod terminal;
mod text;
pub mod theme;
pub mod views;
mod widgets;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use self::app::Shared;
use crate::config::{Secret, secret};
use crate::pipeline::engine::Handle;
use crate::pipeline::snapshot::{SeriesState, Snapshot};
use crate::telemetry::Record;
use crate::telemetry::kept::{KeptLog, Line};
use crate::time::Clock;

/// Saves a key for later starts; returns the file.
pub type SaveKey = Arc<dyn Fn(&Secret) -> io::Result<PathBuf> + Send + Sync>;

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
pub struct Options {
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

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").finish_non_exhaustive()
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
}

/// Runs the panel on this thread until the user quits. The terminal is restored when this returns,
/// whatever it returns.
pub async fn run(options: Options) -> io::Result<Ended> {
    terminal::panic::guard_this_thread();
    let _guard = terminal::Guard::enter(options.shared.mouse)?;
    event_loop::EventLoop::new(options)?.run().await
}

/// The last line on the normal screen.
#[must_use]
pub fn last_line(last: Option<&Snapshot>, keep_fetching: &str) -> String {
    let Some(snapshot) = last else {
        return "Stopped.".to_owned();
    };
    let fresh = snapshot
        .series
        .iter()
        .filter(|status| status.state == SeriesState::Fresh)
        .count();
    let used = match snapshot.quota.limit {
        Some(limit) => format!("{} of {limit} requests used", snapshot.quota.used),
        None => format!(
            "{} today",
            text::count(snapshot.quota.used as usize, "request")
        ),
    };
    format!(
        "Stopped. {fresh} of {} fresh, {used}. To keep fetching: {keep_fetching}",
        snapshot.series.len()
    )
}

/// A path, safe to display: a file name is untrusted text.
#[must_use]
pub fn shown_path(path: &Path) -> String {
    crate::model::text::clean(&secret::redact(&path.display().to_string()))
}
