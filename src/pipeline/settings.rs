//! What the store remembers for every process that uses it.

use std::sync::Arc;

use super::schedule::Schedule;
use crate::db::{DbError, Store, WATCH_LIST_MARK};

/// What any process may change while others run.
#[derive(Debug, Default)]
pub struct Remembered {
    /// The schedule.
    pub schedule: Option<Schedule>,
    /// Whether it is paused.
    pub is_paused: bool,
    /// The mark of the watch list: a new one after every change.
    pub list: Option<String>,
}

/// Reads what the store remembers.
pub(super) async fn remembered(store: &Arc<dyn Store>) -> Result<Remembered, DbError> {
    let mut all = store.settings().await?;
    let schedule = all.remove("schedule");
    Ok(Remembered {
        schedule: schedule.and_then(|text| serde_json::from_str(&text).ok()),
        is_paused: all.get("paused").is_some_and(|text| text == "true"),
        list: all.remove(WATCH_LIST_MARK),
    })
}
