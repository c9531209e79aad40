//! The run history, and reading bars.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::{BarQuery, DbError, Holding, Order, RunDetail, row};
use super::instant::{FIRST, LAST};
use super::lock::FileLock;
use super::stored_series::number;
use super::transaction::begin;
use super::{Outcome, instant};
use crate::model::{
    Bar, ErrorClass, Price, RunId, RunStatus, RunSummary, SeriesKey, SeriesReport, SourceId,
    Symbol, Volume,
};

/// The database's clock in the form of every time column.
macro_rules! now {
    () => {
        "strftime('%Y-%m-%d %H:%M:%f', 'now')"
    };
}
pub(super) use now;
pub(super) const NOW: &str = now!();

/// An instant in the form of every time column: it sorts as text.
pub(super) fn text(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

pub async fn begin_run(
    connection: &mut SqliteConnection,
    trigger: String,
    lock_key: i64,
    series: Vec<SeriesKey>,
) -> Outcome<RunId> {
    let mut tx = begin(connection).await?;
    let id: i64 =
        sqlx::query_scalar("INSERT INTO runs (trigger, lock_key) VALUES ($1, $2) RETURNING id")
            .bind(trigger)
            .bind(lock_key)
            .fetch_one(&mut *tx)
            .await?;
    for key in &series {
        sqlx::query(
            "INSERT INTO run_series (run_id, source, symbol, interval, adjusted) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(key.source.as_str())
        .bind(key.symbol.as_str())
        .bind(key.interval.as_str())
        .bind(key.adjusted)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(RunId(id))
}

pub async fn finish_series(
    connection: &mut SqliteConnection,
    run: RunId,
    report: SeriesReport,
) -> Outcome<()> {
    let series = &report.series;
    let (class, message) = report
        .error
        .map(|error| (error.class, error.message))
        .unzip();
    sqlx::query(concat!(
        "UPDATE run_series SET status = $5, attempts = max(attempts, $6), requests = max(requests, $7), \
                retries = max(retries, $8), error_class = $9, error_message = $10, finished_at = ",
        now!(),
        " WHERE run_id = $1 AND symbol = $2 AND interval = $3 AND adjusted = $4 AND source = $11"
    ))
    .bind(run.0)
    .bind(series.symbol.as_str())
    .bind(series.interval.as_str())
    .bind(series.adjusted)
    .bind(report.status.as_str())
    .bind(report.attempts)
    .bind(report.requests)
    .bind(report.retries)
    .bind(class.map(ErrorClass::as_str))
    .bind(message)
    .bind(series.source.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn finish_run(
    connection: &mut SqliteConnection,
    run: RunId,
    status: RunStatus,
) -> Outcome<()> {
    let mut tx = begin(connection).await?;
    sqlx::query(concat!(
        "UPDATE runs SET status = $2, finished_at = ",
        now!(),
        " WHERE id = $1"
    ))
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
const LEAVE_NONE_RUNNING: &str = concat!(
    "UPDATE run_series SET status = 'interrupted', finished_at = ",
    now!(),
    " WHERE run_id = $1 AND status = 'running'"
);

/// A request of a run that is over was either settled or its process died. The COMMIT of a dead
/// process may be carried out after the sweep of its run, so all of them are checked each time.
const DOUBT_UNSETTLED: &str = "\
    UPDATE requests SET state = 'in_doubt' WHERE state = 'reserved' \
    AND run_id NOT IN (SELECT id FROM runs WHERE status = 'running')";

pub async fn sweep(connection: &mut SqliteConnection, path: PathBuf) -> Outcome<Vec<RunId>> {
    let running: Vec<(i64, i64)> =
        sqlx::query_as("SELECT id, lock_key FROM runs WHERE status = 'running'")
            .fetch_all(&mut *connection)
            .await?;
    let mut swept = Vec::new();
    for (id, lock_key) in running {
        let Some(_lock) = FileLock::of_dead_run(&path, lock_key) else {
            continue;
        };
        if interrupt(connection, id).await? {
            swept.push(RunId(id));
        }
    }
    sqlx::query(DOUBT_UNSETTLED).execute(connection).await?;
    Ok(swept)
}

async fn interrupt(connection: &mut SqliteConnection, id: i64) -> Outcome<bool> {
    let mut tx = begin(connection).await?;
    let marked = sqlx::query(concat!(
        "UPDATE runs SET status = 'interrupted', finished_at = ",
        now!(),
        " WHERE id = $1 AND status = 'running'"
    ))
    .bind(id)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if marked == 1 {
        sqlx::query(LEAVE_NONE_RUNNING)
            .bind(id)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(marked == 1)
}

pub async fn last_fetch(
    connection: &mut SqliteConnection,
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
        "b.timestamp, b.trading_day, b.open_price, b.high_price, b.low_price, b.close_price, b.volume, \
         b.adjusted_close, b.dividend_amount, b.split_coefficient, b.volume_fraction, b.final"
    };
}
pub(super) use bar_columns;

macro_rules! bars_by {
    ($order:literal) => {
        concat!(
            "SELECT ",
            bar_columns!(),
            " FROM bars b WHERE series_id = ",
            number!(),
            " AND timestamp BETWEEN $5 AND $6 ORDER BY timestamp ",
            $order,
            " LIMIT $7"
        )
    };
}

pub async fn bars(connection: &mut SqliteConnection, query: BarQuery) -> Outcome<Vec<Bar>> {
    let rows = sqlx::query(match query.order {
        Order::NewestFirst => bars_by!("DESC"),
        Order::OldestFirst => bars_by!("ASC"),
    })
    .bind(query.series.source.as_str())
    .bind(query.series.symbol.as_str())
    .bind(query.series.interval.as_str())
    .bind(query.series.is_stored_adjusted())
    .bind(query.from.map_or_else(|| FIRST.to_owned(), instant::text))
    .bind(query.to.map_or_else(|| LAST.to_owned(), instant::text))
    .bind(i64::from(query.limit))
    .fetch_all(connection)
    .await?;
    rows.iter().map(bar).collect()
}

/// The bar of a row that begins with its columns.
pub(super) fn bar(found: &SqliteRow) -> Outcome<Bar> {
    let price = |column: usize| found.try_get(column).map(Price::from_units);
    let extra = |column: usize| found.try_get(column).map(row::optional_price);
    Ok(Bar {
        timestamp: instant::read(found.try_get(0)?)?,
        trading_date: row::from_epoch_day(found.try_get(1)?),
        open: price(2)?,
        high: price(3)?,
        low: price(4)?,
        close: price(5)?,
        volume: volume(found.try_get(6)?, found.try_get(10)?)?,
        is_final: found.try_get(11)?,
        adjusted_close: extra(7)?,
        dividend_amount: extra(8)?,
        split_coefficient: extra(9)?,
    })
}

fn volume(whole: i64, fraction: u32) -> Outcome<Volume> {
    let volume = Volume::new(whole, fraction);
    volume.ok_or_else(|| DbError::other("a stored volume is out of range").into())
}

pub async fn held(connection: &mut SqliteConnection, symbol: Symbol) -> Outcome<Vec<Holding>> {
    let rows: Vec<row::HeldRow<String>> = sqlx::query_as(
        "SELECT source, symbol, interval, adjusted, bars, \
                (SELECT min(timestamp) FROM bars WHERE series_id = t.id) AS oldest, \
                (SELECT max(timestamp) FROM bars WHERE series_id = t.id) AS newest \
         FROM series_totals t WHERE symbol = $1 AND bars > 0",
    )
    .bind(symbol.as_str())
    .fetch_all(connection)
    .await?;
    let mut held = Vec::with_capacity(rows.len());
    for found in rows {
        held.extend(found.holding(|text| instant::read(&text))?);
    }
    Ok(held)
}

pub async fn runs(connection: &mut SqliteConnection, limit: u32) -> Outcome<Vec<RunSummary>> {
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

pub async fn cut_short(connection: &mut SqliteConnection) -> Outcome<Vec<SourceId>> {
    let sources: Vec<String> = sqlx::query_scalar(row::CUT_SHORT)
        .fetch_all(connection)
        .await?;
    // Those of a newer version have no lane here.
    let known = sources.into_iter().filter_map(|source| source.parse().ok());
    Ok(known.collect())
}

pub async fn run(connection: &mut SqliteConnection, run: RunId) -> Outcome<Option<RunDetail>> {
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
