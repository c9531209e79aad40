//! Work in a separate process, so that its memory can be measured: this bench as its own child,
//! with `worker` as the first argument.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use pipeline_tui::config::Secret;
use pipeline_tui::db::{Access, Credential, PgTarget, Store, open_postgres, open_sqlite};
use pipeline_tui::model::{Interval, SeriesKey, SourceId};
use pipeline_tui::pipeline::source::{FetchOptions, Source};
use pipeline_tui::pipeline::sources::{
    self,
    alpha_vantage::{self, AlphaVantage},
};
use pipeline_tui::pipeline::{Lane, Once, Persistence, Pipeline, RunRequest, Unreadable};
use pipeline_tui::time::Clock;
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::limits::{binary, copy_in};
use crate::tree;

/// Does what the arguments say and returns the bars that it stored and the most memory it needed.
pub(crate) async fn work(order: &[String]) -> Value {
    let [how, in_flight, provider, database, symbols] = order else {
        panic!("a worker needs five arguments");
    };
    let in_flight: usize = in_flight.parse().unwrap();
    let series = symbols
        .split(',')
        .map(|symbol| SeriesKey::raw(symbol.parse().unwrap(), Interval::Min5))
        .collect();
    let bars = if how == "copy" {
        copy(in_flight, provider, database, series).await
    } else {
        pipeline(in_flight, provider, database, series).await
    };
    json!({ "bars": bars, "peak": tree::peak(std::process::id().cast_signed()) })
}

fn source(provider: &str) -> AlphaVantage {
    let key = Secret::new("peer");
    AlphaVantage::new(provider.parse().unwrap(), key, false, Clock::system()).unwrap()
}

fn options() -> FetchOptions {
    FetchOptions::default().with("outputsize", "full")
}

/// The product's own pipeline, with a number of requests in flight that no plan has.
async fn pipeline(
    in_flight: usize,
    provider: &str,
    database: &str,
    series: Vec<SeriesKey>,
) -> usize {
    let unlimited = alpha_vantage::SETTINGS.plans.named("unlimited").unwrap();
    let source = Arc::new(source(provider).on(&unlimited));
    let credential = Credential {
        source: SourceId::DEFAULT,
        fingerprint: "peers".to_owned(),
        plan: unlimited.name.to_owned(),
    };
    let mut lane = Lane::of(source, credential);
    lane.policy.in_flight = in_flight;
    let pipeline = Arc::new(Pipeline {
        store: open(database).await,
        lanes: vec![lane],
        answers_limit: 256 << 20,
        calendars: sources::calendars(),
        unreadable: Unreadable::default(),
        stocktaking: Once::default(),
        persistence: Persistence::new(std::env::temp_dir().join("pipeline-tui-bench-spool")),
        clock: Clock::system(),
    });
    let request = RunRequest {
        trigger: "bench",
        series,
        options: options(),
        max_age: None,
        within: None,
    };
    let cancel = CancellationToken::new();
    let report = pipeline
        .run(request, Arc::new(|_| {}), cancel)
        .await
        .unwrap();
    let stored = report.series.iter().map(|series| {
        assert_eq!(series.error, None);
        series.received as usize
    });
    let stored = stored.sum();
    pipeline.store.close().await;
    stored
}

pub(crate) async fn open(database: &str) -> Arc<dyn Store> {
    let opened = if let Some(path) = database.strip_prefix("sqlite://") {
        open_sqlite(path.as_ref(), Access::ReadWrite).await
    } else {
        let target = PgTarget {
            url: Secret::new(database),
            shown: "the bench".to_owned(),
        };
        open_postgres(target, Access::ReadWrite).await
    };
    opened.unwrap()
}

/// The limit: the same requests and the same parsing, then a COPY without bookkeeping.
async fn copy(in_flight: usize, provider: &str, database: &str, series: Vec<SeriesKey>) -> usize {
    let source = source(provider);
    let mut idle = vec![];
    for _ in 0..in_flight {
        idle.push(PgConnection::connect(database).await.unwrap());
    }
    let idle = Mutex::new(idle);
    let (source, idle) = (&source, &idle);
    stream::iter(series)
        .map(|series| async move {
            let wish = options().wish(&series);
            let asked = source.plan(&[wish]).requests.remove(0);
            let answer = source.send(&asked, Uuid::new_v4()).await.unwrap();
            let bars = source.read(&asked, &answer).unwrap().parts.remove(0).1.bars;
            let mut connection = idle.lock().await.pop().unwrap();
            copy_in(&mut connection, &binary(&series, &bars)).await;
            idle.lock().await.push(connection);
            bars.len()
        })
        .buffer_unordered(in_flight)
        .fold(0, |sum, bars| async move { sum + bars })
        .await
}
