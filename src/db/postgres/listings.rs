//! The list of symbols that can be searched without a request.

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};

use super::super::row::{self, listings_at};
use super::Outcome;
use crate::model::{Listing, RequestId, SourceId};

pub async fn all(
    connection: &mut PgConnection,
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

async fn sent_at(connection: &mut PgConnection, source: &str) -> Outcome<Option<DateTime<Utc>>> {
    let text = super::settings::get(connection, &listings_at(source)).await?;
    Ok(text.and_then(|text| text.parse().ok()))
}

pub async fn keep(
    connection: &mut PgConnection,
    request: RequestId,
    at: DateTime<Utc>,
    listings: Vec<Listing>,
) -> Outcome<()> {
    let mut tx = connection.begin().await?;
    // Readers continue with the old list; of two that replace it, the second sees what the first did.
    sqlx::query("LOCK TABLE listings IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *tx)
        .await?;
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
    connection: &mut PgConnection,
    source: &str,
    at: DateTime<Utc>,
    listings: &[Listing],
) -> Outcome<()> {
    let texts = |pick: fn(&Listing) -> &str| listings.iter().map(pick).collect::<Vec<_>>();
    sqlx::query("DELETE FROM listings WHERE source = $1")
        .bind(source)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO listings (source, symbol, name, exchange, kind) \
         SELECT $5, * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING",
    )
    .bind(texts(|listing| listing.symbol.as_str()))
    .bind(texts(|listing| &listing.name))
    .bind(texts(|listing| &listing.exchange))
    .bind(texts(|listing| &listing.kind))
    .bind(source)
    .execute(&mut *connection)
    .await?;
    super::settings::set(connection, listings_at(source), at.to_rfc3339()).await
}
