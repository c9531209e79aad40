//! Adjusted bars: raw ones times their factors, rounded once.

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};

use super::factors::{Adjustment, Unknown};
use crate::model::{Bar, Interval, Price, Volume};

/// The adjustments of a symbol's raw bars at a source, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adjustments(Vec<Adjustment>);

/// A bar on the scale of its whole series; what cannot be known is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AdjustedBar {
    /// First price.
    pub open: Option<Price>,
    /// Highest price.
    pub high: Option<Price>,
    /// Lowest price.
    pub low: Option<Price>,
    /// Last price.
    pub close: Option<Price>,
    /// Shares traded.
    pub volume: Option<Volume>,
}

/// A bar as it is stored, and on the scale of its whole series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaledBar {
    /// As it is stored.
    pub bar: Bar,
    /// On the scale of its series.
    pub scaled: AdjustedBar,
}

impl AdjustedBar {
    /// A bar as it is stored.
    #[must_use]
    pub const fn raw(bar: &Bar) -> Self {
        Self {
            open: Some(bar.open),
            high: Some(bar.high),
            low: Some(bar.low),
            close: Some(bar.close),
            volume: Some(bar.volume),
        }
    }

    /// The bar with these prices, and this volume where it is known; `None`: a price is not.
    #[must_use]
    pub fn whole(&self, bar: &Bar) -> Option<Bar> {
        Some(Bar {
            open: self.open?,
            high: self.high?,
            low: self.low?,
            close: self.close?,
            volume: self.volume.unwrap_or(bar.volume),
            ..*bar
        })
    }
}

/// Why bars cannot be adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// All before this date, because of what is unknown of its event.
    Before(NaiveDate, Unknown),
    /// All from this date on: no daily bar reaches so far.
    From(NaiveDate),
    /// All: no daily bars are stored.
    All,
}

impl Gap {
    /// Why, in a few words for people.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Before(date, unknown) => format!("{} on {date}", unknown.words()),
            Self::From(_) => "not adjusted: no daily bar yet".to_owned(),
            Self::All => "not adjusted: no daily bars are stored".to_owned(),
        }
    }
}

impl Adjustments {
    /// Adjustments, newest first.
    #[must_use]
    pub const fn new(all: Vec<Adjustment>) -> Self {
        Self(all)
    }

    /// The adjustment of the bars of a day.
    fn of(&self, date: NaiveDate) -> Option<&Adjustment> {
        let later = self
            .0
            .partition_point(|adjustment| adjustment.before > date);
        self.0.get(later.checked_sub(1)?)
    }

    /// New shares for one old one between two days; `None`: there was no split, or it is not known.
    #[must_use]
    pub fn split_between(&self, older: NaiveDate, newer: NaiveDate) -> Option<Price> {
        let factor = |date| self.of(date)?.volume;
        let split = factor(older)?.checked_div(factor(newer)?)?;
        (split != Decimal::ONE)
            .then(|| Price::from_decimal(rounded(split, Price::SCALE)))
            .flatten()
    }

    /// What cannot be known of events in these days, newest first: their dates, and why.
    pub fn marks(
        &self,
        oldest: NaiveDate,
        newest: NaiveDate,
    ) -> impl Iterator<Item = (NaiveDate, Unknown)> {
        self.0
            .iter()
            .filter(move |adjustment| oldest < adjustment.before && adjustment.before <= newest)
            .filter_map(|adjustment| Some((adjustment.before, adjustment.unknown?)))
    }

    /// Why the prices of a day cannot be adjusted; `None`: they can.
    #[must_use]
    pub fn gap(&self, date: NaiveDate) -> Option<Gap> {
        let Some(newest) = self.0.first() else {
            return Some(Gap::All);
        };
        let Some(here) = self.of(date) else {
            return Some(Gap::From(newest.before));
        };
        if here.price.is_some() {
            return None;
        }
        let mut unknown = self.0.iter().filter_map(|adjustment| {
            adjustment
                .unknown
                .map(|unknown| Gap::Before(adjustment.before, unknown))
        });
        unknown.next()
    }

    /// A stored bar on the scale of its series. Weekly and monthly bars are what the source adjusted
    /// itself, which says nothing of their volume.
    #[must_use]
    pub fn bar(&self, interval: Interval, bar: &Bar) -> AdjustedBar {
        let (price, volume) = if matches!(interval, Interval::Weekly | Interval::Monthly) {
            let adjusted = bar.adjusted_close.map(Price::to_decimal);
            let factor = adjusted.and_then(|close| close.checked_div(bar.close.to_decimal()));
            (factor, None)
        } else {
            self.of(bar.trading_date)
                .map_or((None, None), |here| (here.price, here.volume))
        };
        let times = |raw: Price| {
            let rounded = rounded(raw.to_decimal().checked_mul(price?)?, Price::SCALE);
            Price::from_decimal(rounded)
        };
        AdjustedBar {
            open: times(bar.open),
            high: times(bar.high),
            low: times(bar.low),
            close: times(bar.close),
            volume: volume
                .and_then(|factor| bar.volume.to_decimal().checked_mul(factor))
                .and_then(|volume| Volume::from_decimal(rounded(volume, Volume::SCALE))),
        }
    }
}

fn rounded(value: Decimal, digits: u32) -> Decimal {
    value.round_dp_with_strategy(digits, RoundingStrategy::MidpointNearestEven)
}
