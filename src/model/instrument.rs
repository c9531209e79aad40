//! A symbol at a source, and which source is meant by a text.

use std::fmt;

use super::symbol::SymbolError;
use super::{SourceId, Symbol};

/// A symbol at a source: `IBM`, or `alpaca:AAPL` where the source is not the default.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Instrument {
    /// The source.
    pub source: SourceId,
    /// The symbol.
    pub symbol: Symbol,
}

impl fmt::Display for Instrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.prefix(f)?;
        fmt::Display::fmt(&self.symbol, f)
    }
}

/// The sources that this version knows, and the one of symbols that name none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The source of symbols that name none.
    pub usual: SourceId,
    /// All that are known.
    pub known: Vec<SourceId>,
}

impl Sources {
    /// The source and the symbol in a word. Only a known source's name before the first colon counts,
    /// so that symbols may contain colons.
    pub fn instrument(&self, word: &str) -> Result<Instrument, SymbolError> {
        let word = word.trim();
        let named = word.split_once(':').and_then(|(name, symbol)| {
            let is_named = |source: &&SourceId| source.as_str().eq_ignore_ascii_case(name);
            Some((self.known.iter().find(is_named)?, symbol))
        });
        let (source, symbol) = named.unwrap_or((&self.usual, word));
        Ok(Instrument {
            source: source.clone(),
            symbol: symbol.parse()?,
        })
    }

    /// Whether this version knows a source.
    #[must_use]
    pub fn knows(&self, source: &SourceId) -> bool {
        self.known.contains(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        let known = ["alpha_vantage", "alpaca"].map(SourceId::known);
        Sources {
            usual: SourceId::known("alpaca"),
            known: known.to_vec(),
        }
    }

    #[test]
    fn only_a_known_source_before_the_first_colon_counts() {
        for (word, source, symbol) in [
            ("ibm", "alpaca", "IBM"),
            (" alpha_vantage:ibm ", "alpha_vantage", "IBM"),
            ("Alpaca:BTC/usd", "alpaca", "BTC/USD"),
            ("FRA:IQQE", "alpaca", "FRA:IQQE"),
            ("alpha_vantage:FRA:IQQE", "alpha_vantage", "FRA:IQQE"),
            ("alpaca_iex:AAPL", "alpaca", "ALPACA_IEX:AAPL"),
        ] {
            let found = sources().instrument(word).unwrap();
            assert_eq!(
                (found.source.as_str(), found.symbol.as_str()),
                (source, symbol)
            );
        }
        assert_eq!(sources().instrument("alpaca:"), Err(SymbolError::Empty));
        assert!(sources().knows(&SourceId::DEFAULT));
        assert!(!sources().knows(&SourceId::known("coinbase")));
    }

    #[test]
    fn what_an_instrument_prints_names_it() {
        for word in ["alpha_vantage:IBM", "alpaca:AAPL"] {
            let found = sources().instrument(word).unwrap();
            let known = Sources {
                usual: SourceId::DEFAULT,
                ..sources()
            };
            assert_eq!(known.instrument(&found.to_string()), Ok(found));
        }
    }
}
