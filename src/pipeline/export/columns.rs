//! The columns of exported bars: one list for every format.

use chrono::{DateTime, NaiveDate, Utc};

use crate::model::{Bar, Price, SeriesKey, Volume};

/// A column.
#[derive(Debug)]
pub struct Column {
    /// Its name, that of the store's column.
    pub name: &'static str,
    /// What its cells hold.
    pub cell: Cell,
}

/// Reads a cell; the kind says how each format writes it.
#[derive(Debug)]
pub enum Cell {
    /// A word of the series, the same in every row.
    Text(fn(&SeriesKey) -> &str),
    /// Yes or no.
    Flag(fn(&SeriesKey, &Bar) -> bool),
    /// An instant.
    Instant(fn(&Bar) -> DateTime<Utc>),
    /// A date.
    Day(fn(&Bar) -> NaiveDate),
    /// An amount.
    Price(fn(&Bar) -> Price),
    /// An amount that not every bar has.
    Extra(fn(&Bar) -> Option<Price>),
    /// A volume.
    Volume(fn(&Bar) -> Volume),
}

/// The columns, in their order.
pub static COLUMNS: [Column; 15] = [
    column("symbol", Cell::Text(|series| series.symbol.as_str())),
    column("interval", Cell::Text(|series| series.interval.as_str())),
    column(
        "adjusted",
        Cell::Flag(|series, _| series.is_stored_adjusted()),
    ),
    column("timestamp", Cell::Instant(|bar| bar.timestamp)),
    column("trading_date", Cell::Day(|bar| bar.trading_date)),
    column("open_price", Cell::Price(|bar| bar.open)),
    column("high_price", Cell::Price(|bar| bar.high)),
    column("low_price", Cell::Price(|bar| bar.low)),
    column("close_price", Cell::Price(|bar| bar.close)),
    column("volume", Cell::Volume(|bar| bar.volume)),
    column("adjusted_close", Cell::Extra(|bar| bar.adjusted_close)),
    column("dividend_amount", Cell::Extra(|bar| bar.dividend_amount)),
    column(
        "split_coefficient",
        Cell::Extra(|bar| bar.split_coefficient),
    ),
    column("source", Cell::Text(|series| series.source.as_str())),
    column("final", Cell::Flag(|_, bar| bar.is_final)),
];

const fn column(name: &'static str, cell: Cell) -> Column {
    Column { name, cell }
}
