//! Commands to the engine, from a person or the schedule: accepted or refused, never silently lost.

use chrono::{DateTime, Utc};

use super::schedule::Schedule;
use crate::config::EnteredKey;
use crate::model::bar_file::BarFile;
use crate::model::{Instrument, RequestId, RunId, SeriesKey, Span, WatchEdit};

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Fetch these series now, one run.
    Fetch(Vec<SeriesKey>),
    /// Fetch every series that is due.
    FetchDue,
    /// Fetch what is missing of a series in a time.
    Backfill(SeriesKey, Span),
    /// Ask for the lists of splits and dividends of these symbols, a request each.
    FetchEvents(Vec<Instrument>),
    /// Stop the current run after the request in flight.
    CancelRun,
    /// Pause the schedule.
    Pause,
    /// Resume the schedule.
    Resume,
    /// Replace the schedule; it is saved in the store.
    SetSchedule(Schedule),
    /// Change the watch list, in one transaction; bars stay.
    EditList(WatchEdit),
    /// Use another key from the next run on.
    SetKey(EnteredKey),
    /// Show bars: the window is in every snapshot until another is requested.
    ShowBars(BarsWindow),
    /// Show a run in detail.
    ShowRun(RunId),
    /// Show what the provider answered to a request.
    ShowAnswer(RequestId),
    /// Read what the system view shows: sizes, and what the key's plan is known to include.
    ShowSystem,
    /// Read what there is of the watch list, month by month.
    ShowCoverage,
    /// Read what is there of a time of a series, and why the rest is not.
    ShowRanges(SeriesKey, Span),
    /// Read what something costs.
    Price(PriceQuestion),
    /// Search for a symbol, in the stored list or, for one request, at the provider.
    Search {
        /// The text typed so far.
        text: String,
        /// Search at the provider.
        from_provider: bool,
    },
    /// Fetch the list of symbols from the provider and store it: one request.
    LoadListings,
    /// Write whole series to new files in the exports folder.
    Export(Vec<BarFile>),
    /// Stop the current export; complete files stay.
    CancelExport,
    /// Send a test to every channel of alerts.
    TestAlert,
    /// Shut down cleanly.
    Shutdown,
}

/// What has a price in requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Priced {
    /// What is missing of a series in a time.
    Missing(SeriesKey, Span),
    /// The lists of splits and dividends of these symbols.
    Events(Vec<Instrument>),
}

/// The question what something costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceQuestion {
    /// What.
    pub what: Priced,
    /// When it was asked: an answer to an earlier question may no longer be true.
    pub at: DateTime<Utc>,
}

/// The bar that a window is placed around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The newest bar; the window follows it.
    Newest,
    /// The oldest bar.
    Oldest,
    /// An instant, with or without a bar.
    At(DateTime<Utc>),
}

/// Which bars a view shows: at either end of the series, `newer` and `older` together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarsWindow {
    /// The series.
    pub series: SeriesKey,
    /// Where the window is.
    pub anchor: Anchor,
    /// At most this many bars after the anchor.
    pub newer: u32,
    /// At most this many bars at the anchor or before it.
    pub older: u32,
}
