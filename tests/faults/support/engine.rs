//! The engine in this process, on a store and the simulated provider, with the test's clock.

use std::sync::Arc;
use std::time::Duration;

use pipeline_tui::config::Secret;
use pipeline_tui::db::{self, Access, PgTarget, Store};
use pipeline_tui::model::{Interval, SeriesKey};
use pipeline_tui::pipeline::engine::{self, EngineOptions, Handle};
use pipeline_tui::pipeline::http::Bounds;
use pipeline_tui::pipeline::snapshot::Snapshot;
use pipeline_tui::pipeline::sources::{self, alpha_vantage::AlphaVantage};
use pipeline_tui::pipeline::{Once, Pipeline, Unreadable, Waits};
use pipeline_tui::time::Clock;

use super::cluster;
use super::lane::lane;
use super::program::{CANARY, persistence};
use super::rig::UNLIMITED;

const LIMIT: Duration = Duration::from_secs(30);

/// What an engine is built from.
pub struct Work<'a> {
    pub symbols: &'a [&'a str],
    pub interval: Interval,
    pub schedule: &'a str,
    pub in_flight: usize,
    pub waits: Waits,
    /// How often the schedule is checked.
    pub tick: Duration,
}

/// What an engine drives, over a provider at this address.
pub fn pipeline(
    store: &Arc<dyn Store>,
    provider: &str,
    clock: Clock,
    work: &Work<'_>,
) -> Arc<Pipeline> {
    let url = provider.parse().unwrap();
    let key = Secret::new(CANARY);
    let source = AlphaVantage::with_bounds(url, key, false, clock.clone(), Bounds::default());
    Arc::new(Pipeline {
        store: Arc::clone(store),
        lanes: vec![lane(source.unwrap(), ("f00d", "test"), |policy| {
            (policy.quota, policy.in_flight) = (UNLIMITED, work.in_flight);
            policy.waits = work.waits;
        })],
        answers_limit: 8 << 20,
        calendars: sources::calendars(),
        unreadable: Unreadable::default(),
        stocktaking: Once::default(),
        persistence: persistence(),
        clock,
    })
}

/// Starts an engine.
pub async fn start(pipeline: Arc<Pipeline>, work: Work<'_>) -> Handle {
    let series = |symbol: &&str| SeriesKey::raw(symbol.parse().unwrap(), work.interval);
    let options = EngineOptions {
        watch: work.symbols.iter().map(series).collect(),
        only: None,
        schedule: work.schedule.parse().unwrap(),
        tick: Some(work.tick),
        read_only: false,
        rekey: None,
        exports: std::env::temp_dir(),
        alerts: Arc::default(),
        retention: pipeline_tui::model::Retention::default(),
        lease: engine::LEASE,
    };
    engine::start(pipeline, options).await.unwrap()
}

/// A new store in each available database, with the folder that holds it.
pub async fn stores() -> Vec<(tempfile::TempDir, Arc<dyn Store>)> {
    let mut stores = vec![sqlite().await];
    if let Some(postgres) = postgres().await {
        stores.push((tempfile::tempdir().unwrap(), postgres));
    }
    stores
}

/// A new store in a file of this folder, `bars.db`.
pub async fn sqlite() -> (tempfile::TempDir, Arc<dyn Store>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bars.db");
    let store = db::open_sqlite(&file, Access::ReadWrite).await.unwrap();
    (folder, store)
}

/// A new store on the tests' server, if there is one.
pub async fn postgres() -> Option<Arc<dyn Store>> {
    let target = PgTarget {
        url: Secret::new(cluster::new_database()?),
        shown: "test cluster".into(),
    };
    Some(db::open_postgres(target, Access::ReadWrite).await.unwrap())
}

/// Waits for a snapshot for which this is true.
pub async fn until(handle: &mut Handle, is_true: impl Fn(&Snapshot) -> bool) {
    let found = handle.snapshots.wait_for(|snapshot| is_true(snapshot));
    let found = tokio::time::timeout(LIMIT, found).await.unwrap();
    drop(found.unwrap());
}
