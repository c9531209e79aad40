//! Lanes are won one by one, and lost together or one by one: what follows from each beat.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::super::notice::What;
use super::lanes::{Asker, OwnLane};
use super::{Entry, Handover, Job, Pulse, State, tell};
use crate::db::{DbError, DbErrorKind};
use crate::model::{Engines, LaneName, Lease, SourceId};
use crate::time::is_far_ahead;

impl State {
    /// The lanes that this engine would have; `None`: not known before the watch list is read.
    pub fn wanted_lanes(&self) -> Option<Vec<LaneName>> {
        let listed = self.lanes.listed.iter().flatten().cloned();
        let lanes = [LaneName::Upkeep]
            .into_iter()
            .chain(listed.map(LaneName::Source));
        self.lanes.listed.as_ref().map(|_| lanes.collect())
    }

    /// The last instant of the schedule up to now.
    pub fn last_instant(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.schedule.last_until(&self.calendars, now)
    }

    /// Whether a beat is to look at all engines.
    pub const fn shows_engines(&self) -> bool {
        self.wanted.system
    }

    /// The leases that this engine has.
    pub fn leases(&self) -> Vec<Lease> {
        let own = self.lanes.own.values();
        own.map(|own| own.lease.clone()).collect()
    }

    /// The lease of a lane, if this engine has it.
    pub fn lease(&self, lane: &LaneName) -> Option<Lease> {
        self.lanes.own.get(lane).map(|own| own.lease.clone())
    }

    /// Whose lanes are wanted follows from the watch list.
    pub(super) fn list_lanes(&mut self) {
        let is_known = |source: &SourceId| self.sources.iter().any(|known| known.id == *source);
        let listed = self.entries.iter().map(|entry| &entry.key.source);
        let listed = listed.filter(|source| is_known(source)).cloned().collect();
        self.lanes.listed = Some(listed);
    }

    /// Whether a run asks for a series: a person for any, the schedule in the lanes that it still has.
    pub(super) fn is_asked(&self, asker: &Asker, entry: &Entry) -> bool {
        let source = &entry.key.source;
        match asker {
            Asker::Person => true,
            Asker::Schedule(_) => asker.covers(source) && self.lanes.has(source),
        }
    }

    /// For the schedule, in all lanes.
    pub(super) fn all_own(&self) -> Asker {
        Asker::Schedule(self.lanes.sources())
    }

    /// Takes in what a beat has brought: lanes lost, and lanes won.
    pub(super) fn beat(&mut self, pulse: Pulse, now: DateTime<Utc>) -> Vec<Job> {
        let Pulse {
            leases,
            won,
            engines,
        } = pulse;
        let lost = self.lanes.own.iter();
        let lost = lost.filter(|(_, own)| !leases.contains(&own.lease));
        let lost: Vec<LaneName> = lost.map(|(lane, _)| lane.clone()).collect();
        let mut jobs = self.lose(lost, now);
        if let Some(handover) = won {
            jobs.extend(self.won(handover, now));
        }
        let is_away = |engines: &Engines| !engines.is_one_at_work();
        let no_engine = engines.as_ref().is_some_and(is_away) && self.lanes.own.is_empty();
        if std::mem::replace(&mut self.lanes.no_engine, no_engine) != no_engine {
            self.revision += 1;
        }
        if self.wanted.system && engines.is_some() {
            self.engines = engines.map(Arc::new);
            self.revision += 1;
        }
        let waits = !self.lanes.follows_schedule() && !no_engine && !self.read_only;
        let is_known = self.lanes.listed.is_some();
        if waits && is_known && !std::mem::replace(&mut self.lanes.has_told, true) {
            jobs.push(tell(now, What::Waits));
        }
        jobs
    }

    /// A beat did not reach the store. The lanes stay until their time is over.
    pub(super) fn beat_failed(&mut self, error: &DbError, now: DateTime<Utc>) -> Vec<Job> {
        if error.kind == DbErrorKind::Unreachable {
            return self.store_failed(error, now);
        }
        vec![]
    }

    /// All lanes may be another engine's: none was renewed in time.
    pub(super) fn lose_all(&mut self, now: DateTime<Utc>) -> Vec<Job> {
        let lost = self.lanes.own.keys().cloned().collect();
        self.lose(lost, now)
    }

    /// Stops what goes on in these lanes. What has come of the schedule there is left to their new owner.
    fn lose(&mut self, lost: Vec<LaneName>, now: DateTime<Utc>) -> Vec<Job> {
        if lost.is_empty() {
            return vec![];
        }
        self.revision += 1;
        for lane in &lost {
            self.lanes.own.remove(lane);
            if let Some(source) = lane.source() {
                self.forget_ticks(source);
            }
        }
        self.lanes.has_told = true;
        vec![
            Job::CancelLanes(lost.clone()),
            tell(now, What::LanesLost(lost)),
        ]
    }

    /// Takes over lanes and decides what to do about the instants that passed there before.
    fn won(&mut self, handover: Handover, now: DateTime<Utc>) -> Vec<Job> {
        self.revision += 1;
        let lanes: Vec<LaneName> = handover
            .lanes
            .iter()
            .map(|leased| leased.lease.lane.clone())
            .collect();
        let won: BTreeSet<SourceId> = lanes.iter().filter_map(LaneName::source).cloned().collect();
        for leased in handover.lanes {
            let lane = leased.lease.lane.clone();
            let last_tick = leased
                .last_tick
                .map(|last| if is_far_ahead(last, now) { now } else { last });
            let own = OwnLane {
                lease: leased.lease,
                last_tick,
            };
            self.lanes.own.insert(lane, own);
        }
        let mut jobs = vec![];
        if !won.is_empty() {
            self.lanes.has_told = false;
            jobs.push(tell(now, What::LanesWon(lanes)));
        }
        jobs.extend(self.take_over((won, handover.sent_by_starts), handover.read, now));
        jobs
    }
}
