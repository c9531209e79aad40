//! Pauses that providers ask for, kept in the store: neither a restart nor another process forgets a
//! ban.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::lane::Lane;
use super::run::Pipeline;
use super::source::{Pause, Refusal};
use crate::db::DbError;
use crate::model::ErrorClass;

/// A shorter pause is over before another process starts.
const WORTH_KEEPING: Duration = Duration::from_secs(10);

/// A pause as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptPause {
    until: DateTime<Utc>,
    class: String,
    text: String,
}

/// The name of the setting with the pause of a lane.
fn name(lane: &Lane) -> String {
    let credential = &lane.credential;
    format!("pause.{}.{}", credential.source, credential.fingerprint)
}

impl Pipeline {
    /// Keeps the pause that a provider has just asked a lane for.
    pub(super) async fn keep_pause(&self, lane: &Lane) -> Result<(), DbError> {
        let Some(Pause { why, left }) = lane.source.pause() else {
            return Ok(());
        };
        if left < WORTH_KEEPING {
            return Ok(());
        }
        let kept = KeptPause {
            until: self.clock.now() + TimeDelta::from_std(left).unwrap_or_default(),
            class: why.class.to_string(),
            text: why.text,
        };
        match serde_json::to_string(&kept) {
            Ok(value) => self.store.set_setting(name(lane).into(), value).await,
            Err(_) => Ok(()),
        }
    }

    /// Holds the pauses that were kept.
    pub(super) async fn recall_pauses(&self) -> Result<(), DbError> {
        let settings = self.store.settings().await?;
        for lane in &self.lanes {
            let kept = settings.get(&name(lane));
            if let Some(pause) = kept.and_then(|kept| recalled(kept, self.clock.now())) {
                lane.source.hold(pause);
            }
        }
        Ok(())
    }
}

/// What is left of a kept pause; nothing if it is over or cannot be read.
fn recalled(kept: &str, now: DateTime<Utc>) -> Option<Pause> {
    let kept: KeptPause = serde_json::from_str(kept).ok()?;
    let left = (kept.until - now).to_std().ok()?;
    let class: ErrorClass = kept.class.parse().ok()?;
    (!left.is_zero()).then(|| Pause {
        why: Refusal::new(class, kept.text),
        left,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_pause_lasts_until_its_end_and_no_longer() {
        let kept = r#"{"until":"2026-11-20T15:00:30Z","class":"blocked","text":"banned"}"#;
        let left = |now: &str| recalled(kept, now.parse().unwrap());
        let pause = left("2026-11-20T15:00:00Z").unwrap();
        assert_eq!(
            (pause.left, pause.why.class, pause.why.text.as_str()),
            (Duration::from_secs(30), ErrorClass::Blocked, "banned")
        );
        assert_eq!(left("2026-11-20T15:00:30Z"), None);
        assert_eq!(recalled("not JSON", DateTime::UNIX_EPOCH), None);
        let unknown = kept.replace("blocked", "sleepy");
        assert_eq!(recalled(&unknown, DateTime::UNIX_EPOCH), None);
    }
}
