//! A line of text that is being entered.

use std::fmt;

use tui_input::{Input, InputRequest};

use super::keymap::chord::{Chord, KeyCap, Named};

/// The most characters in a line; a symbol, a schedule or a key is far shorter.
const MOST: usize = 256;

/// The line.
#[derive(Clone, Default)]
pub struct TextInput(Input);

/// The text may be a key.
impl fmt::Debug for TextInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextInput")
    }
}

impl TextInput {
    /// A line with a text in it, the cursor at its end.
    #[must_use]
    pub fn with(text: &str) -> Self {
        Self(Input::new(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.value()
    }

    /// Characters before the cursor.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.0.cursor()
    }

    /// Handles a key; `true`: the text or the cursor changed.
    pub fn key(&mut self, chord: Chord) -> bool {
        let Some(request) = request(chord) else {
            return false;
        };
        if matches!(request, InputRequest::InsertChar(_)) && self.text().chars().count() >= MOST {
            return false;
        }
        self.0.handle(request).is_some()
    }

    /// Inserts pasted text: its first line, without control characters.
    pub fn paste(&mut self, text: &str) {
        let room = MOST.saturating_sub(self.text().chars().count());
        let harmless = |c: &char| !c.is_control();
        for c in text
            .chars()
            .take_while(|c| *c != '\n' && *c != '\r')
            .filter(harmless)
            .take(room)
        {
            self.0.handle(InputRequest::InsertChar(c));
        }
    }
}

fn request(chord: Chord) -> Option<InputRequest> {
    if let Some(c) = chord.typed() {
        return Some(InputRequest::InsertChar(c));
    }
    Some(match (chord.key, chord.ctrl) {
        (KeyCap::Named(Named::Backspace), false) | (KeyCap::Char('h'), true) => {
            InputRequest::DeletePrevChar
        }
        (KeyCap::Named(Named::Delete), false) => InputRequest::DeleteNextChar,
        (KeyCap::Named(Named::Left), false) => InputRequest::GoToPrevChar,
        (KeyCap::Named(Named::Right), false) => InputRequest::GoToNextChar,
        (KeyCap::Named(Named::Home), _) | (KeyCap::Char('a'), true) => InputRequest::GoToStart,
        (KeyCap::Named(Named::End), _) | (KeyCap::Char('e'), true) => InputRequest::GoToEnd,
        (KeyCap::Char('w'), true) => InputRequest::DeletePrevWord,
        (KeyCap::Char('u'), true) => InputRequest::DeleteLine,
        (KeyCap::Char('k'), true) => InputRequest::DeleteTillEnd,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_megabytes_of_paste_become_one_short_harmless_line() {
        let mut line = TextInput::default();
        line.paste(&"x\u{1b}[2J\u{7}".repeat(2_000_000));
        assert_eq!(line.text().chars().count(), MOST);
        assert!(!line.text().contains('\u{1b}'));
        line = TextInput::default();
        line.paste("IBM\nrm -rf");
        assert_eq!(line.text(), "IBM");
    }

    #[test]
    fn keys_edit_as_in_a_shell() {
        let mut line = TextInput::with("one two");
        for text in ["ctrl-w", "x", "home", "delete", "ctrl-e", "backspace"] {
            line.key(text.parse().unwrap());
        }
        assert_eq!(line.text(), "ne ");
    }
}
