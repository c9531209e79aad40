//! The engine's decisions: what is true, and what is to be done about each input. Pure.

mod message;
mod search;
#[cfg(test)]
mod tests;
mod view;

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

pub use self::message::{Entry, Handover, Input, Job, Live, Load, Loaded, Start};
use self::search::Search;
use super::command::Command;
use super::freshness;
use super::notice::{Notice, What};
use super::run::{Event, RunReport};
use super::schedule::Schedule;
use super::snapshot::{BarsPage, ProviderStatus, RunProgress, SeriesState, StoreStatus};
use super::source::SymbolWish;
use super::symbols::{Problem, Symbols};
use crate::db::{DbError, RunDetail};
use crate::model::quota::Ledger;
use crate::model::{ErrorClass, RunSummary, SeriesKey, SeriesReport, SeriesStatus as Ended};

/// How often a process that does not own the schedule tries to.
const OWN_AGAIN: TimeDelta = TimeDelta::seconds(10);
/// Runs that may wait behind the one at work; a person does not press a key more often.
const MOST_QUEUED: usize = 8;

/// Who fetches on schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Owner {
    /// Not known, or not any more.
    #[default]
    Unknown,
    /// This process.
    This,
    /// Another process.
    Another,
}

/// What is true.
#[derive(Debug)]
pub struct State {
    revision: u64,
    provider: ProviderStatus,
    store: StoreStatus,
    per_day: Option<u32>,
    ledger: Ledger,
    schedule: Schedule,
    paused: bool,
    owner: Owner,
    asked_to_own: Option<DateTime<Utc>>,
    /// The instant of the schedule that was acted on last.
    last_tick: Option<DateTime<Utc>>,
    missed: u32,
    entries: Vec<Entry>,
    runs: Arc<[RunSummary]>,
    bars: Option<Arc<BarsPage>>,
    opened: Option<Arc<RunDetail>>,
    search: Search,
    run: Option<RunProgress>,
    queue: VecDeque<(&'static str, Option<Vec<SeriesKey>>)>,
    /// What wants to know which series are due, as soon as the watch list has been read again.
    asked_for_due: Option<&'static str>,
    is_ending: bool,
}

impl State {
    /// Starts from what was remembered.
    #[must_use]
    pub fn new(start: Start) -> Self {
        Self {
            revision: 0,
            provider: start.provider,
            store: start.store,
            per_day: start.per_day,
            ledger: Ledger::default(),
            schedule: start.schedule,
            paused: start.paused,
            owner: Owner::Unknown,
            asked_to_own: None,
            last_tick: start.last_tick,
            missed: 0,
            entries: vec![],
            runs: Arc::new([]),
            bars: None,
            opened: None,
            search: Search::default(),
            run: None,
            queue: VecDeque::new(),
            asked_for_due: None,
            is_ending: false,
        }
    }

    /// Takes one input in and says what is to be done.
    pub fn step(&mut self, input: Input, now: DateTime<Utc>) -> Vec<Job> {
        if !matches!(input, Input::Tick) {
            self.revision += 1;
        }
        let mut jobs = match input {
            Input::Tick => self.tick(now),
            Input::Command(command) => self.command(&command, now),
            Input::Run(event) => self.run_event(event, now),
            Input::RunEnded(ended) => self.run_ended(ended, now),
            Input::Symbols(wish, ended) => self.symbols(&wish, ended, now),
            Input::Loaded(loaded) => self.loaded(loaded, now),
            Input::Owner(handover) => self.owner(handover, now),
            Input::StoreFailed(error) => self.store_failed(&error, now),
        };
        jobs.extend(self.next_run(now));
        if self.is_ending && self.run.is_none() && !self.search.is_asking() {
            jobs.push(Job::Finish);
        }
        jobs
    }

    fn tick(&mut self, now: DateTime<Utc>) -> Vec<Job> {
        let mut jobs = vec![];
        if self.owner != Owner::This
            && self
                .asked_to_own
                .is_none_or(|asked| now - asked >= OWN_AGAIN || now < asked)
        {
            self.asked_to_own = Some(now);
            jobs.push(Job::TryOwn);
        }
        let last = *self.last_tick.get_or_insert(now);
        if self.owner == Owner::This
            && self
                .schedule
                .next_after(last)
                .is_some_and(|next| next <= now)
        {
            self.last_tick = Some(now);
            self.revision += 1;
            jobs.push(Job::Save("last_tick", now.to_rfc3339()));
            if !self.paused {
                jobs.push(self.ask_for_due("schedule"));
            }
        }
        jobs
    }

    /// Another process may have fetched since the watch list was read: what is due is decided anew.
    fn ask_for_due(&mut self, trigger: &'static str) -> Job {
        self.asked_for_due = Some(trigger);
        Job::Load(Load::Series)
    }

    /// Takes the schedule over and decides what becomes of the instants that passed meanwhile.
    fn owner(&mut self, handover: Option<Handover>, now: DateTime<Utc>) -> Vec<Job> {
        let mut jobs = vec![];
        let owner = if handover.is_some() {
            Owner::This
        } else {
            Owner::Another
        };
        if self.owner != owner {
            jobs.push(tell(now, What::Owner(handover.is_some())));
        }
        self.owner = owner;
        let Some(Handover { last_tick, entries }) = handover else {
            // The owner works elsewhere; this process shows what it does.
            jobs.extend([Load::Series, Load::Runs, Load::Ledger].map(Job::Load));
            return jobs;
        };
        self.loaded(Loaded::Series(entries), now);
        let Some(last) = last_tick else { return jobs };
        self.missed = self.schedule.between(last, now);
        self.last_tick = Some(if self.missed > 0 { now } else { last });
        if self.missed > 0 {
            jobs.push(tell(now, What::Missed(self.missed)));
            jobs.push(Job::Save("last_tick", now.to_rfc3339()));
            if !self.paused && self.schedule.make_up(self.missed) > 0 {
                self.enqueue("missed", None);
            }
        }
        jobs
    }

    fn enqueue(&mut self, trigger: &'static str, series: Option<Vec<SeriesKey>>) -> bool {
        let is_there = self.queue.iter().any(|(_, queued)| *queued == series);
        if self.is_ending || is_there || self.queue.len() >= MOST_QUEUED {
            return is_there;
        }
        self.queue.push_back((trigger, series));
        true
    }

    /// Starts what is queued, one run at a time.
    fn next_run(&mut self, now: DateTime<Utc>) -> Vec<Job> {
        if self.run.is_some()
            || self.is_ending
            || self.entries.is_empty() && self.queue.iter().all(|(_, s)| s.is_none())
        {
            return vec![];
        }
        while let Some((trigger, wanted)) = self.queue.pop_front() {
            let series = wanted.unwrap_or_else(|| self.due(now));
            if series.is_empty() {
                continue;
            }
            for entry in &mut self.entries {
                if series.contains(&entry.key) {
                    entry.live = Live {
                        state: Some(SeriesState::Waiting),
                        ..Live::default()
                    };
                }
            }
            self.revision += 1;
            self.run = Some(RunProgress {
                id: None,
                trigger,
                started_at: now,
                done: 0,
                total: series.len(),
            });
            return vec![Job::Run(trigger, series)];
        }
        vec![]
    }

    fn due(&self, now: DateTime<Utc>) -> Vec<SeriesKey> {
        let is_due = |entry: &&Entry| {
            entry.parked.is_none()
                && freshness::state(entry.key.interval, entry.facts.fetched_at, now)
                    != SeriesState::Fresh
        };
        self.entries
            .iter()
            .filter(is_due)
            .map(|entry| entry.key.clone())
            .collect()
    }

    fn command(&mut self, command: &Command, now: DateTime<Utc>) -> Vec<Job> {
        let refused = |why: &str| vec![tell(now, What::Refused(command.clone(), why.to_owned()))];
        match command {
            Command::Fetch(series) if series.is_empty() => refused("nothing is selected"),
            Command::Fetch(series) => {
                let accepted = self.enqueue("fetch", Some(series.clone()));
                if accepted {
                    vec![]
                } else {
                    refused("too many runs are waiting; let one end first")
                }
            }
            Command::FetchDue => vec![self.ask_for_due("due")],
            Command::CancelRun if self.run.is_none() => refused("no run is at work"),
            Command::CancelRun => vec![Job::CancelRun],
            Command::Pause | Command::Resume => {
                self.paused = *command == Command::Pause;
                vec![Job::Save("paused", self.paused.to_string())]
            }
            Command::SetSchedule(schedule) => {
                self.schedule = schedule.clone();
                self.last_tick = Some(now);
                let json = serde_json::to_string(schedule).unwrap_or_default();
                vec![
                    Job::Save("schedule", json),
                    Job::Save("last_tick", now.to_rfc3339()),
                ]
            }
            Command::Watch(series) => vec![Job::Watch(series.clone())],
            Command::Unwatch(series) => vec![Job::Unwatch(series.clone())],
            Command::ShowBars(window) => vec![Job::Load(Load::Bars(window.clone()))],
            Command::ShowRun(run) => vec![Job::Load(Load::Run(*run))],
            Command::Search { .. } | Command::LoadListings if self.is_ending => vec![],
            Command::Search {
                text,
                from_provider,
            } => self.search.search(text, *from_provider),
            Command::LoadListings => self.search.load_list(),
            Command::Shutdown => {
                self.is_ending = true;
                let run = self.run.is_some().then_some(Job::CancelRun);
                let ask = self.search.is_asking().then_some(Job::CancelAsk);
                run.into_iter().chain(ask).collect()
            }
        }
    }

    fn entry(&mut self, series: &SeriesKey) -> Option<&mut Entry> {
        self.entries
            .iter_mut()
            .find(|entry| entry.key == *series || entry.stored == *series)
    }

    fn run_event(&mut self, event: Event, now: DateTime<Utc>) -> Vec<Job> {
        match &event {
            Event::Started { run, series } => {
                if let Some(progress) = &mut self.run {
                    (progress.id, progress.total) = (Some(*run), *series);
                }
            }
            Event::Sending { series, .. } => {
                if let Some(entry) = self.entry(series) {
                    entry.live.state = Some(SeriesState::Fetching);
                    entry.live.retry_at = None;
                    entry.live.requests += 1;
                }
            }
            Event::Retrying {
                series,
                wait,
                class,
                ..
            } => {
                let retry_at = now + TimeDelta::from_std(*wait).unwrap_or_default();
                if let Some(entry) = self.entry(series) {
                    entry.live.state = Some(SeriesState::Retrying);
                    entry.live.problem = Some((*class, class.to_string()));
                    entry.live.retry_at = Some(retry_at);
                }
            }
            Event::Done(report) => {
                if let Some(progress) = &mut self.run {
                    progress.done += 1;
                }
                self.series_ended(report);
            }
            Event::Interrupted(_) | Event::Recovered(_) => {}
        }
        let ended = matches!(event, Event::Done(_));
        let mut jobs = vec![tell(now, What::Run(event))];
        if ended {
            jobs.extend([Job::Load(Load::Series), Job::Load(Load::Ledger)]);
        }
        jobs
    }

    fn series_ended(&mut self, report: &SeriesReport) {
        let problem = report
            .error
            .as_ref()
            .map(|error| (error.class, error.message.clone()));
        let Some(entry) = self.entry(&report.series) else {
            return;
        };
        entry.live.retry_at = None;
        entry.live.state = match report.status {
            Ended::Refused => Some(SeriesState::Parked),
            Ended::Failed | Ended::Interrupted => Some(SeriesState::Failed),
            _ => None,
        };
        entry.live.problem = problem;
    }

    fn run_ended(&mut self, ended: Result<RunReport, DbError>, now: DateTime<Utc>) -> Vec<Job> {
        self.run = None;
        for entry in &mut self.entries {
            if matches!(
                entry.live.state,
                Some(SeriesState::Waiting | SeriesState::Fetching | SeriesState::Retrying)
            ) {
                entry.live.state = None;
            }
        }
        let mut jobs = match ended {
            Ok(report) => vec![tell(now, What::RunEnded(report))],
            Err(error) => {
                let mut jobs = self.store_failed(&error, now);
                jobs.push(tell(now, What::RunFailed(error.to_string())));
                jobs
            }
        };
        jobs.extend([Load::Series, Load::Runs, Load::Ledger, Load::Total].map(Job::Load));
        jobs
    }

    fn symbols(
        &mut self,
        wish: &SymbolWish,
        ended: Result<Result<Symbols, Problem>, DbError>,
        now: DateTime<Utc>,
    ) -> Vec<Job> {
        let mut jobs = vec![];
        let outcome = ended.unwrap_or_else(|error| {
            jobs = self.store_failed(&error, now);
            Err((ErrorClass::Database, error.to_string()))
        });
        self.search.answered(wish, outcome);
        jobs.extend([Load::Runs, Load::Ledger].map(Job::Load));
        jobs
    }

    fn loaded(&mut self, loaded: Loaded, now: DateTime<Utc>) -> Vec<Job> {
        let mut jobs = vec![];
        if self.store.lost.take().is_some() {
            jobs.push(tell(now, What::StoreBack));
        }
        match loaded {
            Loaded::Series(mut entries) => {
                for entry in &mut entries {
                    if let Some(known) = self.entries.iter().find(|known| known.key == entry.key) {
                        entry.live = known.live.clone();
                    }
                }
                self.entries = entries;
                if let Some(trigger) = self.asked_for_due.take() {
                    if trigger == "due" && self.due(now).is_empty() {
                        jobs.push(tell(
                            now,
                            What::Refused(Command::FetchDue, "nothing is due".to_owned()),
                        ));
                    }
                    self.enqueue(trigger, None);
                }
            }
            Loaded::Runs(runs) => self.runs = runs.into(),
            Loaded::Ledger(ledger) => self.ledger = ledger,
            Loaded::Bars(page) => self.bars = Some(Arc::new(page)),
            Loaded::Run(run) => self.opened = run.map(Arc::new),
            Loaded::Total(bars) => self.store.bars = bars,
            Loaded::Listings(sent_at, listings) => self.search.loaded(sent_at, listings),
        }
        jobs
    }

    fn store_failed(&mut self, error: &DbError, now: DateTime<Utc>) -> Vec<Job> {
        let is_new = self.store.lost.is_none();
        self.search.store_failed(&error.to_string());
        let mut jobs = vec![];
        if std::mem::take(&mut self.owner) == Owner::This {
            jobs.push(Job::Disown);
        }
        let since = self.store.lost.take().map_or(now, |(since, _)| since);
        self.store.lost = Some((since, error.to_string()));
        if is_new {
            jobs.push(tell(now, What::StoreLost(error.to_string())));
        }
        jobs
    }
}

fn tell(at: DateTime<Utc>, what: What) -> Job {
    Job::Tell(Notice { at, what })
}
