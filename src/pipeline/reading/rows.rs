//! Bars from rows: what every bar must satisfy, and why a row is refused.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::{amount, malformed};
use crate::model::price::PriceError;
use crate::model::volume::VolumeError;
use crate::model::{Bar, Interval, Price, Reading, RejectedRow};
use crate::pipeline::source::Refusal;

/// More rows than any real answer holds: a month of 1min bars has about 19,000.
pub const MAX_ROWS: u32 = 200_000;
/// Refused rows that are kept with label, content and reason; the others are only counted.
const MAX_REJECTED: usize = 1_000;
/// From this many rows on, an answer with more refused than accepted rows is refused whole.
const ENOUGH_TO_JUDGE: u32 = 20;
/// From this many bars on, those that follow each other too closely are of another length: two may, where
/// an exchange was stopped.
const ENOUGH_TO_MEASURE: usize = 4;

/// Why a row is refused, or one of its values is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// No date or time.
    #[error("the label is not a date or time between 1900 and 2200")]
    Label,
    /// A date where a time is needed.
    #[error("the label has no time of day")]
    NoTime,
    /// A wall time that does not exist.
    #[error("the label names a time that clocks skip in this time zone")]
    Skipped,
    /// No value.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Not a price.
    #[error("{0} {1}")]
    NotAnAmount(&'static str, PriceError),
    /// A price of nothing.
    #[error("{0} is zero")]
    Zero(&'static str),
    /// Prices that contradict each other.
    #[error("{0} is above {1}")]
    Above(&'static str, &'static str),
    /// Not a volume.
    #[error("volume {0}")]
    Volume(VolumeError),
    /// A second row of an instant.
    #[error("duplicate instant")]
    Duplicate,
    /// An older row of a period.
    #[error("a newer label of the same period is in the answer")]
    Superseded,
}

/// The values of a row as texts; one that is missing is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Values<'a> {
    /// The first price.
    pub open: Option<&'a str>,
    /// The highest price.
    pub high: Option<&'a str>,
    /// The lowest price.
    pub low: Option<&'a str>,
    /// The last price.
    pub close: Option<&'a str>,
    /// How much was traded.
    pub volume: Option<&'a str>,
}

impl Values<'_> {
    /// The bar of these values, and how many of them were rounded; or why there is none.
    #[inline]
    pub fn bar(
        &self,
        timestamp: DateTime<Utc>,
        trading_date: NaiveDate,
    ) -> Result<(Bar, u32), Reason> {
        let mut rounded = 0;
        let mut price = |name, text| match price(name, text)? {
            (zero, _) if zero.units() == 0 => Err(Reason::Zero(name)),
            (price, inexact) => {
                rounded += u32::from(inexact);
                Ok(price)
            }
        };
        let open = price("open", self.open)?;
        let high = price("high", self.high)?;
        let low = price("low", self.low)?;
        let close = price("close", self.close)?;
        let volume = self.volume.ok_or(Reason::Missing("volume"))?;
        let (volume, inexact) = amount::volume(volume).map_err(Reason::Volume)?;
        rounded += u32::from(inexact);
        for (one, other, at_least) in [
            ("low", "open", open),
            ("low", "close", close),
            ("low", "high", high),
        ] {
            if low > at_least {
                return Err(Reason::Above(one, other));
            }
        }
        for (one, value) in [("open", open), ("close", close)] {
            if value > high {
                return Err(Reason::Above(one, "high"));
            }
        }
        let bar = Bar {
            timestamp,
            trading_date,
            open,
            high,
            low,
            close,
            volume,
            is_final: true,
            adjusted_close: None,
            dividend_amount: None,
            split_coefficient: None,
        };
        Ok((bar, rounded))
    }
}

/// The price under a name, and whether it was rounded.
pub fn price(name: &'static str, text: Option<&str>) -> Result<(Price, bool), Reason> {
    let text = text.ok_or(Reason::Missing(name))?;
    amount::price(text).map_err(|error| Reason::NotAnAmount(name, error))
}

/// Bars under construction, in document order.
#[derive(Debug)]
pub struct Rows {
    interval: Interval,
    bars: Vec<Bar>,
    rejected: Vec<RejectedRow>,
    received: u32,
    rounded: u32,
    set_aside: u32,
}

impl Rows {
    /// Expects about so many rows of this interval.
    #[must_use]
    pub fn new(interval: Interval, expected: usize) -> Self {
        Self {
            interval,
            bars: Vec::with_capacity(expected.min(MAX_ROWS as usize)),
            rejected: Vec::new(),
            received: 0,
            rounded: 0,
            set_aside: 0,
        }
    }

    /// Takes the bar of a row, or records why there is none: `row` gives the row's label and content.
    /// Refuses the answer if it has too many rows.
    #[inline]
    pub fn push(
        &mut self,
        read: Result<(Bar, u32), Reason>,
        row: impl FnOnce() -> (String, String),
    ) -> Result<(), Refusal> {
        if self.received == MAX_ROWS {
            return Err(malformed("the answer has more than 200,000 rows"));
        }
        self.received += 1;
        match read {
            Ok((bar, rounded)) => {
                self.rounded += rounded;
                self.bars.push(bar);
            }
            Err(reason) => note(&mut self.rejected, reason, row),
        }
        Ok(())
    }

    /// Records that a value of a row cannot be used; its bar is taken without it.
    pub fn set_aside(&mut self, reason: Reason, row: impl FnOnce() -> (String, String)) {
        self.set_aside += 1;
        let reason = format_args!("{reason}; only this value is set aside");
        note(&mut self.rejected, reason, row);
    }

    /// Keeps the bars that this gives a place in time; a bar without one is refused.
    pub fn place(&mut self, mut place: impl FnMut(&mut Bar) -> Result<(), Reason>) {
        let Self {
            interval,
            bars,
            rejected,
            ..
        } = self;
        bars.retain_mut(|bar| match place(bar) {
            Ok(()) => true,
            Err(reason) => {
                note(rejected, reason, || described(*interval, bar, Tz::UTC));
                false
            }
        });
    }

    /// The bars oldest first, each instant and each period once. Labels are shown in the zone.
    pub fn finish(self, zone: Tz) -> Result<Reading, Refusal> {
        let Self {
            interval,
            mut bars,
            mut rejected,
            received,
            rounded,
            set_aside,
        } = self;
        // Stable: of two rows with one instant, the later in the document stays after the earlier.
        bars.sort_by_key(|bar| bar.timestamp);
        bars.dedup_by(|later, kept| {
            let clash = clash(interval, later, kept);
            if let Some(reason) = clash {
                std::mem::swap(later, kept);
                note(&mut rejected, reason, || described(interval, later, zone));
            }
            clash.is_some()
        });
        let kept = u32::try_from(bars.len()).unwrap_or(received);
        if received >= ENOUGH_TO_JUDGE && received - kept > kept {
            let why = rejected
                .first()
                .map_or("no reason", |row| row.reason.as_str());
            return Err(malformed(format!(
                "{} of {received} rows cannot be used; the first: {why}",
                received - kept
            )));
        }
        if are_shorter(interval, &bars) {
            return Err(malformed(format!(
                "most of its bars are nearer to each other than {interval}: they are of another length"
            )));
        }
        Ok(Reading {
            bars,
            rejected,
            received,
            rounded,
            set_aside,
        })
    }

    /// Whether no row was pushed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.received == 0
    }
}

fn note(
    rejected: &mut Vec<RejectedRow>,
    reason: impl fmt::Display,
    row: impl FnOnce() -> (String, String),
) {
    if rejected.len() < MAX_REJECTED {
        let (label, content) = row();
        rejected.push(RejectedRow {
            label,
            content,
            reason: reason.to_string(),
        });
    }
}

/// Label and content of a row that was read before it was refused.
fn described(interval: Interval, bar: &Bar, zone: Tz) -> (String, String) {
    let label = if interval.is_intraday() {
        let wall = bar.timestamp.with_timezone(&zone).naive_local();
        wall.to_string()
    } else {
        bar.trading_date.to_string()
    };
    let content = format!(
        "open {}, high {}, low {}, close {}, volume {}",
        bar.open, bar.high, bar.low, bar.close, bar.volume
    );
    (label, content)
}

/// Whether bars are shorter than they should be, as most of them follow each other too closely.
fn are_shorter(interval: Interval, bars: &[Bar]) -> bool {
    let neighbours = bars.iter().zip(bars.iter().skip(1));
    let length = interval.length();
    let near = neighbours.filter(|(bar, next)| next.timestamp - bar.timestamp < length);
    interval.is_intraday() && bars.len() >= ENOUGH_TO_MEASURE && near.count() * 2 > bars.len() - 1
}

/// Why two neighbours cannot both be stored.
fn clash(interval: Interval, later: &Bar, earlier: &Bar) -> Option<Reason> {
    if later.timestamp == earlier.timestamp {
        return Some(Reason::Duplicate);
    }
    let period = |bar: &Bar| interval.period_start(bar.trading_date);
    (period(later).is_some() && period(later) == period(earlier)).then_some(Reason::Superseded)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    /// Bars that begin so many seconds after each other.
    fn read(interval: Interval, seconds: &[i64]) -> Result<Reading, Refusal> {
        let mut rows = Rows::new(interval, seconds.len());
        let mut time: DateTime<Utc> = "2026-05-14T13:30:00Z".parse().unwrap();
        for step in seconds {
            let one = Some("1");
            let values = Values {
                open: one,
                high: one,
                low: one,
                close: one,
                volume: one,
            };
            let bar = values.bar(time, time.date_naive());
            rows.push(bar, || unreachable!("every row is a bar"))?;
            time += TimeDelta::seconds(*step);
        }
        rows.finish(Tz::UTC)
    }

    #[test]
    fn bars_of_another_length_are_refused_whole() {
        let error = read(Interval::Min5, &[60; 5]).unwrap_err();
        assert!(error.text.contains("of another length"), "{}", error.text);
        assert_eq!(read(Interval::Min5, &[300; 5]).unwrap().bars.len(), 5);
        assert_eq!(read(Interval::Min1, &[300; 5]).unwrap().bars.len(), 5);
        // An exchange that was stopped goes on off its grid.
        let stopped = read(Interval::Min5, &[300, 300, 17, 300, 300]);
        assert_eq!(stopped.unwrap().bars.len(), 5);
        assert_eq!(read(Interval::Min5, &[17, 300]).unwrap().bars.len(), 2);
    }
}
