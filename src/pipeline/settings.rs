//! What the store remembers for every process that works on it.

use std::sync::Arc;

use super::schedule::Schedule;
use super::state::{Input, Loaded};
use crate::db::{DbError, Store};

/// Something to be done with the settings. Errands are done in their order: of two changes in a hurry
/// the later must stay, and a reading must not bring back what was changed before it.
#[derive(Debug)]
pub(super) enum Errand {
    /// Save a value under a name.
    Save(&'static str, String),
    /// Read all of them, for a process that had changed them so often.
    Read(u32),
}

impl Errand {
    /// Does it, and says what the engine must know of it.
    pub(super) async fn done(self, store: Arc<dyn Store>) -> Option<Input> {
        match self {
            Self::Save(name, value) => {
                let saved = store.set_setting(name, value).await;
                saved.err().map(Input::StoreFailed)
            }
            Self::Read(changed) => Some(match remembered(&store).await {
                Ok((schedule, paused)) => {
                    Input::Loaded(Loaded::Settings(changed, schedule, paused))
                }
                Err(error) => Input::StoreFailed(error),
            }),
        }
    }
}

/// The schedule that the store remembers, and whether it is paused.
pub(super) async fn remembered(
    store: &Arc<dyn Store>,
) -> Result<(Option<Schedule>, bool), DbError> {
    let schedule = store.setting("schedule").await?;
    let paused = store.setting("paused").await?;
    Ok((
        schedule.and_then(|text| serde_json::from_str(&text).ok()),
        paused.as_deref() == Some("true"),
    ))
}
