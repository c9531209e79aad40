//! What is kept on the desk: the watch list, the list of symbols, and what the engine remembers.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::error::Result;
use crate::model::{
    Declarations, Learnt, Listing, RequestId, SeriesKey, SourceId, WatchEdit, WatchEdited,
};

/// What a store keeps besides bars, requests and runs.
#[async_trait]
pub trait DeskStore: fmt::Debug + Send + Sync {
    /// The watch list, in the order in which series were added.
    async fn watch_list(&self) -> Result<Vec<SeriesKey>>;

    /// What is declared of the series of the watch list; one that is not among them has the defaults.
    async fn declared(&self) -> Result<Declarations>;

    /// When each series of the watch list was put on it, by the store's clock.
    async fn added(&self) -> Result<HashMap<SeriesKey, DateTime<Utc>>>;

    /// When one series was put on it; `None`: it is not there.
    async fn added_at(&self, series: SeriesKey) -> Result<Option<DateTime<Utc>>>;

    /// Puts series into the watch list if it is empty; returns the list as it then is.
    async fn fill_watch_list(&self, series: Vec<SeriesKey>) -> Result<Vec<SeriesKey>>;

    /// Changes the watch list in one transaction, which gives it another [mark](super::WATCH_LIST_MARK).
    /// An edit that changes nothing writes nothing.
    async fn edit_watch_list(&self, edit: WatchEdit) -> Result<WatchEdited>;

    /// Everything the engine remembers, by name.
    async fn settings(&self) -> Result<HashMap<String, String>>;

    /// What the engine remembers under a name.
    async fn setting(&self, name: &'static str) -> Result<Option<String>>;

    /// Remembers something under a name.
    async fn set_setting(&self, name: Cow<'static, str>, value: String) -> Result<()>;

    /// Ranks the sources for `bars_best`: where several have a bar, it is that of the first.
    async fn rank_sources(&self, order: Vec<SourceId>) -> Result<()>;

    /// What is known of a source's symbols, and when it sent its list; `None`: none is stored.
    async fn listings(&self, source: SourceId) -> Result<(Option<DateTime<Utc>>, Vec<Listing>)>;

    /// Adds what an answer says to what is known of the symbols of its source, as
    /// [`learn`](crate::model::listing::learn) does, and ends the request, in one transaction. A list
    /// that is older than the stored one adds nothing. Repeating this changes nothing.
    async fn keep_listings(
        &self,
        request: RequestId,
        sent_at: DateTime<Utc>,
        listings: Vec<Listing>,
        learnt: Learnt,
    ) -> Result<()>;
}
