//! Sources of markets that never close, whose answers are for a limited time: what they are asked, and
//! what their answers speak for.

use chrono::{DateTime, TimeDelta, Utc};

use super::windows::windows;
use super::{Asked, Range};
use crate::model::calendar::{CalendarId, Calendars};
use crate::model::{Bar, Grid, Interval, Publishing, Span, Spoken, moment};

/// After so long without a newer bar there is none: before, it may only be late.
const LATE: TimeDelta = TimeDelta::minutes(5);

/// Bars of one interval of such a source.
#[derive(Debug, Clone, Copy)]
pub struct Windowed {
    /// When the source has its bars.
    pub publishing: Publishing,
    /// The interval that is wanted.
    pub interval: Interval,
    /// Whether its bars are rolled up from finer ones: then the running bar is not asked for.
    pub is_rolled_up: bool,
    /// The longest time of an answer.
    pub most: TimeDelta,
}

impl Windowed {
    /// Which bars there can be.
    #[must_use]
    pub fn grid(&self) -> Grid {
        Grid {
            interval: self.interval,
            calendar: Calendars::default().get(CalendarId::Always),
            publishing: self.publishing,
        }
    }

    /// The time of which there can be bars now.
    #[must_use]
    pub fn known(&self, now: DateTime<Utc>) -> Span {
        let first = moment::midnight(self.publishing.first_day, self.publishing.zone);
        let to = self.grid().slot_at(now).map_or(now, |slot| {
            if self.is_rolled_up {
                slot.from
            } else {
                slot.to
            }
        });
        Span::new(first, to)
    }

    /// The windows that are asked for, the newest first; none if there can be no bar in the range.
    #[must_use]
    pub fn windows(&self, range: &Range, now: DateTime<Utc>) -> Vec<Span> {
        let (grid, known) = (self.grid(), self.known(now));
        let wanted: Vec<Span> = match range {
            Range::Between(span) => vec![*span],
            Range::Missing(missing) if !missing.is_empty() => missing.clone(),
            Range::Missing(_) | Range::Newest => {
                let newest = Span::new(known.from.max(known.to - self.most), known.to);
                let newest = windows(&grid, &[newest], self.most);
                newest.into_iter().take(1).collect()
            }
        };
        let has_to_come = |span: &Span| span.to > known.to;
        let is_early = self.is_rolled_up
            && matches!(range, Range::Missing(_))
            && wanted.iter().any(has_to_come);
        let mut wanted: Vec<Span> = wanted.iter().map(|span| span.common(known)).collect();
        wanted.retain(|span| !span.is_empty());
        if wanted.is_empty() && is_early {
            // What is missing has not ended: whoever asks all the same gets the newest one again.
            wanted.extend(grid.slot_at(known.to - TimeDelta::seconds(1)));
        }
        windows(&grid, &wanted, self.most)
    }

    /// What an answer speaks for: all of its window, since bars without a trade may be left out.
    #[must_use]
    pub fn spoken(&self, window: Span, asked: &Asked<'_>, bars: &[Bar]) -> Spoken {
        let newest = bars.iter().rev().find(|bar| bar.is_final);
        let slot = |bar: &Bar| self.publishing.slot(self.interval, bar.timestamp);
        let late = asked.at - LATE;
        Spoken {
            asked: Span::new(window.from, window.to.min(asked.at)),
            settled_to: self.publishing.settled(self.interval, asked.at),
            complete_to: newest.map_or(late, |bar| slot(bar).to.max(late)),
            // No whole bar has ended since.
            newest_at: (window.to + self.interval.length() > asked.at).then_some(asked.at),
        }
    }
}
