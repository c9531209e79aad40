//! Turns rows of text into bars, and says why for every row that it refuses.
//!
//! Knows nothing of JSON or CSV: a format pushes labels and fields, in document order, as it meets
//! them. The zone may come last, so wall times become instants only in [`LabelledRows::finish`].

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::label::{self, Zone};
use crate::model::text::clean;
use crate::model::{Bar, ErrorClass, Interval, Reading};
use crate::pipeline::reading::quoted;
use crate::pipeline::reading::rows::{Reason, Rows, Values, price};
use crate::pipeline::source::Refusal;

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

/// Bars under construction, each with its wall time where its instant will be.
#[derive(Debug)]
pub(super) struct LabelledRows {
    interval: Interval,
    extras: Extras,
    rows: Rows,
}

impl LabelledRows {
    /// Expects rows of this interval that answer this function, about `expected` of them.
    pub(super) fn new(function: &str, interval: Interval, expected: usize) -> Self {
        Self {
            interval,
            extras: Extras::of(function),
            rows: Rows::new(interval, expected),
        }
    }

    /// Takes a row, or records why not. Refuses the answer if it has too many rows.
    pub(super) fn push(&mut self, label: &str, cells: &Cells<'_>) -> Result<(), Refusal> {
        let read = bar(self.interval, label, cells).map(|(mut bar, rounded)| {
            let more = self.adjust(&mut bar, label, cells);
            (bar, rounded + more)
        });
        self.rows
            .push(read, || (quoted(label, LABEL_CHARS), cells.content()))
    }

    /// Fills the extras of a bar, and counts those that were rounded. One that cannot be used does
    /// not affect the rest of the bar.
    fn adjust(&mut self, bar: &mut Bar, label: &str, cells: &Cells<'_>) -> u32 {
        let mut rounded = 0;
        for field in self.extras.fields() {
            let extra = match field {
                Field::AdjustedClose => &mut bar.adjusted_close,
                Field::Dividend => &mut bar.dividend_amount,
                _ => &mut bar.split_coefficient,
            };
            match price(field.as_str(), cells.get(*field)) {
                Ok((value, inexact)) => {
                    *extra = Some(value);
                    rounded += u32::from(inexact);
                }
                Err(reason) => self
                    .rows
                    .set_aside(reason, || (quoted(label, LABEL_CHARS), cells.content())),
            }
        }
        rounded
    }

    /// Places the bars in time, oldest first, each instant and each period once.
    pub(super) fn finish(mut self, tz: Tz) -> Result<Reading, Refusal> {
        if self.rows.is_empty() {
            return Err(Refusal::new(
                ErrorClass::NoData,
                "the answer holds no bars for this series",
            ));
        }
        let mut zone = Zone::new(tz);
        let is_intraday = self.interval.is_intraday();
        self.rows.place(|bar| {
            let instant = if is_intraday {
                zone.instant(bar.timestamp.naive_utc())
            } else {
                zone.midnight(bar.trading_date)
            };
            bar.timestamp = instant.ok_or(Reason::Skipped)?;
            Ok(())
        });
        self.rows.finish(tz)
    }
}

/// Reads one row without its extras; its time stamp is still wall time. Also counts the values that
/// were rounded.
fn bar(interval: Interval, label: &str, cells: &Cells<'_>) -> Result<(Bar, u32), Reason> {
    let (trading_date, wall) = wall_time(interval, label)?;
    let values = Values {
        open: cells.get(Field::Open),
        high: cells.get(Field::High),
        low: cells.get(Field::Low),
        close: cells.get(Field::Close),
        volume: cells.get(Field::Volume),
    };
    values.bar(wall, trading_date)
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
