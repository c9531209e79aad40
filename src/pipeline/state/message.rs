//! What reaches the engine, and what it lets be done.

use chrono::{DateTime, Utc};

use super::super::command::{BarsWindow, Command};
use super::super::notice::Notice;
use super::super::run::{Event, RunReport};
use super::super::schedule::Schedule;
use super::super::snapshot::{BarsPage, ProviderStatus, SeriesState, StoreStatus};
use super::super::source::SymbolWish;
use super::super::symbols::{Problem, Symbols};
use crate::db::{DbError, RunDetail, SeriesFacts};
use crate::model::quota::Ledger;
use crate::model::{ErrorClass, Listing, RunId, RunSummary, SeriesKey};

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
    /// How it stands in the run at work or stood in the last one.
    pub live: Live,
}

/// How a series stands in a run.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Overrides what follows from the facts while a run is at work.
    pub(super) state: Option<SeriesState>,
    pub(super) problem: Option<(ErrorClass, String)>,
    pub(super) retry_at: Option<DateTime<Utc>>,
    pub(super) requests: u32,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// Start a run.
    Run(&'static str, Vec<SeriesKey>),
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
    /// Whether it was paused.
    pub paused: bool,
    /// The instant of the schedule that was acted on last.
    pub last_tick: Option<DateTime<Utc>>,
}
