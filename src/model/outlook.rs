//! Until when it holds how a series stands: so long it need not be computed again.

use chrono::{DateTime, Months, Utc};

use super::truth::A_DAY;
use super::{Evidence, Span, Truth};

/// How a series stands, and until when that follows from the same evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// How it stands.
    pub truth: Truth,
    /// The instants at which that is so; in an empty span it may change at any time.
    pub holds: Span,
    /// From when on asking may bring the newest bar; `None`: it never will.
    due_from: Option<DateTime<Utc>>,
}

impl Outlook {
    /// The first instant from `at` on at which asking may bring the newest bar. `at` is not before
    /// the span in which this holds.
    #[must_use]
    pub fn due_from(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.due_from.map(|due| due.max(at))
    }
}

impl Evidence<'_> {
    /// How the series stands, and until when.
    #[must_use]
    pub fn outlook(&self, now: DateTime<Utc>) -> Outlook {
        let (truth, due_from) = (self.truth(now), self.due_from(now));
        let due = due_from.filter(|due| *due > now);
        let next = truth.next.map(|slot| slot.due);
        // What a clock noted that was ahead counts from a later instant on.
        let noted = self.coverage.asked_at().map(|at| at - A_DAY);
        let noted = noted.filter(|at| *at > now);
        let until = [due, next, noted, self.next_close(now)];
        let until = until.into_iter().flatten().min();
        let ahead = self.coverage.asked().bounds();
        let ahead = ahead.map(|bounds| Span::new(now, bounds.to));
        let is_steady = ahead.is_none_or(|ahead| self.coverage.never_asked(ahead).is_empty());
        let until = until.unwrap_or(DateTime::<Utc>::MAX_UTC);
        Outlook {
            truth,
            holds: Span::new(now, if is_steady { until } else { now }),
            due_from,
        }
    }

    /// When the next session is over: then its bar is looked for.
    fn next_close(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let calendar = &self.grid.calendar;
        let today = calendar.date(now);
        let sessions = calendar.sessions(today..=today.checked_add_months(Months::new(1))?);
        sessions
            .map(|session| session.close)
            .find(|close| *close > now)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, NaiveTime, TimeDelta};
    use chrono_tz::America::New_York;
    use proptest::prelude::*;

    use super::*;
    use crate::model::calendar::{CalendarId, Calendars};
    use crate::model::{
        Close, Coverage, Grid, Interval, Price, Publishing, Settles, Spoken, Standing,
    };

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn grid(interval: Interval) -> Grid {
        Grid {
            interval,
            calendar: Calendars::default().get(CalendarId::Xnys),
            publishing: Publishing {
                zone: New_York,
                delay: TimeDelta::zero(),
                settles: Settles::NextDay(NaiveTime::from_hms_opt(6, 0, 0).unwrap()),
                first_day: NaiveDate::from_ymd_opt(1999, 11, 1).unwrap(),
                between_sessions: false,
            },
        }
    }

    fn close(timestamp: DateTime<Utc>) -> Close {
        Close {
            timestamp,
            trading_date: timestamp.date_naive(),
            open: Price::from_units(1),
            price: Price::from_units(1),
            is_final: true,
        }
    }

    #[test]
    fn how_a_series_stands_holds_until_the_next_bar_is_due() {
        let grid = grid(Interval::Daily);
        let mut coverage = Coverage::default();
        coverage.hear(
            &Spoken {
                asked: Span::new(at("2026-11-02T05:00:00Z"), at("2026-11-25T21:00:00Z")),
                settled_to: at("2026-11-25T05:00:00Z"),
                complete_to: at("2026-11-25T21:00:00Z"),
                newest_at: Some(at("2026-11-25T21:01:00Z")),
            },
            None,
        );
        let evidence = Evidence {
            grid: &grid,
            coverage: &coverage,
            recent: &[close(at("2026-11-25T05:00:00Z"))],
            since: None,
        };
        let thanksgiving = at("2026-11-26T15:00:00Z");
        let outlook = evidence.outlook(thanksgiving);
        let friday = at("2026-11-27T18:00:00Z");
        assert_eq!(outlook.holds, Span::new(thanksgiving, friday));
        assert_eq!(outlook.due_from(thanksgiving), Some(friday));
        assert_eq!(evidence.truth(friday).standing, Standing::Due);
    }

    proptest! {
        #[test]
        fn an_outlook_says_what_the_evidence_says_then(
            interval in prop::sample::select(vec![Interval::Min60, Interval::Daily, Interval::Weekly]),
            asked in prop::collection::vec((-900_i64..0, 1_i64..300), 0..4),
            newest in -900_i64..0,
            noted in 0_i64..40,
            later in 0_i64..200,
        ) {
            let now = at("2026-11-25T20:30:00Z");
            let hour = |hours: i64| now + TimeDelta::hours(hours);
            let mut coverage = Coverage::default();
            for (from, hours) in asked {
                coverage.hear(&Spoken {
                    asked: Span::new(hour(from), hour(from + hours)),
                    settled_to: hour(-24),
                    complete_to: hour(from + hours),
                    newest_at: Some(hour(-noted)),
                }, None);
            }
            let (grid, recent) = (grid(interval), [close(hour(newest))]);
            let evidence = Evidence { grid: &grid, coverage: &coverage, recent: &recent, since: None };
            let outlook = evidence.outlook(now);
            let later = hour(later);
            if outlook.holds.contains(later) {
                prop_assert_eq!(&evidence.truth(later), &outlook.truth);
            }
            prop_assert_eq!(outlook.due_from(later) == Some(later), evidence.is_due(later));
        }
    }
}
