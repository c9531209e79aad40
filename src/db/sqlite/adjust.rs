//! Events and factors, in the transaction that stores the bars or the list which they follow from.

use chrono::NaiveDate;
use sqlx::SqliteConnection;

use super::super::events::{self, DailyWindow, EventsAsked, Stored, word};
use super::super::row;
use super::instant::{FIRST, LAST};
use super::stored_series::number;
use super::transaction::begin;
use super::{Outcome, instant, listings};
use crate::model::adjustment::{
    Adjustment, Adjustments, CorporateEvent, DailyCandidate, KnownEvents, LEAST_JUMP,
    ReportedEvents, Rule,
};
use crate::model::{Batch, Counts, Instrument, Interval, Price, RequestId, SourceId};

/// After bars were stored: what is known of events by daily ones, and what follows.
pub async fn after_bars(
    connection: &mut SqliteConnection,
    batch: &Batch,
    counts: Counts,
) -> Outcome<()> {
    let (Some(first), Some(last)) = (batch.bars.first(), batch.bars.last()) else {
        return Ok(());
    };
    if batch.series.interval != Interval::Daily || counts.inserted + counts.changed == 0 {
        return Ok(());
    }
    let range = (
        instant::text(first.timestamp),
        instant::text(last.timestamp),
    );
    refresh(connection, &batch.series.instrument(), range, batch.rule).await
}

/// Computes the events and factors of every symbol that has daily bars.
pub async fn rebuild(connection: &mut SqliteConnection, rule: Rule) -> Outcome<()> {
    let symbols: Vec<(String, String)> = sqlx::query_as(
        "SELECT source, symbol FROM series_totals WHERE interval = 'daily' AND adjusted = 0",
    )
    .fetch_all(&mut *connection)
    .await?;
    for (source, symbol) in symbols {
        let instrument = Instrument {
            source: word(&source)?,
            symbol: word(&symbol)?,
        };
        refresh(connection, &instrument, everything(), rule).await?;
    }
    Ok(())
}

pub async fn keep_events(
    connection: &mut SqliteConnection,
    request: RequestId,
    reported: ReportedEvents,
    rule: Rule,
) -> Outcome<()> {
    let mut tx = begin(connection).await?;
    if is_newest(&mut tx, &reported).await? {
        replace_list(&mut tx, &reported).await?;
        refresh(&mut tx, &reported.instrument, everything(), rule).await?;
    }
    listings::take_in_renames(&mut tx, request, reported).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn settle_events(
    connection: &mut SqliteConnection,
    requests: Vec<RequestId>,
) -> Outcome<()> {
    let mut tx = begin(connection).await?;
    for request in requests {
        sqlx::query(
            "UPDATE requests SET state = 'stored', class = NULL, message = NULL WHERE id = $1",
        )
        .bind(request.0)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Whether no later list of this kind is stored; if none is, this one is.
async fn is_newest(connection: &mut SqliteConnection, reported: &ReportedEvents) -> Outcome<bool> {
    let written = sqlx::query(
        "INSERT INTO event_lists (source, symbol, kind, through) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (source, symbol, kind) DO UPDATE SET through = excluded.through \
         WHERE excluded.through >= event_lists.through",
    )
    .bind(reported.instrument.source.as_str())
    .bind(reported.instrument.symbol.as_str())
    .bind(reported.kind.as_str())
    .bind(reported.through)
    .execute(connection)
    .await?;
    Ok(written.rows_affected() > 0)
}

async fn replace_list(connection: &mut SqliteConnection, reported: &ReportedEvents) -> Outcome<()> {
    let Instrument { source, symbol } = &reported.instrument;
    sqlx::query("DELETE FROM corporate_events WHERE source = $1 AND symbol = $2 AND origin = $3")
        .bind(source.as_str())
        .bind(symbol.as_str())
        .bind(reported.kind.as_str())
        .execute(&mut *connection)
        .await?;
    let listed = reported
        .events
        .iter()
        .map(|(date, amount)| CorporateEvent::listed(reported.kind, *date, *amount));
    for event in listed {
        insert_event(connection, &reported.instrument, &event).await?;
    }
    Ok(())
}

pub async fn read(
    connection: &mut SqliteConnection,
    instrument: Instrument,
) -> Outcome<(Adjustments, KnownEvents)> {
    let known = known(connection, &instrument).await?;
    let adjustments = adjustments(connection, &instrument).await?;
    Ok((Adjustments::new(adjustments), known))
}

fn everything() -> (String, String) {
    (FIRST.to_owned(), LAST.to_owned())
}

/// Writes what follows from the daily bars in a range, if anything has changed.
async fn refresh(
    connection: &mut SqliteConnection,
    instrument: &Instrument,
    range: (String, String),
    rule: Rule,
) -> Outcome<()> {
    let stored = Stored {
        events: events(connection, instrument).await?,
        known: known(connection, instrument).await?,
        adjustments: adjustments(connection, instrument).await?,
    };
    let window = window(connection, instrument, range).await?;
    let changes = events::changes(&stored, window.as_ref(), rule);
    if let Some(events) = changes.events {
        replace_events(connection, instrument, &events).await?;
    }
    if let Some(adjustments) = changes.adjustments {
        replace_adjustments(connection, instrument, &adjustments).await?;
    }
    Ok(())
}

async fn daily(connection: &mut SqliteConnection, instrument: &Instrument) -> Outcome<Option<i64>> {
    Ok(sqlx::query_scalar(concat!("SELECT ", number!()))
        .bind(instrument.source.as_str())
        .bind(instrument.symbol.as_str())
        .bind(Interval::Daily.as_str())
        .bind(false)
        .fetch_one(connection)
        .await?)
}

/// The daily bars in a range that may be events, and the one after it. That there was no split is not
/// believed of a day that is not over: a source may learn of it later.
async fn window(
    connection: &mut SqliteConnection,
    instrument: &Instrument,
    (first, last): (String, String),
) -> Outcome<Option<DailyWindow>> {
    let Some(number) = daily(connection, instrument).await? else {
        return Ok(None);
    };
    let (before, begins, after, ends): (Option<String>, Option<i64>, Option<String>, Option<i64>) =
        sqlx::query_as(
            "SELECT (SELECT max(timestamp) FROM bars WHERE series_id = $1 AND timestamp < $2), \
                    (SELECT trading_day FROM bars WHERE series_id = $1 AND timestamp >= $2 ORDER BY timestamp LIMIT 1), \
                    n.timestamp, \
                    coalesce(n.trading_day, (SELECT trading_day FROM bars WHERE series_id = $1 \
                                             ORDER BY timestamp DESC LIMIT 1)) \
             FROM (SELECT 1) LEFT JOIN (SELECT timestamp, trading_day FROM bars \
                                        WHERE series_id = $1 AND timestamp > $3 ORDER BY timestamp LIMIT 1) n",
        )
        .bind(number)
        .bind(&first)
        .bind(&last)
        .fetch_one(&mut *connection)
        .await?;
    let Some(days) = begins.zip(ends) else {
        return Ok(None);
    };
    let rows: Vec<CandidateRow> = sqlx::query_as(
        "SELECT trading_day, open_price, close_price, close_before, dividend_amount, split_coefficient FROM ( \
             SELECT timestamp, trading_day, open_price, close_price, dividend_amount, \
                    CASE WHEN final OR split_coefficient <> 100000000 THEN split_coefficient END AS split_coefficient, \
                    lag(close_price) OVER (ORDER BY timestamp) AS close_before \
             FROM bars WHERE series_id = $1 AND timestamp BETWEEN $2 AND $3) \
         WHERE timestamp >= $4 AND ( \
             dividend_amount <> 0 OR split_coefficient <> 100000000 \
             OR split_coefficient IS NULL \
                AND (open_price >= $5 * close_before OR close_before >= $5 * open_price) \
             OR date(trading_day * 86400, 'unixepoch') IN ( \
                 SELECT date FROM corporate_events WHERE source = $6 AND symbol = $7))",
    )
    .bind(number)
    .bind(before.as_ref().unwrap_or(&first))
    .bind(after.as_ref().unwrap_or(&last))
    .bind(&first)
    .bind(LEAST_JUMP)
    .bind(instrument.source.as_str())
    .bind(instrument.symbol.as_str())
    .fetch_all(connection)
    .await?;
    Ok(Some(DailyWindow {
        days: (row::from_epoch_day(days.0), row::from_epoch_day(days.1)),
        candidates: rows.into_iter().map(candidate).collect(),
    }))
}

type CandidateRow = (i64, i64, i64, Option<i64>, Option<i64>, Option<i64>);

fn candidate((day, open, close, close_before, dividend, split): CandidateRow) -> DailyCandidate {
    DailyCandidate {
        date: row::from_epoch_day(day),
        open: Price::from_units(open),
        close: Price::from_units(close),
        close_before: row::optional_price(close_before),
        dividend: row::optional_price(dividend),
        split: row::optional_price(split),
    }
}

/// Of which symbols of a source lists were asked for.
pub async fn asked(connection: &mut SqliteConnection, source: SourceId) -> Outcome<EventsAsked> {
    let (symbols, last): (i64, Option<NaiveDate>) = sqlx::query_as(
        "SELECT count(DISTINCT symbol), max(through) FROM event_lists WHERE source = $1",
    )
    .bind(source.as_str())
    .fetch_one(connection)
    .await?;
    Ok(EventsAsked {
        symbols: row::count(symbols),
        last,
    })
}

async fn events(
    connection: &mut SqliteConnection,
    instrument: &Instrument,
) -> Outcome<Vec<CorporateEvent>> {
    type Row = (NaiveDate, String, i64, i64, Option<i64>, Option<i64>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT date, origin, dividend, split, close, close_before FROM corporate_events \
         WHERE source = $1 AND symbol = $2",
    )
    .bind(instrument.source.as_str())
    .bind(instrument.symbol.as_str())
    .fetch_all(connection)
    .await?;
    let event = |(date, origin, dividend, split, close, close_before): Row| {
        Ok(CorporateEvent {
            date,
            origin: word(&origin)?,
            dividend: Price::from_units(dividend),
            split: Price::from_units(split),
            close: row::optional_price(close),
            close_before: row::optional_price(close_before),
        })
    };
    let mut events = rows.into_iter().map(event).collect::<Outcome<Vec<_>>>()?;
    events.sort_by_key(|event| (event.date, event.origin));
    Ok(events)
}

async fn known(connection: &mut SqliteConnection, instrument: &Instrument) -> Outcome<KnownEvents> {
    let number = daily(connection, instrument).await?;
    let newest: Option<i64> = sqlx::query_scalar(
        "SELECT trading_day FROM bars WHERE series_id = $1 ORDER BY timestamp DESC LIMIT 1",
    )
    .bind(number)
    .fetch_optional(&mut *connection)
    .await?;
    let lists: Vec<(String, NaiveDate)> =
        sqlx::query_as("SELECT kind, through FROM event_lists WHERE source = $1 AND symbol = $2")
            .bind(instrument.source.as_str())
            .bind(instrument.symbol.as_str())
            .fetch_all(connection)
            .await?;
    Ok(events::known(newest.map(row::from_epoch_day), &lists))
}

async fn adjustments(
    connection: &mut SqliteConnection,
    instrument: &Instrument,
) -> Outcome<Vec<Adjustment>> {
    type Row = (NaiveDate, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT before_date, price_factor, volume_factor, unknown FROM adjustments \
         WHERE source = $1 AND symbol = $2 ORDER BY before_date DESC",
    )
    .bind(instrument.source.as_str())
    .bind(instrument.symbol.as_str())
    .fetch_all(connection)
    .await?;
    let adjustment = |(before, price, volume, unknown): Row| {
        Ok(Adjustment {
            before,
            price: price.as_deref().map(word).transpose()?,
            volume: volume.as_deref().map(word).transpose()?,
            unknown: unknown.as_deref().map(word).transpose()?,
        })
    };
    rows.into_iter().map(adjustment).collect()
}

async fn replace_events(
    connection: &mut SqliteConnection,
    instrument: &Instrument,
    events: &[CorporateEvent],
) -> Outcome<()> {
    sqlx::query("DELETE FROM corporate_events WHERE source = $1 AND symbol = $2")
        .bind(instrument.source.as_str())
        .bind(instrument.symbol.as_str())
        .execute(&mut *connection)
        .await?;
    for event in events {
        insert_event(connection, instrument, event).await?;
    }
    Ok(())
}

async fn insert_event(
    connection: &mut SqliteConnection,
    instrument: &Instrument,
    event: &CorporateEvent,
) -> Outcome<()> {
    sqlx::query(
        "INSERT INTO corporate_events (source, symbol, date, origin, dividend, split, close, close_before) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(instrument.source.as_str())
    .bind(instrument.symbol.as_str())
    .bind(event.date)
    .bind(event.origin.as_str())
    .bind(event.dividend.units())
    .bind(event.split.units())
    .bind(event.close.map(Price::units))
    .bind(event.close_before.map(Price::units))
    .execute(connection)
    .await?;
    Ok(())
}

async fn replace_adjustments(
    connection: &mut SqliteConnection,
    instrument: &Instrument,
    adjustments: &[Adjustment],
) -> Outcome<()> {
    sqlx::query("DELETE FROM adjustments WHERE source = $1 AND symbol = $2")
        .bind(instrument.source.as_str())
        .bind(instrument.symbol.as_str())
        .execute(&mut *connection)
        .await?;
    for adjustment in adjustments {
        sqlx::query(
            "INSERT INTO adjustments (source, symbol, before_date, price_factor, volume_factor, unknown) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(instrument.source.as_str())
        .bind(instrument.symbol.as_str())
        .bind(adjustment.before)
        .bind(adjustment.price.map(|factor| factor.to_string()))
        .bind(adjustment.volume.map(|factor| factor.to_string()))
        .bind(adjustment.unknown.map(|unknown| unknown.to_string()))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
