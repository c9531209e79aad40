//! The keys of the overview.

use crate::ui::action::Action;
use crate::ui::keymap::binding::{
    Binding, FETCH, KeyContext, LIST, READS, SHOW, SPENDS, TAKE, Thing, WRITES, row,
};
use crate::ui::view_id::ViewId;

/// The line that is acted on.
const SELECTED: &[(Thing, &str)] = &[(Thing::Selection, "nothing is selected; a adds a series")];

const fn here(action: Action, chords: &'static [&'static str], title: &'static str) -> Binding {
    row(KeyContext::View(ViewId::Overview), action, chords, title)
}

/// Its rows of the table.
pub const KEYS: &[Binding] = &[
    here(Action::Fetch, &["f"], "Fetch selected or marked")
        .hint(0, "fetch")
        .group(FETCH)
        .finds("refresh update download request")
        .needs(SPENDS)
        .acts_on(SELECTED),
    here(Action::Events, &[], "Fetch splits and dividends")
        .group(FETCH)
        .finds("events corporate actions adjusted prices")
        .needs(SPENDS)
        .acts_on(SELECTED),
    here(Action::Backfill, &["b"], "Fetch what is missing")
        .group(FETCH)
        .finds("backfill holes gaps history past close")
        .needs(SPENDS)
        .acts_on(&[
            (Thing::Selection, "nothing is selected; a adds a series"),
            (Thing::Hole, "nothing is missing of this series"),
        ]),
    here(Action::Offer, &["."], "Do the suggested step")
        .group(FETCH)
        .finds("next step fix")
        .acts_on(&[(Thing::Suggestion, "there is no suggestion for this line")]),
    here(Action::Open, &["enter"], "Show bars")
        .hint(2, "bars")
        .group(SHOW)
        .finds("open prices chart table candles")
        .acts_on(SELECTED),
    here(Action::GoTo, &["t"], "Go to a date in its bars")
        .group(SHOW)
        .finds("time day month year jump")
        .acts_on(SELECTED),
    here(Action::Remove, &["x"], "Remove from watch list")
        .hint(9, "remove")
        .group(LIST)
        .finds("delete drop unwatch")
        .needs(WRITES)
        .acts_on(SELECTED),
    here(Action::Edit, &["E"], "Edit selected or marked")
        .group(LIST)
        .finds("change interval adjusted raw daily weekly 5min")
        .needs(WRITES)
        .acts_on(SELECTED),
    here(Action::Interval, &["i"], "Change the interval")
        .group(LIST)
        .finds("daily weekly monthly 5min edit")
        .acts_on(SELECTED),
    here(Action::Why, &["w"], "Explain the state")
        .hint(8, "why")
        .group(SHOW)
        .finds("reason error failed blocked")
        .acts_on(SELECTED),
    here(Action::Attention, &["!"], "Show only what needs you")
        .group(SHOW)
        .finds("filter blocked failed problems errors"),
    here(Action::Mark, &["space"], "Mark or unmark")
        .group(LIST)
        .finds("select several"),
    here(Action::MarkAll, &["*"], "Mark all shown, or none")
        .group(LIST)
        .finds("select all"),
    here(Action::ToDaily, &[], "Switch to daily bars")
        .group(LIST)
        .finds("interval")
        .needs(SPENDS)
        .acts_on(SELECTED),
    here(Action::ToWeekly, &[], "Switch to weekly bars")
        .group(LIST)
        .finds("interval")
        .needs(SPENDS)
        .acts_on(SELECTED),
    here(Action::ToNewSymbol, &[], "Switch to its new symbol")
        .group(LIST)
        .finds("renamed ticker successor")
        .needs(WRITES)
        .acts_on(SELECTED),
    here(Action::Sort, &["s"], "Sort by the next column")
        .hint(11, "sort")
        .group(SHOW)
        .finds("order"),
    here(Action::SortReverse, &["<", ">"], "Reverse the order")
        .group(SHOW)
        .finds("sort"),
    here(Action::Copy, &["y"], "Copy selected or marked")
        .group(TAKE)
        .finds("clipboard")
        .acts_on(SELECTED),
    here(Action::Export, &["e"], "Export selected or marked")
        .group(TAKE)
        .finds("save csv jsonl parquet file download bars")
        .needs(READS)
        .acts_on(SELECTED),
];
