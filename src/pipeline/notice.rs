//! What just happened: may be dropped under load, and the drops are counted.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::command::Command;
pub use super::event::{Event, RunReport};
pub use super::events::EventList;
use super::schedule::Schedule;
use super::snapshot::ExportProgress;
use crate::model::alert::Message;
use crate::model::{LaneName, SeriesKey};

/// An event with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: What,
}

/// How an export ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// What was written.
    pub progress: ExportProgress,
    /// The file, or the folder of several.
    pub place: PathBuf,
    /// Why it ended before all was written.
    pub cut_short: Option<CutShort>,
}

/// Why an export ended before all was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CutShort {
    /// It was cancelled.
    Cancelled,
    /// It failed.
    Failed(String),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Something in a run.
    Run(Event),
    /// A run has ended.
    RunEnded(RunReport),
    /// A run could not start.
    RunFailed(String),
    /// This engine has these lanes now.
    LanesWon(Vec<LaneName>),
    /// This engine no longer has these lanes.
    LanesLost(Vec<LaneName>),
    /// Another engine fetches on schedule; this one takes over when it ends.
    Waits,
    /// Instants of the schedule passed while no engine was running.
    Missed(u32),
    /// A start leaves due series to the schedule; each costs one request.
    Rest {
        /// The series.
        series: u32,
        /// Requests left today.
        left: u32,
        /// When the schedule fetches them.
        next_at: Option<DateTime<Utc>>,
    },
    /// The schedule was paused or resumed.
    Paused(bool),
    /// The schedule was changed.
    Scheduled(Schedule),
    /// Series were added to the watch list, or removed from it.
    Watched {
        /// Those added.
        added: Vec<SeriesKey>,
        /// Those removed.
        removed: Vec<SeriesKey>,
    },
    /// Series on the watch list were replaced by others.
    Replaced(Vec<(SeriesKey, SeriesKey)>),
    /// A command was not carried out.
    Refused(Command, String),
    /// A task panicked with this message. Stored data is safe.
    Crashed(String),
    /// An export has ended.
    Exported(Exported),
    /// Lists of splits and dividends were asked for: what became of each.
    Events(Vec<EventList>),
    /// The store does not answer.
    StoreLost(String),
    /// The store answers again.
    StoreBack,
    /// Something that a person should know began, or is over.
    Alert(Message),
    /// A message about that could not be delivered.
    AlertNotSent(String),
    /// A person tried whether messages arrive: of each channel whether it did, and how it went.
    AlertTested(Vec<(bool, String)>),
}
