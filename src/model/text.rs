//! Makes untrusted text harmless, once, where it enters.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// The most characters kept of an untrusted text.
pub const MAX_CHARS: usize = 512;
/// The most zero-width marks kept on one base character.
const MAX_MARKS: usize = 8;

/// A choice in words: `a, b or c`.
#[must_use]
pub fn either(names: &[&str]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => names.concat(),
    }
}

/// Returns `text` with everything a terminal or log file could act on shown as a visible escape.
///
/// Control characters, bidirectional overrides, zero-width characters and line separators become
/// escapes such as `\u{1b}`; more than eight combining marks on one character are dropped; text
/// past 512 characters is cut and ends in `…`.
///
/// ```
/// assert_eq!(pipeline_tui::model::text::clean("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
/// ```
#[must_use]
pub fn clean(text: &str) -> String {
    clean_to(text, MAX_CHARS)
}

/// As [`clean`], with another bound on the number of characters.
#[must_use]
pub fn clean_to(text: &str, max_chars: usize) -> String {
    let mut safe = String::with_capacity(text.len().min(max_chars * 4));
    let (mut kept, mut marks) = (0_usize, 0_usize);
    for c in text.chars() {
        if kept == max_chars {
            safe.push('…');
            break;
        }
        if is_hostile(c) {
            let _ = match c {
                '\n' => write!(safe, "\\n"),
                '\r' => write!(safe, "\\r"),
                '\t' => write!(safe, "\\t"),
                other => write!(safe, "{}", other.escape_unicode()),
            };
            marks = 0;
        } else if c.width() == Some(0) {
            marks += 1;
            if marks > MAX_MARKS {
                continue;
            }
            safe.push(c);
        } else {
            safe.push(c);
            marks = 0;
        }
        kept += 1;
    }
    safe
}

/// The same text in ASCII, for a terminal that shows nothing else.
#[must_use]
pub fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '–' | '—' | '─' => plain.push('-'),
            '…' => plain.push_str("..."),
            '·' | '•' => plain.push('*'),
            '×' => plain.push('x'),
            c if c.is_ascii() => plain.push(c),
            _ => plain.push('?'),
        }
    }
    Cow::Owned(plain)
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}')
}

/// A number with its thousands separated.
#[must_use]
pub fn thousands(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun: `1 request`, `2 requests`, `3 series`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let plural = match (number, noun) {
        (1, _) | (_, "series") => "",
        _ => "s",
    };
    format!("{} {noun}{plural}", thousands(number))
}

/// A number of bytes: `512 bytes`, `4.2 kB`, `12.3 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return counted(bytes, "byte");
    }
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        (tenths, unit) = (tenths / 1_000, unit + 1);
    }
    let unit = UNITS.get(unit).unwrap_or(&"");
    format!("{}.{} {unit}", thousands(tenths / 10), tenths % 10)
}

/// A cell of a table: a spreadsheet runs one that begins like a formula; an apostrophe keeps it text.
#[must_use]
pub fn without_formula(cell: &str) -> String {
    let is_number = cell.parse::<f64>().is_ok();
    if !is_number && cell.starts_with(['=', '+', '-', '@']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ascii_keeps_what_it_can() {
        assert_eq!(ascii("plain"), "plain");
        assert_eq!(ascii("Mon–Fri · key=… • 2×"), "Mon-Fri * key=... * 2x");
        assert_eq!(ascii("café 株"), "caf? ?");
    }

    #[test]
    fn escapes_what_a_terminal_would_act_on() {
        assert_eq!(clean("a\u{0}b"), "a\\u{0}b");
        assert_eq!(clean("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(clean("abc\u{202e}txt"), "abc\\u{202e}txt");
        assert_eq!(clean("two\nlines"), "two\\nlines");
        assert_eq!(clean("café 株"), "café 株");
    }

    #[test]
    fn a_cell_that_looks_like_a_formula_stays_text() {
        assert_eq!(without_formula("=HYPERLINK()"), "'=HYPERLINK()");
        assert_eq!(
            ["BRK-B", "-1.5", "+2"].map(without_formula),
            ["BRK-B", "-1.5", "+2"]
        );
    }

    #[test]
    fn bounds_length_and_combining_marks() {
        assert_eq!(clean(&"x".repeat(600)).chars().count(), MAX_CHARS + 1);
        assert_eq!(
            clean(&format!("e{}", "\u{301}".repeat(1000)))
                .chars()
                .count(),
            9
        );
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(
            [0, 999, 1_000, -1_234_567].map(thousands),
            ["0", "999", "1,000", "-1,234,567"]
        );
    }

    proptest! {
        #[test]
        fn never_lets_a_control_character_through(text in "\\PC*|(?s).*") {
            let safe = clean(&text);
            prop_assert!(!safe.chars().any(is_hostile));
            prop_assert!(safe.chars().count() <= MAX_CHARS * 10);
        }
    }
}
