//! What sources say of their symbols.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow as _, Row as _, SqliteConnection};

use super::super::listings::{ListingRow, listing_columns, listings_at};
use super::facts::wanted;
use super::transaction::begin;
use super::{Outcome, instant};
use crate::model::adjustment::ReportedEvents;
use crate::model::calendar::CalendarId;
use crate::model::listing::{KnownListing, learn};
use crate::model::{Currency, Learnt, Listing, NameChange, RequestId, SourceId};

/// Rows per statement: as many as pay off, far below SQLite's 32,766 parameters.
const CHUNK: usize = 1_000;

/// The statement for a full chunk: prepared once, used often.
static FULL: LazyLock<String> = LazyLock::new(|| insert(CHUNK));

/// None of the parameters is numbered: SQLite searches a list for every numbered one.
fn insert(rows: usize) -> String {
    let more = ",(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)".repeat(rows.saturating_sub(1));
    format!(
        "INSERT OR REPLACE INTO listings (source, symbol, name, exchange, kind, calendar, currency, status, listed, \
         delisted, renamed_from, renamed_from_on, renamed_to, renamed_to_on, learnt, learnt_at) \
         VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?){more}"
    )
}

pub async fn all(
    connection: &mut SqliteConnection,
    source: SourceId,
) -> Outcome<(Option<DateTime<Utc>>, Vec<Listing>)> {
    // The time first: if the list is replaced in between, the new one looks older than it is, never
    // newer.
    let sent_at = sent_at(connection, source.as_str()).await?;
    let known = known(connection, source.as_str()).await?;
    let listings = known.into_iter().map(|known| known.listing);
    Ok((sent_at, listings.collect()))
}

async fn known(connection: &mut SqliteConnection, source: &str) -> Outcome<Vec<KnownListing>> {
    let rows: Vec<ListingRow> = sqlx::query_as(concat!(
        "SELECT ",
        listing_columns!(),
        " FROM listings l WHERE source = $1 ORDER BY symbol"
    ))
    .bind(source)
    .fetch_all(connection)
    .await?;
    let known: super::Result<_> = rows.into_iter().map(ListingRow::known).collect();
    Ok(known?)
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
    learnt: Learnt,
) -> Outcome<()> {
    let mut tx = begin(connection).await?;
    let source: String = sqlx::query_scalar("SELECT source FROM requests WHERE id = $1")
        .bind(request.0)
        .fetch_one(&mut *tx)
        .await?;
    let is_list = learnt == Learnt::List;
    let newest = sent_at(&mut tx, &source).await?;
    if !is_list || newest.is_none_or(|kept| kept < at) {
        take_in(&mut tx, &source, at, listings, learnt).await?;
        if is_list {
            super::settings::set(&mut tx, listings_at(&source), at.to_rfc3339()).await?;
        }
    }
    sqlx::query("UPDATE requests SET state = 'stored', class = NULL, message = NULL WHERE id = $1")
        .bind(request.0)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Adds the changes of symbols that an answer about corporate events names.
pub async fn take_in_renames(
    connection: &mut SqliteConnection,
    request: RequestId,
    reported: ReportedEvents,
) -> Outcome<()> {
    let said: Vec<Listing> = reported
        .renames
        .into_iter()
        .flat_map(NameChange::listings)
        .collect();
    if said.is_empty() {
        return Ok(());
    }
    let at = sqlx::query_scalar("SELECT reserved_at FROM requests WHERE id = $1")
        .bind(request.0)
        .fetch_one(&mut *connection)
        .await?;
    let source = reported.instrument.source;
    take_in(connection, source.as_str(), at, said, Learnt::Actions).await
}

/// What is known of the symbols of series, by the places of the series.
pub async fn of_series(
    connection: &mut SqliteConnection,
    wanted: &str,
) -> Outcome<HashMap<i64, Arc<Listing>>> {
    let rows = sqlx::query(OF_SERIES)
        .bind(wanted)
        .fetch_all(connection)
        .await?;
    let listing = |row: &SqliteRow| {
        let known = ListingRow::from_row(row)?.known()?;
        Ok((row.try_get("place")?, Arc::new(known.listing)))
    };
    rows.iter().map(listing).collect()
}

/// The same, with the place of a series.
const OF_SERIES: &str = concat!(
    "SELECT w.place, ",
    listing_columns!(),
    " FROM ",
    wanted!(),
    " JOIN listings l ON l.source = w.source AND l.symbol = w.symbol"
);

/// Adds what a source says to what is known, and writes what that changes.
pub async fn take_in(
    connection: &mut SqliteConnection,
    source: &str,
    at: DateTime<Utc>,
    said: Vec<Listing>,
    learnt: Learnt,
) -> Outcome<()> {
    let changed = learn(known(connection, source).await?, said, learnt);
    write(connection, source, at, &changed).await
}

async fn write(
    connection: &mut SqliteConnection,
    source: &str,
    at: DateTime<Utc>,
    changed: &[KnownListing],
) -> Outcome<()> {
    let at = instant::text(at);
    for chunk in changed.chunks(CHUNK) {
        let mut query = if chunk.len() == CHUNK {
            sqlx::query(AssertSqlSafe(FULL.as_str()))
        } else {
            sqlx::query(AssertSqlSafe(insert(chunk.len()))).persistent(false)
        };
        for KnownListing { listing, learnt } in chunk {
            let (from, to) = (&listing.renamed_from, &listing.renamed_to);
            query = query
                .bind(source)
                .bind(listing.symbol.as_str())
                .bind(&listing.name)
                .bind(&listing.exchange)
                .bind(&listing.kind)
                .bind(listing.calendar.map(CalendarId::as_str))
                .bind(listing.currency.as_ref().map(Currency::as_str))
                .bind(listing.status.as_str())
                .bind(listing.listed)
                .bind(listing.delisted)
                .bind(from.as_ref().map(|rename| rename.symbol.as_str()))
                .bind(from.as_ref().map(|rename| rename.date))
                .bind(to.as_ref().map(|rename| rename.symbol.as_str()))
                .bind(to.as_ref().map(|rename| rename.date))
                .bind(learnt.as_str())
                .bind(at.as_str());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
