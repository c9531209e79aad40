//! The store: one trait of ten parts, PostgreSQL and SQLite behind it.
//!
//! Writes run in separate tasks, so that a caller that goes away never leaves a transaction half
//! done; a connection that had an error or missed a deadline is closed, never pooled again.

mod alerts;
mod bars;
mod coverage;
mod desk;
pub mod error;
mod events;
mod lanes;
mod ledger;
mod listings;
mod migration;
mod postgres;
mod row;
mod runs;
mod schema;
mod sqlite;
mod store;
mod tail;
mod ticks;
mod upkeep;
mod upsert;
mod watched;
mod work;

use std::path::Path;
use std::sync::Arc;

use crate::model::Interval;

pub use alerts::{AlertStore, Undelivered};
pub(crate) use bars::{Alike, alike};
pub use bars::{BarQuery, BarStore, HeldMonths, Holding, LastFailure, Order, SeriesFacts};
pub use desk::DeskStore;
pub use error::{DbError, DbErrorKind, Result};
pub use events::{EventStore, EventsAsked};
pub use lanes::{Beat, LaneStore, LeasedLane};
pub use ledger::{
    Credential, Entitlement, KeptAnswer, LedgerStore, RequestEnd, RequestRow, Reservation,
    Reserved, StoredAnswer,
};
pub use postgres::PgTarget;
pub use runs::{ActiveRun, RunDetail, RunLock, RunStore};
pub use store::{Access, Adoption, Backend, Health, Size, Store};
pub use tail::{CountedTo, EndedSince, EventCursor, Happened, TailStore};
pub use ticks::TickStore;
pub use upkeep::{Forgettable, UpkeepStore};
pub use watched::MARK as WATCH_LIST_MARK;

/// Opens an SQLite file, creating it if allowed.
pub async fn open_sqlite(path: &Path, access: Access) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(sqlite::SqliteStore::open(path, access).await?))
}

/// Connects to PostgreSQL.
pub async fn open_postgres(target: PgTarget, access: Access) -> Result<Arc<dyn Store>> {
    let opened = Box::pin(postgres::PgStore::open(target, access));
    Ok(Arc::new(opened.await?))
}

/// What the first start would create in an SQLite file; `None` if nothing is missing.
pub async fn preview_sqlite(path: &Path) -> Result<Option<String>> {
    sqlite::SqliteStore::preview(path).await
}

/// What the first start would create in a database on a server; `None` if nothing is missing. Fails
/// if the start would be refused.
pub async fn preview_postgres(target: PgTarget) -> Result<Option<String>> {
    Box::pin(postgres::PgStore::preview(target)).await
}

/// Takes over the bars that the pipeline which this program replaces has stored on a server, as bars
/// of one interval. A trial changes nothing, and says the same.
pub async fn adopt_postgres(
    target: PgTarget,
    interval: Interval,
    is_trial: bool,
) -> Result<Adoption> {
    Box::pin(postgres::adopt(target, interval, is_trial)).await
}
