//! The watch list and its changes.

use sqlx::{Connection, SqliteConnection};

use super::super::row;
use super::super::watched::{self, Rewrite, Row};
use super::{Outcome, settings};
use crate::model::{SeriesKey, WatchEdit, WatchEdited};

pub async fn read(connection: &mut SqliteConnection) -> Outcome<Vec<SeriesKey>> {
    let rows: Vec<(String, String, String, bool)> =
        sqlx::query_as("SELECT source, symbol, interval, adjusted FROM series ORDER BY id")
            .fetch_all(connection)
            .await?;
    rows.into_iter()
        .map(|(source, symbol, interval, adjusted)| {
            Ok(row::series_key(&source, &symbol, &interval, adjusted)?)
        })
        .collect()
}

pub async fn fill(
    connection: &mut SqliteConnection,
    series: Vec<SeriesKey>,
) -> Outcome<Vec<SeriesKey>> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let is_empty: bool = sqlx::query_scalar("SELECT NOT EXISTS (SELECT 1 FROM series)")
        .fetch_one(&mut *tx)
        .await?;
    if is_empty {
        let list = WatchEdit::Add(series).apply(&[]).list;
        write(&mut tx, watched::rewrite(vec![], &[], &list)).await?;
    }
    tx.commit().await?;
    read(connection).await
}

pub async fn edit(connection: &mut SqliteConnection, edit: WatchEdit) -> Outcome<WatchEdited> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, source, symbol, interval, adjusted, settings, added_at FROM series ORDER BY id",
    )
    .fetch_all(&mut *tx)
    .await?;
    let before = watched::keys(&rows)?;
    let edited = edit.apply(&before);
    if edited.is_changed {
        write(&mut tx, watched::rewrite(rows, &before, &edited.list)).await?;
    }
    tx.commit().await?;
    Ok(edited)
}

/// One statement for all rows, however many: they are sent as one list in JSON.
async fn write(connection: &mut SqliteConnection, rewrite: Rewrite) -> Outcome<()> {
    sqlx::query("DELETE FROM series WHERE id IN (SELECT value FROM json_each($1))")
        .bind(row::json(&rewrite.delete)?)
        .execute(&mut *connection)
        .await?;
    let rows: Vec<_> = rewrite
        .insert
        .iter()
        .map(|(key, kept)| {
            let kept = kept.as_ref();
            (
                key,
                kept.map(|kept| &kept.settings),
                kept.map(|kept| &kept.added_at),
            )
        })
        .collect();
    sqlx::query(
        "INSERT INTO series (source, symbol, interval, adjusted, settings, added_at) \
         SELECT value->>'$[0].source', value->>'$[0].symbol', value->>'$[0].interval', value->>'$[0].adjusted', \
                coalesce(value->>1, '{}'), coalesce(value->>2, strftime('%Y-%m-%d %H:%M:%f', 'now')) \
         FROM json_each($1) ORDER BY key",
    )
    .bind(row::json(&rows)?)
    .execute(&mut *connection)
    .await?;
    settings::set(connection, watched::MARK, watched::new_mark()).await
}
