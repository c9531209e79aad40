//! Which source's bar `bars_best` shows where several have one.

use sqlx::{Connection, PgConnection};

use super::super::row::ranked;
use super::Outcome;
use crate::model::SourceId;

/// Ranks the sources that have or had bars here, or may have them; writes only what differs.
pub async fn set(connection: &mut PgConnection, order: Vec<SourceId>) -> Outcome<()> {
    let stored: Vec<String> =
        sqlx::query_scalar("SELECT source::text FROM source_ranks ORDER BY rank")
            .fetch_all(&mut *connection)
            .await?;
    let known: Vec<String> = sqlx::query_scalar(
        "SELECT source::text FROM unnest(enum_range(NULL::bar_source)) AS source",
    )
    .fetch_all(&mut *connection)
    .await?;
    let order: Vec<_> = order
        .into_iter()
        .filter(|source| known.iter().any(|word| word == source.as_str()))
        .collect();
    let Some(wanted) = ranked(&stored, &order) else {
        return Ok(());
    };
    let mut tx = connection.begin().await?;
    sqlx::query("LOCK TABLE source_ranks IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *tx)
        .await?;
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
pub async fn add(connection: &mut PgConnection, source: &str) -> Outcome<()> {
    sqlx::query(
        "INSERT INTO source_ranks (source, rank) \
         SELECT source_of($1), coalesce(max(rank) + 1, 0) FROM source_ranks ON CONFLICT DO NOTHING",
    )
    .bind(source)
    .execute(connection)
    .await?;
    Ok(())
}
