//! What a person or the schedule may ask of the engine. Accepted or refused, never silently lost.

use chrono::{DateTime, Utc};

use super::schedule::Schedule;
use crate::model::{RunId, SeriesKey};

/// A wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Fetch these series now, one run.
    Fetch(Vec<SeriesKey>),
    /// Fetch every series that is due.
    FetchDue,
    /// Stop the run at work after the request in flight.
    CancelRun,
    /// Let the schedule start nothing.
    Pause,
    /// Let the schedule start runs again.
    Resume,
    /// Replace the schedule; it is saved in the store.
    SetSchedule(Schedule),
    /// Put series into the watch list.
    Watch(Vec<SeriesKey>),
    /// Take series out of the watch list; their bars stay.
    Unwatch(Vec<SeriesKey>),
    /// Show bars: the window is in every snapshot until another is asked for.
    ShowBars(BarsWindow),
    /// Show a run in detail.
    ShowRun(RunId),
    /// Look for a symbol, in the list that is kept or, at the price of one request, at the provider.
    Search {
        /// What is typed so far.
        text: String,
        /// Ask the provider.
        from_provider: bool,
    },
    /// Ask the provider for the list of symbols and keep it: one request.
    LoadListings,
    /// End in order.
    Shutdown,
}

/// Which bars a view wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarsWindow {
    /// The series.
    pub series: SeriesKey,
    /// The newest bar of the window is not newer than this; `None` follows the newest.
    pub until: Option<DateTime<Utc>>,
    /// The oldest bar of the window is not older than this; used to page towards newer bars.
    pub from: Option<DateTime<Utc>>,
    /// So many bars at most.
    pub limit: u32,
}
