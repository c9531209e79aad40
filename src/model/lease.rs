//! What one engine alone does, and for how long: lanes, their leases, and the engines that have them.
//! Pure.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::SourceId;

/// An engine that beats works at least this often. One that was silent for longer is late.
const SILENCE: TimeDelta = TimeDelta::seconds(5);

/// An engine: one process, from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EngineId(pub Uuid);

impl EngineId {
    /// Another one.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::new_v4())
    }
}

impl Default for EngineId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for EngineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What one engine alone does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LaneName {
    /// The scheduled requests to a source.
    Source(SourceId),
    /// What belongs to no source: alerts, and forgetting history.
    Upkeep,
}

/// The word for the upkeep, which no source has.
const UPKEEP: &str = "upkeep";

impl LaneName {
    /// The word for it in databases: that of its source, or `upkeep`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Source(source) => source.as_str(),
            Self::Upkeep => UPKEEP,
        }
    }

    /// Its source; `None`: the upkeep.
    #[must_use]
    pub const fn source(&self) -> Option<&SourceId> {
        match self {
            Self::Source(source) => Some(source),
            Self::Upkeep => None,
        }
    }
}

impl fmt::Display for LaneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for LaneName {
    type Err = super::source::SourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            UPKEEP => Ok(Self::Upkeep),
            source => source.parse().map(Self::Source),
        }
    }
}

impl From<SourceId> for LaneName {
    fn from(source: SourceId) -> Self {
        Self::Source(source)
    }
}

/// The right of an engine to a lane. The epoch grows whenever a lane is taken, so that what an earlier
/// lease allowed is known from what this one allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The lane.
    pub lane: LaneName,
    /// Who has it.
    pub engine: EngineId,
    /// How many times the lane was taken, this time included.
    pub epoch: i64,
}

/// How long an engine is kept after its last beat, so that a person sees what became of it.
pub const ENGINE_KEPT: TimeDelta = TimeDelta::hours(1);

/// Where an engine runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineHome {
    /// Which engine.
    pub id: EngineId,
    /// The name of its machine.
    pub host: String,
    /// Its process there.
    pub pid: u32,
    /// Its version of this program.
    pub version: String,
}

/// An engine as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineStatus {
    /// Which, and where.
    pub home: EngineHome,
    /// When it started, by the database's clock, as the next two.
    pub started_at: DateTime<Utc>,
    /// When it was last heard of.
    pub beat_at: DateTime<Utc>,
    /// When it ended in order.
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether its process is not known to be dead.
    pub lives: bool,
    /// The lanes that it has.
    pub lanes: Vec<LaneName>,
    /// Requests that its schedule has sent in the last hour.
    pub requests: u64,
}

/// The engines that share a store: those that work, and those that were heard of lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engines {
    /// The database's clock.
    pub now: DateTime<Utc>,
    /// Each of them, the last that was heard of first.
    pub all: Vec<EngineStatus>,
}

impl EngineStatus {
    /// Whether it works at an instant of the database's clock.
    #[must_use]
    pub fn works(&self, now: DateTime<Utc>) -> bool {
        self.lives && self.ended_at.is_none() && now - self.beat_at <= SILENCE
    }

    /// When it was last known to be there.
    #[must_use]
    pub fn last_seen(&self) -> DateTime<Utc> {
        self.ended_at.unwrap_or(self.beat_at)
    }
}

impl Engines {
    /// Whether an engine works and has a lane.
    #[must_use]
    pub fn is_one_at_work(&self) -> bool {
        let works = |engine: &&EngineStatus| engine.works(self.now) && !engine.lanes.is_empty();
        self.all.iter().any(|engine| works(&engine))
    }

    /// Since when none does, as far as is known; `None`: one does, or there was none yet.
    #[must_use]
    pub fn none_since(&self) -> Option<DateTime<Utc>> {
        if self.is_one_at_work() {
            return None;
        }
        self.all.iter().map(EngineStatus::last_seen).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(beat: i64, lanes: &[LaneName]) -> EngineStatus {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        EngineStatus {
            home: EngineHome {
                id: EngineId::new(),
                host: "here".into(),
                pid: 1,
                version: "1".into(),
            },
            started_at: at(0),
            beat_at: at(beat),
            ended_at: None,
            lives: true,
            lanes: lanes.to_vec(),
            requests: 0,
        }
    }

    fn engines(all: Vec<EngineStatus>) -> Engines {
        let now = DateTime::from_timestamp(100, 0).unwrap();
        Engines { now, all }
    }

    #[test]
    fn an_engine_works_while_it_lives_beats_and_has_a_lane() {
        let good = || engine(95, &[LaneName::Upkeep]);
        assert!(engines(vec![good()]).is_one_at_work());
        assert_eq!(engines(vec![good()]).none_since(), None);
        let dead = EngineStatus {
            lives: false,
            ..good()
        };
        let ended = EngineStatus {
            ended_at: DateTime::from_timestamp(98, 0),
            ..good()
        };
        for (engine, since) in [
            (dead, 95),
            (ended, 98),
            (engine(94, &[LaneName::Upkeep]), 94),
            (engine(95, &[]), 95),
        ] {
            let alone = engines(vec![engine]);
            assert!(!alone.is_one_at_work());
            assert_eq!(alone.none_since(), DateTime::from_timestamp(since, 0));
        }
        assert_eq!(engines(vec![]).none_since(), None, "there was none yet");
    }

    #[test]
    fn a_lane_is_named_by_its_source_or_is_the_upkeep() {
        for name in [LaneName::Upkeep, LaneName::Source(SourceId::DEFAULT)] {
            assert_eq!(name.as_str().parse::<LaneName>().unwrap(), name);
            assert_eq!(name.to_string(), name.as_str());
        }
        let engine = EngineId(Uuid::from_u128(7));
        assert_eq!(engine.to_string(), "00000000-0000-0000-0000-000000000007");
        assert!("Not a word".parse::<LaneName>().is_err());
    }
}
