//! A year of 1min bars of many symbols, from a stand-in for Alpaca into each database, as a person fills it:
//! `backfill`, from exec to exit.
//!
//! PostgreSQL: compared with a binary COPY of the same bars into an equal table. SQLite: bars a second. A
//! number is how many symbols, 100 without one; `postgres` or `sqlite` is only that database.

#![expect(clippy::print_stdout, reason = "the table is the output")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a bench that cannot go on must fail loudly"
)]

#[path = "../tests/suite/support/cluster.rs"]
mod cluster;
#[path = "support/ended.rs"]
mod ended;
#[path = "support/gauge.rs"]
#[expect(dead_code, reason = "only pauses are needed here")]
mod gauge;
#[path = "support/limits.rs"]
#[expect(dead_code, reason = "SQLite is not compared with a limit here")]
mod limits;
#[path = "year/market.rs"]
mod market;
#[path = "support/percentile.rs"]
mod percentile;
#[path = "year/provider.rs"]
mod provider;
#[path = "peers/table.rs"]
#[expect(dead_code, reason = "there is one round, and no median")]
mod table;
#[path = "peers/tree.rs"]
#[expect(dead_code, reason = "one process is measured here")]
mod tree;

use std::process::Command;
use std::time::Instant;

use pipeline_tui::config::Secret;
use pipeline_tui::db::{Access, PgTarget, open_postgres};
use serde_json::Value;
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use self::ended::run_to_end;
use self::limits::{binary, copy_in};
use self::market::{Year, symbol};
use self::table::{cell, head, number, row};

/// Without a number on the command line.
const SYMBOLS: usize = 100;

#[tokio::main]
async fn main() {
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'))
        .collect();
    let symbols = named.iter().find_map(|name| name.parse().ok());
    let symbols = symbols.unwrap_or(SYMBOLS);
    let is_wanted = |part: &str| {
        let others = ["postgres", "sqlite"].iter().filter(|one| **one != part);
        !others
            .into_iter()
            .any(|other| named.iter().any(|name| name == other))
    };
    let year = Year::new();
    let provider = provider::start(&year);
    let bars = number(symbols * year.minutes.len());
    println!("{} bars of {symbols} symbols", cell(bars));
    head(&[
        "",
        "seconds",
        "bars a second",
        "client CPU s",
        "most resident, MiB",
    ]);
    if is_wanted("postgres")
        && let (Some(ours), Some(copied)) = (cluster::new_database(), cluster::new_database())
    {
        let copy = copy(&year, symbols, &copied).await;
        row("limit: binary COPY", &[cell(copy), cell(bars / copy)]);
        let took = backfill(&provider, &ours, symbols);
        say("**ours, PostgreSQL**", bars, &took);
        assert_eq!(sums(&ours), sums(&copied));
        println!("\nOurs is {} x as fast as COPY.", cell(copy / took.seconds));
    }
    if is_wanted("sqlite") {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("bars.db").display());
        say(
            "**ours, SQLite**",
            bars,
            &backfill(&provider, &url, symbols),
        );
    }
}

struct Took {
    seconds: f64,
    cpu: f64,
    peak: f64,
}

fn say(name: &str, bars: f64, took: &Took) {
    let cells = [took.seconds, bars / took.seconds, took.cpu, took.peak];
    row(name, &cells.map(cell));
}

/// `backfill` as a person runs it.
fn backfill(provider: &str, url: &str, symbols: usize) -> Took {
    let folder = tempfile::tempdir().unwrap();
    let named: Vec<String> = (0..symbols)
        .map(|number| format!("alpaca:{}", symbol(number)))
        .collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline-tui"));
    command
        .args([
            "backfill",
            "--quiet",
            "--interval",
            "1min",
            "--format",
            "json",
        ])
        .args(["--from", market::FIRST, "--to", market::LAST])
        .args(["--symbols", &named.join(",")])
        .env_clear()
        .env("HOME", folder.path())
        .env("PIPELINE_DATA_DIR", folder.path())
        .env("APCA_API_KEY_ID", "PKBENCHBENCH")
        .env("APCA_API_SECRET_KEY", "bench-secret")
        .env("ALPACA_BASE_URL", provider)
        .env("ALPACA_TRADING_URL", provider)
        .env("ALPACA_PLAN", "paid")
        .env("DATABASE_URL", url);
    let (seconds, cpu, peak, report) = run_to_end(&mut command);
    let series = report["series"].as_array().unwrap();
    let is_whole = |one: &Value| one["status"] == "succeeded" && one["rejected"] == 0;
    assert!(
        series.len() == symbols && series.iter().all(is_whole),
        "{report}"
    );
    Took { seconds, cpu, peak }
}

/// The seconds of a binary COPY of the same bars, a statement a symbol.
async fn copy(year: &Year, symbols: usize, url: &str) -> f64 {
    let target = PgTarget {
        url: Secret::new(url),
        shown: "the bench".to_owned(),
    };
    let store = open_postgres(target, Access::ReadWrite).await.unwrap();
    store.close().await;
    let mut connection = PgConnection::connect(url).await.unwrap();
    let bars = year.bars();
    let mut seconds = 0.0;
    for number in 0..symbols {
        let stream = binary(&market::series(number), &bars);
        let start = Instant::now();
        copy_in(&mut connection, &stream).await;
        seconds += start.elapsed().as_secs_f64();
    }
    connection.close().await.unwrap();
    seconds
}

/// What both tables must hold alike.
fn sums(url: &str) -> String {
    let sql = "SELECT count(*), count(DISTINCT symbol), min(timestamp), max(timestamp), sum(open_price), \
               sum(high_price), sum(low_price), sum(close_price), sum(volume) FROM stock_data";
    cluster::psql(url, sql)
}
