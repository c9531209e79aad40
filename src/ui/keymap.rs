//! From keys to actions: the table, the changes from the configuration file, and lookups.

pub mod chord;
pub mod markdown;
pub mod table;
pub mod tasks;
mod user;

use std::fmt;

pub use chord::Chord;
pub use table::{Binding, TABLE};

use super::action::Action;

/// Where a key applies. The innermost context is tried first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// Everywhere.
    Global,
    /// The overview.
    Overview,
    /// The bars.
    Bars,
    /// The runs.
    Runs,
    /// The log.
    Log,
    /// The system.
    System,
    /// A line of text is being entered.
    Prompt,
    /// A list is searched: palette, help, messages.
    List,
    /// A question waits for yes or no.
    Confirm,
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Global => "everywhere",
            Self::Overview => "Overview",
            Self::Bars => "Bars",
            Self::Runs => "Runs",
            Self::Log => "Log",
            Self::System => "System",
            Self::Prompt => "entering text",
            Self::List => "help, palette, messages",
            Self::Confirm => "questions",
        })
    }
}

impl Context {
    /// Whether keys that type a character type it here.
    #[must_use]
    pub const fn takes_text(self) -> bool {
        matches!(self, Self::Prompt | Self::List)
    }

    /// Whether this is drawn over a view.
    #[must_use]
    pub const fn is_overlay(self) -> bool {
        matches!(self, Self::Prompt | Self::List | Self::Confirm)
    }
}

/// A row of the table with the keys in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The row.
    pub binding: Binding,
    /// Its keys.
    pub chords: Vec<Chord>,
}

impl Entry {
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
    entries: Vec<Entry>,
}

impl Default for Keymap {
    fn default() -> Self {
        let entry = |binding: &Binding| Entry {
            binding: *binding,
            chords: binding
                .chords
                .iter()
                .filter_map(|text| text.parse().ok())
                .collect(),
        };
        Self {
            entries: TABLE.iter().map(entry).collect(),
        }
    }
}

impl Keymap {
    /// Every row.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The rows of one context, in the table's order.
    pub fn of(&self, context: Context) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.binding.context == context)
    }

    /// The action of a key: in the context itself, or everywhere.
    ///
    /// Where text is entered, keys that type a character type it; a question accepts only its own
    /// answers and the keys that leave it.
    #[must_use]
    pub fn action(&self, context: Context, chord: Chord) -> Option<Action> {
        let in_place = |place: Context| {
            self.of(place)
                .find(|entry| entry.chords.contains(&chord))
                .map(|entry| entry.binding.action)
        };
        if context.takes_text() && chord.typed().is_some() {
            return None;
        }
        in_place(context).or_else(|| {
            let everywhere = in_place(Context::Global)?;
            let reaches = !context.is_overlay()
                || matches!(everywhere, Action::Back | Action::Suspend | Action::Redraw)
                || (everywhere == Action::Quit && chord.typed().is_none());
            reaches.then_some(everywhere)
        })
    }

    /// The first key of an action in a context, or everywhere; empty if it has no key.
    #[must_use]
    pub fn key_of(&self, context: Context, action: Action) -> String {
        let find = |place: Context| self.of(place).find(|entry| entry.binding.action == action);
        find(context)
            .or_else(|| find(Context::Global))
            .map_or_else(String::new, Entry::key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        let keymap = Keymap::default();
        let mut taken: BTreeMap<(String, Chord), Action> = BTreeMap::new();
        for entry in keymap.entries() {
            for chord in &entry.chords {
                let place = entry.binding.context.to_string();
                let other = taken.insert((place, *chord), entry.binding.action);
                assert_eq!(other, None, "{chord} in {}", entry.binding.context);
            }
        }
    }

    #[test]
    fn every_key_of_the_table_is_spelled_right_and_can_be_typed() {
        for binding in TABLE {
            for text in binding.chords {
                let chord: Chord = text.parse().unwrap();
                assert_eq!(chord.to_string(), *text);
                assert!(!chord.alt, "{text}: a plain terminal may not send Alt");
            }
        }
    }

    #[test]
    fn every_action_is_in_the_table_with_a_short_title() {
        for action in Action::ALL {
            let rows: Vec<_> = TABLE.iter().filter(|row| row.action == *action).collect();
            assert!(!rows.is_empty(), "{action} has no row");
            for row in rows {
                assert!(row.title.len() <= 28, "{:?} is too long", row.title);
            }
        }
    }

    #[test]
    fn text_is_typed_where_text_is_entered_and_esc_leads_out() {
        let keymap = Keymap::default();
        let chord = |text: &str| text.parse::<Chord>().unwrap();
        assert_eq!(
            keymap.action(Context::Overview, chord("f")),
            Some(Action::Fetch)
        );
        assert_eq!(keymap.action(Context::Prompt, chord("f")), None);
        assert_eq!(keymap.action(Context::Prompt, chord("q")), None);
        assert_eq!(
            keymap.action(Context::Prompt, chord("esc")),
            Some(Action::Back)
        );
        assert_eq!(
            keymap.action(Context::Prompt, chord("ctrl-c")),
            Some(Action::Quit)
        );
        assert_eq!(keymap.action(Context::Confirm, chord("enter")), None);
        assert_eq!(keymap.action(Context::Confirm, chord("f")), None);
        assert_eq!(
            keymap.action(Context::Confirm, chord("y")),
            Some(Action::Yes)
        );
        assert_eq!(
            keymap.action(Context::Log, chord("end")),
            Some(Action::Follow)
        );
        assert_eq!(
            keymap.action(Context::Bars, chord("end")),
            Some(Action::Last)
        );
    }
}
