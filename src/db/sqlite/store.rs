//! SQLite as a store: the work that each operation is.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::super::row::count;
use super::super::{
    ActiveRun, AlertStore, Backend, BarQuery, BarStore, Beat, CountedTo, Credential, DeskStore,
    EndedSince, Entitlement, EventCursor, EventStore, EventsAsked, Forgettable, Happened, Health,
    HeldMonths, Holding, KeptAnswer, LaneStore, LeasedLane, LedgerStore, RequestEnd, Reservation,
    Reserved, Result, RunDetail, RunLock, RunStore, SeriesFacts, Size, Store, StoredAnswer,
    TailStore, TickStore, Undelivered, UpkeepStore,
};
use super::lock::FileLock;
use super::{
    SqliteStore, adjust, alerts, apply, coverage, facts, history, lanes, ledger, listings, on_disk,
    ranks, settings, tail, ticks, upkeep, watch_list,
};
use crate::model::adjustment::{Adjustments, KnownEvents, ReportedEvents, Rule};
use crate::model::alert::{Alert, AlertChanges, Attempt, Channel, DeliveryEnd, Message, Tried};
use crate::model::quota::{Ledger, Quota};
use crate::model::tick::{NotedTick, Tick};
use crate::model::{
    Answer, Bar, Batch, Counts, Coverage, Declarations, EngineId, Engines, Instrument, Learnt,
    Lease, Listing, RequestId, Retention, RunId, RunStatus, RunSummary, Segment, SeriesKey,
    SeriesReport, SourceId, Symbol, TableSize, WatchEdit, WatchEdited,
};

#[async_trait]
impl Store for SqliteStore {
    fn backend(&self) -> Backend {
        Backend::Sqlite
    }

    fn location(&self) -> &str {
        &self.place
    }

    async fn health(&self) -> Result<Health> {
        self.read(|connection| {
            Box::pin(async move {
                let (version, now, bars): (String, DateTime<Utc>, i64) = sqlx::query_as(
                    "SELECT sqlite_version(), strftime('%Y-%m-%d %H:%M:%f', 'now'), (SELECT coalesce(sum(bars), 0) FROM series_totals)",
                )
                .fetch_one(&mut *connection)
                .await?;
                let schema = schema_version(connection).await?.unwrap_or(0);
                Ok(Health { version, schema, now, bars: count(bars) })
            })
        })
        .await
    }

    async fn size(&self) -> Result<Size> {
        let (answers, answer_bytes) = self.read(|c| Box::pin(ledger::kept(c))).await?;
        Ok(Size {
            bytes: on_disk(&self.path),
            answers,
            answer_bytes,
        })
    }

    fn under(&self, lease: Lease) -> Arc<dyn Store> {
        Arc::new(Self {
            lease: Some(lease),
            ..self.clone()
        })
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[async_trait]
impl BarStore for SqliteStore {
    async fn apply(&self, page: Vec<Batch>, credential: Credential) -> Result<Vec<Counts>> {
        self.write(|c| Box::pin(apply::apply(c, page, credential)))
            .await
    }

    async fn facts_of(&self, series: Vec<SeriesKey>) -> Result<Vec<SeriesFacts>> {
        self.read(|c| Box::pin(facts::facts(c, series))).await
    }

    async fn last_fetch(&self, series: SeriesKey) -> Result<Option<DateTime<Utc>>> {
        self.read(|c| Box::pin(history::last_fetch(c, series)))
            .await
    }

    async fn held(&self, symbol: Symbol) -> Result<Vec<Holding>> {
        self.read(|c| Box::pin(history::held(c, symbol))).await
    }

    async fn record(&self, series: SeriesKey, segments: Vec<Segment>) -> Result<()> {
        self.write(|c| Box::pin(coverage::record(c, series, segments)))
            .await
    }

    async fn coverage(&self) -> Result<Vec<(SeriesKey, Coverage)>> {
        self.read(|c| Box::pin(coverage::all(c))).await
    }

    async fn months(&self) -> Result<Vec<HeldMonths>> {
        self.read(|c| Box::pin(coverage::months(c))).await
    }

    async fn bars(&self, query: BarQuery) -> Result<Vec<Bar>> {
        self.read(|c| Box::pin(history::bars(c, query))).await
    }
}

#[async_trait]
impl EventStore for SqliteStore {
    async fn keep_events(
        &self,
        request: RequestId,
        reported: ReportedEvents,
        rule: Rule,
    ) -> Result<()> {
        self.write(move |c| Box::pin(adjust::keep_events(c, request, reported, rule)))
            .await
    }

    async fn settle_events(&self, requests: Vec<RequestId>) -> Result<()> {
        self.write(move |c| Box::pin(adjust::settle_events(c, requests)))
            .await
    }

    async fn adjustments(&self, instrument: Instrument) -> Result<(Adjustments, KnownEvents)> {
        self.read(|c| Box::pin(adjust::read(c, instrument))).await
    }

    async fn events_asked(&self, source: SourceId) -> Result<EventsAsked> {
        self.read(|c| Box::pin(adjust::asked(c, source))).await
    }
}

#[async_trait]
impl LedgerStore for SqliteStore {
    async fn ledger(&self, credential: Credential, quota: Quota) -> Result<Ledger> {
        self.read(move |c| Box::pin(ledger::standing(c, credential, quota)))
            .await
    }

    async fn sent_since(
        &self,
        credential: Credential,
        triggers: &'static [&'static str],
        since: DateTime<Utc>,
    ) -> Result<u32> {
        self.read(move |c| Box::pin(ledger::sent_since(c, credential, triggers, since)))
            .await
    }

    async fn reserve(&self, reservation: Reservation) -> Result<Reserved> {
        let lease = self.lease.clone();
        self.write_freely(|c| Box::pin(ledger::reserve(c, reservation, lease)))
            .await
    }

    async fn attempt(&self, attempt_id: Uuid) -> Result<Option<RequestId>> {
        self.read(move |c| Box::pin(ledger::attempt(c, attempt_id)))
            .await
    }

    async fn keep(&self, request: RequestId, answer: Answer, limit: u64) -> Result<()> {
        self.write_freely(move |c| Box::pin(ledger::keep(c, request, answer, limit)))
            .await
    }

    async fn settle(&self, request: RequestId, end: RequestEnd) -> Result<()> {
        self.write(move |c| Box::pin(ledger::settle(c, request, end)))
            .await
    }

    async fn unapplied(&self) -> Result<Vec<KeptAnswer>> {
        self.read(|c| Box::pin(ledger::unapplied(c))).await
    }

    async fn unfinished(&self, source: SourceId) -> Result<Vec<KeptAnswer>> {
        self.read(|c| Box::pin(ledger::unfinished(c, source))).await
    }

    async fn answer(&self, request: RequestId) -> Result<Option<StoredAnswer>> {
        self.read(move |c| Box::pin(ledger::answer(c, request)))
            .await
    }

    async fn entitlements(&self, credential: Credential) -> Result<Vec<Entitlement>> {
        self.read(|c| Box::pin(ledger::entitlements(c, credential)))
            .await
    }

    async fn learn_refusal(&self, credential: Credential, refused: Entitlement) -> Result<()> {
        self.write(|c| Box::pin(ledger::learn_refusal(c, credential, refused)))
            .await
    }
}

#[async_trait]
impl RunStore for SqliteStore {
    async fn begin_run(&self, trigger: &str, series: Vec<SeriesKey>) -> Result<ActiveRun> {
        let (lock, lock_key) = FileLock::for_new_run(&self.path)?;
        let trigger = trigger.to_owned();
        let id = self
            .write(move |c| Box::pin(history::begin_run(c, trigger, lock_key, series)))
            .await?;
        Ok(ActiveRun {
            id,
            _lock: Box::new(lock),
        })
    }

    async fn finish_series(&self, run: RunId, report: SeriesReport) -> Result<()> {
        self.write(move |c| Box::pin(history::finish_series(c, run, report)))
            .await
    }

    async fn finish_run(&self, run: RunId, status: RunStatus) -> Result<()> {
        self.write(move |c| Box::pin(history::finish_run(c, run, status)))
            .await
    }

    async fn sweep(&self) -> Result<Vec<RunId>> {
        let path = self.path.clone();
        self.write(|c| Box::pin(history::sweep(c, path))).await
    }

    async fn runs(&self, limit: u32) -> Result<Vec<RunSummary>> {
        self.read(move |c| Box::pin(history::runs(c, limit))).await
    }

    async fn cut_short(&self) -> Result<Vec<SourceId>> {
        self.read(|c| Box::pin(history::cut_short(c))).await
    }

    async fn run(&self, run: RunId) -> Result<Option<RunDetail>> {
        self.read(move |c| Box::pin(history::run(c, run))).await
    }
}

#[async_trait]
impl AlertStore for SqliteStore {
    async fn open_alerts(&self) -> Result<Vec<Alert>> {
        self.read(|c| Box::pin(alerts::open(c))).await
    }

    async fn alerts(&self, limit: u32) -> Result<Vec<Alert>> {
        self.read(move |c| Box::pin(alerts::newest(c, limit))).await
    }

    async fn change_alerts(
        &self,
        changes: AlertChanges,
        channels: Vec<Channel>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Message>> {
        self.write(move |c| Box::pin(alerts::change(c, changes, channels, now)))
            .await
    }

    async fn claim_delivery(
        &self,
        channels: Vec<Channel>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Attempt>> {
        self.write(move |c| Box::pin(alerts::claim(c, channels, now, until)))
            .await
    }

    async fn end_delivery(&self, id: i64, outcome: DeliveryEnd, now: DateTime<Utc>) -> Result<()> {
        self.write(move |c| Box::pin(alerts::end(c, id, outcome, now)))
            .await
    }

    async fn undelivered(&self) -> Result<Vec<Undelivered>> {
        self.read(|c| Box::pin(alerts::undelivered(c))).await
    }

    async fn tried(&self) -> Result<Vec<Tried>> {
        self.read(|c| Box::pin(alerts::tried(c))).await
    }
}

#[async_trait]
impl TailStore for SqliteStore {
    async fn events_after(&self, cursor: EventCursor, limit: u32) -> Result<Vec<Happened>> {
        self.read(move |c| Box::pin(tail::events(c, cursor, limit)))
            .await
    }

    async fn newest_event(&self) -> Result<EventCursor> {
        self.read(|c| Box::pin(tail::newest(c))).await
    }

    async fn ended_since(&self, counted: CountedTo) -> Result<EndedSince> {
        self.read(move |c| Box::pin(tail::ended(c, counted))).await
    }
}

#[async_trait]
impl TickStore for SqliteStore {
    async fn note_ticks(&self, ticks: Vec<Tick>) -> Result<()> {
        self.write(move |c| Box::pin(ticks::note(c, ticks))).await
    }

    async fn ticks(&self, limit: u32, upto: DateTime<Utc>) -> Result<Vec<NotedTick>> {
        self.read(move |c| Box::pin(ticks::newest(c, limit, upto)))
            .await
    }

    async fn due_ticks(&self) -> Result<Vec<(DateTime<Utc>, SourceId)>> {
        self.read(|c| Box::pin(ticks::due(c))).await
    }
}

#[async_trait]
impl LaneStore for SqliteStore {
    async fn appear(&self, _engine: EngineId) -> Result<Option<Box<dyn RunLock>>> {
        let lock = FileLock::for_schedule(&self.path)?;
        Ok(lock.map(|lock| Box::new(lock) as Box<dyn RunLock>))
    }

    async fn beat(&self, beat: Beat) -> Result<Vec<LeasedLane>> {
        self.write_freely(|c| Box::pin(lanes::beat(c, beat))).await
    }

    async fn leave(&self, engine: EngineId) -> Result<()> {
        self.write(move |c| Box::pin(lanes::leave(c, engine))).await
    }

    async fn save_last_tick(&self, lease: Lease, at: DateTime<Utc>) -> Result<()> {
        self.write(move |c| Box::pin(lanes::save_last_tick(c, lease, at)))
            .await
    }

    async fn follow_from(&self, at: DateTime<Utc>) -> Result<()> {
        self.write(move |c| Box::pin(lanes::follow_from(c, at)))
            .await
    }

    async fn last_ticks(&self) -> Result<Vec<(SourceId, DateTime<Utc>)>> {
        self.read(|c| Box::pin(lanes::ticks(c))).await
    }

    async fn engines(&self) -> Result<Engines> {
        let is_held = FileLock::is_schedule_held(&self.path)?;
        self.read(move |c| Box::pin(lanes::engines(c, is_held)))
            .await
    }
}

#[async_trait]
impl UpkeepStore for SqliteStore {
    async fn forgettable(&self, kept: Retention) -> Result<Forgettable> {
        self.read(move |c| Box::pin(upkeep::forgettable(c, kept)))
            .await
    }

    async fn forget(&self, upto: Forgettable, most: u32) -> Result<u64> {
        self.write(move |c| Box::pin(upkeep::forget(c, upto, most)))
            .await
    }

    async fn tables(&self) -> Result<Vec<TableSize>> {
        self.read(|c| Box::pin(upkeep::tables(c))).await
    }
}

#[async_trait]
impl DeskStore for SqliteStore {
    async fn watch_list(&self) -> Result<Vec<SeriesKey>> {
        self.read(|c| Box::pin(watch_list::read(c))).await
    }

    async fn declared(&self) -> Result<Declarations> {
        self.read(|c| Box::pin(watch_list::declared(c))).await
    }

    async fn added(&self) -> Result<HashMap<SeriesKey, DateTime<Utc>>> {
        self.read(|c| Box::pin(watch_list::added(c))).await
    }

    async fn added_at(&self, series: SeriesKey) -> Result<Option<DateTime<Utc>>> {
        self.read(|c| Box::pin(watch_list::added_at(c, series)))
            .await
    }

    async fn fill_watch_list(&self, series: Vec<SeriesKey>) -> Result<Vec<SeriesKey>> {
        self.write(|c| Box::pin(watch_list::fill(c, series))).await
    }

    async fn edit_watch_list(&self, edit: WatchEdit) -> Result<WatchEdited> {
        self.write(|c| Box::pin(watch_list::edit(c, edit))).await
    }

    async fn settings(&self) -> Result<HashMap<String, String>> {
        let all = self.read(|c| Box::pin(settings::all(c))).await?;
        Ok(all.into_iter().collect())
    }

    async fn setting(&self, name: &'static str) -> Result<Option<String>> {
        self.read(move |c| Box::pin(settings::get(c, name))).await
    }

    async fn set_setting(&self, name: Cow<'static, str>, value: String) -> Result<()> {
        self.write(move |c| Box::pin(settings::set(c, name, value)))
            .await
    }

    async fn rank_sources(&self, order: Vec<SourceId>) -> Result<()> {
        self.write(|c| Box::pin(ranks::set(c, order))).await
    }

    async fn listings(&self, source: SourceId) -> Result<(Option<DateTime<Utc>>, Vec<Listing>)> {
        self.read(move |c| Box::pin(listings::all(c, source))).await
    }

    async fn keep_listings(
        &self,
        request: RequestId,
        sent_at: DateTime<Utc>,
        listings: Vec<Listing>,
        learnt: Learnt,
    ) -> Result<()> {
        self.write(move |c| Box::pin(listings::keep(c, request, sent_at, listings, learnt)))
            .await
    }
}

async fn schema_version(
    connection: &mut SqliteConnection,
) -> std::result::Result<Option<i64>, sqlx::Error> {
    let there: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if there {
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
            .fetch_one(connection)
            .await
    } else {
        Ok(None)
    }
}
