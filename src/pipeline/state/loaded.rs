//! What was read from the store: where it goes, and what it shows about other processes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::super::command::Command;
use super::super::notice::What;
use super::super::settings::Remembered;
use super::super::snapshot::RangesView;
use super::queue::QueuedRun;
use super::{EVERYTHING, Entry, Job, List, Load, Loaded, NEWEST, State, tell};
use crate::model::tick::TickWhy;
use crate::model::{RunSummary, SeriesKey};

impl State {
    pub(super) fn loaded(&mut self, loaded: Loaded, now: DateTime<Utc>) -> Vec<Job> {
        let mut jobs = if self.writes_wait {
            vec![]
        } else {
            self.store_answers(now)
        };
        match loaded {
            Loaded::Series(list) => {
                self.is_list_old = false;
                let changed = self.take_in(list);
                jobs.extend(changed.map(|what| tell(now, what)));
                jobs.extend(self.decide_what_is_due(now));
                jobs.extend(self.alerts_after_run(now));
            }
            Loaded::One(read) => {
                let known = self.entries.iter_mut().find(|known| known.key == read.key);
                if let Some(known) = known.filter(|known| known.reading <= read.reading) {
                    let read = Entry {
                        rides: known.rides.clone(),
                        ..*read
                    };
                    *known = std::mem::replace(known, read.clone()).read_anew(read);
                }
            }
            Loaded::Newest(newest) => {
                if self.others_worked(newest) {
                    jobs.extend(EVERYTHING.map(Job::Load));
                }
            }
            Loaded::Settings(changed, remembered) => {
                if !self.own_list && remembered.list != self.list_mark {
                    self.list_mark.clone_from(&remembered.list);
                    jobs.push(Job::Load(Load::Series));
                }
                if changed == self.settings_changed {
                    jobs.extend(self.follow(remembered, now));
                }
            }
            Loaded::Runs(runs) => self.runs = runs.into(),
            Loaded::Ledgers(ledgers) => {
                self.quotas.read(ledgers, now);
                self.spare.counted();
            }
            // Reads may overtake each other: only the last requested is shown.
            Loaded::Bars(page) if self.wanted.bars.as_ref() == Some(&page.window) => {
                self.bars = Some(Arc::new(page));
            }
            Loaded::Run(Some(run)) if self.wanted.run == Some(run.summary.id) => {
                self.opened = Some(Arc::new(run));
            }
            Loaded::Answer(answer) if self.wanted.answer == Some(answer.request) => {
                self.answer = Some(Arc::new(answer));
            }
            Loaded::Ranges(ranges) if self.wants(&ranges) => self.ranges = Some(Arc::new(ranges)),
            Loaded::Preview(preview) if self.wanted.price.as_ref() == Some(&preview.question) => {
                self.preview = Some(Arc::new(preview));
            }
            Loaded::Bars(_)
            | Loaded::Run(_)
            | Loaded::Answer(_)
            | Loaded::Ranges(_)
            | Loaded::Preview(_) => {}
            Loaded::Coverage(map) => self.coverage = Some(Arc::new(map)),
            Loaded::System(system) => self.system = Some(Arc::new(system)),
            Loaded::Ticks(ticks) => self.ticks.noted = ticks.into(),
            Loaded::Total(bars) => self.store.bars = bars,
            Loaded::Listings(sent_at, listings) => self.search.loaded(sent_at, listings),
        }
        jobs
    }

    /// Whether these ranges are those that were last requested.
    fn wants(&self, ranges: &RangesView) -> bool {
        let wanted = self.wanted.ranges.as_ref();
        wanted.is_some_and(|(series, within)| (series, *within) == (&ranges.series, ranges.within))
    }

    /// Reads everything again if the store was lost.
    pub(super) fn store_answers(&mut self, now: DateTime<Utc>) -> Vec<Job> {
        let spooled = std::mem::take(&mut self.store.spooled);
        self.revision += u64::from(spooled > 0);
        if self.store.lost.take().is_none() {
            return vec![];
        }
        self.revision += 1;
        let shown = EVERYTHING.into_iter().chain(self.wanted.loads());
        let loads = shown.map(Job::Load);
        [tell(now, What::StoreBack)]
            .into_iter()
            .chain(self.note_ticks_again())
            .chain(loads)
            .collect()
    }

    /// Follows another process that changed the schedule, such as the panel beside an engine.
    fn follow(&mut self, remembered: Remembered, now: DateTime<Utc>) -> Vec<Job> {
        let mut jobs = vec![];
        let schedule = remembered.schedule;
        if let Some(schedule) = schedule.filter(|schedule| *schedule != self.schedule) {
            jobs.push(tell(now, What::Scheduled(schedule.clone())));
            self.schedule = schedule;
            // Instants of the new schedule that passed before it took effect were not missed.
            self.lanes.acted_everywhere(now);
            self.revision += 1;
        }
        if self.paused != remembered.is_paused {
            self.paused = remembered.is_paused;
            self.revision += 1;
            jobs.push(tell(now, What::Paused(self.paused)));
        }
        jobs
    }

    /// Reads may end in another order than they began: an older one must not undo a newer one.
    /// Returns what has changed since the previous read.
    fn take_in(&mut self, list: List) -> Option<What> {
        if list.reading < self.list_reading {
            return None;
        }
        let is_first = std::mem::replace(&mut self.list_reading, list.reading) == 0;
        self.list_mark = list.mark;
        let before: Vec<SeriesKey> = self.entries.iter().map(|known| known.key.clone()).collect();
        let known = self
            .entries
            .drain(..)
            .map(|known| (known.key.clone(), known));
        let mut known: HashMap<SeriesKey, Entry> = known.collect();
        let entries = list.entries.into_iter();
        self.entries = entries
            .map(|entry| match known.remove(&entry.key) {
                Some(known) if known.reading > entry.reading => known,
                Some(known) => known.read_anew(entry),
                None => entry,
            })
            .collect();
        self.list_lanes();
        let now = self.entries.iter().map(|entry| entry.key.clone());
        (!is_first).then(|| change(&before, &now.collect::<Vec<_>>()))?
    }

    fn decide_what_is_due(&mut self, now: DateTime<Utc>) -> Vec<Job> {
        let Some((trigger, whose, asker)) = self.asked_for_due.take() else {
            return vec![];
        };
        let is_queued = self.enqueue_run(QueuedRun {
            trigger,
            series: None,
            whose,
            asker: asker.clone(),
            most: BTreeMap::new(),
            within: None,
        });
        let mut jobs = vec![];
        if !is_queued && !self.is_ending {
            jobs.extend(self.skip_ticks(&asker, TickWhy::Busy, now));
        }
        if trigger == "due" && self.due(now).next().is_none() {
            let why = "nothing is due".to_owned();
            jobs.push(tell(now, What::Refused(Command::FetchDue, why)));
        }
        jobs
    }

    /// Whether another process has begun, advanced or ended a run since the last check.
    ///
    /// Checks are compared only with each other: whatever a check causes to be read is read after
    /// it, so that changes in between show in the next one.
    fn others_worked(&mut self, newest: Vec<RunSummary>) -> bool {
        // Fewer than requested: these are all.
        let is_all = newest.len() < NEWEST as usize;
        let mut others = newest;
        others.retain(|run| !self.own_runs.contains(&run.id));
        let same = self.seen.as_ref().is_some_and(|seen| {
            // Runs of this process push others out of the newest.
            seen.starts_with(&others) && (seen.len() == others.len() || !is_all)
        });
        self.seen = Some(others);
        !same
    }
}

/// How a watch list changed: series replaced by others, or series added and removed.
fn change(before: &[SeriesKey], now: &[SeriesKey]) -> Option<What> {
    let (were, are): (HashSet<_>, HashSet<_>) = (before.iter().collect(), now.iter().collect());
    let pairs = before.iter().zip(now).filter(|(from, to)| from != to);
    let is_taken =
        |(from, to): &(&SeriesKey, &SeriesKey)| !are.contains(from) && !were.contains(to);
    if before.len() == now.len() && pairs.clone().all(|pair| is_taken(&pair)) {
        let pairs: Vec<_> = pairs.map(|(from, to)| (from.clone(), to.clone())).collect();
        return (!pairs.is_empty()).then_some(What::Replaced(pairs));
    }
    let without = |all: &[SeriesKey], others: &HashSet<&SeriesKey>| -> Vec<SeriesKey> {
        let only = all.iter().filter(|series| !others.contains(series));
        only.cloned().collect()
    };
    let (added, removed) = (without(now, &were), without(before, &are));
    let is_any = !added.is_empty() || !removed.is_empty();
    is_any.then_some(What::Watched { added, removed })
}
