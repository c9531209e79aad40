//! What it costs to store a month of 1min bars, compared with each database's fastest load.
//!
//! PostgreSQL: a binary COPY of the same rows into the same table with its indexes. SQLite: one
//! prepared upsert a row, without a driver in between. All variants run in turn in every round, so
//! that other load disturbs them equally; every figure is a median. CPU times are the
//! scheduler's, of the database's processes and of this one.

#![expect(clippy::print_stdout, reason = "the table is the output")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that cannot reach its database should stop"
)]

#[path = "../tests/suite/support/cluster.rs"]
mod cluster;
#[path = "support/limits.rs"]
mod limits;
#[path = "support/month.rs"]
mod month;
#[path = "support/work.rs"]
mod work;

use std::sync::Arc;
use std::time::Duration;

use limits::{binary, copy_in, row_by_row};
use month::{answer, ask, json};
use pipeline_tui::config::Secret;
use pipeline_tui::db::{Access, PgTarget, Store, open_postgres, open_sqlite};
use pipeline_tui::model::{Answer, Bar, Counts, SeriesKey, Volume};
use pipeline_tui::pipeline::sources::alpha_vantage::read;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use work::{Cost, Gauge, store};

const ROUNDS: usize = 9;
/// One bar in this many has another volume the third time.
const CHANGED: usize = 100;
const NO_VACUUM: &str = "ALTER TABLE stock_data SET (autovacuum_enabled = off)";

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
            bar.volume = bar.volume.saturating_add(Volume::from(1));
        }
        Self {
            series: ask.series.into_iter().next().unwrap(),
            answer,
            bars,
            corrected,
        }
    }
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
    let stream = binary(&month.series, &month.bars);
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
        let (counts, fresh) = store(
            &pipeline,
            &month.series,
            &month.answer,
            &month.bars,
            &mut gauge,
        )
        .await;
        check(counts, total, 0, 0);
        let (counts, again) = store(
            &pipeline,
            &month.series,
            &month.answer,
            &month.bars,
            &mut gauge,
        )
        .await;
        check(counts, 0, 0, total);
        assert_eq!(checksum(&mut gauge).await, checksum(&mut copy_gauge).await);
        let (counts, changed) = store(
            &pipeline,
            &month.series,
            &month.answer,
            &month.corrected,
            &mut gauge,
        )
        .await;
        check(counts, 0, few, total - few);
        let (_, nothing) = store(&pipeline, &month.series, &month.answer, &[], &mut gauge).await;
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
        store(
            &opened,
            &month.series,
            &month.answer,
            &month.bars,
            &mut gauge,
        )
        .await;
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
            let (counts, cost) =
                store(&pipeline, &month.series, &month.answer, bars, &mut gauge).await;
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
