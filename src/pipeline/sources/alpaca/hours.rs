//! The day of a bar in New York, and whether it is within the hours that were asked for.

use chrono::{DateTime, Days as Later, NaiveDate, Utc};
use chrono_tz::America::New_York;

use crate::model::calendar::Calendar;
use crate::model::{Span, moment};
use crate::pipeline::source::Hours;

/// Places bars in days. Bars of one day follow each other, so that the last day is kept.
pub(super) struct Days<'a> {
    calendar: &'a Calendar,
    hours: Hours,
    last: Option<Day>,
}

#[derive(Clone, Copy)]
struct Day {
    date: NaiveDate,
    whole: Span,
    /// When bars of the day are wanted; `None`: never.
    wanted: Option<Span>,
}

impl<'a> Days<'a> {
    pub(super) const fn new(calendar: &'a Calendar, hours: Hours) -> Self {
        Self {
            calendar,
            hours,
            last: None,
        }
    }

    /// The label and the day of a bar that begins at an instant: bars of a day and more have the
    /// midnight of their date. `None`: it is outside the hours.
    pub(super) fn place(
        &mut self,
        at: DateTime<Utc>,
        is_intraday: bool,
    ) -> Option<(DateTime<Utc>, NaiveDate)> {
        let day = self.day(at);
        if !is_intraday {
            return Some((day.whole.from, day.date));
        }
        let is_wanted = day.wanted.is_some_and(|wanted| wanted.contains(at));
        is_wanted.then_some((at, day.date))
    }

    fn day(&mut self, at: DateTime<Utc>) -> Day {
        match self.last {
            Some(day) if day.whole.contains(at) => day,
            _ => {
                let day = self.looked_up(at);
                self.last = Some(day);
                day
            }
        }
    }

    fn looked_up(&self, at: DateTime<Utc>) -> Day {
        let date = at.with_timezone(&New_York).date_naive();
        let next = date.checked_add_days(Later::new(1)).unwrap_or(date);
        let midnight = |date| moment::midnight(date, New_York);
        let whole = Span::new(midnight(date), midnight(next));
        let session = || self.calendar.session(date);
        Day {
            date,
            whole,
            wanted: match self.hours {
                Hours::All => Some(whole),
                Hours::Regular => session().map(|day| Span::new(day.open, day.close)),
            },
        }
    }
}
