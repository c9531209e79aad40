//! The series that have bars: each has a number, by which its bars are clustered, and a place among
//! those of its symbol.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::{Outcome, ranks};
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
    ranks::add(connection, source.as_str()).await?;
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
        make_views(connection).await?;
    }
    Ok(number)
}

/// Creates the views of all bars, with places for every series of each symbol.
pub async fn make_views(connection: &mut SqliteConnection) -> Outcome<()> {
    make(
        connection,
        &[
            ("stock_data", AS_STORED, ""),
            ("stock_data_adjusted", ADJUSTED, ""),
            ("bars_best", AS_STORED, BEST),
        ],
    )
    .await
}

/// Creates the view `stock_data` alone, in a store that has no adjustments yet.
pub async fn make_view_as_stored(connection: &mut SqliteConnection) -> Outcome<()> {
    make(connection, &[("stock_data", AS_STORED, "")]).await
}

async fn make(connection: &mut SqliteConnection, views: &[(&str, &str, &str)]) -> Outcome<()> {
    let places: u32 = sqlx::query_scalar("SELECT coalesce(max(place) + 1, 0) FROM series_totals")
        .fetch_one(&mut *connection)
        .await?;
    let places = places.next_power_of_two().max(LEAST_PLACES);
    for (name, part, condition) in views {
        let sql = view(name, part, condition, places);
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// A view of all bars.
///
/// In each part a symbol has one series, whose bars the key has in the order of time. SQLite merges
/// the parts, so that it reads ten bars for the ten newest of a symbol, whatever its series.
fn view(name: &str, part: &str, condition: &str, places: u32) -> String {
    let mut sql = format!("DROP VIEW IF EXISTS {name}; CREATE VIEW {name} AS");
    for place in 0..places {
        let and = if place == 0 { "" } else { "UNION ALL" };
        let _ = write!(sql, "{and}\n{part} WHERE s.place = {place} {condition} ");
    }
    sql
}

/// The columns that both views have as they are stored, before the prices and after the volume.
macro_rules! first_columns {
    () => {
        "SELECT s.id * 100000000000 + unixepoch(b.timestamp) AS id, s.symbol AS symbol, b.timestamp AS timestamp, "
    };
}
macro_rules! last_columns {
    () => {
        "datetime(b.created_at, 'unixepoch') AS created_at, datetime(b.updated_at, 'unixepoch') AS updated_at, \
         s.interval AS interval, s.adjusted AS adjusted, date(b.trading_day * 86400, 'unixepoch') AS trading_date, \
         b.adjusted_close / 1e8 AS adjusted_close, b.dividend_amount / 1e8 AS dividend_amount, \
         b.split_coefficient / 1e8 AS split_coefficient, s.source AS source, b.final AS final \
         FROM series_totals s JOIN bars b ON b.series_id = s.id"
    };
}

/// The table of the pipeline this program replaces, with readable times and prices; its query still
/// works:
///
/// ```sql
/// SELECT symbol, timestamp, close_price, volume FROM stock_data
/// WHERE symbol = 'IBM' ORDER BY timestamp DESC LIMIT 10;
/// ```
const AS_STORED: &str = concat!(
    first_columns!(),
    "b.open_price / 1e8 AS open_price, b.high_price / 1e8 AS high_price, b.low_price / 1e8 AS low_price, \
     b.close_price / 1e8 AS close_price, \
     CASE b.volume_fraction WHEN 0 THEN b.volume ELSE b.volume + b.volume_fraction / 1e8 END AS volume, ",
    last_columns!(),
);

/// Which of them `bars_best` shows: those that no source of a lower rank has, and no series whose symbol
/// means something else at such a source. A source without a rank comes last.
const BEST: &str = "\
    AND NOT EXISTS ( \
        SELECT 1 FROM source_ranks better \
        JOIN series_totals other ON other.source = better.source AND other.symbol = s.symbol \
            AND other.interval = s.interval AND other.adjusted = s.adjusted \
        JOIN bars same ON same.series_id = other.id AND same.timestamp = b.timestamp \
        WHERE better.rank < coalesce((SELECT rank FROM source_ranks WHERE source = s.source), 2147483647)) \
    AND NOT EXISTS ( \
        SELECT 1 FROM listings its \
        JOIN listings another ON another.symbol = its.symbol \
            AND (another.currency <> its.currency OR another.calendar <> its.calendar) \
        JOIN source_ranks rival ON rival.source = another.source \
        JOIN series_totals held ON held.source = another.source AND held.symbol = s.symbol \
            AND held.interval = s.interval AND held.adjusted = s.adjusted AND held.bars > 0 \
        WHERE its.source = s.source AND its.symbol = s.symbol \
            AND rival.rank < coalesce((SELECT rank FROM source_ranks WHERE source = s.source), 2147483647))";

/// What a price is multiplied by: nothing where the source adjusted it, its own close in weeks and
/// months, the symbol's factor otherwise.
macro_rules! factor {
    () => {
        "(CASE WHEN s.adjusted THEN 1.0 WHEN s.interval IN ('weekly', 'monthly') \
          THEN CAST(b.adjusted_close AS REAL) / b.close_price ELSE CAST(a.price_factor AS REAL) END)"
    };
}

/// The same with each series on one scale; NULL where it cannot be known.
const ADJUSTED: &str = concat!(
    first_columns!(),
    "b.open_price / 1e8 * ",
    factor!(),
    " AS open_price, b.high_price / 1e8 * ",
    factor!(),
    " AS high_price, \
     b.low_price / 1e8 * ",
    factor!(),
    " AS low_price, b.close_price / 1e8 * ",
    factor!(),
    " AS close_price, \
     (b.volume + b.volume_fraction / 1e8) * (CASE WHEN s.adjusted THEN 1.0 ELSE CAST(a.volume_factor AS REAL) END) \
     AS volume, ",
    last_columns!(),
    " LEFT JOIN adjustments a ON a.source = s.source AND a.symbol = s.symbol AND a.before_date = ( \
         SELECT min(before_date) FROM adjustments WHERE source = s.source AND symbol = s.symbol \
         AND before_date > date(b.trading_day * 86400, 'unixepoch')) \
         AND NOT s.adjusted AND s.interval NOT IN ('weekly', 'monthly')",
);
