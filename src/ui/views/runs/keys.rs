//! The keys of the runs.

use crate::ui::action::Action;
use crate::ui::keymap::binding::{Binding, FETCH, KeyContext, SHOW, SPENDS, TAKE, Thing, row};
use crate::ui::view_id::ViewId;

/// The run that is acted on.
const RUN: &[(Thing, &str)] = &[(Thing::Selection, NO_RUN)];
/// The request of a run that is acted on.
const SENT: &[(Thing, &str)] = &[
    (Thing::Selection, NO_RUN),
    (Thing::SentRequest, "no request was sent for this series"),
];
const NO_RUN: &str = "there is no run yet";

const fn here(action: Action, chords: &'static [&'static str], title: &'static str) -> Binding {
    row(KeyContext::View(ViewId::Runs), action, chords, title)
}

/// Its rows of the table.
pub const KEYS: &[Binding] = &[
    here(Action::Open, &["enter"], "Open the run")
        .hint(0, "detail")
        .group(SHOW)
        .finds("requests answers")
        .acts_on(RUN),
    here(Action::Offer, &["."], "Cancel, or rerun failures")
        .hint(1, "")
        .group(FETCH)
        .finds("retry rerun cancel stop")
        .acts_on(&[(Thing::Suggestion, "there is no suggestion for this line")]),
    here(Action::Rerun, &["R"], "Rerun what failed")
        .group(FETCH)
        .finds("retry rerun")
        .needs(SPENDS)
        .acts_on(RUN),
    here(Action::Attention, &["!"], "Show only failed runs")
        .group(SHOW)
        .finds("filter problems errors"),
    here(Action::Curl, &["c"], "Copy request as curl")
        .hint(2, "curl")
        .group(TAKE)
        .finds("clipboard url")
        .acts_on(SENT),
    here(Action::Copy, &["y"], "Copy run as Markdown")
        .hint(3, "copy")
        .group(TAKE)
        .finds("clipboard report bug")
        .acts_on(RUN),
];
