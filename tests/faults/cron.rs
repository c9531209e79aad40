//! The instants of a schedule, found by checking every minute: slow, and without any of the
//! product's code.
//!
//! If the hour is `*`, a schedule follows real time: it runs in every hour, also in one that is
//! repeated when clocks go back. Any other runs once for each clock time that it names: at the
//! first of two, and at the end of the gap if clocks skip it.

use std::collections::BTreeSet;

use chrono::{
    DateTime, Datelike as _, NaiveDateTime, TimeDelta, TimeZone as _, Timelike as _, Utc,
};
use chrono_tz::Tz;

const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// The basic part of cron's grammar: numbers, ranges, lists, `*` and steps.
pub struct Fields {
    minutes: BTreeSet<u32>,
    hours: BTreeSet<u32>,
    days: BTreeSet<u32>,
    months: BTreeSet<u32>,
    weekdays: BTreeSet<u32>,
    every_hour: bool,
    /// Days of the month and of the week are both given: either matches.
    either: bool,
    zone: Tz,
}

impl Fields {
    /// Reads five fields and a zone; `None` for anything beyond the basic part.
    pub fn parse(text: &str) -> Option<Self> {
        let [minute, hour, day, month, weekday, zone] = text.split(' ').collect::<Vec<_>>()[..]
        else {
            return None;
        };
        if [day, weekday].iter().any(|field| field.starts_with("*/")) {
            return None;
        }
        Some(Self {
            minutes: numbers(minute, 0, 59)?,
            hours: numbers(hour, 0, 23)?,
            days: numbers(day, 1, 31)?,
            months: numbers(month, 1, 12)?,
            weekdays: numbers(weekday, 0, 6)?,
            every_hour: hour == "*",
            either: day != "*" && weekday != "*",
            zone: zone.parse().ok()?,
        })
    }

    fn names(&self, clock: NaiveDateTime) -> bool {
        let day = self.days.contains(&clock.day());
        let weekday = self
            .weekdays
            .contains(&clock.weekday().num_days_from_sunday());
        self.minutes.contains(&clock.minute())
            && self.hours.contains(&clock.hour())
            && self.months.contains(&clock.month())
            && if self.either {
                day || weekday
            } else {
                day && weekday
            }
    }

    /// Whether it runs at an instant, which is a whole minute.
    pub fn strikes(&self, at: DateTime<Utc>) -> bool {
        let shown = |at: DateTime<Utc>| at.with_timezone(&self.zone).naive_local();
        let clock = shown(at);
        if self.every_hour {
            return self.names(clock);
        }
        let mut skipped = shown(at - MINUTE) + MINUTE;
        while skipped < clock {
            if self.names(skipped) {
                return true;
            }
            skipped += MINUTE;
        }
        let first = || self.zone.from_local_datetime(&clock).earliest();
        self.names(clock) && first().is_some_and(|first| first.to_utc() == at)
    }
}

fn numbers(field: &str, least: u32, most: u32) -> Option<BTreeSet<u32>> {
    let number = |text: &str| {
        let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u32>()
            .ok()
            .filter(|number| is_plain && (least..=most).contains(number))
    };
    let mut all = BTreeSet::new();
    for part in field.split(',') {
        if part == "*" {
            all.extend(least..=most);
        } else if let Some(step) = part.strip_prefix("*/") {
            let step = number(step).filter(|step| *step > 0)?;
            all.extend((least..=most).step_by(step as usize));
        } else if let Some((from, to)) = part.split_once('-') {
            let (from, to) = (number(from)?, number(to)?);
            if from > to {
                return None;
            }
            all.extend(from..=to);
        } else {
            all.insert(number(part)?);
        }
    }
    Some(all)
}

/// The first instant after `now` and within `span`.
pub fn next_within(fields: &Fields, now: DateTime<Utc>, span: TimeDelta) -> Option<DateTime<Utc>> {
    let mut at = now.with_second(0)?.with_nanosecond(0)? + MINUTE;
    while at <= now + span {
        if fields.strikes(at) {
            return Some(at);
        }
        at += MINUTE;
    }
    None
}
