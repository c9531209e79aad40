//! What a run says while it works, and at its end.

use std::sync::Arc;
use std::time::Duration;

use crate::db::DbError;
use crate::model::{ErrorClass, RunId, RunStatus, SeriesKey, SeriesReport};

/// What just happened in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Earlier runs whose process died were found.
    Interrupted(Vec<RunId>),
    /// An answer that a dead process had kept is now stored, or turned out to be a refusal.
    Recovered(SeriesReport),
    /// The run has begun.
    Started {
        /// The run.
        run: RunId,
        /// Its series.
        series: usize,
    },
    /// A request is on its way.
    Sending {
        /// For these series.
        series: Vec<SeriesKey>,
        /// Which attempt it is.
        attempt: u32,
    },
    /// A request is sent again after a wait.
    Retrying {
        /// Its series.
        series: Vec<SeriesKey>,
        /// Why.
        class: ErrorClass,
        /// What the provider said or what was found, safe to show.
        said: String,
        /// The number of the coming attempt.
        attempt: u32,
        /// The wait before it.
        wait: Duration,
    },
    /// The store does not accept a write; it is retried.
    StoreAway(DbError),
    /// A paid-for answer waits on disk for the store: what it is about.
    Spooled(String),
    /// The store accepts writes again.
    StoreBack,
    /// A series has ended.
    Done(SeriesReport),
    /// Several series have ended without a request, all for one reason.
    NotAsked {
        /// How each ended.
        series: Vec<SeriesReport>,
        /// The reason.
        why: String,
    },
}

/// Receives events; must not block.
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub status: RunStatus,
    /// Its series, in the order in which they were requested.
    pub series: Vec<SeriesReport>,
    /// Requests that were sent. Several series may share one.
    pub requests: u32,
    /// Set when the outcome could not be recorded.
    pub unrecorded: Option<DbError>,
}
