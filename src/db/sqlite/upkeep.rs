//! Forgetting history; what each table takes.

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::super::row::count;
use super::super::upkeep::{Forgettable, KeptBounds, bounds, largest_first};
use super::Outcome as Done;
use super::transaction::begin;
use crate::model::{Retention, StoreTable, TableSize};

const BOUNDS: &str = bounds!(
    "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || $2 || ' days')",
    "strftime('%Y-%m-%d %H:%M:%f', 'now', '-2 days')"
);

pub async fn forgettable(connection: &mut SqliteConnection, kept: Retention) -> Done<Forgettable> {
    let bounds: KeptBounds = sqlx::query_as(BOUNDS)
        .bind(i64::from(kept.rows))
        .bind(i64::from(kept.days))
        .fetch_one(connection)
        .await?;
    Ok(bounds.forgettable())
}

pub async fn forget(connection: &mut SqliteConnection, upto: Forgettable, most: u32) -> Done<u64> {
    let mut tx = begin(connection).await?;
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

/// The pages of all tables but the bars and of their indexes. A tree is read whole to count its pages, so the bars
/// take what is left of those in use.
const PAGES: &str = "\
    WITH trees AS MATERIALIZED ( \
        SELECT name, tbl_name FROM sqlite_schema WHERE rootpage > 0 AND tbl_name <> 'bars') \
    SELECT trees.tbl_name, CAST(sum(pages.pgsize) AS INTEGER) \
    FROM trees CROSS JOIN dbstat AS pages ON pages.name = trees.name \
    WHERE pages.aggregate = TRUE GROUP BY trees.tbl_name";

const IN_USE: &str = "\
    SELECT (page_count - freelist_count) * page_size \
    FROM pragma_page_count, pragma_freelist_count, pragma_page_size";

pub async fn tables(connection: &mut SqliteConnection) -> Done<Vec<TableSize>> {
    let mut tx = connection.begin().await?;
    let sizes: Vec<(String, i64)> = sqlx::query_as(PAGES).fetch_all(&mut *tx).await?;
    let in_use: i64 = sqlx::query_scalar(IN_USE).fetch_one(&mut *tx).await?;
    let of_others: i64 = sizes.iter().map(|(_, bytes)| bytes).sum();
    let mut tables = vec![];
    for table in StoreTable::ALL {
        let rows: i64 = match table {
            StoreTable::Bars => {
                sqlx::query_scalar("SELECT coalesce(sum(bars), 0) FROM series_totals")
                    .fetch_one(&mut *tx)
                    .await?
            }
            other => {
                let rows = format!("SELECT count(*) FROM {other}");
                sqlx::query_scalar(AssertSqlSafe(rows))
                    .fetch_one(&mut *tx)
                    .await?
            }
        };
        let known = sizes.iter().find(|(name, _)| name == table.as_str());
        let bytes = match table {
            StoreTable::Bars => in_use - of_others,
            _ => known.map_or(0, |(_, bytes)| *bytes),
        };
        tables.push(TableSize {
            table: *table,
            rows: count(rows),
            bytes: count(bytes),
        });
    }
    Ok(largest_first(tables))
}
