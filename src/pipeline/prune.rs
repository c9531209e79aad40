//! Forgets history that is old or more than is kept, a little at a time.

use super::run::Pipeline;
use crate::db::DbError;
use crate::model::Retention;

/// Rows of each table that one transaction deletes: others wait for it for milliseconds.
const PIECE: u32 = 1_000;
/// Pieces of one go; what is left then is for the next.
const PIECES: u32 = 200;

impl Pipeline {
    /// Forgets what is not kept; returns how many rows that were.
    pub async fn prune(&self, kept: Retention) -> Result<u64, DbError> {
        let upto = self.store.forgettable(kept).await?;
        let mut all = 0;
        for _ in 0..PIECES {
            match self.store.forget(upto, PIECE).await? {
                0 => break,
                gone => all += gone,
            }
        }
        if all > 0 {
            tracing::info!(rows = all, "history that is no longer kept was deleted");
        }
        Ok(all)
    }
}
