//! The lengths of bars, and where they begin; times in wall seconds of New York.

use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDate};

use crate::simulate::calendar::{MINUTE, from_seconds, midnight};

/// A length of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timeframe {
    /// So many minutes, counted from midnight.
    Minutes(i64),
    Day,
    Week,
    /// So many months, counted from January.
    Months(u32),
}

impl FromStr for Timeframe {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or(())?;
        let number: u32 = number.parse().map_err(|_| ())?;
        match unit {
            "Min" | "T" if (1..60).contains(&number) => Ok(Self::Minutes(number.into())),
            "Hour" | "H" if (1..24).contains(&number) => Ok(Self::Minutes(i64::from(number) * 60)),
            "Day" | "D" if number == 1 => Ok(Self::Day),
            "Week" | "W" if number == 1 => Ok(Self::Week),
            "Month" | "M" if [1, 2, 3, 4, 6, 12].contains(&number) => Ok(Self::Months(number)),
            _ => Err(()),
        }
    }
}

impl Timeframe {
    /// Whether its bars are made of minutes.
    pub(super) const fn is_intraday(self) -> bool {
        matches!(self, Self::Minutes(_))
    }

    /// Another length.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Minutes(1) => Self::Minutes(5),
            Self::Minutes(_) => Self::Minutes(1),
            Self::Day => Self::Week,
            Self::Week | Self::Months(_) => Self::Day,
        }
    }

    /// When the bar begins that holds a wall second.
    pub(super) fn label(self, at: i64) -> i64 {
        let date = from_seconds(at).date();
        let day = midnight(date);
        match self {
            Self::Minutes(minutes) => {
                day + (at - day).div_euclid(minutes * MINUTE) * minutes * MINUTE
            }
            Self::Day => day,
            Self::Week => {
                let monday = Days::new(date.weekday().num_days_from_monday().into());
                midnight(date.checked_sub_days(monday).unwrap_or(date))
            }
            Self::Months(months) => {
                let month = date.month0() / months * months + 1;
                let first = NaiveDate::from_ymd_opt(date.year(), month, 1);
                midnight(first.unwrap_or(date))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_provider() {
        let read = |text: &str| text.parse::<Timeframe>().ok();
        assert_eq!(read("1Min"), Some(Timeframe::Minutes(1)));
        assert_eq!(read("59T"), Some(Timeframe::Minutes(59)));
        assert_eq!(read("1Hour"), Some(Timeframe::Minutes(60)));
        assert_eq!(read("1Day"), Some(Timeframe::Day));
        assert_eq!(read("3M"), Some(Timeframe::Months(3)));
        for text in [
            "",
            "1",
            "60Min",
            "24H",
            "2Day",
            "5Month",
            "1min",
            "3Fortnight",
            "Min",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn bars_begin_on_clock_hours_mondays_and_firsts() {
        let at = |text: &str| {
            let time: chrono::NaiveDateTime = text.parse().unwrap();
            time.and_utc().timestamp()
        };
        let noon = at("2026-05-14T12:34:56");
        assert_eq!(
            Timeframe::Minutes(60).label(noon),
            at("2026-05-14T12:00:00")
        );
        assert_eq!(Timeframe::Minutes(5).label(noon), at("2026-05-14T12:30:00"));
        assert_eq!(Timeframe::Day.label(noon), at("2026-05-14T00:00:00"));
        assert_eq!(Timeframe::Week.label(noon), at("2026-05-11T00:00:00"));
        assert_eq!(Timeframe::Months(1).label(noon), at("2026-05-01T00:00:00"));
        assert_eq!(Timeframe::Months(3).label(noon), at("2026-04-01T00:00:00"));
    }
}
