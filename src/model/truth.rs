//! How complete and how new a series is: from its slots, and from what was asked for.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};

use super::calendar::CalendarId;
use super::words::words;
use super::{Close, Coverage, Grid, Interval, Slot, Span, Spans};

words! {
    /// How complete and new a series is.
    pub enum Standing {
        /// Every bar that is due was asked for, and is there as far as the provider has it.
        Fresh = "fresh",
        /// The newest bar that is due was not asked for yet.
        Due = "due",
        /// It was asked for after it was due, and the provider has nothing newer.
        Behind = "behind",
        /// Older bars were never asked for.
        Holes = "holes",
        /// The exchange was probably closed: no series has a bar of the last session.
        Closed = "closed",
    }
}

/// What is known of a series.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Which bars can exist.
    pub grid: &'a Grid,
    /// Which were asked for.
    pub coverage: &'a Coverage,
    /// The newest bars stored, newest first.
    pub recent: &'a [Close],
    /// From when on bars are wanted; `None`: from the first one that was asked for.
    pub since: Option<DateTime<Utc>>,
}

/// How a series stands at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// In one word.
    pub standing: Standing,
    /// The holes, oldest first, each from its first slot to the end of its last one.
    pub holes: Vec<Span>,
    /// Bars that the holes have room for.
    pub missing: u64,
    /// The end of the newest bar stored.
    pub newest: Option<DateTime<Utc>>,
    /// The newest bar that is due.
    pub newest_due: Option<Slot>,
    /// The bar that is due next.
    pub next: Option<Slot>,
    /// Bars that became due since the newest were asked for, or that the provider lacks at the end.
    pub lacking: u64,
    /// When the newest bars were last asked for.
    pub asked_at: Option<DateTime<Utc>>,
    /// Whether asking now may bring the newest bar.
    pub is_due: bool,
    /// Whether there is a bar of the last session that is over; `None`: the newest bars do not tell.
    pub has_last_session: Option<bool>,
}

/// The time of a series that a backfill brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// From when on; `None`: from the first bar that is wanted.
    pub from: Option<DateTime<Utc>>,
    /// Until when.
    pub to: DateTime<Utc>,
}

impl From<Span> for Fill {
    fn from(span: Span) -> Self {
        Self {
            from: Some(span.from),
            to: span.to,
        }
    }
}

/// A bar that the provider lacks is asked for again after so long, then after twice as long, and so on.
const AGAIN: TimeDelta = TimeDelta::minutes(15);
/// Of fewer bars, the longest gap counts.
const MANY: usize = 20;
/// Gaps are common if one in so many bars follows one.
const COMMON: usize = 4;
/// An instant further ahead than this was noted by a wrong clock.
pub(super) const A_DAY: TimeDelta = TimeDelta::days(1);
/// A provider that lacks more than this has stopped, and is asked only when another bar is due.
const STOPPED: TimeDelta = TimeDelta::days(4);

impl Evidence<'_> {
    /// Whether asking at this instant may bring the newest bar.
    #[must_use]
    pub fn is_due(&self, at: DateTime<Utc>) -> bool {
        let slot = self.grid.newest_due(at);
        if self.is_elsewhere(slot.map_or(at, |slot| slot.span.from)) {
            return false;
        }
        let Some(slot) = slot else {
            return self.asked_at(at).is_none();
        };
        match self.asked_at(at) {
            Some(asked_at) if asked_at >= slot.due => {
                self.again(slot, asked_at).is_some_and(|again| again <= at)
            }
            _ => true,
        }
    }

    /// The first instant from `at` on at which asking may bring the newest bar.
    #[must_use]
    pub fn due_from(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.is_due(at) {
            return Some(at);
        }
        let is_own = |slot: &Slot| !self.is_elsewhere(slot.span.from);
        let newest = self.grid.newest_due(at).filter(is_own);
        let again = newest.zip(self.asked_at(at));
        let again = again.and_then(|(slot, asked_at)| self.again(slot, asked_at));
        let next = self.grid.next_due(at).filter(is_own).map(|slot| slot.due);
        again.into_iter().chain(next).min()
    }

    /// Whether another source gives the bar at an instant, whose gaps this series fills.
    fn is_elsewhere(&self, at: DateTime<Utc>) -> bool {
        self.coverage.elsewhere().contains(at)
    }

    /// When to ask again for the newest bar, which the provider did not have.
    fn again(&self, slot: Slot, asked_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let newest = self.newest()?;
        let is_late = newest < slot.span.to && slot.due - newest < STOPPED;
        let lacks = is_late && self.lacking(newest, slot) > self.usual_gap();
        lacks.then(|| slot.due + AGAIN.max((asked_at - slot.due) * 2))
    }

    /// The slots after the newest bar, up to one that is due.
    fn lacking(&self, newest: DateTime<Utc>, slot: Slot) -> u64 {
        self.grid.count(Span::new(newest, slot.span.to))
    }

    /// How the series stands.
    #[must_use]
    pub fn truth(&self, now: DateTime<Utc>) -> Truth {
        let (grid, asked) = (self.grid, self.coverage.asked());
        let asked_at = self.asked_at(now);
        let newest_due = grid.newest_due(now);
        let holes = self.holes(now);
        let missing = holes.iter().map(|hole| grid.count(*hole)).sum();
        let newest = self.newest();
        let after = |at: Option<DateTime<Utc>>| Some(self.lacking(at?, newest_due?));
        let is_asked = asked_at.is_some_and(|at| newest_due.is_none_or(|slot| slot.due <= at));
        let newest_due_at = newest_due.map_or(now, |slot| slot.span.from);
        let (standing, lacking) = if self.is_elsewhere(newest_due_at) {
            (Standing::Fresh, 0)
        } else if is_asked {
            let lacking = after(newest).unwrap_or(u64::from(newest.is_none()));
            if lacking > 0 && lacking > self.usual_gap() {
                (Standing::Behind, lacking)
            } else {
                (Standing::Fresh, 0)
            }
        } else {
            let known = newest.max(asked.bounds().map(|bounds| bounds.to));
            (Standing::Due, after(known).unwrap_or(0))
        };
        Truth {
            standing: if holes.is_empty() {
                standing
            } else {
                Standing::Holes
            },
            holes,
            missing,
            newest,
            newest_due,
            next: grid.next_due(now),
            lacking,
            asked_at,
            is_due: self.is_due(now),
            has_last_session: self.has_last_session(now),
        }
    }

    fn has_last_session(&self, now: DateTime<Utc>) -> Option<bool> {
        let session = self.grid.calendar.last_session(now)?;
        if self.is_elsewhere(session.open) {
            return None;
        }
        let date = session.date;
        let has_it = self.recent.iter().any(|bar| bar.trading_date == date);
        let reach_back = self
            .recent
            .last()
            .is_some_and(|bar| bar.trading_date < date);
        (has_it || reach_back).then_some(has_it)
    }

    /// The times to ask for now: the holes, what may have come since, and what can be settled now.
    #[must_use]
    pub fn wanted(&self, now: DateTime<Utc>) -> Vec<Span> {
        let mut wanted: Spans = self.holes(now).into_iter().collect();
        let known = self.coverage.asked().bounds().map(|bounds| bounds.to);
        // What the provider lacked when it was last asked, it may have by now; if that is more than
        // one answer holds, it leaves a hole, which the next one closes.
        let asked = self.asked_at(now).map(|at| at - self.grid.publishing.delay);
        if let Some(begin) = known.max(asked).or(self.since).or(self.newest()) {
            // A source that is asked for whole bars was not asked for the one that ran then.
            let running = self.grid.slot_at(begin).filter(|slot| {
                self.grid.count(*slot) > 0 && known.is_some_and(|known| known <= slot.from)
            });
            let begin = running.map_or(begin, |slot| slot.from);
            let since = Span::new(begin, now);
            // Not the month or the evening before, if nothing of it can be missing and it costs more.
            let first = self.grid.first(since).map(|slot| slot.span.from);
            let first = first.filter(|_| !self.grid.publishing.between_sessions);
            wanted.add(Span::new(first.unwrap_or(begin), now));
        }
        let settled = self.grid.publishing.settled(self.grid.interval, now);
        for span in self.coverage.unsettled().as_slice() {
            wanted.add(Span::new(span.from, span.to.min(settled)));
        }
        wanted
            .without(self.coverage.elsewhere())
            .as_slice()
            .to_vec()
    }

    /// The slots that a backfill asks for: those that were never asked for, and those that can be
    /// settled now. Where it names its beginning, what was refused is asked for again: the plan may
    /// have changed since.
    #[must_use]
    pub fn wanted_by(&self, fill: Fill, now: DateTime<Utc>) -> Vec<Span> {
        let Some(within) = self.time_of(fill, now) else {
            return vec![];
        };
        let within = self.of_whole_days(within);
        let lacking = match fill.from {
            Some(_) => self.coverage.asked().gaps(within),
            None => self.never_asked(within, now),
        };
        let settled = self.grid.publishing.settled(self.grid.interval, now);
        // What the provider lacks at the end, an ordinary fetch asks for again.
        let known = self.newest().unwrap_or(within.from);
        let settling = Span::new(within.from, within.to.min(settled).min(known));
        let unsettled = self.coverage.unsettled();
        let unsettled = unsettled.as_slice().iter();
        let elsewhere = self.coverage.elsewhere();
        let wanted = lacking
            .into_iter()
            .chain(unsettled.map(|span| span.common(settling)))
            .flat_map(|span| elsewhere.gaps(span));
        wanted.filter_map(|span| self.trimmed(span)).collect()
    }

    /// A time of days as those of the source: people name days of New York, and others begin theirs at
    /// midnight UTC.
    fn of_whole_days(&self, within: Span) -> Span {
        let begin = |at| self.grid.slot_at(at).map_or(at, |slot| slot.from);
        match self.grid.interval {
            Interval::Daily => Span::new(begin(within.from), begin(within.to)),
            _ => within,
        }
    }

    /// The bars of some times that the provider refused when they were asked for.
    #[must_use]
    pub fn refused_among(&self, times: &[Span]) -> u64 {
        let refused = self.coverage.refused().as_slice();
        let in_time = |time: &Span| {
            let each = refused.iter().map(|span| span.common(*time));
            each.map(|span| self.grid.count(span)).sum::<u64>()
        };
        times.iter().map(in_time).sum()
    }

    /// The holes of a time, and what came after the newest that was asked for.
    fn never_asked(&self, within: Span, now: DateTime<Utc>) -> Vec<Span> {
        let known = self.coverage.asked().bounds().map(|bounds| bounds.to);
        let tail = Span::new(known.unwrap_or(within.from), within.to);
        let spans = self.holes(now).into_iter().chain([tail]);
        spans.map(|span| span.common(within)).collect()
    }

    /// The time of a backfill; `None`: nobody says where it begins.
    fn time_of(&self, fill: Fill, now: DateTime<Utc>) -> Option<Span> {
        let asked = || self.coverage.bounds().map(|bounds| bounds.from);
        let from = fill.from.or(self.since).or_else(asked)?;
        Some(Span::new(from, fill.to.min(now)))
    }

    /// When the newest bars were asked for; an instant that is still to come was noted by a wrong clock.
    fn asked_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let asked_at = self.coverage.asked_at()?;
        (asked_at <= now + A_DAY).then_some(asked_at)
    }

    /// The end of the newest bar that is finished.
    fn newest(&self) -> Option<DateTime<Utc>> {
        let bar = self.recent.iter().find(|bar| bar.is_final)?;
        Some(
            self.grid
                .publishing
                .slot(self.grid.interval, bar.timestamp)
                .to,
        )
    }

    /// Slots that were never asked for, from the first that is wanted on. Those of the day of the newest
    /// that is due are not holes yet: they come with the next fetch.
    fn holes(&self, now: DateTime<Utc>) -> Vec<Span> {
        // The hours of an exchange that is not known are not known.
        let calendar = &self.grid.calendar;
        if self.grid.interval.is_intraday() && calendar.id() == CalendarId::Weekdays {
            return vec![];
        }
        let asked = self.coverage.bounds();
        // What fills the gaps of another source lacks them before it was asked for anything.
        let fills = self.since.filter(|_| !self.coverage.elsewhere().is_empty());
        let Some(bounds) = fills.map(|since| Span::new(since, now)).or(asked) else {
            return vec![];
        };
        let from = self.since.unwrap_or(bounds.from);
        let within = Span::new(from, bounds.to.min(now));
        let since = self.unasked_from(bounds.to, now);
        let missed = Span::new(since, self.newest_day(now).max(since));
        let gaps = [within, missed].map(|span| self.coverage.never_asked(span));
        let gaps = gaps.into_iter().flatten().collect::<Spans>();
        let gaps = gaps.as_slice().iter();
        gaps.filter_map(|gap| self.trimmed(*gap)).collect()
    }

    /// Where the slots begin that became due after the newest bars were asked for.
    fn unasked_from(&self, known: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        let next = self
            .asked_at(now)
            .and_then(|asked_at| self.grid.next_due(asked_at));
        next.map_or(known, |slot| known.max(slot.span.from))
    }

    /// Where the day, week or month of the newest bar that is due begins.
    fn newest_day(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let Grid {
            interval,
            publishing,
            ..
        } = self.grid;
        let Some(slot) = self.grid.newest_due(now) else {
            return DateTime::<Utc>::MIN_UTC;
        };
        if interval.is_intraday() {
            publishing.slot(Interval::Daily, slot.span.from).from
        } else {
            slot.span.from
        }
    }

    /// A time from its first slot to the end of its last.
    fn trimmed(&self, gap: Span) -> Option<Span> {
        let (first, last) = (self.grid.first(gap)?, self.grid.last(gap)?);
        Some(Span::new(first.span.from, last.span.to))
    }

    /// So many empty slots mean nothing, because an illiquid symbol has not always a bar: the longest
    /// gap that was seen twice, since one halt among many bars tells nothing of the next one. Where gaps
    /// are common, the next may be longer than those before.
    fn usual_gap(&self) -> u64 {
        let slot = |bar: &Close| self.grid.publishing.slot(self.grid.interval, bar.timestamp);
        let pairs = self.recent.iter().zip(self.recent.iter().skip(1));
        let gap = |(later, earlier)| {
            let (later, earlier): (&Close, &Close) = (later, earlier);
            self.grid
                .count(Span::new(slot(earlier).to, slot(later).from))
        };
        let mut gaps: Vec<u64> = pairs.map(gap).collect();
        gaps.sort_unstable_by_key(|gap| Reverse(*gap));
        let many = gaps.iter().filter(|gap| **gap > 0).count();
        let times = if many * COMMON > gaps.len() { 2 } else { 1 };
        let rank = usize::from(gaps.len() >= MANY);
        gaps.get(rank).map_or(0, |gap| gap * times)
    }
}

#[cfg(test)]
mod tests;
