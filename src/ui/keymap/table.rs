//! The keys that belong to no view: those that work everywhere, and those of what is drawn over a view.

use super::binding::KeyContext::{Confirm, Global, List, Prompt};
use super::binding::{
    Binding, FETCH, LIST, MOVE, PROGRAM, READS, SHOW, SPENDS, TAKE, Thing, WRITES, row,
};
use crate::ui::action::Action as A;
use crate::ui::view_id::ViewId;

/// The rows, in the order of the documents.
pub fn rows() -> impl Iterator<Item = Binding> {
    let views = ViewId::all().map(|view| {
        row(Global, view.action(), view.key(), view.goes())
            .group(MOVE)
            .finds(view.finds())
    });
    let before = EVERYWHERE.iter().copied();
    before
        .chain(views)
        .chain(INSIDE.iter().copied())
        .chain(OVERLAYS.iter().copied())
}

/// What can be done everywhere.
const EVERYWHERE: &[Binding] = &[
    row(Global, A::FetchDue, &["F"], "Fetch all that is due")
        .hint(1, "all due")
        .group(FETCH)
        .finds("refresh update everything now")
        .needs(SPENDS),
    row(Global, A::Add, &["a"], "Add series")
        .hint(4, "add")
        .group(LIST)
        .finds("symbol ticker company watch new paste")
        .needs(WRITES),
    row(Global, A::Undo, &["u"], "Undo last watch list change")
        .group(LIST)
        .needs(WRITES)
        .acts_on(&[(Thing::Change, "there is nothing to undo")]),
    row(Global, A::ImportList, &[], "Import a watch list")
        .group(LIST)
        .finds("add many file csv load series symbols")
        .needs(WRITES),
    row(Global, A::ExportList, &[], "Export the watch list")
        .group(LIST)
        .finds("save file csv series symbols backup")
        .needs(READS)
        .acts_on(&[(Thing::Watched, "the watch list is empty")]),
    row(Global, A::Pause, &["p"], "Pause or resume schedule")
        .hint(12, "pause")
        .group(FETCH)
        .finds("stop start automatic")
        .needs(WRITES),
    row(Global, A::Schedule, &["S"], "Change the schedule")
        .hint(13, "schedule")
        .group(FETCH)
        .finds("cron time when automatic")
        .needs(WRITES),
    row(Global, A::EnterKey, &["K"], "Enter the key of a source")
        .group(FETCH)
        .finds("api token password plan account")
        .needs(WRITES),
    row(Global, A::SaveKey, &[], "Save the key")
        .group(FETCH)
        .finds("keep api token")
        .acts_on(&[(
            Thing::EnteredKey,
            "no key was entered in this session; K enters one",
        )]),
    row(Global, A::Cancel, &[], "Cancel the current run")
        .group(FETCH)
        .finds("stop abort")
        .needs(WRITES)
        .acts_on(&[(Thing::CurrentRun, "no run is in progress")]),
    row(Global, A::CancelExport, &[], "Cancel the current export")
        .group(TAKE)
        .finds("stop abort csv parquet")
        .needs(READS)
        .acts_on(&[(Thing::CurrentExport, "no export is in progress")]),
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
];

/// Moving inside a view, and what it looks like.
const INSIDE: &[Binding] = &[
    row(Global, A::GoSource, &[], "System: key, plan and quota")
        .group(SHOW)
        .finds("source provider requests left renew limit where"),
    row(Global, A::GoEngines, &[], "System: engines")
        .group(SHOW)
        .finds("engines instances processes lanes leases beat host pid version who fetches"),
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
    row(Global, A::Ways, &[], "Three ways to begin")
        .group(PROGRAM)
        .finds("first start key demo welcome")
        .needs(WRITES),
    row(Global, A::Begin, &[], "Real bars without a key")
        .group(LIST)
        .finds("first start free crypto bitcoin")
        .needs(WRITES),
    row(Global, A::Demo, &[], "Leave for the demo")
        .group(PROGRAM)
        .finds("simulated try scene"),
    row(Global, A::Alerts, &[], "Show open alerts")
        .group(PROGRAM)
        .finds("notifications problems failed behind warnings"),
    row(Global, A::Ticks, &[], "Show ticks of the schedule")
        .group(PROGRAM)
        .finds("schedule instants missed skipped refused next runs"),
    row(Global, A::TestAlert, &[], "Send a test alert")
        .group(PROGRAM)
        .finds("webhook command notification try")
        .needs(READS),
    row(Global, A::Messages, &[], "Show past messages")
        .group(PROGRAM)
        .finds("notifications announcements"),
    row(Global, A::Redraw, &["ctrl-l"], "Redraw the screen").group(PROGRAM),
    row(Global, A::Suspend, &["ctrl-z"], "Suspend; fg resumes").group(PROGRAM),
];

/// What is drawn over a view.
const OVERLAYS: &[Binding] = &[
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
