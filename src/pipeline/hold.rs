//! What a run of the schedule works under: the lease of each lane, and for how long it may be trusted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::db::Store;
use crate::model::{LaneName, Lease, SourceId};

/// Which leases this engine may rely on, and until when by a clock that nobody sets.
#[derive(Debug, Clone)]
pub struct Trust {
    leases: Vec<Lease>,
    until: Instant,
}

impl Trust {
    /// In these leases, until an instant.
    #[must_use]
    pub const fn new(leases: Vec<Lease>, until: Instant) -> Self {
        Self { leases, until }
    }

    /// In none.
    #[must_use]
    pub fn none() -> Self {
        Self::new(vec![], Instant::now())
    }

    /// Ends what is over by now; says whether there was something.
    pub fn end_in_time(trust: &mut Arc<Self>) -> bool {
        let is_over = trust.is_over(Instant::now());
        if is_over {
            *trust = Arc::new(Self::none());
        }
        is_over
    }

    fn is_over(&self, now: Instant) -> bool {
        !self.leases.is_empty() && now >= self.until
    }

    fn covers(&self, lease: &Lease, now: Instant) -> bool {
        now < self.until && self.leases.contains(lease)
    }
}

/// A lane that a run has.
#[derive(Debug, Clone)]
pub struct LaneHold {
    lease: Lease,
    trust: watch::Receiver<Arc<Trust>>,
    /// Cancelled with the run, and when the lane is lost.
    pub(super) cancel: CancellationToken,
}

impl LaneHold {
    /// A lane that is relied on as far as `trust` says.
    #[must_use]
    pub const fn new(
        lease: Lease,
        trust: watch::Receiver<Arc<Trust>>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            lease,
            trust,
            cancel,
        }
    }

    /// Whether the lane is still this engine's, as far as it may rely on that.
    pub(super) fn is_good(&self) -> bool {
        self.trust.borrow().covers(&self.lease, Instant::now())
    }

    /// The store for what is written in this lane.
    pub(super) fn store(&self, store: &Arc<dyn Store>) -> Arc<dyn Store> {
        store.under(self.lease.clone())
    }
}

/// The lanes of a run; none: a person asked, which needs no lane.
#[derive(Debug, Clone, Default)]
pub struct Holds(BTreeMap<SourceId, LaneHold>);

impl Holds {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &LaneHold> {
        self.0.values()
    }

    /// That of a source.
    pub(super) fn of(&self, source: &SourceId) -> Option<&LaneHold> {
        self.0.get(source)
    }
}

impl FromIterator<LaneHold> for Holds {
    fn from_iter<T: IntoIterator<Item = LaneHold>>(lanes: T) -> Self {
        let of_source = |hold: LaneHold| match &hold.lease.lane {
            LaneName::Source(source) => Some((source.clone(), hold)),
            LaneName::Upkeep => None,
        };
        Self(lanes.into_iter().filter_map(of_source).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::EngineId;

    #[test]
    fn a_lease_is_good_until_its_time_is_over_or_it_is_not_renewed() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let lease = |epoch| Lease {
            lane: LaneName::Upkeep,
            engine: EngineId::default(),
            epoch,
        };
        let (first, other) = (lease(1), lease(2));
        let trust = Trust::new(vec![first.clone()], now + second);
        assert!(trust.covers(&first, now) && !trust.is_over(now));
        assert!(!trust.covers(&other, now), "it was not renewed");
        assert!(!trust.covers(&first, now + second) && trust.is_over(now + second));
        assert!(!Trust::new(vec![], now).is_over(now), "there is none");
    }
}
