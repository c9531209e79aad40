//! The one transaction that stores an answer.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::super::coverage::Says;
use super::super::error::DbErrorKind;
use super::super::ledger::can_be_stored;
use super::super::upsert::{Relabelling, fill, relabel};
use super::super::{BarQuery, Credential, DbError, Order, row};
use super::copy::copy;
use super::{Fault, Outcome, adjust, coverage, ranks};
use crate::model::{Bar, Batch, Counts, Interval, Price, RequestId, SourceId};

/// Rows per statement: enough to hide its fixed cost, few enough to bound its memory.
const CHUNK: usize = 20_000;
/// Up to this many bars are not worth a COPY. It ends with two small writes, and TCP delays the
/// second for 40 ms unless the connection turns that off, which the driver does not.
const FEW: usize = 1_000;

/// Builds the upsert. It reads the existing rows by one range of the key's index, drops what
/// has not changed before the INSERT (which would lock even those), and counts by `xmax`. As
/// subqueries, sources are looked up once, and not by the server's reckoning for every row.
macro_rules! upsert {
    (columns: $columns:literal, arrays: $arrays:literal, stored: $stored:literal, merged: $merged:literal,
     set: $set:literal, have: $have:literal, excluded: $excluded:literal, source: $source:literal) => {
        concat!(
            "WITH stored AS MATERIALIZED ( \
                 SELECT timestamp, ", $columns, " FROM stock_data \
                 WHERE source = (SELECT source_of(", $source, ")) AND symbol = $1 AND interval = $2 AND adjusted = $3 \
                   AND timestamp BETWEEN $4 AND $5 \
             ), fresh AS ( \
                 SELECT i.timestamp, i.trading_date, ", $merged, " \
                 FROM unnest($6::timestamptz[], $7::date[], ", $arrays, ") \
                      AS i (timestamp, trading_date, ", $columns, ") \
                 LEFT JOIN stored s ON s.timestamp = i.timestamp \
                 WHERE s.timestamp IS NULL OR (", $stored, ") IS DISTINCT FROM (", $merged, ") \
             ), written AS ( \
                 INSERT INTO stock_data (source, symbol, interval, adjusted, timestamp, trading_date, ", $columns, ") \
                 SELECT (SELECT source_of(", $source, ")), $1, $2, $3, f.* FROM fresh f \
                 ON CONFLICT (source, symbol, interval, adjusted, timestamp) DO UPDATE SET ", $set, " \
                 WHERE (", $have, ") IS DISTINCT FROM (", $excluded, ") \
                 RETURNING (xmax = 0) AS inserted \
             ) \
             SELECT count(*) FILTER (WHERE inserted), count(*) FILTER (WHERE NOT inserted) FROM written"
        )
    };
}

const PLAIN: &str = upsert!(
    columns: "open_price, high_price, low_price, close_price, volume, final",
    arrays: "$8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::bool[]",
    stored: "s.open_price, s.high_price, s.low_price, s.close_price, s.volume, s.final",
    merged: "i.open_price, i.high_price, i.low_price, i.close_price, i.volume, i.final",
    set: "open_price = EXCLUDED.open_price, high_price = EXCLUDED.high_price, low_price = EXCLUDED.low_price, \
          close_price = EXCLUDED.close_price, volume = EXCLUDED.volume, final = EXCLUDED.final",
    have: "stock_data.open_price, stock_data.high_price, stock_data.low_price, stock_data.close_price, \
           stock_data.volume, stock_data.final",
    excluded: "EXCLUDED.open_price, EXCLUDED.high_price, EXCLUDED.low_price, EXCLUDED.close_price, EXCLUDED.volume, \
               EXCLUDED.final",
    source: "$14"
);

/// The same with the three columns that only adjusted functions fill; a missing one is left alone.
const ADJUSTED: &str = upsert!(
    columns: "open_price, high_price, low_price, close_price, volume, final, adjusted_close, dividend_amount, \
              split_coefficient",
    arrays: "$8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::bool[], \
             $14::numeric[], $15::numeric[], $16::numeric[]",
    stored: "s.open_price, s.high_price, s.low_price, s.close_price, s.volume, s.final, s.adjusted_close, s.dividend_amount, \
             s.split_coefficient",
    merged: "i.open_price, i.high_price, i.low_price, i.close_price, i.volume, i.final, \
             coalesce(i.adjusted_close, s.adjusted_close), coalesce(i.dividend_amount, s.dividend_amount), \
             coalesce(i.split_coefficient, s.split_coefficient)",
    set: "open_price = EXCLUDED.open_price, high_price = EXCLUDED.high_price, low_price = EXCLUDED.low_price, \
          close_price = EXCLUDED.close_price, volume = EXCLUDED.volume, final = EXCLUDED.final, \
          adjusted_close = EXCLUDED.adjusted_close, dividend_amount = EXCLUDED.dividend_amount, \
          split_coefficient = EXCLUDED.split_coefficient",
    have: "stock_data.open_price, stock_data.high_price, stock_data.low_price, stock_data.close_price, \
           stock_data.volume, stock_data.final, stock_data.adjusted_close, stock_data.dividend_amount, stock_data.split_coefficient",
    excluded: "EXCLUDED.open_price, EXCLUDED.high_price, EXCLUDED.low_price, EXCLUDED.close_price, EXCLUDED.volume, \
               EXCLUDED.final, EXCLUDED.adjusted_close, EXCLUDED.dividend_amount, EXCLUDED.split_coefficient",
    source: "$17"
);

/// How bars are written if none of their range is stored yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By COPY, which costs half; if another process stores one of them first, it fails.
    Copied,
    /// By the upsert, as everywhere else.
    Merged,
}

pub async fn apply(
    connection: &mut PgConnection,
    page: Vec<Batch>,
    credential: Credential,
) -> Outcome<Vec<Counts>> {
    know(connection, sources(&page)).await?;
    match transact(connection, &page, &credential, Way::Copied).await {
        Err(Fault::Sql(sqlx::Error::Database(error))) if error.is_unique_violation() => {
            transact(connection, &page, &credential, Way::Merged).await
        }
        outcome => outcome,
    }
}

/// The sources of a page.
pub fn sources(page: &[Batch]) -> Vec<SourceId> {
    let mut sources: Vec<SourceId> = page
        .iter()
        .map(|batch| batch.series.source.clone())
        .collect();
    sources.dedup();
    sources
}

/// Adds the words of sources that the migrations do not know. Before the transaction: a word cannot be
/// used in the one that adds it.
pub async fn know(connection: &mut PgConnection, sources: Vec<SourceId>) -> Outcome<()> {
    for source in sources {
        enter(connection, &source).await?;
    }
    Ok(())
}

async fn enter(connection: &mut PgConnection, source: &SourceId) -> Outcome<()> {
    let is_known: bool = sqlx::query_scalar("SELECT source_of($1) IS NOT NULL")
        .bind(source.as_str())
        .fetch_one(&mut *connection)
        .await?;
    if is_known {
        return Ok(());
    }
    // A source's word needs no quoting: letters, digits and underscores.
    let add = format!("ALTER TYPE bar_source ADD VALUE IF NOT EXISTS '{source}'");
    let added = sqlx::raw_sql(AssertSqlSafe(add.clone()))
        .execute(&mut *connection)
        .await;
    match added {
        Err(error) if is_forbidden(&error) => Err(DbError::new(
            DbErrorKind::Refused,
            format!(
                "this database has no bars of {source} yet, and only the owner of its tables may prepare it for them; nothing that was fetched is lost. Let the owner run once: {add}"
            ),
        )
        .caused_by(error)
        .into()),
        Err(error) => Err(error.into()),
        Ok(_) => ranks::add(connection, source.as_str()).await,
    }
}

/// Whether the role lacks the right to do something.
fn is_forbidden(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("42501"))
}

/// The transaction. A failure is rolled back, so that another way can be tried.
async fn transact(
    connection: &mut PgConnection,
    page: &[Batch],
    credential: &Credential,
    way: Way,
) -> Outcome<Vec<Counts>> {
    let Some(first) = page.first() else {
        return Ok(vec![]);
    };
    let mut tx = connection.begin().await?;
    let (state, endpoint): (String, String) =
        sqlx::query_as("SELECT state, endpoint FROM requests WHERE id = $1 FOR UPDATE")
            .bind(first.request.0)
            .fetch_one(&mut *tx)
            .await?;
    debug_assert!(
        can_be_stored(&state),
        "an answer of a request that is {state}"
    );
    if state != "stored" {
        for batch in page {
            let before = uncounted(&mut tx, batch).await?;
            let says = says(&mut tx, batch).await?;
            let counts = store_bars(&mut tx, batch, way).await?;
            debug_assert_eq!(counts.offered() as usize, batch.bars.len());
            coverage::hear(&mut tx, batch, counts, says).await?;
            adjust::after_bars(&mut tx, batch, counts).await?;
            store_rejected(&mut tx, batch).await?;
            add_to_total(&mut tx, batch, counts.inserted).await?;
            let after = uncounted(&mut tx, batch).await?;
            debug_assert_eq!(after, before, "a total grows by what is inserted");
            add_to_run(&mut tx, batch, counts).await?;
        }
        settle(&mut tx, first, &endpoint, credential).await?;
    }
    let mut done = Vec::with_capacity(page.len());
    for batch in page {
        done.push(done_by_run(&mut tx, batch).await?);
    }
    tx.commit().await?;
    Ok(done)
}

/// How many bars of a series its total lacks, which storing must not change. Only debug builds look:
/// in one statement, which sees of others only what they committed, bars and total alike.
async fn uncounted(connection: &mut PgConnection, batch: &Batch) -> Outcome<Option<i64>> {
    if !cfg!(debug_assertions) {
        return Ok(None);
    }
    let series = &batch.series;
    Ok(sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM stock_data WHERE source = source_of($1) AND symbol = $2 AND interval = $3 \
                 AND adjusted = $4) \
              - coalesce((SELECT bars FROM series_totals WHERE source = $1 AND symbol = $2 AND interval = $3 \
                          AND adjusted = $4), 0)",
    )
    .bind(series.source.as_str())
    .bind(series.symbol.as_str())
    .bind(series.interval.as_str())
    .bind(series.is_stored_adjusted())
    .fetch_one(connection)
    .await?)
}

/// Ends the request, and remembers that the key may send such ones.
async fn settle(
    connection: &mut PgConnection,
    batch: &Batch,
    endpoint: &str,
    credential: &Credential,
) -> Outcome<()> {
    sqlx::query(
        "UPDATE requests SET state = 'stored', class = NULL, message = NULL, parse_ms = $2, \
                ended_at = clock_timestamp() WHERE id = $1",
    )
    .bind(batch.request.0)
    .bind(batch.parse_ms.cast_signed())
    .execute(&mut *connection)
    .await?;
    count_requests(connection, batch.request).await?;
    sqlx::query(
        "INSERT INTO entitlements (key_fingerprint, source, endpoint, plan, granted) VALUES ($1, $2, $3, $4, true) \
         ON CONFLICT (key_fingerprint, source, endpoint, parameter, plan) DO UPDATE \
         SET granted = true, message = NULL, learnt_at = clock_timestamp() WHERE NOT entitlements.granted",
    )
    .bind(&credential.fingerprint)
    .bind(credential.source.as_str())
    .bind(endpoint)
    .bind(&credential.plan)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// What an answer says of times. One that is outdone may be on an earlier scale: it says nothing of a
/// series that its source adjusts.
async fn says(connection: &mut PgConnection, batch: &Batch) -> Outcome<Says> {
    let ends = batch.bars.first().zip(batch.bars.last());
    let Some((first, last)) = ends.filter(|_| batch.series.is_adjusted_by_source()) else {
        return Ok(Says::alone(batch));
    };
    if standing(connection, batch, first, last).await?.is_outdone {
        return Ok(Says::default());
    }
    coverage::says(connection, batch).await
}

/// Stores bars inside an open transaction and returns the counts.
async fn store_bars(connection: &mut PgConnection, batch: &Batch, way: Way) -> Outcome<Counts> {
    let (Some(first), Some(last)) = (batch.bars.first(), batch.bars.last()) else {
        return Ok(Counts::default());
    };
    let relabelling = if matches!(batch.series.interval, Interval::Weekly | Interval::Monthly) {
        move_labels(connection, batch, first.trading_date, last.trading_date).await?
    } else {
        Relabelling::default()
    };
    let stands = standing(connection, batch, first, last).await?;
    let filling = if stands.is_outdone {
        let stored = stored_bars(connection, batch).await?;
        Some(fill(&stored, &batch.bars))
    } else {
        None
    };
    let current: Vec<&Bar> = filling
        .as_deref()
        .unwrap_or(&batch.bars)
        .iter()
        .filter(|bar| !relabelling.outdated.contains(&bar.timestamp))
        .collect();
    let (mut inserted, mut changed) = (0_i64, 0_i64);
    if stands.is_new && current.len() > FEW && way == Way::Copied {
        let copied = copy(connection, &batch.series, &current).await?;
        inserted = i64::try_from(copied).unwrap_or(i64::MAX);
    } else {
        for chunk in current.chunks(CHUNK) {
            let (new, other) = store_chunk(connection, batch, chunk).await?;
            inserted += new;
            changed += other;
        }
    }
    let changed = row::count::<u32>(changed)
        + row::count::<u32>(i64::try_from(relabelling.moved.len()).unwrap_or(0));
    let inserted = row::count::<u32>(inserted);
    Ok(Counts::of(batch.bars.len(), inserted, changed))
}

/// Adds new bars to the total of their series. A label that moves takes its bar along, so it adds none.
async fn add_to_total(connection: &mut PgConnection, batch: &Batch, inserted: u32) -> Outcome<()> {
    if inserted == 0 {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO series_totals (symbol, interval, adjusted, bars, source) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (source, symbol, interval, adjusted) DO UPDATE SET bars = series_totals.bars + excluded.bars",
    )
    .bind(batch.series.symbol.as_str())
    .bind(batch.series.interval.as_str())
    .bind(batch.series.is_stored_adjusted())
    .bind(i64::from(inserted))
    .bind(batch.series.source.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// How an answer relates to what is stored.
struct Standing {
    /// A later request for the same bars is already stored: then this answer, which was slower or
    /// waited for a restart, may fill gaps but not overwrite.
    is_outdone: bool,
    /// No bar between its first and its last is stored.
    is_new: bool,
}

async fn standing(
    connection: &mut PgConnection,
    batch: &Batch,
    first: &Bar,
    last: &Bar,
) -> Outcome<Standing> {
    let (is_outdone, is_new) = sqlx::query_as(
        "SELECT EXISTS (SELECT 1 FROM request_series s JOIN requests q ON q.id = s.request_id \
                        WHERE s.source = $8 AND s.symbol = $1 AND s.interval = $2 AND s.adjusted IN ($3, $7) \
                        AND s.request_id > $4 AND q.state = 'stored'), \
                NOT EXISTS (SELECT 1 FROM stock_data WHERE source = source_of($8) AND symbol = $1 AND interval = $2 \
                            AND adjusted = $3 AND timestamp BETWEEN $5 AND $6)",
    )
    .bind(batch.series.symbol.as_str())
    .bind(batch.series.interval.as_str())
    .bind(batch.series.is_stored_adjusted())
    .bind(batch.request.0)
    .bind(first.timestamp)
    .bind(last.timestamp)
    .bind(batch.series.adjusted || !batch.series.interval.is_intraday())
    .bind(batch.series.source.as_str())
    .fetch_one(connection)
    .await?;
    Ok(Standing { is_outdone, is_new })
}

/// The stored bars from the first to the last of an answer, oldest first.
pub async fn stored_bars(connection: &mut PgConnection, batch: &Batch) -> Outcome<Vec<Bar>> {
    let (Some(first), Some(last)) = (batch.bars.first(), batch.bars.last()) else {
        return Ok(vec![]);
    };
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
    connection: &mut PgConnection,
    batch: &Batch,
    bars: &[&Bar],
) -> Outcome<(i64, i64)> {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else {
        return Ok((0, 0));
    };
    let prices = |pick: fn(&Bar) -> Price| {
        bars.iter()
            .map(|bar| pick(bar).to_decimal())
            .collect::<Vec<Decimal>>()
    };
    let extras = |pick: fn(&Bar) -> Option<Price>| {
        bars.iter()
            .map(|bar| pick(bar).map(Price::to_decimal))
            .collect::<Vec<Option<Decimal>>>()
    };
    let adjusted = bars.iter().any(|bar| bar.has_adjustments());
    let mut query = sqlx::query_as(if adjusted { ADJUSTED } else { PLAIN })
        .bind(batch.series.symbol.as_str())
        .bind(batch.series.interval.as_str())
        .bind(batch.series.is_stored_adjusted())
        .bind(first.timestamp)
        .bind(last.timestamp)
        .bind(
            bars.iter()
                .map(|bar| bar.timestamp)
                .collect::<Vec<DateTime<Utc>>>(),
        )
        .bind(
            bars.iter()
                .map(|bar| bar.trading_date)
                .collect::<Vec<NaiveDate>>(),
        )
        .bind(prices(|bar| bar.open))
        .bind(prices(|bar| bar.high))
        .bind(prices(|bar| bar.low))
        .bind(prices(|bar| bar.close))
        .bind(
            bars.iter()
                .map(|bar| bar.volume.to_decimal())
                .collect::<Vec<Decimal>>(),
        )
        .bind(bars.iter().map(|bar| bar.is_final).collect::<Vec<bool>>());
    if adjusted {
        query = query
            .bind(extras(|bar| bar.adjusted_close))
            .bind(extras(|bar| bar.dividend_amount))
            .bind(extras(|bar| bar.split_coefficient));
    }
    query = query.bind(batch.series.source.as_str());
    Ok(query.fetch_one(connection).await?)
}

/// Gives stored bars of unfinished weeks and months the label and values of the bar that replaces them.
async fn move_labels(
    connection: &mut PgConnection,
    batch: &Batch,
    first: NaiveDate,
    last: NaiveDate,
) -> Outcome<Relabelling> {
    let period = |date| batch.series.interval.period_start(date).unwrap_or(date);
    let stored: Vec<(DateTime<Utc>, NaiveDate)> = sqlx::query_as(
        "SELECT timestamp, trading_date FROM stock_data \
         WHERE source = source_of($6) AND symbol = $1 AND interval = $2 AND adjusted = $3 \
         AND trading_date BETWEEN $4 AND CAST($5 AS date) + 31",
    )
    .bind(batch.series.symbol.as_str())
    .bind(batch.series.interval.as_str())
    .bind(batch.series.is_stored_adjusted())
    .bind(period(first))
    .bind(last)
    .bind(batch.series.source.as_str())
    .fetch_all(&mut *connection)
    .await?;
    let relabelling = relabel(batch.series.interval, &stored, &batch.bars);
    for (old, bar) in &relabelling.moved {
        sqlx::query(
            "UPDATE stock_data SET timestamp = $5, trading_date = $6, open_price = $7, high_price = $8, low_price = $9, \
                    close_price = $10, volume = $11, adjusted_close = coalesce($12, adjusted_close), \
                    dividend_amount = coalesce($13, dividend_amount), \
                    split_coefficient = coalesce($14, split_coefficient), final = $15 \
             WHERE source = source_of($16) AND symbol = $1 AND interval = $2 AND adjusted = $3 AND timestamp = $4",
        )
        .bind(batch.series.symbol.as_str())
        .bind(batch.series.interval.as_str())
        .bind(batch.series.is_stored_adjusted())
        .bind(old)
        .bind(bar.timestamp)
        .bind(bar.trading_date)
        .bind(bar.open.to_decimal())
        .bind(bar.high.to_decimal())
        .bind(bar.low.to_decimal())
        .bind(bar.close.to_decimal())
        .bind(bar.volume.to_decimal())
        .bind(bar.adjusted_close.map(Price::to_decimal))
        .bind(bar.dividend_amount.map(Price::to_decimal))
        .bind(bar.split_coefficient.map(Price::to_decimal))
        .bind(bar.is_final)
        .bind(batch.series.source.as_str())
        .execute(&mut *connection)
        .await?;
    }
    Ok(relabelling)
}

async fn store_rejected(connection: &mut PgConnection, batch: &Batch) -> Outcome<()> {
    if batch.rejected.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO rejected_rows (request_id, symbol, interval, adjusted, source, label, content, reason) \
         SELECT $1, $2, $3, $4, $8, * FROM unnest($5::text[], $6::text[], $7::text[])",
    )
    .bind(batch.request.0)
    .bind(batch.series.symbol.as_str())
    .bind(batch.series.interval.as_str())
    .bind(batch.series.adjusted)
    .bind(batch.rejected.iter().map(|row| row.label.as_str()).collect::<Vec<_>>())
    .bind(batch.rejected.iter().map(|row| row.content.as_str()).collect::<Vec<_>>())
    .bind(batch.rejected.iter().map(|row| row.reason.as_str()).collect::<Vec<_>>())
    .bind(batch.series.source.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds what an answer brought to what the run has done for its series, which is complete with the
/// last one.
async fn add_to_run(connection: &mut PgConnection, batch: &Batch, counts: Counts) -> Outcome<()> {
    let series = &batch.series;
    let rejected = batch
        .received
        .saturating_sub(u32::try_from(batch.bars.len()).unwrap_or(u32::MAX));
    sqlx::query(
        "UPDATE run_series SET received = received + $5, inserted = inserted + $6, changed = changed + $7, \
                unchanged = unchanged + $8, rejected = rejected + $9, rounded = rounded + $10, \
                first_at = least(first_at, $11), last_at = greatest(last_at, $12), \
                set_aside = set_aside + $13, error_class = NULL, error_message = NULL, \
                status = CASE WHEN $14 THEN 'succeeded' ELSE status END, \
                finished_at = CASE WHEN $14 THEN clock_timestamp() ELSE finished_at END \
         WHERE run_id = $1 AND source = $15 AND symbol = $2 AND interval = $3 AND adjusted = $4",
    )
    .bind(batch.run.0)
    .bind(series.symbol.as_str())
    .bind(series.interval.as_str())
    .bind(series.adjusted)
    .bind(batch.received.cast_signed())
    .bind(counts.inserted.cast_signed())
    .bind(counts.changed.cast_signed())
    .bind(counts.unchanged.cast_signed())
    .bind(rejected.cast_signed())
    .bind(batch.rounded.cast_signed())
    .bind(batch.bars.first().map(|bar| bar.timestamp))
    .bind(batch.bars.last().map(|bar| bar.timestamp))
    .bind(batch.set_aside.cast_signed())
    .bind(batch.is_last)
    .bind(series.source.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// Requests are counted from the ledger, so that a recovered answer has them too. One about several
/// series counts in each.
async fn count_requests(connection: &mut PgConnection, request: RequestId) -> Outcome<()> {
    sqlx::query(row::COUNT_REQUESTS)
        .bind(request.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// What a run has done for a series.
async fn done_by_run(connection: &mut PgConnection, batch: &Batch) -> Outcome<Counts> {
    let (inserted, changed, unchanged): (i32, i32, i32) = sqlx::query_as(
        "SELECT inserted, changed, unchanged FROM run_series \
         WHERE run_id = $1 AND source = $2 AND symbol = $3 AND interval = $4 AND adjusted = $5",
    )
    .bind(batch.run.0)
    .bind(batch.series.source.as_str())
    .bind(batch.series.symbol.as_str())
    .bind(batch.series.interval.as_str())
    .bind(batch.series.adjusted)
    .fetch_one(connection)
    .await?;
    Ok(Counts {
        inserted: inserted.cast_unsigned(),
        changed: changed.cast_unsigned(),
        unchanged: unchanged.cast_unsigned(),
    })
}
