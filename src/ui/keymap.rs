//! From keys to actions: the table, the changes from the configuration file, and lookups.

pub mod binding;
pub mod chord;
pub mod markdown;
pub mod table;
pub mod tasks;
mod user;

use self::binding::{Binding, KeyContext};
use self::chord::Chord;
use super::action::Action;

/// A row of the table with the keys in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundKey {
    /// The row.
    pub binding: Binding,
    /// Its keys.
    pub chords: Vec<Chord>,
}

impl BoundKey {
    /// The first key as shown on the screen; empty if it has no key.
    #[must_use]
    pub fn key(&self) -> String {
        self.chords
            .first()
            .copied()
            .map_or_else(String::new, chord::shown)
    }

    /// All keys as shown on the screen.
    #[must_use]
    pub fn keys(&self) -> String {
        let keys: Vec<String> = self.chords.iter().copied().map(chord::shown).collect();
        keys.join(" ")
    }
}

/// The keys in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    rows: Vec<BoundKey>,
}

impl Keymap {
    /// A table with its own keys.
    #[must_use]
    pub fn new(bindings: impl Iterator<Item = Binding>) -> Self {
        let bound = |binding: Binding| BoundKey {
            binding,
            chords: binding
                .chords
                .iter()
                .filter_map(|text| text.parse().ok())
                .collect(),
        };
        let rows: Vec<BoundKey> = bindings.map(bound).collect();
        debug_assert!(
            rows.iter()
                .all(|row| row.chords.len() == row.binding.chords.len()),
            "every key of the table is spelled right"
        );
        Self { rows }
    }

    /// The row of an action in a context, or everywhere.
    #[must_use]
    pub fn row(&self, context: KeyContext, action: Action) -> Option<&BoundKey> {
        let find = |place| self.of(place).find(|row| row.binding.action == action);
        find(context).or_else(|| find(KeyContext::Global))
    }

    /// Every row.
    #[must_use]
    pub fn rows(&self) -> &[BoundKey] {
        &self.rows
    }

    /// The rows of one context, in the table's order.
    pub fn of(&self, context: KeyContext) -> impl Iterator<Item = &BoundKey> {
        self.rows
            .iter()
            .filter(move |row| row.binding.context == context)
    }

    /// The action of a key: in the context itself, or everywhere.
    ///
    /// Where text is entered, keys that type a character type it; a question accepts only its own
    /// answers and the keys that leave it.
    #[must_use]
    pub fn action(&self, context: KeyContext, chord: Chord) -> Option<Action> {
        let in_place = |place: KeyContext| {
            self.of(place)
                .find(|row| row.chords.contains(&chord))
                .map(|row| row.binding.action)
        };
        if context.takes_text() && chord.typed().is_some() {
            return None;
        }
        in_place(context).or_else(|| {
            let everywhere = in_place(KeyContext::Global)?;
            let reaches = !context.is_overlay()
                || matches!(everywhere, Action::Back | Action::Suspend | Action::Redraw)
                || (everywhere == Action::Quit && chord.typed().is_none());
            reaches.then_some(everywhere)
        })
    }

    /// The first key of an action in a context, or everywhere; empty if it has no key.
    #[must_use]
    pub fn key_of(&self, context: KeyContext, action: Action) -> String {
        self.row(context, action)
            .map_or_else(String::new, BoundKey::key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::ui::view_id::ViewId;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        let keymap = crate::ui::views::keymap();
        let mut taken: BTreeMap<(String, Chord), Action> = BTreeMap::new();
        for row in keymap.rows() {
            for chord in &row.chords {
                let place = row.binding.context.to_string();
                let other = taken.insert((place, *chord), row.binding.action);
                assert_eq!(other, None, "{chord} in {}", row.binding.context);
            }
        }
    }

    #[test]
    fn every_key_of_the_table_is_spelled_right_and_can_be_typed() {
        for row in crate::ui::views::keymap().rows() {
            for text in row.binding.chords {
                let chord: Chord = text.parse().unwrap();
                assert_eq!(chord.to_string(), *text);
                assert!(!chord.alt, "{text}: a plain terminal may not send Alt");
            }
        }
    }

    #[test]
    fn every_action_is_in_the_table_with_a_short_title() {
        let keymap = crate::ui::views::keymap();
        for action in Action::ALL {
            let rows = keymap.rows().iter().map(|row| row.binding);
            let rows: Vec<_> = rows.filter(|row| row.action == *action).collect();
            assert!(!rows.is_empty(), "{action} has no row");
            for row in rows {
                assert!(row.title.len() <= 28, "{:?} is too long", row.title);
            }
        }
    }

    #[test]
    fn text_is_typed_where_text_is_entered_and_esc_leads_out() {
        let keymap = crate::ui::views::keymap();
        let chord = |text: &str| text.parse::<Chord>().unwrap();
        assert_eq!(
            keymap.action(KeyContext::View(ViewId::Overview), chord("f")),
            Some(Action::Fetch)
        );
        assert_eq!(keymap.action(KeyContext::Prompt, chord("f")), None);
        assert_eq!(keymap.action(KeyContext::Prompt, chord("q")), None);
        assert_eq!(
            keymap.action(KeyContext::Prompt, chord("esc")),
            Some(Action::Back)
        );
        assert_eq!(
            keymap.action(KeyContext::Prompt, chord("ctrl-c")),
            Some(Action::Quit)
        );
        assert_eq!(keymap.action(KeyContext::Confirm, chord("enter")), None);
        assert_eq!(keymap.action(KeyContext::Confirm, chord("f")), None);
        assert_eq!(
            keymap.action(KeyContext::Confirm, chord("y")),
            Some(Action::Yes)
        );
        assert_eq!(
            keymap.action(KeyContext::View(ViewId::Log), chord("end")),
            Some(Action::Follow)
        );
        assert_eq!(
            keymap.action(KeyContext::View(ViewId::Bars), chord("end")),
            Some(Action::Last)
        );
    }
}
