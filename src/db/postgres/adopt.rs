//! Takes over the table of bars that the pipeline made which this program replaces.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, raw_sql};

use super::super::error::{self, DbError, DbErrorKind, Result};
use super::super::migration;
use super::super::schema::Schema;
use super::super::store::{Access, Adoption};
use super::super::work::Fault;
use super::migrate::{self, PERIOD_END};
use super::session::Sessions;
use super::survey::survey;
use super::{CONNECT, DEADLINE, PgTarget, adjust, within};
use crate::model::Interval;

/// Takes the table over, or only tries to: then everything is rolled back.
pub async fn adopt(target: PgTarget, interval: Interval, is_trial: bool) -> Result<Adoption> {
    let (sessions, place) = (Sessions::of(&target.url, Access::ReadWrite)?, target.shown);
    let mut connection = within(CONNECT, &place, sessions.bare())
        .await?
        .map_err(|e| error::postgres(e, &place))?;
    let outcome = async {
        let surveyed = survey(&mut connection, &sessions, &place);
        let found = within(DEADLINE, &place, surveyed).await??;
        if found.schema != Schema::Original {
            return Err(DbError::new(
                DbErrorKind::Refused,
                format!(
                    "PostgreSQL at {place} has no table stock_data of the pipeline that pipeline-tui replaces, so \
                     there is nothing to adopt"
                ),
            ));
        }
        migrate::settle(&mut connection, &sessions, &place).await?;
        let adopted = transact(&mut connection, interval, is_trial, &place).await;
        adopted.map_err(|fault| match fault {
            Fault::Sql(sql) => error::postgres(sql, &place),
            Fault::Worded(worded) => worded,
        })
    }
    .await;
    let _ = connection.close().await;
    outcome
}

async fn transact(
    connection: &mut PgConnection,
    interval: Interval,
    is_trial: bool,
    place: &str,
) -> std::result::Result<Adoption, Fault> {
    let mut tx = connection.begin().await?;
    raw_sql(STEP_ASIDE).execute(&mut *tx).await?;
    migrate::within_transaction(&mut tx, place).await?;
    let take = TAKE.replace("{period_end}", PERIOD_END);
    sqlx::query(sqlx::AssertSqlSafe(take))
        .bind(interval.is_intraday())
        .bind(interval.as_str())
        .execute(&mut *tx)
        .await?;
    raw_sql(COUNT).execute(&mut *tx).await?;
    adjust::rebuild(&mut tx, migration::RULE).await?;
    raw_sql(GRANT).execute(&mut *tx).await?;
    let (rows, bars, symbols, oldest, newest): (
        i64,
        i64,
        i64,
        Option<DateTime<Utc>>,
        Option<DateTime<Utc>>,
    ) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM stock_data_original), count(*), count(DISTINCT symbol), min(timestamp), \
                max(timestamp) FROM stock_data",
    )
    .fetch_one(&mut *tx)
    .await?;
    if is_trial {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    Ok(Adoption {
        rows: rows.unsigned_abs(),
        bars: bars.unsigned_abs(),
        symbols: symbols.unsigned_abs(),
        span: oldest.zip(newest),
    })
}

/// The table keeps its rows under another name, and with it the names of its indexes and its
/// sequence.
const STEP_ASIDE: &str = "
ALTER TABLE stock_data RENAME TO stock_data_original;
DO $$
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT c.relkind, c.oid::regclass AS named, c.relname FROM pg_class c
        WHERE c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'stock_data_original'::regclass)
           OR c.relkind = 'S' AND c.oid IN (
                  SELECT objid FROM pg_depend WHERE refobjid = 'stock_data_original'::regclass)
    LOOP
        EXECUTE format('ALTER %s %s RENAME TO %I',
            CASE made.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'INDEX' END, made.named, made.relname || '_original');
    END LOOP;
END
$$";

/// Whoever may use the old table may use the new one.
const GRANT: &str = "
DO $$
DECLARE
    allowed record;
BEGIN
    FOR allowed IN
        SELECT privilege_type, grantee, is_grantable
        FROM pg_class, aclexplode(relacl) WHERE oid = 'stock_data_original'::regclass AND grantee <> relowner
    LOOP
        EXECUTE format('GRANT %s ON stock_data TO %s%s', allowed.privilege_type,
            CASE allowed.grantee WHEN 0 THEN 'PUBLIC' ELSE allowed.grantee::regrole::text END,
            CASE WHEN allowed.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
END
$$";

/// Every row that can be a bar: with a symbol, prices in their order, and a volume. Of two for one
/// instant, the one that was updated last. Times without a zone are New York's; those of creation and
/// change are the server's.
const TAKE: &str = r#"
INSERT INTO stock_data (id, symbol, timestamp, open_price, high_price, low_price, close_price, volume, created_at,
                        updated_at, interval, trading_date, final)
SELECT DISTINCT ON (symbol, timestamp) id, symbol, timestamp, open_price, high_price, low_price, close_price, volume,
       created_at, updated_at, $2, trading_date, updated_at >= {period_end}
FROM (
    SELECT id, upper(btrim(symbol) COLLATE "C") AS symbol, timestamp::date AS trading_date,
           (CASE WHEN $1 THEN timestamp ELSE date_trunc('day', timestamp) END)
               AT TIME ZONE 'America/New_York' AS timestamp,
           open_price, high_price, low_price, close_price, volume,
           coalesce(created_at::timestamptz, now()) AS created_at,
           coalesce(updated_at::timestamptz, created_at::timestamptz, now()) AS updated_at
    FROM stock_data_original
) bars
WHERE symbol ~ '^[!-~]{1,32}$' AND symbol !~ '[,;"''\\`]' AND isfinite(trading_date)
  AND low_price > 0 AND high_price < 90000000000 AND volume >= 0
  AND low_price <= open_price AND open_price <= high_price
  AND low_price <= close_price AND close_price <= high_price
ORDER BY symbol, timestamp, updated_at DESC, id DESC"#;

const COUNT: &str = "
INSERT INTO series_totals (symbol, interval, adjusted, bars)
SELECT symbol, interval, adjusted, count(*) FROM stock_data GROUP BY symbol, interval, adjusted;
SELECT setval('stock_data_id_seq', greatest(max(id), 1), count(*) > 0) FROM stock_data";
