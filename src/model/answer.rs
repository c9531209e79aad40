//! A request to the provider, its answer, and what is read from the answer.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::run::{RequestId, RunId};
use super::words::words;
use super::{Bar, SeriesKey};

words! {
    /// How much of a series is requested.
    pub enum Outputsize {
        /// The newest 100 bars.
        Compact = "compact",
        /// The trailing 30 days, the whole month, or the whole history.
        Full = "full",
    }
}

words! {
    /// The requested format of the answer.
    pub enum Datatype {
        /// JSON with metadata.
        Json = "json",
        /// CSV without metadata, a quarter of the size.
        Csv = "csv",
    }
}

words! {
    /// The recency a plan may include.
    pub enum Entitlement {
        /// Bars of this minute.
        Realtime = "realtime",
        /// Bars that are 15 minutes old.
        Delayed = "delayed",
    }
}

/// One request for bars: which series its answer fills and the parameters, in the order in which
/// they are sent, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The series that the answer is stored under.
    pub series: SeriesKey,
    /// Parameters of the URL, `function` first.
    pub query: Vec<(String, String)>,
}

impl Ask {
    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// The requested function.
    #[must_use]
    pub fn function(&self) -> &str {
        self.get("function").unwrap_or_default()
    }
}

/// One symbol request; its answer fills no series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolAsk {
    /// Parameters of the URL, `function` first, without the key.
    pub query: Vec<(String, String)>,
}

/// Whatever costs a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// About the bars of a series.
    Bars(Ask),
    /// About symbols.
    Symbols(SymbolAsk),
}

impl Question {
    /// The series that the answer is stored under, if it holds bars.
    #[must_use]
    pub const fn series(&self) -> Option<&SeriesKey> {
        match self {
            Self::Bars(ask) => Some(&ask.series),
            Self::Symbols(_) => None,
        }
    }

    /// Parameters of the URL, `function` first, without the key.
    #[must_use]
    pub fn query(&self) -> &[(String, String)] {
        match self {
            Self::Bars(Ask { query, .. }) | Self::Symbols(SymbolAsk { query }) => query,
        }
    }

    /// The requested function.
    #[must_use]
    pub fn function(&self) -> &str {
        find(self.query(), "function").unwrap_or_default()
    }
}

impl From<Ask> for Question {
    fn from(ask: Ask) -> Self {
        Self::Bars(ask)
    }
}

impl SymbolAsk {
    /// The requested function.
    #[must_use]
    pub fn function(&self) -> &str {
        find(&self.query, "function").unwrap_or_default()
    }
}

fn find<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// What came back, before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, not to be trusted.
    pub content_type: Option<String>,
    /// The decoded body, with every known secret replaced.
    pub body: Bytes,
    /// When the last byte arrived.
    pub received_at: DateTime<Utc>,
    /// Milliseconds from sending to the last byte.
    pub elapsed_ms: u32,
}

/// A row that validation refused, or a row with one extra set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedRow {
    /// The row's label, safe to show.
    pub label: String,
    /// The row as received, safe to show.
    pub content: String,
    /// Why it was refused or what was set aside.
    pub reason: String,
}

/// The bars of one answer, ready to be stored in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The request that was answered.
    pub request: RequestId,
    /// The run that requested it.
    pub run: RunId,
    /// The series the bars belong to.
    pub series: SeriesKey,
    /// Bars, oldest first, each instant once.
    pub bars: Vec<Bar>,
    /// Rows that were refused, and extras that were set aside.
    pub rejected: Vec<RejectedRow>,
    /// Rows the answer held.
    pub received: u32,
    /// Values whose digits were rounded away.
    pub rounded: u32,
    /// Adjusted closes, dividends and splits that were set aside.
    pub set_aside: u32,
    /// Milliseconds that reading the answer took.
    pub parse_ms: u32,
}

/// What an upsert did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Bars that were new.
    pub inserted: u32,
    /// Bars with a changed value.
    pub changed: u32,
    /// Bars that were already stored as received.
    pub unchanged: u32,
}

impl Counts {
    /// What an upsert did to the bars that it was offered.
    #[must_use]
    pub fn of(offered: usize, inserted: u32, changed: u32) -> Self {
        let offered = u32::try_from(offered).unwrap_or(u32::MAX);
        let written = inserted.saturating_add(changed);
        debug_assert!(
            written <= offered,
            "{written} of {offered} bars were written"
        );
        Self {
            inserted,
            changed,
            unchanged: offered.saturating_sub(written),
        }
    }

    /// The bars that were offered.
    #[must_use]
    pub const fn offered(&self) -> u32 {
        self.inserted + self.changed + self.unchanged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_was_there_and_the_counts_add_up() {
        let counts = Counts::of(9, 2, 3);
        assert_eq!((counts.unchanged, counts.offered()), (4, 9));
        assert_eq!(Counts::of(0, 0, 0), Counts::default());
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "6 of 5 bars were written")]
    fn more_written_than_offered_is_noticed() {
        let _ = Counts::of(5, 4, 2);
    }
}
