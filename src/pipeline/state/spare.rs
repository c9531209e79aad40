//! Bars since a declared day, brought after the schedule's runs with what is spare: a slice of one series
//! at a time, so that no new bar waits for long.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::planner::{Backlog, reserve};
use super::super::stock::within_reach;
use super::around::Whose;
use super::lanes::Asker;
use super::left_over::TRIGGER;
use super::queue::QueuedRun;
use super::{Entry, State};
use crate::model::{SourceId, Span};

/// Requests of a slice: less than a minute of any plan that has history.
const SLICE: u32 = 60;
/// A slice is over so long before the schedule sends.
const CLEAR: TimeDelta = TimeDelta::seconds(10);

impl State {
    /// The run that brings the next slice, if there is something to spare.
    pub(super) fn spare_run(&mut self, now: DateTime<Utc>) -> Option<QueuedRun> {
        let waits = !self.spare.is_open()
            || !self.lanes.follows_schedule()
            || self.paused
            || self.asked_for_due.is_some();
        let room = self
            .next_at(now)
            .map_or(SLICE, |next| requests_until(next, now));
        if waits || room == 0 {
            return None;
        }
        let lacking = self.entries.iter().filter_map(|entry| {
            let is_own = self.lanes.has(&entry.key.source);
            let backlog = entry
                .backlog(now)
                .filter(|_| is_own && !entry.is_due(now))?;
            let holes = entry.askable(now);
            let first = holes.first()?.from;
            let is_new = !self.spare.has_tried(&entry.key, first);
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
                    // A start sends few requests of a limited day; the schedule goes on.
                    if spare.is_some() && !self.spare.has_schedule_sent() {
                        return None;
                    }
                    let most = spare.map(|spare| (source.clone(), spare));
                    let span = slice(&holes, price, spare.map_or(room, |spare| spare.min(room)))?;
                    Some((entry.key.clone(), first, span, BTreeMap::from_iter(most)))
                })?;
        self.spare.tried(key.clone(), first);
        let lane = [key.source.clone()].into();
        Some(QueuedRun {
            trigger: TRIGGER,
            series: Some(vec![key]),
            whose: Whose::All,
            asker: Asker::Schedule(lane),
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
        let fills = self.since.filter(|_| self.declared.fills.is_some());
        let fills = fills.map(|since| since.with_timezone(&self.grid.publishing.zone));
        let since = self
            .declared
            .since
            .or(fills.map(|since| since.date_naive()))?;
        let price = self.closing_price;
        (price > 0 && self.can_be_asked(now)).then_some(Backlog { since, price })
    }

    /// The holes that can be asked for, oldest first.
    fn askable(&self, now: DateTime<Utc>) -> Vec<Span> {
        within_reach(&self.grid, &self.outlook(now).truth.holes, self.reach)
    }
}

/// Requests of a slice that is over before the schedule sends: one takes about a second.
fn requests_until(next: DateTime<Utc>, now: DateTime<Utc>) -> u32 {
    let seconds = (next - CLEAR - now).num_seconds();
    u32::try_from(seconds).unwrap_or_default().min(SLICE)
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
    fn a_slice_is_over_before_the_schedule_sends() {
        let next = DateTime::UNIX_EPOCH;
        let before = |seconds| requests_until(next, next - TimeDelta::seconds(seconds));
        let times = [3_600, 70, 69, 55, 11, 10, 0, -5];
        assert_eq!(times.map(before), [60, 60, 59, 45, 1, 0, 0, 0]);
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
}
