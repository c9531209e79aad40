//! Forgets history that is old or more than is kept, a little at a time.

use super::run::Pipeline;
use crate::db::{DbError, DbErrorKind};
use crate::model::{Lease, Retention};

/// Rows of each table that one transaction deletes: others wait for it for milliseconds.
const PIECE: u32 = 1_000;
/// Pieces of one go; what is left then is for the next.
const PIECES: u32 = 200;

impl Pipeline {
    /// Forgets what is not kept, as long as the lease of the upkeep is good; returns how many rows that were.
    pub async fn prune(&self, kept: Retention, upkeep: Lease) -> Result<u64, DbError> {
        let store = self.store.under(upkeep);
        let upto = store.forgettable(kept).await?;
        let mut all = 0;
        for _ in 0..PIECES {
            match store.forget(upto, PIECE).await {
                Ok(0) => break,
                Ok(gone) => all += gone,
                // Another engine goes on with it.
                Err(error) if error.kind == DbErrorKind::Superseded => break,
                Err(error) => return Err(error),
            }
        }
        if all > 0 {
            tracing::info!(rows = all, "history that is no longer kept was deleted");
        }
        Ok(all)
    }
}
