//! What reaches the engine, and what it lets be done.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::command::{BarsWindow, Command};
use super::super::freshness;
use super::super::notice::Notice;
use super::super::run::{Event, RunReport};
use super::super::schedule::Schedule;
use super::super::settings::Remembered;
use super::super::snapshot::{
    AnswerView, BarsPage, ProviderStatus, SeriesState, StoreStatus, SystemView,
};
use super::super::source::SymbolWish;
use super::super::symbols::{Problem, Symbols};
use crate::config::Secret;
use crate::db::{DbError, RunDetail, SeriesFacts};
use crate::model::quota::Ledger;
use crate::model::{ErrorClass, Listing, RequestId, RunId, RunSummary, SeriesKey, WatchEdit};

/// How long the schedule leaves a series alone that the provider does not know: a day, for in an
/// outage it has called good symbols unknown.
const REST: TimeDelta = TimeDelta::days(1);

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
    /// A question about symbols is answered, refused, or the store failed.
    Symbols(SymbolWish, Result<Result<Symbols, Problem>, DbError>),
    /// Something was read from the store.
    Loaded(Loaded),
    /// The attempt to own the schedule has ended: with what the store then held, or not.
    Owner(Option<Handover>),
    /// The schedule's lock broke: another process may take it.
    LockLost,
    /// The run at work ended by a panic, whose words these are.
    RunCrashed(String),
    /// A question about symbols ended by a panic, whose words these are.
    SymbolsCrashed(SymbolWish, String),
    /// Other work ended by a panic.
    Crashed(String),
    /// Work that a command asked for was not done, and why.
    Refused(Command, String),
    /// This process changed the watch list.
    ListEdited,
    /// A series was written to a file.
    Exported(PathBuf, u64),
    /// Another key is in use from the next run on.
    Rekeyed {
        /// Whose data it is now.
        provider: ProviderStatus,
        /// The day's limit of the plan.
        per_day: Option<u32>,
    },
    /// The store failed outside a run.
    StoreFailed(DbError),
}

/// What a process that takes the schedule over must know: others may have fetched meanwhile.
#[derive(Debug)]
pub struct Handover {
    /// The instant of the schedule that was acted on last.
    pub last_tick: Option<DateTime<Utc>>,
    /// The watch list.
    pub list: List,
    /// Today's requests.
    pub ledger: Ledger,
    /// Requests that starts have sent since the last instant of the schedule.
    pub sent_by_starts: u32,
}

/// The watch list with what is known of each series.
#[derive(Debug)]
pub struct List {
    /// Numbers the readings in the order in which they began: a later one saw all that an earlier one saw.
    pub reading: u64,
    /// The mark that the store's list had when the reading began; `None`: nobody changed it yet.
    pub mark: Option<String>,
    /// The series, in their order.
    pub entries: Vec<Entry>,
}

/// What was read from the store.
#[derive(Debug)]
pub enum Loaded {
    /// The watch list with what is known of each series.
    Series(List),
    /// One series of the watch list.
    One(Entry),
    /// A few of the newest runs, to be compared.
    Newest(Vec<RunSummary>),
    /// The newest runs.
    Runs(Vec<RunSummary>),
    /// What the store remembers, and how often this process had changed that when it asked.
    Settings(u32, Remembered),
    /// Today's requests.
    Ledger(Ledger),
    /// A window of bars.
    Bars(BarsPage),
    /// A run in detail.
    Run(Option<RunDetail>),
    /// An answer.
    Answer(AnswerView),
    /// What the system view shows.
    System(SystemView),
    /// The number of bars in the whole store.
    Total(u64),
    /// The list of symbols, and when the provider sent it.
    Listings(Option<DateTime<Utc>>, Vec<Listing>),
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
    /// The reading that this is of, counted as those of the list are.
    pub reading: u64,
    /// How it stands in the run at work or stood in the last one.
    pub live: Live,
}

impl Entry {
    /// The same series as it was read now: how it stands in a run stays, unless its bars are others
    /// now, as after a change from the key `demo` to one's own.
    pub(super) fn read_anew(self, read: Self) -> Self {
        if self.stored == read.stored {
            Self {
                live: self.live,
                ..read
            }
        } else {
            read
        }
    }
}

/// What the views show of the store beside the watch list, as it was asked for last.
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
}

impl Wanted {
    /// What is to be read to show all of it.
    pub(super) fn loads(&self) -> impl Iterator<Item = Load> + use<> {
        let bars = self.bars.clone().map(Load::Bars);
        let run = self.run.map(Load::Run);
        let answer = self.answer.map(Load::Answer);
        let system = self.system.then_some(Load::System);
        [bars, run, answer, system].into_iter().flatten()
    }
}

/// How a series stands in a run.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Overrides what follows from the facts while a run is at work.
    pub(super) state: Option<SeriesState>,
    pub(super) problem: Option<(ErrorClass, String)>,
    pub(super) retry_at: Option<DateTime<Utc>>,
    pub(super) requests: u32,
    /// When this process fetched it last, by the engine's clock.
    pub(super) fetched_at: Option<DateTime<Utc>>,
    /// When it was last answered that such bars do not exist, or something as lasting.
    pub(super) rests_from: Option<DateTime<Utc>>,
}

impl Entry {
    /// When it was last fetched with success: the later of what this process did and of what the
    /// store knows, whose clock may be another.
    pub(super) fn fetched_at(&self) -> Option<DateTime<Utc>> {
        self.live.fetched_at.max(self.facts.fetched_at)
    }

    /// Whether asking at this instant would be answered as the last time, at the price of a request.
    pub(super) fn rests(&self, at: DateTime<Utc>) -> bool {
        let from = self.live.rests_from;
        from.is_some_and(|from| at - from < REST)
    }

    /// How it stands; `spent`: nothing may be sent before the quota renews.
    pub(super) fn state(&self, spent: bool, now: DateTime<Utc>) -> SeriesState {
        self.live
            .state
            .or_else(|| self.parked.as_ref().map(|_| SeriesState::Blocked))
            .unwrap_or_else(
                || match freshness::state(self.key.interval, self.fetched_at(), now) {
                    SeriesState::Due if spent => SeriesState::Waiting,
                    state => state,
                },
            )
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// Start a run by this word over these series, with so many requests at most.
    Run(&'static str, Vec<SeriesKey>, Option<u32>),
    /// Tell the run at work to stop.
    CancelRun,
    /// Ask the provider about symbols.
    Ask(SymbolWish),
    /// Tell the question about symbols to stop.
    CancelAsk,
    /// Read something.
    Load(Load),
    /// Remember something.
    Save(&'static str, String),
    /// Read the settings, which another process may change, for a process that had changed them so often.
    Recall(u32),
    /// Change the watch list, then read it again.
    EditList(WatchEdit),
    /// Ask the provider with another key from the next run on.
    Rekey(Secret),
    /// Write a series to a file of this name.
    Export(SeriesKey, String),
    /// Try to own the schedule, whose last instant was this.
    TryOwn(Option<DateTime<Utc>>),
    /// Mark runs whose process, or whose task, died, and store what they had paid for.
    Rescue,
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
    /// One series of the watch list.
    One(SeriesKey),
    /// A few of the newest runs, to see whether others were at work.
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
    /// The number of bars in the whole store.
    Total,
    /// The list of symbols.
    Listings,
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
    /// Whether this process neither spends requests nor writes.
    pub read_only: bool,
    /// Whether the watch list is this process's own, not the store's.
    pub own_list: bool,
    /// Whether it was paused.
    pub paused: bool,
    /// The instant of the schedule that was acted on last.
    pub last_tick: Option<DateTime<Utc>>,
}
