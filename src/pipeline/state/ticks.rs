//! What becomes of the instants of the schedule: each is noted when it comes, and again when it is known
//! what became of it. An engine that ends in between leaves it to the next one.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::planner::FetchPlan;
use super::around::Whose;
use super::lanes::Asker;
use super::{Entry, Job, State};
use crate::db::DbError;
use crate::model::tick::{NextTick, NotedTick, Tick, TickOutcome, TickWhy};
use crate::model::{RunId, SeriesKey, SourceId};
use crate::time::is_far_ahead;

/// Instants that are noted one by one after a long time; older ones are only counted.
const MOST: usize = 1_000;

/// The instants of the schedule that wait for something.
#[derive(Debug, Default)]
pub(super) struct Ticks {
    /// The newest ones in the store, newest first.
    pub(super) noted: Arc<[NotedTick]>,
    /// They have come, and it is not decided yet what is fetched.
    open: Vec<Tick>,
    /// The current run acts on them, or makes up for them, and has no number yet.
    starting: Vec<Tick>,
    /// The store was away.
    unnoted: Vec<Tick>,
}

impl State {
    /// Acts on the schedule in each lane where an instant has come since the last one that was acted on.
    /// While the store is away, nothing is: it is made up for.
    pub(super) fn act_on_schedule(&mut self, now: DateTime<Utc>) -> Vec<Job> {
        let (mut jobs, mut due) = (vec![], BTreeSet::new());
        if self.store.lost.is_some() {
            return jobs;
        }
        for source in self.lanes.sources() {
            let last = self.lanes.last_tick(&source);
            let last = last.filter(|last| !is_far_ahead(*last, now));
            let last = last.unwrap_or(now);
            self.lanes.acted(&source, last);
            let next = self.schedule.next_after(&self.calendars, last);
            if next.is_none_or(|next| next + self.lag(&source) > now) {
                continue;
            }
            self.lanes.acted(&source, now);
            // This machine slept, or its clock was set forward.
            let passed = self.schedule.between(&self.calendars, last, now);
            if passed > 1 {
                self.missed = passed;
            }
            jobs.extend(self.see_ticks(&source, last, now));
            jobs.push(Job::ActedOn(source.clone(), now));
            due.insert(source);
        }
        if due.is_empty() {
            return jobs;
        }
        self.revision += 1;
        let asker = Asker::Schedule(due);
        if self.paused {
            jobs.extend(self.skip_ticks(&asker, TickWhy::Paused, now));
        } else {
            jobs.push(self.ask_for_due("schedule", Whose::Scheduled, asker));
        }
        jobs
    }

    /// How long after an instant of the schedule a source has the bars that ended with it.
    fn lag(&self, source: &SourceId) -> TimeDelta {
        let own = self.entries.iter();
        let own = own.filter(|entry| entry.key.source == *source);
        own.map(Entry::lag).max().unwrap_or_default()
    }

    /// Notes the instants between two others for a source, if it has a series of the schedule.
    pub(super) fn see_ticks(
        &mut self,
        source: &SourceId,
        from: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Job> {
        let is_its = |entry: &Entry| entry.key.source == *source;
        let mut entries = self.entries.iter();
        if !entries.any(|entry| is_its(entry) && self.is_of(Whose::Scheduled, entry)) {
            return None;
        }
        let passed = self.schedule.passed(&self.calendars, (from, now), MOST);
        let due = passed.into_iter();
        let due = due.map(|at| Tick::due(at, source.clone(), now));
        let due: Vec<Tick> = due.collect();
        self.ticks.open.extend(due.iter().cloned());
        (!due.is_empty()).then(|| Job::NoteTicks(due))
    }

    /// Whether a decision is to come on what becomes of the instants of a source.
    pub(super) fn will_decide(&self, source: &SourceId) -> bool {
        let asked = self.asked_for_due.iter();
        let asked = asked.map(|(_, whose, asker)| (*whose, asker));
        let queued = self.queue.iter().filter(|run| run.series.is_none());
        let queued = queued.map(|run| (run.whose, &run.asker));
        asked
            .chain(queued)
            .any(|(whose, asker)| whose != Whose::AroundTheClock && asker.covers(source))
    }

    /// Leaves the instants of a source to whoever has its lane now.
    pub(super) fn forget_ticks(&mut self, source: &SourceId) {
        let ticks = &mut self.ticks;
        for waiting in [&mut ticks.open, &mut ticks.starting, &mut ticks.unnoted] {
            waiting.retain(|tick| tick.source != *source);
        }
    }

    /// Whether nobody decides what becomes of an instant that has come.
    pub(super) fn has_orphaned_ticks(&self) -> bool {
        let open = &mut self.ticks.open.iter();
        open.any(|tick| !self.will_decide(&tick.source))
    }

    /// Takes up instants that an engine saw and did not act on; returns how many this one has not seen
    /// itself.
    pub(super) fn see_again(
        &mut self,
        due: Vec<(DateTime<Utc>, SourceId)>,
        now: DateTime<Utc>,
    ) -> u32 {
        let own = [&self.ticks.open, &self.ticks.starting, &self.ticks.unnoted];
        let own = own.into_iter().flatten();
        let known: HashSet<(DateTime<Utc>, &SourceId)> =
            own.map(|tick| (tick.at, &tick.source)).collect();
        let new = due
            .into_iter()
            .filter(|(at, source)| *at <= now && !known.contains(&(*at, source)));
        let new: Vec<Tick> = new.map(|(at, source)| Tick::due(at, source, now)).collect();
        let instants: HashSet<DateTime<Utc>> = new.iter().map(|tick| tick.at).collect();
        self.ticks.open.extend(new);
        u32::try_from(instants.len()).unwrap_or(u32::MAX)
    }

    /// Decides what becomes of the instants that have come for those that a run asks for, given what it
    /// fetches now: it acts on the newest one and makes up for the others.
    pub(super) fn decide_ticks(
        &mut self,
        series: &[SeriesKey],
        asker: &Asker,
        now: DateTime<Utc>,
    ) -> Option<Job> {
        let mut by_source: BTreeMap<SourceId, Vec<Tick>> = BTreeMap::new();
        for tick in self.take_open(asker) {
            by_source.entry(tick.source.clone()).or_default().push(tick);
        }
        let mut decided = vec![];
        for (source, mut ticks) in by_source {
            ticks.sort_by_key(|tick| std::cmp::Reverse(tick.at));
            let (outcome, why) = self.outcome_of(&source, series, now);
            let is_run = outcome == TickOutcome::Done;
            for (place, tick) in ticks.into_iter().enumerate() {
                let missed = (TickOutcome::Missed, None);
                let (outcome, why) = if place == 0 { (outcome, why) } else { missed };
                let tick = Tick {
                    outcome,
                    why,
                    decided_at: now,
                    ..tick
                };
                if is_run {
                    self.ticks.starting.push(tick);
                } else {
                    decided.push(tick);
                }
            }
        }
        (!decided.is_empty()).then(|| Job::NoteTicks(decided))
    }

    /// What becomes of an instant for a source, given what is fetched.
    fn outcome_of(
        &self,
        source: &SourceId,
        series: &[SeriesKey],
        now: DateTime<Utc>,
    ) -> (TickOutcome, Option<TickWhy>) {
        if series.iter().any(|key| key.source == *source) {
            return (TickOutcome::Done, None);
        }
        let is_due = |entry: &&Entry| {
            let is_scheduled = self.is_of(Whose::Scheduled, entry);
            entry.key.source == *source && is_scheduled && entry.is_due(now)
        };
        let mut due = self.entries.iter().filter(is_due).peekable();
        if due.peek().is_none() {
            (TickOutcome::Skipped, Some(TickWhy::NotDue))
        } else if !due.any(|entry| entry.can_be_asked(now)) {
            (TickOutcome::Skipped, Some(TickWhy::Blocked))
        } else if self.quotas.spent_until(source, now).is_some() {
            (TickOutcome::Refused, Some(TickWhy::DaySpent))
        } else {
            (TickOutcome::Refused, Some(TickWhy::NoRoom))
        }
    }

    /// Nothing is done about the instants that have come.
    pub(super) fn skip_ticks(
        &mut self,
        asker: &Asker,
        why: TickWhy,
        now: DateTime<Utc>,
    ) -> Option<Job> {
        self.end_ticks(asker, (TickOutcome::Skipped, Some(why)), now)
    }

    /// Nothing makes up for the instants that have passed.
    pub(super) fn miss_ticks(&mut self, asker: &Asker, now: DateTime<Utc>) -> Option<Job> {
        self.end_ticks(asker, (TickOutcome::Missed, None), now)
    }

    /// The instants that have come for those that are asked for, which are decided now.
    fn take_open(&mut self, asker: &Asker) -> Vec<Tick> {
        let is_asked = |tick: &mut Tick| asker.covers(&tick.source);
        self.ticks.open.extract_if(.., is_asked).collect()
    }

    fn end_ticks(
        &mut self,
        asker: &Asker,
        (outcome, why): (TickOutcome, Option<TickWhy>),
        now: DateTime<Utc>,
    ) -> Option<Job> {
        let open = self.take_open(asker);
        let ended = open.into_iter().map(|tick| Tick {
            outcome,
            why,
            decided_at: now,
            ..tick
        });
        let ended: Vec<Tick> = ended.collect();
        (!ended.is_empty()).then(|| Job::NoteTicks(ended))
    }

    /// The run that acts on instants has begun.
    pub(super) fn ticks_began(&mut self, run: RunId) -> Option<Job> {
        let begun = std::mem::take(&mut self.ticks.starting);
        let begun = begun.into_iter().map(|tick| Tick {
            run: Some(run),
            ..tick
        });
        let begun: Vec<Tick> = begun.collect();
        (!begun.is_empty()).then(|| Job::NoteTicks(begun))
    }

    /// Their run ended before it began: they are due as before, and whoever owns the schedule next takes
    /// them up.
    pub(super) fn ticks_did_not_begin(&mut self) {
        self.ticks.starting.clear();
    }

    /// The store was away: they are noted once it is back.
    pub(super) fn ticks_unnoted(
        &mut self,
        ticks: Vec<Tick>,
        error: &DbError,
        now: DateTime<Utc>,
    ) -> Vec<Job> {
        self.ticks.unnoted.extend(ticks);
        self.store_failed(error, now)
    }

    /// Notes what the store missed.
    pub(super) fn note_ticks_again(&mut self) -> Option<Job> {
        let unnoted = std::mem::take(&mut self.ticks.unnoted);
        (!unnoted.is_empty()).then(|| Job::NoteTicks(unnoted))
    }

    /// The next instants of the schedule, and what is planned for each.
    pub fn next_ticks(&self, plan: &FetchPlan, most: usize, now: DateTime<Utc>) -> Vec<NextTick> {
        let after = |at: DateTime<Utc>| self.schedule.next_after(&self.calendars, at);
        let first = after(self.lanes.newest_tick().unwrap_or(now).max(now));
        let instants = std::iter::successors(first, |at| after(*at)).take(most);
        let empty = |at| NextTick {
            at,
            series: 0,
            requests: 0,
        };
        let mut next: Vec<NextTick> = instants.map(empty).collect();
        for line in &plan.lines {
            if let Some(tick) = next.iter_mut().find(|tick| Some(tick.at) == line.at) {
                tick.series += 1;
                tick.requests += line.price;
            }
        }
        next
    }
}
