//! The one transaction that stores an answer.

use std::fmt::Write as _;
use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::super::upsert::{Relabelling, fill, relabel};
use super::super::{BarQuery, Credential, Order, row};
use super::Outcome;
use crate::model::{Bar, Batch, Counts, Interval, Price};

/// Rows per statement: as many as pay off, far below SQLite's 32,766 parameters.
const CHUNK: usize = 1_000;

/// The statement for a full chunk without and with the adjustment columns: prepared once, used often.
static FULL: LazyLock<[String; 2]> = LazyLock::new(|| [upsert(CHUNK, false), upsert(CHUNK, true)]);

/// Builds an upsert of `rows` rows that leaves unchanged rows alone; a missing adjustment is kept.
///
/// Its parameters are the values row by row, then symbol, interval, adjusted. None is numbered:
/// SQLite and the driver search a list for every numbered one, which cost more than the upsert.
fn upsert(rows: usize, adjusted: bool) -> String {
    let mut columns = vec![
        "open_price",
        "high_price",
        "low_price",
        "close_price",
        "volume",
    ];
    if adjusted {
        columns.extend(["adjusted_close", "dividend_amount", "split_coefficient"]);
    }
    let width = columns.len() + 2;
    let new = |column: &str| match column {
        "adjusted_close" | "dividend_amount" | "split_coefficient" => {
            format!("coalesce(excluded.{column}, bars.{column})")
        }
        _ => format!("excluded.{column}"),
    };
    let each = |form: &dyn Fn(&str) -> String| {
        columns
            .iter()
            .map(|c| form(c))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let names = columns.join(", ");
    let row = format!("(?{})", ",?".repeat(width - 1));
    let mut sql = format!("WITH new (timestamp, trading_day, {names}) AS (VALUES {row}");
    for _ in 1..rows {
        sql.push(',');
        sql.push_str(&row);
    }
    let _ = write!(
        sql,
        ") INSERT INTO bars (symbol, interval, adjusted, timestamp, trading_day, {names}) \
         SELECT ?, ?, ?, new.* FROM new WHERE true",
    );
    let _ = write!(
        sql,
        " ON CONFLICT (symbol, interval, adjusted, timestamp) DO UPDATE SET {}, updated_at = unixepoch() \
         WHERE ({}) IS NOT ({})",
        each(&|column| format!("{column} = {}", new(column))),
        each(&|column| format!("bars.{column}")),
        each(&new),
    );
    sql
}

pub async fn apply(
    connection: &mut SqliteConnection,
    batch: Batch,
    credential: Credential,
) -> Outcome<Counts> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let (state, function): (String, String) =
        sqlx::query_as("SELECT state, function FROM requests WHERE id = $1")
            .bind(batch.request.0)
            .fetch_one(&mut *tx)
            .await?;
    if state == "stored" {
        let counts = stored_counts(&mut tx, &batch).await?;
        tx.rollback().await?;
        return Ok(counts);
    }
    let counts = store_bars(&mut tx, &batch).await?;
    store_rejected(&mut tx, &batch).await?;
    add_to_total(&mut tx, &batch, counts.inserted).await?;
    sqlx::query(
        "UPDATE requests SET state = 'stored', class = NULL, message = NULL, parse_ms = $2, \
                ended_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = $1",
    )
    .bind(batch.request.0)
    .bind(batch.parse_ms)
    .execute(&mut *tx)
    .await?;
    finish(&mut tx, &batch, counts).await?;
    sqlx::query(
        "INSERT INTO entitlements (key_fingerprint, function, plan, granted) VALUES ($1, $2, $3, 1) \
         ON CONFLICT (key_fingerprint, function, parameter, plan) DO UPDATE \
         SET granted = 1, message = NULL, learnt_at = strftime('%Y-%m-%d %H:%M:%f', 'now') \
         WHERE NOT entitlements.granted",
    )
    .bind(credential.fingerprint)
    .bind(function)
    .bind(credential.plan)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(counts)
}

/// Stores bars inside an open transaction and returns the counts.
async fn store_bars(connection: &mut SqliteConnection, batch: &Batch) -> Outcome<Counts> {
    let (Some(first), Some(last)) = (batch.bars.first(), batch.bars.last()) else {
        return Ok(Counts::default());
    };
    let relabelling = if matches!(batch.series.interval, Interval::Weekly | Interval::Monthly) {
        move_labels(connection, batch, first.trading_date, last.trading_date).await?
    } else {
        Relabelling::default()
    };
    let filling = if is_outdone(connection, batch).await? {
        let stored = stored_bars(connection, batch, first, last).await?;
        Some(fill(&stored, &batch.bars))
    } else {
        None
    };
    let current: Vec<&Bar> = filling
        .as_ref()
        .unwrap_or(&batch.bars)
        .iter()
        .filter(|bar| !relabelling.outdated.contains(&bar.timestamp))
        .collect();
    let before = count_range(connection, batch, first, last).await?;
    let mut written = 0_u64;
    for chunk in current.chunks(CHUNK) {
        written += store_chunk(connection, batch, chunk).await?;
    }
    let inserted: u32 = row::count(count_range(connection, batch, first, last).await? - before);
    let moved = u32::try_from(relabelling.moved.len()).unwrap_or(u32::MAX);
    let changed = u32::try_from(written)
        .unwrap_or(u32::MAX)
        .saturating_sub(inserted)
        .saturating_add(moved);
    let total = u32::try_from(batch.bars.len()).unwrap_or(u32::MAX);
    Ok(Counts {
        inserted,
        changed,
        unchanged: total.saturating_sub(inserted).saturating_sub(changed),
    })
}

/// The database counts rows written; how many of them are new is the growth of their range.
async fn count_range(
    connection: &mut SqliteConnection,
    batch: &Batch,
    first: &Bar,
    last: &Bar,
) -> Outcome<i64> {
    Ok(sqlx::query_scalar(
        "SELECT count(*) FROM bars WHERE symbol = $1 AND interval = $2 AND adjusted = $3 AND timestamp BETWEEN $4 AND $5",
    )
    .bind(batch.series.symbol.as_str())
    .bind(batch.series.interval.as_str())
    .bind(batch.series.is_stored_adjusted())
    .bind(first.timestamp.timestamp())
    .bind(last.timestamp.timestamp())
    .fetch_one(connection)
    .await?)
}

/// Adds new bars to the total of their series. A label that moves takes its bar along, so it adds none.
async fn add_to_total(
    connection: &mut SqliteConnection,
    batch: &Batch,
    inserted: u32,
) -> Outcome<()> {
    if inserted == 0 {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO series_totals (symbol, interval, adjusted, bars) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (symbol, interval, adjusted) DO UPDATE SET bars = series_totals.bars + excluded.bars",
    )
    .bind(batch.series.symbol.as_str())
    .bind(batch.series.interval.as_str())
    .bind(batch.series.is_stored_adjusted())
    .bind(i64::from(inserted))
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether a later request for the same bars is already stored: then this answer, which was slower
/// or waited for a restart, may fill gaps but not overwrite.
async fn is_outdone(connection: &mut SqliteConnection, batch: &Batch) -> Outcome<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM requests WHERE symbol = $1 AND interval = $2 AND adjusted IN ($3, $5) \
         AND state = 'stored' AND id > $4)",
    )
    .bind(batch.series.symbol.as_str())
    .bind(batch.series.interval.as_str())
    .bind(batch.series.is_stored_adjusted())
    .bind(batch.request.0)
    .bind(batch.series.adjusted || !batch.series.interval.is_intraday())
    .fetch_one(connection)
    .await?)
}

async fn stored_bars(
    connection: &mut SqliteConnection,
    batch: &Batch,
    first: &Bar,
    last: &Bar,
) -> Outcome<Vec<Bar>> {
    let query = BarQuery {
        series: batch.series.clone(),
        from: Some(first.timestamp),
        to: Some(last.timestamp),
        limit: u32::MAX,
        order: Order::OldestFirst,
    };
    super::history::bars(connection, query).await
}

async fn store_chunk(
    connection: &mut SqliteConnection,
    batch: &Batch,
    bars: &[&Bar],
) -> Outcome<u64> {
    let adjusted = bars.iter().any(|bar| bar.has_adjustments());
    let [plain, with_adjustments] = &*FULL;
    let mut query = if bars.len() == CHUNK {
        sqlx::query(AssertSqlSafe(if adjusted {
            with_adjustments.as_str()
        } else {
            plain.as_str()
        }))
    } else {
        sqlx::query(AssertSqlSafe(upsert(bars.len(), adjusted))).persistent(false)
    };
    for bar in bars {
        query = query
            .bind(bar.timestamp.timestamp())
            .bind(row::epoch_day(bar.trading_date))
            .bind(bar.open.units())
            .bind(bar.high.units())
            .bind(bar.low.units())
            .bind(bar.close.units())
            .bind(bar.volume);
        if adjusted {
            query = query
                .bind(bar.adjusted_close.map(Price::units))
                .bind(bar.dividend_amount.map(Price::units))
                .bind(bar.split_coefficient.map(Price::units));
        }
    }
    query = query
        .bind(batch.series.symbol.as_str())
        .bind(batch.series.interval.as_str())
        .bind(batch.series.is_stored_adjusted());
    Ok(query.execute(connection).await?.rows_affected())
}

/// Gives stored bars of unfinished weeks and months the label and values of the bar that replaces them.
async fn move_labels(
    connection: &mut SqliteConnection,
    batch: &Batch,
    first: NaiveDate,
    last: NaiveDate,
) -> Outcome<Relabelling> {
    let period = |date| batch.series.interval.period_start(date).unwrap_or(date);
    let stored: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT timestamp, trading_day FROM bars WHERE symbol = $1 AND interval = $2 AND adjusted = $3 \
         AND trading_day BETWEEN $4 AND $5 + 31",
    )
    .bind(batch.series.symbol.as_str())
    .bind(batch.series.interval.as_str())
    .bind(batch.series.is_stored_adjusted())
    .bind(row::epoch_day(period(first)))
    .bind(row::epoch_day(last))
    .fetch_all(&mut *connection)
    .await?;
    let stored: Vec<(DateTime<Utc>, NaiveDate)> = stored
        .into_iter()
        .map(|(label, day)| (row::instant(label), row::from_epoch_day(day)))
        .collect();
    let relabelling = relabel(batch.series.interval, &stored, &batch.bars);
    for (old, bar) in &relabelling.moved {
        sqlx::query(
            "UPDATE bars SET timestamp = $5, trading_day = $6, open_price = $7, high_price = $8, low_price = $9, \
                    close_price = $10, volume = $11, adjusted_close = coalesce($12, adjusted_close), \
                    dividend_amount = coalesce($13, dividend_amount), \
                    split_coefficient = coalesce($14, split_coefficient), updated_at = unixepoch() \
             WHERE symbol = $1 AND interval = $2 AND adjusted = $3 AND timestamp = $4",
        )
        .bind(batch.series.symbol.as_str())
        .bind(batch.series.interval.as_str())
        .bind(batch.series.is_stored_adjusted())
        .bind(old.timestamp())
        .bind(bar.timestamp.timestamp())
        .bind(row::epoch_day(bar.trading_date))
        .bind(bar.open.units())
        .bind(bar.high.units())
        .bind(bar.low.units())
        .bind(bar.close.units())
        .bind(bar.volume)
        .bind(bar.adjusted_close.map(Price::units))
        .bind(bar.dividend_amount.map(Price::units))
        .bind(bar.split_coefficient.map(Price::units))
        .execute(&mut *connection)
        .await?;
    }
    Ok(relabelling)
}

async fn store_rejected(connection: &mut SqliteConnection, batch: &Batch) -> Outcome<()> {
    for rejected in &batch.rejected {
        sqlx::query(
            "INSERT INTO rejected_rows (request_id, symbol, interval, adjusted, label, content, reason) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(batch.request.0)
        .bind(batch.series.symbol.as_str())
        .bind(batch.series.interval.as_str())
        .bind(batch.series.adjusted)
        .bind(&rejected.label)
        .bind(&rejected.content)
        .bind(&rejected.reason)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Attempts and requests are counted from the ledger, so that a recovered answer has them too.
async fn finish(connection: &mut SqliteConnection, batch: &Batch, counts: Counts) -> Outcome<()> {
    let series = &batch.series;
    let rejected = batch
        .received
        .saturating_sub(u32::try_from(batch.bars.len()).unwrap_or(u32::MAX));
    let time = |bar: Option<&Bar>| bar.map(|bar| super::history::text(bar.timestamp));
    sqlx::query(
        "UPDATE run_series SET status = 'succeeded', received = $5, inserted = $6, changed = $7, unchanged = $8, \
                rejected = $9, rounded = $10, first_at = $11, last_at = $12, set_aside = $13, \
                attempts = t.attempts, requests = t.requests, error_class = NULL, error_message = NULL, \
                finished_at = strftime('%Y-%m-%d %H:%M:%f', 'now') \
         FROM (SELECT count(*) AS attempts, count(CASE WHEN state <> 'not_sent' THEN 1 END) AS requests \
               FROM requests WHERE run_id = $1 AND symbol = $2 AND interval = $3 AND adjusted = $4) t \
         WHERE run_id = $1 AND symbol = $2 AND interval = $3 AND adjusted = $4",
    )
    .bind(batch.run.0)
    .bind(series.symbol.as_str())
    .bind(series.interval.as_str())
    .bind(series.adjusted)
    .bind(batch.received)
    .bind(counts.inserted)
    .bind(counts.changed)
    .bind(counts.unchanged)
    .bind(rejected)
    .bind(batch.rounded)
    .bind(time(batch.bars.first()))
    .bind(time(batch.bars.last()))
    .bind(batch.set_aside)
    .execute(connection)
    .await?;
    Ok(())
}

async fn stored_counts(connection: &mut SqliteConnection, batch: &Batch) -> Outcome<Counts> {
    let (inserted, changed, unchanged): (u32, u32, u32) = sqlx::query_as(
        "SELECT inserted, changed, unchanged FROM run_series \
         WHERE run_id = $1 AND symbol = $2 AND interval = $3 AND adjusted = $4",
    )
    .bind(batch.run.0)
    .bind(batch.series.symbol.as_str())
    .bind(batch.series.interval.as_str())
    .bind(batch.series.adjusted)
    .fetch_one(connection)
    .await?;
    Ok(Counts {
        inserted,
        changed,
        unchanged,
    })
}
