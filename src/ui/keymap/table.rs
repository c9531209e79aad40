//! The one table of keys. Dispatch, footer, help, palette, `keys --markdown` and the documents are
//! views of it.

use super::Context::{self, Bars, Confirm, Global, List, Log, Overview, Prompt, Runs, System};
use crate::ui::action::Action as A;

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// What happens.
    pub action: A,
    /// Where.
    pub context: Context,
    /// Its keys; none: from the palette only.
    pub chords: &'static [&'static str],
    /// What happens, verb first.
    pub title: &'static str,
    /// Its word in the footer; empty: not shown there.
    pub hint: &'static str,
    /// The heading under which the help shows it.
    pub group: &'static str,
    /// The footer drops high ranks first when it is narrow.
    pub rank: u8,
    /// Other words that find it in the palette: what people call it.
    pub finds: &'static str,
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
        finds: "",
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

    const fn finds(mut self, words: &'static str) -> Self {
        self.finds = words;
        self
    }
}

const MOVE: &str = "Moving";
const PROGRAM: &str = "Program";
const FETCH: &str = "Fetching";
const LIST: &str = "Watch list";
const SHOW: &str = "Showing";
const TAKE: &str = "Copying and saving";

/// Every key. One letter means one thing in every view.
pub const TABLE: &[Binding] = &[
    row(Overview, A::Fetch, &["f"], "Fetch selected or marked")
        .hint(0, "fetch")
        .group(FETCH)
        .finds("refresh update download request"),
    row(Overview, A::Offer, &["."], "Do the suggested step")
        .group(FETCH)
        .finds("next step fix"),
    row(Overview, A::Open, &["enter"], "Show bars")
        .hint(2, "bars")
        .group(SHOW)
        .finds("open prices chart table candles"),
    row(Overview, A::GoTo, &["t"], "Go to a date in its bars")
        .group(SHOW)
        .finds("time day month year jump"),
    row(Overview, A::Remove, &["x"], "Remove from watch list")
        .hint(9, "remove")
        .group(LIST)
        .finds("delete drop unwatch"),
    row(Overview, A::Edit, &["E"], "Edit selected or marked")
        .group(LIST)
        .finds("change interval adjusted raw daily weekly 5min"),
    row(Overview, A::Interval, &["i"], "Change the interval")
        .group(LIST)
        .finds("daily weekly monthly 5min edit"),
    row(Overview, A::Why, &["w"], "Explain the state")
        .hint(8, "why")
        .group(SHOW)
        .finds("reason error failed blocked"),
    row(Overview, A::Attention, &["!"], "Show only what needs you")
        .group(SHOW)
        .finds("filter blocked failed problems errors"),
    row(Overview, A::Mark, &["space"], "Mark or unmark")
        .group(LIST)
        .finds("select several"),
    row(Overview, A::MarkAll, &["*"], "Mark all shown, or none")
        .group(LIST)
        .finds("select all"),
    row(Overview, A::ToDaily, &[], "Switch to daily bars")
        .group(LIST)
        .finds("interval"),
    row(Overview, A::ToWeekly, &[], "Switch to weekly bars")
        .group(LIST)
        .finds("interval"),
    row(Overview, A::Sort, &["s"], "Sort by the next column")
        .hint(11, "sort")
        .group(SHOW)
        .finds("order"),
    row(Overview, A::SortReverse, &["<", ">"], "Reverse the order")
        .group(SHOW)
        .finds("sort"),
    row(Overview, A::Copy, &["y"], "Copy selected or marked")
        .group(TAKE)
        .finds("clipboard"),
    row(Overview, A::Export, &["e"], "Export selected or marked")
        .group(TAKE)
        .finds("save csv jsonl file download bars"),
    row(Bars, A::Fetch, &["f"], "Fetch this series")
        .hint(0, "fetch")
        .group(FETCH)
        .finds("refresh update"),
    row(Bars, A::PreviousSeries, &["["], "Previous series")
        .hint(1, "")
        .group(SHOW),
    row(Bars, A::NextSeries, &["]"], "Next series")
        .hint(1, "series")
        .group(SHOW)
        .finds("symbol"),
    row(Bars, A::Interval, &["i"], "Show another interval")
        .hint(2, "interval")
        .group(SHOW),
    row(Bars, A::Newest, &["g"], "Go to the newest bar")
        .hint(3, "newest")
        .group(MOVE)
        .finds("latest last"),
    row(Bars, A::Oldest, &["G"], "Go to the oldest bar")
        .hint(3, "oldest")
        .group(MOVE)
        .finds("first"),
    row(Bars, A::GoTo, &["t"], "Go to a date or time")
        .hint(4, "go to time")
        .group(MOVE)
        .finds("day month year jump"),
    row(Bars, A::Arrange, &["v"], "Table, chart or both")
        .hint(1, "chart")
        .group(SHOW)
        .finds("candles layout"),
    row(Bars, A::ZoomIn, &["+", "="], "Zoom in")
        .hint(8, "")
        .group(SHOW),
    row(Bars, A::ZoomOut, &["-"], "Zoom out")
        .hint(8, "zoom")
        .group(SHOW),
    row(Bars, A::Copy, &["y"], "Copy the bar")
        .hint(9, "copy")
        .group(TAKE)
        .finds("clipboard price"),
    row(Bars, A::Export, &["e"], "Export the series")
        .hint(7, "export")
        .group(TAKE)
        .finds("save csv jsonl file download bars"),
    row(Runs, A::Open, &["enter"], "Open the run")
        .hint(0, "detail")
        .group(SHOW)
        .finds("requests answers"),
    row(Runs, A::Offer, &["."], "Cancel, or rerun failures")
        .hint(1, "")
        .group(FETCH)
        .finds("retry rerun cancel stop"),
    row(Runs, A::Rerun, &["R"], "Rerun what failed")
        .group(FETCH)
        .finds("retry rerun"),
    row(Runs, A::Attention, &["!"], "Show only failed runs")
        .group(SHOW)
        .finds("filter problems errors"),
    row(Runs, A::Curl, &["c"], "Copy request as curl")
        .hint(2, "curl")
        .group(TAKE)
        .finds("clipboard url"),
    row(Runs, A::Copy, &["y"], "Copy run as Markdown")
        .hint(3, "copy")
        .group(TAKE)
        .finds("clipboard report bug"),
    row(Log, A::Attention, &["!"], "Show only errors, or all")
        .hint(0, "errors")
        .group(SHOW)
        .finds("filter problems"),
    row(Log, A::Level, &["L"], "Next level")
        .hint(1, "level")
        .group(SHOW)
        .finds("debug info warn error filter"),
    row(Log, A::NextMatch, &["n"], "Next match")
        .hint(4, "next match")
        .group(MOVE),
    row(Log, A::PreviousMatch, &["N"], "Previous match").group(MOVE),
    row(Log, A::Wrap, &[], "Wrap or cut long lines").group(SHOW),
    row(Log, A::Follow, &["end"], "Follow the newest line")
        .hint(2, "follow")
        .group(MOVE),
    row(Log, A::Copy, &["y"], "Copy the line")
        .hint(5, "copy")
        .group(TAKE)
        .finds("clipboard"),
    row(System, A::Copy, &["y"], "Copy the value")
        .hint(0, "copy")
        .group(TAKE)
        .finds("clipboard path"),
    row(Global, A::FetchDue, &["F"], "Fetch all that is due")
        .hint(1, "all due")
        .group(FETCH)
        .finds("refresh update everything now"),
    row(Global, A::Add, &["a"], "Add series")
        .hint(4, "add")
        .group(LIST)
        .finds("symbol ticker company watch new paste"),
    row(Global, A::Undo, &["u"], "Undo last watch list change").group(LIST),
    row(Global, A::ImportList, &[], "Import a watch list")
        .group(LIST)
        .finds("add many file csv load series symbols"),
    row(Global, A::ExportList, &[], "Export the watch list")
        .group(LIST)
        .finds("save file csv series symbols backup"),
    row(Global, A::Pause, &["p"], "Pause or resume schedule")
        .hint(12, "pause")
        .group(FETCH)
        .finds("stop start automatic"),
    row(Global, A::Schedule, &["S"], "Change the schedule")
        .hint(13, "schedule")
        .group(FETCH)
        .finds("cron time when automatic"),
    row(Global, A::EnterKey, &["K"], "Enter the provider's key")
        .group(FETCH)
        .finds("api token password plan account"),
    row(Global, A::SaveKey, &[], "Save the key")
        .group(FETCH)
        .finds("keep api token"),
    row(Global, A::Cancel, &[], "Cancel the current run")
        .group(FETCH)
        .finds("stop abort"),
    row(Global, A::Filter, &["/"], "Filter the lines")
        .hint(20, "filter")
        .group(SHOW)
        .finds("search find"),
    row(Global, A::Zone, &["z"], "Next time zone")
        .group(SHOW)
        .finds("utc local new york times clock"),
    row(Global, A::Palette, &[":"], "Find any action")
        .hint(21, "find")
        .group(PROGRAM),
    row(Global, A::Help, &["?"], "Help: show the keys")
        .hint(22, "help")
        .group(PROGRAM)
        .finds("keyboard shortcuts"),
    row(Global, A::Back, &["esc"], "Go back one level").group(MOVE),
    row(Global, A::Quit, &["q", "ctrl-c"], "Quit")
        .hint(23, "quit")
        .group(PROGRAM)
        .finds("exit leave close"),
    row(Global, A::ViewOverview, &["1"], "Go to Overview")
        .group(MOVE)
        .finds("watch list home series"),
    row(Global, A::ViewBars, &["2"], "Go to Bars")
        .group(MOVE)
        .finds("prices chart"),
    row(Global, A::ViewRuns, &["5"], "Go to Runs")
        .group(MOVE)
        .finds("history requests answers"),
    row(Global, A::ViewLog, &["6"], "Go to Log")
        .group(MOVE)
        .finds("messages errors events"),
    row(Global, A::ViewSystem, &["7"], "Go to System")
        .group(MOVE)
        .finds("about version paths"),
    row(Global, A::GoSource, &[], "System: key, plan and quota")
        .group(SHOW)
        .finds("source provider requests left renew limit where"),
    row(Global, A::GoStore, &[], "System: where the data is")
        .group(SHOW)
        .finds("store path folder file database size disk"),
    row(Global, A::GoSettings, &[], "System: settings")
        .group(SHOW)
        .finds("configuration config path file environment variables origin"),
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
    row(Global, A::First, &["home", "g"], "Go to the first line").group(MOVE),
    row(Global, A::Last, &["end", "G"], "Go to the last line").group(MOVE),
    row(Global, A::Save, &["ctrl-s"], "Save this table to a file")
        .group(TAKE)
        .finds("csv export"),
    row(Global, A::Mouse, &["m"], "Mouse on or off").group(PROGRAM),
    row(Global, A::Theme, &["T"], "Next theme")
        .group(PROGRAM)
        .finds("colours colors dark light mono look"),
    row(Global, A::Messages, &[], "Show past messages")
        .group(PROGRAM)
        .finds("notifications announcements"),
    row(Global, A::Redraw, &["ctrl-l"], "Redraw the screen").group(PROGRAM),
    row(Global, A::Suspend, &["ctrl-z"], "Suspend; fg resumes").group(PROGRAM),
    row(Prompt, A::Accept, &["enter"], "Accept").hint(0, "accept"),
    row(Prompt, A::Complete, &["tab"], "Complete, or ask provider").hint(1, "complete"),
    row(Prompt, A::Up, &["up"], "Previous choice"),
    row(Prompt, A::Down, &["down"], "Next choice"),
    row(List, A::Accept, &["enter"], "Choose").hint(0, "choose"),
    row(List, A::Up, &["up"], "Previous line"),
    row(List, A::Down, &["down"], "Next line"),
    row(List, A::PageUp, &["pageup"], "One page up"),
    row(List, A::PageDown, &["pagedown"], "One page down"),
    row(Confirm, A::Yes, &["y"], "Yes").hint(0, "yes"),
    row(Confirm, A::No, &["n"], "No").hint(1, "no"),
];
