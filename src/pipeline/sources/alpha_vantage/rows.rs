//! Turns rows of text into bars, and says why for every row that it refuses.
//!
//! Knows nothing of JSON or CSV: a format pushes labels and fields, in document order, as it meets
//! them. The zone may come last, so wall times become instants only in [`Rows::finish`].

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;

use super::label::{self, Zone};
use super::refusal::{malformed, quoted};
use crate::model::price::PriceError;
use crate::model::text::clean;
use crate::model::volume::VolumeError;
use crate::model::{Bar, ErrorClass, Interval, Price, Reading, RejectedRow, Volume};
use crate::pipeline::source::Refusal;

/// More rows than any real answer holds: a month of 1min bars has about 19,000.
pub(super) const MAX_ROWS: u32 = 200_000;
/// Refused rows that are kept with label, content and reason; the others are only counted.
const MAX_REJECTED: usize = 1_000;
/// From this many rows on, an answer with more refused than accepted rows is refused whole.
const ENOUGH_TO_JUDGE: u32 = 20;
/// Characters kept of a label.
const LABEL_CHARS: usize = 40;

/// A column of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Open,
    High,
    Low,
    Close,
    Volume,
    AdjustedClose,
    Dividend,
    Split,
}

impl Field {
    const ALL: [Self; 8] = [
        Self::Open,
        Self::High,
        Self::Low,
        Self::Close,
        Self::Volume,
        Self::AdjustedClose,
        Self::Dividend,
        Self::Split,
    ];

    /// The field of a name without its number; CSV writes underscores instead of some spaces.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "open" => Self::Open,
            "high" => Self::High,
            "low" => Self::Low,
            "close" => Self::Close,
            "volume" => Self::Volume,
            "adjusted close" | "adjusted_close" => Self::AdjustedClose,
            "dividend amount" | "dividend_amount" => Self::Dividend,
            "split coefficient" | "split_coefficient" => Self::Split,
            _ => return None,
        })
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::High => "high",
            Self::Low => "low",
            Self::Close => "close",
            Self::Volume => "volume",
            Self::AdjustedClose => "adjusted close",
            Self::Dividend => "dividend amount",
            Self::Split => "split coefficient",
        }
    }
}

/// The fields of one row; one that is missing or not text is `None`.
#[derive(Debug, Default)]
pub(super) struct Cells<'a> {
    open: Option<Cow<'a, str>>,
    high: Option<Cow<'a, str>>,
    low: Option<Cow<'a, str>>,
    close: Option<Cow<'a, str>>,
    volume: Option<Cow<'a, str>>,
    adjusted_close: Option<Cow<'a, str>>,
    dividend: Option<Cow<'a, str>>,
    split: Option<Cow<'a, str>>,
}

impl<'a> Cells<'a> {
    #[inline]
    pub(super) fn set(&mut self, field: Field, text: Option<Cow<'a, str>>) {
        *match field {
            Field::Open => &mut self.open,
            Field::High => &mut self.high,
            Field::Low => &mut self.low,
            Field::Close => &mut self.close,
            Field::Volume => &mut self.volume,
            Field::AdjustedClose => &mut self.adjusted_close,
            Field::Dividend => &mut self.dividend,
            Field::Split => &mut self.split,
        } = text;
    }

    fn get(&self, field: Field) -> Option<&str> {
        match field {
            Field::Open => &self.open,
            Field::High => &self.high,
            Field::Low => &self.low,
            Field::Close => &self.close,
            Field::Volume => &self.volume,
            Field::AdjustedClose => &self.adjusted_close,
            Field::Dividend => &self.dividend,
            Field::Split => &self.split,
        }
        .as_deref()
    }

    fn content(&self) -> String {
        let mut content = String::new();
        for field in Field::ALL {
            if let Some(text) = self.get(field) {
                let comma = if content.is_empty() { "" } else { ", " };
                let _ = write!(content, "{comma}{} {}", field.as_str(), quoted(text, 60));
            }
        }
        clean(&content)
    }
}

/// Which of the three columns of the adjusted functions the answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extras {
    None,
    Dividends,
    DividendsAndSplits,
}

impl Extras {
    pub(super) fn of(function: &str) -> Self {
        match function {
            "TIME_SERIES_DAILY_ADJUSTED" => Self::DividendsAndSplits,
            "TIME_SERIES_WEEKLY_ADJUSTED" | "TIME_SERIES_MONTHLY_ADJUSTED" => Self::Dividends,
            _ => Self::None,
        }
    }

    const fn fields(self) -> &'static [Field] {
        match self {
            Self::None => &[],
            Self::Dividends => &[Field::AdjustedClose, Field::Dividend],
            Self::DividendsAndSplits => &[Field::AdjustedClose, Field::Dividend, Field::Split],
        }
    }
}

/// Why a row is refused, or one of its extras is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Reason {
    #[error("the label is not a date or time between 1900 and 2200")]
    Label,
    #[error("the label has no time of day")]
    NoTime,
    #[error("the label names a time that clocks skip in this time zone")]
    Skipped,
    #[error("{} is missing", .0.as_str())]
    Missing(Field),
    #[error("{field} {why}", field = .0.as_str(), why = .1)]
    NotAnAmount(Field, PriceError),
    #[error("{} is zero", .0.as_str())]
    Zero(Field),
    #[error("{} is above {}", .0.as_str(), .1.as_str())]
    Above(Field, Field),
    #[error("volume {0}")]
    Volume(VolumeError),
    #[error("duplicate instant")]
    Duplicate,
    #[error("a newer label of the same period is in the answer")]
    Superseded,
}

/// Bars under construction.
#[derive(Debug)]
pub(super) struct Rows {
    interval: Interval,
    extras: Extras,
    /// In document order, each with its wall time where its instant will be.
    bars: Vec<Bar>,
    rejected: Vec<RejectedRow>,
    received: u32,
    rounded: u32,
    set_aside: u32,
}

impl Rows {
    /// Expects rows of this interval that answer this function, about `expected` of them.
    pub(super) fn new(function: &str, interval: Interval, expected: usize) -> Self {
        Self {
            interval,
            extras: Extras::of(function),
            bars: Vec::with_capacity(expected.min(MAX_ROWS as usize)),
            rejected: Vec::new(),
            received: 0,
            rounded: 0,
            set_aside: 0,
        }
    }

    /// Takes a row, or records why not. Refuses the answer if it has too many rows.
    pub(super) fn push(&mut self, label: &str, cells: &Cells<'_>) -> Result<(), Refusal> {
        if self.received == MAX_ROWS {
            return Err(malformed("the answer has more than 200,000 rows"));
        }
        self.received += 1;
        match bar(self.interval, label, cells) {
            Ok((mut bar, rounded)) => {
                self.rounded += rounded;
                self.adjust(&mut bar, label, cells);
                self.bars.push(bar);
            }
            Err(reason) => note(&mut self.rejected, reason, || {
                (quoted(label, LABEL_CHARS), cells.content())
            }),
        }
        Ok(())
    }

    /// Fills the extras of a bar. One that cannot be used does not affect the rest of the bar.
    fn adjust(&mut self, bar: &mut Bar, label: &str, cells: &Cells<'_>) {
        for field in self.extras.fields() {
            let extra = match field {
                Field::AdjustedClose => &mut bar.adjusted_close,
                Field::Dividend => &mut bar.dividend_amount,
                _ => &mut bar.split_coefficient,
            };
            match amount(cells, *field) {
                Ok((value, inexact)) => {
                    *extra = Some(value);
                    self.rounded += u32::from(inexact);
                }
                Err(reason) => {
                    self.set_aside += 1;
                    let reason = format_args!("{reason}; only this value is set aside");
                    note(&mut self.rejected, reason, || {
                        (quoted(label, LABEL_CHARS), cells.content())
                    });
                }
            }
        }
    }

    /// Places the bars in time, oldest first, each instant and each period once.
    pub(super) fn finish(self, tz: Tz) -> Result<Reading, Refusal> {
        let Self {
            interval,
            mut bars,
            mut rejected,
            received,
            rounded,
            set_aside,
            ..
        } = self;
        if received == 0 {
            return Err(Refusal::new(
                ErrorClass::NoData,
                "the answer holds no bars for this series",
            ));
        }
        let mut zone = Zone::new(tz);
        bars.retain_mut(|bar| {
            let instant = if interval.is_intraday() {
                zone.instant(bar.timestamp.naive_utc())
            } else {
                zone.midnight(bar.trading_date)
            };
            match instant {
                Some(instant) => bar.timestamp = instant,
                None => note(&mut rejected, Reason::Skipped, || {
                    described(interval, bar, bar.timestamp.naive_utc())
                }),
            }
            instant.is_some()
        });
        // Stable: of two rows with one instant, the later in the document stays after the earlier.
        bars.sort_by_key(|bar| bar.timestamp);
        bars.dedup_by(|later, kept| {
            let clash = clash(interval, later, kept);
            if let Some(reason) = clash {
                std::mem::swap(later, kept);
                note(&mut rejected, reason, || {
                    described(
                        interval,
                        later,
                        later.timestamp.with_timezone(&tz).naive_local(),
                    )
                });
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
        Ok(Reading {
            bars,
            rejected,
            received,
            rounded,
            set_aside,
        })
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
fn described(interval: Interval, bar: &Bar, wall: NaiveDateTime) -> (String, String) {
    let label = if interval.is_intraday() {
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

/// Why two neighbours cannot both be stored.
fn clash(interval: Interval, later: &Bar, earlier: &Bar) -> Option<Reason> {
    if later.timestamp == earlier.timestamp {
        return Some(Reason::Duplicate);
    }
    let period = |bar: &Bar| interval.period_start(bar.trading_date);
    (period(later).is_some() && period(later) == period(earlier)).then_some(Reason::Superseded)
}

/// Reads one row without its extras; its time stamp is still wall time. Also counts the values that
/// were rounded.
fn bar(interval: Interval, label: &str, cells: &Cells<'_>) -> Result<(Bar, u32), Reason> {
    let (trading_date, wall) = wall_time(interval, label)?;
    let mut rounded = 0;
    let mut price = |field: Field| match amount(cells, field)? {
        (zero, _) if zero.units() == 0 => Err(Reason::Zero(field)),
        (price, inexact) => {
            rounded += u32::from(inexact);
            Ok(price)
        }
    };
    let open = price(Field::Open)?;
    let high = price(Field::High)?;
    let low = price(Field::Low)?;
    let close = price(Field::Close)?;
    let (volume, inexact) = volume(
        cells
            .get(Field::Volume)
            .ok_or(Reason::Missing(Field::Volume))?,
    )
    .map_err(Reason::Volume)?;
    rounded += u32::from(inexact);
    let bar = Bar {
        timestamp: wall,
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
    for (one, other, at_least) in [
        (Field::Low, Field::Open, open),
        (Field::Low, Field::Close, close),
        (Field::Low, Field::High, high),
    ] {
        if low > at_least {
            return Err(Reason::Above(one, other));
        }
    }
    for (one, value) in [(Field::Open, open), (Field::Close, close)] {
        if value > high {
            return Err(Reason::Above(one, Field::High));
        }
    }
    Ok((bar, rounded))
}

/// The amount in a field, and whether it was rounded.
fn amount(cells: &Cells<'_>, field: Field) -> Result<(Price, bool), Reason> {
    let text = cells.get(field).ok_or(Reason::Missing(field))?;
    amount_of(text).map_err(|error| Reason::NotAnAmount(field, error))
}

/// As [`Price::parse`], in one pass over what the provider nearly always sends.
fn amount_of(text: &str) -> Result<(Price, bool), PriceError> {
    plain_amount(text.as_bytes()).map_or_else(|| Price::parse(text), |amount| Ok((amount, false)))
}

/// At most ten digits, and a point and up to eight digits after them.
fn plain_amount(text: &[u8]) -> Option<Price> {
    let (whole, places, rest) = digits(0, text);
    let (units, fraction) = match rest {
        [] => (whole, 0),
        [b'.', rest @ ..] => match digits(whole, rest) {
            (units, fraction @ 1..=8, []) => (units, fraction),
            _ => return None,
        },
        _ => return None,
    };
    let scale = 10_i64.pow(Price::SCALE.checked_sub(fraction)?);
    (1..=10)
        .contains(&places)
        .then(|| Price::from_units(units * scale))
}

/// Reads digits after those of `units`: the number, how many there were, and what follows. More
/// than eighteen are not a number.
fn digits(mut units: i64, text: &[u8]) -> (i64, u32, &[u8]) {
    let mut places = 0;
    let mut rest = text;
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        units = units.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
        places += 1;
        rest = behind;
    }
    (units, places, rest)
}

fn wall_time(interval: Interval, label: &str) -> Result<(NaiveDate, DateTime<Utc>), Reason> {
    let (date, time) = label::parse(label).ok_or(Reason::Label)?;
    let time = if interval.is_intraday() {
        time.ok_or(Reason::NoTime)?
    } else {
        NaiveTime::MIN
    };
    Ok((date, date.and_time(time).and_utc()))
}

/// As [`Volume::parse`], in one pass over what the provider nearly always sends.
fn volume(text: &str) -> Result<(Volume, bool), VolumeError> {
    plain_volume(text.as_bytes()).map_or_else(|| Volume::parse(text), |volume| Ok((volume, false)))
}

/// At most eighteen digits, which always fit.
fn plain_volume(text: &[u8]) -> Option<Volume> {
    match digits(0, text) {
        (whole, 1..=18, []) => Volume::new(whole, 0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_short_way_to_an_amount_agrees_with_the_long_one(
            text in "[0-9]{0,12}(\\.[0-9]{0,10})?|[0-9.+e,-]{0,24}",
        ) {
            prop_assert_eq!(amount_of(&text), Price::parse(&text));
        }

        #[test]
        fn the_short_way_to_a_volume_agrees_with_the_long_one(
            text in "[0-9]{0,22}(\\.[0-9]{0,10})?|[0-9.+e,-]{0,24}",
        ) {
            prop_assert_eq!(volume(&text), Volume::parse(&text));
        }
    }
}
