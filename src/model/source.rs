//! Where bars come from.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Symbol;

/// The word for a source of bars, in databases, JSON and settings: `alpha_vantage`.
///
/// It may be a word that this version does not know, from a store that a newer one has written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourceId(Cow<'static, str>);

/// Why a text is not the word for a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a source; write lower-case letters, digits and underscores")]
pub struct SourceError(String);

impl SourceId {
    /// The source where none is named.
    pub const DEFAULT: Self = Self(Cow::Borrowed("alpha_vantage"));

    /// The longest word.
    pub const MAX_LEN: usize = 32;

    /// A word known when the program is built; the build fails if it cannot be one.
    ///
    /// # Panics
    ///
    /// At run time, if it cannot be one: call it in a constant only.
    #[must_use]
    pub const fn known(word: &'static str) -> Self {
        assert!(is_word(word.as_bytes()), "not the word for a source");
        Self(Cow::Borrowed(word))
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the source where none is named.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::DEFAULT
    }

    /// Writes what stands in front of a symbol of this source: nothing if it is the default and the
    /// symbol has no colon, before which a source is expected.
    pub(super) fn prefix(&self, symbol: &Symbol, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_default() && !symbol.as_str().contains(':') {
            Ok(())
        } else {
            write!(f, "{self}:")
        }
    }
}

impl Default for SourceId {
    fn default() -> Self {
        Self::DEFAULT
    }
}

const fn is_word(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let [first, others @ ..] = rest {
        if !matches!(first, b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        rest = others;
    }
    matches!(bytes, [b'a'..=b'z', ..]) && bytes.len() <= SourceId::MAX_LEN
}

impl FromStr for SourceId {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let text = text.trim();
        if is_word(text.as_bytes()) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(SourceError(super::text::clean_to(text, Self::MAX_LEN)))
        }
    }
}

impl TryFrom<String> for SourceId {
    type Error = SourceError;

    fn try_from(text: String) -> Result<Self, SourceError> {
        text.parse()
    }
}

impl From<SourceId> for String {
    fn from(source: SourceId) -> Self {
        source.0.into_owned()
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_word_of_small_letters_digits_and_underscores() {
        for word in ["alpha_vantage", "alpaca", "x", "exchange_2"] {
            assert_eq!(word.parse::<SourceId>().unwrap().as_str(), word);
        }
        let long = "x".repeat(SourceId::MAX_LEN + 1);
        for text in ["", "Alpaca", "2x", "_x", "a-b", "a b", "ä", long.as_str()] {
            assert!(text.parse::<SourceId>().is_err(), "{text}");
        }
        assert!(SourceId::DEFAULT.is_default());
        assert!(!SourceId::known("alpaca").is_default());
    }
}
