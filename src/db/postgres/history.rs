//! The run history, and reading bars.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};

use super::super::{BarQuery, DbError, Holding, Order, RunDetail, row};
use super::{Outcome, lock};
use crate::model::{
    Bar, ErrorClass, Price, RunId, RunStatus, RunSummary, SeriesKey, SeriesReport, SourceId,
    Symbol, Volume,
};

/// The lock is taken before the row can be seen, so that nobody finds a running run without one.
/// Returns the run and the key of its lock.
pub async fn begin_run(
    connection: &mut PgConnection,
    trigger: &str,
    series: Vec<SeriesKey>,
) -> Result<(RunId, i64), sqlx::Error> {
    let lock_key = loop {
        let key = fastrand::i64(1..);
        if lock::take(connection, key).await? {
            break key;
        }
    };
    let mut tx = connection.begin().await?;
    let id: i64 =
        sqlx::query_scalar("INSERT INTO runs (trigger, lock_key) VALUES ($1, $2) RETURNING id")
            .bind(trigger)
            .bind(lock_key)
            .fetch_one(&mut *tx)
            .await?;
    sqlx::query(
        "INSERT INTO run_series (run_id, source, symbol, interval, adjusted) \
         SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::bool[]) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(
        series
            .iter()
            .map(|key| key.source.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(
        series
            .iter()
            .map(|key| key.symbol.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(
        series
            .iter()
            .map(|key| key.interval.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(series.iter().map(|key| key.adjusted).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok((RunId(id), lock_key))
}

pub async fn finish_series(
    connection: &mut PgConnection,
    run: RunId,
    report: SeriesReport,
) -> Outcome<()> {
    let series = &report.series;
    let (class, message) = report
        .error
        .map(|error| (error.class, error.message))
        .unzip();
    sqlx::query(
        "UPDATE run_series SET status = $5, attempts = greatest(attempts, $6), requests = greatest(requests, $7), \
                retries = greatest(retries, $8), error_class = $9, error_message = $10, \
                finished_at = clock_timestamp() \
         WHERE run_id = $1 AND symbol = $2 AND interval = $3 AND adjusted = $4 AND source = $11",
    )
    .bind(run.0)
    .bind(series.symbol.as_str())
    .bind(series.interval.as_str())
    .bind(series.adjusted)
    .bind(report.status.as_str())
    .bind(report.attempts.cast_signed())
    .bind(report.requests.cast_signed())
    .bind(report.retries.cast_signed())
    .bind(class.map(ErrorClass::as_str))
    .bind(message)
    .bind(series.source.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn finish_run(
    connection: &mut PgConnection,
    run: RunId,
    status: RunStatus,
) -> Outcome<()> {
    let mut tx = connection.begin().await?;
    sqlx::query("UPDATE runs SET status = $2, finished_at = clock_timestamp() WHERE id = $1")
        .bind(run.0)
        .bind(status.as_str())
        .execute(&mut *tx)
        .await?;
    sqlx::query(LEAVE_NONE_RUNNING)
        .bind(run.0)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// A series whose end could not be recorded must not look alive once its run is over.
const LEAVE_NONE_RUNNING: &str = "\
    UPDATE run_series SET status = 'interrupted', finished_at = clock_timestamp() \
    WHERE run_id = $1 AND status = 'running'";

/// A request of a run that is over was either settled or its process died. The COMMIT of a dead
/// process may be carried out after the sweep of its run, so all of them are checked each time.
const DOUBT_UNSETTLED: &str = "\
    UPDATE requests SET state = 'in_doubt' WHERE state = 'reserved' \
    AND run_id NOT IN (SELECT id FROM runs WHERE status = 'running')";

/// A restarted server has lost every lock: runs that are older than its start have this long to
/// take theirs again.
const GRACE: TimeDelta = TimeDelta::seconds(10);

pub async fn sweep(connection: &mut PgConnection) -> Outcome<Vec<RunId>> {
    let running: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT id, lock_key FROM runs WHERE status = 'running' \
         AND (started_at > pg_postmaster_start_time() OR clock_timestamp() > pg_postmaster_start_time() + $1)",
    )
    .bind(GRACE)
    .fetch_all(&mut *connection)
    .await?;
    let mut swept = Vec::new();
    for (id, lock_key) in running {
        let mut tx = connection.begin().await?;
        // A transaction lock: released by COMMIT even if this process dies here.
        let dead: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
            .bind(lock_key)
            .fetch_one(&mut *tx)
            .await?;
        if dead && interrupt(&mut tx, id).await? {
            swept.push(RunId(id));
        }
        tx.commit().await?;
    }
    sqlx::query(DOUBT_UNSETTLED).execute(connection).await?;
    Ok(swept)
}

async fn interrupt(connection: &mut PgConnection, id: i64) -> Outcome<bool> {
    let marked = sqlx::query(
        "UPDATE runs SET status = 'interrupted', finished_at = clock_timestamp() WHERE id = $1 AND status = 'running'",
    )
    .bind(id)
    .execute(&mut *connection)
    .await?
    .rows_affected();
    sqlx::query(LEAVE_NONE_RUNNING)
        .bind(id)
        .execute(&mut *connection)
        .await?;
    Ok(marked == 1)
}

pub async fn last_fetch(
    connection: &mut PgConnection,
    series: SeriesKey,
) -> Outcome<Option<DateTime<Utc>>> {
    Ok(sqlx::query_scalar(
        "SELECT max(finished_at) FROM run_series \
         WHERE source = $1 AND symbol = $2 AND interval = $3 AND adjusted = $4 AND status = 'succeeded'",
    )
    .bind(series.source.as_str())
    .bind(series.symbol.as_str())
    .bind(series.interval.as_str())
    .bind(series.adjusted)
    .fetch_one(connection)
    .await?)
}

/// The columns of a bar.
macro_rules! bar_columns {
    () => {
        "b.timestamp, b.trading_date, b.open_price, b.high_price, b.low_price, b.close_price, b.volume, \
         b.adjusted_close, b.dividend_amount, b.split_coefficient, b.final"
    };
}
pub(super) use bar_columns;

macro_rules! bars_by {
    ($order:literal) => {
        concat!(
            "SELECT ",
            bar_columns!(),
            " FROM stock_data b WHERE source = source_of($1) AND symbol = $2 AND interval = $3 AND adjusted = $4 \
               AND timestamp BETWEEN $5 AND $6 ORDER BY timestamp ",
            $order,
            " LIMIT $7"
        )
    };
}

pub async fn bars(connection: &mut PgConnection, query: BarQuery) -> Outcome<Vec<Bar>> {
    let rows = sqlx::query(match query.order {
        Order::NewestFirst => bars_by!("DESC"),
        Order::OldestFirst => bars_by!("ASC"),
    })
    .bind(query.series.source.as_str())
    .bind(query.series.symbol.as_str())
    .bind(query.series.interval.as_str())
    .bind(query.series.is_stored_adjusted())
    .bind(query.from.unwrap_or_else(|| row::instant(-9_000_000_000)))
    .bind(query.to.unwrap_or_else(|| row::instant(90_000_000_000)))
    .bind(i64::from(query.limit))
    .fetch_all(connection)
    .await?;
    rows.iter().map(bar).collect()
}

/// The bar of a row that begins with its columns.
pub(super) fn bar(found: &PgRow) -> Outcome<Bar> {
    let price = |column: usize| -> Outcome<Price> { self::price(found.try_get(column)?) };
    let extra = |column: usize| -> Outcome<Option<Price>> {
        Ok(found
            .try_get::<Option<Decimal>, _>(column)?
            .and_then(Price::from_decimal))
    };
    Ok(Bar {
        timestamp: found.try_get(0)?,
        trading_date: found.try_get::<NaiveDate, _>(1)?,
        open: price(2)?,
        high: price(3)?,
        low: price(4)?,
        close: price(5)?,
        volume: Volume::from_decimal(found.try_get(6)?)
            .ok_or_else(|| DbError::other("a stored volume is out of range"))?,
        is_final: found.try_get(10)?,
        adjusted_close: extra(7)?,
        dividend_amount: extra(8)?,
        split_coefficient: extra(9)?,
    })
}

pub(super) fn price(stored: Decimal) -> Outcome<Price> {
    Price::from_decimal(stored)
        .ok_or_else(|| DbError::other("a stored price is out of range").into())
}

pub async fn held(connection: &mut PgConnection, symbol: Symbol) -> Outcome<Vec<Holding>> {
    let rows: Vec<row::HeldRow<DateTime<Utc>>> = sqlx::query_as(
        "SELECT t.source, t.symbol, t.interval, t.adjusted, t.bars, b.oldest, b.newest \
         FROM series_totals t CROSS JOIN LATERAL ( \
             SELECT min(timestamp) AS oldest, max(timestamp) AS newest FROM stock_data \
             WHERE source = CAST(t.source AS bar_source) AND symbol = t.symbol AND interval = t.interval \
               AND adjusted = t.adjusted) b \
         WHERE t.symbol = $1 AND t.bars > 0",
    )
    .bind(symbol.as_str())
    .fetch_all(connection)
    .await?;
    let mut held = Vec::with_capacity(rows.len());
    for found in rows {
        held.extend(found.holding(Ok)?);
    }
    Ok(held)
}

pub async fn runs(connection: &mut PgConnection, limit: u32) -> Outcome<Vec<RunSummary>> {
    let rows: Vec<row::RunRow> = sqlx::query_as(row::RUNS)
        .bind(i64::from(limit))
        .bind(None::<i64>)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(row::RunRow::summary)
        .collect::<super::Result<_>>()?)
}

pub async fn cut_short(connection: &mut PgConnection) -> Outcome<Vec<SourceId>> {
    let sources: Vec<String> = sqlx::query_scalar(row::CUT_SHORT)
        .fetch_all(connection)
        .await?;
    // Those of a newer version have no lane here.
    let known = sources.into_iter().filter_map(|source| source.parse().ok());
    Ok(known.collect())
}

pub async fn run(connection: &mut PgConnection, run: RunId) -> Outcome<Option<RunDetail>> {
    let summary: Option<row::RunRow> = sqlx::query_as(row::RUNS)
        .bind(1_i64)
        .bind(Some(run.0))
        .fetch_optional(&mut *connection)
        .await?;
    let Some(summary) = summary else {
        return Ok(None);
    };
    let series: Vec<row::RunSeriesRow> = sqlx::query_as(row::RUN_SERIES)
        .bind(run.0)
        .fetch_all(&mut *connection)
        .await?;
    let requests: Vec<row::LedgerRow> = sqlx::query_as(row::RUN_REQUESTS)
        .bind(run.0)
        .fetch_all(&mut *connection)
        .await?;
    let rejected: Vec<row::RefusedRow> = sqlx::query_as(row::RUN_REJECTED)
        .bind(run.0)
        .fetch_all(connection)
        .await?;
    Ok(Some(row::detail(summary, series, requests, rejected)?))
}
