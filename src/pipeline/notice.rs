//! What just happened: may be dropped under pressure, and the drops are counted.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::command::Command;
pub use super::run::{Event, RunReport};
use super::schedule::Schedule;
use crate::model::SeriesKey;

/// A fact with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Something in a run.
    Run(Event),
    /// A run has ended.
    RunEnded(RunReport),
    /// A run could not be made.
    RunFailed(String),
    /// This process now fetches on schedule, or no longer does.
    Owner(bool),
    /// Instants of the schedule passed while no engine ran.
    Missed(u32),
    /// A start leaves due series to the schedule: a request each, of those that are left today.
    Rest {
        /// The series.
        series: u32,
        /// Requests that are left today.
        left: u32,
        /// When the schedule fetches them.
        next_at: Option<DateTime<Utc>>,
    },
    /// The schedule starts nothing any more, or starts runs again.
    Paused(bool),
    /// The schedule is another one.
    Scheduled(Schedule),
    /// Series joined the watch list, and others left it.
    Watched {
        /// Those that joined.
        added: Vec<SeriesKey>,
        /// Those that left.
        removed: Vec<SeriesKey>,
    },
    /// Series of the watch list gave their places to others.
    Replaced(Vec<(SeriesKey, SeriesKey)>),
    /// A command was not carried out.
    Refused(Command, String),
    /// A part of this program broke; these are its words. What is stored is safe.
    Crashed(String),
    /// A series was written to a file of so many bars.
    Exported(PathBuf, u64),
    /// The store does not answer.
    StoreLost(String),
    /// The store answers again.
    StoreBack,
}
