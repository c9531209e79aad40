//! The lengths of klines, and where they begin.

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};

use crate::model::words::words;
use crate::simulate::piece::DAY;

words! {
    /// A length; upper and lower case differ. Seconds (`1s`) do not exist here.
    pub enum Period {
        /// One minute.
        Min1 = "1m",
        /// Three minutes.
        Min3 = "3m",
        /// Five minutes.
        Min5 = "5m",
        /// A quarter of an hour.
        Min15 = "15m",
        /// Half an hour.
        Min30 = "30m",
        /// One hour.
        Hour1 = "1h",
        /// Two hours.
        Hour2 = "2h",
        /// Four hours.
        Hour4 = "4h",
        /// Six hours.
        Hour6 = "6h",
        /// Eight hours.
        Hour8 = "8h",
        /// Twelve hours.
        Hour12 = "12h",
        /// One day.
        Day1 = "1d",
        /// Three days.
        Day3 = "3d",
        /// A week from Monday.
        Week = "1w",
        /// A month.
        Month = "1M",
    }
}

/// The first Monday before 1970.
const MONDAY: i64 = -3 * DAY;

impl Period {
    /// Its length in seconds; of a month, the shortest.
    pub(super) const fn seconds(self) -> i64 {
        match self {
            Self::Min1 => 60,
            Self::Min3 => 180,
            Self::Min5 => 300,
            Self::Min15 => 900,
            Self::Min30 => 1_800,
            Self::Hour1 => 3_600,
            Self::Hour2 => 7_200,
            Self::Hour4 => 14_400,
            Self::Hour6 => 21_600,
            Self::Hour8 => 28_800,
            Self::Hour12 => 43_200,
            Self::Day1 => DAY,
            Self::Day3 => 3 * DAY,
            Self::Week => 7 * DAY,
            Self::Month => 28 * DAY,
        }
    }

    /// When the one that holds a second begins.
    pub(super) fn label(self, at: i64) -> i64 {
        match self {
            Self::Month => date(at)
                .and_then(|date| date.with_day(1))
                .map_or(at, second),
            Self::Week => at - (at - MONDAY).rem_euclid(7 * DAY),
            _ => at - at.rem_euclid(self.seconds()),
        }
    }

    /// When the one begins that follows it after so many; before it, if there are fewer than none.
    pub(super) fn step(self, label: i64, count: i64) -> i64 {
        match self {
            Self::Month => {
                let months = Months::new(u32::try_from(count.abs()).unwrap_or(0));
                let step = if count < 0 {
                    NaiveDate::checked_sub_months
                } else {
                    NaiveDate::checked_add_months
                };
                date(label)
                    .and_then(|date| step(date, months))
                    .map_or(label, second)
            }
            _ => label.saturating_add(self.seconds().saturating_mul(count)),
        }
    }
}

fn date(at: i64) -> Option<NaiveDate> {
    DateTime::<Utc>::from_timestamp(at, 0).map(|at| at.date_naive())
}

fn second(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default())
        .num_seconds()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        second(text.parse().unwrap())
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let noon = at("2026-05-16") + DAY / 2;
        assert_eq!(Period::Week.label(noon), at("2026-05-11"));
        assert_eq!(Period::Month.label(noon), at("2026-05-01"));
        assert_eq!(Period::Day1.label(noon), at("2026-05-16"));
        assert_eq!(Period::Month.step(at("2026-01-01"), 1), at("2026-02-01"));
        assert_eq!(Period::Month.step(at("2026-01-01"), -13), at("2024-12-01"));
        assert_eq!(Period::Hour8.step(noon, -1), noon - 8 * 3_600);
    }
}
