//! Events and factors, in the transaction that stores the bars or the list which they follow from.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::{Connection, PgConnection};

use super::super::error::DbError;
use super::super::events::{self, DailyWindow, EventsAsked, Stored, word};
use super::super::row;
use super::{Outcome, listings};
use crate::model::adjustment::{
    Adjustment, Adjustments, CorporateEvent, DailyCandidate, KnownEvents, LEAST_JUMP,
    ReportedEvents, Rule,
};
use crate::model::{Batch, Counts, Instrument, Interval, Price, RequestId, SourceId};

/// The instants between which bars changed; `None`: all may have.
type Range = Option<(DateTime<Utc>, DateTime<Utc>)>;

/// After bars were stored: what is known of events by daily ones, and what follows.
pub async fn after_bars(
    connection: &mut PgConnection,
    batch: &Batch,
    counts: Counts,
) -> Outcome<()> {
    let (Some(first), Some(last)) = (batch.bars.first(), batch.bars.last()) else {
        return Ok(());
    };
    if batch.series.interval != Interval::Daily || counts.inserted + counts.changed == 0 {
        return Ok(());
    }
    let range = Some((first.timestamp, last.timestamp));
    refresh(connection, &batch.series.instrument(), range, batch.rule).await
}

/// Computes the events and factors of every symbol that has daily bars.
pub async fn rebuild(connection: &mut PgConnection, rule: Rule) -> Outcome<()> {
    let symbols: Vec<(String, String)> = sqlx::query_as(
        "SELECT source, symbol FROM series_totals WHERE interval = 'daily' AND NOT adjusted",
    )
    .fetch_all(&mut *connection)
    .await?;
    for (source, symbol) in symbols {
        let instrument = Instrument {
            source: word(&source)?,
            symbol: word(&symbol)?,
        };
        refresh(connection, &instrument, None, rule).await?;
    }
    Ok(())
}

pub async fn keep_events(
    connection: &mut PgConnection,
    request: RequestId,
    reported: ReportedEvents,
    rule: Rule,
) -> Outcome<()> {
    let mut tx = connection.begin().await?;
    lock(&mut tx, &reported.instrument).await?;
    if is_newest(&mut tx, &reported).await? {
        replace_list(&mut tx, &reported).await?;
        refresh(&mut tx, &reported.instrument, None, rule).await?;
    }
    listings::take_in_renames(&mut tx, request, reported).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn settle_events(connection: &mut PgConnection, requests: Vec<RequestId>) -> Outcome<()> {
    let ids: Vec<i64> = requests.into_iter().map(|request| request.0).collect();
    sqlx::query(
        "UPDATE requests SET state = 'stored', class = NULL, message = NULL WHERE id = ANY($1)",
    )
    .bind(ids)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether no later list of this kind is stored; if none is, this one is.
async fn is_newest(connection: &mut PgConnection, reported: &ReportedEvents) -> Outcome<bool> {
    let written = sqlx::query(
        "INSERT INTO event_lists (source, symbol, kind, through) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (source, symbol, kind) DO UPDATE SET through = EXCLUDED.through \
         WHERE EXCLUDED.through >= event_lists.through",
    )
    .bind(reported.instrument.source.as_str())
    .bind(reported.instrument.symbol.as_str())
    .bind(reported.kind.as_str())
    .bind(reported.through)
    .execute(connection)
    .await?;
    Ok(written.rows_affected() > 0)
}

async fn replace_list(connection: &mut PgConnection, reported: &ReportedEvents) -> Outcome<()> {
    let Instrument { source, symbol } = &reported.instrument;
    sqlx::query("DELETE FROM corporate_events WHERE source = $1 AND symbol = $2 AND origin = $3")
        .bind(source.as_str())
        .bind(symbol.as_str())
        .bind(reported.kind.as_str())
        .execute(&mut *connection)
        .await?;
    let listed: Vec<CorporateEvent> = reported
        .events
        .iter()
        .map(|(date, amount)| CorporateEvent::listed(reported.kind, *date, *amount))
        .collect();
    insert_events(connection, &reported.instrument, &listed).await
}

pub async fn read(
    connection: &mut PgConnection,
    instrument: Instrument,
) -> Outcome<(Adjustments, KnownEvents)> {
    let known = known(connection, &instrument).await?;
    let adjustments = adjustments(connection, &instrument).await?;
    Ok((Adjustments::new(adjustments), known))
}

/// Of two processes that store daily bars of a symbol, the second sees what the first did.
async fn lock(connection: &mut PgConnection, instrument: &Instrument) -> Outcome<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('pipeline-tui events ' || $1, 0))")
        .bind(format!("{} {}", instrument.source, instrument.symbol))
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes what follows from the daily bars in a range, if anything has changed.
async fn refresh(
    connection: &mut PgConnection,
    instrument: &Instrument,
    range: Range,
    rule: Rule,
) -> Outcome<()> {
    lock(connection, instrument).await?;
    let stored = Stored {
        events: events(connection, instrument).await?,
        known: known(connection, instrument).await?,
        adjustments: adjustments(connection, instrument).await?,
    };
    let window = window(connection, instrument, range).await?;
    let changes = events::changes(&stored, window.as_ref(), rule);
    if let Some(events) = changes.events {
        sqlx::query("DELETE FROM corporate_events WHERE source = $1 AND symbol = $2")
            .bind(instrument.source.as_str())
            .bind(instrument.symbol.as_str())
            .execute(&mut *connection)
            .await?;
        insert_events(connection, instrument, &events).await?;
    }
    if let Some(adjustments) = changes.adjustments {
        replace_adjustments(connection, instrument, &adjustments).await?;
    }
    Ok(())
}

/// The daily bars in a range that may be events, and the one after it.
async fn window(
    connection: &mut PgConnection,
    instrument: &Instrument,
    range: Range,
) -> Outcome<Option<DailyWindow>> {
    let (first, last) = range.unzip();
    let ends: (Option<NaiveDate>, Option<NaiveDate>) = sqlx::query_as(
        "SELECT (SELECT trading_date FROM stock_data WHERE source = source_of($1) AND symbol = $2 \
                 AND interval = 'daily' AND NOT adjusted AND timestamp >= coalesce($3, '-infinity') \
                 ORDER BY timestamp LIMIT 1), \
                coalesce((SELECT trading_date FROM stock_data WHERE source = source_of($1) AND symbol = $2 \
                          AND interval = 'daily' AND NOT adjusted AND timestamp > coalesce($4, 'infinity') \
                          ORDER BY timestamp LIMIT 1), \
                         (SELECT trading_date FROM stock_data WHERE source = source_of($1) AND symbol = $2 \
                          AND interval = 'daily' AND NOT adjusted ORDER BY timestamp DESC LIMIT 1))",
    )
    .bind(instrument.source.as_str())
    .bind(instrument.symbol.as_str())
    .bind(first)
    .bind(last)
    .fetch_one(&mut *connection)
    .await?;
    let Some(days) = ends.0.zip(ends.1) else {
        return Ok(None);
    };
    let rows: Vec<CandidateRow> = sqlx::query_as(CANDIDATES)
        .bind(instrument.source.as_str())
        .bind(instrument.symbol.as_str())
        .bind(first)
        .bind(last)
        .bind(LEAST_JUMP)
        .fetch_all(connection)
        .await?;
    Ok(Some(DailyWindow {
        days,
        candidates: rows
            .into_iter()
            .map(candidate)
            .collect::<Outcome<Vec<DailyCandidate>>>()?,
    }))
}

/// That there was no split is not believed of a day that is not over: a source may learn of it later.
/// The range is widened by a bar on each side: the one before for its close, the one after for its
/// jump.
const CANDIDATES: &str = "\
    SELECT trading_date, open_price, close_price, close_before, dividend_amount, split_coefficient FROM ( \
        SELECT timestamp, trading_date, open_price, close_price, dividend_amount, \
               CASE WHEN final OR split_coefficient <> 1 THEN split_coefficient END AS split_coefficient, \
               lag(close_price) OVER (ORDER BY timestamp) AS close_before \
        FROM stock_data \
        WHERE source = source_of($1) AND symbol = $2 AND interval = 'daily' AND NOT adjusted \
          AND timestamp >= coalesce( \
              (SELECT max(timestamp) FROM stock_data WHERE source = source_of($1) AND symbol = $2 \
               AND interval = 'daily' AND NOT adjusted AND timestamp < $3), $3, '-infinity') \
          AND timestamp <= coalesce( \
              (SELECT min(timestamp) FROM stock_data WHERE source = source_of($1) AND symbol = $2 \
               AND interval = 'daily' AND NOT adjusted AND timestamp > $4), $4, 'infinity')) here \
    WHERE timestamp >= coalesce($3, '-infinity') AND ( \
        dividend_amount <> 0 OR split_coefficient <> 1 \
        OR split_coefficient IS NULL \
           AND (open_price >= $5::float8::numeric * close_before OR close_before >= $5::float8::numeric * open_price) \
        OR trading_date IN (SELECT date FROM corporate_events WHERE source = $1 AND symbol = $2))";

type CandidateRow = (
    NaiveDate,
    Decimal,
    Decimal,
    Option<Decimal>,
    Option<Decimal>,
    Option<Decimal>,
);

fn candidate(
    (date, open, close, close_before, dividend, split): CandidateRow,
) -> Outcome<DailyCandidate> {
    Ok(DailyCandidate {
        date,
        open: price(open)?,
        close: price(close)?,
        close_before: close_before.map(price).transpose()?,
        dividend: dividend.map(price).transpose()?,
        split: split.map(price).transpose()?,
    })
}

fn price(value: Decimal) -> Outcome<Price> {
    Price::from_decimal(value)
        .ok_or_else(|| DbError::other("a stored price is out of range").into())
}

/// Of which symbols of a source lists were asked for.
pub async fn asked(connection: &mut PgConnection, source: SourceId) -> Outcome<EventsAsked> {
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
    connection: &mut PgConnection,
    instrument: &Instrument,
) -> Outcome<Vec<CorporateEvent>> {
    type Row = (
        NaiveDate,
        String,
        Decimal,
        Decimal,
        Option<Decimal>,
        Option<Decimal>,
    );
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
            dividend: price(dividend)?,
            split: price(split)?,
            close: close.map(price).transpose()?,
            close_before: close_before.map(price).transpose()?,
        })
    };
    let mut events = rows.into_iter().map(event).collect::<Outcome<Vec<_>>>()?;
    events.sort_by_key(|event| (event.date, event.origin));
    Ok(events)
}

async fn known(connection: &mut PgConnection, instrument: &Instrument) -> Outcome<KnownEvents> {
    let newest: Option<NaiveDate> = sqlx::query_scalar(
        "SELECT trading_date FROM stock_data WHERE source = source_of($1) AND symbol = $2 \
         AND interval = 'daily' AND NOT adjusted ORDER BY timestamp DESC LIMIT 1",
    )
    .bind(instrument.source.as_str())
    .bind(instrument.symbol.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    let lists: Vec<(String, NaiveDate)> =
        sqlx::query_as("SELECT kind, through FROM event_lists WHERE source = $1 AND symbol = $2")
            .bind(instrument.source.as_str())
            .bind(instrument.symbol.as_str())
            .fetch_all(connection)
            .await?;
    Ok(events::known(newest, &lists))
}

async fn adjustments(
    connection: &mut PgConnection,
    instrument: &Instrument,
) -> Outcome<Vec<Adjustment>> {
    type Row = (NaiveDate, Option<Decimal>, Option<Decimal>, Option<String>);
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
            price,
            volume,
            unknown: unknown.as_deref().map(word).transpose()?,
        })
    };
    rows.into_iter().map(adjustment).collect()
}

async fn insert_events(
    connection: &mut PgConnection,
    instrument: &Instrument,
    events: &[CorporateEvent],
) -> Outcome<()> {
    let prices = |pick: fn(&CorporateEvent) -> Option<Price>| {
        let picked = events
            .iter()
            .map(|event| pick(event).map(Price::to_decimal));
        picked.collect::<Vec<Option<Decimal>>>()
    };
    sqlx::query(
        "INSERT INTO corporate_events (source, symbol, date, origin, dividend, split, close, close_before) \
         SELECT $1, $2, * FROM unnest($3::date[], $4::text[], $5::numeric[], $6::numeric[], $7::numeric[], \
                                      $8::numeric[]) ON CONFLICT DO NOTHING",
    )
    .bind(instrument.source.as_str())
    .bind(instrument.symbol.as_str())
    .bind(events.iter().map(|event| event.date).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.origin.as_str()).collect::<Vec<_>>())
    .bind(prices(|event| Some(event.dividend)))
    .bind(prices(|event| Some(event.split)))
    .bind(prices(|event| event.close))
    .bind(prices(|event| event.close_before))
    .execute(connection)
    .await?;
    Ok(())
}

async fn replace_adjustments(
    connection: &mut PgConnection,
    instrument: &Instrument,
    adjustments: &[Adjustment],
) -> Outcome<()> {
    sqlx::query("DELETE FROM adjustments WHERE source = $1 AND symbol = $2")
        .bind(instrument.source.as_str())
        .bind(instrument.symbol.as_str())
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO adjustments (source, symbol, before_date, price_factor, volume_factor, unknown) \
         SELECT $1, $2, * FROM unnest($3::date[], $4::numeric[], $5::numeric[], $6::text[])",
    )
    .bind(instrument.source.as_str())
    .bind(instrument.symbol.as_str())
    .bind(adjustments.iter().map(|there| there.before).collect::<Vec<_>>())
    .bind(adjustments.iter().map(|there| there.price).collect::<Vec<_>>())
    .bind(adjustments.iter().map(|there| there.volume).collect::<Vec<_>>())
    .bind(
        adjustments
            .iter()
            .map(|there| there.unknown.map(|unknown| unknown.to_string()))
            .collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
