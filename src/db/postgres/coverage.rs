//! Which times of a series were asked for, and its bars by month.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, Row as _};

use super::super::coverage::{Changed, Says, Tally, change, tally};
use super::super::{Alike, DbError, HeldMonths, row};
use super::facts::wanted;
use super::{Outcome, apply, facts};
use crate::model::{Batch, Counts, Coverage, Segment, SeriesKey, Span};

/// What an answer says, beside the bars it is about to replace.
pub async fn says(connection: &mut PgConnection, batch: &Batch) -> Outcome<Says> {
    let known = enter(connection, &batch.series).await?;
    let held = apply::stored_bars(connection, batch).await?;
    Ok(Says::beside(batch, &known, held))
}

/// Writes what an answer says, and counts its bars by month, in the transaction that stores it.
pub async fn hear(
    connection: &mut PgConnection,
    batch: &Batch,
    counts: Counts,
    says: Says,
) -> Outcome<()> {
    let tally = tally(batch.series.interval, &batch.bars, counts);
    count(connection, &batch.series, tally).await?;
    if says == Says::default() {
        return Ok(());
    }
    let mut coverage = enter(connection, &batch.series).await?;
    let before = (coverage.segments(), coverage.asked_at());
    let newest: Option<DateTime<Utc>> = sqlx::query_scalar(
        "SELECT max(timestamp) FROM stock_data \
         WHERE source = source_of($1) AND symbol = $2 AND interval = $3 AND adjusted = $4",
    )
    .bind(batch.series.source.as_str())
    .bind(batch.series.symbol.as_str())
    .bind(batch.series.interval.as_str())
    .bind(batch.series.is_stored_adjusted())
    .fetch_one(&mut *connection)
    .await?;
    says.add_to(&mut coverage, &batch.bars, newest);
    write(connection, &batch.series, before, &coverage).await
}

/// Adds segments that no answer brought.
pub async fn record(
    connection: &mut PgConnection,
    series: SeriesKey,
    segments: Vec<Segment>,
) -> Outcome<()> {
    let coverage = enter(connection, &series).await?;
    let before = (coverage.segments(), coverage.asked_at());
    let all = before.0.iter().copied().chain(segments);
    let after = Coverage::of(all, before.1);
    write(connection, &series, before, &after).await
}

/// What is known of a series. Until it ends, this transaction is the only one that changes it.
async fn enter(connection: &mut PgConnection, series: &SeriesKey) -> Outcome<Coverage> {
    let asked_at: Option<DateTime<Utc>> = sqlx::query_scalar(
        "INSERT INTO asked (source, symbol, interval, adjusted) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (source, symbol, interval, adjusted) DO UPDATE SET asked_at = asked.asked_at \
         RETURNING asked_at",
    )
    .bind(series.source.as_str())
    .bind(series.symbol.as_str())
    .bind(series.interval.as_str())
    .bind(series.is_stored_adjusted())
    .fetch_one(&mut *connection)
    .await?;
    let rows: Vec<SegmentRow> = sqlx::query_as(
        "SELECT from_at, to_at, known FROM coverage \
         WHERE source = $1 AND symbol = $2 AND interval = $3 AND adjusted = $4 ORDER BY from_at",
    )
    .bind(series.source.as_str())
    .bind(series.symbol.as_str())
    .bind(series.interval.as_str())
    .bind(series.is_stored_adjusted())
    .fetch_all(connection)
    .await?;
    let segments: Vec<Segment> = rows.into_iter().map(segment).collect::<Outcome<_>>()?;
    Ok(Coverage::of(segments, asked_at))
}

/// Writes all in one statement; no row is both deleted and written.
async fn write(
    connection: &mut PgConnection,
    series: &SeriesKey,
    before: (Vec<Segment>, Option<DateTime<Utc>>),
    after: &Coverage,
) -> Outcome<()> {
    let changed = change(&before.0, &after.segments());
    if changed == Changed::default() && after.asked_at() == before.1 {
        return Ok(());
    }
    let column = |end: fn(&Segment) -> DateTime<Utc>| -> Vec<DateTime<Utc>> {
        changed.new.iter().map(end).collect()
    };
    let known: Vec<&str> = changed.new.iter().map(|new| new.known.as_str()).collect();
    sqlx::query(
        "WITH noted AS (UPDATE asked SET asked_at = $5 \
             WHERE source = $1 AND symbol = $2 AND interval = $3 AND adjusted = $4 AND asked_at IS DISTINCT FROM $5), \
         gone AS (DELETE FROM coverage \
             WHERE source = $1 AND symbol = $2 AND interval = $3 AND adjusted = $4 AND from_at = ANY($6)) \
         INSERT INTO coverage (source, symbol, interval, adjusted, from_at, to_at, known) \
         SELECT $1, $2, $3, $4, * FROM unnest($7::timestamptz[], $8::timestamptz[], $9::text[]) \
         ON CONFLICT (source, symbol, interval, adjusted, from_at) \
             DO UPDATE SET to_at = excluded.to_at, known = excluded.known",
    )
    .bind(series.source.as_str())
    .bind(series.symbol.as_str())
    .bind(series.interval.as_str())
    .bind(series.is_stored_adjusted())
    .bind(after.asked_at())
    .bind(&changed.gone)
    .bind(column(|new| new.span.from))
    .bind(column(|new| new.span.to))
    .bind(known)
    .execute(connection)
    .await?;
    Ok(())
}

type SegmentRow = (DateTime<Utc>, DateTime<Utc>, String);

fn segment((from, to, known): SegmentRow) -> Outcome<Segment> {
    let span = Span::new(from, to);
    let known = known
        .parse()
        .map_err(|_| DbError::other(format!("the store holds coverage that is {known:?}")))?;
    Ok(Segment { span, known })
}

/// What is known of the times of these series, by the place of each.
pub async fn segments(
    connection: &mut PgConnection,
    alike: &Alike<'_>,
) -> Outcome<HashMap<i64, Vec<Segment>>> {
    let statement = concat!(
        "SELECT place, from_at, to_at, known FROM ",
        wanted!(),
        " JOIN coverage c ON c.source = w.source AND c.symbol = w.symbol AND c.interval = w.interval \
               AND c.adjusted = w.stored_adjusted ORDER BY place, from_at"
    );
    let rows = facts::bind(sqlx::query(statement), alike)
        .fetch_all(connection)
        .await?;
    let mut segments: HashMap<i64, Vec<Segment>> = HashMap::new();
    for found in rows {
        let row = segment((found.try_get(1)?, found.try_get(2)?, found.try_get(3)?))?;
        segments.entry(found.try_get(0)?).or_default().push(row);
    }
    Ok(segments)
}

/// A series as its four words, in the order of the key.
type Words = (String, String, String, bool);
/// A series, and when its newest bars were asked for.
type AskedRow = (String, String, String, bool, Option<DateTime<Utc>>);
/// A series, and a segment of it.
type NamedSegmentRow = (
    String,
    String,
    String,
    bool,
    DateTime<Utc>,
    DateTime<Utc>,
    String,
);

/// What is known of every stored series, and of those that were asked for without a bar.
pub async fn all(connection: &mut PgConnection) -> Outcome<Vec<(SeriesKey, Coverage)>> {
    let series: Vec<AskedRow> = sqlx::query_as(
        "SELECT source, symbol, interval, adjusted, asked_at FROM series_totals \
         FULL JOIN asked USING (source, symbol, interval, adjusted) ORDER BY 1, 2, 3, 4",
    )
    .fetch_all(&mut *connection)
    .await?;
    let rows: Vec<NamedSegmentRow> = sqlx::query_as(
        "SELECT source, symbol, interval, adjusted, from_at, to_at, known FROM coverage",
    )
    .fetch_all(connection)
    .await?;
    let mut segments: HashMap<Words, Vec<Segment>> = HashMap::new();
    for (source, symbol, interval, adjusted, from, to, known) in rows {
        let row = segment((from, to, known))?;
        let words = (source, symbol, interval, adjusted);
        segments.entry(words).or_default().push(row);
    }
    let mut all = Vec::with_capacity(series.len());
    for (source, symbol, interval, adjusted, asked_at) in series {
        let words = (source, symbol, interval, adjusted);
        let segments = segments.remove(&words).unwrap_or_default();
        let (source, symbol, interval, adjusted) = words;
        let series = row::series_key(&source, &symbol, &interval, adjusted)?;
        all.push((series, Coverage::of(segments, asked_at)));
    }
    Ok(all)
}

/// The bars by month of every series that has some: a row for each series.
pub async fn months(connection: &mut PgConnection) -> Outcome<Vec<HeldMonths>> {
    let rows: Vec<(String, String, String, bool, String)> = sqlx::query_as(
        "SELECT source, symbol, interval, adjusted, string_agg(month || ' ' || bars, ';') FROM held_counts \
         WHERE bars > 0 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
    )
    .fetch_all(connection)
    .await?;
    Ok(row::months(rows)?)
}

async fn count(connection: &mut PgConnection, series: &SeriesKey, tally: Tally) -> Outcome<()> {
    let months = match tally {
        Tally::Same => return Ok(()),
        Tally::More(months) => months,
        Tally::Count(first, last) => return recount(connection, series, first, last).await,
    };
    let (months, bars): (Vec<String>, Vec<i64>) = months
        .into_iter()
        .map(|(month, bars)| (month, i64::from(bars)))
        .unzip();
    sqlx::query(
        "INSERT INTO held_counts (source, symbol, interval, adjusted, month, bars) \
         SELECT $1, $2, $3, $4, * FROM unnest($5::text[], $6::bigint[]) \
         ON CONFLICT (source, symbol, interval, adjusted, month) DO UPDATE SET bars = held_counts.bars + excluded.bars",
    )
    .bind(series.source.as_str())
    .bind(series.symbol.as_str())
    .bind(series.interval.as_str())
    .bind(series.is_stored_adjusted())
    .bind(months)
    .bind(bars)
    .execute(connection)
    .await?;
    Ok(())
}

/// A label and its trading day differ by less than two days.
async fn recount(
    connection: &mut PgConnection,
    series: &SeriesKey,
    first: NaiveDate,
    last: NaiveDate,
) -> Outcome<()> {
    sqlx::query(
        "DELETE FROM held_counts WHERE source = $1 AND symbol = $2 AND interval = $3 AND adjusted = $4 \
         AND month BETWEEN to_char($5, 'YYYY-MM') AND to_char($6, 'YYYY-MM')",
    )
    .bind(series.source.as_str())
    .bind(series.symbol.as_str())
    .bind(series.interval.as_str())
    .bind(series.is_stored_adjusted())
    .bind(first)
    .bind(last)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO held_counts (source, symbol, interval, adjusted, month, bars) \
         SELECT $1, $2, $3, $4, to_char(trading_date, 'YYYY-MM') AS month, count(*) FROM stock_data \
         WHERE source = source_of($1) AND symbol = $2 AND interval = $3 AND adjusted = $4 \
           AND timestamp BETWEEN $5 - 2 AND $6 + 3 AND trading_date BETWEEN $5 AND $6 \
         GROUP BY month",
    )
    .bind(series.source.as_str())
    .bind(series.symbol.as_str())
    .bind(series.interval.as_str())
    .bind(series.is_stored_adjusted())
    .bind(first)
    .bind(last)
    .execute(connection)
    .await?;
    Ok(())
}
