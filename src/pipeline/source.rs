//! What the pipeline expects of a provider.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{Datelike as _, NaiveDate};
use uuid::Uuid;

use crate::model::{
    Answer, Ask, Bar, Datatype, Entitlement, ErrorClass, Listing, Outputsize, RejectedRow,
    SeriesKey, SymbolAsk,
};

/// What a person may choose about how a series is fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchOptions {
    /// A calendar month, `YYYY-MM`.
    pub month: Option<Month>,
    /// How much is requested.
    pub outputsize: Option<Outputsize>,
    /// Leave out bars before 09:30 and after 16:00.
    pub regular_hours: bool,
    /// The format of the answer.
    pub datatype: Option<Datatype>,
    /// The recency that the plan includes.
    pub entitlement: Option<Entitlement>,
}

/// A calendar month that can be requested from the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: u16,
    month: u8,
}

impl Month {
    /// The month of a date.
    #[must_use]
    pub fn of(date: NaiveDate) -> Self {
        Self {
            year: u16::try_from(date.year()).unwrap_or_default(),
            month: u8::try_from(date.month()).unwrap_or_default(),
        }
    }
}

/// Why a text is not such a month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a month; write YYYY-MM, from 2000-01 on")]
pub struct NotAMonth(String);

impl std::str::FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Self, NotAMonth> {
        let parse = || {
            let (year, month) = text.split_once('-')?;
            if year.len() != 4
                || month.len() != 2
                || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
            {
                return None;
            }
            let (year, month) = (year.parse().ok()?, month.parse().ok()?);
            (year >= 2000 && (1..=12).contains(&month)).then_some(Self { year, month })
        };
        parse().ok_or_else(|| NotAMonth(crate::model::text::clean(text)))
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// A refusal: by the provider, or by us before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The class, which decides what happens next.
    pub class: ErrorClass,
    /// What the provider said or what was found, safe to show, one sentence where possible.
    pub text: String,
    /// The parameter a `not_entitled` is about, as `name=value`; `None`: the whole function.
    pub parameter: Option<String>,
    /// The requests a second that a burst refusal names.
    pub per_second: Option<u32>,
}

impl Refusal {
    /// A refusal without further detail.
    #[must_use]
    pub fn new(class: ErrorClass, text: impl Into<String>) -> Self {
        Self {
            class,
            text: text.into(),
            parameter: None,
            per_second: None,
        }
    }
}

/// What an answer holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Bars, oldest first, each instant once.
    pub bars: Vec<Bar>,
    /// Rows that validation refused, and extras that were set aside.
    pub rejected: Vec<RejectedRow>,
    /// Rows the answer held.
    pub received: u32,
    /// Values whose digits past the eighth were rounded away.
    pub rounded: u32,
    /// Adjusted closes, dividends and splits that cannot be used; their bars are stored without them.
    pub set_aside: u32,
}

/// What may be requested about symbols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SymbolWish {
    /// The list of everything that is traded.
    List,
    /// The provider's best matches for a text.
    Search(String),
}

/// What an answer about symbols holds, each symbol once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SymbolReading {
    /// The list of everything that is traded; never empty.
    Listed(Vec<Listing>),
    /// The matches of a search, best first; may be empty.
    Found(Vec<Listing>),
}

/// How sending failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError {
    /// Nothing was sent: the request is not spent.
    NeverSent(String),
    /// The connection broke or stayed silent after sending: the request counts as spent.
    Broken(String),
    /// The answer was larger than any real answer.
    TooLarge(String),
    /// The server's certificate is not trusted: nothing was sent, and a retry would not help.
    Untrusted(String),
    /// It redirects to another address, which must not get the key: a retry would not help.
    Redirected(String),
}

/// The provider asked for a pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// What it said.
    pub why: Refusal,
    /// How long the pause still lasts.
    pub left: Duration,
}

/// A provider of bars.
#[async_trait]
pub trait BarSource: std::fmt::Debug + Send + Sync {
    /// Turns a wanted series into a request, or refuses it without spending one.
    fn ask(&self, series: &SeriesKey, options: &FetchOptions) -> Result<Ask, Refusal>;

    /// Sends a request's parameters exactly once, with `attempt` as `X-Request-Id`.
    async fn send(&self, query: &[(String, String)], attempt: Uuid) -> Result<Answer, SendError>;

    /// The pause that the provider asked for, while it lasts; nothing is sent during it.
    fn pause(&self) -> Option<Pause> {
        None
    }

    /// Reads an answer: bars, or the class of refusal.
    fn read(&self, ask: &Ask, answer: &Answer) -> Result<Reading, Refusal>;

    /// Turns what is wanted about symbols into a request, or refuses it without spending one.
    fn ask_symbols(&self, wish: &SymbolWish) -> Result<SymbolAsk, Refusal>;

    /// Reads an answer about symbols, or the class of refusal.
    fn read_symbols(&self, ask: &SymbolAsk, answer: &Answer) -> Result<SymbolReading, Refusal>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_calendar_months_since_2000() {
        assert_eq!("2009-01".parse::<Month>().unwrap().to_string(), "2009-01");
        for text in [
            "2024-13", "2024-00", "1999-12", "2024-1", "24-01", "2024/01", "+024-01", "",
        ] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }
}
