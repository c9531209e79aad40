//! The watch list and its changes.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::super::row;
use super::super::watched::{self, AddedRow, DeclaredRow, Rewrite, Row};
use super::transaction::begin;
use super::{Outcome, settings};
use crate::model::{Declarations, Declared, SeriesKey, WatchEdit, WatchEdited};

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

/// What is declared of each series that has not the defaults.
pub async fn declared(connection: &mut SqliteConnection) -> Outcome<Declarations> {
    let rows: Vec<DeclaredRow> = sqlx::query_as(
        "SELECT source, symbol, interval, adjusted, since, priority, fresh_within, series_group, fills FROM series \
         WHERE since IS NOT NULL OR priority <> 'normal' OR fresh_within IS NOT NULL \
               OR series_group IS NOT NULL OR fills IS NOT NULL",
    )
    .fetch_all(connection)
    .await?;
    Ok(watched::declarations(rows)?)
}

/// When each series was put on the list.
pub async fn added(
    connection: &mut SqliteConnection,
) -> Outcome<HashMap<SeriesKey, DateTime<Utc>>> {
    let rows: Vec<AddedRow> =
        sqlx::query_as("SELECT source, symbol, interval, adjusted, added_at FROM series")
            .fetch_all(connection)
            .await?;
    Ok(watched::added(rows)?)
}

/// When one series was put on the list.
pub async fn added_at(
    connection: &mut SqliteConnection,
    series: SeriesKey,
) -> Outcome<Option<DateTime<Utc>>> {
    let added_at = sqlx::query_scalar(
        "SELECT added_at FROM series \
         WHERE source = $1 AND symbol = $2 AND interval = $3 AND adjusted = $4",
    )
    .bind(series.source.as_str())
    .bind(series.symbol.as_str())
    .bind(series.interval.as_str())
    .bind(series.adjusted);
    Ok(added_at.fetch_optional(connection).await?)
}

pub async fn fill(
    connection: &mut SqliteConnection,
    series: Vec<SeriesKey>,
) -> Outcome<Vec<SeriesKey>> {
    let mut tx = begin(connection).await?;
    let is_empty: bool = sqlx::query_scalar("SELECT NOT EXISTS (SELECT 1 FROM series)")
        .fetch_one(&mut *tx)
        .await?;
    if is_empty {
        let list = WatchEdit::Add(series).apply(&[]).list;
        write(&mut tx, watched::rewrite(vec![], &[], &list)).await?;
        settings::set(&mut tx, watched::MARK, watched::new_mark()).await?;
    }
    tx.commit().await?;
    read(connection).await
}

pub async fn edit(connection: &mut SqliteConnection, edit: WatchEdit) -> Outcome<WatchEdited> {
    let mut tx = begin(connection).await?;
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, source, symbol, interval, adjusted, settings, added_at FROM series ORDER BY id",
    )
    .fetch_all(&mut *tx)
    .await?;
    let declared = declared(&mut tx).await?;
    let change = watched::change(&edit, rows, &declared)?;
    if let Some(rewrite) = change.rewrite {
        write(&mut tx, rewrite).await?;
    }
    if !change.declare.is_empty() {
        declare(&mut tx, &change.declare).await?;
    }
    if change.edited.is_changed {
        settings::set(&mut tx, watched::MARK, watched::new_mark()).await?;
    }
    tx.commit().await?;
    Ok(change.edited)
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
    Ok(())
}

/// Writes what is declared of series on the list.
async fn declare(connection: &mut SqliteConnection, rows: &[(SeriesKey, Declared)]) -> Outcome<()> {
    sqlx::query(
        "UPDATE series SET since = value->>'$[1].since', priority = value->>'$[1].priority', \
                fresh_within = value->>'$[1].fresh_within', series_group = value->>'$[1].group', \
                fills = value->>'$[1].fills' \
         FROM json_each($1) \
         WHERE source = value->>'$[0].source' AND symbol = value->>'$[0].symbol' \
               AND interval = value->>'$[0].interval' AND adjusted = value->>'$[0].adjusted'",
    )
    .bind(row::json(&rows)?)
    .execute(connection)
    .await?;
    Ok(())
}
