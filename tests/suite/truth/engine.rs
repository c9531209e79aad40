//! The engine in this process, on the database and the clock of a market.

use std::sync::Arc;
use std::time::Duration;

use pipeline_tui::config::Secret;
use pipeline_tui::db::{self, Access, PgTarget};
use pipeline_tui::model::SeriesKey;
use pipeline_tui::pipeline::command::Command;
use pipeline_tui::pipeline::engine::{self, EngineOptions, Handle};
use pipeline_tui::pipeline::schedule::Schedule;
use pipeline_tui::pipeline::snapshot::Snapshot;
use pipeline_tui::pipeline::sources::{
    self,
    alpha_vantage::{AlphaVantage, SETTINGS},
};
use pipeline_tui::pipeline::{Once, Pipeline, Unreadable, Waits};
use pipeline_tui::time::Clock;

use super::world::{Series, World};
use crate::support::lane::lane;
use crate::support::program::{CANARY, persistence};

const LIMIT: Duration = Duration::from_secs(30);

/// Starts an engine under the market's clock that fetches these series after each close, and tries
/// nothing twice.
pub async fn start(world: &World, watched: &[Series<'_>]) -> Handle {
    start_at(world, watched, world.clock(), Schedule::after_close()).await
}

/// The same under another clock, with another schedule.
pub async fn start_at(
    world: &World,
    watched: &[Series<'_>],
    clock: Clock,
    schedule: Schedule,
) -> Handle {
    world.run(&["runs"]);
    let store = match world.postgres() {
        Some(url) => {
            let target = PgTarget {
                url: Secret::new(url),
                shown: "test cluster".into(),
            };
            db::open_postgres(target, Access::ReadWrite).await
        }
        None => db::open_sqlite(&world.file(), Access::ReadWrite).await,
    };
    let url = world.server.base_url().parse().unwrap();
    let source = AlphaVantage::new(url, Secret::new(CANARY), false, clock.clone()).unwrap();
    let source = source.on(&SETTINGS.plans.named("unlimited").unwrap());
    let pipeline = Pipeline {
        store: store.unwrap(),
        lanes: vec![lane(source, ("f00d", "test"), |policy| {
            policy.waits = Waits::once();
        })],
        answers_limit: 8 << 20,
        calendars: sources::calendars(),
        unreadable: Unreadable::default(),
        stocktaking: Once::default(),
        persistence: persistence(),
        clock,
    };
    let series =
        |(symbol, interval): &Series<'_>| SeriesKey::raw(symbol.parse().unwrap(), *interval);
    let options = EngineOptions {
        watch: watched.iter().map(series).collect(),
        only: None,
        schedule,
        tick: Some(Duration::from_millis(5)),
        read_only: false,
        rekey: None,
        exports: std::env::temp_dir(),
        alerts: Arc::default(),
        retention: pipeline_tui::model::Retention::default(),
        lease: engine::LEASE,
    };
    engine::start(Arc::new(pipeline), options).await.unwrap()
}

/// Waits for a snapshot for which this is true.
pub async fn until(handle: &mut Handle, is_true: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let found = handle.snapshots.wait_for(|snapshot| is_true(snapshot));
    let found = tokio::time::timeout(LIMIT, found).await.unwrap();
    Arc::clone(&found.unwrap())
}

/// Stops an engine.
pub async fn end(handle: Handle) {
    handle.commands.send(Command::Shutdown).await.unwrap();
    let ended = tokio::time::timeout(LIMIT, handle.ended).await;
    ended.unwrap().unwrap();
}
