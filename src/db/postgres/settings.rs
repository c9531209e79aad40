//! The watch list's changes, and what the engine remembers.

use sqlx::{Connection, PgConnection};

use super::Outcome;
use crate::model::SeriesKey;

pub async fn watch(connection: &mut PgConnection, series: Vec<SeriesKey>) -> Outcome<()> {
    let mut tx = connection.begin().await?;
    for key in &series {
        sqlx::query(
            "INSERT INTO series (symbol, interval, adjusted) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(key.symbol.as_str())
        .bind(key.interval.as_str())
        .bind(key.adjusted)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

pub async fn unwatch(connection: &mut PgConnection, series: Vec<SeriesKey>) -> Outcome<()> {
    let mut tx = connection.begin().await?;
    for key in &series {
        sqlx::query("DELETE FROM series WHERE symbol = $1 AND interval = $2 AND adjusted = $3")
            .bind(key.symbol.as_str())
            .bind(key.interval.as_str())
            .bind(key.adjusted)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

pub async fn replace(
    connection: &mut PgConnection,
    from: SeriesKey,
    to: SeriesKey,
) -> Outcome<bool> {
    let replaced = sqlx::query(
        "UPDATE series SET symbol = $4, interval = $5, adjusted = $6 \
         WHERE symbol = $1 AND interval = $2 AND adjusted = $3 \
           AND NOT EXISTS (SELECT 1 FROM series WHERE symbol = $4 AND interval = $5 AND adjusted = $6)",
    )
    .bind(from.symbol.as_str())
    .bind(from.interval.as_str())
    .bind(from.adjusted)
    .bind(to.symbol.as_str())
    .bind(to.interval.as_str())
    .bind(to.adjusted)
    .execute(connection)
    .await?
    .rows_affected();
    Ok(replaced > 0)
}

pub async fn get(connection: &mut PgConnection, name: &str) -> Outcome<Option<String>> {
    Ok(
        sqlx::query_scalar("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(connection)
            .await?,
    )
}

pub async fn set(connection: &mut PgConnection, name: &str, value: String) -> Outcome<()> {
    sqlx::query(
        "INSERT INTO settings (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value, updated_at = clock_timestamp()",
    )
    .bind(name)
    .bind(value)
    .execute(connection)
    .await?;
    Ok(())
}
