//! What is known of many series at once: each statement reads all of them.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use super::super::{Alike, SeriesFacts, alike, row};
use super::history::{bar, bar_columns};
use super::{Outcome, coverage, instant, listings};
use crate::db::DbError;
use crate::model::{Close, Coverage, Price, SeriesKey};

pub async fn facts(
    connection: &mut SqliteConnection,
    series: Vec<SeriesKey>,
) -> Outcome<Vec<SeriesFacts>> {
    let mut facts = vec![SeriesFacts::default(); series.len()];
    for alike in alike(&series) {
        read(connection, &alike, &mut facts).await?;
    }
    Ok(facts)
}

async fn read(
    connection: &mut SqliteConnection,
    alike: &Alike<'_>,
    facts: &mut [SeriesFacts],
) -> Outcome<()> {
    let wanted = listed(alike);
    let mut segments = coverage::segments(connection, &wanted).await?;
    let mut listings = listings::of_series(connection, &wanted).await?;
    let rows = sqlx::query(FACTS)
        .bind(wanted)
        .bind(alike.recent)
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

/// The series as the statements take them, each with its place.
fn listed(alike: &Alike<'_>) -> String {
    let words = alike.series.iter().map(|(place, key)| {
        serde_json::json!([
            place,
            key.source.as_str(),
            key.symbol.as_str(),
            key.interval.as_str(),
            key.adjusted,
            key.is_stored_adjusted(),
        ])
    });
    words.collect::<serde_json::Value>().to_string()
}

/// The series that are wanted, from the first parameter of a statement.
macro_rules! wanted {
    () => {
        "(SELECT value ->> 0 AS place, value ->> 1 AS source, value ->> 2 AS symbol, value ->> 3 AS interval, \
                 value ->> 4 AS adjusted, value ->> 5 AS stored_adjusted FROM json_each($1)) w \
         LEFT JOIN series_totals t ON t.source = w.source AND t.symbol = w.symbol AND t.interval = w.interval \
               AND t.adjusted = w.stored_adjusted"
    };
}
pub(super) use wanted;

/// A row for each series; the closes of its newest bars are one text, so that they need no rows.
const FACTS: &str = concat!(
    "SELECT ",
    bar_columns!(),
    ", w.place, t.bars, asked_at, \
       (SELECT min(timestamp) FROM bars WHERE series_id = t.id) AS oldest, \
       (SELECT max(finished_at) FROM run_series r \
        WHERE r.source = w.source AND r.symbol = w.symbol AND r.interval = w.interval AND r.adjusted = w.adjusted \
          AND status = 'succeeded') AS fetched_at, \
       f.finished_at AS failed_at, f.requests AS spent, \
       f.error_class, f.error_message, \
       (SELECT group_concat(timestamp || ' ' || trading_day || ' ' || open_price || ' ' || close_price || ' ' || final, ';') \
        FROM (SELECT timestamp, trading_day, open_price, close_price, final FROM bars \
              WHERE series_id = t.id ORDER BY timestamp DESC LIMIT $2)) AS recent \
     FROM ",
    wanted!(),
    " LEFT JOIN asked ON asked.series_id = t.id \
      LEFT JOIN bars b ON b.series_id = t.id \
            AND b.timestamp = (SELECT max(timestamp) FROM bars WHERE series_id = t.id) \
      LEFT JOIN run_series f ON f.source = w.source AND f.symbol = w.symbol AND f.interval = w.interval \
            AND f.adjusted = w.adjusted AND f.run_id = ( \
                SELECT max(run_id) FROM run_series r JOIN runs u ON u.id = r.run_id \
                WHERE r.source = w.source AND r.symbol = w.symbol AND r.interval = w.interval \
                  AND r.adjusted = w.adjusted AND r.status = 'failed' AND u.trigger NOT IN ",
    row::older_bars!(),
    ")"
);

fn summary(found: &SqliteRow) -> Outcome<SeriesFacts> {
    let oldest: Option<&str> = found.try_get("oldest")?;
    let recent: Option<&str> = found.try_get("recent")?;
    let bars: Option<i64> = found.try_get("bars")?;
    let closes = recent.into_iter().flat_map(|text| text.split(';'));
    let fetched_at = found.try_get("fetched_at")?;
    Ok(SeriesFacts {
        fetched_at,
        failure: row::FailureRow::from_row(found)?.failure(fetched_at),
        bars: row::count(bars.unwrap_or_default()),
        oldest: oldest.map(instant::read).transpose()?,
        newest: recent.map(|_| bar(found)).transpose()?,
        recent: closes.map(close).collect::<Outcome<_>>()?,
        coverage: Coverage::default(),
        listing: None,
    })
}

fn close(text: &str) -> Outcome<Close> {
    let parts = || {
        let (text, is_final) = text.rsplit_once(' ')?;
        let (text, price) = text.rsplit_once(' ')?;
        let (text, open) = text.rsplit_once(' ')?;
        let (label, day) = text.rsplit_once(' ')?;
        let prices = [open.parse().ok()?, price.parse().ok()?];
        Some((label, day.parse().ok()?, prices, is_final))
    };
    let Some((label, day, prices, is_final)) = parts() else {
        return Err(DbError::other(format!("the store holds a bar that reads {text:?}")).into());
    };
    let [open, price] = prices.map(Price::from_units);
    Ok(Close {
        timestamp: instant::read(label)?,
        trading_date: row::from_epoch_day(day),
        open,
        price,
        is_final: is_final == "1",
    })
}
