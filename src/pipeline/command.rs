//! What a person or the schedule may ask of the engine. Accepted or refused, never silently lost.

use chrono::{DateTime, Utc};

use super::schedule::Schedule;
use crate::config::Secret;
use crate::model::{RequestId, RunId, SeriesKey, WatchEdit};

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
    /// Change the watch list, in one transaction; bars stay.
    EditList(WatchEdit),
    /// Ask the provider with another key from the next run on.
    SetKey(Secret),
    /// Show bars: the window is in every snapshot until another is asked for.
    ShowBars(BarsWindow),
    /// Show a run in detail.
    ShowRun(RunId),
    /// Show what the provider answered to a request.
    ShowAnswer(RequestId),
    /// Read what the system view shows: sizes, and what the key is known to be allowed.
    ShowSystem,
    /// Look for a symbol, in the list that is kept or, at the price of one request, at the provider.
    Search {
        /// What is typed so far.
        text: String,
        /// Ask the provider.
        from_provider: bool,
    },
    /// Ask the provider for the list of symbols and keep it: one request.
    LoadListings,
    /// Write a whole series to a new file in the folder of exports.
    Export {
        /// The series.
        series: SeriesKey,
        /// The file's name; its ending says the format.
        name: String,
    },
    /// End in order.
    Shutdown,
}

/// The bar that a window is laid around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The newest bar there is; the window follows it.
    Newest,
    /// The oldest bar there is.
    Oldest,
    /// An instant, whether or not there is a bar of it.
    At(DateTime<Utc>),
}

/// Which bars a view wants to see: at one end of the series so many as `newer` and `older` together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarsWindow {
    /// The series.
    pub series: SeriesKey,
    /// Where the window is.
    pub anchor: Anchor,
    /// So many bars after the anchor at most.
    pub newer: u32,
    /// So many bars at the anchor or before it at most.
    pub older: u32,
}
