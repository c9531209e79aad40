//! The one transaction that stores an answer.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::SqliteConnection;

use super::super::coverage::Says;
use super::super::ledger::can_be_stored;
use super::super::upsert::{Relabelling, fill, relabel};
use super::super::{BarQuery, Credential, Order, row};
use super::transaction::begin;
use super::{Outcome, adjust, bulk, coverage, instant, stored_series};
use crate::model::{Bar, Batch, Counts, Interval, Price, RequestId};

pub async fn apply(
    connection: &mut SqliteConnection,
    page: Vec<Batch>,
    credential: Credential,
) -> Outcome<Vec<Counts>> {
    let Some(first) = page.first() else {
        return Ok(vec![]);
    };
    let mut tx = begin(connection).await?;
    let (state, endpoint): (String, String) =
        sqlx::query_as("SELECT state, endpoint FROM requests WHERE id = $1")
            .bind(first.request.0)
            .fetch_one(&mut *tx)
            .await?;
    debug_assert!(
        can_be_stored(&state),
        "an answer of a request that is {state}"
    );
    if state != "stored" {
        for batch in &page {
            let before = uncounted(&mut tx, batch).await?;
            let says = says(&mut tx, batch).await?;
            let counts = store_bars(&mut tx, batch).await?;
            debug_assert_eq!(counts.offered() as usize, batch.bars.len());
            let after = uncounted(&mut tx, batch).await?;
            debug_assert_eq!(after, before, "a total grows by what is inserted");
            coverage::hear(&mut tx, batch, counts, says).await?;
            adjust::after_bars(&mut tx, batch, counts).await?;
            store_rejected(&mut tx, batch).await?;
            add_to_run(&mut tx, batch, counts).await?;
        }
        settle(&mut tx, first, &endpoint, &credential).await?;
    }
    let mut done = Vec::with_capacity(page.len());
    for batch in &page {
        done.push(done_by_run(&mut tx, batch).await?);
    }
    tx.commit().await?;
    Ok(done)
}

/// What an answer says of times. One that is outdone may be on an earlier scale: it says nothing of a
/// series that its source adjusts.
async fn says(connection: &mut SqliteConnection, batch: &Batch) -> Outcome<Says> {
    if !batch.series.is_adjusted_by_source() {
        return Ok(Says::alone(batch));
    }
    if is_outdone(connection, batch).await? {
        return Ok(Says::default());
    }
    coverage::says(connection, batch).await
}

/// How many bars of a series its total lacks, which storing must not change. Only debug builds look.
async fn uncounted(connection: &mut SqliteConnection, batch: &Batch) -> Outcome<Option<i64>> {
    if !cfg!(debug_assertions) {
        return Ok(None);
    }
    let series = &batch.series;
    Ok(sqlx::query_scalar(
        "SELECT coalesce(sum((SELECT count(*) FROM bars WHERE series_id = id) - bars), 0) FROM series_totals \
         WHERE source = $1 AND symbol = $2 AND interval = $3 AND adjusted = $4",
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
    connection: &mut SqliteConnection,
    batch: &Batch,
    endpoint: &str,
    credential: &Credential,
) -> Outcome<()> {
    sqlx::query(
        "UPDATE requests SET state = 'stored', class = NULL, message = NULL, parse_ms = $2, \
                ended_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = $1",
    )
    .bind(batch.request.0)
    .bind(batch.parse_ms)
    .execute(&mut *connection)
    .await?;
    count_requests(connection, batch.request).await?;
    sqlx::query(
        "INSERT INTO entitlements (key_fingerprint, source, endpoint, plan, granted) VALUES ($1, $2, $3, $4, 1) \
         ON CONFLICT (key_fingerprint, source, endpoint, parameter, plan) DO UPDATE \
         SET granted = 1, message = NULL, learnt_at = strftime('%Y-%m-%d %H:%M:%f', 'now') \
         WHERE NOT entitlements.granted",
    )
    .bind(&credential.fingerprint)
    .bind(credential.source.as_str())
    .bind(endpoint)
    .bind(&credential.plan)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Stores bars inside an open transaction and returns the counts.
async fn store_bars(connection: &mut SqliteConnection, batch: &Batch) -> Outcome<Counts> {
    let (Some(first), Some(last)) = (batch.bars.first(), batch.bars.last()) else {
        return Ok(Counts::default());
    };
    let number = stored_series::enter(connection, &batch.series).await?;
    let relabelling = if matches!(batch.series.interval, Interval::Weekly | Interval::Monthly) {
        move_labels(connection, batch, number).await?
    } else {
        Relabelling::default()
    };
    let filling = if is_outdone(connection, batch).await? {
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
    let before = count_range(connection, number, first, last).await?;
    let written = bulk::store(connection, number, &current).await?;
    let inserted: u32 = if before == 0 || written == 0 {
        u32::try_from(written).unwrap_or(u32::MAX)
    } else {
        row::count(count_range(connection, number, first, last).await? - before)
    };
    add_to_total(connection, number, inserted).await?;
    let moved = u32::try_from(relabelling.moved.len()).unwrap_or(u32::MAX);
    let changed = u32::try_from(written)
        .unwrap_or(u32::MAX)
        .saturating_sub(inserted)
        .saturating_add(moved);
    Ok(Counts::of(batch.bars.len(), inserted, changed))
}

/// The database counts rows written; how many of them are new is the growth of their range.
async fn count_range(
    connection: &mut SqliteConnection,
    number: i64,
    first: &Bar,
    last: &Bar,
) -> Outcome<i64> {
    Ok(sqlx::query_scalar(
        "SELECT count(*) FROM bars WHERE series_id = $1 AND timestamp BETWEEN $2 AND $3",
    )
    .bind(number)
    .bind(instant::text(first.timestamp))
    .bind(instant::text(last.timestamp))
    .fetch_one(connection)
    .await?)
}

/// Adds new bars to the total of their series. A label that moves takes its bar along, so it adds none.
async fn add_to_total(
    connection: &mut SqliteConnection,
    number: i64,
    inserted: u32,
) -> Outcome<()> {
    if inserted > 0 {
        sqlx::query("UPDATE series_totals SET bars = bars + $2 WHERE id = $1")
            .bind(number)
            .bind(inserted)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Whether a later request for the same bars is already stored: then this answer, which was slower
/// or waited for a restart, may fill gaps but not overwrite.
async fn is_outdone(connection: &mut SqliteConnection, batch: &Batch) -> Outcome<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM request_series s JOIN requests q ON q.id = s.request_id \
         WHERE s.source = $6 AND s.symbol = $1 AND s.interval = $2 AND s.adjusted IN ($3, $5) \
         AND s.request_id > $4 AND q.state = 'stored')",
    )
    .bind(batch.series.symbol.as_str())
    .bind(batch.series.interval.as_str())
    .bind(batch.series.is_stored_adjusted())
    .bind(batch.request.0)
    .bind(batch.series.adjusted || !batch.series.interval.is_intraday())
    .bind(batch.series.source.as_str())
    .fetch_one(connection)
    .await?)
}

/// The stored bars from the first to the last of an answer, oldest first.
pub async fn stored_bars(connection: &mut SqliteConnection, batch: &Batch) -> Outcome<Vec<Bar>> {
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

/// Gives stored bars of unfinished weeks and months the label and values of the bar that replaces them.
async fn move_labels(
    connection: &mut SqliteConnection,
    batch: &Batch,
    number: i64,
) -> Outcome<Relabelling> {
    let day = |bar: Option<&Bar>| bar.map(|bar| bar.trading_date).unwrap_or_default();
    let first = day(batch.bars.first());
    let first = batch.series.interval.period_start(first).unwrap_or(first);
    let stored: Vec<(String, i64)> = sqlx::query_as(
        "SELECT timestamp, trading_day FROM bars WHERE series_id = $1 AND trading_day BETWEEN $2 AND $3 + 31",
    )
    .bind(number)
    .bind(row::epoch_day(first))
    .bind(row::epoch_day(day(batch.bars.last())))
    .fetch_all(&mut *connection)
    .await?;
    let stored: Vec<(DateTime<Utc>, NaiveDate)> = stored
        .into_iter()
        .map(|(label, day)| Ok((instant::read(&label)?, row::from_epoch_day(day))))
        .collect::<Outcome<_>>()?;
    let relabelling = relabel(batch.series.interval, &stored, &batch.bars);
    for (old, bar) in &relabelling.moved {
        sqlx::query(
            "UPDATE bars SET timestamp = $3, trading_day = $4, open_price = $5, high_price = $6, low_price = $7, \
                    close_price = $8, volume = $9, volume_fraction = $10, final = $11, \
                    adjusted_close = coalesce($12, adjusted_close), \
                    dividend_amount = coalesce($13, dividend_amount), \
                    split_coefficient = coalesce($14, split_coefficient), updated_at = unixepoch() \
             WHERE series_id = $1 AND timestamp = $2",
        )
        .bind(number)
        .bind(instant::text(*old))
        .bind(instant::text(bar.timestamp))
        .bind(row::epoch_day(bar.trading_date))
        .bind(bar.open.units())
        .bind(bar.high.units())
        .bind(bar.low.units())
        .bind(bar.close.units())
        .bind(bar.volume.whole())
        .bind(bar.volume.fraction())
        .bind(bar.is_final)
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
            "INSERT INTO rejected_rows (request_id, symbol, interval, adjusted, label, content, reason, source) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(batch.request.0)
        .bind(batch.series.symbol.as_str())
        .bind(batch.series.interval.as_str())
        .bind(batch.series.adjusted)
        .bind(&rejected.label)
        .bind(&rejected.content)
        .bind(&rejected.reason)
        .bind(batch.series.source.as_str())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Adds what an answer brought to what the run has done for its series, which is complete with the
/// last one.
async fn add_to_run(
    connection: &mut SqliteConnection,
    batch: &Batch,
    counts: Counts,
) -> Outcome<()> {
    let series = &batch.series;
    let rejected = batch
        .received
        .saturating_sub(u32::try_from(batch.bars.len()).unwrap_or(u32::MAX));
    let time = |bar: Option<&Bar>| bar.map(|bar| super::history::text(bar.timestamp));
    sqlx::query(
        "UPDATE run_series SET received = received + $5, inserted = inserted + $6, changed = changed + $7, \
                unchanged = unchanged + $8, rejected = rejected + $9, rounded = rounded + $10, \
                first_at = coalesce(min(first_at, $11), first_at, $11), last_at = coalesce(max(last_at, $12), last_at, $12), \
                set_aside = set_aside + $13, error_class = NULL, error_message = NULL, \
                status = CASE WHEN $14 THEN 'succeeded' ELSE status END, \
                finished_at = CASE WHEN $14 THEN strftime('%Y-%m-%d %H:%M:%f', 'now') ELSE finished_at END \
         WHERE run_id = $1 AND source = $15 AND symbol = $2 AND interval = $3 AND adjusted = $4",
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
    .bind(batch.is_last)
    .bind(series.source.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// Requests are counted from the ledger, so that a recovered answer has them too. One about several
/// series counts in each.
async fn count_requests(connection: &mut SqliteConnection, request: RequestId) -> Outcome<()> {
    sqlx::query(row::COUNT_REQUESTS)
        .bind(request.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// What a run has done for a series.
async fn done_by_run(connection: &mut SqliteConnection, batch: &Batch) -> Outcome<Counts> {
    let (inserted, changed, unchanged): (u32, u32, u32) = sqlx::query_as(
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
        inserted,
        changed,
        unchanged,
    })
}
