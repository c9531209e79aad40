//! Times as people write them.

use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, TimeZone, Utc,
};
use chrono_tz::America::New_York;

use crate::model::Interval;

/// One end of a range: an instant, or a date at the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// An instant.
    Instant(DateTime<Utc>),
    /// A whole day in New York.
    Day(NaiveDate),
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(instant) = text.parse::<DateTime<Utc>>() {
            return Ok(Self::Instant(instant));
        }
        if let Ok(date) = text.parse::<NaiveDate>() {
            return Ok(Self::Day(date));
        }
        [
            "%Y-%m-%d %H:%M:%S",
            "%Y-%m-%d %H:%M",
            "%Y-%m-%dT%H:%M:%S",
            "%Y-%m-%dT%H:%M",
        ]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .and_then(|local| New_York.from_local_datetime(&local).earliest())
        .map(|instant| Self::Instant(instant.with_timezone(&Utc)))
        .ok_or_else(|| {
            "use 2026-05-15, \"2026-05-15 09:30\" (New York) or 2026-05-15T13:30:00Z".to_owned()
        })
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant(instant) => {
                f.write_str(&instant.to_rfc3339_opts(SecondsFormat::Secs, true))
            }
            Self::Day(date) => date.fmt(f),
        }
    }
}

impl Bound {
    /// The first instant it covers.
    pub fn start(self) -> DateTime<Utc> {
        match self {
            Self::Instant(instant) => instant,
            Self::Day(date) => midnight(date),
        }
    }

    /// The first label that it covers of bars of an interval: whole days are labelled with midnight in
    /// UTC or west of it.
    pub fn first(self, interval: Interval) -> DateTime<Utc> {
        match self {
            Self::Day(date) if !interval.is_intraday() => date.and_time(NaiveTime::MIN).and_utc(),
            other => other.start(),
        }
    }

    /// The last label that it covers.
    pub fn last(self, interval: Interval) -> DateTime<Utc> {
        match self {
            Self::Instant(instant) => instant,
            Self::Day(date) => {
                let next = Self::Day(date.succ_opt().unwrap_or(date));
                next.first(interval) - TimeDelta::seconds(1)
            }
        }
    }
}

fn midnight(date: NaiveDate) -> DateTime<Utc> {
    let local = date.and_time(NaiveTime::MIN);
    New_York
        .from_local_datetime(&local)
        .earliest()
        .map_or_else(|| local.and_utc(), |at| at.with_timezone(&Utc))
}

/// An instant as every command writes it, in New York.
pub fn clock(at: DateTime<Utc>) -> String {
    let there = at.with_timezone(&New_York);
    there.format("%Y-%m-%d %H:%M ET").to_string()
}

/// Reads an age such as `90s`, `15m`, `6h`, `1d` or `2w`.
pub fn parse_age(text: &str) -> Result<TimeDelta, String> {
    let hint = || "use an age such as 90s, 15m, 6h, 1d or 2w".to_owned();
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(hint)?;
    let (number, unit) = text.split_at_checked(split).ok_or_else(hint)?;
    let seconds = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(hint()),
    };
    number
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(seconds))
        .and_then(TimeDelta::try_seconds)
        .ok_or_else(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_covers_itself_at_the_exchange() {
        let day: Bound = "2026-05-15".parse().unwrap();
        let labels = |interval| {
            (
                day.first(interval).to_rfc3339(),
                day.last(interval).to_rfc3339(),
            )
        };
        let (first, last) = labels(Interval::Min5);
        assert_eq!(first, "2026-05-15T04:00:00+00:00");
        assert_eq!(last, "2026-05-16T03:59:59+00:00");
        // Its label is midnight in New York or in UTC.
        let (first, last) = labels(Interval::Daily);
        assert_eq!(first, "2026-05-15T00:00:00+00:00");
        assert_eq!(last, "2026-05-15T23:59:59+00:00");
    }

    #[test]
    fn times_are_the_exchanges_unless_they_say_otherwise() {
        for text in [
            "2026-05-15 09:30",
            "2026-05-15T09:30:00",
            "2026-05-15T13:30:00Z",
        ] {
            let bound: Bound = text.parse().unwrap();
            assert_eq!(
                bound.start().to_rfc3339(),
                "2026-05-15T13:30:00+00:00",
                "{text}"
            );
        }
        assert!(
            "yesterday"
                .parse::<Bound>()
                .unwrap_err()
                .contains("2026-05-15")
        );
    }

    #[test]
    fn an_instant_is_written_with_its_zone() {
        let at = "2026-11-20T21:20:00Z".parse().unwrap();
        assert_eq!(clock(at), "2026-11-20 16:20 ET");
    }

    #[test]
    fn ages_have_units() {
        assert_eq!(parse_age("15m"), Ok(TimeDelta::minutes(15)));
        assert_eq!(parse_age("2w"), Ok(TimeDelta::weeks(2)));
        for text in ["15", "m", "1y", "-1d", "99999999999999999999d", ""] {
            assert!(parse_age(text).unwrap_err().contains("15m"), "{text}");
        }
    }
}
