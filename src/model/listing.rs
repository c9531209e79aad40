//! What a symbol stands for, in the provider's words.

use super::Symbol;

/// A symbol and what is traded under it. Its texts are safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The symbol.
    pub symbol: Symbol,
    /// The company or fund; may be empty.
    pub name: String,
    /// Where it is traded: an exchange, or for matches of the provider's own search a region.
    pub exchange: String,
    /// What it is, such as `Stock`, `Equity` or `ETF`.
    pub kind: String,
}
