//! Creates the tables or brings them up to date, in one transaction.

use std::path::Path;

use sqlx::migrate::{Migrate, MigrateError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, raw_sql};

use super::super::error::{self, DbErrorKind};
use super::super::migration::{self, PIECE, Progress};
use super::super::schema;
use super::super::work::{Fault, Outcome};
use super::super::{Access, DbError, Result};
use super::{MIGRATIONS, adjust, require_version, stored_series, survey};
use crate::model::SourceId;

/// Bytes that a moved bar takes in the journal, and then in the file beyond the room of the indexes
/// that are dropped.
const JOURNAL: u64 = 95;
const FILE: u64 = 25;

/// Creates the tables or brings them up to date: all of it or nothing.
pub async fn migrate(options: &SqliteConnectOptions, path: &Path, place: &str) -> Result<()> {
    let mut connection = options
        .connect()
        .await
        .map_err(|e| error::sqlite(e, place))?;
    let outcome = async {
        require_version(&mut connection, place).await?;
        let found = survey(&mut connection, place).await?;
        if !schema::needs_migration(found, Access::ReadWrite, place)? {
            return Ok(());
        }
        transact(&mut connection, path, place)
            .await
            .map_err(|fault| match fault {
                Fault::Sql(sql) => error::sqlite(sql, place),
                Fault::Worded(worded) => worded,
            })
    }
    .await;
    let _ = connection.close().await;
    outcome
}

async fn transact(connection: &mut SqliteConnection, path: &Path, place: &str) -> Outcome<()> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let failed = |failed: MigrateError| migration::explain(failed, &MIGRATIONS, place);
    run(&mut tx, Some(migration::BEFORE))
        .await
        .map_err(failed)?;
    let applied = tx.list_applied_migrations(&MIGRATIONS.table_name).await;
    let applied = applied.map_err(failed)?;
    if let Some((before, rest)) = migration::halves(&MIGRATIONS)
        && migration::is_due(&applied)
    {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info('bars')")
            .fetch_all(&mut *tx)
            .await?;
        migration::require_no_columns(&columns, "bars", place)?;
        migration::warn_of(&added(&mut tx).await?, place);
        raw_sql(before).execute(&mut *tx).await?;
        // Views of others read this one, and SQLite alters no table while a view lacks what it reads.
        stored_series::make_view_as_stored(&mut tx).await?;
        move_bars(&mut tx, path, place).await?;
        let moved = tx.apply(&MIGRATIONS.table_name, &rest).await;
        moved.map_err(failed)?;
    }
    run(&mut tx, None).await.map_err(failed)?;
    if migration::is_without_events(&applied) {
        adjust::rebuild(&mut tx, migration::RULE).await?;
    }
    stored_series::make_views(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

async fn run(
    connection: &mut SqliteConnection,
    target: Option<i64>,
) -> std::result::Result<(), MigrateError> {
    MIGRATIONS.run_direct(target, connection, false).await
}

/// What others added to the table of bars of an earlier version, which is replaced.
pub async fn added(
    connection: &mut SqliteConnection,
) -> std::result::Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'bars' AND type IN ('index', 'trigger') AND sql IS NOT NULL \
           AND name NOT IN ('idx_stock_data_symbol_timestamp', 'idx_stock_data_timestamp', 'bars_touch', \
                            'bars_deleted') \
           AND NOT EXISTS (SELECT 1 FROM pragma_table_info('bars') WHERE name = 'series_id') \
         ORDER BY name",
    )
    .fetch_all(connection)
    .await
}

/// Moves the bars of the table before into the one clustered by series, in the order of its key. Of a
/// bar under two spellings of its symbol, the newer one stays.
async fn move_bars(connection: &mut SqliteConnection, path: &Path, place: &str) -> Outcome<()> {
    let series: Vec<(String, String, bool, i64)> = sqlx::query_as(
        "SELECT symbol, interval, adjusted, count(*) FROM bars_before \
         GROUP BY symbol, interval, adjusted ORDER BY upper(symbol), interval, adjusted",
    )
    .fetch_all(&mut *connection)
    .await?;
    let total = series.iter().map(|(.., bars)| bars.unsigned_abs()).sum();
    let mut progress = Progress::begin(place, total, total * (JOURNAL + FILE));
    require_room(path, place, total * JOURNAL)?;
    for (symbol, interval, adjusted, _) in series {
        let words = [
            SourceId::DEFAULT.as_str(),
            &symbol.to_ascii_uppercase(),
            &interval,
        ];
        let number = stored_series::enter_words(connection, words, adjusted).await?;
        let mut after = i64::MIN;
        loop {
            let last: Option<i64> = sqlx::query_scalar(END_OF_PIECE)
                .bind(&symbol)
                .bind(&interval)
                .bind(adjusted)
                .bind(after)
                .bind(PIECE)
                .fetch_one(&mut *connection)
                .await?;
            let Some(last) = last else { break };
            let moved = sqlx::query(MOVE)
                .bind(&symbol)
                .bind(&interval)
                .bind(adjusted)
                .bind(after)
                .bind(last)
                .bind(number)
                .execute(&mut *connection)
                .await?;
            progress.add(moved.rows_affected());
            after = last;
        }
    }
    sqlx::query(
        "UPDATE series_totals SET bars = (SELECT count(*) FROM bars WHERE series_id = series_totals.id)",
    )
    .execute(connection)
    .await?;
    Ok(())
}

const END_OF_PIECE: &str = "\
    SELECT max(timestamp) FROM ( \
        SELECT timestamp FROM bars_before WHERE symbol = $1 AND interval = $2 AND adjusted = $3 AND timestamp > $4 \
        ORDER BY timestamp LIMIT $5)";

/// A bar is final if its period had ended when the bar last changed: 16:00 of the last weekday, or
/// the end of its minutes.
const MOVE: &str = "\
    INSERT INTO bars (series_id, timestamp, trading_day, open_price, high_price, low_price, close_price, volume, \
                      adjusted_close, dividend_amount, split_coefficient, created_at, updated_at, final) \
    SELECT $6, datetime(timestamp, 'unixepoch'), trading_day, open_price, high_price, low_price, close_price, volume, \
           adjusted_close, dividend_amount, split_coefficient, created_at, updated_at, \
           updated_at >= timestamp + CASE $2 \
               WHEN 'daily' THEN 57600 \
               WHEN 'weekly' THEN 57600 + 86400 * max(5 - (trading_day + 4) % 7, 0) \
               WHEN 'monthly' THEN 57600 + 86400 * max(0, unixepoch(trading_day * 86400, 'unixepoch', \
                                   'start of month', '+1 month', '-1 day') / 86400 - trading_day) \
               ELSE 60 * CAST($2 AS INTEGER) END \
    FROM bars_before \
    WHERE symbol = $1 AND interval = $2 AND adjusted = $3 AND timestamp > $4 AND timestamp <= $5 \
    ORDER BY timestamp \
    ON CONFLICT (series_id, timestamp) DO UPDATE SET \
        trading_day = excluded.trading_day, open_price = excluded.open_price, high_price = excluded.high_price, \
        low_price = excluded.low_price, close_price = excluded.close_price, volume = excluded.volume, \
        adjusted_close = excluded.adjusted_close, dividend_amount = excluded.dividend_amount, \
        split_coefficient = excluded.split_coefficient, created_at = min(created_at, excluded.created_at), \
        updated_at = excluded.updated_at, final = excluded.final \
    WHERE excluded.updated_at > bars.updated_at";

/// Refuses to begin what the disk has no room for, where that can be known.
fn require_room(path: &Path, place: &str, bytes: u64) -> Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let Ok(disk) = rustix::fs::statvfs(folder.unwrap_or_else(|| Path::new("."))) else {
        return Ok(());
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free >= bytes {
        return Ok(());
    }
    let megabytes = |bytes: u64| crate::model::text::thousands(bytes.div_ceil(1_000_000));
    Err(DbError::new(
        DbErrorKind::Full,
        format!(
            "{place} must be brought up to date, which needs {} MB more on its disk, and {} MB are free. It was \
             left unchanged: make room and start again",
            megabytes(bytes),
            megabytes(free)
        ),
    ))
}
