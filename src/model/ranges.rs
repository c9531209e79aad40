//! A series as a sequence of times, each with what is there and why not.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::words::words;
use super::{Coverage, Grid, Known, Span, Spans};

words! {
    /// What is there of a time of a series.
    pub enum There {
        /// Bars.
        Held = "held",
        /// None, and the provider has none.
        Nothing = "none at the provider",
        /// None when it was asked for, but late bars may follow.
        NotYet = "none so far",
        /// None, and the provider refuses to answer.
        Refused = "refused by the provider",
        /// It was never asked for.
        NeverAsked = "never asked",
    }
}

/// A time of a series in which it is the same with every slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// The time.
    #[serde(flatten)]
    pub span: Span,
    /// What is there.
    pub state: There,
    /// How many bars it has room for.
    pub bars: u64,
}

/// The stretches of a time, oldest first. `held` are the times of stored bars.
#[must_use]
pub fn stretches(grid: &Grid, coverage: &Coverage, held: &Spans, within: Span) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut edges = edges(coverage, held, within);
    edges.dedup();
    for pair in edges.windows(2) {
        let [from, to] = *pair else { continue };
        let span = Span::new(from, to);
        let bars = grid.count(span);
        if bars == 0 {
            continue;
        }
        let state = state(coverage, held, from);
        match stretches.last_mut() {
            Some(last) if last.state == state => {
                last.span.to = to;
                last.bars += bars;
            }
            _ => stretches.push(Stretch { span, state, bars }),
        }
    }
    stretches
}

fn edges(coverage: &Coverage, held: &Spans, within: Span) -> Vec<DateTime<Utc>> {
    let known = coverage.segments().into_iter().map(|segment| segment.span);
    let spans = known.chain(held.as_slice().iter().copied());
    let mut edges: Vec<DateTime<Utc>> = spans
        .flat_map(|span| [span.from, span.to])
        .filter(|edge| within.contains(*edge))
        .chain([within.from, within.to])
        .collect();
    edges.sort_unstable();
    edges
}

fn state(coverage: &Coverage, held: &Spans, at: DateTime<Utc>) -> There {
    if held.contains(at) {
        return There::Held;
    }
    match coverage.known(at) {
        Some(Known::Settled) => There::Nothing,
        Some(Known::Asked) => There::NotYet,
        Some(Known::Refused) => There::Refused,
        None => There::NeverAsked,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeDelta};
    use chrono_tz::UTC;

    use super::*;
    use crate::model::calendar::{CalendarId, Calendars};
    use crate::model::{Interval, Publishing, Segment, Settles};

    fn span(from: i64, to: i64) -> Span {
        let at = |minutes: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(5 * minutes);
        Span::new(at(from), at(to))
    }

    #[test]
    fn every_slot_is_in_one_stretch_and_says_why_it_is_empty() {
        let grid = Grid {
            interval: Interval::Min5,
            calendar: Calendars::default().get(CalendarId::Always),
            publishing: Publishing {
                zone: UTC,
                delay: TimeDelta::zero(),
                settles: Settles::After(TimeDelta::zero()),
                first_day: NaiveDate::MIN,
            },
        };
        let segment = |from, to, known| Segment {
            span: span(from, to),
            known,
        };
        let segments = [
            segment(2, 10, Known::Settled),
            segment(10, 12, Known::Asked),
            segment(14, 16, Known::Refused),
        ];
        let coverage = Coverage::of(segments, None);
        let held: Spans = [span(2, 4), span(6, 11)].into_iter().collect();
        let found: Vec<_> = stretches(&grid, &coverage, &held, span(0, 18))
            .iter()
            .map(|stretch| (stretch.state, stretch.span, stretch.bars))
            .collect();
        assert_eq!(
            found,
            [
                (There::NeverAsked, span(0, 2), 2),
                (There::Held, span(2, 4), 2),
                (There::Nothing, span(4, 6), 2),
                (There::Held, span(6, 11), 5),
                (There::NotYet, span(11, 12), 1),
                (There::NeverAsked, span(12, 14), 2),
                (There::Refused, span(14, 16), 2),
                (There::NeverAsked, span(16, 18), 2),
            ]
        );
        assert_eq!(stretches(&grid, &coverage, &held, span(3, 3)), []);
    }
}
