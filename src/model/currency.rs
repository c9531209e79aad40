//! What a price is in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Symbol;

/// The currency, or the quote asset, of a symbol's prices: `USD`, `GBX`, `USDT`.
///
/// Pence are `GBX`, never pounds: sources also write them `GBp`, which differs from pounds by the
/// case of one letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(Box<str>);

/// What the prices of a source's symbols are in, by their spelling alone; `None`: it does not tell.
pub type CurrencyOf = fn(&Symbol) -> Option<Currency>;

/// A text that is not a currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a currency; write letters and digits, such as USD")]
pub struct NotACurrency(String);

impl Currency {
    /// The longest one: quote assets have names of their own.
    pub const MAX_LEN: usize = 16;

    /// US dollars.
    #[must_use]
    pub fn usd() -> Self {
        Self("USD".into())
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Hundredths of a currency whose other spellings differ from it, or from no currency, by case.
const HUNDREDTHS: [(&str, &str); 4] = [
    ("GBp", "GBX"),
    ("GBx", "GBX"),
    ("ZAc", "ZAC"),
    ("ILa", "ILA"),
];

impl FromStr for Currency {
    type Err = NotACurrency;

    fn from_str(text: &str) -> Result<Self, NotACurrency> {
        let text = text.trim();
        let hundredth = HUNDREDTHS.iter().find(|(spelled, _)| *spelled == text);
        if let Some((_, code)) = hundredth {
            return Ok(Self((*code).into()));
        }
        let is_code = !text.is_empty()
            && text.len() <= Self::MAX_LEN
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_code {
            Ok(Self(text.to_ascii_uppercase().into()))
        } else {
            Err(NotACurrency(super::text::clean_to(text, Self::MAX_LEN)))
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = NotACurrency;

    fn try_from(text: String) -> Result<Self, NotACurrency> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.0.into()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pence_never_become_pounds() {
        for (text, code) in [
            ("USD", "USD"),
            (" usdt ", "USDT"),
            ("GBP", "GBP"),
            ("GBp", "GBX"),
            ("GBX", "GBX"),
            ("ZAc", "ZAC"),
            ("1000SATS", "1000SATS"),
        ] {
            assert_eq!(text.parse::<Currency>().unwrap().as_str(), code);
        }
    }

    #[test]
    fn what_is_not_a_code_is_unknown() {
        for text in ["", " ", "U$D", "a b", "\u{1b}[2J", &"X".repeat(17)] {
            assert!(text.parse::<Currency>().is_err(), "{text:?}");
        }
    }
}
