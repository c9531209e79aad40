//! What the engine receives, and what it has done.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::alerts::Round;
use super::super::command::{BarsWindow, Command, PriceQuestion};
use super::super::event::{Event, RunReport};
use super::super::events::EventList;
use super::super::notice::{Exported, Notice};
use super::super::schedule::Schedule;
use super::super::settings::Remembered;
use super::super::snapshot::{
    AnswerView, BarsPage, CoverageMap, ExportProgress, Preview, RangesView, SeriesState,
    SourceStatus, StoreStatus, SystemView,
};
use super::super::source::SymbolWish;
use super::super::symbols::{Symbols, WhyNoSymbols};
use crate::config::EnteredKey;
use crate::db::{DbError, LastFailure, LeasedLane, RunDetail, SeriesFacts};
use crate::model::alert::Facts;
use crate::model::bar_file::BarFile;
use crate::model::calendar::Calendars;
use crate::model::quota::{Ledger, Quota};
use crate::model::tick::{NotedTick, Tick};
use crate::model::{
    Declared, Engines, ErrorClass, Evidence, Fill, Grid, Instrument, LaneName, Lease, Offer,
    Outlook, RequestId, RunId, RunSummary, SeriesKey, SourceId, Span, Standing, Truth, WatchEdit,
};
use crate::pipeline::subject::Subject;
use crate::time::is_far_ahead;

/// How long the schedule skips a series that the provider does not know: a day, because in an
/// outage it has called valid symbols unknown.
const REST: TimeDelta = TimeDelta::days(1);
/// How long after it was fetched a series is known: one answer that says otherwise is a fault of the
/// provider, and it is asked for again.
const KNOWN: TimeDelta = TimeDelta::days(7);

/// What the engine receives.
#[derive(Debug)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// A command was given.
    Command(Command),
    /// Something happened in the current run.
    Run(Event),
    /// The current run has ended.
    RunEnded(Result<RunReport, DbError>),
    /// A symbol request was answered or refused, or the store failed.
    Symbols(SymbolWish, Result<Result<Symbols, WhyNoSymbols>, DbError>),
    /// Something was read from the store.
    Loaded(Loaded),
    /// A beat has ended: which lanes this engine has.
    Beat(Box<Pulse>),
    /// A beat did not reach the store.
    BeatFailed(DbError),
    /// The lanes were not renewed in time: they may be another engine's.
    TrustOver,
    /// The current run panicked with this message.
    RunCrashed(String),
    /// A symbol request panicked with this message.
    SymbolsCrashed(SymbolWish, String),
    /// Lists of splits and dividends were asked for, or the store failed.
    Events(Result<Vec<EventList>, DbError>),
    /// Asking for them panicked with this message.
    EventsCrashed(String),
    /// Other work panicked with this message.
    Crashed(String),
    /// A command was not carried out, and why.
    Refused(Command, String),
    /// This process changed the watch list.
    ListEdited,
    /// Everything was looked at for what a person should know.
    Alerts(Result<Round, DbError>),
    /// A test was sent to every channel: whether each took it, and how it went.
    AlertTested(Vec<(bool, String)>),
    /// The current export has written more.
    Exporting(ExportProgress),
    /// The current export has ended.
    Exported(Exported),
    /// The current export panicked with this message.
    ExportCrashed(String),
    /// Another key is in use from the next run on.
    Rekeyed {
        /// How each source stands, before anything is known of its requests.
        sources: Vec<SourceStatus>,
        /// What each source may be sent.
        quotas: Vec<(SourceId, Quota)>,
    },
    /// What became of instants of the schedule could not be noted.
    TicksUnnoted(Vec<Tick>, DbError),
    /// The store failed outside a run.
    StoreFailed(DbError),
}

/// What a beat found.
#[derive(Debug)]
pub struct Pulse {
    /// The leases that this engine has now.
    pub leases: Vec<Lease>,
    /// Those of them that are new.
    pub won: Option<Handover>,
    /// The engines that share the store, where that was looked at.
    pub engines: Option<Engines>,
}

/// What an engine that takes over lanes must know: others may have fetched.
#[derive(Debug)]
pub struct Handover {
    /// The lanes.
    pub lanes: Vec<LeasedLane>,
    /// What the store held then.
    pub read: Read,
    /// Requests that starts have sent since the last instant of the schedule.
    pub sent_by_starts: BTreeMap<SourceId, u32>,
}

/// What is read when lanes are taken over.
#[derive(Debug)]
pub struct Read {
    /// Instants that an engine has seen, and whose run did not begin.
    pub due_ticks: Vec<(DateTime<Utc>, SourceId)>,
    /// Sources whose last run of the schedule did not end.
    pub cut_short: Vec<SourceId>,
    /// The watch list.
    pub list: List,
    /// The requests to each source.
    pub ledgers: Vec<(SourceId, Ledger)>,
}

/// The watch list with what is known about each series.
#[derive(Debug)]
pub struct List {
    /// Numbers the reads in the order in which they began: a later one saw all that an earlier one saw.
    pub reading: u64,
    /// The mark that the store's list had when the read began; `None`: nobody changed it yet.
    pub mark: Option<String>,
    /// The series, in their order.
    pub entries: Vec<Entry>,
}

/// What was read from the store.
#[derive(Debug)]
pub enum Loaded {
    /// The watch list with what is known about each series.
    Series(List),
    /// One series of the watch list.
    One(Box<Entry>),
    /// A few of the newest runs, to be compared.
    Newest(Vec<RunSummary>),
    /// The newest runs.
    Runs(Vec<RunSummary>),
    /// What the store remembers, and how often this process had changed it when the read began.
    Settings(u32, Remembered),
    /// The requests to each source.
    Ledgers(Vec<(SourceId, Ledger)>),
    /// A window of bars.
    Bars(BarsPage),
    /// A run in detail.
    Run(Option<RunDetail>),
    /// An answer.
    Answer(AnswerView),
    /// What the system view shows.
    System(SystemView),
    /// What there is of the watch list.
    Coverage(CoverageMap),
    /// The ranges of a series.
    Ranges(RangesView),
    /// What it costs to bring what is missing.
    Preview(Preview),
    /// The number of bars in the whole store.
    Total(u64),
    /// The newest instants of the schedule.
    Ticks(Vec<NotedTick>),
    /// The list of symbols, and when the provider sent it.
    Listings(Option<DateTime<Utc>>, Vec<Offer>),
}

/// A series of the watch list.
#[derive(Debug, Clone)]
pub struct Entry {
    /// As it is in the list.
    pub key: SeriesKey,
    /// The series under which its bars are stored, and what they have in common.
    pub subject: Arc<Subject>,
    /// What the store knows about it.
    pub facts: SeriesFacts,
    /// How it stands, as long as that holds.
    pub outlook: Option<Outlook>,
    /// Which of its bars can exist.
    pub grid: Grid,
    /// From when on they are wanted.
    pub since: Option<DateTime<Utc>>,
    /// Since when they can be asked for.
    pub reach: Option<DateTime<Utc>>,
    /// Requests that closed its holes when it was read.
    pub closing_price: u32,
    /// Requests that a fetch of it would have sent then.
    pub fetch_price: u32,
    /// The finer series on the list whose answers bring its bars too, rolled up.
    pub rides: Option<SeriesKey>,
    /// What a person declared of it.
    pub declared: Declared,
    /// Until when every bar that it lacks can be asked for; `None`: always.
    pub safe_until: Option<DateTime<Utc>>,
    /// Why it cannot be fetched, if known without a request.
    pub parked: Option<(ErrorClass, String)>,
    /// The number of the read that this comes from, counted with those of the list.
    pub reading: u64,
    /// Its state in the current run or the last one.
    pub live: Live,
}

impl Entry {
    /// The same series after a new read: its state in a run stays, unless its bars are different
    /// ones now, as after a change from the key `demo` to a personal key.
    pub(super) fn read_anew(self, read: Self) -> Self {
        if self.subject.series != read.subject.series {
            return read;
        }
        let mut live = self.live;
        // What another process fetched since ends what this one knew of its own last attempt.
        if self.facts.fetched_at < read.facts.fetched_at && !live.is_in_run() {
            live.forget_the_end();
        }
        Self { live, ..read }
    }
}

/// What the views last requested from the store, besides the watch list.
#[derive(Debug, Default)]
pub struct Wanted {
    /// A window of bars.
    pub(super) bars: Option<BarsWindow>,
    /// A run.
    pub(super) run: Option<RunId>,
    /// An answer.
    pub(super) answer: Option<RequestId>,
    /// What the system view shows.
    pub(super) system: bool,
    /// What there is of the watch list.
    pub(super) coverage: bool,
    /// The ranges of a series in a time.
    pub(super) ranges: Option<(SeriesKey, Span)>,
    /// A price.
    pub(super) price: Option<PriceQuestion>,
}

impl Wanted {
    /// What to read to show all of it.
    pub(super) fn loads(&self) -> impl Iterator<Item = Load> + use<> {
        let bars = self.bars.clone().map(Load::Bars);
        let run = self.run.map(Load::Run);
        let answer = self.answer.map(Load::Answer);
        let system = self.system.then_some(Load::System);
        let coverage = self.coverage.then_some(Load::Coverage);
        let ranges = self.ranges.clone();
        let ranges = ranges.map(|(series, within)| Load::Ranges(series, within));
        let price = self.price.clone().map(Load::Preview);
        [bars, run, answer, system, coverage, ranges, price]
            .into_iter()
            .flatten()
    }
}

/// The state of a series in a run.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Overrides what follows from the facts during a run.
    pub(super) state: Option<SeriesState>,
    pub(super) problem: Option<(ErrorClass, String)>,
    pub(super) retry_at: Option<DateTime<Utc>>,
    pub(super) requests: u32,
    /// When this process last fetched it, by the engine's clock.
    pub(super) fetched_at: Option<DateTime<Utc>>,
    /// When this process last asked for its newest bars with success, by the engine's clock.
    pub(super) newest_at: Option<DateTime<Utc>>,
    /// When the last answer was that such bars do not exist, or something as lasting.
    pub(super) rests_from: Option<DateTime<Utc>>,
}

impl Live {
    /// Forgets how the last attempt ended.
    pub(super) fn forget_the_end(&mut self) {
        (self.state, self.problem, self.rests_from) = (None, None, None);
    }

    /// Whether a run is to ask for it, or does.
    pub(super) const fn is_in_run(&self) -> bool {
        matches!(
            self.state,
            Some(SeriesState::Waiting | SeriesState::Fetching)
        )
    }
}

impl Entry {
    /// When it was last fetched with success: the later of what this process did and what the store
    /// knows, since the store's clock may differ.
    pub(super) fn fetched_at(&self) -> Option<DateTime<Utc>> {
        self.live.fetched_at.max(self.facts.fetched_at)
    }

    /// Whether a run at this instant could ask for it, if it were due.
    pub(super) fn can_be_asked(&self, at: DateTime<Utc>) -> bool {
        self.parked.is_none() && !self.rests(at)
    }

    /// Whether a request at this instant would get the same answer as the last one.
    pub(super) fn rests(&self, at: DateTime<Utc>) -> bool {
        self.rests_until(at).is_some()
    }

    /// Until when a request would get the same answer as the last one.
    pub(super) fn rests_until(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let lasting = self
            .failure()
            .filter(|failure| self.rests_after(failure.error.class, failure.at));
        let from = self.live.rests_from.max(lasting.map(|failure| failure.at));
        let until = from.map(|from| from + REST);
        until.filter(|until| at < *until)
    }

    /// Whether its next request would fail as this one did: its bars were not to be had before, either.
    pub(super) fn rests_after(&self, class: ErrorClass, at: DateTime<Utc>) -> bool {
        let is_lasting = matches!(
            class,
            ErrorClass::BadRequest | ErrorClass::ClientBug | ErrorClass::Malformed
        );
        is_lasting
            && self
                .fetched_at()
                .is_none_or(|fetched| at - fetched >= KNOWN)
    }

    /// What the failure of an attempt makes of it.
    pub(super) fn failed(&self, class: ErrorClass, at: DateTime<Utc>) -> SeriesState {
        if class == ErrorClass::BadRequest && self.rests_after(class, at) {
            SeriesState::Blocked
        } else {
            SeriesState::Failed
        }
    }

    /// How it last failed, if that says something about it and it was not fetched since.
    fn failure(&self) -> Option<&LastFailure> {
        let failure = self.facts.failure.as_ref();
        let of_others = [ErrorClass::Day, ErrorClass::Superseded];
        failure.filter(|failure| !of_others.contains(&failure.error.class))
    }

    /// Why it is blocked or failed.
    pub(super) fn problem(&self) -> Option<(ErrorClass, String)> {
        let known = self.live.problem.clone().or_else(|| self.parked.clone());
        let failed = || {
            let error = &self.failure().filter(|_| !self.live.is_in_run())?.error;
            Some((error.class, error.message.clone()))
        };
        known.or_else(failed)
    }

    /// Requests that its last attempt has cost.
    pub(super) fn requests(&self) -> u32 {
        let failed = self.failure().filter(|_| self.live.requests == 0);
        failed.map_or(self.live.requests, |failure| failure.requests)
    }

    /// Up to when its bars are known; `None`: it was never asked for.
    pub(super) fn known_to(&self) -> Option<DateTime<Utc>> {
        let bounds = self.facts.coverage.bounds();
        bounds.map(|bounds| bounds.to).max(self.fetched_at())
    }

    /// Whether asking at this instant may bring its newest bar.
    pub(super) fn is_due(&self, at: DateTime<Utc>) -> bool {
        self.due_from(at) == Some(at)
    }

    /// How it stands at an instant.
    pub(super) fn outlook(&self, now: DateTime<Utc>) -> Cow<'_, Outlook> {
        let known = self.outlook.as_ref();
        let known = known.filter(|outlook| outlook.holds.contains(now));
        known.map_or_else(|| Cow::Owned(self.evidence().outlook(now)), Cow::Borrowed)
    }

    /// Notes how it stands, if what is noted holds no longer.
    pub(super) fn keep_up(&mut self, now: DateTime<Utc>) {
        if let Cow::Owned(outlook) = self.outlook(now) {
            self.outlook = Some(outlook);
        }
    }

    /// The first instant from `at` on at which asking may bring its newest bar.
    pub(super) fn due_from(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.asked_by_a_wrong_clock(at) {
            return self.grid.next_due(at).map(|slot| slot.due);
        }
        match &self.outlook {
            Some(outlook) if outlook.holds.from <= at => outlook.due_from(at),
            _ => self.evidence().due_from(at),
        }
    }

    /// Whether its newest bars were asked for since a bar was due by the engine's clock, while the
    /// provider's showed another day: such a bar would be asked for again and again.
    fn asked_by_a_wrong_clock(&self, at: DateTime<Utc>) -> bool {
        let asked = self.live.newest_at.zip(self.facts.coverage.asked_at());
        let due = || self.grid.newest_due(at).map(|slot| slot.due);
        asked.is_some_and(|(here, there)| {
            let is_wrong = (here - there).abs() > TimeDelta::days(1);
            is_wrong && !is_far_ahead(here, at) && due().is_none_or(|due| here >= due)
        })
    }

    /// What its state follows from.
    fn evidence(&self) -> Evidence<'_> {
        Evidence {
            grid: &self.grid,
            coverage: &self.facts.coverage,
            recent: &self.facts.recent,
            since: self.since,
        }
    }

    /// Its state, given how it stands; `spent`: nothing may be sent before the quota renews.
    pub(super) fn state(&self, truth: &Truth, spent: bool) -> SeriesState {
        let ended = || match self.live.state {
            None => self
                .failure()
                .map(|failure| self.failed(failure.error.class, failure.at)),
            state => state,
        };
        let parked = self.parked.as_ref().map(|_| SeriesState::Blocked);
        let stands = match truth.standing {
            Standing::Holes => SeriesState::Holes,
            Standing::Due if spent => SeriesState::Waiting,
            Standing::Due => SeriesState::Due,
            Standing::Behind => SeriesState::Behind,
            Standing::Closed => SeriesState::Closed,
            Standing::Fresh => SeriesState::Fresh,
        };
        let in_run = self.live.state.filter(|_| self.live.is_in_run());
        // Where nothing is missing, nothing has to be tried again.
        let is_well = matches!(stands, SeriesState::Fresh | SeriesState::Closed);
        let counts = |state: &SeriesState| *state != SeriesState::Failed || !is_well;
        in_run
            .or(parked)
            .or_else(|| ended().filter(counts))
            .unwrap_or(stands)
    }
}

/// A run that is to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartRun {
    /// What started it.
    pub trigger: &'static str,
    /// Its series.
    pub series: Vec<SeriesKey>,
    /// The leases of their lanes, if the schedule asks.
    pub leases: Vec<Lease>,
    /// The most requests that it may send to each of these sources; to others as many as their plans
    /// allow.
    pub most: BTreeMap<SourceId, u32>,
    /// The time of which it brings only what is missing.
    pub within: Option<Fill>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// Start a run.
    Run(StartRun),
    /// Stop the current run.
    CancelRun,
    /// Send a symbol request to the provider.
    Ask(SymbolWish),
    /// Stop the symbol request.
    CancelAsk,
    /// Ask for the lists of splits and dividends of these symbols.
    AskEvents(Vec<Instrument>),
    /// Stop asking for them.
    CancelEvents,
    /// Read something.
    Load(Load),
    /// Remember something.
    Save(&'static str, String),
    /// Remember up to when the schedule was acted on in the lane of a source.
    ActedOn(SourceId, DateTime<Utc>),
    /// Say for every lane that another schedule is followed from now on.
    FollowFrom(DateTime<Utc>),
    /// Stop what the current run does in these lanes.
    CancelLanes(Vec<LaneName>),
    /// Note what became of instants of the schedule.
    NoteTicks(Vec<Tick>),
    /// Read the settings, which another process may change; the number is how often this one had
    /// changed them.
    Recall(u32),
    /// Change the watch list, then read it again.
    EditList(WatchEdit),
    /// Use another key from the next run on.
    Rekey(EnteredKey),
    /// Write series to files.
    Export(Vec<BarFile>),
    /// Stop the current export.
    CancelExport,
    /// Look for what a person should know, tell it, and send what waits; this is known already.
    Watch(Box<Facts>),
    /// Only read what was told; this is the schedule of a store that has none.
    LookAtAlerts(Schedule),
    /// Send a test to every channel.
    TestAlert,
    /// Mark runs whose process or task died, and store the answers they had paid for.
    Rescue,
    /// Delete history that is no longer kept.
    Prune,
    /// Send a notice.
    Tell(Notice),
    /// Shut down cleanly, once nothing is running.
    Finish,
}

impl Job {
    /// Whether it starts a run.
    pub(super) const fn is_run(&self) -> bool {
        matches!(self, Self::Run(_))
    }
}

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Load {
    /// The watch list.
    Series,
    /// One series of the watch list.
    One(SeriesKey),
    /// A few of the newest runs, to see whether other processes did anything.
    Newest,
    /// The newest runs.
    Runs,
    /// Today's requests.
    Ledger,
    /// Bars.
    Bars(BarsWindow),
    /// A run.
    Run(RunId),
    /// An answer.
    Answer(RequestId),
    /// What the system view shows.
    System,
    /// What there is of the watch list.
    Coverage,
    /// The ranges of a series in a time.
    Ranges(SeriesKey, Span),
    /// What it costs to bring what is missing.
    Preview(PriceQuestion),
    /// The number of bars in the whole store.
    Total,
    /// The newest instants of the schedule.
    Ticks,
    /// The list of symbols.
    Listings,
}

/// What the engine starts with.
#[derive(Debug)]
pub struct Start {
    /// How each source stands, before anything is known of its requests.
    pub sources: Vec<SourceStatus>,
    /// The database.
    pub store: StoreStatus,
    /// What each source may be sent.
    pub quotas: Vec<(SourceId, Quota)>,
    /// The schedule, as stored or by default.
    pub schedule: Schedule,
    /// When the exchanges trade whose sessions a schedule follows.
    pub calendars: Calendars,
    /// Whether this process neither spends requests nor writes.
    pub read_only: bool,
    /// Whether the watch list is this process's own, not the store's.
    pub own_list: bool,
    /// Whether it was paused.
    pub paused: bool,
}
