//! What one answer speaks for.

use chrono::{DateTime, Utc};

use super::{Bar, Grid, Span};

/// What one answer speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spoken {
    /// The time whose bars it holds, as far as the provider has them.
    pub asked: Span,
    /// Bars before this instant change no more.
    pub settled_to: DateTime<Utc>,
    /// The provider is not late with bars before this instant.
    pub complete_to: DateTime<Utc>,
    /// When it was asked for, if for the newest bars there are.
    pub newest_at: Option<DateTime<Utc>>,
}

impl Spoken {
    /// The same without bars that were not due when they were asked for. `bars` are those that came.
    #[must_use]
    pub fn of_due(self, grid: &Grid, bars: &[Bar], asked_at: DateTime<Utc>) -> Self {
        let Span { from, to } = self.asked;
        let newest = bars.iter().rev().find(|bar| bar.is_final);
        let newest = newest.map(|bar| grid.publishing.slot(grid.interval, bar.timestamp).to);
        let known = newest.map_or(from, |newest| newest.max(from));
        let to = if to < asked_at {
            to
        } else {
            let due = grid.newest_due(asked_at).map(|slot| slot.span.to);
            due.map_or(known, |due| due.max(known)).min(to)
        };
        // Where no bar can exist, the provider cannot be late.
        let lacking = grid.first(Span::new(known.max(self.complete_to), to));
        Self {
            asked: Span::new(from, to),
            complete_to: lacking.map_or(to, |slot| slot.span.from),
            ..self
        }
    }

    /// Until when what was asked for is settled; `newest` is the label of the newest bar of the
    /// series, whichever answer brought it: the provider was not late with what is before it.
    #[must_use]
    pub fn settled(&self, newest: Option<DateTime<Utc>>) -> Span {
        let complete = newest.map_or(self.complete_to, |newest| newest.max(self.complete_to));
        let to = self.asked.to.min(self.settled_to).min(complete);
        Span::new(self.asked.from, to)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use chrono_tz::America::New_York;

    use super::*;
    use crate::model::calendar::CalendarId;
    use crate::model::{Interval, Price, Publishing};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn grid() -> Grid {
        Grid {
            interval: Interval::Min5,
            calendar: CalendarId::Xnys.into(),
            publishing: Publishing {
                zone: New_York,
                ..Publishing::UNKNOWN
            },
        }
    }

    fn bar(label: &str, is_final: bool) -> Bar {
        let price = Price::from_units(1);
        Bar {
            timestamp: at(label),
            trading_date: at(label).date_naive(),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 1.into(),
            is_final,
            adjusted_close: None,
            dividend_amount: None,
            split_coefficient: None,
        }
    }

    /// What an answer with this newest bar speaks for, asked for at an instant.
    fn of_due(newest: &Bar, to: &str, asked_at: &str) -> Spoken {
        let spoken = Spoken {
            asked: Span::new(at("2026-11-19T14:30:00Z"), at(to)),
            settled_to: at("2026-12-01T05:00:00Z"),
            complete_to: at("2026-11-06T05:00:00Z").max(newest.timestamp + TimeDelta::minutes(5)),
            newest_at: Some(at(asked_at)),
        };
        spoken.of_due(&grid(), std::slice::from_ref(newest), at(asked_at))
    }

    #[test]
    fn bars_that_were_not_due_were_not_asked_for() {
        let noon = "2026-11-20T17:02:00Z";
        // 12:00 is unfinished; 11:55 is due, and the provider has it not.
        let spoken = of_due(&bar("2026-11-20T16:50:00Z", true), noon, noon);
        assert_eq!(spoken.asked.to, at("2026-11-20T17:00:00Z"));
        assert_eq!(spoken.complete_to, at("2026-11-20T16:55:00Z"));
        let spoken = of_due(&bar("2026-11-20T16:55:00Z", true), noon, noon);
        assert_eq!(
            (spoken.asked.to, spoken.complete_to),
            (at("2026-11-20T17:00:00Z"), spoken.asked.to)
        );
    }

    #[test]
    fn where_no_bar_can_exist_the_provider_is_not_late() {
        let sunday = "2026-11-22T17:02:00Z";
        let spoken = of_due(&bar("2026-11-20T20:55:00Z", true), sunday, sunday);
        assert_eq!(spoken.asked.to, at("2026-11-20T21:00:00Z"));
        let month = of_due(
            &bar("2026-11-30T20:55:00Z", true),
            "2026-12-01T05:00:00Z",
            "2026-12-01T12:00:00Z",
        );
        assert_eq!(
            (month.asked.to, month.complete_to),
            (at("2026-12-01T05:00:00Z"), month.asked.to)
        );
    }

    #[test]
    fn what_is_absent_at_the_end_is_settled_by_a_newer_bar_of_any_answer() {
        let morning = "2026-12-01T12:00:00Z";
        let month = of_due(
            &bar("2026-11-30T20:25:00Z", true),
            "2026-12-01T05:00:00Z",
            morning,
        );
        let to = |newest| month.settled(newest).to;
        assert_eq!(to(None), at("2026-11-30T20:30:00Z"));
        assert_eq!(
            to(Some(at("2026-12-01T14:30:00Z"))),
            at("2026-12-01T05:00:00Z")
        );
    }
}
