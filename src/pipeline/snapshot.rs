//! What is true now: complete enough to draw every view, cheap to clone.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::command::{BarsWindow, PriceQuestion};
pub use super::coverage_map::{CoverageMap, CoverageRow, MonthState};
#[cfg(test)]
pub use super::planner::{Candidate, Obstacle, QuotaDay, Room, plan};
pub use super::planner::{FetchPlan, LanePlan, PlannedFetch, Why, WhyNot};
use super::schedule::Schedule;
pub use super::source_status::{KeyUse, QuotaStatus, RollingStatus, SourceStatus};
pub use super::subject::Subject;
pub use crate::db::{Backend, Entitlement, EventsAsked, RequestRow, RunDetail, Size, Undelivered};
use crate::model::adjustment::{AdjustedBar, Adjustments, KnownEvents};
use crate::model::alert::{Alert, Condition};
use crate::model::quota::Left;
pub use crate::model::ranges::{Break, Hole, Stretch, There};
pub use crate::model::tick::{NextTick, NotedTick};
use crate::model::words::words;
use crate::model::{
    Bar, Declared, Engines, ErrorClass, Fate, Grid, Listing, Offer, Price, RequestId, RunId,
    RunSummary, SeriesKey, SourceId, Span, Spans, TableSize, Truth,
};

/// The state of the engine at one instant.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Grows with every change: equal numbers are equal snapshots.
    pub revision: u64,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// Whether this process neither spends requests nor writes.
    pub read_only: bool,
    /// The known sources, the one of symbols that name none first.
    pub sources: Vec<SourceStatus>,
    /// The database.
    pub store: StoreStatus,
    /// When the engine acts next.
    pub schedule: ScheduleStatus,
    /// The current run.
    pub run: Option<RunProgress>,
    /// The current export.
    pub export: Option<ExportProgress>,
    /// Whether the watch list has been read: until then it is unknown, not empty.
    pub is_listed: bool,
    /// The watch list, in its order.
    pub series: Arc<[WatchedSeries]>,
    /// What is asked for next, and why.
    pub plan: Arc<FetchPlan>,
    /// The newest runs, newest first.
    pub runs: Arc<[RunSummary]>,
    /// The last requested window of bars.
    pub bars: Option<Arc<BarsPage>>,
    /// The last requested run.
    pub opened: Option<Arc<RunDetail>>,
    /// The last requested answer of the provider.
    pub answer: Option<Arc<AnswerView>>,
    /// The symbol search, once there was one.
    pub search: Option<Arc<SearchView>>,
    /// What was read for the system view, once that was requested.
    pub system: Option<Arc<SystemView>>,
    /// The engines that share the store, once the system view was requested.
    pub engines: Option<Arc<Engines>>,
    /// What there is of the watch list, once that was requested.
    pub coverage: Option<Arc<CoverageMap>>,
    /// The last requested ranges of a series.
    pub ranges: Option<Arc<RangesView>>,
    /// The last price that was asked for.
    pub preview: Option<Arc<Preview>>,
    /// The newest instants of the schedule, newest first.
    pub ticks: Arc<[NotedTick]>,
    /// The next ones.
    pub next_ticks: Arc<[NextTick]>,
    /// What a person should know.
    pub alerts: Arc<AlertsView>,
    /// Notices that were dropped because nobody read them.
    pub dropped_notices: u64,
}

impl Snapshot {
    /// How a source stands; `None`: this version does not know it.
    #[must_use]
    pub fn source(&self, id: &SourceId) -> Option<&SourceStatus> {
        self.sources.iter().find(|source| source.id == *id)
    }

    /// Until when nothing may be sent to a source, because its requests of the day are used up.
    #[must_use]
    pub fn spent_until(&self, id: &SourceId) -> Option<DateTime<Utc>> {
        self.source(id)?.quota.spent_until
    }

    /// The newest run that fetched bars: a symbol request is a run without series.
    #[must_use]
    pub fn last_run(&self) -> Option<&RunSummary> {
        self.runs.iter().find(|run| !run.is_about_symbols())
    }
}

/// The state of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreStatus {
    /// Which database it is.
    pub backend: Backend,
    /// Where it is, without secrets.
    pub location: String,
    /// Bars stored.
    pub bars: u64,
    /// Since when it has not answered, and what it said.
    pub lost: Option<(DateTime<Utc>, String)>,
    /// Paid-for answers that wait on disk for it.
    pub spooled: usize,
}

/// When the engine acts next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleStatus {
    /// The schedule.
    pub schedule: Schedule,
    /// Whether it is paused.
    pub paused: bool,
    /// Its next instant.
    pub next_at: Option<DateTime<Utc>>,
    /// Whether this process owns the schedule of the database.
    pub is_owner: bool,
    /// Whether no engine works on this store, as far as is known.
    pub no_engine: bool,
    /// Instants that passed while no engine was running, combined into one run.
    pub missed: u32,
    /// Series that are due now.
    pub due: usize,
    /// Requests that fetching them can send now: no more than are left today.
    pub sendable: usize,
    /// Series that will be due at its next instant.
    pub due_next: usize,
    /// Requests that the run of that instant can send: no more than are left then.
    pub sendable_next: usize,
}

/// The current run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunProgress {
    /// The run, once the store has given it a number.
    pub id: Option<RunId>,
    /// What started it.
    pub trigger: &'static str,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// Series that have ended.
    pub done: usize,
    /// Series it covers.
    pub total: usize,
}

/// The current export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportProgress {
    /// Files that are complete.
    pub done: usize,
    /// Files in all.
    pub total: usize,
    /// Bars written so far.
    pub bars: u64,
}

impl ExportProgress {
    /// The beginning of an export of so many files.
    #[must_use]
    pub const fn of(total: usize) -> Self {
        Self {
            done: 0,
            total,
            bars: 0,
        }
    }
}

words! {
    /// The state of a series, in one word.
    pub enum SeriesState {
        /// Every bar that is due was asked for, and is there as far as the provider has it.
        Fresh = "fresh",
        /// The next run fetches it.
        Due = "due",
        /// The provider does not have the newest bar.
        Behind = "behind",
        /// Older bars were never asked for.
        Holes = "holes",
        /// The exchange was probably closed: no series has a bar of the last session.
        Closed = "closed",
        /// It waits for its turn in the run, or for the day's quota to renew.
        Waiting = "waiting",
        /// A request is being sent, or will be sent again after a pause.
        Fetching = "fetching",
        /// The last attempt failed.
        Failed = "failed",
        /// It needs a person: a key, a plan, another symbol.
        Blocked = "blocked",
    }
}

/// One line of the watch list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedSeries {
    /// What a person declared of it.
    pub declared: Declared,
    /// Which of its bars can exist.
    pub grid: Grid,
    /// How complete and new it is.
    pub truth: Truth,
    /// Since when its bars can be asked for; `None`: since the first there is.
    pub reach: Option<DateTime<Utc>>,
    /// Requests that close its holes, as far as they can be closed.
    pub closing_price: u32,
    /// Requests that a fetch of it sends.
    pub fetch_price: u32,
    /// The series.
    pub key: SeriesKey,
    /// Its state.
    pub state: SeriesState,
    /// When it was last fetched with success.
    pub fetched_at: Option<DateTime<Utc>>,
    /// Its newest bar.
    pub last_bar: Option<Bar>,
    /// The close before the newest bar's day, for the change.
    pub previous_close: Option<Price>,
    /// Closes of the last session, oldest first.
    pub trend: Arc<[Price]>,
    /// Bars stored.
    pub bars: u64,
    /// Its oldest bar.
    pub oldest: Option<DateTime<Utc>>,
    /// Why it is blocked or failed, as a class and a sentence.
    pub problem: Option<(ErrorClass, String)>,
    /// When it is fetched next by itself, as it is planned now.
    pub next_at: Option<DateTime<Utc>>,
    /// Until when every bar that it lacks can be asked for; `None`: always.
    pub safe_until: Option<DateTime<Utc>>,
    /// When it is retried, if it is.
    pub retry_at: Option<DateTime<Utc>>,
    /// Requests spent on it today.
    pub requests: u32,
    /// What its source says of its symbol, if it is known.
    pub listing: Option<Arc<Listing>>,
    /// What all its stored bars have in common.
    pub subject: Arc<Subject>,
}

impl WatchedSeries {
    /// What became of its symbol, if that matters for its bars.
    #[must_use]
    pub fn fate(&self) -> Option<Fate<'_>> {
        let oldest = self.oldest.map(|oldest| oldest.date_naive());
        self.listing.as_ref()?.fate(oldest)
    }

    /// The same in a sentence.
    #[must_use]
    pub fn fate_told(&self) -> Option<String> {
        let listing = self.listing.as_ref()?;
        Some(listing.told(self.fate()?))
    }

    /// The same series under the symbol that its instrument has now.
    #[must_use]
    pub fn successor(&self) -> Option<SeriesKey> {
        let (Fate::Renamed(rename) | Fate::Reused(rename)) = self.fate()? else {
            return None;
        };
        Some(SeriesKey {
            symbol: rename.symbol.clone(),
            ..self.key.clone()
        })
    }

    /// Whether a person should look at it: it is blocked, or its last attempt failed.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        matches!(self.state, SeriesState::Blocked | SeriesState::Failed)
    }
}

/// A window of bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarsPage {
    /// The requested window.
    pub window: BarsWindow,
    /// The bars, newest first.
    pub bars: Vec<Bar>,
    /// Which of its bars can exist.
    pub grid: Grid,
    /// Times between the bars that were never asked for, and where an earlier scale begins and ends,
    /// newest first.
    pub holes: Vec<Hole>,
    /// Times whose bars are on an earlier scale.
    pub restated: Spans,
    /// Bars of the series in the store.
    pub total: u64,
    /// Oldest bar of the series.
    pub oldest: Option<DateTime<Utc>>,
    /// Newest bar of the series.
    pub newest: Option<DateTime<Utc>>,
    /// The bars on one scale.
    pub scaled: Scaled,
    /// Up to when splits and dividends are known.
    pub known: KnownEvents,
    /// What all its bars have in common.
    pub subject: Arc<Subject>,
}

/// The bars of a window on the scale of their whole series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scaled {
    /// Each bar of the window.
    pub bars: Vec<AdjustedBar>,
    /// Those whose prices are known, as bars for a chart.
    pub known: Vec<Bar>,
    /// What their prices follow from.
    pub adjustments: Adjustments,
}

impl Scaled {
    /// The bars of a series by its symbol's adjustments; those that the source adjusted are as they
    /// are.
    #[must_use]
    pub fn of(series: &SeriesKey, bars: &[Bar], adjustments: Adjustments) -> Self {
        let scale = |bar: &Bar| {
            if series.is_stored_adjusted() {
                AdjustedBar::raw(bar)
            } else {
                adjustments.bar(series.interval, bar)
            }
        };
        let scaled: Vec<AdjustedBar> = bars.iter().map(scale).collect();
        let known = bars.iter().zip(&scaled);
        Self {
            known: known
                .filter_map(|(bar, scaled)| scaled.whole(bar))
                .collect(),
            bars: scaled,
            adjustments,
        }
    }
}

/// What something costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// What was asked.
    pub question: PriceQuestion,
    /// Bars that are missing.
    pub bars: u64,
    /// Those of them that the provider refused before.
    pub refused: u64,
    /// Requests that bring what is wanted.
    pub requests: u32,
    /// Why it cannot be asked for, or a part of it, if known without a request.
    pub refusal: Option<String>,
    /// Up to when the events of all symbols asked about are known.
    pub known_to: Option<NaiveDate>,
    /// What may be sent today, if that is limited.
    pub left: Option<Left>,
}

/// What is there of a time of a series, and why the rest is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangesView {
    /// The series.
    pub series: SeriesKey,
    /// The time.
    pub within: Span,
    /// Its ranges, oldest first.
    pub ranges: Vec<Stretch>,
}

/// The provider's answer to a request, harmless and without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerView {
    /// The request it answers.
    pub request: RequestId,
    /// HTTP status; 0 if no answer came.
    pub status: u16,
    /// The content type that the provider sent.
    pub content_type: Option<String>,
    /// When the last byte came; if none came, when the request ended or was made.
    pub received_at: DateTime<Utc>,
    /// Milliseconds to the last byte.
    pub elapsed_ms: u32,
    /// The body, JSON indented, or a line that says why there is none.
    pub lines: Vec<String>,
    /// Whether lines or ends of lines are left out.
    pub cut: bool,
}

/// What a person should know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertsView {
    /// The open alerts of the store, oldest first.
    pub open: Vec<Alert>,
    /// Messages about them that have not arrived yet.
    pub undelivered: Vec<Undelivered>,
    /// What only this process sees: that there is no engine.
    pub here: Vec<Condition>,
}

impl AlertsView {
    /// What holds, or held a moment ago.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let open = self.open.iter().map(|alert| &alert.condition);
        let is_known = |here: &&Condition| {
            let mut open = self.open.iter();
            !open.any(|alert| alert.condition.kind == here.kind)
        };
        open.chain(self.here.iter().filter(is_known))
    }
}

/// What is read for the system view only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemView {
    /// The database and its version: `SQLite 3.51.3`.
    pub database: String,
    /// The version of the schema.
    pub schema: i64,
    /// The size of the store.
    pub size: Size,
    /// What each of its tables takes, the largest first.
    pub tables: Vec<TableSize>,
    /// Answers that wait on disk for the store; `None`: their folder cannot be read.
    pub spooled: Option<usize>,
    /// What is known of each source.
    pub sources: Vec<SourceFacts>,
}

/// What is read of a source for a person only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFacts {
    /// The source.
    pub id: SourceId,
    /// The fingerprint of the key in use, not the key.
    pub fingerprint: String,
    /// What the key's plan is known to include, and what not.
    pub entitlements: Vec<Entitlement>,
    /// Of which symbols splits and dividends were asked for; `None`: the source has no lists of them.
    pub events: Option<EventsAsked>,
}

/// The symbol search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchView {
    /// The text that was searched for.
    pub text: String,
    /// The best matches, best first, 50 at most.
    pub matches: Vec<Offer>,
    /// Whether the provider found them; otherwise they are from the list.
    pub from_provider: bool,
    /// Rows in the list; 0: none is stored.
    pub listed: usize,
    /// When the provider sent the list.
    pub listed_at: Option<DateTime<Utc>>,
    /// Whether the list is being read or fetched, or the provider is searching for this text.
    pub busy: bool,
    /// Why the last request failed.
    pub problem: Option<String>,
}

impl SearchView {
    /// How long a list is good for; few companies are newly listed in a week.
    pub const LIST_LASTS: TimeDelta = TimeDelta::days(31);

    /// Whether there is no list, or an old one: then fetching it is worth a request.
    #[must_use]
    pub fn wants_list(&self, now: DateTime<Utc>) -> bool {
        self.listed == 0 || self.listed_at.is_none_or(|at| now - at > Self::LIST_LASTS)
    }
}
