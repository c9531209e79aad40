//! The keys of the bars.

use crate::ui::action::Action;
use crate::ui::keymap::binding::{
    Binding, FETCH, KeyContext, MOVE, READS, SHOW, SPENDS, TAKE, Thing, row,
};
use crate::ui::view_id::ViewId;

/// Why nothing can be done with the selected bar.
pub(super) const NO_BARS: &str = "no bars yet; f fetches some";
/// The bar that is acted on.
const BAR: &[(Thing, &str)] = &[(Thing::Selection, NO_BARS)];

const fn here(action: Action, chords: &'static [&'static str], title: &'static str) -> Binding {
    row(KeyContext::View(ViewId::Bars), action, chords, title)
}

/// Its rows of the table.
pub const KEYS: &[Binding] = &[
    here(Action::Fetch, &["f"], "Fetch this series")
        .hint(0, "fetch")
        .group(FETCH)
        .finds("refresh update")
        .needs(SPENDS),
    here(Action::Backfill, &["b"], "Fetch what is missing")
        .group(FETCH)
        .finds("backfill holes gaps history past close")
        .needs(SPENDS)
        .acts_on(&[(Thing::Hole, "nothing is missing of this series")]),
    here(Action::Events, &[], "Fetch splits and dividends")
        .group(FETCH)
        .finds("events corporate actions adjusted prices")
        .needs(SPENDS),
    here(Action::PreviousSeries, &["["], "Previous series")
        .hint(1, "")
        .group(SHOW),
    here(Action::NextSeries, &["]"], "Next series")
        .hint(1, "series")
        .group(SHOW)
        .finds("symbol"),
    here(Action::Interval, &["i"], "Show another interval")
        .hint(2, "interval")
        .group(SHOW),
    here(Action::Newest, &["g"], "Go to the newest bar")
        .hint(3, "newest")
        .group(MOVE)
        .finds("latest last"),
    here(Action::Oldest, &["G"], "Go to the oldest bar")
        .hint(3, "oldest")
        .group(MOVE)
        .finds("first"),
    here(Action::GoTo, &["t"], "Go to a date or time")
        .hint(4, "go to time")
        .group(MOVE)
        .finds("day month year jump"),
    here(Action::Arrange, &["v"], "Table, chart or both")
        .hint(1, "")
        .group(SHOW)
        .finds("candles layout"),
    here(Action::Prices, &["A"], "Raw or adjusted prices")
        .hint(6, "")
        .group(SHOW)
        .finds("splits dividends scale"),
    here(Action::ZoomIn, &["+", "="], "Zoom in")
        .hint(8, "")
        .group(SHOW),
    here(Action::ZoomOut, &["-"], "Zoom out")
        .hint(8, "zoom")
        .group(SHOW),
    here(Action::Copy, &["y"], "Copy the bar")
        .hint(9, "copy")
        .group(TAKE)
        .finds("clipboard price")
        .acts_on(BAR),
    here(Action::Export, &["e"], "Export the series")
        .hint(7, "export")
        .group(TAKE)
        .finds("save csv jsonl file download bars")
        .needs(READS)
        .acts_on(BAR),
];
