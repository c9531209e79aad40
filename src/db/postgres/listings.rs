//! The list of symbols that can be searched without a request.

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};

use super::super::row;
use super::Outcome;
use crate::model::{Listing, RequestId};

pub async fn all(connection: &mut PgConnection) -> Outcome<(Option<DateTime<Utc>>, Vec<Listing>)> {
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

async fn sent_at(connection: &mut PgConnection) -> Outcome<Option<DateTime<Utc>>> {
    let text: Option<String> =
        sqlx::query_scalar("SELECT value FROM settings WHERE name = 'listings_at'")
            .fetch_optional(connection)
            .await?;
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
    connection: &mut PgConnection,
    at: DateTime<Utc>,
    listings: &[Listing],
) -> Outcome<()> {
    let texts = |pick: fn(&Listing) -> &str| listings.iter().map(pick).collect::<Vec<_>>();
    sqlx::query("DELETE FROM listings")
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO listings (symbol, name, exchange, kind) \
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING",
    )
    .bind(texts(|listing| listing.symbol.as_str()))
    .bind(texts(|listing| &listing.name))
    .bind(texts(|listing| &listing.exchange))
    .bind(texts(|listing| &listing.kind))
    .execute(&mut *connection)
    .await?;
    super::settings::set(connection, "listings_at", at.to_rfc3339()).await
}
