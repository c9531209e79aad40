//! What was read from the store: where it goes, and what it tells of other processes.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::super::command::Command;
use super::super::notice::What;
use super::super::settings::Remembered;
use super::{EVERYTHING, Entry, Job, List, Load, Loaded, NEWEST, State, tell};
use crate::model::quota;
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
                self.take_in(list);
                jobs.extend(self.decide_what_is_due(now));
            }
            Loaded::One(read) => {
                let known = self.entries.iter_mut().find(|known| known.key == read.key);
                if let Some(known) = known.filter(|known| known.reading <= read.reading) {
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
                    self.follow(remembered, now);
                }
            }
            Loaded::Runs(runs) => self.runs = runs.into(),
            Loaded::Ledger(ledger) => {
                self.ledger = ledger;
                self.ledger_day = Some(quota::day(now).0);
            }
            // Readings may overtake each other: only what was asked for last is shown.
            Loaded::Bars(page) if self.wanted.bars.as_ref() == Some(&page.window) => {
                self.bars = Some(Arc::new(page));
            }
            Loaded::Run(Some(run)) if self.wanted.run == Some(run.summary.id) => {
                self.opened = Some(Arc::new(run));
            }
            Loaded::Answer(answer) if self.wanted.answer == Some(answer.request) => {
                self.answer = Some(Arc::new(answer));
            }
            Loaded::Bars(_) | Loaded::Run(_) | Loaded::Answer(_) => {}
            Loaded::System(system) => self.system = Some(Arc::new(system)),
            Loaded::Total(bars) => self.store.bars = bars,
            Loaded::Listings(sent_at, listings) => self.search.loaded(sent_at, listings),
        }
        jobs
    }

    /// Reads everything again where the store was lost.
    pub(super) fn store_answers(&mut self, now: DateTime<Utc>) -> Vec<Job> {
        self.store.spooled = 0;
        if self.store.lost.take().is_none() {
            return vec![];
        }
        self.revision += 1;
        let shown = EVERYTHING.into_iter().chain(self.wanted.loads());
        let loads = shown.map(Job::Load);
        [tell(now, What::StoreBack)]
            .into_iter()
            .chain(loads)
            .collect()
    }

    /// Takes over what another process made of the schedule: the panel beside an engine, for one.
    fn follow(&mut self, remembered: Remembered, now: DateTime<Utc>) {
        let schedule = remembered.schedule;
        if let Some(schedule) = schedule.filter(|schedule| *schedule != self.schedule) {
            self.schedule = schedule;
            // Instants of the new schedule that passed before it counted are no missed ones.
            self.last_tick = Some(now);
            self.revision += 1;
        }
        if self.paused != remembered.is_paused {
            self.paused = remembered.is_paused;
            self.revision += 1;
        }
    }

    /// Readings may arrive in another order than they began: an older one must not undo a newer one.
    fn take_in(&mut self, list: List) {
        if list.reading < self.list_reading {
            return;
        }
        self.list_reading = list.reading;
        self.list_mark = list.mark;
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
    }

    fn decide_what_is_due(&mut self, now: DateTime<Utc>) -> Vec<Job> {
        let Some(trigger) = self.asked_for_due.take() else {
            return vec![];
        };
        self.enqueue(trigger, None);
        if trigger == "due" && self.due(now).next().is_none() {
            let why = "nothing is due".to_owned();
            return vec![tell(now, What::Refused(Command::FetchDue, why))];
        }
        vec![]
    }

    /// Whether another process has begun, advanced or ended a run since the last look.
    ///
    /// Looks are compared with each other and with nothing else: whatever is read because of a look
    /// is read after it, so that what happens meanwhile shows in the next one.
    fn others_worked(&mut self, newest: Vec<RunSummary>) -> bool {
        // Fewer than were asked for are all there are.
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
