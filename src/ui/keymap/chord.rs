//! A key with its modifiers, and its spelling: `f`, `F`, `ctrl-c`, `space`, `shift-tab`, `f12`.

use std::fmt;
use std::str::FromStr;

use unicode_width::UnicodeWidthChar as _;

use crate::model::text::clean;

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyCap {
    /// A printable character; shift is in the character itself.
    Char(char),
    /// A function key.
    F(u8),
    /// Any other key that has a name.
    Named(Named),
}

/// Keys that are not characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum Named {
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

const NAMES: [(&str, Named); 14] = [
    ("enter", Named::Enter),
    ("esc", Named::Esc),
    ("tab", Named::Tab),
    ("backspace", Named::Backspace),
    ("delete", Named::Delete),
    ("insert", Named::Insert),
    ("up", Named::Up),
    ("down", Named::Down),
    ("left", Named::Left),
    ("right", Named::Right),
    ("home", Named::Home),
    ("end", Named::End),
    ("pageup", Named::PageUp),
    ("pagedown", Named::PageDown),
];

/// A key and its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chord {
    /// The key.
    pub key: KeyCap,
    /// Control is held.
    pub ctrl: bool,
    /// Alt is held.
    pub alt: bool,
    /// Shift is held; never set with a character, which shows it itself.
    pub shift: bool,
}

impl Chord {
    /// A key without modifiers.
    #[must_use]
    pub const fn plain(key: KeyCap) -> Self {
        Self {
            key,
            ctrl: false,
            alt: false,
            shift: false,
        }
    }

    /// The character that this types into a text, if it is one.
    #[must_use]
    pub const fn typed(self) -> Option<char> {
        match self.key {
            KeyCap::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

/// Why a text is not a chord.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a key; write for example f, F, ctrl-f, space, enter or f5")]
pub struct NotAChord(String);

impl FromStr for Chord {
    type Err = NotAChord;

    fn from_str(text: &str) -> Result<Self, NotAChord> {
        let wrong = || NotAChord(clean(text));
        let mut chord = Self::plain(KeyCap::Char(' '));
        let mut rest = text;
        loop {
            let (held, after) = match rest.split_once('-') {
                Some((held, after)) if !held.is_empty() && !after.is_empty() => (held, after),
                _ => break,
            };
            match held {
                "ctrl" => chord.ctrl = true,
                "alt" => chord.alt = true,
                "shift" => chord.shift = true,
                _ => return Err(wrong()),
            }
            rest = after;
        }
        let mut letters = rest.chars();
        chord.key = match (letters.next(), letters.next()) {
            (Some(c), None) if c != ' ' && may_be_shown(c) => KeyCap::Char(c),
            _ if rest == "space" => KeyCap::Char(' '),
            _ => {
                let named = NAMES.iter().find(|(name, _)| *name == rest);
                let numbered = || {
                    let number = rest.strip_prefix('f')?.parse().ok()?;
                    (1..=24).contains(&number).then_some(KeyCap::F(number))
                };
                named
                    .map(|(_, named)| KeyCap::Named(*named))
                    .or_else(numbered)
                    .ok_or_else(wrong)?
            }
        };
        if let (KeyCap::Char(c), true) = (chord.key, chord.shift) {
            chord.key = KeyCap::Char(c.to_uppercase().next().unwrap_or(c));
            chord.shift = false;
        }
        Ok(chord)
    }
}

/// Whether a character takes room on a screen and nothing acts on it; no keyboard has the others, and
/// they could garble the text beside them.
fn may_be_shown(c: char) -> bool {
    let harmless = clean(c.encode_utf8(&mut [0; 4]));
    harmless.chars().eq([c]) && c.width().is_some_and(|width| width > 0)
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [
            (self.ctrl, "ctrl-"),
            (self.alt, "alt-"),
            (self.shift, "shift-"),
        ] {
            if held {
                f.write_str(name)?;
            }
        }
        match self.key {
            KeyCap::Char(' ') => f.write_str("space"),
            KeyCap::Char(c) => write!(f, "{c}"),
            KeyCap::F(number) => write!(f, "f{number}"),
            KeyCap::Named(named) => {
                let name = NAMES.iter().find(|(_, key)| *key == named);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

/// The chord as shown on the screen: `Ctrl-c`, `Enter`, `Space`, `f`. Safe to display, whatever a
/// terminal sent.
#[must_use]
pub fn shown(chord: Chord) -> String {
    let spelled = clean(&chord.to_string());
    match (chord.typed(), spelled.chars().next()) {
        (Some(c), _) if c != ' ' => spelled,
        (_, Some(first)) => {
            let mut text = first.to_uppercase().to_string();
            text.push_str(spelled.get(first.len_utf8()..).unwrap_or_default());
            text
        }
        _ => spelled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_round_trip_through_text() {
        for text in [
            "f",
            "F",
            "ctrl-c",
            "space",
            "enter",
            "shift-tab",
            "f12",
            "/",
            "?",
            ":",
            "[",
            "+",
            "-",
            "ctrl-alt-x",
            "ctrl--",
            "pagedown",
        ] {
            assert_eq!(text.parse::<Chord>().unwrap().to_string(), text);
        }
        assert_eq!("shift-f".parse::<Chord>().unwrap().to_string(), "F");
    }

    #[test]
    fn what_is_no_chord_is_answered_with_examples() {
        for text in [
            "", "ctrl-", "hyper-x", "ab", "f0", "f99", " ", "\u{1b}", "\u{202e}", "\u{301}",
            "\u{2028}",
        ] {
            let error = text.parse::<Chord>().unwrap_err().to_string();
            assert!(error.contains("write for example"), "{error}");
        }
    }

    #[test]
    fn names_are_shown_with_a_capital_and_letters_as_they_are() {
        let show = |text: &str| shown(text.parse().unwrap());
        assert_eq!(
            ["f", "F", "ctrl-c", "space", "enter", "f5"].map(show),
            ["f", "F", "Ctrl-c", "Space", "Enter", "F5"]
        );
        let override_pressed = Chord::plain(KeyCap::Char('\u{202e}'));
        assert_eq!(shown(override_pressed), "\\u{202e}");
    }
}
