//! The keys of the system view.

use crate::ui::action::Action;
use crate::ui::keymap::binding::{Binding, KeyContext, TAKE, row};
use crate::ui::view_id::ViewId;

const fn here(action: Action, chords: &'static [&'static str], title: &'static str) -> Binding {
    row(KeyContext::View(ViewId::System), action, chords, title)
}

/// Its rows of the table.
pub const KEYS: &[Binding] = &[here(Action::Copy, &["y"], "Copy the value")
    .hint(0, "copy")
    .group(TAKE)
    .finds("clipboard path")];
