//! When runs start on schedule: pure functions of an instant and the exchanges' calendars.

mod sessions;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use serde::{Deserialize, Serialize};

use crate::model::calendar::{CalendarId, Calendars};
use crate::model::{moment, text};

/// The longest time between two starts of a schedule in minutes: a week.
const MOST_MINUTES: u32 = 7 * 24 * 60;
/// The most missed instants that are counted.
const MOST_MISSED: u32 = 10_000;

/// When runs start, and what happens to instants that passed while no engine was running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The instants.
    pub when: When,
    /// What happens to missed ones.
    pub missed: Missed,
}

/// The instants of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Five cron fields in the local time of a zone. If the hour is `*`, every real hour has its
    /// instants, including one that the end of summer time repeats. Otherwise each local time
    /// happens once: the first of two, and a skipped one right after the change.
    Cron {
        /// Minute, hour, day of month, month, day of week.
        fields: CronFields,
        /// The time zone.
        zone: Tz,
    },
    /// Every few minutes, counted from 1970.
    Every {
        /// Minutes between two starts.
        minutes: u32,
    },
    /// After each close of an exchange, early ones too.
    Close {
        /// Minutes after the close.
        minutes: u32,
        /// The calendar of the exchange.
        calendar: CalendarId,
    },
    /// Every few minutes of each session of an exchange, counted from its open, and once more when
    /// it has closed.
    Open {
        /// Minutes between two starts.
        minutes: u32,
        /// The calendar of the exchange.
        calendar: CalendarId,
    },
}

/// What happens to instants that passed while no engine was running.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// They are forgotten.
    Skip,
    /// One run catches up on all of them.
    #[default]
    Once,
    /// Each gets its own run.
    All,
}

/// A parsed cron expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CronFields(String);

/// Why a text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not five cron fields.
    #[error("{0:?} is not a cron expression ({1}); write one such as 20 16 * * 1-5")]
    Cron(String, String),
    /// Not a time zone.
    #[error("{0:?} is not a time zone; write one such as America/New_York or UTC")]
    Zone(String),
    /// Not a calendar.
    #[error("{0:?} is not a calendar; write one such as XNYS or XLON")]
    Calendar(String),
    /// No minutes.
    #[error(
        "{0:?} is not a number of minutes; write for example: every 15, close +20 or open every 5"
    )]
    Minutes(String),
}

impl CronFields {
    fn next_after(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let cron: Cron = self.0.parse().ok()?;
        let here = now.with_timezone(&zone);
        if self.0.split(' ').nth(1) == Some("*") {
            let next = cron.find_next_occurrence(&here, false).ok()?;
            return Some(next.to_utc());
        }
        // Local time, treated as if the clock never changed.
        let mut clock = here.naive_local().and_utc();
        loop {
            clock = cron.find_next_occurrence(&clock, false).ok()?;
            let next = moment::local(clock.naive_utc(), zone);
            if next > now {
                return Some(next);
            }
        }
    }
}

impl CronFields {
    /// The last instant up to `now`: the mirror of [`Self::next_after`].
    fn last_until(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let cron: Cron = self.0.parse().ok()?;
        let here = now.with_timezone(&zone);
        if self.0.split(' ').nth(1) == Some("*") {
            let last = cron.find_previous_occurrence(&here, true).ok()?;
            return Some(last.to_utc());
        }
        // In a repeated hour, later local times have already passed.
        let mut clock = (here.naive_local() + TimeDelta::hours(1)).and_utc();
        loop {
            clock = cron.find_previous_occurrence(&clock, false).ok()?;
            let last = moment::local(clock.naive_utc(), zone);
            if last <= now {
                return Some(last);
            }
        }
    }
}

impl FromStr for CronFields {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let refused = |why: &str| ScheduleError::Cron(text::clean(&text), why.to_owned());
        if text.split(' ').count() != 5 {
            return Err(refused("it needs five fields"));
        }
        match text.parse::<Cron>() {
            // Finding this out takes some milliseconds, and would take them at every check.
            Ok(cron)
                if cron
                    .find_next_occurrence(&DateTime::UNIX_EPOCH, false)
                    .is_err() =>
            {
                Err(refused("it names a day that never comes"))
            }
            Ok(_) => Ok(Self(text)),
            Err(error) => Err(refused(&text::clean(&error.to_string()))),
        }
    }
}

impl TryFrom<String> for CronFields {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        text.parse()
    }
}

impl From<CronFields> for String {
    fn from(fields: CronFields) -> Self {
        fields.0
    }
}

impl Schedule {
    /// The schedule of a free key: once a day, 20 minutes after New York closes.
    #[must_use]
    pub const fn after_close() -> Self {
        Self::of(When::Close {
            minutes: 20,
            calendar: CalendarId::Xnys,
        })
    }

    /// The schedule of a paid plan: every `minutes` minutes while New York trades, and once more
    /// when it has closed.
    #[must_use]
    pub const fn through_the_session(minutes: u32) -> Self {
        Self::of(When::Open {
            minutes,
            calendar: CalendarId::Xnys,
        })
    }

    const fn of(when: When) -> Self {
        Self {
            when,
            missed: Missed::Once,
        }
    }

    /// Whether it is the schedule of series of this calendar: sessions of an exchange say nothing of
    /// what trades around the clock.
    #[must_use]
    pub fn speaks_for(&self, calendar: CalendarId) -> bool {
        match self.when {
            When::Close { calendar: of, .. } | When::Open { calendar: of, .. } => {
                of == CalendarId::Always || calendar != CalendarId::Always
            }
            When::Cron { .. } | When::Every { .. } => true,
        }
    }

    /// The first instant after `now`.
    #[must_use]
    pub fn next_after(&self, calendars: &Calendars, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.when {
            When::Close { minutes, calendar } => {
                sessions::close_after(&calendars.get(*calendar), *minutes, now)
            }
            When::Open { minutes, calendar } => {
                sessions::open_after(&calendars.get(*calendar), *minutes, now)
            }
            When::Cron { fields, zone } => fields.next_after(now, *zone),
            When::Every { minutes } => {
                let step = i64::from((*minutes).max(1)) * 60;
                let since = now.timestamp().div_euclid(step) + 1;
                DateTime::from_timestamp(since.checked_mul(step)?, 0)
            }
        }
    }

    /// The last instant up to and including `now`.
    #[must_use]
    pub fn last_until(&self, calendars: &Calendars, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.when {
            When::Close { minutes, calendar } => {
                sessions::close_until(&calendars.get(*calendar), *minutes, now)
            }
            When::Open { minutes, calendar } => {
                sessions::open_until(&calendars.get(*calendar), *minutes, now)
            }
            When::Cron { fields, zone } => fields.last_until(now, *zone),
            When::Every { minutes } => {
                let step = i64::from((*minutes).max(1)) * 60;
                DateTime::from_timestamp(now.timestamp().div_euclid(step) * step, 0)
            }
        }
    }

    /// How many instants lie after `from`, up to and including `to`.
    #[must_use]
    pub fn between(&self, calendars: &Calendars, from: DateTime<Utc>, to: DateTime<Utc>) -> u32 {
        let (mut count, mut at) = (0, from);
        while count < MOST_MISSED {
            match self.next_after(calendars, at) {
                Some(next) if next <= to && next > at => (count, at) = (count + 1, next),
                _ => break,
            }
        }
        count
    }

    /// The instants after `from`, up to and including `to`: the newest ones first, `most` of them.
    #[must_use]
    pub fn passed(
        &self,
        calendars: &Calendars,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        most: usize,
    ) -> Vec<DateTime<Utc>> {
        let before = |at: &DateTime<Utc>| *at - TimeDelta::milliseconds(1);
        let last = |upto| self.last_until(calendars, upto);
        let instants = std::iter::successors(last(to), |at| last(before(at)));
        instants.take_while(|at| *at > from).take(most).collect()
    }

    /// How many runs catch up on `missed` instants.
    #[must_use]
    pub const fn make_up(&self, missed: u32) -> u32 {
        match self.missed {
            Missed::Skip => 0,
            Missed::Once => {
                if missed > 0 {
                    1
                } else {
                    0
                }
            }
            Missed::All => missed,
        }
    }
}

impl Schedule {
    /// The schedule as people say it, if it is a common one: `Mon–Fri 16:20`, `every 5 minutes`.
    #[must_use]
    pub fn words(&self) -> String {
        let (fields, zone) = match &self.when {
            When::Every { minutes: 1 } => return "every minute".to_owned(),
            When::Every { minutes } => return format!("every {minutes} minutes"),
            When::Close { minutes, calendar } => {
                return match calendar {
                    CalendarId::Xnys => format!("{minutes} min after close"),
                    other => format!("{minutes} min after {} close", other.name()),
                };
            }
            When::Open { minutes, calendar } => {
                return match calendar {
                    CalendarId::Xnys => format!("every {minutes} min while open"),
                    other => format!("every {minutes} min while {} is open", other.name()),
                };
            }
            When::Cron { fields, zone } => (fields, zone),
        };
        let parts: Vec<&str> = fields.0.split(' ').collect();
        let days = |field: &str| match field {
            "1-5" => Some("Mon–Fri"),
            "*" => Some("every day"),
            _ => None,
        };
        let number = |field: &str| field.parse::<u32>().ok();
        let said = match parts.as_slice() {
            [minute, hour, "*", "*", day] => days(day).and_then(|day| {
                if let (Some(minute), Some(hour)) = (number(minute), number(hour)) {
                    return Some(format!("{day} {hour:02}:{minute:02}"));
                }
                let step = minute.strip_prefix("*/").and_then(number)?;
                let (from, to) = hour.split_once('-')?;
                let (from, to) = (number(from)?, number(to)?);
                Some(format!("{day} {from:02}–{to:02} h, every {step} min"))
            }),
            _ => None,
        };
        match (said, zone) {
            (Some(said), &chrono_tz::America::New_York) => said,
            (Some(said), zone) => format!("{said} {zone}"),
            (None, _) => self.to_string(),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.when {
            When::Cron { fields, zone } => write!(f, "{} {zone}", fields.0),
            When::Every { minutes } => write!(f, "every {minutes}"),
            When::Close { minutes, calendar } => write!(f, "close +{minutes} {calendar}"),
            When::Open { minutes, calendar } => write!(f, "open every {minutes} {calendar}"),
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    /// Reads `every 15`; `close +20` or `open every 5`, with an optional calendar (New York where none
    /// is named); or five cron fields with an optional time zone (New York, too).
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let when = match words.as_slice() {
            ["every", minutes] => When::Every {
                minutes: number(minutes, 1)?,
            },
            ["close", minutes, named @ ..] if named.len() <= 1 => When::Close {
                minutes: number(minutes, 0)?,
                calendar: calendar(named)?,
            },
            ["open", "every", minutes, named @ ..] if named.len() <= 1 => When::Open {
                minutes: number(minutes, 1)?,
                calendar: calendar(named)?,
            },
            [fields @ .., zone] if fields.len() == 5 => When::Cron {
                fields: fields.join(" ").parse()?,
                zone: zone
                    .parse()
                    .map_err(|_| ScheduleError::Zone(text::clean(zone)))?,
            },
            _ => When::Cron {
                fields: text.parse()?,
                zone: chrono_tz::America::New_York,
            },
        };
        Ok(Self {
            when,
            missed: Missed::Once,
        })
    }
}

/// Minutes, with or without a plus in front.
fn number(text: &str, least: u32) -> Result<u32, ScheduleError> {
    let number = text.parse().ok();
    number
        .filter(|minutes| (least..=MOST_MINUTES).contains(minutes))
        .ok_or_else(|| ScheduleError::Minutes(text::clean(text)))
}

/// The calendar that is named, or New York.
fn calendar(named: &[&str]) -> Result<CalendarId, ScheduleError> {
    let Some(name) = named.first() else {
        return Ok(CalendarId::Xnys);
    };
    let mut ids = CalendarId::ALL.iter();
    ids.find(|id| id.as_str().eq_ignore_ascii_case(name))
        .copied()
        .ok_or_else(|| ScheduleError::Calendar(text::clean(name)))
}

#[cfg(test)]
mod tests;
