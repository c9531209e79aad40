//! Sessions that a table expects and that probably were none: no series has a bar of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::calendar::{CalendarId, Session};
use super::{Grid, Interval, Slot, Standing, Symbol, Truth, moment};

/// Days within which every exchange has a session.
const A_MONTH: Days = Days::new(31);

/// A series, for comparison with others.
pub type Compared<'a> = (&'a Symbol, &'a Grid, &'a mut Truth);

/// Where every series of a calendar has nothing of the last session, the exchange was probably closed,
/// and no series is behind. One symbol alone tells nothing, unless nothing is known of its exchange;
/// more than one session tells that the provider is behind.
pub fn suppose_closed<'a>(all: impl IntoIterator<Item = Compared<'a>>) {
    let mut calendars: BTreeMap<CalendarId, Vec<Compared<'a>>> = BTreeMap::new();
    for series in all {
        let is_short = !matches!(series.1.interval, Interval::Weekly | Interval::Monthly);
        if is_short {
            let id = series.1.calendar.id();
            calendars.entry(id).or_default().push(series);
        }
    }
    for (id, mut series) in calendars {
        let lacking: BTreeSet<&Symbol> = series
            .iter()
            .filter(|(_, grid, truth)| lacks_one(grid, truth))
            .map(|(symbol, ..)| *symbol)
            .collect();
        let is_enough = lacking.len() > 1 || id == CalendarId::Weekdays;
        let has_bar = series
            .iter()
            .any(|(.., truth)| truth.has_last_session == Some(true));
        if !is_enough || has_bar {
            continue;
        }
        for (_, grid, truth) in &mut series {
            if lacks_one(grid, truth) {
                truth.standing = Standing::Closed;
            }
        }
    }
}

impl Truth {
    /// The day on which the exchange was probably closed.
    #[must_use]
    pub fn closed_on(&self, grid: &Grid) -> Option<NaiveDate> {
        let slot = self
            .newest_due
            .filter(|_| self.standing == Standing::Closed)?;
        Some(date(grid, slot))
    }
}

fn date(grid: &Grid, slot: Slot) -> NaiveDate {
    grid.calendar.date(slot.span.from)
}

/// Whether it was asked for after its last session, and has all but that one.
fn lacks_one(grid: &Grid, truth: &Truth) -> bool {
    let sessions = truth.newest_due.and_then(|slot| {
        let session = grid.calendar.session(date(grid, slot))?;
        let yesterday = session.date.pred_opt()?;
        let since = yesterday.checked_sub_days(A_MONTH)?;
        let before = grid.calendar.sessions(since..=yesterday).next_back()?;
        (slot.due >= session.close).then_some((before, session))
    });
    let begins = |session: Session| moment::midnight(session.date, grid.publishing.zone);
    sessions
        .zip(truth.newest)
        .is_some_and(|((before, last), newest)| {
            truth.standing == Standing::Behind && begins(before) < newest && newest <= begins(last)
        })
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use chrono_tz::America::New_York;

    use super::*;
    use crate::model::{Publishing, Span};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Wednesday, after the close.
    const NOW: &str = "2026-11-18T21:20:00Z";
    const TUESDAY: &str = "2026-11-18T05:00:00Z";
    const WEDNESDAY: &str = "2026-11-19T05:00:00Z";

    fn grid(interval: Interval, id: CalendarId) -> Grid {
        Grid {
            interval,
            calendar: id.into(),
            publishing: Publishing {
                zone: New_York,
                ..Publishing::UNKNOWN
            },
        }
    }

    /// The standings of series with these symbols, intervals, and ends of their newest bars.
    fn standings(id: CalendarId, now: &str, all: &[(&str, Interval, &str)]) -> Vec<Standing> {
        let now = at(now);
        let mut series: Vec<(Symbol, Grid, Truth)> = all
            .iter()
            .map(|(symbol, interval, newest)| {
                let grid = grid(*interval, id);
                let newest_due = grid.newest_due(now);
                let due = newest_due.unwrap().span;
                let lacking = grid.count(Span::new(at(newest), due.to));
                let truth = Truth {
                    standing: if lacking > 0 {
                        Standing::Behind
                    } else {
                        Standing::Fresh
                    },
                    holes: vec![],
                    missing: 0,
                    newest: Some(at(newest)),
                    newest_due,
                    next: None,
                    lacking,
                    asked_at: Some(now),
                    is_due: false,
                    has_last_session: Some(at(newest) > at(TUESDAY) && at(newest) <= at(WEDNESDAY)),
                };
                (symbol.parse().unwrap(), grid, truth)
            })
            .collect();
        suppose_closed(
            series
                .iter_mut()
                .map(|(symbol, grid, truth)| (&*symbol, &*grid, truth)),
        );
        let standings = series.iter().map(|(.., truth)| truth.standing);
        standings.collect()
    }

    #[test]
    fn a_session_of_which_no_series_has_a_bar_was_probably_none() {
        let new_york = |all| standings(CalendarId::Xnys, NOW, all);
        let close = "2026-11-17T21:00:00Z";
        let without = [
            ("IBM", Interval::Min5, close),
            ("IBM", Interval::Daily, TUESDAY),
            ("AAPL", Interval::Daily, TUESDAY),
        ];
        assert_eq!(new_york(&without), [Standing::Closed; 3]);
        let with = [without[0], without[1], ("AAPL", Interval::Daily, WEDNESDAY)];
        assert_eq!(
            new_york(&with),
            [Standing::Behind, Standing::Behind, Standing::Fresh]
        );
        assert_eq!(new_york(&without[..2]), [Standing::Behind; 2], "one symbol");
        let older = [
            without[0],
            without[2],
            ("MSFT", Interval::Daily, "2026-11-14T05:00:00Z"),
        ];
        assert_eq!(
            new_york(&older),
            [Standing::Closed, Standing::Closed, Standing::Behind]
        );
    }

    #[test]
    fn more_sessions_or_one_that_is_not_over_tell_nothing() {
        let daily = [
            ("IBM", Interval::Daily, TUESDAY),
            ("AAPL", Interval::Daily, TUESDAY),
        ];
        let thursday = standings(CalendarId::Xnys, "2026-11-19T21:20:00Z", &daily);
        assert_eq!(thursday, [Standing::Behind; 2]);
        let minutes = daily.map(|(symbol, ..)| (symbol, Interval::Min5, "2026-11-17T21:00:00Z"));
        let at_noon = standings(CalendarId::Xnys, "2026-11-18T17:02:00Z", &minutes);
        assert_eq!(at_noon, [Standing::Behind; 2]);
    }

    #[test]
    fn one_symbol_is_enough_where_nothing_is_known_of_its_exchange() {
        let one = [("SAP.FRK", Interval::Daily, TUESDAY)];
        let after = "2026-11-19T00:30:00Z";
        assert_eq!(
            standings(CalendarId::Weekdays, after, &one),
            [Standing::Closed]
        );
    }
}
