//! The tables: what differs from ordinary weekdays, read once from a text in the program.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;

use super::rules::Rules;
use super::{CalendarId, Closure};

/// The days of one exchange.
#[derive(Debug)]
pub(super) struct DayTable {
    pub(super) zone: Tz,
    pub(super) open: NaiveTime,
    /// Midnight is that of the next day.
    pub(super) close: NaiveTime,
    pub(super) pause: Option<(NaiveTime, NaiveTime)>,
    /// Outside these dates the rules speak.
    pub(super) covers: RangeInclusive<NaiveDate>,
    weekends: bool,
    /// Closed weekdays, oldest first.
    closed: Vec<(NaiveDate, Closure)>,
    /// Early closes, oldest first.
    early: Vec<(NaiveDate, NaiveTime)>,
    rules: Rules,
}

/// A table that is read when it is first asked for.
macro_rules! read {
    ($id:ident) => {{
        static TABLE: LazyLock<DayTable> = LazyLock::new(|| {
            let text = CalendarId::$id.text();
            DayTable::read(text, Rules::of(CalendarId::$id))
        });
        &TABLE
    }};
}

impl CalendarId {
    /// The days of the exchange.
    pub(super) fn table(self) -> &'static DayTable {
        match self {
            Self::Xnys => read!(Xnys),
            Self::Xtse => read!(Xtse),
            Self::Xlon => read!(Xlon),
            Self::Xetr => read!(Xetr),
            Self::Xbom => read!(Xbom),
            Self::Xshg => read!(Xshg),
            Self::Always => {
                static TABLE: DayTable = DayTable::without_holidays(true);
                &TABLE
            }
            Self::Weekdays => {
                static TABLE: DayTable = DayTable::without_holidays(false);
                &TABLE
            }
        }
    }

    /// The table as text, written by `scripts/calendars.py`; empty where there are no holidays.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Xnys => include_str!("data/XNYS.txt"),
            Self::Xtse => include_str!("data/XTSE.txt"),
            Self::Xlon => include_str!("data/XLON.txt"),
            Self::Xetr => include_str!("data/XETR.txt"),
            Self::Xbom => include_str!("data/XBOM.txt"),
            Self::Xshg => include_str!("data/XSHG.txt"),
            Self::Always | Self::Weekdays => "",
        }
    }
}

impl DayTable {
    pub(super) const fn without_holidays(weekends: bool) -> Self {
        Self {
            zone: Tz::UTC,
            open: NaiveTime::MIN,
            close: NaiveTime::MIN,
            pause: None,
            covers: NaiveDate::MIN..=NaiveDate::MAX,
            weekends,
            closed: vec![],
            early: vec![],
            rules: Rules::NONE,
        }
    }

    fn read(text: &'static str, rules: Rules) -> Self {
        let mut table = Self::without_holidays(false);
        table.rules = rules;
        for line in text.lines() {
            // The text is a part of the program; a test finds a line that cannot be read.
            let _ = table.take(line);
        }
        table
    }

    /// Takes a line; `None` if it cannot be read.
    pub(super) fn take(&mut self, line: &'static str) -> Option<()> {
        let (word, rest) = line.split_once(' ')?;
        let (first, last) = rest.split_once(' ').unwrap_or((rest, ""));
        match word {
            "#" => {}
            "zone" => self.zone = first.parse().ok()?,
            "hours" => (self.open, self.close) = (time(first)?, time(last)?),
            "pause" => self.pause = Some((time(first)?, time(last)?)),
            "covers" => self.covers = first.parse().ok()?..=last.parse().ok()?,
            "holiday" => {
                let closure = Closure::Holiday(last);
                self.closed.push((first.parse().ok()?, closure));
            }
            "special" => {
                let closure = Closure::Special(last);
                self.closed.push((first.parse().ok()?, closure));
            }
            "early" => self.early.push((first.parse().ok()?, time(last)?)),
            _ => return None,
        }
        Some(())
    }

    /// Why there is no session on a date.
    pub(super) fn closure(&self, date: NaiveDate) -> Option<Closure> {
        if self.weekends {
            return None;
        }
        if is_weekend(date) {
            return Some(Closure::Weekend);
        }
        if self.covers.contains(&date) {
            let known = find(&self.closed, date)?;
            return Some(known);
        }
        self.rules.holiday(date).map(Closure::Holiday)
    }

    /// When the exchange closes on a date, if earlier than usual.
    pub(super) fn early(&self, date: NaiveDate) -> Option<NaiveTime> {
        if self.covers.contains(&date) {
            find(&self.early, date)
        } else {
            self.rules.early(date)
        }
    }

    /// How many sessions these dates have.
    pub(super) fn count(&self, dates: RangeInclusive<NaiveDate>) -> u64 {
        let (first, last) = dates.into_inner();
        if first > last {
            return 0;
        }
        let days =
            |from: NaiveDate, to: NaiveDate| u64::try_from((to - from).num_days() + 1).unwrap_or(0);
        if self.weekends {
            return days(first, last);
        }
        let (known_from, known_to) = (
            first.max(*self.covers.start()),
            last.min(*self.covers.end()),
        );
        if known_from > known_to {
            return self.walk(first, days(first, last));
        }
        let until = |date: NaiveDate| self.closed.partition_point(|(closed, _)| *closed <= date);
        let closed = until(known_to) - self.closed.partition_point(|(date, _)| *date < known_from);
        let known = weekdays(known_from, days(known_from, known_to))
            .saturating_sub(u64::try_from(closed).unwrap_or(0));
        let before = u64::try_from((known_from - first).num_days()).unwrap_or(0);
        let after = u64::try_from((last - known_to).num_days()).unwrap_or(0);
        let next = known_to.checked_add_days(Days::new(1)).unwrap_or(known_to);
        known + self.walk(first, before) + self.walk(next, after)
    }

    /// How many sessions so many days have, one after the other.
    fn walk(&self, first: NaiveDate, days: u64) -> u64 {
        let dates = (0..days).filter_map(|days| first.checked_add_days(Days::new(days)));
        let sessions = dates.filter(|date| self.closure(*date).is_none());
        u64::try_from(sessions.count()).unwrap_or(0)
    }
}

fn find<T: Copy>(days: &[(NaiveDate, T)], date: NaiveDate) -> Option<T> {
    let at = days.binary_search_by_key(&date, |(date, _)| *date).ok()?;
    days.get(at).map(|(_, found)| *found)
}

fn time(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M").ok()
}

pub(super) fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

/// How many of so many days are Monday to Friday.
fn weekdays(first: NaiveDate, days: u64) -> u64 {
    let from = u64::from(first.weekday().num_days_from_monday());
    // From the Monday of the first week on, without what comes before the first day.
    let since_monday = |days: u64| days / 7 * 5 + (days % 7).min(5);
    since_monday(from + days) - since_monday(from)
}
