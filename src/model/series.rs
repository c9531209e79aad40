//! What a bar belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Interval, Symbol};

/// Names a series of bars: with the bar's instant it is the key of the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeriesKey {
    /// The symbol.
    pub symbol: Symbol,
    /// The bar size.
    pub interval: Interval,
    /// Whether prices are adjusted for splits and dividends.
    pub adjusted: bool,
}

impl SeriesKey {
    /// The series of raw, as-traded prices.
    #[must_use]
    pub const fn raw(symbol: Symbol, interval: Interval) -> Self {
        Self {
            symbol,
            interval,
            adjusted: false,
        }
    }
}

impl fmt::Display for SeriesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.symbol, self.interval)?;
        if self.adjusted {
            f.write_str(" adjusted")
        } else {
            Ok(())
        }
    }
}
