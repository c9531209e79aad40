//! What is known of many series at once: each statement reads all of them.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{FromRow, PgConnection, Postgres, Row};

use super::super::{Alike, SeriesFacts, alike, row};
use super::history::{bar, bar_columns, price};
use super::{Outcome, coverage, listings};
use crate::model::{Close, Coverage, SeriesKey};

pub async fn facts(
    connection: &mut PgConnection,
    series: Vec<SeriesKey>,
) -> Outcome<Vec<SeriesFacts>> {
    let mut facts = vec![SeriesFacts::default(); series.len()];
    for alike in alike(&series) {
        read(connection, &alike, &mut facts).await?;
    }
    Ok(facts)
}

async fn read(
    connection: &mut PgConnection,
    alike: &Alike<'_>,
    facts: &mut [SeriesFacts],
) -> Outcome<()> {
    let mut segments = coverage::segments(connection, alike).await?;
    let mut listings = listings::of_series(connection, alike).await?;
    let rows = bind(sqlx::query(FACTS), alike)
        .bind(i64::from(alike.recent))
        .fetch_all(connection)
        .await?;
    for found in rows {
        let place: i64 = found.try_get("place")?;
        let Some(known) = usize::try_from(place)
            .ok()
            .and_then(|place| facts.get_mut(place))
        else {
            continue;
        };
        let segments = segments.remove(&place).unwrap_or_default();
        *known = SeriesFacts {
            coverage: Coverage::of(segments, found.try_get("asked_at")?),
            listing: listings.remove(&place),
            ..summary(&found)?
        };
    }
    Ok(())
}

/// Binds the series that are wanted, each with its place, as the first parameters of a statement.
pub(super) fn bind<'q>(
    query: Query<'q, Postgres, PgArguments>,
    alike: &Alike<'_>,
) -> Query<'q, Postgres, PgArguments> {
    let words = |word: fn(&SeriesKey) -> &str| -> Vec<String> {
        let all = alike.series.iter();
        all.map(|(_, key)| word(key).to_owned()).collect()
    };
    let marks = |mark: fn(&SeriesKey) -> bool| -> Vec<bool> {
        alike.series.iter().map(|(_, key)| mark(key)).collect()
    };
    let places = alike.series.iter().map(|(place, _)| *place);
    let places = places.map(|place| i64::try_from(place).unwrap_or(i64::MAX));
    query
        .bind(places.collect::<Vec<_>>())
        .bind(words(|key| key.source.as_str()))
        .bind(words(|key| key.symbol.as_str()))
        .bind(words(|key| key.interval.as_str()))
        .bind(marks(|key| key.adjusted))
        .bind(marks(SeriesKey::is_stored_adjusted))
}

/// The series that are wanted, from the first parameters of a statement.
macro_rules! wanted {
    () => {
        "unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::bool[]) \
         AS w (place, source, symbol, interval, adjusted, stored_adjusted)"
    };
}
pub(super) use wanted;

/// A row for each series, with the closes of its newest bars as arrays.
const FACTS: &str = concat!(
    "SELECT ",
    bar_columns!(),
    ", w.place, t.bars, a.asked_at, oldest, fetched_at, labels, days, opens, closes, finals, \
     failed_at, spent, error_class, error_message FROM ",
    wanted!(),
    " LEFT JOIN series_totals t ON t.source = w.source AND t.symbol = w.symbol AND t.interval = w.interval \
            AND t.adjusted = w.stored_adjusted \
      LEFT JOIN asked a ON a.source = w.source AND a.symbol = w.symbol AND a.interval = w.interval \
            AND a.adjusted = w.stored_adjusted \
      CROSS JOIN LATERAL ( \
          SELECT min(timestamp) AS oldest FROM stock_data \
          WHERE source = CAST(t.source AS bar_source) AND symbol = t.symbol AND interval = t.interval \
            AND adjusted = t.adjusted) first \
      CROSS JOIN LATERAL ( \
          SELECT max(finished_at) AS fetched_at FROM run_series r \
          WHERE r.source = w.source AND r.symbol = w.symbol AND r.interval = w.interval \
            AND r.adjusted = w.adjusted AND status = 'succeeded') fetched \
      LEFT JOIN LATERAL ( \
          SELECT r.finished_at AS failed_at, CAST(requests AS bigint) AS spent, \
                 error_class, error_message \
          FROM run_series r JOIN runs u ON u.id = r.run_id \
          WHERE r.source = w.source AND r.symbol = w.symbol AND r.interval = w.interval \
            AND r.adjusted = w.adjusted AND r.status = 'failed' AND u.trigger NOT IN ",
    row::older_bars!(),
    " \
          ORDER BY run_id DESC LIMIT 1) failed ON true \
      CROSS JOIN LATERAL ( \
          SELECT array_agg(timestamp) AS labels, array_agg(trading_date) AS days, \
                 array_agg(open_price) AS opens, array_agg(close_price) AS closes, array_agg(final) AS finals \
          FROM (SELECT timestamp, trading_date, open_price, close_price, final FROM stock_data \
                WHERE source = CAST(t.source AS bar_source) AND symbol = t.symbol AND interval = t.interval \
                  AND adjusted = t.adjusted \
                ORDER BY timestamp DESC LIMIT $7) newest) recent \
      LEFT JOIN stock_data b ON b.source = CAST(t.source AS bar_source) AND b.symbol = t.symbol \
            AND b.interval = t.interval AND b.adjusted = t.adjusted AND b.timestamp = labels[1]"
);

fn summary(found: &PgRow) -> Outcome<SeriesFacts> {
    let labels: Option<Vec<DateTime<Utc>>> = found.try_get("labels")?;
    let newest = labels.is_some().then(|| bar(found)).transpose()?;
    let days: Option<Vec<NaiveDate>> = found.try_get("days")?;
    let opens: Option<Vec<Decimal>> = found.try_get("opens")?;
    let closes: Option<Vec<Decimal>> = found.try_get("closes")?;
    let finals: Option<Vec<bool>> = found.try_get("finals")?;
    let days = days.into_iter().flatten().zip(finals.into_iter().flatten());
    let prices = opens
        .into_iter()
        .flatten()
        .zip(closes.into_iter().flatten());
    let recent = labels.into_iter().flatten().zip(prices.zip(days));
    let recent = recent.map(|(timestamp, ((open, close), (trading_date, is_final)))| {
        Ok(Close {
            timestamp,
            trading_date,
            open: price(open)?,
            price: price(close)?,
            is_final,
        })
    });
    let bars: Option<i64> = found.try_get("bars")?;
    let fetched_at = found.try_get("fetched_at")?;
    Ok(SeriesFacts {
        fetched_at,
        failure: row::FailureRow::from_row(found)?.failure(fetched_at),
        bars: row::count(bars.unwrap_or_default()),
        oldest: found.try_get("oldest")?,
        newest,
        recent: recent.collect::<Outcome<_>>()?,
        coverage: Coverage::default(),
        listing: None,
    })
}
