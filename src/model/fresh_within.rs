//! How old the newest bar of a series may be, as a person declares it: a time, or sessions of its exchange.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, TimeDelta, Utc};
use serde::{Serialize, Serializer};

use super::calendar::Calendar;
use super::text::{clean, counted};

/// The longest of both kinds, by its number.
const MOST: u32 = 9_999;

/// How old what is known of a series may be before it is asked for ahead of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FreshWithin {
    /// So many minutes.
    Minutes(u32),
    /// So many sessions without their bars.
    Sessions(u32),
}

impl FreshWithin {
    /// Until when a series is fresh enough whose bars are known up to an instant. With sessions, that is the
    /// close of the first one too many.
    #[must_use]
    pub fn until(self, known_to: DateTime<Utc>, calendar: &Calendar) -> DateTime<Utc> {
        match self {
            Self::Minutes(minutes) => known_to + TimeDelta::minutes(minutes.into()),
            Self::Sessions(sessions) => {
                let ahead = Days::new(u64::from(sessions) * 2 + 30);
                let first = calendar.date(known_to);
                let last = first.checked_add_days(ahead).unwrap_or(first);
                let closes = calendar.sessions(first..=last).map(|session| session.close);
                let mut later = closes.filter(|close| *close > known_to);
                let wanted = usize::try_from(sessions).unwrap_or(usize::MAX);
                let by_days = known_to + TimeDelta::days(sessions.into());
                later.nth(wanted).unwrap_or(by_days)
            }
        }
    }

    /// As it is said: `2 hours`, `3 sessions`.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Minutes(minutes) if minutes % 60 == 0 => counted((minutes / 60).into(), "hour"),
            Self::Minutes(minutes) => counted(minutes.into(), "minute"),
            Self::Sessions(sessions) => counted(sessions.into(), "session"),
        }
    }
}

/// As it is written: `30m`, `2h`, `3sessions`.
impl fmt::Display for FreshWithin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minutes(minutes) if minutes % 60 == 0 => write!(f, "{}h", minutes / 60),
            Self::Minutes(minutes) => write!(f, "{minutes}m"),
            Self::Sessions(1) => f.write_str("1session"),
            Self::Sessions(sessions) => write!(f, "{sessions}sessions"),
        }
    }
}

impl FromStr for FreshWithin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let shown = clean(text);
            format!(
                "\"{shown}\" is not how fresh a series can be; write 30m, 2h, 3sessions, or none"
            )
        };
        let text = text.trim();
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = text.strip_suffix(unit).unwrap_or_default();
        let number = number.parse().ok();
        let number: u32 = number
            .filter(|n| (1..=MOST).contains(n))
            .ok_or_else(wrong)?;
        match unit.trim_start().to_ascii_lowercase().as_str() {
            "m" | "min" => Ok(Self::Minutes(number)),
            "h" => Ok(Self::Minutes(number * 60)),
            "session" | "sessions" => Ok(Self::Sessions(number)),
            _ => Err(wrong()),
        }
    }
}

impl Serialize for FreshWithin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::{CalendarId, Calendars};

    fn within(text: &str) -> FreshWithin {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (text, written, words) in [
            ("30m", "30m", "30 minutes"),
            ("90min", "90m", "90 minutes"),
            ("120 M", "2h", "2 hours"),
            ("1h", "1h", "1 hour"),
            ("1 session", "1session", "1 session"),
            ("3 Sessions", "3sessions", "3 sessions"),
        ] {
            let read = within(text);
            assert_eq!(
                (read.to_string(), read.words()),
                (written.into(), words.into())
            );
            assert_eq!(within(written), read);
        }
        for wrong in [
            "",
            "h",
            "0h",
            "-2h",
            "2d",
            "10000m",
            "2 h 3",
            "99999999999m",
            "sessions",
        ] {
            let why = wrong.parse::<FreshWithin>().unwrap_err();
            assert!(why.contains("write 30m, 2h, 3sessions"), "{why}");
        }
    }

    #[test]
    fn sessions_are_those_of_the_exchange() {
        let new_york = Calendars::default().get(CalendarId::Xnys);
        let until = |text, known_to: &str| {
            within(text)
                .until(known_to.parse().unwrap(), &new_york)
                .to_rfc3339()
        };
        // A Friday's bar is known: of Monday's session nothing is missing before it is over.
        assert_eq!(
            until("1session", "2026-11-21T05:00:00Z"),
            "2026-11-24T21:00:00+00:00"
        );
        // Thanksgiving is no session, and the day after it closes early.
        assert_eq!(
            until("1session", "2026-11-25T05:00:00Z"),
            "2026-11-27T18:00:00+00:00"
        );
        assert_eq!(
            until("3sessions", "2026-11-20T15:00:00Z"),
            "2026-11-25T21:00:00+00:00"
        );
        assert_eq!(
            until("2h", "2026-11-20T15:00:00Z"),
            "2026-11-20T17:00:00+00:00"
        );
    }
}
