//! When runs start on schedule: pure functions of an instant.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use serde::{Deserialize, Serialize};

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
    /// No minutes.
    #[error("{0:?} is not a number of minutes; write for example: every 15")]
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
    /// The schedule of a free key: once, Monday to Friday 16:20 in New York.
    #[must_use]
    pub fn after_close() -> Self {
        Self::new_york("20 16 * * 1-5")
    }

    /// The schedule of a paid plan: every `minutes` minutes from 09:30 to 16:05 in New York.
    ///
    /// Cron fields cannot start at half past and end at five past, so the hours are whole; a run
    /// outside the session finds nothing due.
    #[must_use]
    pub fn through_the_session(minutes: u32) -> Self {
        match minutes {
            0..=1 => Self::new_york("* 9-16 * * 1-5"),
            2..=59 => Self::new_york(&format!("*/{minutes} 9-16 * * 1-5")),
            _ => Self::new_york("5 10-16 * * 1-5"),
        }
    }

    fn new_york(fields: &str) -> Self {
        let when = When::Cron {
            fields: CronFields(fields.to_owned()),
            zone: chrono_tz::America::New_York,
        };
        Self {
            when,
            missed: Missed::Once,
        }
    }

    /// The first instant after `now`.
    #[must_use]
    pub fn next_after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.when {
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
    pub fn last_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.when {
            When::Cron { fields, zone } => fields.last_until(now, *zone),
            When::Every { minutes } => {
                let step = i64::from((*minutes).max(1)) * 60;
                DateTime::from_timestamp(now.timestamp().div_euclid(step) * step, 0)
            }
        }
    }

    /// How many instants lie after `from`, up to and including `to`.
    #[must_use]
    pub fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> u32 {
        let (mut count, mut at) = (0, from);
        while count < MOST_MISSED {
            match self.next_after(at) {
                Some(next) if next <= to && next > at => (count, at) = (count + 1, next),
                _ => break,
            }
        }
        count
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
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    /// Reads `every 15`, or five cron fields with an optional time zone (New York where none is named).
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let when = match words.as_slice() {
            ["every", minutes] => {
                let number = minutes
                    .parse()
                    .ok()
                    .filter(|minutes| (1..=MOST_MINUTES).contains(minutes));
                When::Every {
                    minutes: number.ok_or_else(|| ScheduleError::Minutes(text::clean(minutes)))?,
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn next(schedule: &str, now: &str) -> String {
        let schedule: Schedule = schedule.parse().unwrap();
        schedule.next_after(at(now)).unwrap().to_rfc3339()
    }

    #[test]
    fn a_free_key_fetches_after_the_close_on_trading_weekdays() {
        let after_close = Schedule::after_close();
        assert_eq!(
            after_close.next_after(at("2026-11-20T21:19:59Z")),
            Some(at("2026-11-20T21:20:00Z"))
        );
        assert_eq!(
            after_close.next_after(at("2026-11-20T21:20:00Z")),
            Some(at("2026-11-23T21:20:00Z"))
        );
        assert_eq!(
            after_close.next_after(at("2026-07-01T12:00:00Z")),
            Some(at("2026-07-01T20:20:00Z"))
        );
    }

    #[test]
    fn clock_changes_lose_nothing_and_double_nothing() {
        assert_eq!(
            next("30 2 * * *", "2026-03-08T06:00:00Z"),
            "2026-03-08T07:00:00+00:00"
        );
        assert_eq!(
            next("30 1 * * *", "2026-11-01T04:00:00Z"),
            "2026-11-01T05:30:00+00:00"
        );
        assert_eq!(
            next("30 1 * * *", "2026-11-01T05:30:00Z"),
            "2026-11-02T06:30:00+00:00"
        );
        // Several hours are no other case than one.
        for hours in ["2,14", "2-3", "2"] {
            assert_eq!(
                next(&format!("*/20 {hours} * * *"), "2026-03-08T06:59:00Z"),
                "2026-03-08T07:00:00+00:00",
                "{hours}"
            );
        }
        assert_eq!(
            next("0 1,2 * * *", "2026-11-01T05:00:00Z"),
            "2026-11-01T07:00:00+00:00"
        );
        // Every hour is one of real time.
        assert_eq!(
            next("30 * * * *", "2026-11-01T05:30:00Z"),
            "2026-11-01T06:30:00+00:00"
        );
    }

    #[test]
    fn minutes_count_from_1970() {
        assert_eq!(
            next("every 15", "2026-11-20T21:14:59Z"),
            "2026-11-20T21:15:00+00:00"
        );
        assert_eq!(
            next("every 15", "2026-11-20T21:15:00Z"),
            "2026-11-20T21:30:00+00:00"
        );
    }

    #[test]
    fn the_last_instant_is_the_one_whose_next_is_still_to_come() {
        let instants = [
            "2026-03-08T06:59:30Z",
            "2026-03-08T07:00:00Z",
            "2026-07-01T12:00:00Z",
            "2026-11-01T05:30:00Z",
            "2026-11-01T06:15:00Z",
            "2026-11-01T06:30:00Z",
            "2026-11-23T21:19:59Z",
            "2026-11-23T21:20:00Z",
        ];
        for words in [
            "20 16 * * 1-5",
            "30 2 * * *",
            "30 1 * * *",
            "30 * * * *",
            "*/20 0-3 * * *",
            "every 15",
        ] {
            let schedule: Schedule = words.parse().unwrap();
            for now in instants.map(at) {
                let last = schedule.last_until(now).unwrap();
                let next = schedule.next_after(now);
                assert!(last <= now, "{words} {now}");
                assert_eq!(schedule.next_after(last), next, "{words} {now}");
                let just_before = last - TimeDelta::milliseconds(1);
                assert_eq!(
                    schedule.next_after(just_before),
                    Some(last),
                    "{words} {now}"
                );
            }
        }
    }

    #[test]
    fn missed_instants_are_counted_and_made_up_by_policy() {
        let schedule = Schedule::after_close();
        let missed = schedule.between(at("2026-11-16T22:00:00Z"), at("2026-11-20T22:00:00Z"));
        assert_eq!(missed, 4);
        let make_up = |policy| {
            Schedule {
                missed: policy,
                ..schedule.clone()
            }
            .make_up(missed)
        };
        assert_eq!(
            [Missed::Skip, Missed::Once, Missed::All].map(make_up),
            [0, 1, 4]
        );
        assert_eq!(schedule.make_up(0), 0);
    }

    #[test]
    fn schedules_round_trip_as_text_and_as_json() {
        for text in [
            "every 15",
            "20 16 * * 1-5 America/New_York",
            "0 * * * * UTC",
        ] {
            let schedule: Schedule = text.parse().unwrap();
            assert_eq!(schedule.to_string(), text);
            let json = serde_json::to_string(&schedule).unwrap();
            assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule);
        }
        assert_eq!(
            "20 16 * * 1-5".parse::<Schedule>().unwrap(),
            Schedule::after_close()
        );
    }

    #[test]
    fn usual_schedules_are_said_in_words() {
        for (text, words) in [
            ("every 5", "every 5 minutes"),
            ("20 16 * * 1-5", "Mon–Fri 16:20"),
            ("*/5 9-16 * * 1-5", "Mon–Fri 09–16 h, every 5 min"),
            ("0 6 * * * UTC", "every day 06:00 UTC"),
            ("0 6 1 * *", "0 6 1 * * America/New_York"),
        ] {
            assert_eq!(text.parse::<Schedule>().unwrap().words(), words);
        }
    }

    #[test]
    fn what_is_no_schedule_is_answered_with_an_example() {
        for text in [
            "every never",
            "every 0",
            "* * *",
            "61 * * * *",
            "0 0 30 2 *",
            "* * * * * Mars/Olympus",
            "",
        ] {
            let error = text.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.contains("write"), "{error}");
        }
    }
}
