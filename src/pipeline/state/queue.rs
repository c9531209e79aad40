//! Runs that wait for the current one, and the start of the next.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use super::super::snapshot::{RunProgress, SeriesState};
use super::around::Whose;
use super::counted::Counted;
use super::lanes::Asker;
use super::{Job, Live, StartRun, State};
use crate::model::{Fill, SeriesKey, SourceId};

/// Runs that may wait behind the current one; nobody presses a key more often.
pub(super) const MOST_QUEUED: usize = 8;

/// A run that waits for the one before it.
#[derive(Debug)]
pub(super) struct QueuedRun {
    /// What started it.
    pub trigger: &'static str,
    /// Its series; `None`: those that are due when it starts.
    pub series: Option<Vec<SeriesKey>>,
    /// Of which those are, where none are named.
    pub whose: Whose,
    /// For whom it asks.
    pub asker: Asker,
    /// The most requests that it may send to each of these sources; to others as many as their plans
    /// allow.
    pub most: BTreeMap<SourceId, u32>,
    /// The time of which it brings only what is missing; `None`: what is missing up to now.
    pub within: Option<Fill>,
}

impl QueuedRun {
    /// Whether both would fetch the same, whatever started them.
    pub(super) fn asks_the_same(&self, other: &Self) -> bool {
        (self.whose, self.within) == (other.whose, other.within)
            && (&self.series, &self.asker, &self.most) == (&other.series, &other.asker, &other.most)
    }
}

impl State {
    /// A run that a person asks for.
    pub(super) fn enqueue(&mut self, trigger: &'static str, series: Vec<SeriesKey>) -> bool {
        self.enqueue_run(QueuedRun {
            trigger,
            series: Some(series),
            whose: Whose::All,
            asker: Asker::Person,
            most: BTreeMap::new(),
            within: None,
        })
    }

    pub(super) fn enqueue_run(&mut self, run: QueuedRun) -> bool {
        debug_assert_ne!(run.series.as_deref(), Some(&[][..]), "a run over nothing");
        let is_there = self.queue.iter().any(|queued| queued.asks_the_same(&run));
        if self.is_ending || is_there || self.queue.len() >= MOST_QUEUED {
            return is_there;
        }
        self.queue.push_back(run);
        true
    }

    /// What waits, then what is brought with what is spare. What is due is known once the list was read
    /// again after the run before.
    fn next_queued(&mut self, now: DateTime<Utc>) -> Option<QueuedRun> {
        let is_ready = |run: &QueuedRun| run.series.is_some() || !self.is_list_old;
        if let Some(at) = self.queue.iter().position(is_ready) {
            return self.queue.remove(at);
        }
        (self.queue.is_empty() && !self.is_list_old)
            .then(|| self.spare_run(now))
            .flatten()
    }

    /// Starts what is queued, one run at a time.
    pub(super) fn next_run(&mut self, now: DateTime<Utc>) -> Vec<Job> {
        if self.run.is_some()
            || self.is_ending
            || self.entries.is_empty() && self.queue.iter().all(|run| run.series.is_none())
        {
            return vec![];
        }
        let mut jobs = vec![];
        while let Some(run) = self.next_queued(now) {
            let QueuedRun {
                trigger,
                series,
                whose,
                asker,
                most,
                within,
            } = run;
            let is_person = trigger == "due";
            let series = if let Some(mut series) = series {
                let is_asked = |key: &SeriesKey| match &asker {
                    Asker::Person => true,
                    Asker::Schedule(_) => self.lanes.has(&key.source),
                };
                series.retain(is_asked);
                series
            } else {
                let due = self.due_within((whose, &asker), (&most, is_person), now);
                if whose != Whose::AroundTheClock {
                    jobs.extend(self.decide_ticks(&due, &asker, now));
                }
                due
            };
            if series.is_empty() {
                continue;
            }
            let wanted: HashSet<&SeriesKey> = series.iter().collect();
            for entry in &mut self.entries {
                if wanted.contains(&entry.key) {
                    entry.live = Live {
                        state: Some(SeriesState::Waiting),
                        fetched_at: entry.live.fetched_at,
                        newest_at: entry.live.newest_at,
                        ..Live::default()
                    };
                }
            }
            self.revision += 1;
            self.counted = Counted::default();
            self.run = Some(RunProgress {
                id: None,
                trigger,
                started_at: now,
                done: 0,
                total: series.len(),
            });
            let leases = match &asker {
                Asker::Person => vec![],
                Asker::Schedule(_) => self.lanes.leases(series.iter().map(|key| &key.source)),
            };
            jobs.push(Job::Run(StartRun {
                trigger,
                series,
                leases,
                most,
                within,
            }));
            break;
        }
        jobs
    }
}
