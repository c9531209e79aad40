//! The watch list and its changes.

use sqlx::{Connection, PgConnection};

use super::super::row;
use super::super::watched::{self, Kept, Rewrite, Row};
use super::{Outcome, settings};
use crate::model::{SeriesKey, WatchEdit, WatchEdited};

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
    let before = watched::keys(&rows)?;
    let edited = edit.apply(&before);
    if edited.is_changed {
        write(&mut tx, watched::rewrite(rows, &before, &edited.list)).await?;
    }
    tx.commit().await?;
    Ok(edited)
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
    settings::set(connection, watched::MARK, watched::new_mark()).await
}
