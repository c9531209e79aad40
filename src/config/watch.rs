//! Which series to watch, according to the configuration.

use super::error::ConfigError;
use super::layers::{Entry, Layers};
use super::plan::Plan;
use super::table;
use crate::model::symbol::SymbolError;
use crate::model::{Interval, Symbol};

/// What fills an empty watch list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchDefaults {
    /// The symbols, each once.
    pub symbols: Vec<Symbol>,
    /// The interval of each.
    pub interval: Interval,
}

/// Reads symbols separated by commas, in order, each once.
pub fn parse_symbols(text: &str) -> Result<Vec<Symbol>, SymbolError> {
    let mut symbols = Vec::new();
    // A comma at the end is a habit, not an empty symbol.
    for part in text.trim().trim_end_matches(',').split(',') {
        let symbol = part.parse()?;
        if !symbols.contains(&symbol) {
            symbols.push(symbol);
        }
    }
    Ok(symbols)
}

/// The symbols that the file names, or else the built-in ones; the interval, if the file names one.
pub(super) fn defaults(layers: &Layers) -> Result<(Vec<Symbol>, Option<Interval>), ConfigError> {
    let symbols = match layers.in_file(&table::SYMBOLS) {
        Some(entry) => symbols(entry)?,
        None => parse_symbols(table::SYMBOLS.default)
            .map_err(|error| ConfigError::new(table::SYMBOLS.name, error.to_string()))?,
    };
    let interval = layers.in_file(&table::INTERVAL).map(interval);
    Ok((symbols, interval.transpose()?))
}

/// The interval if none is set: the finest that is worth its requests and that the key can fetch.
pub(super) const fn usual_interval(plan: Plan, key_is_demo: bool) -> Interval {
    match plan {
        Plan::PerMinute(_) | Plan::Unlimited if !key_is_demo => Interval::Min5,
        _ => Interval::Daily,
    }
}

pub(super) fn symbols(entry: &Entry) -> Result<Vec<Symbol>, ConfigError> {
    parse_symbols(&entry.value).map_err(|error| entry.error(error.to_string()))
}

pub(super) fn interval(entry: &Entry) -> Result<Interval, ConfigError> {
    let value = entry.value.trim().parse::<Interval>();
    value.map_err(|error| entry.error(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_keep_their_order_and_come_once() {
        let symbols = parse_symbols(" MSFT, IBM,MSFT ,BRK-B,").unwrap();
        let names: Vec<_> = symbols.iter().map(Symbol::as_str).collect();
        assert_eq!(names, ["MSFT", "IBM", "BRK-B"]);
        assert_eq!(parse_symbols(","), Err(SymbolError::Empty));
        assert_eq!(parse_symbols("A,,B"), Err(SymbolError::Empty));
        assert_eq!(parse_symbols("A B"), Err(SymbolError::Character(' ')));
    }
}
