//! What sources say of their symbols.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgRow;
use sqlx::{Connection, FromRow as _, PgConnection, Row as _};

use super::super::Alike;
use super::super::listings::{ListingRow, listing_columns, listings_at};
use super::Outcome;
use super::facts::{bind, wanted};
use crate::model::adjustment::ReportedEvents;
use crate::model::calendar::CalendarId;
use crate::model::listing::{KnownListing, learn};
use crate::model::{Currency, Learnt, Listing, NameChange, RequestId, SourceId};

pub async fn all(
    connection: &mut PgConnection,
    source: SourceId,
) -> Outcome<(Option<DateTime<Utc>>, Vec<Listing>)> {
    // The time first: if the list is replaced in between, the new one looks older than it is, never
    // newer.
    let sent_at = sent_at(connection, source.as_str()).await?;
    let known = known(connection, source.as_str()).await?;
    let listings = known.into_iter().map(|known| known.listing);
    Ok((sent_at, listings.collect()))
}

async fn known(connection: &mut PgConnection, source: &str) -> Outcome<Vec<KnownListing>> {
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

async fn sent_at(connection: &mut PgConnection, source: &str) -> Outcome<Option<DateTime<Utc>>> {
    let text = super::settings::get(connection, &listings_at(source)).await?;
    Ok(text.and_then(|text| text.parse().ok()))
}

pub async fn keep(
    connection: &mut PgConnection,
    request: RequestId,
    at: DateTime<Utc>,
    listings: Vec<Listing>,
    learnt: Learnt,
) -> Outcome<()> {
    let mut tx = connection.begin().await?;
    lock(&mut tx).await?;
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

/// Readers continue with what was known; of two that add to it, the second sees what the first did.
async fn lock(connection: &mut PgConnection) -> Outcome<()> {
    sqlx::query("LOCK TABLE listings IN SHARE ROW EXCLUSIVE MODE")
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds the changes of symbols that an answer about corporate events names.
pub async fn take_in_renames(
    connection: &mut PgConnection,
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
    lock(connection).await?;
    let source = reported.instrument.source;
    take_in(connection, source.as_str(), at, said, Learnt::Actions).await
}

/// What is known of the symbols of series, by the places of the series.
pub async fn of_series(
    connection: &mut PgConnection,
    alike: &Alike<'_>,
) -> Outcome<HashMap<i64, Arc<Listing>>> {
    let rows = bind(sqlx::query(OF_SERIES), alike)
        .fetch_all(connection)
        .await?;
    let listing = |row: &PgRow| {
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
    connection: &mut PgConnection,
    source: &str,
    at: DateTime<Utc>,
    said: Vec<Listing>,
    learnt: Learnt,
) -> Outcome<()> {
    let changed = learn(known(connection, source).await?, said, learnt);
    write(connection, source, at, &changed).await
}

async fn write(
    connection: &mut PgConnection,
    source: &str,
    at: DateTime<Utc>,
    changed: &[KnownListing],
) -> Outcome<()> {
    let words = |word: fn(&Listing) -> Option<&str>| -> Vec<Option<&str>> {
        changed.iter().map(|known| word(&known.listing)).collect()
    };
    let days = |day: fn(&Listing) -> Option<NaiveDate>| -> Vec<Option<NaiveDate>> {
        changed.iter().map(|known| day(&known.listing)).collect()
    };
    let learnt: Vec<&str> = changed.iter().map(|known| known.learnt.as_str()).collect();
    sqlx::query(WRITE)
        .bind(source)
        .bind(at)
        .bind(words(|said| Some(said.symbol.as_str())))
        .bind(words(|said| Some(&said.name)))
        .bind(words(|said| Some(&said.exchange)))
        .bind(words(|said| Some(&said.kind)))
        .bind(words(|said| said.calendar.map(CalendarId::as_str)))
        .bind(words(|said| said.currency.as_ref().map(Currency::as_str)))
        .bind(words(|said| Some(said.status.as_str())))
        .bind(days(|said| said.listed))
        .bind(days(|said| said.delisted))
        .bind(words(|said| {
            let rename = said.renamed_from.as_ref();
            rename.map(|rename| rename.symbol.as_str())
        }))
        .bind(days(|said| {
            said.renamed_from.as_ref().map(|rename| rename.date)
        }))
        .bind(words(|said| {
            let rename = said.renamed_to.as_ref();
            rename.map(|rename| rename.symbol.as_str())
        }))
        .bind(days(|said| {
            said.renamed_to.as_ref().map(|rename| rename.date)
        }))
        .bind(learnt)
        .execute(connection)
        .await?;
    Ok(())
}

const WRITE: &str = "\
    INSERT INTO listings (source, learnt_at, symbol, name, exchange, kind, calendar, currency, status, listed, \
                          delisted, renamed_from, renamed_from_on, renamed_to, renamed_to_on, learnt) \
    SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], \
        $10::date[], $11::date[], $12::text[], $13::date[], $14::text[], $15::date[], $16::text[]) \
    ON CONFLICT (source, symbol) DO UPDATE SET \
        learnt_at = excluded.learnt_at, name = excluded.name, exchange = excluded.exchange, kind = excluded.kind, \
        calendar = excluded.calendar, currency = excluded.currency, status = excluded.status, \
        listed = excluded.listed, delisted = excluded.delisted, renamed_from = excluded.renamed_from, \
        renamed_from_on = excluded.renamed_from_on, renamed_to = excluded.renamed_to, \
        renamed_to_on = excluded.renamed_to_on, learnt = excluded.learnt";
