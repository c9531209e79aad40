//! What a source says of an instrument.

use chrono::NaiveDate;

use super::calendar::CalendarId;
use super::words::words;
use super::{Currency, Symbol};

words! {
    /// Whether a symbol is traded.
    pub enum Status {
        /// It is.
        Active = "active",
        /// It was, and is expected to be again.
        Halted = "halted",
        /// It no longer is.
        Delisted = "delisted",
    }
}

words! {
    /// Where a listing was learnt from.
    pub enum Learnt {
        /// The list of everything that a source trades.
        List = "list",
        /// A search.
        Search = "search",
        /// Corporate actions.
        Actions = "actions",
    }
}

/// The other symbol of an instrument that was renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The symbol before, or since.
    pub symbol: Symbol,
    /// The first day under the new symbol.
    pub date: NaiveDate,
}

/// What is traded under a symbol of a source. Its texts are safe to show.
///
/// A source fills in what it says, and leaves the rest as [`Listing::of`] makes it: what it does not
/// say is unknown, never a guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The symbol.
    pub symbol: Symbol,
    /// The company, fund or pair; may be empty.
    pub name: String,
    /// Where it is traded: an exchange, or a region where the source names no exchange; may be empty.
    pub exchange: String,
    /// What it is, such as `Stock`, `Equity`, `ETF` or `Crypto`; may be empty.
    pub kind: String,
    /// When it is traded.
    pub calendar: Option<CalendarId>,
    /// What its prices are in.
    pub currency: Option<Currency>,
    /// Whether it is traded.
    pub status: Status,
    /// The first day on which it was traded under this symbol.
    pub listed: Option<NaiveDate>,
    /// The last day.
    pub delisted: Option<NaiveDate>,
    /// What its symbol was before.
    pub renamed_from: Option<Rename>,
    /// What its symbol is since.
    pub renamed_to: Option<Rename>,
}

impl Listing {
    /// A traded symbol of which nothing else is known.
    #[must_use]
    pub const fn of(symbol: Symbol) -> Self {
        Self {
            symbol,
            name: String::new(),
            exchange: String::new(),
            kind: String::new(),
            calendar: None,
            currency: None,
            status: Status::Active,
            listed: None,
            delisted: None,
            renamed_from: None,
            renamed_to: None,
        }
    }
}
