//! Two engines that share a store, and one that was frozen.

use chrono::TimeDelta;

use super::now;
use crate::model::{EngineHome, EngineId, EngineStatus, Engines, LaneName, SourceId};

/// As the store knows them.
pub fn engines() -> Engines {
    let engine = |(host, pid): (&str, u32), silent, lanes: &[LaneName]| EngineStatus {
        home: EngineHome {
            id: EngineId(uuid::Uuid::from_u128(pid.into())),
            host: host.to_owned(),
            pid,
            version: "0.1.0".to_owned(),
        },
        started_at: now() - TimeDelta::hours(3),
        beat_at: now() - TimeDelta::seconds(silent),
        ended_at: None,
        lives: true,
        lanes: lanes.to_vec(),
        requests: u64::from(pid % 10),
    };
    let alpha = LaneName::Source(SourceId::DEFAULT);
    Engines {
        now: now(),
        all: vec![
            engine(("ada", 4_711), 0, &[LaneName::Upkeep, alpha]),
            engine(("babbage", 982), 2, &[]),
            engine(("curie", 77), 47, &[]),
        ],
    }
}
