//! Bars since a declared day, brought after the schedule's runs with what is spare: a slice of one series
//! at a time, so that no new bar waits for long.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::super::planner::{Backlog, reserve};
use super::super::stock::within_reach;
use super::around::Whose;
use super::queue::QueuedRun;
use super::{Entry, Owner, State};
use crate::model::{RunStatus, SeriesKey, SourceId, Span};

/// What starts such a run.
const TRIGGER: &str = "history";
/// Requests of a slice: less than a minute of any plan that has history.
const SLICE: u32 = 60;
/// No slice begins so shortly before the schedule sends.
const CLEAR: TimeDelta = TimeDelta::minutes(1);

/// Whether there is something to spare.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not before the schedule has sent.
    #[default]
    Closed,
    /// A run has ended, and what is left is being read.
    Counting,
    /// What is left is known.
    Open,
}

/// What is spare, and what was done with it since the schedule sent.
#[derive(Debug, Default)]
pub(super) struct Spare {
    stage: Stage,
    /// Where the oldest hole of each series began when it was last asked for: where it still begins there,
    /// asking again would bring no more.
    tried: HashMap<SeriesKey, DateTime<Utc>>,
}

impl Spare {
    /// A run has ended.
    pub(super) fn run_ended(&mut self, trigger: Option<&str>, status: RunStatus) {
        let is_stopped = matches!(status, RunStatus::Cancelled | RunStatus::Interrupted);
        self.stage = match trigger {
            Some("schedule") if !is_stopped => {
                self.tried.clear();
                Stage::Counting
            }
            Some(TRIGGER) if status != RunStatus::Succeeded => Stage::Closed,
            _ if self.stage == Stage::Closed || is_stopped => Stage::Closed,
            _ => Stage::Counting,
        };
    }

    /// What is left was read.
    pub(super) fn counted(&mut self) {
        if self.stage == Stage::Counting {
            self.stage = Stage::Open;
        }
    }

    /// Nothing is known of what is left.
    pub(super) fn close(&mut self) {
        self.stage = Stage::Closed;
    }
}

impl State {
    /// The run that brings the next slice, if there is something to spare.
    pub(super) fn spare_run(&mut self, now: DateTime<Utc>) -> Option<QueuedRun> {
        let is_soon = |at| at <= now + CLEAR;
        let waits = self.spare.stage != Stage::Open
            || self.owner != Owner::This
            || self.paused
            || self.asked_for_due.is_some()
            || self.next_at(now).is_some_and(is_soon);
        if waits {
            return None;
        }
        let lacking = self.entries.iter().filter_map(|entry| {
            let backlog = entry.backlog(now).filter(|_| !entry.is_due(now))?;
            let holes = entry.askable(now);
            let first = holes.first()?.from;
            let is_new = self.spare.tried.get(&entry.key) != Some(&first);
            is_new.then_some((entry, backlog.price, holes, first))
        });
        let mut lacking: Vec<_> = lacking.collect();
        lacking.sort_by_key(|(entry, _, _, first)| {
            let weight = entry.declared.priority.weight();
            (std::cmp::Reverse(weight), *first)
        });
        let (key, first, span, most) =
            lacking
                .into_iter()
                .find_map(|(entry, price, holes, first)| {
                    let source = &entry.key.source;
                    if self.is_spent(&entry.key, now) {
                        return None;
                    }
                    let spare = self.spare_of(source, now);
                    let most = spare.map(|spare| (source.clone(), spare));
                    let span = slice(&holes, price, spare.map_or(SLICE, |spare| spare.min(SLICE)))?;
                    Some((entry.key.clone(), first, span, BTreeMap::from_iter(most)))
                })?;
        self.spare.tried.insert(key.clone(), first);
        Some(QueuedRun {
            trigger: TRIGGER,
            series: Some(vec![key]),
            whose: Whose::All,
            most,
            within: Some(span.into()),
        })
    }

    /// Requests of today that no series needs which is due, without those kept for a person; `None`: the
    /// source has no limit a day.
    fn spare_of(&self, source: &SourceId, now: DateTime<Utc>) -> Option<u32> {
        let mut limited = self.quotas.limited(now);
        let (_, quota, left) = limited.find(|(of, ..)| *of == source)?;
        let (_, tonight) = quota.day(now);
        let plan = self.planned(now);
        let lines = plan
            .lines
            .iter()
            .filter(|line| line.series.source == *source && line.at.is_some_and(|at| at < tonight));
        let planned = lines.map(|line| line.price).fold(0, u32::saturating_add);
        let kept = quota.per_day().map_or(0, reserve);
        Some(left.saturating_sub(kept).saturating_sub(planned))
    }
}

impl Entry {
    /// What its declared beginning still lacks of what can be asked for.
    pub(super) fn backlog(&self, now: DateTime<Utc>) -> Option<Backlog> {
        let since = self.declared.since?;
        let price = self.closing_price;
        (price > 0 && self.can_be_asked(now)).then_some(Backlog { since, price })
    }

    /// The holes that can be asked for, oldest first.
    fn askable(&self, now: DateTime<Utc>) -> Vec<Span> {
        within_reach(&self.grid, &self.outlook(now).truth.holes, self.reach)
    }
}

/// The oldest part of some holes that so many requests bring, given how many bring all of them.
fn slice(holes: &[Span], price: u32, most: u32) -> Option<Span> {
    let (first, last) = holes.first().zip(holes.last()).filter(|_| most > 0)?;
    if price <= most {
        return Some(Span::new(first.from, last.to));
    }
    let lengths = holes.iter().map(|hole| hole.to - hole.from);
    let whole = lengths.fold(TimeDelta::zero(), |sum, length| sum + length);
    let (price, most) = (i32::try_from(price).ok()?, i32::try_from(most).ok()?);
    let part = whole / price.max(1) * most;
    Some(Span::new(first.from, first.to.min(first.from + part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: i64, to: i64) -> Span {
        let day = |days| DateTime::UNIX_EPOCH + TimeDelta::days(days);
        Span::new(day(from), day(to))
    }

    #[test]
    fn a_slice_is_the_oldest_part_that_its_requests_bring() {
        let holes = [span(0, 100), span(200, 300)];
        assert_eq!(slice(&holes, 60, 60), Some(span(0, 300)), "all of it");
        assert_eq!(slice(&holes, 100, 60), Some(span(0, 100)), "one hole");
        assert_eq!(slice(&holes, 100, 10), Some(span(0, 20)));
        assert_eq!(slice(&holes, 100, 0), None);
        assert_eq!(slice(&[], 100, 60), None);
    }

    #[test]
    fn it_opens_after_the_schedule_and_closes_where_it_brings_nothing() {
        use RunStatus::{Cancelled, Failed, Partial, Succeeded};
        let mut spare = Spare::default();
        let mut after = |trigger, status| {
            spare.run_ended(Some(trigger), status);
            spare.counted();
            spare.stage
        };
        assert_eq!(after("due", Succeeded), Stage::Closed);
        assert_eq!(after("schedule", Partial), Stage::Open);
        assert_eq!(after("backfill", Failed), Stage::Open);
        assert_eq!(after(TRIGGER, Succeeded), Stage::Open);
        assert_eq!(after(TRIGGER, Partial), Stage::Closed);
        assert_eq!(after("schedule", Succeeded), Stage::Open);
        assert_eq!(after("due", Cancelled), Stage::Closed);
        assert_eq!(after("schedule", Cancelled), Stage::Closed);
    }
}
