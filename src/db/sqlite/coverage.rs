//! Which times of a series were asked for, and its bars by month.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::SqliteConnection;

use super::super::coverage::{Says, Tally, change, tally};
use super::super::{HeldMonths, row};
use super::facts::wanted;
use super::stored_series::number;
use super::{Outcome, apply, instant, stored_series};
use crate::db::DbError;
use crate::model::{Batch, Counts, Coverage, Segment, SeriesKey, Span};

/// What an answer says, beside the bars it is about to replace.
pub async fn says(connection: &mut SqliteConnection, batch: &Batch) -> Outcome<Says> {
    let known = of(connection, &batch.series).await?;
    let held = apply::stored_bars(connection, batch).await?;
    Ok(Says::beside(batch, &known, held))
}

/// Writes what an answer says, and counts its bars by month, in the transaction that stores it.
pub async fn hear(
    connection: &mut SqliteConnection,
    batch: &Batch,
    counts: Counts,
    says: Says,
) -> Outcome<()> {
    let tally = tally(batch.series.interval, &batch.bars, counts);
    if says == Says::default() && tally == Tally::Same {
        return Ok(());
    }
    let number = stored_series::enter(connection, &batch.series).await?;
    count(connection, number, tally).await?;
    if says == Says::default() {
        return Ok(());
    }
    let mut coverage = read(connection, number).await?;
    let before = (coverage.segments(), coverage.asked_at());
    let newest: Option<String> =
        sqlx::query_scalar("SELECT max(timestamp) FROM bars WHERE series_id = $1")
            .bind(number)
            .fetch_one(&mut *connection)
            .await?;
    let newest = newest.map(|text| instant::read(&text)).transpose()?;
    says.add_to(&mut coverage, &batch.bars, newest);
    write(connection, number, before, &coverage).await
}

/// Adds segments that no answer brought.
pub async fn record(
    connection: &mut SqliteConnection,
    series: SeriesKey,
    segments: Vec<Segment>,
) -> Outcome<()> {
    let number = stored_series::enter(connection, &series).await?;
    let coverage = read(connection, number).await?;
    let before = (coverage.segments(), coverage.asked_at());
    let all = before.0.iter().copied().chain(segments);
    let after = Coverage::of(all, before.1);
    write(connection, number, before, &after).await
}

async fn write(
    connection: &mut SqliteConnection,
    number: i64,
    before: (Vec<Segment>, Option<DateTime<Utc>>),
    after: &Coverage,
) -> Outcome<()> {
    let changed = change(&before.0, &after.segments());
    if !changed.gone.is_empty() {
        let gone: Vec<String> = changed.gone.into_iter().map(instant::text).collect();
        sqlx::query(
            "DELETE FROM coverage WHERE series_id = $1 AND from_at IN (SELECT value FROM json_each($2))",
        )
        .bind(number)
        .bind(serde_json::Value::from(gone).to_string())
        .execute(&mut *connection)
        .await?;
    }
    if !changed.new.is_empty() {
        let row = |Segment { span, known }| {
            let [from, to] = [span.from, span.to].map(instant::text);
            serde_json::json!([from, to, known.as_str()])
        };
        let new: serde_json::Value = changed.new.into_iter().map(row).collect();
        sqlx::query(
            "INSERT INTO coverage (series_id, from_at, to_at, known) \
             SELECT $1, value ->> 0, value ->> 1, value ->> 2 FROM json_each($2) WHERE true \
             ON CONFLICT (series_id, from_at) DO UPDATE SET to_at = excluded.to_at, known = excluded.known",
        )
        .bind(number)
        .bind(new.to_string())
        .execute(&mut *connection)
        .await?;
    }
    if after.asked_at() != before.1 {
        sqlx::query(
            "INSERT INTO asked (series_id, asked_at) VALUES ($1, $2) \
             ON CONFLICT (series_id) DO UPDATE SET asked_at = excluded.asked_at",
        )
        .bind(number)
        .bind(after.asked_at().map(super::history::text))
        .execute(connection)
        .await?;
    }
    Ok(())
}

async fn read(connection: &mut SqliteConnection, number: i64) -> Outcome<Coverage> {
    let asked_at: Option<DateTime<Utc>> =
        sqlx::query_scalar("SELECT asked_at FROM asked WHERE series_id = $1")
            .bind(number)
            .fetch_optional(&mut *connection)
            .await?
            .flatten();
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT from_at, to_at, known FROM coverage WHERE series_id = $1 ORDER BY from_at",
    )
    .bind(number)
    .fetch_all(connection)
    .await?;
    let segments: Vec<Segment> = rows.into_iter().map(segment).collect::<Outcome<_>>()?;
    Ok(Coverage::of(segments, asked_at))
}

fn segment((from, to, known): (String, String, String)) -> Outcome<Segment> {
    let span = Span::new(instant::read(&from)?, instant::read(&to)?);
    let known = known
        .parse()
        .map_err(|_| DbError::other(format!("the store holds coverage that is {known:?}")))?;
    Ok(Segment { span, known })
}

/// What is known of a series.
async fn of(connection: &mut SqliteConnection, series: &SeriesKey) -> Outcome<Coverage> {
    let found: Option<i64> = sqlx::query_scalar(concat!("SELECT ", number!()))
        .bind(series.source.as_str())
        .bind(series.symbol.as_str())
        .bind(series.interval.as_str())
        .bind(series.is_stored_adjusted())
        .fetch_one(&mut *connection)
        .await?;
    match found {
        Some(number) => read(connection, number).await,
        None => Ok(Coverage::default()),
    }
}

/// What is known of the times of these series, by the place of each.
pub async fn segments(
    connection: &mut SqliteConnection,
    wanted: &str,
) -> Outcome<HashMap<i64, Vec<Segment>>> {
    let rows: Vec<(i64, String, String, String)> = sqlx::query_as(concat!(
        "SELECT w.place, from_at, to_at, known FROM ",
        wanted!(),
        " JOIN coverage ON series_id = t.id ORDER BY w.place, from_at"
    ))
    .bind(wanted)
    .fetch_all(connection)
    .await?;
    by_series(rows)
}

/// Segments, each by the number before it.
fn by_series(rows: Vec<(i64, String, String, String)>) -> Outcome<HashMap<i64, Vec<Segment>>> {
    let mut segments: HashMap<i64, Vec<Segment>> = HashMap::new();
    for (number, from, to, known) in rows {
        let row = segment((from, to, known))?;
        segments.entry(number).or_default().push(row);
    }
    Ok(segments)
}

/// A series with its number, and when its newest bars were asked for.
type AskedRow = (i64, String, String, String, bool, Option<DateTime<Utc>>);

/// What is known of every stored series, and of those that were asked for without a bar.
pub async fn all(connection: &mut SqliteConnection) -> Outcome<Vec<(SeriesKey, Coverage)>> {
    let series: Vec<AskedRow> = sqlx::query_as(
        "SELECT id, source, symbol, interval, adjusted, asked_at FROM series_totals \
         LEFT JOIN asked ON series_id = id ORDER BY source, symbol, interval, adjusted",
    )
    .fetch_all(&mut *connection)
    .await?;
    let rows: Vec<(i64, String, String, String)> =
        sqlx::query_as("SELECT series_id, from_at, to_at, known FROM coverage")
            .fetch_all(connection)
            .await?;
    let mut segments = by_series(rows)?;
    let mut all = Vec::with_capacity(series.len());
    for (number, source, symbol, interval, adjusted, asked_at) in series {
        let series = row::series_key(&source, &symbol, &interval, adjusted)?;
        let segments = segments.remove(&number).unwrap_or_default();
        all.push((series, Coverage::of(segments, asked_at)));
    }
    Ok(all)
}

/// The bars by month of every series that has some: a row for each series.
pub async fn months(connection: &mut SqliteConnection) -> Outcome<Vec<HeldMonths>> {
    let rows: Vec<(String, String, String, bool, String)> = sqlx::query_as(
        "SELECT source, symbol, interval, adjusted, months FROM series_totals JOIN \
             (SELECT series_id, group_concat(month || ' ' || bars, ';') AS months FROM held_counts \
              WHERE bars > 0 GROUP BY series_id) ON series_id = id \
         ORDER BY source, symbol, interval, adjusted",
    )
    .fetch_all(connection)
    .await?;
    Ok(row::months(rows)?)
}

async fn count(connection: &mut SqliteConnection, number: i64, tally: Tally) -> Outcome<()> {
    let months = match tally {
        Tally::Same => return Ok(()),
        Tally::More(months) => months,
        Tally::Count(first, last) => return recount(connection, number, first, last).await,
    };
    let months = months
        .into_iter()
        .map(|(month, bars)| serde_json::json!([month, bars]));
    let months: serde_json::Value = months.collect();
    sqlx::query(
        "INSERT INTO held_counts (series_id, month, bars) \
         SELECT $1, value ->> 0, value ->> 1 FROM json_each($2) WHERE true \
         ON CONFLICT (series_id, month) DO UPDATE SET bars = bars + excluded.bars",
    )
    .bind(number)
    .bind(months.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// A label and its trading day differ by less than two days.
async fn recount(
    connection: &mut SqliteConnection,
    number: i64,
    first: NaiveDate,
    last: NaiveDate,
) -> Outcome<()> {
    sqlx::query(
        "DELETE FROM held_counts WHERE series_id = $1 AND month BETWEEN strftime('%Y-%m', $2) AND strftime('%Y-%m', $3)",
    )
    .bind(number)
    .bind(first)
    .bind(last)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO held_counts (series_id, month, bars) \
         SELECT series_id, strftime('%Y-%m', trading_day * 86400, 'unixepoch') AS month, count(*) FROM bars \
         WHERE series_id = $1 AND timestamp BETWEEN datetime($2, '-2 days') AND datetime($3, '+3 days') \
           AND trading_day BETWEEN $4 AND $5 \
         GROUP BY month",
    )
    .bind(number)
    .bind(first)
    .bind(last)
    .bind(row::epoch_day(first))
    .bind(row::epoch_day(last))
    .execute(connection)
    .await?;
    Ok(())
}
