//! The one table of keys. Dispatch, footer, help, palette, `keys --markdown` and the documents are
//! views of it.

use super::Context::{self, Bars, Confirm, Global, List, Log, Overview, Prompt, Runs};
use crate::ui::action::Action as A;

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// What happens.
    pub action: A,
    /// Where.
    pub context: Context,
    /// By which keys; none: by the palette alone.
    pub chords: &'static [&'static str],
    /// What happens, verb first.
    pub title: &'static str,
    /// The word in the footer; empty: not there.
    pub hint: &'static str,
    /// Under which head the help shows it.
    pub group: &'static str,
    /// The footer drops high ranks first when it is narrow.
    pub rank: u8,
}

const fn row(
    context: Context,
    action: A,
    chords: &'static [&'static str],
    title: &'static str,
) -> Binding {
    Binding {
        action,
        context,
        chords,
        title,
        hint: "",
        group: "",
        rank: u8::MAX,
    }
}

impl Binding {
    const fn hint(mut self, rank: u8, hint: &'static str) -> Self {
        (self.rank, self.hint) = (rank, hint);
        self
    }

    const fn group(mut self, group: &'static str) -> Self {
        self.group = group;
        self
    }
}

const MOVE: &str = "Moving";
const PROGRAM: &str = "Program";
const FETCH: &str = "Fetching";
const LIST: &str = "Watch list";
const SHOW: &str = "Showing";
const TAKE: &str = "Taking along";

/// Every key.
pub const TABLE: &[Binding] = &[
    row(Overview, A::Fetch, &["f"], "Fetch selected or marked")
        .hint(0, "fetch")
        .group(FETCH),
    row(Overview, A::FetchDue, &["F"], "Fetch all that is due")
        .hint(1, "all due")
        .group(FETCH),
    row(Overview, A::Open, &["enter"], "Show bars")
        .hint(2, "bars")
        .group(SHOW),
    row(Overview, A::GoTo, &["t"], "Go to a date of its bars").group(SHOW),
    row(Overview, A::Add, &["a"], "Add a series")
        .hint(4, "add")
        .group(LIST),
    row(Overview, A::Remove, &["x"], "Remove from watch list")
        .hint(9, "remove")
        .group(LIST),
    row(Overview, A::Edit, &["E"], "Edit the series").group(LIST),
    row(Overview, A::Pause, &["p"], "Pause or resume schedule")
        .hint(5, "pause")
        .group(FETCH),
    row(Overview, A::Schedule, &["S"], "Change the schedule")
        .hint(10, "schedule")
        .group(FETCH),
    row(Overview, A::Why, &["w"], "Explain the state")
        .hint(8, "why")
        .group(SHOW),
    row(Overview, A::Mark, &["space"], "Mark or unmark").group(LIST),
    row(Overview, A::ToDaily, &["d"], "Switch to daily bars").group(LIST),
    row(Overview, A::ToWeekly, &["W"], "Switch to weekly bars").group(LIST),
    row(Overview, A::EnterKey, &["K"], "Enter the provider's key").group(FETCH),
    row(Overview, A::SaveKey, &[], "Keep the entered key").group(FETCH),
    row(Overview, A::Sort, &["s"], "Sort by the next column")
        .hint(11, "sort")
        .group(SHOW),
    row(
        Overview,
        A::SortReverse,
        &["<", ">"],
        "Turn the order around",
    )
    .group(SHOW),
    row(Bars, A::PreviousSeries, &["["], "Previous series")
        .hint(1, "")
        .group(SHOW),
    row(Bars, A::NextSeries, &["]"], "Next series")
        .hint(1, "series")
        .group(SHOW),
    row(Bars, A::Interval, &["i"], "Next interval")
        .hint(2, "interval")
        .group(SHOW),
    row(Bars, A::Newest, &["g"], "Go to the newest bar")
        .hint(3, "newest")
        .group(MOVE),
    row(Bars, A::Oldest, &["G"], "Go to the oldest bar")
        .hint(3, "oldest")
        .group(MOVE),
    row(Bars, A::GoTo, &["t"], "Go to a date or time")
        .hint(4, "go to time")
        .group(MOVE),
    row(Bars, A::Fetch, &["f"], "Fetch this series")
        .hint(0, "fetch")
        .group(FETCH),
    row(Bars, A::Zone, &["z"], "Next time zone")
        .hint(6, "zone")
        .group(SHOW),
    row(Bars, A::Arrange, &["v"], "Table, chart or both")
        .hint(1, "chart")
        .group(SHOW),
    row(Bars, A::ZoomIn, &["+", "="], "Zoom in")
        .hint(8, "")
        .group(SHOW),
    row(Bars, A::ZoomOut, &["-"], "Zoom out")
        .hint(8, "zoom")
        .group(SHOW),
    row(Bars, A::Copy, &["y"], "Copy the bar")
        .hint(9, "copy")
        .group(TAKE),
    row(Bars, A::Export, &["e"], "Export the series")
        .hint(7, "export")
        .group(TAKE),
    row(Runs, A::Open, &["enter"], "Open the run")
        .hint(0, "detail")
        .group(SHOW),
    row(Runs, A::Rerun, &["R"], "Run what failed again")
        .hint(1, "run failed again")
        .group(FETCH),
    row(Runs, A::Cancel, &["x"], "Cancel the run at work")
        .hint(4, "cancel")
        .group(FETCH),
    row(Runs, A::Curl, &["c"], "Copy request as curl")
        .hint(2, "curl")
        .group(TAKE),
    row(Runs, A::Report, &["Y"], "Copy run as Markdown")
        .hint(3, "report")
        .group(TAKE),
    row(Log, A::Errors, &["e"], "Only errors, or all")
        .hint(0, "errors")
        .group(SHOW),
    row(Log, A::Level, &["L"], "Next level")
        .hint(1, "level")
        .group(SHOW),
    row(Log, A::NextMatch, &["n"], "Next match")
        .hint(4, "")
        .group(MOVE),
    row(Log, A::PreviousMatch, &["N"], "Previous match")
        .hint(4, "matches")
        .group(MOVE),
    row(Log, A::Wrap, &["W"], "Wrap or cut long lines")
        .hint(3, "wrap")
        .group(SHOW),
    row(Log, A::Follow, &["end"], "Follow the newest line")
        .hint(2, "follow")
        .group(MOVE),
    row(Log, A::Copy, &["y"], "Copy the line")
        .hint(5, "copy")
        .group(TAKE),
    row(Global, A::Filter, &["/"], "Filter the lines")
        .hint(20, "filter")
        .group(SHOW),
    row(Global, A::Palette, &[":"], "Find any action")
        .hint(21, "more")
        .group(PROGRAM),
    row(Global, A::Help, &["?"], "Show the keys")
        .hint(22, "help")
        .group(PROGRAM),
    row(Global, A::Back, &["esc"], "Go one level out").group(MOVE),
    row(Global, A::Quit, &["q", "ctrl-c"], "Quit")
        .hint(23, "quit")
        .group(PROGRAM),
    row(Global, A::ViewOverview, &["1"], "Go to Overview").group(MOVE),
    row(Global, A::ViewBars, &["2"], "Go to Bars").group(MOVE),
    row(Global, A::ViewRuns, &["5"], "Go to Runs").group(MOVE),
    row(Global, A::ViewLog, &["6"], "Go to Log").group(MOVE),
    row(Global, A::NextPane, &["tab"], "Next pane").group(MOVE),
    row(Global, A::PreviousPane, &["shift-tab"], "Previous pane").group(MOVE),
    row(Global, A::Up, &["up", "k"], "Up").group(MOVE),
    row(Global, A::Down, &["down", "j"], "Down").group(MOVE),
    row(Global, A::Left, &["left", "h"], "Left").group(MOVE),
    row(Global, A::Right, &["right", "l"], "Right").group(MOVE),
    row(Global, A::HalfPageUp, &["ctrl-u"], "Half a page up").group(MOVE),
    row(Global, A::HalfPageDown, &["ctrl-d"], "Half a page down").group(MOVE),
    row(Global, A::PageUp, &["pageup"], "One page up").group(MOVE),
    row(Global, A::PageDown, &["pagedown"], "One page down").group(MOVE),
    row(Global, A::First, &["home"], "Go to the first line").group(MOVE),
    row(Global, A::Last, &["end"], "Go to the last line").group(MOVE),
    row(Global, A::Undo, &["u"], "Undo last watch list change").group(LIST),
    row(Global, A::Save, &["ctrl-s"], "Save this table to a file").group(TAKE),
    row(Global, A::Mouse, &["m"], "Mouse on or off").group(PROGRAM),
    row(Global, A::Theme, &["T"], "Next look").group(PROGRAM),
    row(Global, A::Messages, &[], "Show past messages").group(PROGRAM),
    row(Global, A::Redraw, &["ctrl-l"], "Draw everything anew").group(PROGRAM),
    row(Global, A::Suspend, &["ctrl-z"], "Suspend; fg resumes").group(PROGRAM),
    row(Prompt, A::Accept, &["enter"], "Take it").hint(0, "take it"),
    row(Prompt, A::Complete, &["tab"], "Fill in, or ask provider").hint(1, "complete"),
    row(Prompt, A::Up, &["up"], "Choice before"),
    row(Prompt, A::Down, &["down"], "Next choice"),
    row(List, A::Accept, &["enter"], "Choose").hint(0, "choose"),
    row(List, A::Up, &["up"], "Line before"),
    row(List, A::Down, &["down"], "Next line"),
    row(List, A::PageUp, &["pageup"], "One page up"),
    row(List, A::PageDown, &["pagedown"], "One page down"),
    row(Confirm, A::Yes, &["y"], "Yes").hint(0, "yes"),
    row(Confirm, A::No, &["n"], "No").hint(1, "no"),
];
