//! What a key is: one rule for flags, variables, files, the panel and saved keys.

use super::secret::Secret;
use super::setting::Setting;
use crate::model::text;

/// What the example files contain instead of a key.
const PLACEHOLDER: &str = "your_api_key_here";

/// Shorter texts are no keys: the redactor could not tell them from ordinary words.
const SHORTEST: usize = 8;
const LONGEST: usize = 256;

/// Why a text is not a person's own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// It is what the example files contain.
    #[error("that is not a personal key; enter the one the provider sent you")]
    Placeholder,
    /// No provider issues such a key. It would cost a request to learn that from one.
    #[error(
        "a key is {SHORTEST} to {LONGEST} characters, none of them a space, a line break or invisible, and \
         does not begin with a quote; copy it again"
    )]
    Malformed,
}

/// The key in a text, without surrounding blanks.
pub fn check_key(text: &str) -> Result<Secret, NotAKey> {
    let key = text.trim();
    let is_visible = !key.contains(char::is_whitespace) && text::clean(key) == key;
    let fits = is_visible && !key.starts_with(['"', '\'']);
    if key == PLACEHOLDER {
        Err(NotAKey::Placeholder)
    } else if fits && (SHORTEST..=LONGEST).contains(&key.chars().count()) {
        Ok(Secret::new(key))
    } else {
        Err(NotAKey::Malformed)
    }
}

/// Whether the value of a key's setting stands for the key that everyone may use, or for none.
pub(super) fn is_public(text: &str, setting: &Setting) -> bool {
    let text = text.trim();
    text.is_empty() || text == setting.default || is_placeholder(text)
}

/// Whether a value was copied from the example files.
pub(super) fn is_placeholder(text: &str) -> bool {
    text.trim() == PLACEHOLDER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_word_that_a_provider_may_issue() {
        for key in [
            "ABCD1234",
            "key-in-file",
            "aGVsbG8gd29ybGQ=",
            "organizations/7f/apiKeys/9",
            "kQ7Zv\"9x\\W4p+é",
            &"K".repeat(256),
        ] {
            assert_eq!(check_key(&format!("  {key}\n")).unwrap().expose(), key);
        }
        for text in [
            "",
            "  ",
            "x",
            "demo",
            "ABC1234",
            "two words",
            "a\u{7}bcdefgh",
            "\"ABCD1234\"",
            "'ABCD1234",
            "\u{feff}ABCD1234",
            "ABCD\u{200b}1234",
            &"K".repeat(257),
        ] {
            assert_eq!(check_key(text), Err(NotAKey::Malformed), "{text:?}");
        }
        assert_eq!(check_key(PLACEHOLDER), Err(NotAKey::Placeholder));
    }
}
