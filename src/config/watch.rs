//! Which series to watch, according to the configuration.

use super::error::{ConfigError, shown};
use super::layers::{Given, Layers};
use super::source::SourceSettings;
use super::table;
use crate::model::instrument::NotAnInstrument;
use crate::model::nearest::nearest;
use crate::model::{Instrument, Interval, SourceId, Sources, text};

/// What fills an empty watch list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchDefaults {
    /// The symbols, each once.
    pub symbols: Vec<Instrument>,
    /// The interval of each.
    pub interval: Interval,
}

/// Reads symbols separated by commas, in order, each once.
pub fn parse_symbols(text: &str, sources: &Sources) -> Result<Vec<Instrument>, NotAnInstrument> {
    let mut symbols = Vec::new();
    // A comma at the end is a habit, not an empty symbol.
    for part in text.trim().trim_end_matches(',').split(',') {
        let symbol = sources.instrument(part)?;
        if !symbols.contains(&symbol) {
            symbols.push(symbol);
        }
    }
    Ok(symbols)
}

/// The known sources, and the one that the layers name for symbols without one: by default the
/// first that is known.
pub(super) fn sources(known: Vec<SourceId>, layers: &Layers) -> Result<Sources, ConfigError> {
    let Some(given) = layers.get(&table::SOURCE) else {
        let usual = known.first().cloned().unwrap_or_default();
        return Ok(Sources { usual, known });
    };
    let name = given.value.trim();
    if let Some(usual) = known.iter().find(|source| source.as_str() == name) {
        let usual = usual.clone();
        return Ok(Sources { usual, known });
    }
    let names: Vec<&str> = known.iter().map(SourceId::as_str).collect();
    let advice = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("use {}", text::either(&names)),
    };
    let name = shown(name);
    Err(given.error(format!(
        "this version does not know the source {name}; {advice}"
    )))
}

/// The symbols that a source suggests.
pub(super) fn suggested(
    source: &SourceSettings,
    sources: &Sources,
) -> Result<Vec<Instrument>, ConfigError> {
    let of_it = Sources {
        usual: source.id.clone(),
        known: sources.known.clone(),
    };
    let suggested = source.suggested.join(",");
    let named = if suggested.is_empty() {
        table::SYMBOLS.default
    } else {
        &suggested
    };
    parse_symbols(named, &of_it)
        .map_err(|error| ConfigError::new(table::SYMBOLS.name, error.to_string()))
}

pub(super) fn symbols(given: &Given, sources: &Sources) -> Result<Vec<Instrument>, ConfigError> {
    parse_symbols(&given.value, sources).map_err(|error| given.error(error.to_string()))
}

pub(super) fn interval(given: &Given) -> Result<Interval, ConfigError> {
    let value = given.value.trim().parse::<Interval>();
    value.map_err(|error| given.error(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::symbol::SymbolError;

    #[test]
    fn symbols_keep_their_order_and_come_once() {
        let known = vec![SourceId::DEFAULT, SourceId::known("other")];
        let sources = Sources {
            usual: SourceId::DEFAULT,
            known,
        };
        let read = |text: &str| parse_symbols(text, &sources);
        let symbols = read(" MSFT, ibm,other:MSFT,msft ,BRK-B,IBM,Other:msft,").unwrap();
        let names: Vec<_> = symbols.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["MSFT", "IBM", "other:MSFT", "BRK-B"]);
        assert_eq!(read(","), Err(SymbolError::Empty.into()));
        assert_eq!(read("A,,B"), Err(SymbolError::Empty.into()));
        assert_eq!(read("A B"), Err(SymbolError::Character(' ').into()));
    }
}
