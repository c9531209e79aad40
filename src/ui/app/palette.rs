//! Every action of every view, found by its name or by what people call it.

use chrono::{DateTime, Utc};

use super::App;
use crate::ui::action::Action;
use crate::ui::keymap::binding::KeyContext;
use crate::ui::overlays::{Choice, Overlay};
use crate::ui::view_id::ViewId;

impl App {
    /// Opens the palette: what can be done here first, then what other views can do.
    pub(super) fn open_palette(&mut self, now: DateTime<Utc>) {
        self.overlay = Some(Overlay::palette(self.palette(now)));
    }

    fn palette(&self, now: DateTime<Utc>) -> Vec<Choice> {
        let here = [KeyContext::View(self.view), KeyContext::Global];
        let elsewhere = ViewId::all().filter(|view| *view != self.view);
        let mut choices: Vec<Choice> = here
            .into_iter()
            .flat_map(|context| self.choices(context, None, now))
            .chain(elsewhere.flat_map(|view| {
                let context = KeyContext::View(view);
                self.choices(context, Some(view), now)
            }))
            .collect();
        choices.sort_by_key(|choice| (choice.is_elsewhere(), choice.disabled.is_some()));
        choices
    }

    /// What can be done by the keys of a context, in another view if one is given.
    fn choices(
        &self,
        context: KeyContext,
        elsewhere: Option<ViewId>,
        now: DateTime<Utc>,
    ) -> Vec<Choice> {
        let rows = self.shared.keymap.of(context);
        rows.filter(|row| !is_a_move(row.binding.action))
            .map(|row| {
                let title = row.binding.title;
                let text = elsewhere.map_or_else(
                    || title.to_owned(),
                    |view| format!("{}: {title}", view.title()),
                );
                let view = elsewhere.unwrap_or(self.view);
                Choice::action(text, row.key(), row.binding.action)
                    .because(self.why_not(row.binding.action, view, now))
                    .found_by(row.binding.finds)
                    .going(elsewhere)
            })
            .collect()
    }
}

/// Whether an action moves the cursor, or is the palette itself: nobody searches for these by name.
const fn is_a_move(action: Action) -> bool {
    matches!(
        action,
        Action::Palette
            | Action::Back
            | Action::Up
            | Action::Down
            | Action::Left
            | Action::Right
            | Action::PageUp
            | Action::PageDown
            | Action::HalfPageUp
            | Action::HalfPageDown
    )
}
