//! Stores as version 0.1.0 made them.

use std::path::Path;

use sqlx::Connection as _;
use sqlx::migrate::Migrator;

/// Its last migration.
pub const SCHEMA: i64 = 4;

fn of_that_release(all: &Migrator) -> Migrator {
    let known = all.iter().filter(|found| found.version <= SCHEMA);
    Migrator::with_migrations(known.cloned().collect())
}

/// A new store in a file.
pub async fn in_file(path: &Path) {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    let connection = sqlx::SqliteConnection::connect_with(&options).await;
    let mut connection = connection.unwrap();
    let migrations = of_that_release(&sqlx::migrate!("migrations/sqlite"));
    let made = migrations.run_direct(None, &mut connection, false).await;
    made.unwrap();
    connection.close().await.unwrap();
}

/// A new store in an empty database of a server.
pub async fn on_server(url: &str) {
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    let migrations = of_that_release(&sqlx::migrate!("migrations/postgres"));
    let made = migrations.run_direct(None, &mut connection, false).await;
    made.unwrap();
    connection.close().await.unwrap();
}

/// The last migration that there is.
pub fn newest() -> i64 {
    let all = sqlx::migrate!("migrations/sqlite");
    all.iter().map(|found| found.version).max().unwrap()
}

/// SQL that stores so many bars: of each minute one, of the symbols `S0` to `S6` in turn, volumes
/// counted from 1, prices by the volume.
pub fn filling(is_postgres: bool, bars: u64) -> String {
    if is_postgres {
        format!(
            "INSERT INTO stock_data (symbol, interval, timestamp, trading_date, open_price, high_price, low_price, \
             close_price, volume) SELECT 'S' || n % 7, '1min', '2020-01-01Z'::timestamptz + n * interval '1 min', \
             '2020-01-01', 2 + n % 991, 3 + n % 991, 1 + n % 991, 2 + n % 991, n FROM generate_series(1, {bars}) n"
        )
    } else {
        format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {bars}) \
             INSERT INTO bars (symbol, interval, timestamp, trading_day, open_price, high_price, low_price, \
             close_price, volume) SELECT 'S' || (n % 7), '1min', 1577836800 + n * 60, 18262, \
             (2 + n % 991) * 100000000, (3 + n % 991) * 100000000, (1 + n % 991) * 100000000, \
             (2 + n % 991) * 100000000, n FROM n"
        )
    }
}

/// SQL for the number of bars that are as they were filled in, in every column.
pub fn intact(is_postgres: bool) -> String {
    let instant = if is_postgres {
        "extract(epoch FROM timestamp)"
    } else {
        "unixepoch(timestamp)"
    };
    format!(
        "SELECT count(DISTINCT volume) FROM stock_data WHERE symbol = 'S' || CAST(volume % 7 AS integer) \
         AND interval = '1min' AND NOT adjusted AND {instant} = 1577836800 + volume * 60 \
         AND trading_date = '2020-01-01' AND open_price = 2 + volume % 991 AND high_price = 3 + volume % 991 \
         AND low_price = 1 + volume % 991 AND close_price = 2 + volume % 991 \
         AND adjusted_close IS NULL AND dividend_amount IS NULL AND split_coefficient IS NULL \
         AND created_at IS NOT NULL AND updated_at = created_at"
    )
}

/// SQL for a line with the number of bars, the sum of their volumes, and the schema.
pub const WHAT_IS_THERE: &str =
    "SELECT count(*), sum(volume), (SELECT max(version) FROM _sqlx_migrations) FROM stock_data";

/// What that line says of a store filled with so many bars.
pub fn filled(bars: u64, schema: i64) -> String {
    format!("{bars}|{}|{schema}", bars * (bars + 1) / 2)
}
