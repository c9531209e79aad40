//! The engine's errands at the store: what is saved, changed and read there in a fixed order.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::command::Command;
use super::narrate;
use super::settings::remembered;
use super::show;
use super::state::{Input, Loaded};
use crate::db::{DbError, DbErrorKind, Store};
use crate::model::tick::Tick;
use crate::model::{Lease, WatchEdit};

/// A job on the settings or the watch list. Errands run in order: of two quick changes the later
/// must stay, and a read must not bring back what was changed before it.
#[derive(Debug)]
pub(super) enum Errand {
    /// Save a value under a name.
    Save(&'static str, String),
    /// Remember up to when the schedule was acted on in the lane of a lease.
    ActedOn(Lease, DateTime<Utc>),
    /// Say for every lane that another schedule is followed from an instant on.
    FollowFrom(DateTime<Utc>),
    /// Note what became of instants of the schedule, those of each lane under its lease, and read them again
    /// at the engine's clock.
    NoteTicks(Vec<(Lease, Vec<Tick>)>, DateTime<Utc>),
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
            Self::ActedOn(lease, at) => {
                let saved = store.save_last_tick(lease, at).await;
                saved.err().filter(is_of_the_store).map(Input::StoreFailed)
            }
            Self::FollowFrom(at) => store.follow_from(at).await.err().map(Input::StoreFailed),
            Self::NoteTicks(ticks, now) => Some(match note(&store, ticks).await {
                Ok(()) => match show::ticks(&store, now).await {
                    Ok(ticks) => Input::Loaded(Loaded::Ticks(ticks)),
                    Err(error) => Input::StoreFailed(error),
                },
                Err((ticks, error)) => Input::TicksUnnoted(ticks, error),
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

/// Whether a failure is one of the store. That another engine has the lane, the next beat tells.
fn is_of_the_store(error: &DbError) -> bool {
    error.kind != DbErrorKind::Superseded
}

/// Notes ticks, those of each lane under its lease; those of a lane that is lost are its new owner's. Returns
/// what could not be noted.
async fn note(
    store: &Arc<dyn Store>,
    ticks: Vec<(Lease, Vec<Tick>)>,
) -> Result<(), (Vec<Tick>, DbError)> {
    let (mut unnoted, mut failed) = (vec![], None);
    for (lease, ticks) in ticks {
        let noted = store.under(lease).note_ticks(ticks.clone()).await;
        if let Some(error) = noted.err().filter(is_of_the_store) {
            unnoted.extend(ticks);
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), |error| Err((unnoted, error)))
}
