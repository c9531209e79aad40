//! The engine's lanes: its beat, its end, and what is noted in each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Message};
use crate::model::SourceId;
use crate::model::causes::Causes;
use crate::model::tick::Tick;
use crate::pipeline::beat::Beating;
use crate::pipeline::errand::Errand;
use crate::pipeline::state::Input;

/// How long an engine that ends tries to give its lanes back.
const PARTING: Duration = Duration::from_secs(1);

impl Engine {
    /// Says that this engine is there, unless it is just doing so: renews its lanes, and takes free ones.
    pub(super) fn beat(&mut self) {
        if self
            .beating
            .as_ref()
            .is_some_and(|beat| !beat.is_finished())
        {
            return;
        }
        self.wanted = self.state.wanted_lanes();
        let Some(wanted) = self.wanted.clone() else {
            return;
        };
        let now = self.pipeline.clock.now();
        let beating = Beating {
            pipeline: Arc::clone(&self.pipeline),
            watching: self.watching.clone(),
            home: self.home.clone(),
            lease: self.lease,
            wanted,
            held: self.state.leases(),
            is_present: self.presence.is_some(),
            trust: self.trust.clone(),
            last_instant: self.state.last_instant(now),
            shows_engines: self.state.shows_engines(),
        };
        let read_only = self.read_only;
        let beat = self.supervise(Input::Crashed, async move {
            let beat = if read_only {
                beating.look().await
            } else {
                beating.beat().await
            };
            Some(match beat {
                Ok((presence, pulse)) => Message::Beat(presence, Box::new(pulse)),
                Err(error) => Message::input(Input::BeatFailed(error)),
            })
        });
        self.beating = Some(beat);
    }

    /// Gives the lanes back, once what is to be written in them is written.
    pub(super) async fn leave(&mut self) {
        let (errand, beat) = (self.last_errand.take(), self.beating.take());
        let (store, engine) = (Arc::clone(&self.pipeline.store), self.home.id);
        let is_known = self.wanted.is_some() && !self.read_only;
        let leaving = async {
            if let Some(errand) = errand {
                let _ = errand.await;
            }
            if let Some(beat) = beat {
                let _ = beat.await;
            }
            if is_known && let Err(error) = store.leave(engine).await {
                tracing::debug!(error = %Causes(&error), "the lanes were not given back");
            }
        };
        let _ = tokio::time::timeout(PARTING, leaving).await;
    }

    /// Notes instants of the schedule, those of each source under the lease of its lane.
    pub(super) fn note_ticks(&mut self, ticks: Vec<Tick>) {
        let mut of_lanes: BTreeMap<SourceId, Vec<Tick>> = BTreeMap::new();
        for tick in ticks {
            of_lanes.entry(tick.source.clone()).or_default().push(tick);
        }
        let leased = of_lanes
            .into_iter()
            .filter_map(|(source, ticks)| Some((self.state.lease(&source.into())?, ticks)));
        let (leased, now) = (leased.collect(), self.pipeline.clock.now());
        self.errand(Errand::NoteTicks(leased, now));
    }
}
