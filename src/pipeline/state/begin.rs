//! What a start of the engine fetches by itself: it spends few of a day's requests and reports what
//! is left.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::super::notice::What;
use super::super::planner::reserve;
use super::around::Whose;
use super::lanes::Asker;
use super::queue::QueuedRun;
use super::{Job, Loaded, Read, State, tell};
use crate::model::SourceId;
use crate::model::tick::TickWhy;

/// Requests that starts send until the next instant of the schedule, if the plan has a daily limit.
const MOST: u32 = 5;

/// Triggers of runs at a start: the first start on a store, and missed instants.
pub const TRIGGERS: &[&str] = &[FIRST, MISSED];
const FIRST: &str = "start";
const MISSED: &str = "missed";

/// Requests that a start may send, given those left today and those that starts have sent since the
/// last instant of the schedule.
const fn allowance(left: u32, sent: u32) -> u32 {
    let most = MOST.saturating_sub(sent);
    if left < most { left } else { most }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl State {
    /// Takes over the lanes of these sources and decides what to do about the instants that passed before.
    pub(super) fn take_over(
        &mut self,
        (won, sent_by_starts): (BTreeSet<SourceId>, BTreeMap<SourceId, u32>),
        read: Read,
        now: DateTime<Utc>,
    ) -> Vec<Job> {
        let mut jobs = self.loaded(Loaded::Series(read.list), now);
        jobs.extend(self.loaded(Loaded::Ledgers(read.ledgers), now));
        if won.is_empty() {
            return jobs;
        }
        let asker = Asker::Schedule(won.clone());
        let is_cut_short = read.cut_short.iter().any(|source| won.contains(source));
        let trigger = self.catch_up((&won, read.due_ticks), now, &mut jobs);
        // What the last run did not come to is fetched now, not at the next instant.
        let trigger = trigger.or_else(|| is_cut_short.then_some(MISSED));
        if self.paused {
            jobs.extend(self.skip_ticks(&asker, TickWhy::Paused, now));
            return jobs;
        }
        jobs.extend(self.begin((trigger, &won), &sent_by_starts, now));
        let undecided = won.into_iter().filter(|source| !self.will_decide(source));
        let undecided = Asker::Schedule(undecided.collect());
        jobs.extend(self.decide_ticks(&[], &undecided, now));
        jobs
    }

    /// Notes missed instants, and those that an engine saw and did not live to act on; returns the
    /// trigger of the run that catches up on them.
    fn catch_up(
        &mut self,
        (won, unended): (&BTreeSet<SourceId>, Vec<(DateTime<Utc>, SourceId)>),
        now: DateTime<Utc>,
        jobs: &mut Vec<Job>,
    ) -> Option<&'static str> {
        let (mut missed, mut is_first) = (0, false);
        for source in won {
            // The first start on this store: a person wants to see bars, not wait for the clock.
            let last = self.lanes.last_tick(source);
            is_first |= last.is_none();
            let last = last.unwrap_or(now);
            let passed = self.schedule.between(&self.calendars, last, now);
            jobs.extend(self.see_ticks(source, last, now));
            if passed > 0 || self.lanes.last_tick(source).is_none() {
                self.lanes.acted(source, now);
                jobs.push(Job::ActedOn(source.clone(), now));
            }
            missed = missed.max(passed);
        }
        let unended = unended.into_iter();
        let unended = unended.filter(|(_, source)| won.contains(source));
        let seen = self.see_again(unended.collect(), now);
        self.missed = missed.saturating_add(seen);
        if self.missed == 0 {
            return is_first.then_some(FIRST);
        }
        jobs.push(tell(now, What::Missed(self.missed)));
        if self.schedule.make_up(self.missed) == 0 {
            jobs.extend(self.miss_ticks(&Asker::Schedule(won.clone()), now));
            return None;
        }
        Some(MISSED)
    }

    /// Starts the run of a start, within its allowance, and reports what the rest would cost.
    fn begin(
        &mut self,
        (trigger, won): (Option<&'static str>, &BTreeSet<SourceId>),
        sent: &BTreeMap<SourceId, u32>,
        now: DateTime<Utc>,
    ) -> Option<Job> {
        let (mut most, mut rest, mut still) = (BTreeMap::new(), 0, 0);
        // Of each source by itself: one whose day is over holds up no other.
        let limited = self.quotas.limited(now);
        for (source, quota, left) in limited.filter(|(source, ..)| won.contains(source)) {
            let reserved = quota.per_day().map_or(0, reserve);
            let sent = sent.get(source).copied().unwrap_or_default();
            let allowed = trigger.map_or(0, |_| allowance(left.saturating_sub(reserved), sent));
            let due = count(self.due(now).filter(|key| key.source == *source).count());
            if due > allowed {
                rest += due - allowed;
                still += left - allowed;
            }
            most.insert(source.clone(), allowed);
        }
        let asker = Asker::Schedule(won.clone());
        let is_limited = !most.is_empty();
        let begins = !is_limited
            || !self
                .due_within((Whose::All, &asker), (&most, false), now)
                .is_empty();
        if let Some(trigger) = trigger.filter(|_| begins) {
            self.enqueue_run(QueuedRun {
                trigger,
                series: None,
                whose: Whose::All,
                asker,
                most,
                within: None,
            });
        }
        if !is_limited {
            return None;
        }
        let is_news = trigger.is_some() || !std::mem::replace(&mut self.has_begun, true);
        (rest > 0 && is_news).then(|| {
            let what = What::Rest {
                series: rest,
                left: still,
                next_at: self.next_at(now),
            };
            tell(now, what)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_sends_five_at_most_and_starts_in_a_row_share_them() {
        for (left, sent, allowed) in [
            (25, 0, 5),
            (3, 0, 3),
            (0, 0, 0),
            (25, 2, 3),
            (25, 5, 0),
            (25, 9, 0),
        ] {
            assert_eq!(allowance(left, sent), allowed, "{left} left, {sent} sent");
        }
    }
}
