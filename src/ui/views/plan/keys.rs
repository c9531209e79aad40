//! The keys of the plan.

use crate::ui::action::Action;
use crate::ui::keymap::binding::{Binding, FETCH, KeyContext, SHOW, SPENDS, Thing, row};
use crate::ui::view_id::ViewId;

/// The line that is acted on.
const SELECTED: &[(Thing, &str)] = &[(Thing::Selection, "nothing is selected; a adds a series")];

const fn here(action: Action, chords: &'static [&'static str], title: &'static str) -> Binding {
    row(KeyContext::View(ViewId::Plan), action, chords, title)
}

/// Its rows of the table.
pub const KEYS: &[Binding] = &[
    here(Action::Fetch, &["f"], "Fetch the selected now")
        .hint(0, "fetch now")
        .group(FETCH)
        .finds("refresh update download request")
        .needs(SPENDS)
        .acts_on(SELECTED),
    here(Action::Open, &["enter"], "Show bars")
        .hint(2, "bars")
        .group(SHOW)
        .finds("open prices chart table candles")
        .acts_on(SELECTED),
    here(Action::Attention, &["!"], "Show only what loses bars")
        .hint(5, "losses")
        .group(SHOW)
        .finds("filter lost too late does not fit"),
];
