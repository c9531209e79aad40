//! The sequences that the program may send to a terminal. Everything else is foreign: it came from
//! outside, or it asks a question that a silent terminal never answers.

use super::tokens::Token;

/// Modes that may be switched.
const MODES: [&str; 12] = [
    "?7", "?12", "?25", "?1000", "?1002", "?1003", "?1004", "?1006", "?1015", "?1049", "?2004",
    "?2026",
];
/// What ends a sequence of plain numbers: movements, erasing, scrolling, styles.
const PLAIN: &str = "ABCDEFGHJKLMPSTXdmr@";

/// Says what is foreign about a piece of the stream.
pub fn foreign(token: &Token, on_alternate_screen: bool) -> Option<String> {
    let allowed = match token {
        Token::Text(character) => is_harmless(*character),
        // Nothing of a frame needs a control character: one there was written past the panel.
        Token::Control(byte) => match byte {
            b'\r' | b'\n' => !on_alternate_screen,
            // The bell, which the panel alone rings.
            7 => on_alternate_screen,
            _ => false,
        },
        Token::Escape(text) => matches!(text.as_str(), "7" | "8" | "=" | ">"),
        Token::Csi(body, 'h' | 'l') => MODES.contains(&body.as_str()),
        Token::Csi(body, 'u') => is_keyboard(body),
        Token::Csi(body, 'q') => body.strip_suffix(' ').is_some_and(are_numbers),
        Token::Csi(body, last) => PLAIN.contains(*last) && are_numbers(body),
        Token::Osc(text) => is_copy(text) || is_notification(text),
        Token::Device(..) | Token::Broken(_) => false,
    };
    (!allowed).then(|| {
        let place = if on_alternate_screen {
            "alternate"
        } else {
            "normal"
        };
        format!("{token:?} on the {place} screen")
    })
}

fn is_harmless(character: char) -> bool {
    let steers_direction = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    !character.is_control() && !steers_direction
}

fn are_numbers(body: &str) -> bool {
    body.bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b';' || byte == b':')
}

/// Pushing and popping keyboard flags; not querying them.
fn is_keyboard(body: &str) -> bool {
    body.strip_prefix(['<', '>']).is_some_and(are_numbers)
}

/// Text for the clipboard; not querying its content.
fn is_copy(text: &str) -> bool {
    text.strip_prefix("52;c;").is_some_and(|payload| {
        payload
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
    })
}

/// A notification: one field of text.
fn is_notification(text: &str) -> bool {
    let texts = [
        text.strip_prefix("9;"),
        text.strip_prefix("777;notify;pipeline-tui;"),
    ];
    let mut texts = texts.into_iter().flatten();
    texts.any(|text| text.chars().all(|c| is_harmless(c) && c != ';'))
}

#[cfg(test)]
mod tests {
    use super::super::tokens::Tokenizer;
    use super::*;

    fn count(stream: &str, on_alternate_screen: bool) -> usize {
        let mut found = 0;
        Tokenizer::default().feed(stream.as_bytes(), |token| {
            found += usize::from(foreign(&token, on_alternate_screen).is_some());
        });
        found
    }

    #[test]
    fn what_a_panel_sends_is_allowed() {
        for stream in [
            "IBM ▂▃▅ é \x1b[1;31m\x1b[38;5;4m\x1b[m\x1b[12;40H\x1b[2J\x1b[K\x1b[2;5r\x1b[3S\x1b[r",
            "\x1b[?1049h\x1b[?1000h\x1b[?2004h\x1b[?25l\x1b[?2026h\x1b[>1u\x1b[<1u\x1b[0 q",
            "\x1b]52;c;SUJN\x1b\\\x1b]52;c;SUJN\x07\x1b7\x1b8",
            "\x07\x1b]9;IBM fails.\x1b\\\x1b]777;notify;pipeline-tui;IBM fails.\x1b\\",
        ] {
            assert_eq!(count(stream, true), 0, "{stream:?}");
        }
        assert_eq!(count("Stopped.\r\n", false), 0);
    }

    #[test]
    fn a_foreign_sequence_is_caught() {
        for stream in [
            "\x1b]0;title\x07",
            "\x1b]50;font\x07",
            "\x1b]52;c;?\x07",
            "\x1b]8;;http://x\x1b\\",
            "\x1b]9;4;1;50\x1b\\",
            "\x1b]777;precmd\x1b\\",
            "\x1bPq\x1b\\",
            "\x1b_G\x1b\\",
            "\x1b[6n",
            "\x1b[c",
            "\x1b[?u",
            "\x1b[?1049$p",
            "\x1b[8;24;80t",
            "\x1b[4h",
            "\x1b[?3h",
            "\x1bc",
            "\x1b(0",
            "\u{9b}1A",
            "\u{202e}",
            "\x07",
        ] {
            assert_eq!(count(stream, false), 1, "{stream:?}");
        }
        assert_eq!(count("raw\n", true), 1, "a line written past the panel");
    }
}
