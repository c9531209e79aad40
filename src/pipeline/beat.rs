//! An engine's beat: it says that it is there, renews its lanes, and takes free ones with all that their new
//! owner must know.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::hold::Trust;
use super::run::Pipeline;
use super::state::{Handover, Pulse, Read, START_TRIGGERS};
use super::watching::Watching;
use crate::db::{Beat, DbError, LeasedLane, RunLock};
use crate::model::{EngineHome, EngineId, LaneName, Lease};

/// A lease is trusted this much shorter than it is, counted from before it was asked for.
const MARGIN: Duration = Duration::from_secs(1);
/// How long a beat may take. One that takes longer is given up; what it wrote does no harm.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where this engine runs.
pub(super) fn home() -> EngineHome {
    let host = rustix::system::uname();
    EngineHome {
        id: EngineId::new(),
        host: host.nodename().to_string_lossy().into_owned(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// What a beat works with.
pub(super) struct Beating {
    pub pipeline: Arc<Pipeline>,
    pub watching: Watching,
    pub home: EngineHome,
    /// How long a lease is.
    pub lease: Duration,
    /// The lanes that the engine would have.
    pub wanted: Vec<LaneName>,
    /// The leases that it knows of.
    pub held: Vec<Lease>,
    /// Whether others see that it lives.
    pub is_present: bool,
    /// Told at once which leases can be relied on.
    pub trust: watch::Sender<Arc<Trust>>,
    /// The last instant of the schedule.
    pub last_instant: Option<DateTime<Utc>>,
    /// Whether all engines are shown.
    pub shows_engines: bool,
}

/// What a beat brought: the lock that shows that the engine lives, if it was taken now, and the rest.
pub(super) type Beaten = (Option<Box<dyn RunLock>>, Pulse);

impl Beating {
    /// Beats once.
    pub(super) async fn beat(self) -> Result<Beaten, DbError> {
        let store = &self.pipeline.store;
        let presence = if self.is_present {
            None
        } else {
            store.appear(self.home.id).await?
        };
        let may_work = self.is_present || presence.is_some();
        let beat = Beat {
            home: self.home.clone(),
            wanted: if may_work {
                self.wanted.clone()
            } else {
                vec![]
            },
            lease: self.lease,
            now: self.pipeline.clock.now(),
        };
        let sent_at = Instant::now();
        let lanes = match tokio::time::timeout(PATIENCE, store.beat(beat)).await {
            Ok(lanes) => lanes?,
            Err(_) => return Err(DbError::silent()),
        };
        let leases: Vec<Lease> = lanes.iter().map(|lane| lane.lease.clone()).collect();
        let until = sent_at + self.lease.saturating_sub(MARGIN);
        self.trust
            .send_replace(Arc::new(Trust::new(leases.clone(), until)));
        let is_new = |lane: &LeasedLane| !self.held.contains(&lane.lease);
        let new: Vec<LeasedLane> = lanes.into_iter().filter(is_new).collect();
        let won = if new.is_empty() {
            None
        } else {
            Some(self.handover(new).await?)
        };
        let engines = if leases.is_empty() || self.shows_engines {
            Some(store.engines().await?)
        } else {
            None
        };
        let pulse = Pulse {
            leases,
            won,
            engines,
        };
        Ok((presence, pulse))
    }

    /// Only looks whether an engine works.
    pub(super) async fn look(self) -> Result<Beaten, DbError> {
        let pulse = Pulse {
            leases: vec![],
            won: None,
            engines: Some(self.pipeline.store.engines().await?),
        };
        Ok((None, pulse))
    }

    /// What whoever takes over these lanes must know.
    async fn handover(&self, lanes: Vec<LeasedLane>) -> Result<Handover, DbError> {
        let (pipeline, store) = (&self.pipeline, &self.pipeline.store);
        let since = self.last_instant.unwrap_or(DateTime::UNIX_EPOCH);
        Ok(Handover {
            lanes,
            read: Read {
                due_ticks: store.due_ticks().await?,
                cut_short: store.cut_short().await?,
                list: self.watching.list(pipeline).await?,
                ledgers: pipeline.ledgers().await?,
            },
            sent_by_starts: pipeline.sent_by_starts(START_TRIGGERS, since).await?,
        })
    }
}
