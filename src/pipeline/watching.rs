//! The series an engine watches, and what is known about each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::coverage_map::CoverageMap;
use super::run::Pipeline;
use super::show;
use super::state::{Entry, List, Live};
use crate::db::{DbError, WATCH_LIST_MARK};
use crate::model::{ErrorClass, SeriesKey};

/// Where the watch list comes from.
#[derive(Debug, Clone)]
pub struct Watching {
    /// Series for this process only.
    pub only: Option<Vec<SeriesKey>>,
    /// What is shown if the store's list is empty and must not be filled.
    pub instead_of_none: Option<Vec<SeriesKey>>,
    /// How often it was read.
    pub readings: Arc<AtomicU64>,
}

impl Watching {
    async fn keys(&self, pipeline: &Pipeline) -> Result<Vec<SeriesKey>, DbError> {
        if let Some(only) = &self.only {
            return Ok(only.clone());
        }
        let keys = pipeline.store.watch_list().await?;
        Ok(match &self.instead_of_none {
            Some(instead) if keys.is_empty() => instead.clone(),
            _ => keys,
        })
    }

    fn next_reading(&self) -> u64 {
        self.readings.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The watch list with what is known about each series.
    pub async fn list(&self, pipeline: &Pipeline) -> Result<List, DbError> {
        let reading = self.next_reading();
        // The mark first: a list that is changed between the two reads is read again, never missed.
        let mark = pipeline.store.setting(WATCH_LIST_MARK).await?;
        let keys = self.keys(pipeline).await?;
        let parked = pipeline.parked(&keys).await?;
        let mut entries = Vec::with_capacity(keys.len());
        for (key, parked) in keys.into_iter().zip(parked) {
            entries.push(known(pipeline, key, parked, reading).await?);
        }
        Ok(List {
            reading,
            mark,
            entries,
        })
    }

    /// What there is of the watch list, month by month.
    pub async fn coverage(&self, pipeline: &Pipeline) -> Result<CoverageMap, DbError> {
        let keys = self.keys(pipeline).await?;
        show::coverage(pipeline, keys).await
    }

    /// What is known about one series.
    pub async fn entry(&self, pipeline: &Pipeline, key: SeriesKey) -> Result<Entry, DbError> {
        let reading = self.next_reading();
        let parked = pipeline.parked(std::slice::from_ref(&key)).await?;
        known(pipeline, key, parked.into_iter().next().flatten(), reading).await
    }
}

async fn known(
    pipeline: &Pipeline,
    key: SeriesKey,
    parked: Option<(ErrorClass, String)>,
    reading: u64,
) -> Result<Entry, DbError> {
    let stored = pipeline.stored_as(&key);
    let mut facts = pipeline.store.facts(stored.clone()).await?;
    facts.fetched_at = facts.fetched_at.map(|at| at + pipeline.clock.ahead_at(at));
    let stand = pipeline.stand(stored.clone(), &facts, None);
    Ok(Entry {
        key,
        closing_price: pipeline.price(&stored, &stand.askable()),
        fetch_price: pipeline.price(&stored, &stand.wanted).max(1),
        grid: stand.grid,
        since: stand.since,
        reach: stand.reach,
        stored,
        facts,
        parked,
        reading,
        live: Live::default(),
    })
}
