//! The calendars of a process, with what its configuration overrules.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};

use super::table::DayTable;
use super::{CalendarId, Closure};
use crate::model::{SeriesKey, SourceId, Symbol};

/// When one exchange trades. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    id: CalendarId,
    overruled: Option<Arc<Days>>,
}

/// Days that are not as the table says.
type Days = BTreeMap<NaiveDate, Overrule>;

/// What the configuration says of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overrule {
    /// The exchange does not trade.
    Closed,
    /// It closes at this time of its clock.
    Early(NaiveTime),
}

/// Why a day cannot be overruled so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OverruleError {
    /// Closed anyway.
    #[error("{id} is closed on {date} anyway ({closure})", closure = .closure.as_str())]
    Closed {
        /// The calendar.
        id: CalendarId,
        /// The day.
        date: NaiveDate,
        /// Why it is closed.
        closure: Closure,
    },
    /// Not a time within the session.
    #[error("{id} trades from {} to {} on {date}: an early close is between the two",
        .hours.0.format("%H:%M"), .hours.1.format("%H:%M"))]
    NotEarly {
        /// The calendar.
        id: CalendarId,
        /// The day.
        date: NaiveDate,
        /// The hours.
        hours: (NaiveTime, NaiveTime),
    },
    /// No sessions to shorten.
    #[error("{0} has no exchange that could close; name the calendar of an exchange")]
    NoExchange(CalendarId),
    /// Both closed and early.
    #[error("{0} is named twice")]
    Twice(NaiveDate),
}

/// Which calendar a source's symbols have.
pub type CalendarOf = fn(&Symbol) -> CalendarId;

/// All calendars: which one each series has, and what is overruled of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendars {
    sources: BTreeMap<SourceId, CalendarOf>,
    overruled: BTreeMap<CalendarId, Arc<Days>>,
}

impl Calendars {
    /// The same for the symbols of these sources.
    #[must_use]
    pub fn with(self, sources: impl IntoIterator<Item = (SourceId, CalendarOf)>) -> Self {
        Self {
            sources: sources.into_iter().collect(),
            ..self
        }
    }

    /// The calendar of a series. Nothing is known about those of an unknown source.
    #[must_use]
    pub fn of(&self, series: &SeriesKey) -> Calendar {
        let source = self.sources.get(&series.source);
        self.get(source.map_or(CalendarId::Weekdays, |of| of(&series.symbol)))
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: CalendarId) -> Calendar {
        let overruled = self.overruled.get(&id).cloned();
        Calendar { id, overruled }
    }

    /// Overrules a day.
    pub fn overrule(
        &mut self,
        id: CalendarId,
        date: NaiveDate,
        overrule: Overrule,
    ) -> Result<(), OverruleError> {
        if !id.has_exchange() {
            return Err(OverruleError::NoExchange(id));
        }
        let table = id.table();
        match (table.closure(date), overrule) {
            // A holiday that the table of a later version knows is no mistake.
            (Some(Closure::Holiday(_) | Closure::Special(_)), Overrule::Closed) => return Ok(()),
            (Some(closure), _) => return Err(OverruleError::Closed { id, date, closure }),
            (None, Overrule::Early(at)) if at <= table.open || at >= table.close => {
                let hours = (table.open, table.close);
                return Err(OverruleError::NotEarly { id, date, hours });
            }
            (None, _) => {}
        }
        let days = Arc::make_mut(self.overruled.entry(id).or_default());
        match days.insert(date, overrule) {
            Some(_) => Err(OverruleError::Twice(date)),
            None => Ok(()),
        }
    }
}

impl From<CalendarId> for Calendar {
    /// The calendar as its table has it.
    fn from(id: CalendarId) -> Self {
        Self {
            id,
            overruled: None,
        }
    }
}

impl Calendar {
    /// Its word.
    #[must_use]
    pub const fn id(&self) -> CalendarId {
        self.id
    }

    pub(super) fn table(&self) -> &'static DayTable {
        self.id.table()
    }

    pub(super) fn overrule(&self, date: NaiveDate) -> Option<Overrule> {
        self.overruled.as_ref()?.get(&date).copied()
    }

    /// What is overruled of these dates.
    pub(super) fn overruled(
        &self,
        dates: &RangeInclusive<NaiveDate>,
    ) -> impl Iterator<Item = (NaiveDate, Overrule)> {
        let days = (self.overruled.as_deref()).filter(|_| dates.start() <= dates.end());
        days.into_iter()
            .flat_map(|days| days.range(dates.clone()))
            .map(|(date, overrule)| (*date, *overrule))
    }
}
