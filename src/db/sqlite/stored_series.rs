//! The series that have bars: each has a number, by which its bars are clustered, and a place among
//! those of its symbol.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::Outcome;
use crate::model::SeriesKey;

/// Series of a symbol that `stock_data` merges at least; it grows by doubling.
const LEAST_PLACES: u32 = 8;

/// The number of a series, as part of a statement: source, symbol, interval and adjusted are its
/// first four parameters.
macro_rules! number {
    () => {
        "(SELECT id FROM series_totals WHERE source = $1 AND symbol = $2 AND interval = $3 AND adjusted = $4)"
    };
}
pub(super) use number;

/// The number of the series under which bars are stored; it gets one if it has none.
pub async fn enter(connection: &mut SqliteConnection, series: &SeriesKey) -> Outcome<i64> {
    let SeriesKey {
        source,
        symbol,
        interval,
        ..
    } = series;
    let words = [source.as_str(), symbol.as_str(), interval.as_str()];
    enter_words(connection, words, series.is_stored_adjusted()).await
}

/// The same for a series as the store names it.
pub async fn enter_words(
    connection: &mut SqliteConnection,
    [source, symbol, interval]: [&str; 3],
    adjusted: bool,
) -> Outcome<i64> {
    let found: Option<i64> = sqlx::query_scalar(concat!("SELECT ", number!()))
        .bind(source)
        .bind(symbol)
        .bind(interval)
        .bind(adjusted)
        .fetch_one(&mut *connection)
        .await?;
    if let Some(number) = found {
        return Ok(number);
    }
    let (number, place): (i64, u32) = sqlx::query_as(
        "INSERT INTO series_totals (source, symbol, interval, adjusted, place) \
         VALUES ($1, $2, $3, $4, (SELECT coalesce(max(place) + 1, 0) FROM series_totals WHERE symbol = $2)) \
         RETURNING id, place",
    )
    .bind(source)
    .bind(symbol)
    .bind(interval)
    .bind(adjusted)
    .fetch_one(&mut *connection)
    .await?;
    if place >= LEAST_PLACES && place.is_power_of_two() {
        make_view(connection).await?;
    }
    Ok(number)
}

/// Creates the view `stock_data`, with places for every series of each symbol.
pub async fn make_view(connection: &mut SqliteConnection) -> Outcome<()> {
    let places: u32 = sqlx::query_scalar("SELECT coalesce(max(place) + 1, 0) FROM series_totals")
        .fetch_one(&mut *connection)
        .await?;
    let places = places.next_power_of_two().max(LEAST_PLACES);
    sqlx::raw_sql(AssertSqlSafe(view(places)))
        .execute(connection)
        .await?;
    Ok(())
}

/// The table of the pipeline this program replaces, with readable times and prices; its query still
/// works:
///
/// ```sql
/// SELECT symbol, timestamp, close_price, volume FROM stock_data
/// WHERE symbol = 'IBM' ORDER BY timestamp DESC LIMIT 10;
/// ```
///
/// In each part a symbol has one series, whose bars the key has in the order of time. SQLite merges
/// the parts, so that it reads ten bars for the ten newest of a symbol, whatever its series.
fn view(places: u32) -> String {
    let mut sql = "DROP VIEW IF EXISTS stock_data; CREATE VIEW stock_data AS".to_owned();
    for place in 0..places {
        let and = if place == 0 { "" } else { "UNION ALL" };
        let _ = write!(
            sql,
            "{and}
SELECT s.id * 100000000000 + unixepoch(b.timestamp) AS id, s.symbol AS symbol, b.timestamp AS timestamp,
       b.open_price / 1e8 AS open_price, b.high_price / 1e8 AS high_price, b.low_price / 1e8 AS low_price,
       b.close_price / 1e8 AS close_price,
       CASE b.volume_fraction WHEN 0 THEN b.volume ELSE b.volume + b.volume_fraction / 1e8 END AS volume,
       datetime(b.created_at, 'unixepoch') AS created_at, datetime(b.updated_at, 'unixepoch') AS updated_at,
       s.interval AS interval, s.adjusted AS adjusted, date(b.trading_day * 86400, 'unixepoch') AS trading_date,
       b.adjusted_close / 1e8 AS adjusted_close, b.dividend_amount / 1e8 AS dividend_amount,
       b.split_coefficient / 1e8 AS split_coefficient, s.source AS source, b.final AS final
FROM series_totals s JOIN bars b ON b.series_id = s.id WHERE s.place = {place} "
        );
    }
    sql
}
