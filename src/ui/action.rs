//! What a person may want, and what that makes the program do.

use std::path::PathBuf;

use crate::config::Secret;
use crate::model::words::words;
use crate::pipeline::command::Command;

words! {
    /// An intent, by its name in the configuration file and the documents.
    pub enum Action {
        /// End, letting what is being written finish.
        Quit = "quit",
        /// Give the terminal back to the shell until `fg`.
        Suspend = "suspend",
        /// Go to the overview.
        ViewOverview = "view-overview",
        /// Go to the bars.
        ViewBars = "view-bars",
        /// Go to the runs.
        ViewRuns = "view-runs",
        /// Go to the log.
        ViewLog = "view-log",
        /// Go to the system.
        ViewSystem = "view-system",
        /// Show what is known of the source and its quota.
        GoSource = "go-source",
        /// Show where the store and its files are.
        GoStore = "go-store",
        /// Show the settings and where each comes from.
        GoSettings = "go-settings",
        /// Give the keys to the next pane.
        NextPane = "next-pane",
        /// Give the keys to the pane before.
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
        /// One level out.
        Back = "back",
        /// Let the mouse act, or leave it to the terminal.
        Mouse = "mouse",
        /// The next theme.
        Theme = "theme",
        /// Undo the last change of the watch list.
        Undo = "undo",
        /// Add the series of a file to the watch list.
        ImportList = "import-watch-list",
        /// Write the watch list to a file that can be imported.
        ExportList = "export-watch-list",
        /// What was announced so far.
        Messages = "messages",
        /// Save the current table to a file.
        Save = "save",
        /// Redraw the screen.
        Redraw = "redraw",
        /// Fetch what is selected or marked.
        Fetch = "fetch",
        /// Fetch everything that is due.
        FetchDue = "fetch-due",
        /// Do what is offered for the selected line.
        Offer = "offer",
        /// Mark a line.
        Mark = "mark",
        /// Mark every line that is shown, or none.
        MarkAll = "mark-all",
        /// Go into what is selected.
        Open = "open",
        /// Put series into the watch list.
        Add = "add",
        /// Take series out of the watch list.
        Remove = "remove",
        /// Change series of the watch list.
        Edit = "edit",
        /// Let the schedule start nothing, or runs again.
        Pause = "pause",
        /// Watch daily bars in place of these.
        ToDaily = "to-daily",
        /// Watch weekly bars in place of these.
        ToWeekly = "to-weekly",
        /// Enter the provider's key.
        EnterKey = "enter-key",
        /// Save the key that was entered, for later starts.
        SaveKey = "save-key",
        /// Say why a series stands as it does.
        Why = "why",
        /// Change the schedule.
        Schedule = "schedule",
        /// Sort by the next column.
        Sort = "sort",
        /// Reverse the order.
        SortReverse = "sort-reverse",
        /// The series before.
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
        /// Fewer bars, larger.
        ZoomIn = "zoom-in",
        /// More bars, smaller.
        ZoomOut = "zoom-out",
        /// Copy what is selected.
        Copy = "copy",
        /// Write the series to a file.
        Export = "export",
        /// Run again what failed in a run.
        Rerun = "rerun",
        /// Cancel the current run.
        Cancel = "cancel",
        /// Copy the request as a curl line.
        Curl = "curl",
        /// Show only what needs a person: blocked series, failed runs, errors.
        Attention = "attention",
        /// The next level.
        Level = "level",
        /// The next match.
        NextMatch = "next-match",
        /// The match before.
        PreviousMatch = "previous-match",
        /// Break long lines, or cut them.
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

/// What the program does outside the panel's own state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Tell the engine.
    Send(Command),
    /// Send a text to the terminal's clipboard, or write it to a file where that takes none.
    Copy {
        /// The text.
        text: String,
        /// What it is, for the message.
        what: String,
    },
    /// Write a text to a new file in the folder of exports.
    Save {
        /// The file's name.
        name: String,
        /// What it holds.
        text: String,
    },
    /// Read a file with a watch list.
    Import(PathBuf),
    /// Save the provider's key for later starts.
    SaveKey(Secret),
    /// Let the terminal report the mouse, or not.
    Mouse(bool),
    /// Redraw the screen.
    Redraw,
    /// Give the terminal back to the shell.
    Suspend,
    /// End; what is being written finishes first.
    Quit,
    /// End now.
    ForceQuit,
}

/// What came of an effect that takes its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A file was written.
    Saved(PathBuf),
    /// A file with a watch list was read.
    Imported(PathBuf, Vec<u8>),
    /// What was to be copied was written to a file, and why.
    Copied {
        /// The file.
        path: PathBuf,
        /// Why it is not in the clipboard.
        why: String,
    },
    /// The key is saved in a file.
    KeySaved(PathBuf),
    /// It could not be done, in a sentence.
    Failed(String),
}
