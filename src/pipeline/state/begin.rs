//! What a start of the engine fetches by itself: it spends few of a day's requests and reports what
//! is left.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::super::notice::What;
use super::super::planner::reserve;
use super::around::Whose;
use super::queue::QueuedRun;
use super::{Handover, Job, Loaded, Owner, State, tell};
use crate::model::SourceId;
use crate::model::tick::TickWhy;
use crate::time::is_far_ahead;

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
    /// Takes over the schedule and decides what to do about the instants that passed before.
    pub(super) fn owner(&mut self, handover: Option<Handover>, now: DateTime<Utc>) -> Vec<Job> {
        let mut jobs = vec![];
        let owner = if handover.is_some() {
            Owner::This
        } else {
            Owner::Another
        };
        if self.owner != owner {
            self.owner = owner;
            self.revision += 1;
            jobs.push(tell(now, What::Owner(handover.is_some())));
        }
        let Some(handover) = handover else {
            return jobs;
        };
        self.revision += 1;
        jobs.extend(self.loaded(Loaded::Series(handover.list), now));
        jobs.extend(self.loaded(Loaded::Ledgers(handover.ledgers), now));
        let trigger = if let Some(last) = handover.last_tick {
            self.catch_up((last, handover.due_ticks), now, &mut jobs)
        } else {
            // The first start on this store: a person wants to see bars, not wait for the clock.
            self.last_tick = Some(now);
            jobs.push(Job::Save("last_tick", now.to_rfc3339()));
            Some(FIRST)
        };
        if self.paused {
            jobs.extend(self.skip_ticks(TickWhy::Paused, now));
            return jobs;
        }
        jobs.extend(self.begin(trigger, &handover.sent_by_starts, now));
        let is_decided_later =
            self.asked_for_due.is_some() || self.queue.iter().any(|run| run.series.is_none());
        if !is_decided_later {
            jobs.extend(self.decide_ticks(&[], now));
        }
        jobs
    }

    /// Notes missed instants, and those that an engine saw and did not live to act on; returns the
    /// trigger of the run that catches up on them.
    fn catch_up(
        &mut self,
        (last, unended): (DateTime<Utc>, Vec<(DateTime<Utc>, SourceId)>),
        now: DateTime<Utc>,
        jobs: &mut Vec<Job>,
    ) -> Option<&'static str> {
        let last = if is_far_ahead(last, now) { now } else { last };
        let missed = self.schedule.between(&self.calendars, last, now);
        self.last_tick = Some(if missed > 0 { now } else { last });
        jobs.extend(self.see_ticks(last, now));
        let seen = self.see_again(unended, now);
        self.missed = missed.saturating_add(seen);
        if missed > 0 {
            jobs.push(Job::Save("last_tick", now.to_rfc3339()));
        }
        if self.missed == 0 {
            return None;
        }
        jobs.push(tell(now, What::Missed(self.missed)));
        if self.schedule.make_up(self.missed) == 0 {
            jobs.extend(self.miss_ticks(now));
            return None;
        }
        Some(MISSED)
    }

    /// Starts the run of a start, within its allowance, and reports what the rest would cost.
    fn begin(
        &mut self,
        trigger: Option<&'static str>,
        sent: &BTreeMap<SourceId, u32>,
        now: DateTime<Utc>,
    ) -> Option<Job> {
        let (mut most, mut rest, mut still) = (BTreeMap::new(), 0, 0);
        // Of each source by itself: one whose day is over holds up no other.
        for (source, quota, left) in self.quotas.limited(now) {
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
        if most.is_empty() {
            self.enqueue(trigger?, None);
            return None;
        }
        let begins = !self.due_within(Whose::All, (&most, false), now).is_empty();
        if let Some(trigger) = trigger.filter(|_| begins) {
            self.enqueue_run(QueuedRun {
                trigger,
                series: None,
                whose: Whose::All,
                most,
                within: None,
            });
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
