//! First load, identical reload and a reload with 1 % changed, of 19,000 and of 500,000 bars.

use std::fmt::Write as _;
use std::sync::Arc;

use pipeline_tui::db::Store;
use pipeline_tui::model::{Answer, Bar, Interval, Price, SeriesKey, Volume};
use pipeline_tui::pipeline::sources::alpha_vantage::read;
use serde_json::json;
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use crate::limits::{binary, copy_in, row_by_row};
use crate::month::{self, answer, ask};
use crate::python::Peer;
use crate::table::{cell, head, median, row};
use crate::work::{Cost, Gauge, store};
use crate::{cluster, worker};

/// One bar in this many has another volume the third time.
const CHANGED: usize = 100;
/// A load, the same again, and with changes.
const STAGES: usize = 3;
const NO_VACUUM: &str = "ALTER TABLE stock_data SET (autovacuum_enabled = off)";

/// This many bars, in series of a month each.
struct Load {
    total: usize,
    answer: Answer,
    series: Vec<(SeriesKey, Vec<Bar>)>,
    corrected: Vec<(SeriesKey, Vec<Bar>)>,
}

impl Load {
    /// For this process, and for a script.
    fn new(total: usize, peer: &mut Peer) -> Self {
        let answer = answer(month::json());
        let bars = read(&ask("json"), &answer).unwrap().bars;
        let mut series = vec![];
        let mut left = total;
        while left > 0 {
            let some = bars.get(..bars.len().min(left)).unwrap().to_vec();
            left -= some.len();
            let symbol = format!("SYM{}", series.len()).parse().unwrap();
            series.push((SeriesKey::raw(symbol, Interval::Min1), some));
        }
        let mut corrected = series.clone();
        for bar in corrected
            .iter_mut()
            .flat_map(|(_, bars)| bars.iter_mut().step_by(CHANGED))
        {
            bar.volume = bar.volume.saturating_add(Volume::from(1));
        }
        let load = Self {
            total,
            answer,
            series,
            corrected,
        };
        load.give(peer);
        load
    }

    fn stage(&self, stage: usize) -> &[(SeriesKey, Vec<Bar>)] {
        if stage + 1 == STAGES {
            &self.corrected
        } else {
            &self.series
        }
    }

    /// Gives both versions to a script.
    fn give(&self, peer: &mut Peer) {
        let folder = tempfile::tempdir().unwrap();
        for (name, series) in [("first", &self.series), ("corrected", &self.corrected)] {
            let path = folder.path().join(name);
            let mut text = String::new();
            for (key, bars) in series {
                for bar in bars {
                    let [open, high, low, close] =
                        [bar.open, bar.high, bar.low, bar.close].map(Price::to_decimal);
                    let _ = writeln!(
                        text,
                        "{},{},{},{},{open},{high},{low},{close},{}",
                        key.symbol,
                        key.interval,
                        bar.timestamp.to_rfc3339(),
                        bar.trading_date,
                        bar.volume
                    );
                }
            }
            std::fs::write(&path, text).unwrap();
            peer.order(json!({"task": "load", "name": name, "path": path}));
        }
    }
}

/// One way of storing, and what each stage took.
struct Variant {
    name: &'static str,
    /// The script's task, if it is a script.
    task: &'static str,
    stages: [Vec<Cost>; STAGES],
}

impl Variant {
    fn new(name: &'static str, task: &'static str) -> Self {
        Self {
            name,
            task,
            stages: Default::default(),
        }
    }

    fn median(&self, stage: usize, of: fn(&Cost) -> f64) -> f64 {
        median(&self.stages[stage].iter().map(of).collect::<Vec<f64>>())
    }
}

/// How many bars, and how often.
const LOADS: [(usize, usize); 2] = [(19_000, 9), (500_000, 3)];

pub(crate) async fn postgres() {
    if cluster::find("initdb").is_none() {
        return;
    }
    let mut peer = Peer::start("store.py");
    for (total, rounds) in LOADS {
        let load = Load::new(total, &mut peer);
        load_postgres(&load, rounds, &mut peer).await;
    }
}

pub(crate) async fn sqlite() {
    let mut peer = Peer::start("store.py");
    for (total, rounds) in LOADS {
        let load = Load::new(total, &mut peer);
        load_sqlite(&load, rounds, &mut peer).await;
    }
}

/// The name under which the script has the bars of a stage.
fn version(stage: usize) -> &'static str {
    if stage + 1 == STAGES {
        "corrected"
    } else {
        "first"
    }
}

/// Stores all series with ours, one after the other.
async fn ours(opened: &Arc<dyn Store>, load: &Load, stage: usize, gauge: &mut Gauge) -> Cost {
    let mut sum = Cost::default();
    for (key, bars) in load.stage(stage) {
        let (counts, cost) = store(opened, key, &load.answer, bars, gauge).await;
        let few = bars.len().div_ceil(CHANGED);
        let expected = [(bars.len(), 0), (0, 0), (0, few)][stage];
        assert_eq!(
            (counts.inserted as usize, counts.changed as usize),
            expected
        );
        sum += cost;
    }
    sum
}

async fn load_postgres(load: &Load, rounds: usize, peer: &mut Peer) {
    let mut variants = vec![
        Variant::new("limit: binary COPY", ""),
        Variant::new("**ours**", ""),
        Variant::new("psycopg2, COPY and one upsert from it", "copy"),
        Variant::new("psycopg2, execute_values of 1,000", "execute_values"),
    ];
    if load.series.len() == 1 {
        variants.push(Variant::new(
            "psycopg2, a statement a row, one commit",
            "per row",
        ));
    }
    let mut places = vec![];
    for _ in &variants {
        let url = cluster::new_database().unwrap();
        let opened = worker::open(&url).await;
        let mut gauge = Gauge(Some(PgConnection::connect(&url).await.unwrap()));
        gauge.sql(NO_VACUUM).await;
        places.push((url, opened, gauge));
    }
    let streams: Vec<Vec<u8>> = load
        .series
        .iter()
        .map(|(key, bars)| binary(key, bars))
        .collect();
    let mut copy = PgConnection::connect(&places[0].0).await.unwrap();
    for _ in 0..rounds {
        let mut sums = vec![];
        for (index, (variant, (url, opened, gauge))) in
            variants.iter_mut().zip(&mut places).enumerate()
        {
            gauge.sql("TRUNCATE stock_data").await;
            gauge.sql("CHECKPOINT").await;
            if !variant.task.is_empty() {
                peer.order(json!({"task": "connect", "url": url}));
            }
            for stage in 0..STAGES {
                if index == 0 && stage > 0 {
                    continue;
                }
                let cost = match index {
                    0 => {
                        let all = async {
                            for stream in &streams {
                                copy_in(&mut copy, stream).await;
                            }
                        };
                        gauge.measure(all).await.1
                    }
                    1 => ours(opened, load, stage, gauge).await,
                    _ => {
                        let order = json!({"task": variant.task, "name": version(stage)});
                        let (took, cost) = gauge.measure(async { peer.order(order) }).await;
                        Cost {
                            wall: took.wall,
                            client: took.cpu,
                            run: took.wall,
                            ..cost
                        }
                    }
                };
                variant.stages[stage].push(cost);
                if stage == 0 {
                    sums.push(checksum(gauge).await);
                }
            }
        }
        assert!(sums.iter().all(|sum| *sum == sums[0]), "all store the same");
    }
    println!(
        "\n### Storing {} bars, PostgreSQL, medians of {rounds} rounds",
        cell(load_size(load))
    );
    print(&variants, 1, "WAL of the reload, MB", |cost| cost.wal / 1e6);
    let [limit, ours] = [0, 1].map(|index| variants[index].median(0, |cost| cost.server));
    println!(
        "\nOurs takes {:.2} × the CPU of binary COPY in the server for the first load. With the run's own \
         rows, the reservation and the kept answer it takes {} ms, {} ms and {} ms.",
        ours / limit,
        cell(variants[1].median(0, |cost| cost.run)),
        cell(variants[1].median(1, |cost| cost.run)),
        cell(variants[1].median(2, |cost| cost.run)),
    );
}

async fn checksum(gauge: &mut Gauge) -> i64 {
    let sql = "SELECT sum(hashtextextended((symbol, interval, adjusted, extract(epoch FROM timestamp), trading_date, \
               open_price, high_price, low_price, close_price, volume)::text, 0) % 1000003)::bigint FROM stock_data";
    gauge.number(sql).await
}

fn load_size(load: &Load) -> f64 {
    crate::table::number(load.total)
}

/// One line per variant: milliseconds and CPU of each stage, and by how much ours is faster.
fn print(variants: &[Variant], ours: usize, last: &str, pick: fn(&Cost) -> f64) {
    let x = "ours is × as fast";
    head(&[
        "",
        "first load, ms",
        "CPU ms, client + server",
        x,
        "same again, ms",
        "CPU ms",
        x,
        "1 % changed, ms",
        "CPU ms",
        x,
        last,
    ]);
    for variant in variants {
        let mut cells = vec![];
        for stage in 0..STAGES {
            let wall = variant.median(stage, |cost| cost.wall);
            cells.push(cell(wall));
            let [client, server] = [
                variant.median(stage, |cost| cost.client),
                variant.median(stage, |cost| cost.server),
            ];
            cells.push(match (client.is_nan(), server > 0.0) {
                (true, _) => String::new(),
                (_, true) => format!("{} + {}", cell(client), cell(server)),
                (_, false) => cell(client),
            });
            cells.push(cell(wall / variants[ours].median(stage, |cost| cost.wall)));
        }
        cells.push(cell(variant.median(1, pick)));
        row(variant.name, &cells);
    }
}

async fn load_sqlite(load: &Load, rounds: usize, peer: &mut Peer) {
    let mut variants = [
        Variant::new("rusqlite, a prepared upsert a row", ""),
        Variant::new("**ours**", ""),
        Variant::new("Python, executemany", "executemany"),
    ];
    for _ in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        let mut sums = vec![];
        for (index, variant) in variants.iter_mut().enumerate() {
            let path = folder.path().join(format!("{index}.db"));
            let opened = worker::open(&format!("sqlite://{}", path.display())).await;
            let mut direct = rusqlite::Connection::open(&path).unwrap();
            direct
                .execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
                .unwrap();
            if !variant.task.is_empty() {
                peer.order(json!({"task": "open", "path": path}));
            }
            for stage in 0..STAGES {
                let mut gauge = Gauge(None);
                let cost = match index {
                    0 => {
                        let all = async {
                            for (key, bars) in load.stage(stage) {
                                row_by_row(&mut direct, key, bars);
                            }
                        };
                        gauge.measure(all).await.1
                    }
                    1 => ours(&opened, load, stage, &mut gauge).await,
                    _ => {
                        let took =
                            peer.order(json!({"task": variant.task, "name": version(stage)}));
                        Cost {
                            wall: took.wall,
                            client: took.cpu,
                            run: took.wall,
                            ..Cost::default()
                        }
                    }
                };
                variant.stages[stage].push(cost);
            }
            let sql = "SELECT count(*), sum(volume), sum(close_price / 10000), sum(unixepoch(timestamp)), sum(trading_day) FROM bars";
            let sum: [i64; 5] = direct
                .query_row(sql, [], |row| {
                    Ok([
                        row.get(0)?,
                        row.get(1)?,
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                    ])
                })
                .unwrap();
            sums.push(sum);
            opened.close().await;
        }
        assert!(
            sums.iter().all(|sum| *sum == sums[0]),
            "all store the same: {sums:?}"
        );
    }
    println!(
        "\n### Storing {} bars, SQLite, medians of {rounds} rounds",
        cell(load_size(load))
    );
    print(&variants, 1, "the reload with its run, ms", |cost| cost.run);
}
