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
        /// The next look.
        Theme = "theme",
        /// Take the last change of the watch list back.
        Undo = "undo",
        /// What was announced so far.
        Messages = "messages",
        /// Save the current table to a file.
        Save = "save",
        /// Draw everything anew.
        Redraw = "redraw",
        /// Fetch what is selected or marked.
        Fetch = "fetch",
        /// Fetch everything that is due.
        FetchDue = "fetch-due",
        /// Mark a line.
        Mark = "mark",
        /// Go into what is selected.
        Open = "open",
        /// Put a series into the watch list.
        Add = "add",
        /// Take series out of the watch list.
        Remove = "remove",
        /// Change the interval of a series.
        Edit = "edit",
        /// Let the schedule start nothing, or runs again.
        Pause = "pause",
        /// Watch daily bars in place of a parked series.
        ToDaily = "to-daily",
        /// Watch weekly bars in place of a parked series.
        ToWeekly = "to-weekly",
        /// Enter the provider's key.
        EnterKey = "enter-key",
        /// Keep the key that was entered for later starts.
        SaveKey = "save-key",
        /// Say why a series stands as it does.
        Why = "why",
        /// Change the schedule.
        Schedule = "schedule",
        /// Sort by the next column.
        Sort = "sort",
        /// Turn the order around.
        SortReverse = "sort-reverse",
        /// The series before.
        PreviousSeries = "previous-series",
        /// The next series.
        NextSeries = "next-series",
        /// The next interval of the symbol.
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
        /// Stop the run at work.
        Cancel = "cancel",
        /// Copy the request as a curl line.
        Curl = "curl",
        /// Copy the run as a report.
        Report = "report",
        /// Show only errors.
        Errors = "errors",
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
        /// Take the answer that was typed or chosen.
        Accept = "accept",
        /// Fill in, or ask the provider.
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
    /// Put a text into the terminal's clipboard and say so.
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
    /// Keep the provider's key for later starts.
    SaveKey(Secret),
    /// Let the terminal report the mouse, or not.
    Mouse(bool),
    /// Draw everything anew.
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
    /// The key is kept in a file.
    KeySaved(PathBuf),
    /// It could not be done, in a sentence.
    Failed(String),
}
