//! Creates the tables or brings them up to date, in one transaction.

use chrono::{DateTime, Utc};
use sqlx::migrate::{Migrate, MigrateError};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, raw_sql};

use super::super::error::{self, DbErrorKind};
use super::super::migration::{self, PIECE, Progress};
use super::super::work::{Fault, Outcome};
use super::super::{DbError, Result, row};
use super::session::{MIGRATES, Sessions};
use super::{MIGRATIONS, adjust};

/// Bytes that a moved bar and its entries in the indexes take beside the old ones.
const BAR: u64 = 240;

/// Creates the tables or brings them up to date: all of it or nothing. The lock of the migration ends
/// with the session.
pub async fn migrate(
    connection: &mut PgConnection,
    sessions: &Sessions,
    place: &str,
) -> Result<()> {
    settle(connection, sessions, place).await?;
    transact(connection, place)
        .await
        .map_err(|fault| match fault {
            Fault::Sql(sql) => error::postgres(sql, place),
            Fault::Worded(worded) => worded,
        })
}

/// Prepares a session for a migration, and takes its lock.
pub async fn settle(connection: &mut PgConnection, sessions: &Sessions, place: &str) -> Result<()> {
    sessions
        .settle(connection, MIGRATES)
        .await
        .map_err(|e| error::postgres(e, place))?;
    connection.lock().await.map_err(|failed| {
        match migration::explain(failed, &MIGRATIONS, &format!("PostgreSQL at {place}")) {
            Fault::Sql(sql) => error::postgres(sql, place),
            Fault::Worded(worded) => worded,
        }
    })
}

async fn transact(connection: &mut PgConnection, place: &str) -> Outcome<()> {
    let mut tx = connection.begin().await?;
    within_transaction(&mut tx, place).await?;
    tx.commit().await?;
    Ok(())
}

/// The migrations that are missing, in an open transaction.
pub async fn within_transaction(tx: &mut PgConnection, place: &str) -> Outcome<()> {
    let failed = |failed: MigrateError| {
        migration::explain(failed, &MIGRATIONS, &format!("PostgreSQL at {place}"))
    };
    run(tx, Some(migration::BEFORE)).await.map_err(failed)?;
    let applied = tx.list_applied_migrations(&MIGRATIONS.table_name).await;
    let applied = applied.map_err(failed)?;
    if let Some((before, rest)) = migration::halves(&MIGRATIONS)
        && migration::is_due(&applied)
    {
        require_no_views(tx, place).await?;
        let store = format!("PostgreSQL at {place}");
        migration::require_no_columns(&columns(tx).await?, "stock_data", &store)?;
        migration::warn_of(&added(tx).await?, &store);
        raw_sql(before).execute(&mut *tx).await?;
        move_bars(tx, place).await?;
        let moved = tx.apply(&MIGRATIONS.table_name, &rest).await;
        moved.map_err(failed)?;
    }
    run(tx, None).await.map_err(failed)?;
    if migration::is_without_events(&applied) {
        adjust::rebuild(tx, migration::RULE).await?;
    }
    Ok(())
}

async fn run(
    connection: &mut PgConnection,
    target: Option<i64>,
) -> std::result::Result<(), MigrateError> {
    MIGRATIONS.run_direct(target, connection, false).await
}

/// Refuses to begin while other people's views hold on to the table of bars, which is replaced.
async fn require_no_views(connection: &mut PgConnection, place: &str) -> Outcome<()> {
    let views: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT r.ev_class::regclass::text FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid \
         WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = 'stock_data'::regclass \
           AND r.ev_class <> 'stock_data'::regclass ORDER BY 1",
    )
    .fetch_all(connection)
    .await?;
    if views.is_empty() {
        return Ok(());
    }
    let views = views.join(", ");
    Err(DbError::new(
        DbErrorKind::Refused,
        format!(
            "PostgreSQL at {place} must be brought up to date, which replaces the table stock_data, and these views \
             read it: {views}. It was left unchanged: keep their definitions, drop them, start again, and create \
             them again"
        ),
    )
    .into())
}

/// The columns of the table of bars.
async fn columns(connection: &mut PgConnection) -> Outcome<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT attname::text FROM pg_attribute \
         WHERE attrelid = 'stock_data'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    )
    .fetch_all(connection)
    .await?)
}

/// What others added to the table of bars of an earlier version, which is replaced.
pub async fn added(connection: &mut PgConnection) -> std::result::Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "WITH bars AS (SELECT oid FROM pg_class c WHERE oid = to_regclass('stock_data') AND NOT EXISTS \
             (SELECT 1 FROM pg_attribute WHERE attrelid = c.oid AND attname = 'source')) \
         SELECT pg_get_indexdef(indexrelid) FROM pg_index i JOIN bars ON bars.oid = indrelid \
         WHERE indexrelid::regclass::text NOT IN ('idx_stock_data_symbol_timestamp', 'idx_stock_data_timestamp') \
           AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid) \
         UNION ALL \
         SELECT format('ALTER TABLE stock_data ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(c.oid)) \
         FROM pg_constraint c JOIN bars ON bars.oid = conrelid \
         WHERE contype IN ('c', 'f', 'u', 'x') \
           AND conname NOT IN ('stock_data_key', 'stock_data_values', 'stock_data_adjustments') \
         UNION ALL \
         SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN bars ON bars.oid = tgrelid \
         WHERE NOT tgisinternal AND tgname NOT IN ('stock_data_touch', 'stock_data_deleted', 'stock_data_emptied') \
         ORDER BY 1",
    )
    .fetch_all(connection)
    .await
}

/// Moves the bars of the table before into the new one, in the order of its key. Of a bar under two
/// spellings of its symbol, the newer one stays.
async fn move_bars(connection: &mut PgConnection, place: &str) -> Outcome<()> {
    let series: Vec<(String, String, bool, i64)> = sqlx::query_as(
        "SELECT symbol, interval, adjusted, count(*) FROM stock_data_before GROUP BY symbol, interval, adjusted \
         ORDER BY upper(symbol COLLATE \"C\"), interval, adjusted",
    )
    .fetch_all(&mut *connection)
    .await?;
    let total = series.iter().map(|(.., bars)| bars.unsigned_abs()).sum();
    let place = format!("PostgreSQL at {place}");
    let mut progress = Progress::begin(&place, total, total * BAR);
    for (symbol, interval, adjusted, _) in series {
        let mut after = row::instant(-9_000_000_000);
        loop {
            let last: Option<DateTime<Utc>> = sqlx::query_scalar(END_OF_PIECE)
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
                .execute(&mut *connection)
                .await?;
            progress.add(moved.rows_affected());
            after = last;
        }
    }
    Ok(())
}

const END_OF_PIECE: &str = "\
    SELECT max(timestamp) FROM ( \
        SELECT timestamp FROM stock_data_before \
        WHERE symbol = $1 AND interval = $2 AND adjusted = $3 AND timestamp > $4 \
        ORDER BY timestamp LIMIT $5) piece";

/// When the period of a bar of interval `$2` ends: 16:00 of its last weekday, or its last minute.
macro_rules! period_end {
    () => {
        "CASE $2 \
            WHEN 'daily' THEN (trading_date + time '16:00') AT TIME ZONE 'America/New_York' \
            WHEN 'weekly' THEN (greatest(trading_date, date_trunc('week', trading_date)::date + 4) + time '16:00') \
                               AT TIME ZONE 'America/New_York' \
            WHEN 'monthly' THEN ((date_trunc('month', trading_date) + '1 month - 1 day'::interval)::date \
                                 + time '16:00') AT TIME ZONE 'America/New_York' \
            ELSE timestamp + make_interval(mins => substring($2 FROM '^[0-9]+')::integer) END"
    };
}
pub const PERIOD_END: &str = period_end!();

/// A bar is final if its period had ended when the bar last changed.
const MOVE: &str = concat!(
    "\
    INSERT INTO stock_data (id, symbol, timestamp, open_price, high_price, low_price, close_price, volume, created_at, \
                            updated_at, interval, adjusted, trading_date, adjusted_close, dividend_amount, \
                            split_coefficient, final) \
    SELECT id, upper(symbol COLLATE \"C\"), timestamp, open_price, high_price, low_price, close_price, volume, created_at, \
           updated_at, interval, adjusted, trading_date, adjusted_close, dividend_amount, split_coefficient, \
           updated_at >= ",
    period_end!(),
    " \
    FROM stock_data_before \
    WHERE symbol = $1 AND interval = $2 AND adjusted = $3 AND timestamp > $4 AND timestamp <= $5 \
    ORDER BY timestamp \
    ON CONFLICT (source, symbol, interval, adjusted, timestamp) DO UPDATE SET \
        open_price = EXCLUDED.open_price, high_price = EXCLUDED.high_price, low_price = EXCLUDED.low_price, \
        close_price = EXCLUDED.close_price, volume = EXCLUDED.volume, updated_at = EXCLUDED.updated_at, \
        trading_date = EXCLUDED.trading_date, adjusted_close = EXCLUDED.adjusted_close, \
        dividend_amount = EXCLUDED.dividend_amount, split_coefficient = EXCLUDED.split_coefficient, \
        created_at = least(stock_data.created_at, EXCLUDED.created_at), final = EXCLUDED.final \
    WHERE EXCLUDED.updated_at > stock_data.updated_at"
);
