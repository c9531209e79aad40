//! From nothing to rows: 100 series of about 4,000 bars from the simulated provider into a database.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use crate::ended::run_to_end;
use crate::python::Peer;
use crate::table::{cell, head, median, row};
use crate::{cluster, tree, worker};

const ROUNDS: usize = 3;
const SERIES: usize = 100;
/// Series with fewer bars are left out; the most liquid ones have about 4,200.
const LEAST: usize = 3_800;

/// The simulated provider in a separate process. It is ended when this is dropped.
pub(crate) struct Simulate {
    pub(crate) process: Child,
    pub(crate) base_url: String,
}

impl Simulate {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_pipeline-tui"))
            .args(["simulate", "--plan", "unlimited", "--listen", "127.0.0.1:0"])
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut base_url = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut base_url)
            .unwrap();
        Self {
            process,
            base_url: base_url.trim_end().to_owned(),
        }
    }

    /// Symbols whose last month has about 4,000 bars.
    async fn liquid(&self) -> Vec<String> {
        let mut symbols = vec![];
        for number in 0.. {
            let symbol = format!("SYM{number}");
            let query = "function=TIME_SERIES_INTRADAY&interval=5min&outputsize=full&datatype=csv";
            let url = format!("{}?{query}&apikey=peer&symbol={symbol}", self.base_url);
            let text = reqwest::get(url).await.unwrap().text().await.unwrap();
            if text.lines().count() > LEAST {
                symbols.push(symbol);
            }
            if symbols.len() == SERIES {
                break;
            }
        }
        symbols
    }
}

impl Drop for Simulate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What one way of storing all series cost.
struct Took {
    bars: f64,
    seconds: f64,
    /// CPU seconds of the client and of the database's server.
    cpu: [f64; 2],
    /// MiB.
    peak: f64,
}

struct Variant {
    name: &'static str,
    way: Way,
    /// Too slow to be measured in every round.
    once: bool,
    took: Vec<Took>,
}

/// How series get into the database.
#[derive(Clone, Copy)]
enum Way {
    /// The program itself: `fetch`, four requests in flight.
    Program,
    /// The library in a separate process: how, and requests in flight.
    Worker(&'static str, &'static str),
    /// A Python script: how it writes.
    Script(&'static str),
}

pub(crate) async fn run() {
    let simulate = Simulate::start();
    let symbols = simulate.liquid().await;
    let before = tree::cpu(simulate.process.id().cast_signed());
    if let Some(url) = cluster::new_database() {
        let variants = [
            (
                "limit: fetch, parse, binary COPY, 4 in flight",
                Way::Worker("copy", "4"),
                false,
            ),
            ("**ours, 4 in flight**", Way::Program, false),
            ("ours again, nothing changed", Way::Program, false),
            ("ours, 16 in flight", Way::Worker("pipeline", "16"), false),
            (
                "Python: requests, json, execute_values",
                Way::Script("execute_values"),
                false,
            ),
            (
                "Python: requests, json, a statement a row",
                Way::Script("per row"),
                true,
            ),
        ];
        println!("\n### End to end, PostgreSQL: {SERIES} series");
        measure(&simulate, &symbols, &url, variants).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let variants = [
        ("**ours, 4 in flight**", Way::Program, false),
        ("ours again, nothing changed", Way::Program, false),
        ("ours, 16 in flight", Way::Worker("pipeline", "16"), false),
        (
            "Python: requests, json, executemany",
            Way::Script("executemany"),
            false,
        ),
    ];
    println!("\n### End to end, SQLite: {SERIES} series");
    let url = format!("sqlite://{}", folder.path().join("bars.db").display());
    measure(&simulate, &symbols, &url, variants).await;
    let spent = tree::cpu(simulate.process.id().cast_signed()) - before;
    println!(
        "\nThe provider took {:.1} s of CPU for all of it.",
        spent / 1e3
    );
}

async fn measure<const N: usize>(
    simulate: &Simulate,
    symbols: &[String],
    url: &str,
    variants: [(&'static str, Way, bool); N],
) {
    worker::open(url).await.close().await;
    let mut peer = Peer::start("fetch.py");
    let mut variants = variants.map(|(name, way, once)| Variant {
        name,
        way,
        once,
        took: vec![],
    });
    for round in 0..ROUNDS {
        for variant in &mut variants {
            if variant.once && round > 0 {
                continue;
            }
            let is_fresh = !variant.name.contains("again");
            if is_fresh {
                empty(url).await;
            }
            let server = Server::of(url).await;
            let took = match variant.way {
                Way::Program => program(&simulate.base_url, url, symbols, is_fresh),
                Way::Worker(how, in_flight) => {
                    let arguments = ["worker", how, in_flight, &simulate.base_url, url];
                    let mut command = Command::new(std::env::current_exe().unwrap());
                    command.args(arguments).arg(symbols.join(","));
                    let (seconds, cpu, _, report) = run_to_end(&mut command);
                    Took {
                        bars: report["bars"].as_f64().unwrap(),
                        seconds,
                        cpu: [cpu, 0.0],
                        peak: report["peak"].as_f64().unwrap(),
                    }
                }
                Way::Script(how) => {
                    let place = url.strip_prefix("sqlite://").unwrap_or(url);
                    let order = json!({"task": "fetch", "base_url": simulate.base_url,
                                       "symbols": symbols, "url": place, "how": how});
                    let took = peer.order(order);
                    Took {
                        bars: took.value["bars"].as_f64().unwrap(),
                        seconds: took.wall / 1e3,
                        cpu: [took.cpu / 1e3, 0.0],
                        peak: took.value["peak"].as_f64().unwrap() / 1024.0,
                    }
                }
            };
            let server = server.seconds_since();
            variant.took.push(Took {
                cpu: [took.cpu[0], server],
                ..took
            });
        }
    }
    print(&variants);
}

fn print(variants: &[Variant]) {
    let rate = |variant: &Variant| {
        let rates: Vec<f64> = variant
            .took
            .iter()
            .map(|took| took.bars / took.seconds)
            .collect();
        median(&rates)
    };
    let of = |variant: &Variant, pick: fn(&Took) -> f64| {
        median(&variant.took.iter().map(pick).collect::<Vec<f64>>())
    };
    let ours = variants
        .iter()
        .find(|variant| matches!(variant.way, Way::Program))
        .map_or(f64::NAN, rate);
    println!("{} bars.", cell(of(&variants[0], |took| took.bars)));
    head(&[
        "",
        "seconds",
        "bars a second",
        "ours (4 in flight) is × as fast",
        "client CPU s",
        "server CPU s",
        "most resident, MiB",
        "rounds",
    ]);
    for variant in variants {
        let cells = [
            cell(of(variant, |took| took.seconds)),
            cell(rate(variant)),
            cell(ours / rate(variant)),
            cell(of(variant, |took| took.cpu[0])),
            cell(of(variant, |took| took.cpu[1])),
            cell(of(variant, |took| took.peak)),
            variant.took.len().to_string(),
        ];
        row(variant.name, &cells);
    }
}

/// `fetch` as a person runs it.
fn program(base_url: &str, url: &str, symbols: &[String], is_fresh: bool) -> Took {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline-tui"));
    command
        .args([
            "fetch",
            "--quiet",
            "--interval",
            "5min",
            "--outputsize",
            "full",
        ])
        .args(["--format", "json", "--symbols", &symbols.join(",")])
        .env_clear()
        .env("HOME", folder.path())
        .env("PIPELINE_DATA_DIR", folder.path())
        .env("ALPHA_VANTAGE_API_KEY", "peer-key")
        .env("ALPHA_VANTAGE_BASE_URL", base_url)
        .env("ALPHA_VANTAGE_PLAN", "unlimited")
        .env("DATABASE_URL", url);
    let (seconds, cpu, peak, report) = run_to_end(&mut command);
    assert_eq!(report["status"], "succeeded", "{report}");
    let number = |series: &Value, name: &str| series[name].as_u64().unwrap();
    let series = report["series"].as_array().unwrap();
    let counted = if is_fresh { "inserted" } else { "unchanged" };
    // While the market trades, the newest bars of a series change and others follow them.
    let others = if is_fresh { 0 } else { 10 };
    let is_right = |one: &Value| number(one, "received") - number(one, counted) <= others;
    assert!(series.iter().all(is_right), "{report}");
    let bars = series
        .iter()
        .map(|series| series["received"].as_f64().unwrap())
        .sum();
    Took {
        bars,
        seconds,
        cpu: [cpu, 0.0],
        peak,
    }
}

/// The database's processes, if it has any.
struct Server(Option<(i32, f64)>);

impl Server {
    async fn of(url: &str) -> Self {
        if !url.starts_with("postgres") {
            return Self(None);
        }
        let mut connection = PgConnection::connect(url).await.unwrap();
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let root = tree::parent(backend);
        connection.close().await.unwrap();
        Self(Some((root, tree::cpu(root))))
    }

    fn seconds_since(&self) -> f64 {
        self.0
            .map_or(f64::NAN, |(root, before)| (tree::cpu(root) - before) / 1e3)
    }
}

/// Deletes all bars of a database; its schema and its bookkeeping stay.
async fn empty(url: &str) {
    if let Some(path) = url.strip_prefix("sqlite://") {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(Path::new(&format!("{path}{end}")));
        }
        worker::open(url).await.close().await;
        return;
    }
    let mut connection = PgConnection::connect(url).await.unwrap();
    for sql in ["TRUNCATE stock_data", "CHECKPOINT"] {
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
    }
    connection.close().await.unwrap();
}
