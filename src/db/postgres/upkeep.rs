//! Forgetting history.

use sqlx::{Connection, PgConnection};

use super::super::upkeep::{self, Forgettable, KeptBounds, bounds};
use super::Outcome as Done;
use crate::model::Retention;

const BOUNDS: &str = bounds!(
    "clock_timestamp() - $2 * interval '1 day'",
    "clock_timestamp() - interval '2 days'"
);

pub async fn forgettable(connection: &mut PgConnection, kept: Retention) -> Done<Forgettable> {
    let bounds: KeptBounds = sqlx::query_as(BOUNDS)
        .bind(i64::from(kept.rows))
        .bind(kept.days.cast_signed())
        .fetch_one(connection)
        .await?;
    Ok(bounds.forgettable())
}

pub async fn forget(connection: &mut PgConnection, upto: Forgettable, most: u32) -> Done<u64> {
    let mut tx = connection.begin().await?;
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
