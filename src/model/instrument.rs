//! A symbol at a source, and which source is meant by a text.

use std::fmt;

use super::nearest::nearest;
use super::symbol::SymbolError;
use super::text::clean_to;
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
        self.source.prefix(&self.symbol, f)?;
        fmt::Display::fmt(&self.symbol, f)
    }
}

/// Why a word names no symbol at a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnInstrument {
    /// It contains no symbol.
    #[error(transparent)]
    Symbol(#[from] SymbolError),
    /// What stands before its colon is no source: the sentence says what to write.
    #[error("{0}")]
    Source(String),
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
    /// The source and the symbol in a word. What stands before the first colon is a source; a symbol
    /// that has a colon itself needs its source in front: `alpha_vantage:FRA:IQQE`.
    pub fn instrument(&self, word: &str) -> Result<Instrument, NotAnInstrument> {
        let word = word.trim();
        let (source, symbol) = match word.split_once(':') {
            None => (&self.usual, word),
            Some((name, symbol)) => match self.named(name) {
                Some(source) => (source, symbol),
                None => return Err(NotAnInstrument::Source(self.no_source(name, symbol))),
            },
        };
        Ok(Instrument {
            source: source.clone(),
            symbol: symbol.parse()?,
        })
    }

    /// The known source that a word names, in any case.
    fn named(&self, name: &str) -> Option<&SourceId> {
        let is_it = |source: &&SourceId| source.as_str().eq_ignore_ascii_case(name);
        self.known.iter().find(is_it)
    }

    /// That no source has this name, and what to write before or instead of a symbol.
    fn no_source(&self, name: &str, symbol: &str) -> String {
        let known: Vec<&str> = self.known.iter().map(SourceId::as_str).collect();
        let listed = known.join(", ");
        let lower = name.to_ascii_lowercase();
        let [name, symbol] = [name, symbol].map(|text| clean_to(text, Symbol::MAX_LEN));
        if name.is_empty() {
            return format!(
                "no source stands before the colon in \":{symbol}\"; write {symbol}, or one of {listed} in front"
            );
        }
        let advice = if let Some(source) = self.named(&symbol) {
            format!("the source comes first: {source}:{name}")
        } else if let Some(near) = nearest(&lower, known.iter().copied()) {
            format!("did you mean {near}:{symbol}?")
        } else {
            "write one of them in front of the symbol".to_owned()
        };
        format!("there is no source \"{name}\", only {listed}; {advice}")
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
    fn a_source_stands_before_the_first_colon() {
        for (word, source, symbol) in [
            ("ibm", "alpaca", "IBM"),
            (" alpha_vantage:ibm ", "alpha_vantage", "IBM"),
            ("Alpaca:BTC/usd", "alpaca", "BTC/USD"),
            ("alpha_vantage:FRA:IQQE", "alpha_vantage", "FRA:IQQE"),
        ] {
            let found = sources().instrument(word).unwrap();
            assert_eq!(
                (found.source.as_str(), found.symbol.as_str()),
                (source, symbol)
            );
        }
        let empty = NotAnInstrument::Symbol(SymbolError::Empty);
        assert_eq!(sources().instrument("alpaca:"), Err(empty));
        assert!(sources().knows(&SourceId::DEFAULT));
        assert!(!sources().knows(&SourceId::known("coinbase")));
    }

    #[test]
    fn a_word_that_is_no_source_is_not_taken_for_a_symbol() {
        let only = "only alpha_vantage, alpaca";
        for (word, said) in [
            (
                "alpacca:IBM",
                format!("there is no source \"alpacca\", {only}; did you mean alpaca:IBM?"),
            ),
            (
                "nosource:X",
                format!(
                    "there is no source \"nosource\", {only}; write one of them in front of the symbol"
                ),
            ),
            (
                "IBM:Alpaca",
                format!("there is no source \"IBM\", {only}; the source comes first: alpaca:IBM"),
            ),
            (
                ":IBM",
                "no source stands before the colon in \":IBM\"; write IBM, or one of alpha_vantage, alpaca in front"
                    .to_owned(),
            ),
            (
                "\u{1b}[2J:\u{7}",
                format!(
                    "there is no source \"\\u{{1b}}[2J\", {only}; write one of them in front of the symbol"
                ),
            ),
        ] {
            let error = sources().instrument(word).unwrap_err();
            assert_eq!(error.to_string(), said, "{word:?}");
        }
    }

    #[test]
    fn what_an_instrument_prints_names_it() {
        for word in ["alpha_vantage:IBM", "alpaca:AAPL", "alpha_vantage:FRA:IQQE"] {
            let found = sources().instrument(word).unwrap();
            let known = Sources {
                usual: SourceId::DEFAULT,
                ..sources()
            };
            assert_eq!(known.instrument(&found.to_string()), Ok(found));
        }
    }
}
