//! The keys of the log.

use crate::ui::action::Action;
use crate::ui::keymap::binding::{Binding, KeyContext, MOVE, SHOW, TAKE, row};
use crate::ui::view_id::ViewId;

const fn here(action: Action, chords: &'static [&'static str], title: &'static str) -> Binding {
    row(KeyContext::View(ViewId::Log), action, chords, title)
}

/// Its rows of the table.
pub const KEYS: &[Binding] = &[
    here(Action::Attention, &["!"], "Show only errors, or all")
        .hint(0, "errors")
        .group(SHOW)
        .finds("filter problems"),
    here(Action::Level, &["L"], "Next level")
        .hint(1, "level")
        .group(SHOW)
        .finds("debug info warn error filter"),
    here(Action::NextMatch, &["n"], "Next match")
        .hint(4, "next match")
        .group(MOVE),
    here(Action::PreviousMatch, &["N"], "Previous match").group(MOVE),
    here(Action::Wrap, &[], "Wrap or cut long lines").group(SHOW),
    here(Action::Follow, &["end"], "Follow the newest line")
        .hint(2, "follow")
        .group(MOVE),
    here(Action::Copy, &["y"], "Copy the line")
        .hint(5, "copy")
        .group(TAKE)
        .finds("clipboard"),
];
