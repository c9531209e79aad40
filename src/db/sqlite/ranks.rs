//! Which source's bar `bars_best` shows where several have one.

use sqlx::SqliteConnection;

use super::super::row::ranked;
use super::Outcome;
use super::transaction::begin;
use crate::model::SourceId;

/// Ranks the sources; writes only what differs.
pub async fn set(connection: &mut SqliteConnection, order: Vec<SourceId>) -> Outcome<()> {
    let stored: Vec<String> = sqlx::query_scalar("SELECT source FROM source_ranks ORDER BY rank")
        .fetch_all(&mut *connection)
        .await?;
    let Some(wanted) = ranked(&stored, &order) else {
        return Ok(());
    };
    let mut tx = begin(connection).await?;
    sqlx::query("DELETE FROM source_ranks")
        .execute(&mut *tx)
        .await?;
    for source in wanted {
        add(&mut tx, &source).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Ranks a source after the others, unless it has its rank.
pub async fn add(connection: &mut SqliteConnection, source: &str) -> Outcome<()> {
    sqlx::query(
        "INSERT INTO source_ranks (source, rank) SELECT $1, coalesce(max(rank) + 1, 0) FROM source_ranks \
         WHERE true ON CONFLICT (source) DO NOTHING",
    )
    .bind(source)
    .execute(connection)
    .await?;
    Ok(())
}
