//! The engine's decisions: what is true, and what to do about each input. Pure.

mod alerts;
mod around;
mod asked;
mod begin;
mod commands;
mod counted;
mod due;
mod events;
mod lanes;
mod leases;
mod left_over;
mod loaded;
mod message;
mod promises;
mod prune;
mod queue;
mod quotas;
mod search;
mod spare;
#[cfg(test)]
mod tests;
mod ticks;
mod view;

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use self::alerts::Watch;
use self::around::Whose;
pub use self::begin::TRIGGERS as START_TRIGGERS;
use self::counted::Counted;
use self::lanes::{Asker, Lanes};
use self::left_over::Spare;
pub use self::message::{
    Entry, Handover, Input, Job, List, Live, Load, Loaded, Pulse, Read, Start, StartRun, Wanted,
};
use self::queue::QueuedRun;
pub(super) use self::quotas::Quotas;
use self::search::Search;
use self::ticks::Ticks;
pub(super) use self::view::NEXT_TICKS;
use super::event::{Event, RunReport};
use super::notice::{Notice, What};
use super::schedule::Schedule;
use super::snapshot::{
    AnswerView, BarsPage, CoverageMap, ExportProgress, Preview, RangesView, RunProgress,
    SeriesState, SourceStatus, StoreStatus, SystemView,
};
use crate::db::{DbError, RunDetail};
use crate::model::calendar::Calendars;
use crate::model::quota::Quota;
use crate::model::run::asks_for_newest;
use crate::model::{
    Engines, ErrorClass, RunId, RunStatus, RunSummary, SeriesKey, SeriesReport,
    SeriesStatus as Ended, SourceId,
};

/// How often a process checks what others did; a check that finds nothing reads ten runs.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(10);
/// What is read again when anything may have changed.
const EVERYTHING: [Load; 5] = [
    Load::Series,
    Load::Runs,
    Load::Ledger,
    Load::Total,
    Load::Ticks,
];

/// Newest runs that are compared to notice the work of other processes.
pub const NEWEST: u32 = 10;

/// What is true.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent of each other"
)]
pub struct State {
    revision: u64,
    read_only: bool,
    /// Whether the list is this process's own, not the store's.
    own_list: bool,
    sources: Vec<SourceStatus>,
    store: StoreStatus,
    quotas: Quotas,
    calendars: Calendars,
    schedule: Schedule,
    paused: bool,
    /// How often this process changed the schedule: what was read before the last change does not
    /// count.
    settings_changed: u32,
    lanes: Lanes,
    looked: Option<DateTime<Utc>>,
    /// The runs of others among the newest, at the last check.
    seen: Option<Vec<RunSummary>>,
    /// The newest runs of this process.
    own_runs: VecDeque<RunId>,
    /// What the series of the current run that have ended add up to.
    counted: Counted,
    /// What time alone changes, as it was at the last check.
    at_last_look: (Vec<SeriesState>, Option<DateTime<Utc>>),
    /// When series that trade around the clock were last fetched by themselves.
    last_around: Option<DateTime<Utc>>,
    missed: u32,
    ticks: Ticks,
    spare: Spare,
    entries: Vec<Entry>,
    /// The number of the read that the watch list comes from.
    list_reading: u64,
    /// The mark of the store's list that was read, or is being read.
    list_mark: Option<String>,
    runs: Arc<[RunSummary]>,
    bars: Option<Arc<BarsPage>>,
    wanted: Wanted,
    opened: Option<Arc<RunDetail>>,
    answer: Option<Arc<AnswerView>>,
    system: Option<Arc<SystemView>>,
    engines: Option<Arc<Engines>>,
    coverage: Option<Arc<CoverageMap>>,
    ranges: Option<Arc<RangesView>>,
    preview: Option<Arc<Preview>>,
    alerts: Watch,
    /// When this process last deleted history.
    pruned_at: Option<DateTime<Utc>>,
    search: Search,
    run: Option<RunProgress>,
    export: Option<ExportProgress>,
    /// Whether lists of splits and dividends are being asked for.
    asks_events: bool,
    queue: VecDeque<QueuedRun>,
    /// Whether it was reported what a start leaves to the schedule.
    has_begun: bool,
    /// The trigger of a run that needs to know which series are due, once the watch list is read again.
    asked_for_due: Option<(&'static str, Whose, Asker)>,
    /// Whether a run has ended since the watch list was read: what it brought is not known yet.
    is_list_old: bool,
    /// A write is waiting for the store: working reads do not mean that it is back.
    writes_wait: bool,
    is_ending: bool,
}

impl State {
    /// Starts from what was remembered.
    #[must_use]
    pub fn new(start: Start) -> Self {
        Self {
            revision: 0,
            read_only: start.read_only,
            own_list: start.own_list,
            sources: start.sources,
            store: start.store,
            quotas: Quotas::new(start.quotas),
            calendars: start.calendars,
            schedule: start.schedule,
            paused: start.paused,
            settings_changed: 0,
            lanes: Lanes::default(),
            looked: None,
            seen: None,
            own_runs: VecDeque::new(),
            counted: Counted::default(),
            at_last_look: (vec![], None),
            last_around: None,
            missed: 0,
            ticks: Ticks::default(),
            spare: Spare::default(),
            entries: vec![],
            list_reading: 0,
            list_mark: None,
            runs: Arc::new([]),
            bars: None,
            wanted: Wanted::default(),
            opened: None,
            answer: None,
            system: None,
            engines: None,
            coverage: None,
            ranges: None,
            preview: None,
            alerts: Watch::default(),
            pruned_at: None,
            search: Search::default(),
            run: None,
            export: None,
            asks_events: false,
            queue: VecDeque::new(),
            has_begun: false,
            asked_for_due: None,
            is_list_old: false,
            writes_wait: false,
            is_ending: false,
        }
    }

    /// Takes one input and returns what is to be done.
    pub fn step(&mut self, input: Input, now: DateTime<Utc>) -> Vec<Job> {
        // These change nothing most of the time; when they do, they count it themselves.
        let is_quiet = matches!(
            input,
            Input::Tick
                | Input::Beat(_)
                | Input::BeatFailed(_)
                | Input::TrustOver
                | Input::Loaded(Loaded::Newest(_))
                | Input::Alerts(_)
        );
        self.revision += u64::from(!is_quiet);
        let mut jobs = self.take(input, now);
        self.keep_up(now);
        jobs.extend(self.next_run(now));
        let is_asking = self.search.is_asking() || self.asks_events;
        let is_idle = self.run.is_none() && self.export.is_none() && !is_asking;
        if self.is_ending && is_idle {
            jobs.push(Job::Finish);
        }
        debug_assert_eq!(self.broken_promise(), None);
        debug_assert!(jobs.iter().filter(|job| job.is_run()).count() <= 1);
        jobs
    }

    /// Notes how each series stands, where it has changed since this was last noted.
    fn keep_up(&mut self, now: DateTime<Utc>) {
        for entry in &mut self.entries {
            entry.keep_up(now);
        }
    }

    fn take(&mut self, input: Input, now: DateTime<Utc>) -> Vec<Job> {
        match input {
            Input::Tick => self.tick(now),
            Input::Command(command) => self.command(&command, now),
            Input::Run(event) => self.run_event(event, now),
            Input::RunEnded(ended) => self.run_ended(ended, now),
            Input::RunCrashed(text) => self.run_crashed(text, now),
            Input::Symbols(wish, ended) => self.symbols(&wish, ended, now),
            Input::SymbolsCrashed(wish, text) => self.symbols_crashed(&wish, text, now),
            Input::Events(ended) => self.events(ended, now),
            Input::EventsCrashed(text) => self.events_crashed(text, now),
            Input::Crashed(text) => self.crashed(text, now),
            Input::Loaded(loaded) => self.loaded(loaded, now),
            Input::Beat(pulse) => self.beat(*pulse, now),
            Input::BeatFailed(error) => self.beat_failed(&error, now),
            Input::TrustOver => self.lose_all(now),
            Input::Refused(command, why) => vec![tell(now, What::Refused(command, why))],
            Input::ListEdited => {
                vec![Job::Load(Load::Series)]
            }
            // The end may overtake a report.
            Input::Exporting(progress) => {
                self.export = self.export.map(|_| progress);
                vec![]
            }
            Input::Alerts(round) => self.looked_at_alerts(round, now),
            Input::AlertTested(tried) => vec![tell(now, What::AlertTested(tried))],
            Input::Exported(exported) => {
                self.export = None;
                vec![tell(now, What::Exported(exported))]
            }
            Input::ExportCrashed(text) => {
                self.export = None;
                vec![tell(now, What::Crashed(text))]
            }
            Input::Rekeyed { sources, quotas } => self.rekeyed(sources, quotas),
            Input::TicksUnnoted(ticks, error) => self.ticks_unnoted(ticks, &error, now),
            Input::StoreFailed(error) => self.store_failed(&error, now),
        }
    }

    fn tick(&mut self, now: DateTime<Utc>) -> Vec<Job> {
        let is_over = |since: Option<DateTime<Utc>>, wait| {
            since.is_none_or(|since| now - since >= wait || now < since)
        };
        let mut jobs = vec![];
        if is_over(self.looked, LOOK_AGAIN) {
            match self.looked.replace(now) {
                Some(_) => jobs.extend(self.look(now)),
                None if self.read_only => {}
                None => jobs.push(Job::Rescue),
            }
        }
        jobs.extend(self.act_on_schedule(now));
        let own = self.all_own();
        let is_next = |next: Option<DateTime<Utc>>| next.is_some_and(|next| next <= now);
        if !self.paused
            && self.run.is_none()
            && self.store.lost.is_none()
            && is_next(self.next_around(&own, now))
        {
            self.last_around = Some(now);
            jobs.push(self.ask_for_due("schedule", Whose::AroundTheClock, own));
        }
        jobs.extend(self.alerts_in_time(now));
        jobs
    }

    /// Notices what nobody reports: the work of other processes, and what time alone changes.
    fn look(&mut self, now: DateTime<Utc>) -> Vec<Job> {
        let settings = Job::Recall(self.settings_changed);
        let mut jobs = vec![Job::Load(Load::Newest), settings];
        if self.quotas.is_outdated(now) {
            jobs.push(Job::Load(Load::Ledger));
        }
        let own = self.run.as_ref().and_then(|run| run.id);
        let is_of_another =
            |run: &RunSummary| run.status == RunStatus::Running && Some(run.id) != own;
        if !self.read_only && self.runs.iter().any(is_of_another) {
            jobs.push(Job::Rescue);
        }
        let states = self.states(now).into_iter().map(|(_, state)| state);
        let states = states.collect();
        let moved = (states, self.next_at(now));
        if moved != self.at_last_look {
            self.at_last_look = moved;
            self.revision += 1;
        }
        jobs
    }

    /// The next instant at which something may be sent by itself.
    fn next_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let around = self.next_around(&Asker::Person, now);
        let both = [self.next_scheduled(now), around];
        both.into_iter().flatten().min()
    }

    /// The next instant of the schedule at which something may be sent.
    fn next_scheduled(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let renewed = self.quotas.all_spent_until(now);
        let from = self.lanes.newest_tick().unwrap_or(now).max(now);
        // An instant at the renewal itself counts.
        let from = renewed.map_or(from, |at| from.max(at - TimeDelta::milliseconds(1)));
        // While nothing is due, on a holiday too, a run would send nothing.
        let due = self.due_from(Whose::Scheduled, from);
        let from = due.map_or(from, |at| from.max(at - TimeDelta::milliseconds(1)));
        self.schedule.next_after(&self.calendars, from)
    }

    /// Another process may have fetched since the watch list was read: what is due is decided again.
    fn ask_for_due(&mut self, trigger: &'static str, whose: Whose, asker: Asker) -> Job {
        self.asked_for_due = Some(match self.asked_for_due.take() {
            None => (trigger, whose, asker),
            Some((before, other, first)) => {
                let whose = if other == whose { whose } else { Whose::All };
                (before, whose, first.and(asker))
            }
        });
        Job::Load(Load::Series)
    }

    /// A refusal of another key says nothing about this one.
    fn rekeyed(&mut self, sources: Vec<SourceStatus>, quotas: Vec<(SourceId, Quota)>) -> Vec<Job> {
        (self.sources, self.quotas) = (sources, Quotas::new(quotas));
        if self.list_reading > 0 {
            self.list_lanes();
        }
        for entry in &mut self.entries {
            entry.parked = None;
            let by_the_symbol = entry.live.rests_from.is_some();
            if entry.live.state == Some(SeriesState::Blocked) && !by_the_symbol {
                (entry.live.state, entry.live.problem) = (None, None);
            }
        }
        // What the other key's plan includes is no longer shown.
        self.system = None;
        let system = self.wanted.system.then_some(Load::System);
        let loads = [Load::Series, Load::Ledger].into_iter().chain(system);
        loads.map(Job::Load).collect()
    }

    fn entry(&mut self, series: &SeriesKey) -> Option<&mut Entry> {
        self.entries
            .iter_mut()
            .find(|entry| entry.key == *series || entry.subject.series == *series)
    }

    fn run_event(&mut self, event: Event, now: DateTime<Utc>) -> Vec<Job> {
        let mut read_again = vec![];
        match &event {
            Event::Started { run, series } => {
                self.own_runs.push_front(*run);
                self.own_runs.truncate(NEWEST as usize);
                if let Some(progress) = &mut self.run {
                    (progress.id, progress.total) = (Some(*run), *series);
                }
                read_again = vec![Job::Load(Load::Runs)];
                read_again.extend(self.ticks_began(*run));
            }
            // A task of a run that was cut short may report once more.
            Event::Sending { .. } | Event::Retrying { .. } if self.run.is_none() => {}
            Event::Sending { series, .. } => {
                for series in series {
                    if let Some(entry) = self.entry(series) {
                        entry.live.state = Some(SeriesState::Fetching);
                        entry.live.retry_at = None;
                        entry.live.requests += 1;
                    }
                }
            }
            Event::Retrying {
                series,
                wait,
                class,
                ..
            } => {
                let retry_at = now + TimeDelta::from_std(*wait).unwrap_or_default();
                for series in series {
                    let Some(entry) = self.entry(series) else {
                        continue;
                    };
                    entry.live.state = Some(SeriesState::Fetching);
                    entry.live.problem = Some((*class, class.to_string()));
                    entry.live.retry_at = Some(retry_at);
                }
            }
            Event::Done(report) => {
                if let Some(progress) = &mut self.run {
                    progress.done += 1;
                }
                read_again = self.series_ended(report, now);
            }
            Event::NotAsked { series, .. } => {
                if let Some(progress) = &mut self.run {
                    progress.done += series.len();
                }
                for report in series {
                    self.live_ended(report, now);
                }
            }
            Event::Interrupted(_) => read_again = vec![Job::Load(Load::Runs)],
            Event::Recovered(_) => read_again = EVERYTHING.map(Job::Load).into(),
            Event::StoreAway(error) => {
                self.writes_wait = true;
                return self.store_failed(error, now);
            }
            Event::StoreBack => {
                self.writes_wait = false;
                return self.store_answers(now);
            }
            Event::Spooled(_) => self.store.spooled += 1,
        }
        let mut jobs = vec![tell(now, What::Run(event))];
        jobs.extend(read_again);
        jobs
    }

    /// Reads again what a series changed: itself and the ledger, however long the watch list is.
    fn series_ended(&mut self, report: &SeriesReport, now: DateTime<Utc>) -> Vec<Job> {
        let mut jobs = vec![Job::Load(Load::Ledger)];
        self.live_ended(report, now);
        if let Some(entry) = self.entry(&report.series) {
            jobs.push(Job::Load(Load::One(entry.key.clone())));
        }
        jobs
    }

    /// Records how a series ended.
    fn live_ended(&mut self, report: &SeriesReport, now: DateTime<Utc>) {
        self.count_in(report);
        // A used-up day says nothing about the series: it waits like the others.
        let problem = report
            .error
            .as_ref()
            .filter(|error| error.class != ErrorClass::Day)
            .map(|error| (error.class, error.message.clone()));
        let class = problem.as_ref().map(|(class, _)| *class);
        let asks_for_newest = self
            .run
            .as_ref()
            .is_some_and(|run| asks_for_newest(run.trigger));
        let Some(entry) = self.entry(&report.series) else {
            return;
        };
        if report.status == Ended::Succeeded {
            entry.live.fetched_at = Some(now);
            // Until it is read again.
            entry.facts.failure = None;
            if asks_for_newest {
                entry.live.newest_at = Some(now);
            }
        }
        entry.live.retry_at = None;
        entry.live.state = match (report.status, class) {
            (Ended::Refused, Some(_)) => Some(SeriesState::Blocked),
            // It is fetched by whoever has its lane.
            (_, Some(ErrorClass::Superseded)) => None,
            (Ended::Failed, Some(class)) if asks_for_newest => Some(entry.failed(class, now)),
            (Ended::Failed | Ended::Interrupted, _) => Some(SeriesState::Failed),
            _ => None,
        };
        let is_lasting =
            asks_for_newest && class.is_some_and(|class| entry.rests_after(class, now));
        entry.live.rests_from = is_lasting.then_some(now);
        entry.live.problem = problem;
    }

    /// Adds a series that has ended to the current run, and its bars to the store's: both are read
    /// again when the run is over.
    fn count_in(&mut self, report: &SeriesReport) {
        self.store.bars += u64::from(report.counts.inserted);
        self.counted.add(report);
        let run = self.run.as_ref().and_then(|run| run.id);
        let Some(at) = self.runs.iter().position(|summary| Some(summary.id) == run) else {
            return;
        };
        if let Some(summary) = Arc::make_mut(&mut self.runs).get_mut(at) {
            self.counted.show_in(summary);
        }
    }

    fn run_crashed(&mut self, text: String, now: DateTime<Utc>) -> Vec<Job> {
        self.spare.close();
        // Whoever sweeps first marks it, which is noticed like the work of others.
        let crashed = self.run.as_ref().and_then(|run| run.id);
        self.own_runs.retain(|run| Some(*run) != crashed);
        let mut jobs = vec![tell(now, What::Crashed(text)), Job::Rescue];
        self.ticks_did_not_begin();
        jobs.extend(self.run_is_over());
        jobs
    }

    /// Makes room for the next run, and reads again what a run may have changed.
    fn run_is_over(&mut self) -> Vec<Job> {
        self.run = None;
        self.is_list_old = true;
        self.want_alerts();
        self.writes_wait = false;
        for entry in &mut self.entries {
            if entry.live.is_in_run() {
                entry.live.state = None;
            }
        }
        EVERYTHING.map(Job::Load).into()
    }

    fn run_ended(&mut self, ended: Result<RunReport, DbError>, now: DateTime<Utc>) -> Vec<Job> {
        let mut jobs = match ended {
            // That it began, or how a series of it ended, may not have been heard.
            Ok(report) => {
                for one in &report.series {
                    let entry = self.entry(&one.series);
                    if entry.is_some_and(|entry| entry.live.is_in_run()) {
                        self.live_ended(one, now);
                    }
                }
                let trigger = self.run.as_ref().map(|run| run.trigger);
                self.spare.run_ended(trigger, report.status);
                let begun = self.ticks_began(report.run);
                let told = tell(now, What::RunEnded(report));
                begun.into_iter().chain([told]).collect()
            }
            Err(error) => {
                self.ticks_did_not_begin();
                self.spare.close();
                let mut jobs = self.store_failed(&error, now);
                jobs.push(tell(now, What::RunFailed(error.to_string())));
                jobs
            }
        };
        jobs.extend(self.run_is_over());
        jobs.extend(self.prune_in_time(now));
        jobs
    }

    /// Reading the list of symbols may have panicked, so it is no longer awaited. A request in
    /// flight reports its own end.
    fn crashed(&mut self, text: String, now: DateTime<Utc>) -> Vec<Job> {
        self.alerts_crashed();
        self.search
            .store_failed("internal error; please report this");
        vec![tell(now, What::Crashed(text))]
    }

    fn store_failed(&mut self, error: &DbError, now: DateTime<Utc>) -> Vec<Job> {
        let text = error.to_string();
        let was_reading = self.search.store_failed(&text);
        let before = self.store.lost.take();
        let since = before.as_ref().map_or(now, |(since, _)| *since);
        let lost = Some((since, text.clone()));
        self.revision += u64::from(was_reading || before != lost);
        self.store.lost = lost;
        let is_new = before.is_none();
        is_new
            .then(|| tell(now, What::StoreLost(text)))
            .into_iter()
            .collect()
    }
}

fn tell(at: DateTime<Utc>, what: What) -> Job {
    Job::Tell(Notice { at, what })
}
