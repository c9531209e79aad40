//! The engine's errands at the store: what is saved, changed and read there in a fixed order.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::command::Command;
use super::narrate;
use super::settings::remembered;
use super::show;
use super::state::{Input, Loaded};
use crate::db::Store;
use crate::model::WatchEdit;
use crate::model::tick::Tick;

/// A job on the settings or the watch list. Errands run in order: of two quick changes the later
/// must stay, and a read must not bring back what was changed before it.
#[derive(Debug)]
pub(super) enum Errand {
    /// Save a value under a name.
    Save(&'static str, String),
    /// Note what became of instants of the schedule, and read them again at the engine's clock.
    NoteTicks(Vec<Tick>, DateTime<Utc>),
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
                let saved = store.set_setting(name.into(), value).await;
                saved.err().map(Input::StoreFailed)
            }
            Self::NoteTicks(ticks, now) => Some(match store.note_ticks(ticks.clone()).await {
                Ok(()) => match show::ticks(&store, now).await {
                    Ok(ticks) => Input::Loaded(Loaded::Ticks(ticks)),
                    Err(error) => Input::StoreFailed(error),
                },
                Err(error) => Input::TicksUnnoted(ticks, error),
            }),
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
