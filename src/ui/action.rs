//! What a user can do, and what the program does in response.

use std::path::PathBuf;

use crate::config::EnteredKey;
use crate::model::SourceId;
use crate::model::words::words;
use crate::pipeline::command::Command;

words! {
    /// An action, by its name in the configuration file and the documents.
    pub enum Action {
        /// Quit after finishing what is being written.
        Quit = "quit",
        /// Give the terminal back to the shell until `fg`.
        Suspend = "suspend",
        /// Go to the overview.
        ViewOverview = "view-overview",
        /// Go to the bars.
        ViewBars = "view-bars",
        /// Go to the coverage.
        ViewCoverage = "view-coverage",
        /// Go to the plan.
        ViewPlan = "view-plan",
        /// Go to the runs.
        ViewRuns = "view-runs",
        /// Go to the log.
        ViewLog = "view-log",
        /// Go to the system.
        ViewSystem = "view-system",
        /// Show what is known about the source and its quota.
        GoSource = "go-source",
        /// Show the engines that share the store.
        GoEngines = "go-engines",
        /// Show where the store and its files are.
        GoStore = "go-store",
        /// Show the settings and where each comes from.
        GoSettings = "go-settings",
        /// Focus the next pane.
        NextPane = "next-pane",
        /// Focus the previous pane.
        PreviousPane = "previous-pane",
        /// One line up.
        Up = "up",
        /// One line down.
        Down = "down",
        /// To the left.
        Left = "left",
        /// To the right.
        Right = "right",
        /// One page up.
        PageUp = "page-up",
        /// One page down.
        PageDown = "page-down",
        /// Half a page up.
        HalfPageUp = "half-page-up",
        /// Half a page down.
        HalfPageDown = "half-page-down",
        /// To the first line.
        First = "first",
        /// To the last line.
        Last = "last",
        /// Show only lines that match.
        Filter = "filter",
        /// Find any action by its name.
        Palette = "palette",
        /// Show the keys.
        Help = "help",
        /// Go back one level.
        Back = "back",
        /// Use the mouse, or leave it to the terminal.
        Mouse = "mouse",
        /// The next theme.
        Theme = "theme",
        /// Undo the last change to the watch list.
        Undo = "undo",
        /// Add the series in a file to the watch list.
        ImportList = "import-watch-list",
        /// Write the watch list to a file that can be imported.
        ExportList = "export-watch-list",
        /// Show what a person should know.
        Alerts = "alerts",
        /// Show what became of the instants of the schedule.
        Ticks = "ticks",
        /// Send a test to where alerts go.
        TestAlert = "test-alert",
        /// Show past messages.
        Messages = "messages",
        /// Save the current table to a file.
        Save = "save",
        /// Redraw the screen.
        Redraw = "redraw",
        /// Fetch what is selected or marked.
        Fetch = "fetch",
        /// Fetch what is missing of a series.
        Backfill = "backfill",
        /// Ask for splits and dividends.
        Events = "events",
        /// Fetch everything that is due.
        FetchDue = "fetch-due",
        /// Do what is suggested for the selected line.
        Offer = "offer",
        /// Mark a line.
        Mark = "mark",
        /// Mark all lines shown, or none.
        MarkAll = "mark-all",
        /// Open what is selected.
        Open = "open",
        /// Add series to the watch list.
        Add = "add",
        /// Remove series from the watch list.
        Remove = "remove",
        /// Edit series on the watch list.
        Edit = "edit",
        /// Pause or resume the schedule.
        Pause = "pause",
        /// Watch daily bars instead of these.
        ToDaily = "to-daily",
        /// Watch the symbol that an instrument was renamed to, instead of the one before.
        ToNewSymbol = "to-new-symbol",
        /// Watch weekly bars instead of these.
        ToWeekly = "to-weekly",
        /// Enter a source's key.
        EnterKey = "enter-key",
        /// Save the keys that were entered, for later starts.
        SaveKey = "save-key",
        /// Show the three ways to begin.
        Ways = "ways-to-begin",
        /// Watch real bars that need no key, and fetch them.
        Begin = "begin",
        /// Leave this panel for the demo.
        Demo = "demo",
        /// Explain the state of a series.
        Why = "why",
        /// Change the schedule.
        Schedule = "schedule",
        /// Sort by the next column.
        Sort = "sort",
        /// Reverse the order.
        SortReverse = "sort-reverse",
        /// The previous series.
        PreviousSeries = "previous-series",
        /// The next series.
        NextSeries = "next-series",
        /// Another interval of the symbol.
        Interval = "interval",
        /// To the newest bar.
        Newest = "newest",
        /// To the oldest bar.
        Oldest = "oldest",
        /// To a date or a time.
        GoTo = "go-to",
        /// The next time zone.
        Zone = "zone",
        /// Table and chart, table, chart.
        Arrange = "arrange",
        /// Raw prices, or adjusted ones.
        Prices = "prices",
        /// Fewer bars, larger.
        ZoomIn = "zoom-in",
        /// More bars, smaller.
        ZoomOut = "zoom-out",
        /// Copy what is selected.
        Copy = "copy",
        /// Write the series to a file.
        Export = "export",
        /// Cancel the current export.
        CancelExport = "cancel-export",
        /// Rerun what failed in a run.
        Rerun = "rerun",
        /// Cancel the current run.
        Cancel = "cancel",
        /// Copy the request as a curl command.
        Curl = "curl",
        /// Show only what needs attention: blocked series, failed runs, errors.
        Attention = "attention",
        /// The next level.
        Level = "level",
        /// The next match.
        NextMatch = "next-match",
        /// The previous match.
        PreviousMatch = "previous-match",
        /// Wrap long lines, or cut them.
        Wrap = "wrap",
        /// Follow the newest line.
        Follow = "follow",
        /// Accept what was typed or chosen.
        Accept = "accept",
        /// Complete what was typed, or ask the provider.
        Complete = "complete",
        /// Yes.
        Yes = "yes",
        /// No.
        No = "no",
    }
}

/// What the program does outside the panel's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send a command to the engine.
    Send(Command),
    /// Send text to the terminal's clipboard, or write it to a file where that does not work.
    Copy {
        /// The text.
        text: String,
        /// What it is, for the message.
        what: String,
    },
    /// Write text to a new file in the exports folder.
    Save {
        /// The file's name.
        name: String,
        /// Its content.
        text: String,
    },
    /// Read a watch list file.
    Import(PathBuf),
    /// Save a source's key for later starts.
    SaveKey(EnteredKey),
    /// Ring the terminal's bell, and send it a notification.
    Notify(String),
    /// Turn mouse reporting on or off.
    Mouse(bool),
    /// Redraw the screen.
    Redraw,
    /// Give the terminal back to the shell.
    Suspend,
    /// Quit after finishing what is being written.
    Quit,
    /// Quit now.
    ForceQuit,
}

/// The result of an effect that runs in the background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectOutcome {
    /// A file was written.
    Saved(PathBuf),
    /// A watch list file was read.
    Imported(PathBuf, Vec<u8>),
    /// The text to copy was written to a file instead, and why.
    Copied {
        /// The file.
        path: PathBuf,
        /// Why it is not in the clipboard.
        why: String,
    },
    /// The key of a source is saved in a file.
    KeySaved(SourceId, PathBuf),
    /// The effect failed, as a sentence.
    Failed(String),
}
