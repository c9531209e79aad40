//! What it costs to store a month of 1min bars, beside the quickest load that each database has.
//!
//! PostgreSQL: a binary COPY of the same rows into the same table with its indexes. SQLite: one
//! prepared upsert a row, without a driver in between. All variants run in turn in every round, so
//! that a busy neighbour disturbs them alike; every figure is a median. CPU times are the
//! scheduler's, of the database's processes and of this one.

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

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use month::{answer, ask, json};
use pipeline_tui::config::Secret;
use pipeline_tui::db::{
    Access, Credential, PgTarget, Reservation, Reserved, Store, open_postgres, open_sqlite,
};
use pipeline_tui::model::quota::Limits;
use pipeline_tui::model::{Answer, Bar, Batch, Counts, Price, RunStatus, SeriesKey};
use pipeline_tui::pipeline::alpha_vantage::read;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use uuid::Uuid;

const ROUNDS: usize = 9;
/// One bar in so many has another volume the third time.
const CHANGED: usize = 100;
/// Bytes of kept answers, as configured by default.
const KEPT: u64 = 64 << 20;
const NO_VACUUM: &str = "ALTER TABLE stock_data SET (autovacuum_enabled = off)";
const COLUMNS: &str = "symbol, interval, adjusted, timestamp, trading_date, \
                       open_price, high_price, low_price, close_price, volume";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let month = Month::new();
    if let (Some(ours), Some(copied)) = (cluster::new_database(), cluster::new_database()) {
        postgres(&month, &ours, &copied).await;
    }
    println!();
    sqlite(&month).await;
}

/// The bars and the answer they came in.
struct Month {
    series: SeriesKey,
    answer: Answer,
    bars: Vec<Bar>,
    corrected: Vec<Bar>,
}

impl Month {
    fn new() -> Self {
        let (ask, answer) = (ask("json"), answer(json()));
        let bars = read(&ask, &answer).unwrap().bars;
        let mut corrected = bars.clone();
        for bar in corrected.iter_mut().step_by(CHANGED) {
            bar.volume += 1;
        }
        Self {
            series: ask.series,
            answer,
            bars,
            corrected,
        }
    }
}

/// What a piece of work took, in milliseconds and bytes.
#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    client: f64,
    server: f64,
    wal: f64,
    /// Wall time of the run around the work: its records, the reservation, the kept answer.
    run: f64,
}

/// One row of a table.
struct Variant {
    name: &'static str,
    costs: Vec<Cost>,
}

impl Variant {
    const fn new(name: &'static str) -> Self {
        let costs = Vec::new();
        Self { name, costs }
    }

    fn median(&self, of: fn(&Cost) -> f64) -> f64 {
        let mut values: Vec<f64> = self.costs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// Takes the costs of work, on the server as well where there is one.
struct Gauge(Option<PgConnection>);

impl Gauge {
    async fn measure<T>(&mut self, work: impl Future<Output = T>) -> (T, Cost) {
        let (server, wal) = self.server().await;
        let (client, start) = (own_cpu(), Instant::now());
        let value = work.await;
        let wall = start.elapsed().as_secs_f64() * 1e3;
        let client = own_cpu() - client;
        let (server_after, wal_after) = self.server().await;
        let cost = Cost {
            wall,
            client,
            server: server_after - server,
            wal: wal_after - wal,
            run: wall,
        };
        (value, cost)
    }

    /// CPU milliseconds of the database's other sessions, and the bytes of WAL so far.
    async fn server(&mut self) -> (f64, f64) {
        let Some(connection) = &mut self.0 else {
            return (0.0, 0.0);
        };
        let (pids, wal): (Vec<i32>, f64) = sqlx::query_as(
            "SELECT array_agg(pid), (pg_current_wal_insert_lsn() - '0/0')::float8 FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .fetch_one(connection)
        .await
        .unwrap();
        (pids.into_iter().map(cpu).sum(), wal)
    }

    async fn sql(&mut self, sql: &str) {
        if let Some(connection) = &mut self.0 {
            let sql = AssertSqlSafe(sql.to_owned());
            sqlx::raw_sql(sql).execute(connection).await.unwrap();
        }
    }

    async fn number(&mut self, sql: &'static str) -> i64 {
        match &mut self.0 {
            Some(connection) => sqlx::query_scalar(sql).fetch_one(connection).await.unwrap(),
            None => 0,
        }
    }
}

/// CPU milliseconds of this process.
fn own_cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap().as_secs_f64() * 1e3
}

/// CPU milliseconds of another process; not a number where the system does not tell.
fn cpu(pid: i32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|first| first.parse::<f64>().ok());
    nanoseconds.map_or(f64::NAN, |nanoseconds| nanoseconds / 1e6)
}

/// Stores bars as a run of the pipeline does; the cost is that of storing them.
async fn store(
    store: &Arc<dyn Store>,
    month: &Month,
    bars: &[Bar],
    gauge: &mut Gauge,
) -> (Counts, Cost) {
    let start = Instant::now();
    let run = store
        .begin_run("bench", vec![month.series.clone()])
        .await
        .unwrap();
    let reservation = Reservation {
        attempt_id: Uuid::new_v4(),
        run: run.id,
        ask: ask("json").into(),
        credential: credential(),
        attempt: 1,
        limits: Limits {
            gap: TimeDelta::zero(),
            per_day: None,
        },
    };
    let Reserved::Granted(request) = store.reserve(reservation).await.unwrap() else {
        return (Counts::default(), gauge.measure(async {}).await.1);
    };
    store
        .keep(request, month.answer.clone(), KEPT)
        .await
        .unwrap();
    let batch = Batch {
        request,
        run: run.id,
        series: month.series.clone(),
        bars: bars.to_vec(),
        rejected: Vec::new(),
        received: u32::try_from(bars.len()).unwrap(),
        rounded: 0,
        parse_ms: 0,
    };
    let before = start.elapsed();
    let (counts, mut cost) = gauge.measure(store.apply(batch, credential())).await;
    let start = Instant::now();
    store
        .finish_run(run.id, RunStatus::Succeeded)
        .await
        .unwrap();
    cost.run += (before + start.elapsed()).as_secs_f64() * 1e3;
    (counts.unwrap(), cost)
}

fn credential() -> Credential {
    Credential {
        fingerprint: "bench".to_owned(),
        plan: "free".to_owned(),
    }
}

fn check(counts: Counts, inserted: usize, changed: usize, unchanged: usize) {
    let got = [counts.inserted, counts.changed, counts.unchanged];
    assert_eq!(
        got.map(|count| count as usize),
        [inserted, changed, unchanged]
    );
}

async fn open(url: &str) -> Arc<dyn Store> {
    let target = PgTarget {
        url: Secret::new(url),
        shown: "bench".to_owned(),
    };
    open_postgres(target, Access::ReadWrite).await.unwrap()
}

async fn postgres(month: &Month, ours: &str, copied: &str) {
    let (pipeline, _schema) = (open(ours).await, open(copied).await);
    let mut gauge = Gauge(Some(PgConnection::connect(ours).await.unwrap()));
    let mut copy_gauge = Gauge(Some(PgConnection::connect(copied).await.unwrap()));
    let mut copy = PgConnection::connect(copied).await.unwrap();
    for gauge in [&mut gauge, &mut copy_gauge] {
        gauge.sql(NO_VACUUM).await;
    }
    let stream = binary(month);
    let mut variants = [
        Variant::new("limit: binary COPY"),
        Variant::new("fresh"),
        Variant::new("again"),
        Variant::new("1 % changed"),
        Variant::new("no bars"),
    ];
    let (total, few) = (month.bars.len(), month.bars.len().div_ceil(CHANGED));
    for _ in 0..ROUNDS {
        for gauge in [&mut gauge, &mut copy_gauge] {
            gauge.sql("TRUNCATE stock_data").await;
        }
        let ((), limit) = copy_gauge.measure(copy_in(&mut copy, &stream)).await;
        let (counts, fresh) = store(&pipeline, month, &month.bars, &mut gauge).await;
        check(counts, total, 0, 0);
        let (counts, again) = store(&pipeline, month, &month.bars, &mut gauge).await;
        check(counts, 0, 0, total);
        assert_eq!(checksum(&mut gauge).await, checksum(&mut copy_gauge).await);
        let (counts, changed) = store(&pipeline, month, &month.corrected, &mut gauge).await;
        check(counts, 0, few, total - few);
        let (_, nothing) = store(&pipeline, month, &[], &mut gauge).await;
        for (variant, cost) in variants
            .iter_mut()
            .zip([limit, fresh, again, changed, nothing])
        {
            variant.costs.push(cost);
        }
    }
    let dead = dead_rows(month).await;
    let version = gauge
        .number("SELECT current_setting('server_version_num')::bigint")
        .await;
    println!(
        "PostgreSQL {}.{}, {total} bars of one series, medians of {ROUNDS} rounds\n",
        version / 10_000,
        version % 10_000
    );
    println!(
        "| | wall ms | backend CPU ms | x COPY | client CPU ms | whole run ms | WAL bytes | a row |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    let [limit, _, _, _, nothing] = &variants;
    let (limit, bookkeeping) = (
        limit.median(|cost| cost.server),
        nothing.median(|cost| cost.wal),
    );
    for variant in &variants {
        let median = |of| variant.median(of);
        let wal = median(|cost| cost.wal);
        let of_bars = if variant.name.starts_with("limit") {
            wal
        } else {
            wal - bookkeeping
        };
        println!(
            "| {} | {:.1} | {:.1} | {:.2} | {:.1} | {:.1} | {wal:.0} | {:.2} |",
            variant.name,
            median(|cost| cost.wall),
            median(|cost| cost.server),
            median(|cost| cost.server) / limit,
            median(|cost| cost.client),
            median(|cost| cost.run),
            of_bars / number(total),
        );
    }
    println!("\ndead rows after storing the same bars again: {dead}");
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::NAN, f64::from)
}

async fn checksum(gauge: &mut Gauge) -> i64 {
    let sql = "SELECT sum(hashtextextended((symbol, interval, adjusted, timestamp, trading_date, open_price, \
               high_price, low_price, close_price, volume)::text, 0) % 1000003)::bigint FROM stock_data";
    gauge.number(sql).await
}

/// Dead rows that a second load of the same bars leaves, in a database of its own: the server counts
/// them when the session ends.
async fn dead_rows(month: &Month) -> i64 {
    let url = cluster::new_database().unwrap();
    let opened = open(&url).await;
    let mut gauge = Gauge(Some(PgConnection::connect(&url).await.unwrap()));
    gauge.sql(NO_VACUUM).await;
    for _ in 0..2 {
        store(&opened, month, &month.bars, &mut gauge).await;
    }
    opened.close().await;
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    while gauge.number(others).await > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let known = "SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = 'stock_data'";
    assert_eq!(
        gauge.number(known).await,
        i64::try_from(month.bars.len()).unwrap()
    );
    let dead = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'stock_data'";
    gauge.number(dead).await
}

async fn copy_in(connection: &mut PgConnection, stream: &[u8]) {
    let sql = format!("COPY stock_data ({COLUMNS}) FROM STDIN (FORMAT binary)");
    let mut copy = connection.copy_in_raw(&sql).await.unwrap();
    copy.send(stream).await.unwrap();
    copy.finish().await.unwrap();
}

/// The bars in COPY's binary format.
fn binary(month: &Month) -> Vec<u8> {
    let epoch = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
    let midnight = epoch.and_time(NaiveTime::MIN).and_utc();
    let mut out = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for bar in &month.bars {
        out.extend(10_i16.to_be_bytes());
        let mut field = |bytes: &[u8]| {
            out.extend(i32::try_from(bytes.len()).unwrap().to_be_bytes());
            out.extend(bytes);
        };
        let micros = (bar.timestamp - midnight).num_microseconds().unwrap();
        let days = i32::try_from((bar.trading_date - epoch).num_days()).unwrap();
        field(month.series.symbol.as_str().as_bytes());
        field(month.series.interval.as_str().as_bytes());
        field(&[u8::from(month.series.adjusted)]);
        field(&micros.to_be_bytes());
        field(&days.to_be_bytes());
        for price in [bar.open, bar.high, bar.low, bar.close] {
            field(&numeric(price));
        }
        field(&bar.volume.to_be_bytes());
    }
    out.extend((-1_i16).to_be_bytes());
    out
}

/// A price as the server keeps it: digits to the base of 10,000, and where the point is.
fn numeric(price: Price) -> Vec<u8> {
    let mut digits: Vec<i16> = Vec::new();
    let (mut rest, mut weight) = (price.units(), -3_i16);
    while rest > 0 {
        digits.push(i16::try_from(rest % 10_000).unwrap());
        rest /= 10_000;
        weight += 1;
    }
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
    let head = [i16::try_from(digits.len()).unwrap(), weight, 0, 8];
    let all = head.into_iter().chain(digits.into_iter().rev());
    all.flat_map(i16::to_be_bytes).collect()
}

async fn sqlite(month: &Month) {
    let mut variants = [
        (Variant::new("row by row: fresh"), Variant::new("fresh")),
        (Variant::new("row by row: again"), Variant::new("again")),
        (
            Variant::new("row by row: 1 % changed"),
            Variant::new("1 % changed"),
        ),
    ];
    let (total, few) = (month.bars.len(), month.bars.len().div_ceil(CHANGED));
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let (ours, limit) = (
            folder.path().join("ours.db"),
            folder.path().join("limit.db"),
        );
        let pipeline = open_sqlite(&ours, Access::ReadWrite).await.unwrap();
        open_sqlite(&limit, Access::ReadWrite)
            .await
            .unwrap()
            .close()
            .await;
        let mut direct = rusqlite::Connection::open(&limit).unwrap();
        let pragmas = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 16777216";
        direct.execute_batch(pragmas).unwrap();
        let stages = [
            (&month.bars, total, 0),
            (&month.bars, 0, 0),
            (&month.corrected, 0, few),
        ];
        for ((bars, inserted, changed), (limit, ours)) in stages.into_iter().zip(&mut variants) {
            let mut gauge = Gauge(None);
            let work = async { row_by_row(&mut direct, &month.series, bars) };
            let (written, cost) = gauge.measure(work).await;
            assert_eq!(written, inserted + changed);
            limit.costs.push(cost);
            let (counts, cost) = store(&pipeline, month, bars, &mut gauge).await;
            check(counts, inserted, changed, total - inserted - changed);
            ours.costs.push(cost);
        }
        pipeline.close().await;
    }
    println!(
        "SQLite {}, {total} bars of one series, medians of {ROUNDS} rounds\n",
        rusqlite::version()
    );
    println!("| | wall ms | CPU ms | x row by row | whole run ms |");
    println!("|---|--:|--:|--:|--:|");
    for (limit, ours) in &variants {
        for variant in [limit, ours] {
            println!(
                "| {} | {:.1} | {:.1} | {:.2} | {:.1} |",
                variant.name,
                variant.median(|cost| cost.wall),
                variant.median(|cost| cost.client),
                variant.median(|cost| cost.client) / limit.median(|cost| cost.client),
                variant.median(|cost| cost.run),
            );
        }
    }
}

/// The upsert of the store for one row, prepared once, in one transaction; returns the rows written.
fn row_by_row(connection: &mut rusqlite::Connection, series: &SeriesKey, bars: &[Bar]) -> usize {
    let values = "open_price, high_price, low_price, close_price, volume";
    let of = |table: &str| {
        let columns: Vec<String> = values
            .split(", ")
            .map(|column| format!("{table}.{column}"))
            .collect();
        columns.join(", ")
    };
    let sql = format!(
        "INSERT INTO bars (symbol, interval, adjusted, timestamp, trading_day, {values}) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
         ON CONFLICT (symbol, interval, adjusted, timestamp) DO UPDATE \
         SET ({values}, updated_at) = ({}, unixepoch()) WHERE ({}) IS NOT ({})",
        of("excluded"),
        of("bars"),
        of("excluded"),
    );
    let transaction = connection.transaction().unwrap();
    let mut statement = transaction.prepare(&sql).unwrap();
    let mut written = 0;
    for bar in bars {
        let day = (bar.trading_date - NaiveDate::default()).num_days();
        written += statement
            .execute(rusqlite::params![
                series.symbol.as_str(),
                series.interval.as_str(),
                series.adjusted,
                bar.timestamp.timestamp(),
                day,
                bar.open.units(),
                bar.high.units(),
                bar.low.units(),
                bar.close.units(),
                bar.volume,
            ])
            .unwrap();
    }
    drop(statement);
    transaction.commit().unwrap();
    written
}
