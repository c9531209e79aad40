//! The lanes that this engine has, and for whom a run asks: values.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::model::{LaneName, Lease, SourceId};

/// A lane that this engine has.
#[derive(Debug)]
pub(super) struct OwnLane {
    pub lease: Lease,
    /// The last instant of the schedule that was acted on.
    pub last_tick: Option<DateTime<Utc>>,
}

/// The lanes of this engine, and what it knows of the others.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    pub own: BTreeMap<LaneName, OwnLane>,
    /// The sources of the watch list that this version knows; `None`: the list was not read yet.
    pub listed: Option<BTreeSet<SourceId>>,
    /// Whether it was told that another engine has the lanes.
    pub has_told: bool,
    /// Whether no engine works, as far as is known.
    pub no_engine: bool,
}

/// For whom a run asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asker {
    /// A person: for any series, without a lane.
    Person,
    /// The schedule, in the lanes of these sources.
    Schedule(BTreeSet<SourceId>),
}

impl Asker {
    /// Whether what is asked for concerns a source.
    pub(super) fn covers(&self, source: &SourceId) -> bool {
        match self {
            Self::Person => true,
            Self::Schedule(sources) => sources.contains(source),
        }
    }

    /// For both in one run.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Schedule(mut sources), Self::Schedule(others)) => {
                sources.extend(others);
                Self::Schedule(sources)
            }
            _ => Self::Person,
        }
    }
}

impl Lanes {
    /// Whether it has the lane of a source.
    pub(super) fn has(&self, source: &SourceId) -> bool {
        self.own.keys().any(|lane| lane.source() == Some(source))
    }

    /// Whether it looks after the store.
    pub(super) fn has_upkeep(&self) -> bool {
        self.own.contains_key(&LaneName::Upkeep)
    }

    /// The sources whose schedule it follows.
    pub(super) fn sources(&self) -> BTreeSet<SourceId> {
        self.own
            .keys()
            .filter_map(LaneName::source)
            .cloned()
            .collect()
    }

    /// Whether it follows the schedule: of one source at least, if there is one.
    pub(super) fn follows_schedule(&self) -> bool {
        let lists_none = self.listed.as_ref().is_some_and(BTreeSet::is_empty);
        self.own.keys().any(|lane| lane.source().is_some()) || lists_none && self.has_upkeep()
    }

    /// The leases of these sources.
    pub(super) fn leases<'a>(&self, sources: impl IntoIterator<Item = &'a SourceId>) -> Vec<Lease> {
        let sources: BTreeSet<&SourceId> = sources.into_iter().collect();
        let own = self.own.iter();
        let own = own.filter(|(lane, _)| lane.source().is_some_and(|of| sources.contains(of)));
        own.map(|(_, own)| own.lease.clone()).collect()
    }

    /// The last instant of the schedule that was acted on in the lane of a source.
    pub(super) fn last_tick(&self, source: &SourceId) -> Option<DateTime<Utc>> {
        let mut own = self.own.iter();
        own.find_map(|(lane, own)| (lane.source() == Some(source)).then_some(own.last_tick))?
    }

    /// The last one in any.
    pub(super) fn newest_tick(&self) -> Option<DateTime<Utc>> {
        self.own.values().filter_map(|own| own.last_tick).max()
    }

    /// Up to when the schedule is acted on in the lane of a source.
    pub(super) fn acted(&mut self, source: &SourceId, at: DateTime<Utc>) {
        for (lane, own) in &mut self.own {
            if lane.source() == Some(source) {
                own.last_tick = Some(at);
            }
        }
    }

    /// The same for all.
    pub(super) fn acted_everywhere(&mut self, at: DateTime<Utc>) {
        for own in self.own.values_mut() {
            own.last_tick = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EngineId;

    fn source(name: &str) -> SourceId {
        name.parse().unwrap()
    }

    fn lanes(own: &[&str], listed: Option<&[&str]>) -> Lanes {
        let own = own.iter().map(|name| {
            let lane: LaneName = name.parse().unwrap();
            let lease = Lease {
                lane: lane.clone(),
                engine: EngineId::new(),
                epoch: 1,
            };
            let last_tick = None;
            (lane, OwnLane { lease, last_tick })
        });
        Lanes {
            own: own.collect(),
            listed: listed.map(|names| names.iter().map(|name| source(name)).collect()),
            ..Lanes::default()
        }
    }

    #[test]
    fn one_run_asks_for_both_and_for_all_if_a_person_is_one_of_them() {
        let schedule = |names: &[&str]| {
            let sources = names.iter().map(|name| source(name));
            Asker::Schedule(sources.collect())
        };
        assert_eq!(
            schedule(&["coinbase"]).and(schedule(&["binance"])),
            schedule(&["binance", "coinbase"])
        );
        assert_eq!(Asker::Person.and(schedule(&["binance"])), Asker::Person);
        assert_eq!(schedule(&["binance"]).and(Asker::Person), Asker::Person);
    }

    #[test]
    fn the_schedule_is_followed_with_the_lane_of_a_source_or_with_the_upkeep_of_an_empty_list() {
        for (own, listed, follows) in [
            (&["coinbase"][..], None, true),
            (&["coinbase"], Some(&["coinbase"][..]), true),
            (&["upkeep"], Some(&["coinbase"]), false),
            (&["upkeep"], Some(&[]), true),
            (&["upkeep"], None, false),
            (&[], Some(&[]), false),
        ] {
            let lanes = lanes(own, listed);
            assert_eq!(lanes.follows_schedule(), follows, "{own:?} of {listed:?}");
        }
    }
}
