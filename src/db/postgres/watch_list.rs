//! The watch list and its changes.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};

use super::super::row;
use super::super::watched::{self, AddedRow, DeclaredRow, Kept, Rewrite, Row};
use super::{Outcome, settings};
use crate::model::{Declarations, Declared, SeriesKey, WatchEdit, WatchEdited};

/// Of two that change the list, the second sees what the first did; readers are not blocked.
const LOCK: &str = "LOCK TABLE series IN SHARE ROW EXCLUSIVE MODE";

pub async fn read(connection: &mut PgConnection) -> Outcome<Vec<SeriesKey>> {
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
pub async fn declared(connection: &mut PgConnection) -> Outcome<Declarations> {
    let rows: Vec<DeclaredRow> = sqlx::query_as(
        "SELECT source, symbol, interval, adjusted, since::text, priority, fresh_within, series_group, fills FROM series \
         WHERE since IS NOT NULL OR priority <> 'normal' OR fresh_within IS NOT NULL \
               OR series_group IS NOT NULL OR fills IS NOT NULL",
    )
    .fetch_all(connection)
    .await?;
    Ok(watched::declarations(rows)?)
}

/// When each series was put on the list.
pub async fn added(connection: &mut PgConnection) -> Outcome<HashMap<SeriesKey, DateTime<Utc>>> {
    let rows: Vec<AddedRow> =
        sqlx::query_as("SELECT source, symbol, interval, adjusted, added_at FROM series")
            .fetch_all(connection)
            .await?;
    Ok(watched::added(rows)?)
}

/// When one series was put on the list.
pub async fn added_at(
    connection: &mut PgConnection,
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
    connection: &mut PgConnection,
    series: Vec<SeriesKey>,
) -> Outcome<Vec<SeriesKey>> {
    let mut tx = connection.begin().await?;
    sqlx::query(LOCK).execute(&mut *tx).await?;
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

pub async fn edit(connection: &mut PgConnection, edit: WatchEdit) -> Outcome<WatchEdited> {
    let mut tx = connection.begin().await?;
    sqlx::query(LOCK).execute(&mut *tx).await?;
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, source, symbol, interval, adjusted, settings::text, added_at::text FROM series ORDER BY id",
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

async fn write(connection: &mut PgConnection, rewrite: Rewrite) -> Outcome<()> {
    sqlx::query("DELETE FROM series WHERE id = ANY($1)")
        .bind(rewrite.delete)
        .execute(&mut *connection)
        .await?;
    let rows = &rewrite.insert;
    let keys = || rows.iter().map(|(key, _)| key);
    let kept = |pick: fn(&Kept) -> &str| -> Vec<Option<&str>> {
        let rows = rows.iter();
        rows.map(|(_, kept)| kept.as_ref().map(pick)).collect()
    };
    sqlx::query(
        "INSERT INTO series (source, symbol, interval, adjusted, settings, added_at) \
         SELECT source, symbol, interval, adjusted, coalesce(settings, '{}')::jsonb, \
                coalesce(added_at::timestamptz, now()) \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::text[], $6::text[]) \
              WITH ORDINALITY AS row (source, symbol, interval, adjusted, settings, added_at, place) \
         ORDER BY place",
    )
    .bind(keys().map(|key| key.source.as_str()).collect::<Vec<_>>())
    .bind(keys().map(|key| key.symbol.as_str()).collect::<Vec<_>>())
    .bind(keys().map(|key| key.interval.as_str()).collect::<Vec<_>>())
    .bind(keys().map(|key| key.adjusted).collect::<Vec<_>>())
    .bind(kept(|kept| &kept.settings))
    .bind(kept(|kept| &kept.added_at))
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Writes what is declared of series on the list.
async fn declare(connection: &mut PgConnection, rows: &[(SeriesKey, Declared)]) -> Outcome<()> {
    let keys = || rows.iter().map(|(key, _)| key);
    let declared = || rows.iter().map(|(_, declared)| declared);
    let fresh = |declared: &Declared| declared.fresh_within.map(|within| within.to_string());
    let group = |declared: &Declared| declared.group.as_ref().map(ToString::to_string);
    let fills = |declared: &Declared| declared.fills.as_ref().map(ToString::to_string);
    sqlx::query(
        "UPDATE series SET since = row.since, priority = row.priority, fresh_within = row.fresh_within, \
                series_group = row.series_group, fills = row.fills \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::date[], $6::text[], $7::text[], $8::text[], \
                     $9::text[]) \
              AS row (source, symbol, interval, adjusted, since, priority, fresh_within, series_group, fills) \
         WHERE series.source = row.source AND series.symbol = row.symbol AND series.interval = row.interval \
               AND series.adjusted = row.adjusted",
    )
    .bind(keys().map(|key| key.source.as_str()).collect::<Vec<_>>())
    .bind(keys().map(|key| key.symbol.as_str()).collect::<Vec<_>>())
    .bind(keys().map(|key| key.interval.as_str()).collect::<Vec<_>>())
    .bind(keys().map(|key| key.adjusted).collect::<Vec<_>>())
    .bind(declared().map(|one| one.since).collect::<Vec<_>>())
    .bind(declared().map(|one| one.priority.as_str()).collect::<Vec<_>>())
    .bind(declared().map(fresh).collect::<Vec<_>>())
    .bind(declared().map(group).collect::<Vec<_>>())
    .bind(declared().map(fills).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
