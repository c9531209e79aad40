//! What a key is: one rule for flags, variables, files, the panel and saved keys.

use super::secret::Secret;
use super::setting::Setting;
use super::source::{KeyField, SourceSettings};
use crate::model::{SourceId, text};

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

/// A key that a person entered for a source, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnteredKey {
    /// The source.
    pub source: SourceId,
    /// Its values, in the order in which the source declares them.
    pub values: Vec<Secret>,
}

impl EnteredKey {
    /// The key in the texts that were entered for its fields, or why it is none: then nothing of it
    /// is used.
    pub fn read(source: &SourceSettings, texts: &[impl AsRef<str>]) -> Result<Self, String> {
        let is_single = source.key.len() == 1;
        if texts.len() != source.key.len() {
            return Err(wrong_count(source, "its values"));
        }
        let value = |(field, text): (&KeyField, &_)| {
            let text = AsRef::<str>::as_ref(text);
            match check_key(text) {
                Ok(value) => Ok(value),
                Err(wrong) if is_single => Err(wrong.to_string()),
                Err(_) if text.trim().is_empty() => Err(format!("the {} is missing", field.name)),
                Err(wrong) => Err(format!("the {}: {wrong}", field.name)),
            }
        };
        let values = source.key.iter().zip(texts).map(value);
        let values: Vec<Secret> = values.collect::<Result<_, _>>()?;
        check_whole(source, &values)?;
        Ok(Self {
            source: source.id.clone(),
            values,
        })
    }
}

/// Says that not as many values were given as the key has.
pub(super) fn wrong_count(source: &SourceSettings, given: &str) -> String {
    let name = source.words.name;
    let fields: Vec<&str> = source.key.iter().map(|field| field.name).collect();
    match fields.as_slice() {
        [] => format!("{name} needs no key; leave it out"),
        [_] => format!("the key of {name} is one value; give {given} once"),
        fields => format!(
            "the key of {name} has {} values; give {given} for each, in this order: {}",
            fields.len(),
            fields.join(", ")
        ),
    }
}

/// What is wrong with the values of a key together, if anything can be seen.
pub(super) fn check_whole(source: &SourceSettings, values: &[Secret]) -> Result<(), String> {
    let begins = |value: &Secret, field: &KeyField| {
        let mut known = field.begins.iter();
        known.any(|begin| value.expose().starts_with(begin))
    };
    let fields = || source.key.iter().zip(values).enumerate();
    for (at, (field, value)) in fields() {
        for (_, (other, of_other)) in fields().filter(|(place, _)| *place != at) {
            if value == of_other {
                return Err(format!(
                    "the {} and the {} are the same text; copy both again",
                    field.name, other.name
                ));
            }
            if begins(of_other, field) && !begins(value, field) {
                return Err(format!(
                    "the {} and the {} are swapped: the {} begins with {}",
                    field.name,
                    other.name,
                    field.name,
                    text::either(field.begins)
                ));
            }
        }
    }
    Ok(())
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
