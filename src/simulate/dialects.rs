//! The table of dialects: the only place that names them all.

mod alpaca;
mod alpha_vantage;
mod binance;
mod coinbase;

use super::dialect::Dialect;
use super::speak::{Setup, Speak};

/// One dialect of the table.
struct Row {
    dialect: Dialect,
    /// Where it is spoken: this path and what follows it after a slash.
    path: &'static str,
    speaker: fn(Setup) -> Box<dyn Speak>,
}

const ROWS: [Row; 4] = [
    Row {
        dialect: Dialect::AlphaVantage,
        path: "/query",
        speaker: alpha_vantage::speaker,
    },
    Row {
        dialect: Dialect::Coinbase,
        path: "/coinbase",
        speaker: coinbase::speaker,
    },
    Row {
        dialect: Dialect::Binance,
        path: "/binance",
        speaker: binance::speaker,
    },
    Row {
        dialect: Dialect::Alpaca,
        path: "/alpaca",
        speaker: alpaca::speaker,
    },
];

/// Where a dialect is spoken.
pub(super) fn path(dialect: Dialect) -> &'static str {
    let row = ROWS.iter().find(|row| row.dialect == dialect);
    row.map_or("", |row| row.path)
}

/// The dialect of a path, and what follows in it.
pub(super) fn of_path(path: &str) -> Option<(Dialect, &str)> {
    ROWS.iter().find_map(|row| {
        let rest = path.strip_prefix(row.path)?;
        (rest.is_empty() || rest.starts_with('/')).then_some((row.dialect, rest))
    })
}

/// Who speaks a dialect.
pub(super) fn speaker(dialect: Dialect, setup: Setup) -> Option<Box<dyn Speak>> {
    let row = ROWS.iter().find(|row| row.dialect == dialect);
    row.map(|row| (row.speaker)(setup))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_is_spoken_at_a_path_of_its_own() {
        for dialect in Dialect::ALL {
            assert_eq!(of_path(path(*dialect)), Some((*dialect, "")));
        }
        assert_eq!(
            of_path("/coinbase/products"),
            Some((Dialect::Coinbase, "/products"))
        );
        assert_eq!(of_path("/coinbases"), None);
        assert_eq!(of_path("/"), None);
    }
}
