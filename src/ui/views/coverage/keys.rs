//! The keys of the coverage.

use crate::ui::action::Action;
use crate::ui::keymap::binding::{Binding, FETCH, KeyContext, SHOW, SPENDS, Thing, row};
use crate::ui::view_id::ViewId;

const fn here(action: Action, chords: &'static [&'static str], title: &'static str) -> Binding {
    row(KeyContext::View(ViewId::Coverage), action, chords, title)
}

/// Its rows of the table.
pub const KEYS: &[Binding] = &[
    here(Action::Open, &["enter"], "List ranges, show bars")
        .hint(0, "open")
        .group(SHOW)
        .finds("month cell why holes gaps")
        .acts_on(&[(Thing::Selection, "no bars are wanted of this month")]),
    here(Action::Backfill, &["b"], "Fetch what is missing")
        .hint(1, "fetch missing")
        .group(FETCH)
        .finds("backfill holes gaps history past close")
        .needs(SPENDS)
        .acts_on(&[(Thing::Hole, "nothing is missing of this month")]),
];
