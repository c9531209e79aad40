//! Forgetting history; what each table takes.

use sqlx::{Connection, PgConnection};

use super::super::row::count;
use super::super::upkeep::{Forgettable, KeptBounds, bounds, largest_first};
use super::Outcome as Done;
use crate::model::{Retention, StoreTable, TableSize};

const BOUNDS: &str = bounds!(
    "clock_timestamp() - $2 * interval '1 day'",
    "clock_timestamp() - interval '2 days'"
);

pub async fn forgettable(connection: &mut PgConnection, kept: Retention) -> Done<Forgettable> {
    let bounds: KeptBounds = sqlx::query_as(BOUNDS)
        .bind(i64::from(kept.rows))
        .bind(kept.days.cast_signed())
        .fetch_one(connection)
        .await?;
    Ok(bounds.forgettable())
}

pub async fn forget(connection: &mut PgConnection, upto: Forgettable, most: u32) -> Done<u64> {
    let mut tx = connection.begin().await?;
    let mut gone = 0;
    for (statement, last) in upto.deletions() {
        gone += sqlx::query(statement)
            .bind(last)
            .bind(i64::from(most))
            .execute(&mut *tx)
            .await?
            .rows_affected();
    }
    tx.commit().await?;
    Ok(gone)
}

/// Of a table that was never analysed, what the statistics count.
const SIZES: &str = "\
    SELECT asked.number, pg_total_relation_size(known.oid), \
           CASE WHEN known.reltuples > 0 THEN known.reltuples::bigint ELSE pg_stat_get_live_tuples(known.oid) END \
    FROM unnest($1::text[]) WITH ORDINALITY AS asked (name, number) \
    JOIN pg_class known ON known.oid = to_regclass(asked.name)";

pub async fn tables(connection: &mut PgConnection) -> Done<Vec<TableSize>> {
    let name = |table: &StoreTable| match table {
        StoreTable::Bars => "stock_data",
        other => other.as_str(),
    };
    let names: Vec<&str> = StoreTable::ALL.iter().map(name).collect();
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(SIZES)
        .bind(names)
        .fetch_all(&mut *connection)
        .await?;
    let bars: i64 = sqlx::query_scalar("SELECT coalesce(sum(bars), 0)::bigint FROM series_totals")
        .fetch_one(connection)
        .await?;
    let each = StoreTable::ALL
        .iter()
        .zip(1..)
        .filter_map(|(table, number)| {
            let (_, bytes, estimated) = rows.iter().find(|row| row.0 == number)?;
            let rows = match table {
                StoreTable::Bars => bars,
                _ => *estimated,
            };
            Some(TableSize {
                table: *table,
                rows: count(rows),
                bytes: count(*bytes),
            })
        });
    Ok(largest_first(each.collect()))
}
