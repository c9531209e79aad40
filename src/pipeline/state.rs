//! The engine's decisions: what is true, and what is to be done about each input. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::command::{BarsWindow, Command};
use super::freshness;
use super::notice::{Notice, What};
use super::run::{Event, RunReport};
use super::schedule::Schedule;
use super::snapshot::{
    BarsPage, ProviderStatus, QuotaStatus, RunProgress, ScheduleStatus, SeriesState, SeriesStatus,
    Snapshot, StoreStatus,
};
use crate::db::{DbError, RunDetail, SeriesFacts};
use crate::model::quota::{self, Ledger};
use crate::model::{
    ErrorClass, Price, RunId, RunSummary, SeriesKey, SeriesReport, SeriesStatus as Ended,
};

/// How often a process that does not own the schedule tries to.
const OWN_AGAIN: TimeDelta = TimeDelta::seconds(10);
/// Runs that may wait behind the one at work; a person does not press a key more often.
const MOST_QUEUED: usize = 8;
/// Closes that a trend shows.
const TREND: usize = 78;

/// What reaches the engine.
#[derive(Debug)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// Somebody wants something.
    Command(Command),
    /// Something happened in the run at work.
    Run(Event),
    /// The run at work has ended.
    RunEnded(Result<RunReport, DbError>),
    /// Something was read from the store.
    Loaded(Loaded),
    /// The attempt to own the schedule has ended: with what the store then held, or not.
    Owner(Option<Handover>),
    /// The store failed outside a run.
    StoreFailed(DbError),
}

/// What a process that takes the schedule over must know: others may have fetched meanwhile.
#[derive(Debug)]
pub struct Handover {
    /// The instant of the schedule that was acted on last.
    pub last_tick: Option<DateTime<Utc>>,
    /// The watch list.
    pub entries: Vec<Entry>,
}

/// What was read from the store.
#[derive(Debug)]
pub enum Loaded {
    /// The watch list with what is known of each series.
    Series(Vec<Entry>),
    /// The newest runs.
    Runs(Vec<RunSummary>),
    /// Today's requests.
    Ledger(Ledger),
    /// A window of bars.
    Bars(BarsPage),
    /// A run in detail.
    Run(Option<RunDetail>),
    /// The number of bars in the whole store.
    Total(u64),
}

/// A series of the watch list.
#[derive(Debug, Clone)]
pub struct Entry {
    /// As it stands in the list.
    pub key: SeriesKey,
    /// The series under which its bars are stored.
    pub stored: SeriesKey,
    /// What the store knows of it.
    pub facts: SeriesFacts,
    /// Why it cannot be fetched, where that is known without asking.
    pub parked: Option<(ErrorClass, String)>,
    /// How it stands in the run at work or stood in the last one.
    pub live: Live,
}

/// How a series stands in a run.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Overrides what follows from the facts while a run is at work.
    state: Option<SeriesState>,
    problem: Option<(ErrorClass, String)>,
    retry_at: Option<DateTime<Utc>>,
    requests: u32,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// Start a run.
    Run(&'static str, Vec<SeriesKey>),
    /// Tell the run at work to stop.
    CancelRun,
    /// Read something.
    Load(Load),
    /// Remember something.
    Save(&'static str, String),
    /// Change the watch list, then read it again.
    Watch(Vec<SeriesKey>),
    /// Change the watch list, then read it again.
    Unwatch(Vec<SeriesKey>),
    /// Try to own the schedule.
    TryOwn,
    /// Let go of the schedule: whether its lock still holds is not known.
    Disown,
    /// Tell whoever listens.
    Tell(Notice),
    /// End in order, once nothing is at work.
    Finish,
}

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Load {
    /// The watch list.
    Series,
    /// The newest runs.
    Runs,
    /// Today's requests.
    Ledger,
    /// Bars.
    Bars(BarsWindow),
    /// A run.
    Run(RunId),
    /// The number of bars in the whole store.
    Total,
}

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
    run: Option<RunProgress>,
    queue: VecDeque<(&'static str, Option<Vec<SeriesKey>>)>,
    /// What wants to know which series are due, as soon as the watch list has been read again.
    asked_for_due: Option<&'static str>,
    is_ending: bool,
}

/// What the engine starts from.
#[derive(Debug)]
pub struct Start {
    /// Whose data it is.
    pub provider: ProviderStatus,
    /// The database.
    pub store: StoreStatus,
    /// The day's limit of the plan.
    pub per_day: Option<u32>,
    /// The schedule, as remembered or by default.
    pub schedule: Schedule,
    /// Whether it was paused.
    pub paused: bool,
    /// The instant of the schedule that was acted on last.
    pub last_tick: Option<DateTime<Utc>>,
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
            Input::Loaded(loaded) => self.loaded(loaded, now),
            Input::Owner(handover) => self.owner(handover, now),
            Input::StoreFailed(error) => self.store_failed(&error, now),
        };
        jobs.extend(self.next_run(now));
        if self.is_ending && self.run.is_none() {
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
            Command::Shutdown => {
                self.is_ending = true;
                if self.run.is_some() {
                    vec![Job::CancelRun]
                } else {
                    vec![]
                }
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
        }
        jobs
    }

    fn store_failed(&mut self, error: &DbError, now: DateTime<Utc>) -> Vec<Job> {
        let is_new = self.store.lost.is_none();
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

    /// The number that grows with every change.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What is true now.
    #[must_use]
    pub fn snapshot(&self, dropped_notices: u64, now: DateTime<Utc>) -> Snapshot {
        let (_, tomorrow) = quota::day(now);
        let is_spent = self.per_day.is_some_and(|limit| self.ledger.today >= limit)
            || self.ledger.day_refusal.is_some();
        Snapshot {
            revision: self.revision,
            taken_at: now,
            provider: self.provider.clone(),
            store: self.store.clone(),
            quota: QuotaStatus {
                used: self.ledger.today,
                limit: self.per_day,
                spent_until: is_spent.then_some(tomorrow),
            },
            schedule: ScheduleStatus {
                schedule: self.schedule.clone(),
                paused: self.paused,
                next_at: self
                    .schedule
                    .next_after(self.last_tick.unwrap_or(now).max(now)),
                is_owner: self.owner == Owner::This,
                missed: self.missed,
            },
            run: self.run.clone(),
            series: self
                .entries
                .iter()
                .map(|entry| status(entry, now))
                .collect(),
            runs: Arc::clone(&self.runs),
            bars: self.bars.clone(),
            opened: self.opened.clone(),
            dropped_notices,
        }
    }
}

fn tell(at: DateTime<Utc>, what: What) -> Job {
    Job::Tell(Notice { at, what })
}

fn status(entry: &Entry, now: DateTime<Utc>) -> SeriesStatus {
    let recent = &entry.facts.recent;
    let last_bar = recent.first().copied();
    let other_day = |bar: &&crate::model::Bar| {
        last_bar.is_some_and(|last| bar.trading_date != last.trading_date)
    };
    let session = |bar: &&crate::model::Bar| {
        !entry.key.interval.is_intraday()
            || last_bar.is_some_and(|last| bar.trading_date == last.trading_date)
    };
    let mut trend: Vec<Price> = recent
        .iter()
        .take_while(session)
        .take(TREND)
        .map(|bar| bar.close)
        .collect();
    trend.reverse();
    let by_facts = || freshness::state(entry.key.interval, entry.facts.fetched_at, now);
    let state = entry
        .live
        .state
        .or_else(|| entry.parked.as_ref().map(|_| SeriesState::Parked))
        .unwrap_or_else(by_facts);
    SeriesStatus {
        key: entry.key.clone(),
        state,
        fetched_at: entry.facts.fetched_at,
        last_bar,
        previous_close: recent.iter().find(other_day).map(|bar| bar.close),
        trend: trend.into(),
        bars: entry.facts.bars,
        problem: entry.live.problem.clone().or_else(|| entry.parked.clone()),
        retry_at: entry.live.retry_at,
        requests: entry.live.requests,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, RunStatus};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// A Friday noon in New York.
    const NOON: &str = "2026-11-20T17:00:00Z";

    fn key(symbol: &str) -> SeriesKey {
        SeriesKey::raw(symbol.parse().unwrap(), Interval::Daily)
    }

    fn entry(symbol: &str, fetched_at: Option<&str>) -> Entry {
        Entry {
            key: key(symbol),
            stored: key(symbol),
            facts: SeriesFacts {
                fetched_at: fetched_at.map(at),
                bars: 0,
                oldest: None,
                recent: vec![],
            },
            parked: None,
            live: Live::default(),
        }
    }

    fn state(last_tick: Option<&str>) -> State {
        let mut state = State::new(Start {
            provider: ProviderStatus {
                name: "test".into(),
                plan: "free key".into(),
                key_is_demo: false,
                is_simulated: true,
            },
            store: StoreStatus {
                name: "test".into(),
                bars: 0,
                lost: None,
            },
            per_day: Some(25),
            schedule: Schedule::after_close(),
            paused: false,
            last_tick: last_tick.map(at),
        });
        state.step(Input::Loaded(Loaded::Series(entries())), at(NOON));
        state
    }

    fn entries() -> Vec<Entry> {
        vec![
            entry("IBM", Some("2026-11-19T22:00:00Z")),
            entry("AAPL", None),
        ]
    }

    fn own(state: &mut State, last_tick: &str) -> Vec<Job> {
        let handover = Handover {
            last_tick: Some(at(last_tick)),
            entries: entries(),
        };
        state.step(Input::Owner(Some(handover)), at(NOON))
    }

    fn runs(jobs: &[Job]) -> Vec<(&'static str, Vec<String>)> {
        jobs.iter()
            .filter_map(|job| match job {
                Job::Run(trigger, series) => Some((
                    *trigger,
                    series.iter().map(|key| key.symbol.to_string()).collect(),
                )),
                _ => None,
            })
            .collect()
    }

    fn report(series: Vec<SeriesReport>) -> RunReport {
        RunReport {
            run: RunId(1),
            status: RunStatus::Succeeded,
            series,
            unrecorded: None,
        }
    }

    #[test]
    fn the_owner_fetches_what_is_due_at_the_scheduled_instant_and_once() {
        let mut state = state(Some(NOON));
        assert_eq!(state.step(Input::Tick, at(NOON)), [Job::TryOwn]);
        own(&mut state, NOON);
        assert_eq!(state.step(Input::Tick, at("2026-11-20T21:19:59Z")), []);
        let instant = at("2026-11-20T21:20:00Z");
        let jobs = state.step(Input::Tick, instant);
        assert!(
            jobs.contains(&Job::Load(Load::Series)),
            "others may have fetched: {jobs:?}"
        );
        assert!(
            jobs.iter()
                .any(|job| matches!(job, Job::Save("last_tick", _)))
        );
        let jobs = state.step(Input::Loaded(Loaded::Series(entries())), instant);
        assert_eq!(
            runs(&jobs),
            [("schedule", vec!["IBM".into(), "AAPL".into()])]
        );
        assert_eq!(state.step(Input::Tick, at("2026-11-20T21:20:01Z")), []);
    }

    #[test]
    fn without_the_lock_or_while_paused_the_schedule_starts_nothing() {
        let due = at("2026-11-20T21:20:00Z");
        let mut other = state(Some(NOON));
        assert!(runs(&other.step(Input::Tick, due)).is_empty());
        let mut paused = state(Some(NOON));
        own(&mut paused, NOON);
        let saved = paused.step(Input::Command(Command::Pause), at(NOON));
        assert_eq!(saved, [Job::Save("paused", "true".into())]);
        assert!(runs(&paused.step(Input::Tick, due)).is_empty());
        assert!(paused.snapshot(0, due).schedule.paused);
    }

    #[test]
    fn missed_instants_are_made_up_once() {
        let mut state = state(Some("2026-11-16T22:00:00Z"));
        let jobs = own(&mut state, "2026-11-16T22:00:00Z");
        assert_eq!(
            runs(&jobs),
            [("missed", vec!["AAPL".into()])],
            "IBM is fresh until Friday's close"
        );
        assert_eq!(state.snapshot(0, at(NOON)).schedule.missed, 3);
    }

    #[test]
    fn wishes_wait_behind_the_run_at_work_and_are_refused_with_a_reason() {
        let mut state = state(Some(NOON));
        let fetch = |symbol: &str| Input::Command(Command::Fetch(vec![key(symbol)]));
        assert_eq!(
            runs(&state.step(fetch("IBM"), at(NOON))),
            [("fetch", vec!["IBM".into()])]
        );
        assert!(runs(&state.step(fetch("AAPL"), at(NOON))).is_empty());
        let jobs = state.step(Input::RunEnded(Ok(report(vec![]))), at(NOON));
        assert_eq!(runs(&jobs), [("fetch", vec!["AAPL".into()])]);
        let refused = state.step(Input::Command(Command::Fetch(vec![])), at(NOON));
        assert!(
            matches!(
                &refused[..],
                [Job::Tell(Notice {
                    what: What::Refused(..),
                    ..
                })]
            ),
            "{refused:?}"
        );
    }

    #[test]
    fn a_series_shows_what_happens_to_it() {
        let mut state = state(Some(NOON));
        let shown = |state: &State| state.snapshot(0, at(NOON)).series[0].state;
        state.step(Input::Command(Command::Fetch(vec![key("IBM")])), at(NOON));
        assert_eq!(shown(&state), SeriesState::Waiting);
        state.step(
            Input::Run(Event::Sending {
                series: key("IBM"),
                attempt: 1,
            }),
            at(NOON),
        );
        assert_eq!(shown(&state), SeriesState::Fetching);
        let ended = SeriesReport::new(key("IBM"), Ended::Succeeded).with_error(
            Ended::Refused,
            ErrorClass::NotEntitled,
            "not in plan",
        );
        state.step(Input::Run(Event::Done(ended)), at(NOON));
        let snapshot = state.snapshot(0, at(NOON));
        assert_eq!(snapshot.series[0].state, SeriesState::Parked);
        assert_eq!(
            snapshot.series[0].problem,
            Some((ErrorClass::NotEntitled, "not in plan".into()))
        );
    }

    #[test]
    fn it_ends_only_when_nothing_is_at_work() {
        let mut state = state(Some(NOON));
        state.step(Input::Command(Command::Fetch(vec![key("IBM")])), at(NOON));
        assert_eq!(
            state.step(Input::Command(Command::Shutdown), at(NOON)),
            [Job::CancelRun]
        );
        let jobs = state.step(Input::RunEnded(Ok(report(vec![]))), at(NOON));
        assert_eq!(jobs.last(), Some(&Job::Finish));
    }

    #[test]
    fn a_lost_store_gives_the_schedule_up_and_is_told_once() {
        let mut state = state(Some(NOON));
        own(&mut state, NOON);
        let gone = || Input::RunEnded(Err(DbError::for_test("gone")));
        let jobs = state.step(gone(), at(NOON));
        assert!(jobs.contains(&Job::Disown), "{jobs:?}");
        assert!(!state.snapshot(0, at(NOON)).schedule.is_owner);
        let told = |jobs: &[Job]| {
            jobs.iter()
                .filter(|job| {
                    matches!(
                        job,
                        Job::Tell(Notice {
                            what: What::StoreLost(_),
                            ..
                        })
                    )
                })
                .count()
        };
        assert_eq!((told(&jobs), told(&state.step(gone(), at(NOON)))), (1, 0));
        let back = state.step(Input::Loaded(Loaded::Runs(vec![])), at(NOON));
        assert!(
            matches!(
                &back[..],
                [Job::Tell(Notice {
                    what: What::StoreBack,
                    ..
                })]
            ),
            "{back:?}"
        );
    }
}
