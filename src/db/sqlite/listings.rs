//! The list of symbols that can be searched without a request.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::super::row;
use super::Outcome;
use crate::model::{Listing, RequestId};

/// Rows per statement: as many as pay off, far below SQLite's 32,766 parameters.
const CHUNK: usize = 1_000;

/// The statement for a full chunk: prepared once, used often.
static FULL: LazyLock<String> = LazyLock::new(|| insert(CHUNK));

/// None of the parameters is numbered: SQLite searches a list for every numbered one.
fn insert(rows: usize) -> String {
    let more = ",(?,?,?,?)".repeat(rows.saturating_sub(1));
    format!(
        "INSERT INTO listings (symbol, name, exchange, kind) VALUES (?,?,?,?){more} ON CONFLICT DO NOTHING"
    )
}

pub async fn all(
    connection: &mut SqliteConnection,
) -> Outcome<(Option<DateTime<Utc>>, Vec<Listing>)> {
    // The time first: if the list is replaced in between, the new one looks older than it is, never
    // newer.
    let sent_at = sent_at(connection).await?;
    let rows: Vec<(String, String, String, String)> =
        sqlx::query_as("SELECT symbol, name, exchange, kind FROM listings ORDER BY symbol")
            .fetch_all(connection)
            .await?;
    let listings: super::Result<_> = rows.into_iter().map(row::listing).collect();
    Ok((sent_at, listings?))
}

async fn sent_at(connection: &mut SqliteConnection) -> Outcome<Option<DateTime<Utc>>> {
    let text: Option<String> =
        sqlx::query_scalar("SELECT value FROM settings WHERE name = 'listings_at'")
            .fetch_optional(connection)
            .await?;
    Ok(text.and_then(|text| text.parse().ok()))
}

pub async fn keep(
    connection: &mut SqliteConnection,
    request: RequestId,
    at: DateTime<Utc>,
    listings: Vec<Listing>,
) -> Outcome<()> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    if sent_at(&mut tx).await?.is_none_or(|kept| kept < at) {
        replace(&mut tx, at, &listings).await?;
    }
    sqlx::query("UPDATE requests SET state = 'stored', class = NULL, message = NULL WHERE id = $1")
        .bind(request.0)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

async fn replace(
    connection: &mut SqliteConnection,
    at: DateTime<Utc>,
    listings: &[Listing],
) -> Outcome<()> {
    sqlx::query("DELETE FROM listings")
        .execute(&mut *connection)
        .await?;
    for chunk in listings.chunks(CHUNK) {
        let mut query = if chunk.len() == CHUNK {
            sqlx::query(AssertSqlSafe(FULL.as_str()))
        } else {
            sqlx::query(AssertSqlSafe(insert(chunk.len()))).persistent(false)
        };
        for listing in chunk {
            query = query
                .bind(listing.symbol.as_str())
                .bind(&listing.name)
                .bind(&listing.exchange)
                .bind(&listing.kind);
        }
        query.execute(&mut *connection).await?;
    }
    super::settings::set(connection, "listings_at", at.to_rfc3339()).await
}
