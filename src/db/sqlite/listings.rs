//! The list of symbols that can be searched without a request.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::super::row::{self, listings_at};
use super::Outcome;
use crate::model::{Listing, RequestId, SourceId};

/// Rows per statement: as many as pay off, far below SQLite's 32,766 parameters.
const CHUNK: usize = 1_000;

/// The statement for a full chunk: prepared once, used often.
static FULL: LazyLock<String> = LazyLock::new(|| insert(CHUNK));

/// None of the parameters is numbered: SQLite searches a list for every numbered one.
fn insert(rows: usize) -> String {
    let more = ",(?,?,?,?,?)".repeat(rows.saturating_sub(1));
    format!(
        "INSERT INTO listings (source, symbol, name, exchange, kind) VALUES (?,?,?,?,?){more} ON CONFLICT DO NOTHING"
    )
}

pub async fn all(
    connection: &mut SqliteConnection,
    source: SourceId,
) -> Outcome<(Option<DateTime<Utc>>, Vec<Listing>)> {
    // The time first: if the list is replaced in between, the new one looks older than it is, never
    // newer.
    let sent_at = sent_at(connection, source.as_str()).await?;
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(
        "SELECT symbol, name, exchange, kind FROM listings WHERE source = $1 ORDER BY symbol",
    )
    .bind(source.as_str())
    .fetch_all(connection)
    .await?;
    let listings: super::Result<_> = rows.into_iter().map(row::listing).collect();
    Ok((sent_at, listings?))
}

async fn sent_at(
    connection: &mut SqliteConnection,
    source: &str,
) -> Outcome<Option<DateTime<Utc>>> {
    let text = super::settings::get(connection, &listings_at(source)).await?;
    Ok(text.and_then(|text| text.parse().ok()))
}

pub async fn keep(
    connection: &mut SqliteConnection,
    request: RequestId,
    at: DateTime<Utc>,
    listings: Vec<Listing>,
) -> Outcome<()> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let source: String = sqlx::query_scalar("SELECT source FROM requests WHERE id = $1")
        .bind(request.0)
        .fetch_one(&mut *tx)
        .await?;
    if sent_at(&mut tx, &source)
        .await?
        .is_none_or(|kept| kept < at)
    {
        replace(&mut tx, &source, at, &listings).await?;
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
    source: &str,
    at: DateTime<Utc>,
    listings: &[Listing],
) -> Outcome<()> {
    sqlx::query("DELETE FROM listings WHERE source = $1")
        .bind(source)
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
                .bind(source)
                .bind(listing.symbol.as_str())
                .bind(&listing.name)
                .bind(&listing.exchange)
                .bind(&listing.kind);
        }
        query.execute(&mut *connection).await?;
    }
    super::settings::set(connection, listings_at(source), at.to_rfc3339()).await
}
