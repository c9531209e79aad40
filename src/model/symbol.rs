//! A ticker symbol as the provider spells it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A symbol in upper case: `ibm` and `IBM` are one.
///
/// At most 32 printable ASCII characters, among them the marks that providers use (`BRK-B`,
/// `RELIANCE.BSE`, `FRA:IQQE`, `^GSPC`). Space, comma, quotes and backslash are refused: they
/// separate or quote symbols in lists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Symbol(Box<str>);

/// Why a text is not a symbol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SymbolError {
    /// Nothing was given.
    #[error("a symbol is empty; write one such as IBM")]
    Empty,
    /// More than [`Symbol::MAX_LEN`] characters.
    #[error("the symbol has {0} characters; at most {max} are stored", max = Symbol::MAX_LEN)]
    TooLong(usize),
    /// A character that no symbol contains.
    #[error("a symbol cannot contain {0:?}; write it as the provider does, for example BRK-B")]
    Character(char),
}

impl Symbol {
    /// The longest symbol the store holds.
    pub const MAX_LEN: usize = 32;

    /// The symbol as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Symbol {
    type Err = SymbolError;

    fn from_str(text: &str) -> Result<Self, SymbolError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SymbolError::Empty);
        }
        if let Some(bad) = text
            .chars()
            .find(|c| !c.is_ascii_graphic() || matches!(c, ',' | ';' | '"' | '\'' | '\\' | '`'))
        {
            return Err(SymbolError::Character(bad));
        }
        if text.len() > Self::MAX_LEN {
            return Err(SymbolError::TooLong(text.len()));
        }
        Ok(Self(text.to_ascii_uppercase().into()))
    }
}

impl TryFrom<String> for Symbol {
    type Error = SymbolError;

    fn try_from(text: String) -> Result<Self, SymbolError> {
        text.parse()
    }
}

impl From<Symbol> for String {
    fn from(symbol: Symbol) -> Self {
        symbol.0.into()
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_form_is_a_symbol_in_any_case() {
        for text in [
            "IBM",
            "DUOL",
            "BRK-B",
            "RELIANCE.BSE",
            "600104.SHH",
            "FRA:IQQE",
            "^GSPC",
            "A&B",
        ] {
            let symbol = text.to_lowercase().parse::<Symbol>().unwrap();
            assert_eq!(symbol.as_str(), text);
        }
    }

    #[test]
    fn refuses_what_cannot_be_a_symbol() {
        assert_eq!(" ".parse::<Symbol>(), Err(SymbolError::Empty));
        assert_eq!("A B".parse::<Symbol>(), Err(SymbolError::Character(' ')));
        assert_eq!(
            "A\u{1b}[2J".parse::<Symbol>(),
            Err(SymbolError::Character('\u{1b}'))
        );
        assert_eq!("Ä".parse::<Symbol>(), Err(SymbolError::Character('Ä')));
        assert_eq!(
            "X".repeat(33).parse::<Symbol>(),
            Err(SymbolError::TooLong(33))
        );
        assert!("X".repeat(32).parse::<Symbol>().is_ok());
    }
}
