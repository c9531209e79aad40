//! Forgetting history.

use sqlx::SqliteConnection;

use super::super::upkeep::{self, Forgettable, KeptBounds, bounds};
use super::Outcome as Done;
use super::transaction::begin;
use crate::model::Retention;

const BOUNDS: &str = bounds!(
    "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || $2 || ' days')",
    "strftime('%Y-%m-%d %H:%M:%f', 'now', '-2 days')"
);

pub async fn forgettable(connection: &mut SqliteConnection, kept: Retention) -> Done<Forgettable> {
    let bounds: KeptBounds = sqlx::query_as(BOUNDS)
        .bind(i64::from(kept.rows))
        .bind(i64::from(kept.days))
        .fetch_one(connection)
        .await?;
    Ok(bounds.forgettable())
}

pub async fn forget(connection: &mut SqliteConnection, upto: Forgettable, most: u32) -> Done<u64> {
    let mut tx = begin(connection).await?;
    let of_runs = upkeep::OF_RUNS.map(|statement| (statement, upto.run));
    let others = [
        (upkeep::EVENTS, upto.event),
        (upkeep::REJECTED, upto.rejected),
        (upkeep::TICKS, upto.tick),
    ];
    let mut gone = 0;
    for (statement, last) in of_runs.into_iter().chain(others) {
        gone += sqlx::query(statement)
            .bind(last)
            .bind(i64::from(most))
            .execute(&mut *tx)
            .await?
            .rows_affected();
    }
    tx.commit().await?;
    Ok(gone)
}
