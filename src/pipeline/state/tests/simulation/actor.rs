//! An engine of the simulation: its state, and what goes on for it.

use std::collections::{BTreeSet, VecDeque};

use super::books::Books;
use super::*;
use crate::model::{EngineId, LaneName, Lease};

/// The run of an engine.
#[derive(Debug)]
pub(super) struct RunAtWork {
    pub run: RunId,
    pub waiting: VecDeque<SeriesKey>,
    pub leases: Vec<Lease>,
    pub lost: BTreeSet<LaneName>,
    pub is_cancelled: bool,
    pub reports: Vec<SeriesReport>,
}

impl RunAtWork {
    /// The lease under which a series is asked for; `None`: a person asks.
    pub(super) fn lease(&self, series: &SeriesKey) -> Option<&Lease> {
        let mut leases = self.leases.iter();
        leases.find(|lease| lease.lane.source() == Some(&series.source))
    }
}

#[derive(Debug)]
pub(super) struct Actor {
    /// How often it was started.
    pub life: u32,
    pub id: EngineId,
    /// `None`: it is dead.
    pub state: Option<State>,
    /// How far its clock is ahead.
    pub ahead: TimeDelta,
    pub frozen_until: DateTime<Utc>,
    pub task: Option<RunAtWork>,
    /// Which leases it relies on, and until when by a clock that nobody sets.
    pub trust: (Vec<Lease>, DateTime<Utc>),
    pub is_beating: bool,
    pub wanted: Option<Vec<LaneName>>,
    /// When its last errand is done.
    pub errands_end: DateTime<Utc>,
    pub readings: u64,
}

impl Actor {
    pub(super) fn dead() -> Self {
        Self {
            life: 0,
            id: EngineId(uuid::Uuid::nil()),
            state: None,
            ahead: TimeDelta::zero(),
            frozen_until: DateTime::UNIX_EPOCH,
            task: None,
            trust: (vec![], DateTime::UNIX_EPOCH),
            is_beating: false,
            wanted: None,
            errands_end: DateTime::UNIX_EPOCH,
            readings: 0,
        }
    }

    /// Starts with nothing but what the store remembers.
    pub(super) fn begin(&mut self, id: u128, books: &Books) {
        let sources = books.quotas.iter().map(|(id, _)| SourceStatus {
            id: id.clone(),
            ..super::sources("free key").remove(0)
        });
        *self = Self {
            life: self.life + 1,
            id: EngineId(uuid::Uuid::from_u128(id)),
            ahead: self.ahead,
            state: Some(State::new(Start {
                sources: sources.collect(),
                store: StoreStatus {
                    backend: Backend::Postgres,
                    location: "simulated".into(),
                    bars: 0,
                    lost: None,
                    spooled: 0,
                },
                quotas: books.quotas.clone(),
                calendars: Calendars::default(),
                schedule: Schedule::after_close(),
                read_only: false,
                own_list: false,
                paused: false,
            })),
            ..Self::dead()
        };
    }

    pub(super) fn relies_on(&self, lease: &Lease, now: DateTime<Utc>) -> bool {
        now < self.trust.1 && self.trust.0.contains(lease)
    }
}
