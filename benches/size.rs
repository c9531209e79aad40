//! How many bytes a bar takes on disk, of a million of 100 symbols, indexes included.

#![expect(clippy::print_stdout, reason = "the table is the output")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that cannot reach its database should stop"
)]

#[path = "../tests/suite/support/cluster.rs"]
mod cluster;
#[path = "support/month.rs"]
mod month;
#[path = "support/work.rs"]
#[expect(dead_code, reason = "nothing is changed by hand here")]
mod work;

use std::sync::Arc;

use month::{answer, ask, json};
use pipeline_tui::config::Secret;
use pipeline_tui::db::{Access, PgTarget, Store, open_postgres, open_sqlite};
use pipeline_tui::model::{Interval, SeriesKey};
use pipeline_tui::pipeline::sources::alpha_vantage::read;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use work::{Gauge, store};

const SYMBOLS: u32 = 100;
const EACH: u32 = 10_000;

#[tokio::main]
async fn main() {
    println!("{} bars of {SYMBOLS} symbols\n", SYMBOLS * EACH);
    println!("| | table, bytes a bar | indexes | both |");
    println!("|---|--:|--:|--:|");
    row("SQLite", sqlite().await);
    if let Some(url) = cluster::new_database() {
        row("PostgreSQL", postgres(&url).await);
    }
}

fn row(database: &str, [table, indexes]: [i64; 2]) {
    let [table, indexes, both] = [table, indexes, table + indexes]
        .map(|bytes| i32::try_from(bytes).map_or(f64::NAN, f64::from) / f64::from(SYMBOLS * EACH));
    println!("| {database} | {table:.1} | {indexes:.1} | {both:.1} |");
}

async fn fill(opened: &Arc<dyn Store>) {
    let answer = answer(json());
    let bars = read(&ask("json"), &answer).unwrap().bars;
    let some = bars.get(..EACH as usize).unwrap();
    for number in 0..SYMBOLS {
        let symbol = format!("SYM{number}").parse().unwrap();
        let series = SeriesKey::raw(symbol, Interval::Min1);
        let (counts, _) = store(opened, &series, &answer, some, &mut Gauge(None)).await;
        assert_eq!(counts.inserted, EACH);
    }
}

async fn sqlite() -> [i64; 2] {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bars.db");
    let opened = open_sqlite(&path, Access::ReadWrite).await.unwrap();
    fill(&opened).await;
    opened.close().await;
    let file = rusqlite::Connection::open(&path).unwrap();
    let sql = "SELECT coalesce(sum(pgsize) FILTER (WHERE name = 'bars'), 0), \
                      coalesce(sum(pgsize) FILTER (WHERE name <> 'bars'), 0) \
               FROM dbstat WHERE name IN (SELECT name FROM sqlite_master WHERE tbl_name = 'bars')";
    file.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?]))
        .unwrap()
}

async fn postgres(url: &str) -> [i64; 2] {
    let target = PgTarget {
        url: Secret::new(url),
        shown: "bench".to_owned(),
    };
    let opened = open_postgres(target, Access::ReadWrite).await.unwrap();
    fill(&opened).await;
    let mut gauge = Gauge(Some(PgConnection::connect(url).await.unwrap()));
    [
        gauge.number("SELECT pg_table_size('stock_data')").await,
        gauge.number("SELECT pg_indexes_size('stock_data')").await,
    ]
}
