//! The tapes on which a company's trades are reported: the consolidated one, and that of one
//! exchange, where few of them are seen.

use chrono::NaiveDate;

use crate::model::words::words;
use crate::simulate::actions::Factors;
use crate::simulate::calendar::midnight;
use crate::simulate::candles::{self, Candle, Ticks, View};
use crate::simulate::company::Company;
use crate::simulate::noise::{float, mix, nearest, unit};

words! {
    /// A tape.
    pub enum Feed {
        /// All exchanges.
        Sip = "sip",
        /// One exchange.
        Iex = "iex",
    }
}

/// The part of all shares that the one exchange trades is one in so many.
const IEX_PART: f64 = 40.0;
/// Shares of a trade there: with fewer expected, some minutes see none.
const IEX_TRADE: f64 = 40.0;
/// Shares of a usual trade.
const TRADE: i64 = 90;
/// Ticks of a cent.
const CENT: i64 = 100;

/// A bar: its start in wall seconds of New York, prices in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bar {
    pub start: i64,
    pub open: Ticks,
    pub high: Ticks,
    pub low: Ticks,
    pub close: Ticks,
    pub volume: i64,
    pub trades: i64,
    /// The sum of price times volume, in hundredths of a tick.
    worth: i128,
}

impl Bar {
    fn of(start: i64, candle: Candle) -> Self {
        let Candle {
            open,
            high,
            low,
            close,
            volume,
        } = candle;
        let mean = i128::from(open + high + low + close) * 25;
        Self {
            start,
            open,
            high,
            low,
            close,
            volume,
            trades: volume / TRADE + 1,
            worth: mean * i128::from(volume),
        }
    }

    /// The mean price by volume, in hundredths of a tick.
    pub(super) fn mean(&self) -> i64 {
        i64::try_from(self.worth / i128::from(self.volume.max(1))).unwrap_or(0)
    }

    /// Both as one that begins where the first does; `later` follows.
    pub(super) fn then(self, later: Self) -> Self {
        Self {
            high: self.high.max(later.high),
            low: self.low.min(later.low),
            close: later.close,
            volume: self.volume + later.volume,
            trades: self.trades + later.trades,
            worth: self.worth + later.worth,
            ..self
        }
    }

    /// In other shares, prices to the cent.
    pub(super) fn adjusted(self, factors: Factors) -> Self {
        let scaled = |ticks: Ticks| {
            let cents = nearest(float(ticks) * factors.price / float(CENT));
            cents.max(1) * CENT
        };
        let mean = nearest(float(self.mean()) * factors.price);
        let volume = nearest(float(self.volume) * factors.volume).max(1);
        Self {
            open: scaled(self.open),
            high: scaled(self.high),
            low: scaled(self.low),
            close: scaled(self.close),
            volume,
            worth: i128::from(mean) * i128::from(volume),
            ..self
        }
    }
}

impl Feed {
    /// The first day that it has: 4 January 2016, and 27 July 2020.
    pub(super) fn first_day(self) -> NaiveDate {
        let (year, month, day) = match self {
            Self::Sip => (2016, 1, 4),
            Self::Iex => (2020, 7, 27),
        };
        NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
    }

    /// The minutes of a day in which it saw a trade, oldest first.
    pub(super) fn minutes(self, company: &Company, view: View, date: NaiveDate) -> Vec<Bar> {
        let minutes = candles::intraday(company, view, date, 1, true).into_iter();
        match self {
            Self::Sip => minutes
                .map(|(start, minute)| Bar::of(start, minute))
                .collect(),
            Self::Iex => minutes
                .filter_map(|(start, minute)| {
                    let word = mix(company.word_at(start), 40);
                    Some(Bar::of(start, few(minute, word)?))
                })
                .collect(),
        }
    }

    /// A day so far.
    pub(super) fn day(self, company: &Company, view: View, date: NaiveDate) -> Option<Bar> {
        let day = candles::day(company, view, date)?;
        let start = midnight(date);
        let day = match self {
            Self::Sip => day,
            Self::Iex => few(day, mix(company.word_at(start), 40))?,
        };
        Some(Bar::of(start, day))
    }
}

/// What one exchange saw of some trades; `None` if it saw none.
fn few(all: Candle, word: u64) -> Option<Candle> {
    let expected = float(all.volume) / IEX_PART;
    let chance = 1.0 - (-expected / IEX_TRADE).exp();
    (unit(word) < chance).then(|| Candle {
        high: i64::midpoint(all.high, all.open.max(all.close)),
        low: i64::midpoint(all.low, all.open.min(all.close)),
        volume: nearest(expected / chance * (0.5 + unit(mix(word, 1)))).max(1),
        ..all
    })
}
