//! A calendar month of the exchange, as people write it: `2009-01`.

use chrono::{Datelike as _, Months, NaiveDate, NaiveTime};
use chrono_tz::America::New_York;

use super::Range;
use crate::model::{Span, moment};

/// A calendar month, from 2000 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: u16,
    month: u8,
}

impl Month {
    /// The month of a date.
    #[must_use]
    pub fn of(date: NaiveDate) -> Self {
        Self {
            year: u16::try_from(date.year()).unwrap_or_default(),
            month: u8::try_from(date.month()).unwrap_or_default(),
        }
    }

    /// The bars of this month.
    #[must_use]
    pub fn range(self) -> Range {
        let first = NaiveDate::from_ymd_opt(self.year.into(), self.month.into(), 1);
        let first = first.unwrap_or_default();
        let midnight = |date: NaiveDate| moment::local(date.and_time(NaiveTime::MIN), New_York);
        Range::Between(Span::new(midnight(first), midnight(first + Months::new(1))))
    }

    /// The month that a time is, if it is exactly one.
    #[must_use]
    pub fn exactly(span: Span) -> Option<Self> {
        let month = Self::of(span.from.with_timezone(&New_York).date_naive());
        (month.range() == Range::Between(span)).then_some(month)
    }
}

/// Why a text is not such a month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a month; write YYYY-MM, from 2000-01 on")]
pub struct NotAMonth(String);

impl std::str::FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Self, NotAMonth> {
        let parse = || {
            let (year, month) = text.split_once('-')?;
            if year.len() != 4
                || month.len() != 2
                || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
            {
                return None;
            }
            let (year, month) = (year.parse().ok()?, month.parse().ok()?);
            (year >= 2000 && (1..=12).contains(&month)).then_some(Self { year, month })
        };
        parse().ok_or_else(|| NotAMonth(crate::model::text::clean(text)))
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_calendar_months_since_2000() {
        assert_eq!("2009-01".parse::<Month>().unwrap().to_string(), "2009-01");
        for text in [
            "2024-13", "2024-00", "1999-12", "2024-1", "24-01", "2024/01", "+024-01", "",
        ] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_month_begins_and_ends_at_midnight_of_the_exchange() {
        for (month, from, to) in [
            ("2026-03", "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"),
            ("2025-12", "2025-12-01T05:00:00Z", "2026-01-01T05:00:00Z"),
        ] {
            let month: Month = month.parse().unwrap();
            let span = Span::new(from.parse().unwrap(), to.parse().unwrap());
            assert_eq!(month.range(), Range::Between(span));
            assert_eq!(Month::exactly(span), Some(month));
            let longer = Span::new(span.from, span.to + chrono::TimeDelta::hours(1));
            assert_eq!(Month::exactly(longer), None);
        }
    }
}
