//! One bar of a series.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::{Price, Volume};

/// Open, high, low, close and volume of one interval, with the label the provider gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// The label as an instant. Daily and longer bars carry 00:00 of their date in the exchange's zone.
    pub timestamp: DateTime<Utc>,
    /// The exchange's own date.
    pub trading_date: NaiveDate,
    /// First price.
    #[serde(rename = "open_price")]
    pub open: Price,
    /// Highest price.
    #[serde(rename = "high_price")]
    pub high: Price,
    /// Lowest price.
    #[serde(rename = "low_price")]
    pub low: Price,
    /// Last price.
    #[serde(rename = "close_price")]
    pub close: Price,
    /// Shares traded.
    pub volume: Volume,
    /// Whether its period had ended when it was requested: then only a correction changes it.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Close after splits and dividends; sent only where adjusted daily and longer bars were requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjusted_close: Option<Price>,
    /// Dividend of the period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dividend_amount: Option<Price>,
    /// Split coefficient of the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_coefficient: Option<Price>,
}

/// How a bar closed, and where it began: as much of it as a summary of its series needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close {
    /// The label of the bar.
    pub timestamp: DateTime<Utc>,
    /// The exchange's own date.
    pub trading_date: NaiveDate,
    /// Its first price.
    pub open: Price,
    /// Its last price.
    pub price: Price,
    /// Whether the bar's period had ended when it was requested.
    pub is_final: bool,
}

impl From<&Bar> for Close {
    fn from(bar: &Bar) -> Self {
        Self {
            timestamp: bar.timestamp,
            trading_date: bar.trading_date,
            open: bar.open,
            price: bar.close,
            is_final: bar.is_final,
        }
    }
}

impl Bar {
    /// Whether the bar carries any of the three columns that only adjusted bars fill.
    #[must_use]
    pub const fn has_adjustments(&self) -> bool {
        self.adjusted_close.is_some()
            || self.dividend_amount.is_some()
            || self.split_coefficient.is_some()
    }
}
