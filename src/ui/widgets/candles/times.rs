//! The time axis: which moments are named under the candles, and how.

use chrono::{
    DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike, Utc,
};
use chrono_tz::Tz;

use super::{Candle, Visible};
use crate::model::{Bar, Interval};

/// Columns kept free between two labels.
const GAP: u16 = 2;

/// A label and the column where it starts, counted from the left edge of the chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeLabel {
    /// First column.
    pub x: u16,
    /// What it says; ASCII.
    pub text: String,
}

/// What the axis counts in, finest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum AxisUnit {
    Minutes(u32),
    Days,
    Weeks,
    Months(u32),
    Years(u32),
}

const LEVELS: [AxisUnit; 18] = [
    AxisUnit::Minutes(5),
    AxisUnit::Minutes(10),
    AxisUnit::Minutes(15),
    AxisUnit::Minutes(30),
    AxisUnit::Minutes(60),
    AxisUnit::Minutes(120),
    AxisUnit::Minutes(240),
    AxisUnit::Days,
    AxisUnit::Weeks,
    AxisUnit::Months(1),
    AxisUnit::Months(3),
    AxisUnit::Months(6),
    AxisUnit::Years(1),
    AxisUnit::Years(2),
    AxisUnit::Years(5),
    AxisUnit::Years(10),
    AxisUnit::Years(20),
    AxisUnit::Years(50),
];

/// The moment a candle stands for: the exchange's date, and the wall time in the viewer's zone.
#[derive(Debug, Clone, Copy)]
struct CandleTime {
    date: NaiveDate,
    local: NaiveDateTime,
}

impl CandleTime {
    fn of(timestamp: DateTime<Utc>, date: NaiveDate, intraday: bool, zone: Tz) -> Self {
        let local = if intraday {
            let utc = timestamp.naive_utc();
            let offset = zone.offset_from_utc_datetime(&utc).fix();
            utc.checked_add_offset(offset).unwrap_or(utc)
        } else {
            // A daily bar is its date everywhere: 00:00 in New York is the evening before in Denver.
            date.and_time(NaiveTime::MIN)
        };
        Self { date, local }
    }

    /// The number of the period of that level that contains this moment.
    fn period(&self, level: AxisUnit) -> i64 {
        let day = i64::from(self.date.num_days_from_ce());
        match level {
            AxisUnit::Minutes(minutes) => {
                let minute = self.local.hour() * 60 + self.local.minute();
                i64::from(self.local.num_days_from_ce()) * 1440
                    + i64::from(minute / minutes * minutes)
            }
            AxisUnit::Days => day,
            AxisUnit::Weeks => (day - 1).div_euclid(7),
            AxisUnit::Months(months) => (i64::from(self.date.year()) * 12
                + i64::from(self.date.month0()))
            .div_euclid(i64::from(months)),
            AxisUnit::Years(years) => i64::from(self.date.year()).div_euclid(i64::from(years)),
        }
    }
}

/// The columns, from the left edge, where the candles of another session begin.
#[must_use]
pub fn session_breaks(visible: &Visible) -> Vec<usize> {
    let dates = || visible.candles.iter().map(|candle| candle.trading_date);
    dates()
        .skip(1)
        .zip(dates())
        .enumerate()
        .filter(|(_, (date, before))| date != before)
        .map(|(at, _)| at + 1)
        .collect()
}

/// How the time of a bar is written under the cursor, the longest first.
#[must_use]
pub fn cursor_times(bar: &Bar, interval: Interval, zone: Tz) -> [String; 2] {
    let intraday = interval.is_intraday();
    let moment = CandleTime::of(bar.timestamp, bar.trading_date, intraday, zone);
    let forms = if intraday {
        ["%m-%d %H:%M", "%H:%M"]
    } else {
        ["%Y-%m-%d", "%m-%d"]
    };
    forms.map(|form| moment.local.format(form).to_string())
}

/// Labels for the candles, each starting under its candle, none touching another.
///
/// The finest level is taken at which all labels would have room; a label that begins a larger
/// period goes before its smaller neighbours, so a session's date stays and 10:00 is dropped.
#[must_use]
pub fn time_labels(
    visible: &Visible,
    interval: Interval,
    zone: Tz,
    column: impl Fn(usize) -> u16,
    width: u16,
) -> Vec<TimeLabel> {
    let intraday = interval.is_intraday();
    let moment =
        |candle: &Candle| CandleTime::of(candle.timestamp, candle.trading_date, intraday, zone);
    let moments: Vec<CandleTime> = visible.candles.iter().map(moment).collect();
    let before = visible
        .before
        .map(|bar| CandleTime::of(bar.timestamp, bar.trading_date, intraday, zone));
    let Some(first) = moments.first() else {
        return vec![];
    };
    let begins = |level: AxisUnit| {
        std::iter::once(before.as_ref())
            .chain(moments.iter().map(Some))
            .zip(&moments)
            .enumerate()
            .filter(move |(_, (before, moment))| {
                before.is_some_and(|before| before.period(level) != moment.period(level))
            })
            .map(|(at, _)| at)
    };
    let finest = if intraday {
        AxisUnit::Minutes(5)
    } else {
        AxisUnit::Days
    };
    let level = LEVELS
        .into_iter()
        .filter(|level| *level >= finest)
        .find(|level| {
            let room = usize::from(level.widest(intraday).saturating_add(GAP));
            begins(*level).count().saturating_mul(room) <= usize::from(width)
        })
        .unwrap_or(AxisUnit::Years(50));

    let mut placed: Vec<TimeLabel> = vec![];
    let mut place = |at: usize, text: String| {
        let x = column(at);
        let end = x.saturating_add(width_of(&text));
        let fits = end <= width
            && placed.iter().all(|other| {
                let other_end = other.x.saturating_add(width_of(&other.text));
                end.saturating_add(GAP) <= other.x || other_end.saturating_add(GAP) <= x
            });
        if fits {
            placed.push(TimeLabel { x, text });
        }
        fits
    };
    let larger = [AxisUnit::Years(1), AxisUnit::Months(1), AxisUnit::Days];
    let larger: Vec<AxisUnit> = larger
        .into_iter()
        .filter(|larger| *larger > level && (intraday || *larger != AxisUnit::Days))
        .collect();
    // Without a larger period in view the labels would float: one of them says all of it. That is
    // the left edge's, or the first round one where both have no room.
    if larger.iter().all(|larger| begins(*larger).next().is_none()) {
        let text = level.context(first, intraday);
        let end = column(0).saturating_add(width_of(&text));
        let round = begins(level).next();
        let round = round.filter(|at| column(*at) < end.saturating_add(GAP));
        match round.and_then(|at| Some((at, moments.get(at)?))) {
            Some((at, moment)) if place(at, level.context(moment, intraday)) => {}
            _ => {
                place(0, text);
            }
        }
    }
    for rank in larger.into_iter().chain([level]) {
        for at in begins(rank) {
            if let Some(moment) = moments.get(at) {
                place(at, rank.word(level, moment, intraday));
            }
        }
    }
    placed.sort_by_key(|label| label.x);
    placed
}

fn width_of(label: &str) -> u16 {
    u16::try_from(label.len()).unwrap_or(u16::MAX)
}

impl AxisUnit {
    /// Columns of the widest label at this level.
    const fn widest(self, intraday: bool) -> u16 {
        match self {
            Self::Minutes(_) | Self::Days | Self::Weeks => 5,
            Self::Months(_) if intraday => 5,
            Self::Months(_) | Self::Years(_) => 4,
        }
    }

    /// How the beginning of a period of this level is named on an axis that counts in `axis`.
    fn word(self, axis: Self, moment: &CandleTime, intraday: bool) -> String {
        let days = axis <= Self::Weeks;
        let form = match self {
            Self::Minutes(_) => "%H:%M",
            Self::Days | Self::Weeks => "%m-%d",
            Self::Months(_) | Self::Years(_) if days && intraday => "%m-%d",
            Self::Months(_) => "%b",
            Self::Years(_) => "%Y",
        };
        moment.local.format(form).to_string()
    }

    /// The label at the left edge when nothing larger is in view.
    fn context(self, moment: &CandleTime, intraday: bool) -> String {
        let form = match self {
            Self::Minutes(_) => "%m-%d %H:%M",
            Self::Days | Self::Weeks if intraday => "%m-%d",
            Self::Days | Self::Weeks => "%Y-%m-%d",
            Self::Months(_) => "%b %Y",
            Self::Years(_) => "%Y",
        };
        moment.local.format(form).to_string()
    }
}
