//! Reading from 10,000,000 bars: a page of 100 bars at some depth, and what each series holds.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use pipeline_tui::db::{BarQuery, Order, Store};
use pipeline_tui::model::{Interval, SeriesKey};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Row as _};

use crate::table::{cell, head, percentile, row};
use crate::{cluster, worker};

/// Series of the summary, and bars of each.
const SERIES: u32 = 500;
const EACH: u32 = 20_000;
/// Bars of one more series, deep enough for the last of the depths.
const DEEP: u32 = 1_100_000;
const DEPTHS: [u32; 4] = [0, 1_000, 10_000, 1_000_000];
const PAGE: u32 = 100;
/// Pages at each depth; and summaries, of which the slow ones take seconds.
const PAGES: u32 = 40;
const SUMMARIES: usize = 5;

const COLUMNS: &str = "timestamp, trading_date, open_price, high_price, low_price, close_price, volume, \
                       adjusted_close, dividend_amount, split_coefficient";
/// What each series holds, counted.
const GROUPED: &str = "SELECT symbol, interval, adjusted, count(*), min(timestamp), max(timestamp) FROM {bars} \
                       GROUP BY symbol, interval, adjusted";
/// The same from what the store keeps: the totals, and the two ends of the key's index.
const KEPT: &str = "SELECT t.symbol, t.interval, t.adjusted, t.bars, \
    (SELECT min(timestamp) FROM {bars} b WHERE b.symbol = t.symbol AND b.interval = t.interval AND b.adjusted = t.adjusted), \
    (SELECT max(timestamp) FROM {bars} b WHERE b.symbol = t.symbol AND b.interval = t.interval AND b.adjusted = t.adjusted) \
    FROM series_totals t";
const TOTALS: &str = "SELECT symbol, interval, adjusted, bars FROM series_totals";

fn newest() -> DateTime<Utc> {
    "2026-05-15T19:59:00Z".parse().unwrap()
}

fn deep() -> SeriesKey {
    SeriesKey::raw("DEEP".parse().unwrap(), Interval::Min1)
}

/// The peer's client of a database.
enum Direct {
    Postgres(PgConnection),
    Sqlite(rusqlite::Connection),
}

impl Direct {
    fn bars(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "stock_data",
            Self::Sqlite(_) => {
                "(SELECT s.source, s.symbol, s.interval, s.adjusted, b.* FROM series_totals s JOIN bars b \
                 ON b.series_id = s.id)"
            }
        }
    }

    /// A page by OFFSET. The statement is prepared once, where there is a server to prepare it.
    async fn page(&mut self, sql: &str, depth: u32) -> (usize, f64) {
        let Self::Postgres(connection) = self else {
            return self.rows(&sql.replace("$1", &depth.to_string())).await;
        };
        let sql = AssertSqlSafe(sql.replace("{bars}", "stock_data"));
        let start = Instant::now();
        let query = sqlx::query(sql).bind(i64::from(depth));
        let rows = query.fetch_all(connection).await.unwrap();
        (rows.len(), start.elapsed().as_secs_f64() * 1e3)
    }

    /// Runs a query, reads all rows, and returns how many there are; milliseconds.
    async fn rows(&mut self, sql: &str) -> (usize, f64) {
        let sql = sql.replace("{bars}", self.bars());
        let start = Instant::now();
        let rows = match self {
            Self::Postgres(connection) => sqlx::query(AssertSqlSafe(sql))
                .fetch_all(connection)
                .await
                .unwrap()
                .iter()
                .inspect(|row| assert!(row.try_get_raw(0).is_ok()))
                .count(),
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(&sql).unwrap();
                let columns = statement.column_count();
                let mut rows = statement.query([]).unwrap();
                let mut count = 0;
                while let Some(row) = rows.next().unwrap() {
                    for column in 0..columns {
                        row.get_ref(column).unwrap();
                    }
                    count += 1;
                }
                count
            }
        };
        (rows, start.elapsed().as_secs_f64() * 1e3)
    }
}

pub(crate) async fn run() {
    println!(
        "\n### Reading from {} bars in {SERIES} series and {} bars in one more, warm",
        cell(f64::from(SERIES * EACH)),
        cell(f64::from(DEEP))
    );
    if let Some(url) = cluster::new_database() {
        let store = worker::open(&url).await;
        let start = Instant::now();
        fill_postgres(&url);
        println!(
            "\nPostgreSQL, filled in {:.0} s:",
            start.elapsed().as_secs_f64()
        );
        let direct = Direct::Postgres(PgConnection::connect(&url).await.unwrap());
        measure(&store, direct).await;
        store.close().await;
        let (server, name) = url.rsplit_once('/').unwrap();
        cluster::psql(
            &format!("{server}/postgres"),
            &format!("DROP DATABASE {name} WITH (FORCE)"),
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bars.db");
    let url = format!("sqlite://{}", path.display());
    worker::open(&url).await.close().await;
    let start = Instant::now();
    let connection = rusqlite::Connection::open(&path).unwrap();
    fill_sqlite(&connection);
    println!(
        "\nSQLite, filled in {:.0} s:",
        start.elapsed().as_secs_f64()
    );
    let store = worker::open(&url).await;
    measure(&store, Direct::Sqlite(connection)).await;
    store.close().await;
}

async fn measure(store: &Arc<dyn Store>, mut direct: Direct) {
    pages(store, &mut direct).await;
    summaries(store, &mut direct).await;
}

async fn pages(store: &Arc<dyn Store>, direct: &mut Direct) {
    let mut times = DEPTHS.map(|_| (vec![], vec![]));
    let columns = match direct {
        Direct::Postgres(_) => COLUMNS.to_owned(),
        Direct::Sqlite(_) => COLUMNS.replace("trading_date", "trading_day"),
    };
    let filter =
        "source = 'alpha_vantage' AND symbol = 'DEEP' AND interval = '1min' AND NOT adjusted";
    let filter = match direct {
        Direct::Postgres(_) => filter.to_owned(),
        Direct::Sqlite(_) => filter.replace("NOT adjusted", "adjusted = 0"),
    };
    // The first query of each is not measured: it reads what the load left on disk.
    for page in 0..=PAGES {
        for (depth, (ours, theirs)) in DEPTHS.iter().zip(&mut times) {
            let depth = depth + page * 7;
            let query = BarQuery {
                series: deep(),
                from: None,
                to: Some(newest() - TimeDelta::minutes(i64::from(depth))),
                limit: PAGE,
                order: Order::NewestFirst,
            };
            let start = Instant::now();
            let bars = store.bars(query).await.unwrap();
            let our = start.elapsed().as_secs_f64() * 1e3;
            assert_eq!(bars.len(), PAGE as usize);
            let sql = format!(
                "SELECT {columns} FROM {{bars}} WHERE {filter} \
                 ORDER BY timestamp DESC LIMIT {PAGE} OFFSET $1"
            );
            let (rows, their) = direct.page(&sql, depth).await;
            assert_eq!(rows, PAGE as usize);
            if page > 0 {
                ours.push(our);
                theirs.push(their);
            }
        }
    }
    head(&[
        "100 bars at depth",
        "ours, ms p50",
        "p99",
        "OFFSET, ms p50",
        "p99",
        "ours is × as fast",
        "ours, × page 1",
    ]);
    let first = percentile(&times[0].0, 0.5);
    for (depth, (ours, theirs)) in DEPTHS.iter().zip(&times) {
        let cells = [
            percentile(ours, 0.5),
            percentile(ours, 0.99),
            percentile(theirs, 0.5),
            percentile(theirs, 0.99),
            percentile(theirs, 0.5) / percentile(ours, 0.5),
            percentile(ours, 0.5) / first,
        ];
        let name = if *depth == 0 {
            "0".to_owned()
        } else {
            cell(f64::from(*depth))
        };
        row(&name, &cells.map(cell));
    }
}

async fn summaries(store: &Arc<dyn Store>, direct: &mut Direct) {
    let mut times: [Vec<f64>; 5] = Default::default();
    for round in 0..=SUMMARIES {
        let mut took = vec![];
        for sql in [GROUPED, TOTALS, KEPT] {
            let (rows, time) = direct.rows(sql).await;
            assert_eq!(rows, SERIES as usize + 1);
            took.push(time);
        }
        let start = Instant::now();
        let health = store.health().await.unwrap();
        assert_eq!(health.bars, u64::from(SERIES * EACH + DEEP));
        took.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        for series in 0..SERIES {
            let symbol = format!("SYM{series}").parse().unwrap();
            let key = SeriesKey::raw(symbol, Interval::Min1);
            let facts = store.facts(key).await.unwrap();
            assert_eq!(facts.bars, u64::from(EACH));
        }
        took.push(start.elapsed().as_secs_f64() * 1e3);
        if round > 0 {
            for (times, took) in times.iter_mut().zip(took) {
                times.push(took);
            }
        }
    }
    let medians = times.map(|times| percentile(&times, 0.5));
    head(&[
        "what each series holds",
        "ms p50",
        "GROUP BY takes × as long",
    ]);
    let names = [
        "GROUP BY: count, oldest, newest",
        "ours: `series_totals`, the bars of each series",
        "ours: the same with oldest and newest, from the ends of the key's index",
        "ours: `Store::health`, all bars together",
        "ours: `Store::facts` of 500 series in turn, each with its newest 200 bars",
    ];
    for (name, time) in names.iter().zip(medians) {
        row(name, &[time, medians[0] / time].map(cell));
    }
}

fn fill_postgres(url: &str) {
    let last = newest().timestamp();
    let (all, each, deep) = (SERIES * EACH - 1, EACH, DEEP - 1);
    let columns = "symbol, interval, adjusted, timestamp, trading_date, \
                   open_price, high_price, low_price, close_price, volume";
    // Oldest first within a series, as the program stores them.
    let of = |symbol: &str, index: &str, count: u32, numbers: u32| {
        format!(
            "INSERT INTO stock_data ({columns}) \
             SELECT {symbol}, '1min', false, at, (at AT TIME ZONE 'UTC')::date, \
                 price, price + 0.5, price - 0.5, price + 0.1, 1000 + n % 977 \
             FROM (SELECT n, to_timestamp({last} - ({count} - 1 - {index})::bigint * 60) AS at, \
                       280 + (n * 7919 % 9973) * 0.01 AS price \
                   FROM generate_series(0::bigint, {numbers}) n) bars;"
        )
    };
    let script = format!(
        "{} {} \
         INSERT INTO series_totals SELECT 'SYM' || n, '1min', false, {each} FROM generate_series(0, {SERIES} - 1) n; \
         INSERT INTO series_totals VALUES ('DEEP', '1min', false, {DEEP});",
        of(
            &format!("'SYM' || (n / {each})"),
            &format!("n % {each}"),
            each,
            all
        ),
        of("'DEEP'", "n", DEEP, deep),
    );
    cluster::psql(url, &script);
    cluster::psql(url, "VACUUM ANALYZE stock_data");
}

fn fill_sqlite(connection: &rusqlite::Connection) {
    let last = newest().timestamp();
    let (all, deep) = (SERIES * EACH - 1, DEEP - 1);
    let of = |series: &str, index: &str, count: u32, numbers: u32| {
        format!(
            "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {numbers}) \
             INSERT INTO bars (series_id, timestamp, trading_day, open_price, high_price, low_price, close_price, volume) \
             SELECT {series}, datetime(at, 'unixepoch'), at / 86400, \
                 price, price + 50000000, price - 50000000, price + 10000000, 1000 + n % 977 \
             FROM (SELECT n, {last} - ({count} - 1 - {index}) * 60 AS at, \
                       28000000000 + (n * 7919 % 9973) * 1000000 AS price FROM n);"
        )
    };
    let script = format!(
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; \
         BEGIN; {} {} \
         WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {SERIES} - 1) \
         INSERT INTO series_totals SELECT n + 1, 'alpha_vantage', 'SYM' || n, '1min', 0, 0, {EACH} FROM n; \
         INSERT INTO series_totals VALUES ({SERIES} + 1, 'alpha_vantage', 'DEEP', '1min', 0, 0, {DEEP}); \
         COMMIT; PRAGMA cache_size = -2000; PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE);",
        of(
            &format!("n / {EACH} + 1"),
            &format!("n % {EACH}"),
            EACH,
            all
        ),
        of(&format!("{SERIES} + 1"), "n", DEEP, deep),
    );
    connection.execute_batch(&script).unwrap();
}
