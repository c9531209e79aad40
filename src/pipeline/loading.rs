//! What the engine reads from the store.

use std::sync::Arc;

use super::run::Pipeline;
use super::show;
use super::state::{Load, Loaded, NEWEST};
use super::watching::Watching;
use crate::db::DbError;

/// Runs that a snapshot holds.
const RUNS: u32 = 100;

/// Reads one thing.
pub(super) async fn load(
    pipeline: &Arc<Pipeline>,
    watching: &Watching,
    load: Load,
) -> Result<Loaded, DbError> {
    let store = &pipeline.store;
    match load {
        Load::Series => watching.list(pipeline).await.map(Loaded::Series),
        Load::One(series) => watching
            .entry(pipeline, series)
            .await
            .map(|entry| Loaded::One(Box::new(entry))),
        Load::Newest => show::runs(pipeline, NEWEST).await.map(Loaded::Newest),
        Load::Runs => show::runs(pipeline, RUNS).await.map(Loaded::Runs),
        Load::Ledger => pipeline.ledgers().await.map(Loaded::Ledgers),
        Load::Total => store
            .health()
            .await
            .map(|health| Loaded::Total(health.bars)),
        Load::Ticks => {
            let ticks = show::ticks(store, pipeline.clock.now()).await;
            ticks.map(Loaded::Ticks)
        }
        Load::System => show::system(pipeline).await.map(Loaded::System),
        Load::Coverage => {
            let map = watching.coverage(pipeline).await;
            map.map(Loaded::Coverage)
        }
        Load::Ranges(series, within) => show::ranges(pipeline, series, within)
            .await
            .map(Loaded::Ranges),
        Load::Preview(question) => show::preview(pipeline, question).await.map(Loaded::Preview),
        Load::Listings => pipeline
            .listings()
            .await
            .map(|(sent_at, listings)| Loaded::Listings(sent_at, listings)),
        Load::Run(run) => show::run(pipeline, run).await.map(Loaded::Run),
        Load::Bars(window) => show::page(pipeline, window).await.map(Loaded::Bars),
        Load::Answer(request) => show::answer(pipeline, request).await.map(Loaded::Answer),
    }
}
