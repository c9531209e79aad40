//! Every action of every view, found by its name or by what people call it.

use chrono::{DateTime, Utc};

use super::{App, availability};
use crate::ui::action::Action;
use crate::ui::keymap::Context;
use crate::ui::overlays::{Choice, Overlay};
use crate::ui::views::{VIEWS, ViewId};

/// Where an action is found.
#[derive(Clone, Copy)]
enum Place {
    /// In the view on the screen, or everywhere.
    Here,
    /// In another view; it goes there first.
    In(ViewId),
}

impl App {
    /// Opens the palette: what can be done here first, then what other views can do.
    pub(super) fn open_palette(&mut self, now: DateTime<Utc>) {
        self.overlay = Some(Overlay::palette(self.palette(now)));
    }

    fn palette(&self, now: DateTime<Utc>) -> Vec<Choice> {
        let elsewhere = VIEWS.into_iter().filter(|view| *view != self.view);
        let places = [
            (Place::Here, self.view.context()),
            (Place::Here, Context::Global),
        ]
        .into_iter()
        .chain(elsewhere.map(|view| (Place::In(view), view.context())));
        let mut choices: Vec<Choice> = places
            .flat_map(|(place, context)| self.choices(place, context, now))
            .collect();
        choices.sort_by_key(|choice| (choice.is_elsewhere(), choice.disabled.is_some()));
        choices
    }

    fn choices(&self, place: Place, context: Context, now: DateTime<Utc>) -> Vec<Choice> {
        let view = match place {
            Place::Here => self.view,
            Place::In(view) => view,
        };
        let entries = self.shared.keymap.of(context);
        entries
            .filter(|entry| !is_a_move(entry.binding.action))
            .map(|entry| {
                let action = entry.binding.action;
                let (text, go) = match place {
                    Place::Here => (entry.binding.title.to_owned(), None),
                    Place::In(view) => (
                        format!("{}: {}", view.title(), entry.binding.title),
                        Some(view),
                    ),
                };
                let reason = availability::of(action, view, self, now);
                Choice::action(text, entry.key(), action)
                    .because(reason.reason())
                    .found_by(entry.binding.finds)
                    .going(go)
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
