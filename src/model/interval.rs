//! The bar sizes the product knows.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use super::Symbol;

/// The length of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Interval {
    /// One minute.
    Min1,
    /// Five minutes.
    Min5,
    /// Fifteen minutes.
    Min15,
    /// Thirty minutes.
    Min30,
    /// Sixty minutes.
    Min60,
    /// One trading day.
    Daily,
    /// One calendar week, labelled with its last trading day.
    Weekly,
    /// One calendar month, labelled with its last trading day.
    Monthly,
}

/// A text that names no interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an interval; use 1min, 5min, 15min, 30min, 60min, daily, weekly or monthly")]
pub struct UnknownInterval(String);

impl Interval {
    /// All intervals, shortest first.
    pub const ALL: [Self; 8] = [
        Self::Min1,
        Self::Min5,
        Self::Min15,
        Self::Min30,
        Self::Min60,
        Self::Daily,
        Self::Weekly,
        Self::Monthly,
    ];

    /// The name used in commands, configuration, the store and the provider's URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Min1 => "1min",
            Self::Min5 => "5min",
            Self::Min15 => "15min",
            Self::Min30 => "30min",
            Self::Min60 => "60min",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }

    /// The minutes of an intraday bar; `None` for daily and longer bars.
    #[must_use]
    pub const fn minutes(self) -> Option<u32> {
        match self {
            Self::Min1 => Some(1),
            Self::Min5 => Some(5),
            Self::Min15 => Some(15),
            Self::Min30 => Some(30),
            Self::Min60 => Some(60),
            Self::Daily | Self::Weekly | Self::Monthly => None,
        }
    }

    /// Whether bars are shorter than a day.
    #[must_use]
    pub const fn is_intraday(self) -> bool {
        self.minutes().is_some()
    }

    /// Whether bars of a longer interval within a day begin and end with bars of this one.
    #[must_use]
    pub fn adds_up_to(self, longer: Self) -> bool {
        self.minutes() < longer.minutes() && self.is_intraday()
    }

    /// How long after one bar the next one is expected, as a plain duration (a month counts 31 days).
    #[must_use]
    pub fn length(self) -> TimeDelta {
        match self {
            Self::Daily => TimeDelta::days(1),
            Self::Weekly => TimeDelta::days(7),
            Self::Monthly => TimeDelta::days(31),
            intraday => TimeDelta::minutes(i64::from(intraday.minutes().unwrap_or(0))),
        }
    }

    /// The first date of the week or month that holds `date`, for intervals whose label moves while
    /// their period is unfinished; `None` for the others.
    #[must_use]
    pub fn period_start(self, date: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Weekly => {
                date.checked_sub_days(Days::new(u64::from(date.weekday().num_days_from_monday())))
            }
            Self::Monthly => date.with_day(1),
            _ => None,
        }
    }
}

impl FromStr for Interval {
    type Err = UnknownInterval;

    fn from_str(text: &str) -> Result<Self, UnknownInterval> {
        Self::ALL
            .into_iter()
            .find(|interval| interval.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownInterval(super::text::clean_to(text, Symbol::MAX_LEN)))
    }
}

impl TryFrom<String> for Interval {
    type Error = UnknownInterval;

    fn try_from(text: String) -> Result<Self, UnknownInterval> {
        text.parse()
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> Self {
        interval.as_str().to_owned()
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_refused() {
        for interval in Interval::ALL {
            assert_eq!(interval.as_str().parse::<Interval>().unwrap(), interval);
        }
        assert_eq!("Daily".parse(), Ok(Interval::Daily));
        let error = "7min".parse::<Interval>().unwrap_err().to_string();
        assert!(
            error.contains("7min") && error.contains("use 1min"),
            "{error}"
        );
    }

    #[test]
    fn periods_start_on_monday_and_on_the_first() {
        let friday = NaiveDate::from_ymd_opt(2026, 5, 15).unwrap();
        assert_eq!(
            Interval::Weekly.period_start(friday),
            NaiveDate::from_ymd_opt(2026, 5, 11)
        );
        assert_eq!(
            Interval::Monthly.period_start(friday),
            NaiveDate::from_ymd_opt(2026, 5, 1)
        );
        assert_eq!(Interval::Daily.period_start(friday), None);
    }
}
