//! When exchanges trade: sessions, pauses, holidays, early closes. Pure functions over tables in
//! the program; no table is read before its exchange is asked about.
//!
//! ```text
//! table    the days that differ from ordinary weekdays, up to the last date that is known
//! rules    standing holidays, for the years that no table covers
//! clock    what an instant falls on: open, paused, closed
//! set      the calendars of a process, with what its configuration overrules
//! ```

mod clock;
mod rules;
mod set;
mod table;

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;
use serde::de::{Deserialize, Deserializer, Error as _};

pub use self::clock::Market;
pub use self::set::{Calendar, CalendarOf, Calendars, Overrule, OverruleError};
use super::words::words;
use super::{Bar, Interval, moment};

words! {
    /// A calendar, by the market identifier code of its exchange.
    pub enum CalendarId {
        /// New York: all US exchanges.
        Xnys = "XNYS",
        /// Toronto.
        Xtse = "XTSE",
        /// London.
        Xlon = "XLON",
        /// Frankfurt's electronic exchange.
        Xetr = "XETR",
        /// Bombay.
        Xbom = "XBOM",
        /// Shanghai, and Shenzhen with it.
        Xshg = "XSHG",
        /// Every minute of every day, in UTC.
        Always = "24/7",
        /// Monday to Friday from midnight to midnight UTC: a guess, where nothing is known.
        Weekdays = "weekdays",
    }
}

/// A trading day of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Its date at the exchange.
    pub date: NaiveDate,
    /// The first instant.
    pub open: DateTime<Utc>,
    /// The first instant after it.
    pub close: DateTime<Utc>,
    /// When trading stops in the middle of the day, and when it continues.
    pub pause: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Whether it closes earlier than usual.
    pub early: bool,
}

/// What a date is at an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// It trades.
    Open(Session),
    /// It does not.
    Closed(Closure),
}

/// Why an exchange is closed for a whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closure {
    /// Saturday or Sunday.
    Weekend,
    /// A holiday, by its name, which may be empty.
    Holiday(&'static str),
    /// Closed once, for this reason.
    Special(&'static str),
    /// The configuration says so.
    Overruled,
}

/// How well a date is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The exchange's own dates.
    Table,
    /// No table covers it: weekdays without the standing holidays.
    Rule,
    /// Nothing is known about the exchange.
    Guess,
}

impl CalendarId {
    /// What people call the exchange.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xnys => "NYSE",
            Self::Xtse => "TSX",
            Self::Xlon => "LSE",
            Self::Xetr => "Xetra",
            Self::Xbom => "BSE",
            Self::Xshg => "SSE",
            Self::Always | Self::Weekdays => self.as_str(),
        }
    }

    /// Whether it is that of an exchange, with a table of its days.
    #[must_use]
    pub const fn has_exchange(self) -> bool {
        !matches!(self, Self::Always | Self::Weekdays)
    }
}

impl<'de> Deserialize<'de> for CalendarId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        word.parse().map_err(D::Error::custom)
    }
}

impl Session {
    /// Whether trading is on at this instant.
    #[must_use]
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        (self.open..self.close).contains(&at) && !self.is_paused(at)
    }

    /// Whether trading has stopped in the middle of the day.
    #[must_use]
    pub fn is_paused(&self, at: DateTime<Utc>) -> bool {
        self.pause
            .is_some_and(|(from, to)| (from..to).contains(&at))
    }
}

impl Closure {
    /// The reason in a word or two.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Weekend => "weekend",
            Self::Holiday("") => "holiday",
            Self::Holiday(name) | Self::Special(name) => name,
            Self::Overruled => "by your configuration",
        }
    }
}

impl Calendar {
    /// The time zone of the exchange.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.table().zone
    }

    /// The date at the exchange.
    #[must_use]
    pub fn date(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone()).date_naive()
    }

    /// What a date is.
    #[must_use]
    pub fn day(&self, date: NaiveDate) -> Day {
        match (self.closure(date), self.overrule(date)) {
            (Some(closure), _) => Day::Closed(closure),
            (None, Some(Overrule::Closed)) => Day::Closed(Closure::Overruled),
            (None, Some(Overrule::Early(close))) => Day::Open(self.hours(date, Some(close))),
            (None, None) => Day::Open(self.hours(date, self.table().early(date))),
        }
    }

    /// The session of a date, if there is one.
    #[must_use]
    pub fn session(&self, date: NaiveDate) -> Option<Session> {
        match self.day(date) {
            Day::Open(session) => Some(session),
            Day::Closed(_) => None,
        }
    }

    /// The sessions of these dates, oldest first.
    #[must_use]
    pub fn sessions(
        &self,
        dates: RangeInclusive<NaiveDate>,
    ) -> impl DoubleEndedIterator<Item = Session> + '_ {
        let (first, last) = dates.into_inner();
        let days = u64::try_from((last - first).num_days() + 1).unwrap_or(0);
        (0..days)
            .filter_map(move |days| first.checked_add_days(Days::new(days)))
            .filter_map(|date| self.session(date))
    }

    /// How many sessions these dates have, without looking at each.
    #[must_use]
    pub fn count_sessions(&self, dates: RangeInclusive<NaiveDate>) -> u64 {
        let overruled = self
            .overruled(&dates)
            .filter(|(date, overrule)| {
                *overrule == Overrule::Closed && self.closure(*date).is_none()
            })
            .count();
        (self.table().count(dates)).saturating_sub(u64::try_from(overruled).unwrap_or(0))
    }

    /// How well a date is known.
    #[must_use]
    pub fn basis(&self, date: NaiveDate) -> Basis {
        match self.id() {
            CalendarId::Weekdays => Basis::Guess,
            _ if self.table().covers.contains(&date) => Basis::Table,
            _ => Basis::Rule,
        }
    }

    /// When the period of a bar ends: for days and more, when their last session closes.
    #[must_use]
    pub fn period_end(&self, interval: Interval, bar: &Bar) -> DateTime<Utc> {
        let date = bar.trading_date;
        let last = match interval {
            Interval::Daily => date,
            Interval::Weekly => date.week(Weekday::Mon).last_day(),
            Interval::Monthly => date
                .with_day(1)
                .and_then(|first| first.checked_add_months(Months::new(1)))
                .and_then(|next| next.pred_opt())
                .unwrap_or(date),
            intraday => return bar.timestamp + intraday.length(),
        };
        // A provider may send a bar of a day without a session.
        self.sessions(date..=last)
            .next_back()
            .unwrap_or_else(|| self.hours(date, None))
            .close
    }

    /// Why there is no session, whatever the configuration says.
    fn closure(&self, date: NaiveDate) -> Option<Closure> {
        self.table().closure(date)
    }

    /// The hours of a day that trades.
    fn hours(&self, date: NaiveDate, early: Option<NaiveTime>) -> Session {
        let table = self.table();
        let at = |time: NaiveTime| moment::local(date.and_time(time), table.zone);
        let close = match early {
            Some(early) => at(early),
            None if table.close > table.open => at(table.close),
            // Midnight is the next day's.
            None => at(table.open) + Interval::Daily.length(),
        };
        let pause = table.pause.map(|(from, to)| (at(from), at(to)));
        Session {
            date,
            open: at(table.open),
            close,
            pause: pause.filter(|(_, to)| *to < close),
            early: early.is_some(),
        }
    }
}

#[cfg(test)]
mod tests;
