//! Tells a person at the terminal: its bell, and a notification by OSC 9 (iTerm2, Windows Terminal,
//! kitty) and OSC 777 (rxvt, foot, VTE). Terminals that know neither ignore them.

use std::fmt;

use crossterm::Command;

use crate::model::text::clean_to;

/// Characters of a notification.
const MOST: usize = 200;

/// The bell and a notification with this text.
#[derive(Debug)]
pub struct Notification(String);

impl Notification {
    /// Makes a text harmless: nothing in it ends the sequence or begins another field.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(clean_to(text, MOST).replace(';', ","))
    }
}

impl Command for Notification {
    fn write_ansi(&self, f: &mut impl fmt::Write) -> fmt::Result {
        let Self(text) = self;
        write!(
            f,
            "\x07\x1b]9;{text}\x1b\\\x1b]777;notify;pipeline-tui;{text}\x1b\\"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_leave_its_sequence() {
        let mut sent = String::new();
        let hostile = "IBM\x1b\\\x07;x\u{9c}\nfails";
        Notification::new(hostile).write_ansi(&mut sent).unwrap();
        let text = "IBM\\u{1b}\\\\u{7},x\\u{9c}\\nfails";
        let expected = format!("\x07\x1b]9;{text}\x1b\\\x1b]777;notify;pipeline-tui;{text}\x1b\\");
        assert_eq!(sent, expected);
    }
}
