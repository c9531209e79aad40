//! The engines that share a store, and the lanes that each has by a lease.
//!
//! A store under a lease (`Store::under`) writes only while the lane is still of that epoch: the check is part
//! of each transaction, so that an engine which was frozen harms nothing when it wakes.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::error::{DbError, Result};
use super::row::count;
use super::runs::RunLock;
use crate::model::text::clean;
use crate::model::{EngineHome, EngineId, EngineStatus, Engines, LaneName, Lease, SourceId};

/// One beat of an engine.
#[derive(Debug, Clone)]
pub struct Beat {
    /// The engine.
    pub home: EngineHome,
    /// The lanes that it would have, if they are free. Empty: it only says that it is there.
    pub wanted: Vec<LaneName>,
    /// How long a lease is.
    pub lease: Duration,
    /// The engine's clock, by which the schedule is followed.
    pub now: DateTime<Utc>,
}

/// A lane that the engine has after a beat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedLane {
    /// The lease.
    pub lease: Lease,
    /// The last instant of the schedule that was acted on there, by the clock of its engine; `None`: the
    /// schedule never ran on this store.
    pub last_tick: Option<DateTime<Utc>>,
}

/// What a store does for the engines that share it. Times are by the database's clock unless it is said.
#[async_trait]
pub trait LaneStore: fmt::Debug + Send + Sync {
    /// Takes the lock that shows others that an engine lives: where it is free, so are its lanes. `None`: only
    /// one engine may work on this file, and another one does.
    async fn appear(&self, engine: EngineId) -> Result<Option<Box<dyn RunLock>>>;

    /// Says that an engine is there, renews its lanes, and takes those that are wanted and free: nobody has
    /// them, their lease is over, or their engine is dead. Returns all that it has now.
    async fn beat(&self, beat: Beat) -> Result<Vec<LeasedLane>>;

    /// Gives back all lanes of an engine that ends.
    async fn leave(&self, engine: EngineId) -> Result<()>;

    /// Remembers the last instant of the schedule that was acted on in the lane of a lease, by the engine's
    /// clock. Refused once another engine has the lane.
    async fn save_last_tick(&self, lease: Lease, at: DateTime<Utc>) -> Result<()>;

    /// Says for all lanes that the schedule is followed from this instant on, by the clock of whoever changed
    /// it: what passed of another schedule was not missed.
    async fn follow_from(&self, at: DateTime<Utc>) -> Result<()>;

    /// The last instant of the schedule that was acted on in each lane of a source.
    async fn last_ticks(&self) -> Result<Vec<(SourceId, DateTime<Utc>)>>;

    /// The engines that work, and those that were heard of in the last hour or as the last ones.
    async fn engines(&self) -> Result<Engines>;
}

/// A row of `lanes` that the engine has.
pub(super) type LeasedRow = (String, i64, Option<DateTime<Utc>>);

/// The lanes of an engine, without those of a newer version.
pub(super) fn leased(engine: EngineId, rows: Vec<LeasedRow>) -> Vec<LeasedLane> {
    let each = |(lane, epoch, last_tick): LeasedRow| {
        let lane = lane.parse().ok()?;
        let lease = Lease {
            lane,
            engine,
            epoch,
        };
        Some(LeasedLane { lease, last_tick })
    };
    rows.into_iter().filter_map(each).collect()
}

/// An engine: its row, whether its lock is held, its lanes in one text, its requests of an hour.
#[derive(sqlx::FromRow)]
pub(super) struct EngineRow {
    id: String,
    host: String,
    pid: i64,
    version: String,
    started_at: DateTime<Utc>,
    beat_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    lives: bool,
    lanes: Option<String>,
    requests: i64,
}

impl EngineRow {
    /// `None`: of a version that names engines otherwise.
    pub(super) fn status(self) -> Option<EngineStatus> {
        let lanes = self.lanes.as_deref().unwrap_or_default().split(' ');
        Some(EngineStatus {
            home: EngineHome {
                id: EngineId(self.id.parse().ok()?),
                host: clean(&self.host),
                pid: count(self.pid),
                version: clean(&self.version),
            },
            started_at: self.started_at,
            beat_at: self.beat_at,
            ended_at: self.ended_at,
            lives: self.lives,
            lanes: lanes.filter_map(|lane| lane.parse().ok()).collect(),
            requests: count(self.requests),
        })
    }
}

/// The last instants of lanes, without those of a newer version and those of no source.
pub(super) fn last_ticks(rows: Vec<(String, DateTime<Utc>)>) -> Vec<(SourceId, DateTime<Utc>)> {
    let each = |(lane, at): (String, DateTime<Utc>)| match lane.parse().ok()? {
        LaneName::Source(source) => Some((source, at)),
        LaneName::Upkeep => None,
    };
    rows.into_iter().filter_map(each).collect()
}

pub(super) const LAST_TICKS: &str =
    "SELECT source, last_tick FROM lanes WHERE last_tick IS NOT NULL ORDER BY source";

/// The error of a write under a lease that is over.
pub(super) fn superseded(lane: &LaneName) -> DbError {
    DbError::new(
        super::DbErrorKind::Superseded,
        format!("another engine has taken over the lane {lane}; nothing was written"),
    )
}
