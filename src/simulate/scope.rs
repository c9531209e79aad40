//! What a plant or a fault concerns: as text `[,symbol=S][,dialect=D]` after everything else.

use std::fmt;

use super::dialect::Dialect;
use crate::model::text::either;

/// Some requests: those about a symbol, in a dialect; without either, all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// The symbol, in upper or lower case; `None` for all.
    pub symbol: Option<String>,
    /// The dialect; `None` for all.
    pub dialect: Option<Dialect>,
}

/// Why a text is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// No symbol follows `symbol=`.
    #[error("a symbol is missing after symbol=")]
    Symbol,
    /// No dialect follows `dialect=`.
    #[error("{found:?} is no dialect; use {}", dialects())]
    Dialect {
        /// What was found.
        found: String,
    },
}

fn dialects() -> String {
    let words: Vec<&str> = Dialect::ALL
        .iter()
        .map(|dialect| dialect.as_str())
        .collect();
    either(&words)
}

impl Scope {
    /// The scope at the end of a text, and what is before it.
    pub(super) fn split(text: &str) -> Result<(&str, Self), ScopeError> {
        let (text, dialect) = match text.rsplit_once(",dialect=") {
            Some((rest, word)) => {
                let dialect = word.parse();
                (
                    rest,
                    Some(dialect.map_err(|_| ScopeError::Dialect {
                        found: word.to_owned(),
                    })?),
                )
            }
            None => (text, None),
        };
        let (text, symbol) = match text.rsplit_once(",symbol=") {
            Some((_, "")) => return Err(ScopeError::Symbol),
            Some((rest, symbol)) => (rest, Some(symbol.to_owned())),
            None => (text, None),
        };
        Ok((text, Self { symbol, dialect }))
    }

    /// Whether it is about a symbol.
    pub(super) fn has_symbol(&self, symbol: &str) -> bool {
        let only = self.symbol.as_deref();
        only.is_none_or(|only| only.eq_ignore_ascii_case(symbol))
    }

    /// Whether it is about a request for some symbols, or for none.
    pub(super) fn has_any(&self, symbols: &[String]) -> bool {
        self.symbol.is_none() || symbols.iter().any(|symbol| self.has_symbol(symbol))
    }

    /// Whether it is about a dialect.
    pub(super) fn has_dialect(&self, dialect: Dialect) -> bool {
        self.dialect.is_none_or(|only| only == dialect)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(symbol) = &self.symbol {
            write!(f, ",symbol={symbol}")?;
        }
        match self.dialect {
            Some(dialect) => write!(f, ",dialect={dialect}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        for text in [
            "",
            ",symbol=IBM",
            ",dialect=coinbase",
            ",symbol=BTC-USD,dialect=coinbase",
        ] {
            let whole = format!("outage@2026-11-20{text}");
            let (rest, scope) = Scope::split(&whole).unwrap();
            assert_eq!(
                (rest, scope.to_string().as_str()),
                ("outage@2026-11-20", text)
            );
        }
        assert_eq!(Scope::split("reset,symbol="), Err(ScopeError::Symbol));
        let wrong = Scope::split("reset,dialect=kraken")
            .unwrap_err()
            .to_string();
        assert!(
            wrong.contains("\"kraken\" is no dialect; use alpha_vantage, coinbase"),
            "{wrong}"
        );
    }

    #[test]
    fn it_says_which_requests_it_concerns() {
        let (_, scope) = Scope::split(",symbol=ibm,dialect=alpaca").unwrap();
        let symbols = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        assert!(scope.has_any(&symbols(&["AAPL", "IBM"])));
        assert!(!scope.has_any(&symbols(&["AAPL"])) && !scope.has_any(&[]));
        assert!(scope.has_dialect(Dialect::Alpaca) && !scope.has_dialect(Dialect::Binance));
        assert!(Scope::default().has_any(&[]) && Scope::default().has_dialect(Dialect::Binance));
    }
}
