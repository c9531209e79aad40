//! What is known of many series: how long it takes to read it from the database, and what keeping it
//! adds to the time of storing an answer.
//!
//! 1,000 series have 26 years of daily bars, 200 have 5 years of 1min bars, of which the newest are there
//! and the others are counted: nothing that is measured here reads them. Every tenth series has holes.
//! CPU times are the scheduler's, of this process and of the database's. The argument `sqlite` or
//! `postgres` runs only that database.

#![expect(clippy::print_stdout, reason = "the table is the output")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that cannot reach its database should stop"
)]

#[path = "../tests/suite/support/cluster.rs"]
mod cluster;
#[path = "support/many.rs"]
mod many;
#[path = "support/month.rs"]
#[expect(dead_code, reason = "only what asks is needed here")]
mod month;
#[path = "support/percentile.rs"]
mod percentile;
#[path = "support/statements.rs"]
mod statements;
#[path = "support/work.rs"]
#[expect(dead_code, reason = "only the gauge is needed here")]
mod work;

use std::sync::Arc;

use chrono::Months;
use many::{DAILY, Many};
use percentile::percentile;
use pipeline_tui::config::Secret;
use pipeline_tui::db::{Access, Credential, PgTarget, Store, open_postgres, open_sqlite};
use pipeline_tui::model::{Interval, RunStatus, SeriesKey, SourceId, Span, Spoken, Standing};
use pipeline_tui::pipeline::credential::fingerprint;
use pipeline_tui::pipeline::sources::{
    self,
    alpha_vantage::{self, AlphaVantage},
};
use pipeline_tui::pipeline::{Lane, Once, Persistence, Pipeline, Unreadable};
use pipeline_tui::time::Clock;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use work::{Cost, Gauge};

const ROUNDS: usize = 9;
/// Of their 491,000 bars each, the newest month is there.
const MINUTES: Many = Many {
    interval: Interval::Min1,
    series: 200,
    days: 5 * 365 + 1,
    bars: 8_190,
};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    statements::listen();
    let is_wanted = |name: &str| {
        let mut named = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
        let first = named.next();
        first.is_none_or(|first| first == name)
    };
    if is_wanted("sqlite") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("many.db");
        let store = open_sqlite(&path, Access::ReadWrite).await.unwrap();
        fill(&store, "series_id", "id", &|sql| {
            let connection = rusqlite::Connection::open(&path).unwrap();
            connection.execute_batch(sql).unwrap();
        })
        .await;
        measure("SQLite", store, &mut Gauge(None)).await;
    }
    if is_wanted("postgres")
        && let Some(url) = cluster::new_database()
    {
        let target = PgTarget {
            url: Secret::new(&url),
            shown: "bench".to_owned(),
        };
        let store = open_postgres(target, Access::ReadWrite).await.unwrap();
        let key = "source, symbol, interval, adjusted";
        fill(&store, key, key, &|sql| drop(cluster::psql(&url, sql))).await;
        let mut gauge = Gauge(Some(PgConnection::connect(&url).await.unwrap()));
        measure("PostgreSQL", store, &mut gauge).await;
    }
}

/// Stores all series; the months of which no bar is there are counted.
async fn fill(store: &Arc<dyn Store>, key: &str, of_totals: &str, execute: &dyn Fn(&str)) {
    let now = Clock::system().now();
    for many in [DAILY, MINUTES] {
        many.fill(store, now).await;
    }
    let month = |back| {
        let month = now.date_naive().checked_sub_months(Months::new(back));
        month.unwrap().format("('%Y-%m')").to_string()
    };
    let months: Vec<String> = (1..60).map(month).collect();
    let months = months.join(", ");
    execute(&format!(
        "INSERT INTO held_counts ({key}, month, bars) \
         SELECT {of_totals}, column1, 8190 FROM series_totals, (VALUES {months}) months \
         WHERE interval = '1min' ON CONFLICT DO NOTHING; \
         ANALYZE"
    ));
}

async fn measure(name: &str, store: Arc<dyn Store>, gauge: &mut Gauge) {
    let series: Vec<SeriesKey> = [DAILY, MINUTES].into_iter().flat_map(Many::keys).collect();
    let pipeline = pipeline(Arc::clone(&store));
    println!(
        "{name}, {} series, medians of {ROUNDS} rounds\n",
        series.len()
    );
    println!("| | wall ms | CPU ms, client + server |\n|---|--:|--:|");
    reading(&pipeline, &series, gauge).await;
    println!(
        "\n| an answer | stored in, ms | of it coverage, ms | share | CPU ms | without coverage |"
    );
    println!("|---|--:|--:|--:|--:|--:|");
    keeping(&store, gauge).await;
    println!();
}

/// Reads what is known of all series.
async fn reading(pipeline: &Pipeline, series: &[SeriesKey], gauge: &mut Gauge) {
    let (mut stands, mut maps) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        let (found, cost) = gauge.measure(pipeline.stands(series, None)).await;
        let found = found.unwrap();
        assert_eq!(found.len(), series.len());
        let with_holes = found
            .iter()
            .filter(|stand| stand.truth.standing == Standing::Holes);
        assert_eq!(with_holes.count(), series.len() / 10);
        stands.push(cost);
        let (map, cost) = gauge.measure(pipeline.coverage_map(series.to_vec())).await;
        let cells: usize = map.unwrap().rows.iter().map(|row| row.months.len()).sum();
        assert!(cells >= 1_000 * 26 * 12 + 200 * 5 * 12, "{cells}");
        maps.push(cost);
    }
    row("how all series stand, with their holes", &stands);
    row("the heat map: every month of every series", &maps);
}

fn row(name: &str, costs: &[Cost]) {
    let median = |of: fn(&Cost) -> f64| percentile(&costs.iter().map(of).collect::<Vec<_>>(), 0.5);
    let (wall, client) = (median(|cost| cost.wall), median(|cost| cost.client));
    let server = median(|cost| cost.server);
    println!("| {name} | {wall:.1} | {client:.1} + {server:.1} |");
}

/// Stores answers of two kinds, each round for another series.
async fn keeping(store: &Arc<dyn Store>, gauge: &mut Gauge) {
    let now = Clock::system().now();
    // The next session's bar, in an answer of 100.
    let grid = DAILY.grid();
    let next = grid.next_due(now).unwrap();
    let mut newest = DAILY.stored(now);
    newest.drain(..newest.len() - 99);
    newest.push(many::bar(next.span.from));
    let month = Many {
        bars: month::BARS,
        ..MINUTES
    };
    let month = month.stored(now);
    let answers = [
        ("100 daily bars, one of them new", DAILY, newest, next.due),
        ("19,000 1min bars, all new", MINUTES, month, now),
    ];
    for (name, many, bars, asked_at) in answers {
        let spoken = Spoken {
            asked: Span::new(bars.first().unwrap().timestamp, asked_at),
            settled_to: many.grid().publishing.settled(many.interval, asked_at),
            complete_to: asked_at,
            newest_at: Some(asked_at),
        };
        let (mut parts, mut stored) = (vec![], vec![]);
        let mut sums = [vec![], vec![]];
        for round in 0..2 * ROUNDS {
            let speaks = round % 2 == 0;
            let symbol = match many.interval {
                Interval::Daily => format!("SYM{:04}", round + 12),
                _ => format!("NEW{round}"),
            };
            let series = SeriesKey::raw(symbol.parse().unwrap(), many.interval);
            let run = store
                .begin_run("bench", vec![series.clone()])
                .await
                .unwrap();
            let spoken = speaks.then_some(spoken);
            let batch = many::received(store, run.id, &series, &bars, spoken).await;
            statements::take();
            let (counts, cost) = gauge
                .measure(store.apply(vec![batch], many::credential()))
                .await;
            counts.unwrap();
            if speaks {
                parts.push(statements::take());
                stored.push(cost.wall);
            }
            if let Some(sums) = sums.get_mut(round % 2) {
                sums.push(cost.client + cost.server);
            }
            store
                .finish_run(run.id, RunStatus::Succeeded)
                .await
                .unwrap();
        }
        let [part, stored] = [parts, stored].map(|times| percentile(&times, 0.5));
        let [with, without] = sums.map(|times| percentile(&times, 0.5));
        println!(
            "| {name} | {stored:.2} | {part:.2} | {:.1} % | {with:.2} | {without:.2} |",
            100.0 * part / stored
        );
    }
}

fn pipeline(store: Arc<dyn Store>) -> Pipeline {
    let key = Secret::new("SIMULATED0123456");
    let credential = Credential {
        source: SourceId::DEFAULT,
        fingerprint: fingerprint(std::slice::from_ref(&key)),
        plan: "unlimited".to_owned(),
    };
    let plan = alpha_vantage::SETTINGS.plans.named("unlimited").unwrap();
    let clock = Clock::system();
    let nowhere = "http://127.0.0.1:9/query".parse().unwrap();
    let source = AlphaVantage::new(nowhere, key, false, clock.clone()).unwrap();
    Pipeline {
        store,
        lanes: vec![Lane::of(Arc::new(source.on(&plan)), credential)],
        answers_limit: 64 << 20,
        calendars: sources::calendars(),
        unreadable: Unreadable::default(),
        stocktaking: Once::default(),
        persistence: Persistence::new(std::env::temp_dir().join("pipeline-tui-bench-spool")),
        clock,
    }
}
