//! What the store remembers for every process that uses it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::command::Command;
use super::narrate;
use super::schedule::Schedule;
use super::state::{Input, Loaded};
use crate::db::{DbError, Store, WATCH_LIST_MARK};
use crate::model::WatchEdit;

/// A job on the settings or the watch list. Errands run in order: of two quick changes the later
/// must stay, and a read must not bring back what was changed before it.
#[derive(Debug)]
pub(super) enum Errand {
    /// Save a value under a name.
    Save(&'static str, String),
    /// Change the watch list.
    EditList(WatchEdit),
    /// Read all settings; the number is how often this process had changed them.
    Read(u32),
}

impl Errand {
    /// Does it, and returns what the engine must know about it.
    pub(super) async fn done(self, store: Arc<dyn Store>) -> Option<Input> {
        match self {
            Self::Save(name, value) => {
                let saved = store.set_setting(name, value).await;
                saved.err().map(Input::StoreFailed)
            }
            Self::EditList(edit) => Some(match store.edit_watch_list(edit.clone()).await {
                Ok(edited) if edited.is_changed => Input::ListEdited,
                Ok(edited) => {
                    let why = narrate::why_unchanged(&edit, &edited);
                    Input::Refused(Command::EditList(edit), why)
                }
                Err(error) => Input::StoreFailed(error),
            }),
            Self::Read(changed) => Some(match remembered(&store).await {
                Ok(remembered) => Input::Loaded(Loaded::Settings(changed, remembered)),
                Err(error) => Input::StoreFailed(error),
            }),
        }
    }
}

/// What any process may change while others run.
#[derive(Debug, Default)]
pub struct Remembered {
    /// The schedule.
    pub schedule: Option<Schedule>,
    /// Whether it is paused.
    pub is_paused: bool,
    /// The mark of the watch list: a new one after every change.
    pub list: Option<String>,
    /// The last instant of the schedule that was acted on.
    pub last_tick: Option<DateTime<Utc>>,
}

/// Reads what the store remembers.
pub(super) async fn remembered(store: &Arc<dyn Store>) -> Result<Remembered, DbError> {
    let mut all = store.settings().await?;
    let schedule = all.remove("schedule");
    let last_tick = all.remove("last_tick");
    Ok(Remembered {
        schedule: schedule.and_then(|text| serde_json::from_str(&text).ok()),
        is_paused: all.get("paused").is_some_and(|text| text == "true"),
        list: all.remove(WATCH_LIST_MARK),
        last_tick: last_tick.and_then(|text| text.parse().ok()),
    })
}
