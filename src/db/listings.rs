//! Listings as rows, in the types both databases decode to.

use chrono::NaiveDate;

use super::error::Result;
use super::row::word;
use crate::model::listing::KnownListing;
use crate::model::{Listing, Rename};

/// The name under which a store remembers when a source sent its list of symbols.
pub fn listings_at(source: &str) -> String {
    format!("listings_at_{source}")
}

/// A row of `listings`.
#[derive(Debug, sqlx::FromRow)]
pub struct ListingRow {
    symbol: String,
    name: String,
    exchange: String,
    kind: String,
    calendar: Option<String>,
    currency: Option<String>,
    status: String,
    listed: Option<NaiveDate>,
    delisted: Option<NaiveDate>,
    renamed_from: Option<String>,
    renamed_from_on: Option<NaiveDate>,
    renamed_to: Option<String>,
    renamed_to_on: Option<NaiveDate>,
    learnt: String,
}

/// The columns of [`ListingRow`], of the table `l`.
macro_rules! listing_columns {
    () => {
        "l.symbol, l.name, l.exchange, l.kind, l.calendar, l.currency, l.status, l.listed, l.delisted, \
         l.renamed_from, l.renamed_from_on, l.renamed_to, l.renamed_to_on, l.learnt"
    };
}
pub(super) use listing_columns;

impl ListingRow {
    /// What the row says.
    pub fn known(self) -> Result<KnownListing> {
        let rename = |to: Option<String>, on: Option<NaiveDate>| {
            let rename = to.zip(on).map(|(to, date)| {
                let symbol = word(&to, "symbol")?;
                Ok(Rename { symbol, date })
            });
            rename.transpose()
        };
        let listing = Listing {
            symbol: word(&self.symbol, "symbol")?,
            name: self.name,
            exchange: self.exchange,
            kind: self.kind,
            // A newer version may know calendars that this one does not.
            calendar: self.calendar.and_then(|word| word.parse().ok()),
            currency: self.currency.and_then(|code| code.parse().ok()),
            status: word(&self.status, "status")?,
            listed: self.listed,
            delisted: self.delisted,
            renamed_from: rename(self.renamed_from, self.renamed_from_on)?,
            renamed_to: rename(self.renamed_to, self.renamed_to_on)?,
        };
        Ok(KnownListing {
            listing,
            learnt: word(&self.learnt, "source of a listing")?,
        })
    }
}
