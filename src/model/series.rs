//! What a bar belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::instrument::NotAnInstrument;
use super::interval::UnknownInterval;
use super::{Instrument, Interval, SourceId, Sources, Symbol, text};

/// Names a series of bars: with the bar's instant it is the key of the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeriesKey {
    /// Where its bars come from.
    #[serde(default)]
    pub source: SourceId,
    /// The symbol.
    pub symbol: Symbol,
    /// The bar size.
    pub interval: Interval,
    /// Whether prices are adjusted for splits and dividends.
    pub adjusted: bool,
}

/// Why a text names no series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotASeries {
    /// It does not begin with a symbol, with or without its source.
    #[error(transparent)]
    Instrument(#[from] NotAnInstrument),
    /// Another word is not an interval.
    #[error(transparent)]
    Interval(#[from] UnknownInterval),
    /// One word too many.
    #[error(
        "{0:?} is one word too many; write a symbol, an interval, and adjusted or raw: IBM daily adjusted"
    )]
    Extra(String),
}

impl SeriesKey {
    /// The series that words name: a symbol with or without its source, then an interval, then
    /// `adjusted` or `raw`, in any case: `alpaca:AAPL 5min adjusted`.
    ///
    /// Without an interval the series has `interval`; without the last word its prices are raw.
    pub fn from_words(
        words: &str,
        interval: Interval,
        sources: &Sources,
    ) -> Result<Self, NotASeries> {
        let mut words = words.split_whitespace().peekable();
        let instrument = sources.instrument(words.next().unwrap_or_default())?;
        let interval = match words.next_if(|word| prices(word).is_none()) {
            Some(word) => word.parse()?,
            None => interval,
        };
        let adjusted = words.peek().and_then(|word| prices(word));
        if adjusted.is_some() {
            words.next();
        }
        match words.next() {
            Some(word) => Err(NotASeries::Extra(text::clean_to(word, Symbol::MAX_LEN))),
            None => Ok(Self {
                adjusted: adjusted.unwrap_or(false),
                ..Self::of(&instrument, interval)
            }),
        }
    }

    /// The series of raw, as-traded prices of an instrument.
    #[must_use]
    pub fn of(instrument: &Instrument, interval: Interval) -> Self {
        Self {
            source: instrument.source.clone(),
            ..Self::raw(instrument.symbol.clone(), interval)
        }
    }

    /// Whether its bars are longer than those of a series that is otherwise the same.
    #[must_use]
    pub fn is_coarser_than(&self, other: &Self) -> bool {
        self.symbol == other.symbol
            && self.source == other.source
            && self.adjusted == other.adjusted
            && self.interval.length() > other.interval.length()
    }

    /// The same series at another source.
    #[must_use]
    pub fn at(&self, source: &SourceId) -> Self {
        Self {
            source: source.clone(),
            ..self.clone()
        }
    }

    /// Its symbol and source.
    #[must_use]
    pub fn instrument(&self) -> Instrument {
        Instrument {
            source: self.source.clone(),
            symbol: self.symbol.clone(),
        }
    }

    /// The series of raw, as-traded prices of the default source.
    #[must_use]
    pub const fn raw(symbol: Symbol, interval: Interval) -> Self {
        Self {
            source: SourceId::DEFAULT,
            symbol,
            interval,
            adjusted: false,
        }
    }
}

impl SeriesKey {
    /// Whether the store keeps its bars as adjusted. Functions for daily and longer bars send raw
    /// prices beside the adjusted close, so these bars are the same rows, adjusted or not.
    #[must_use]
    pub const fn is_stored_adjusted(&self) -> bool {
        self.adjusted && self.interval.is_intraday()
    }

    /// Whether its source adjusts it, and restates it after each event. What daily bars are worth is
    /// computed from raw ones.
    #[must_use]
    pub fn is_adjusted_by_source(&self) -> bool {
        self.adjusted && self.interval != Interval::Daily
    }
}

impl fmt::Display for SeriesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.prefix(&self.symbol, f)?;
        write!(f, "{} {}", self.symbol, self.interval)?;
        if self.adjusted {
            f.write_str(" adjusted")
        } else {
            Ok(())
        }
    }
}

/// Whether a word asks for adjusted prices; `None` if it is about something else.
fn prices(word: &str) -> Option<bool> {
    [("adjusted", true), ("raw", false)]
        .into_iter()
        .find_map(|(name, adjusted)| word.eq_ignore_ascii_case(name).then_some(adjusted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        Sources {
            usual: SourceId::DEFAULT,
            known: vec![SourceId::DEFAULT, SourceId::known("alpaca")],
        }
    }

    fn named(words: &str) -> Result<String, String> {
        SeriesKey::from_words(words, Interval::Weekly, &sources())
            .map(|series| series.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_series_is_a_symbol_an_interval_and_the_kind_of_prices() {
        for (words, series) in [
            ("ibm", "IBM weekly"),
            ("  BRK-b \t 5MIN ", "BRK-B 5min"),
            ("IBM Daily Adjusted", "IBM daily adjusted"),
            ("IBM adjusted", "IBM weekly adjusted"),
            ("IBM daily RAW", "IBM daily"),
            ("raw", "RAW weekly"),
            ("Alpaca:aapl 5min", "alpaca:AAPL 5min"),
            ("alpha_vantage:FRA:iqqe", "alpha_vantage:FRA:IQQE weekly"),
        ] {
            assert_eq!(named(words), Ok(series.to_owned()), "{words}");
        }
    }

    #[test]
    fn what_a_series_prints_names_it() {
        for (adjusted, source) in [(false, "alpha_vantage"), (true, "alpaca")] {
            for interval in Interval::ALL {
                let symbol = "FRA:IQQE".parse().unwrap();
                let series = SeriesKey {
                    adjusted,
                    source: SourceId::known(source),
                    ..SeriesKey::raw(symbol, interval)
                };
                let read = SeriesKey::from_words(&series.to_string(), Interval::Daily, &sources());
                assert_eq!(read, Ok(series));
            }
        }
    }

    #[test]
    fn words_that_name_no_series_are_answered_with_what_to_write() {
        for (words, say) in [
            (String::new(), "write one such as IBM"),
            (" \n ".to_owned(), "write one such as IBM"),
            (
                "IBM hourly".to_owned(),
                "\"hourly\" is not an interval; use 1min",
            ),
            (
                "IBM daily weekly".to_owned(),
                "\"weekly\" is one word too many",
            ),
            ("IBM adjusted daily".to_owned(), "IBM daily adjusted"),
            ("IBM daily raw raw".to_owned(), "one word too many"),
            ("IBM daily adjustet".to_owned(), "adjusted or raw"),
            ("IBM,AAPL daily".to_owned(), "','"),
            ("STRASSE-ß\u{1b}[2J".to_owned(), "cannot contain"),
            ("X".repeat(100_000), "at most 32"),
            (format!("IBM {}", "y".repeat(100_000)), "use 1min"),
        ] {
            let error = named(&words).unwrap_err();
            assert!(error.contains(say) && error.len() < 200, "{error}");
            assert!(!error.contains(char::is_control), "{error:?}");
        }
    }
}
