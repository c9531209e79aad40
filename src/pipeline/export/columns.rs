//! The columns of exported bars: one list for every format, for bars as they are stored and for those
//! on the scale of their series.

use chrono::{DateTime, NaiveDate, Utc};

use crate::model::adjustment::ScaledBar;
use crate::model::{Bar, Currency, Interval, Price, Volume};
use crate::pipeline::subject::Subject;

/// What a row of an exported file is made of.
pub trait BarRow: Copy + Send + 'static {
    /// The columns, in their order.
    fn columns() -> &'static [Column<Self>];
}

/// A column.
#[derive(Debug)]
pub struct Column<R: 'static> {
    /// Its name, that of the store's column.
    pub name: &'static str,
    /// What its cells hold.
    pub cell: Cell<R>,
}

/// Reads a cell; the kind says how each format writes it.
#[derive(Debug)]
pub enum Cell<R: 'static> {
    /// A word of the series, the same in every row.
    Text(fn(&Subject) -> &str),
    /// The same where it is not always known.
    Known(fn(&Subject) -> Option<&str>),
    /// Yes or no.
    Flag(fn(&Subject, &R) -> bool),
    /// An instant.
    Instant(fn(&R) -> DateTime<Utc>),
    /// A date.
    Day(fn(&R) -> NaiveDate),
    /// An amount.
    Price(fn(&R) -> Price),
    /// An amount that not every bar has.
    Extra(fn(&R) -> Option<Price>),
    /// A volume.
    Volume(fn(&R) -> Volume),
    /// An amount that is computed, where it can be known.
    Computed(fn(&R) -> Option<Price>),
    /// A volume that is computed, where it can be known.
    ComputedVolume(fn(&R) -> Option<Volume>),
}

/// The columns of rows with a bar: which of them are adjusted, their prices and their volume differ.
macro_rules! columns {
    ($row:ident: $bar:expr, $adjusted:expr, [$open:expr, $high:expr, $low:expr, $close:expr], $volume:expr) => {
        [
            column("symbol", Cell::Text(|of| of.series.symbol.as_str())),
            column("interval", Cell::Text(|of| of.series.interval.as_str())),
            column("adjusted", Cell::Flag($adjusted)),
            column("timestamp", Cell::Instant(|$row| $bar.timestamp)),
            column("trading_date", Cell::Day(|$row| $bar.trading_date)),
            column("open_price", $open),
            column("high_price", $high),
            column("low_price", $low),
            column("close_price", $close),
            column("volume", $volume),
            column("adjusted_close", Cell::Extra(|$row| $bar.adjusted_close)),
            column("dividend_amount", Cell::Extra(|$row| $bar.dividend_amount)),
            column(
                "split_coefficient",
                Cell::Extra(|$row| $bar.split_coefficient),
            ),
            column("source", Cell::Text(|of| of.series.source.as_str())),
            column("final", Cell::Flag(|_, $row| $bar.is_final)),
            column(
                "currency",
                Cell::Known(|of| of.currency.as_ref().map(Currency::as_str)),
            ),
            column(
                "derived_from",
                Cell::Known(|of| of.derived_from.map(Interval::as_str)),
            ),
        ]
    };
}

static AS_STORED: [Column<Bar>; 17] = columns!(
    row: row,
    |of, _| of.series.is_stored_adjusted(),
    [
        Cell::Price(|row| row.open),
        Cell::Price(|row| row.high),
        Cell::Price(|row| row.low),
        Cell::Price(|row| row.close)
    ],
    Cell::Volume(|row| row.volume)
);

static ON_ONE_SCALE: [Column<ScaledBar>; 17] = columns!(
    row: row.bar,
    |_, _| true,
    [
        Cell::Computed(|row| row.scaled.open),
        Cell::Computed(|row| row.scaled.high),
        Cell::Computed(|row| row.scaled.low),
        Cell::Computed(|row| row.scaled.close)
    ],
    Cell::ComputedVolume(|row| row.scaled.volume)
);

impl BarRow for Bar {
    fn columns() -> &'static [Column<Self>] {
        &AS_STORED
    }
}

impl BarRow for ScaledBar {
    fn columns() -> &'static [Column<Self>] {
        &ON_ONE_SCALE
    }
}

const fn column<R>(name: &'static str, cell: Cell<R>) -> Column<R> {
    Column { name, cell }
}
