//! The series an engine watches, and what is known about each.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};

use super::coverage_map::CoverageMap;
use super::filling::Pairs;
use super::riders::{Lacking, riders};
use super::run::Pipeline;
use super::state::{Entry, List, Live};
use crate::db::{DbError, SeriesFacts, WATCH_LIST_MARK};
use crate::model::{Declared, Declaring, ErrorClass, SeriesKey, Span};

/// Where the watch list comes from.
#[derive(Debug, Clone)]
pub struct Watching {
    /// Series for this process only.
    pub only: Option<Vec<SeriesKey>>,
    /// What is shown if the store's list is empty and must not be filled.
    pub instead_of_none: Option<Vec<SeriesKey>>,
    /// Its readings.
    pub readings: Arc<Readings>,
}

/// How often a watch list was read, and since when.
#[derive(Debug, Default)]
pub struct Readings {
    count: AtomicU64,
    first: OnceLock<DateTime<Utc>>,
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
        self.readings.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// When a series was put on the list, by the engine's clock; what is on no list waits since the first
    /// reading.
    fn waits_since(&self, pipeline: &Pipeline, added_at: Option<DateTime<Utc>>) -> DateTime<Utc> {
        match added_at {
            Some(at) => at + pipeline.clock.ahead_at(at),
            None => *self.readings.first.get_or_init(|| pipeline.clock.now()),
        }
    }

    /// The watch list with what is known about each series.
    pub async fn list(&self, pipeline: &Pipeline) -> Result<List, DbError> {
        self.list_with(pipeline, vec![]).await
    }

    /// The same, as if these changes of what is declared had been made.
    pub async fn list_with(
        &self,
        pipeline: &Pipeline,
        changes: Vec<(SeriesKey, Declaring)>,
    ) -> Result<List, DbError> {
        let reading = self.next_reading();
        // The mark first: a list that is changed between the two reads is read again, never missed.
        let mark = pipeline.store.setting(WATCH_LIST_MARK).await?;
        let keys = self.keys(pipeline).await?;
        let parked = pipeline.parked(&keys).await?;
        let stored: Vec<SeriesKey> = keys.iter().map(|key| pipeline.stored_as(key)).collect();
        let mut facts = pipeline.store.facts_of(stored).await?;
        let mut declared = pipeline.store.declared().await?;
        for (key, change) in changes {
            let now = declared.entry(key).or_default();
            *now = change.apply(now);
        }
        let pairs = Pairs::of(&declared);
        for (key, facts) in keys.iter().zip(&mut facts) {
            pipeline.leave(key, &pairs, facts).await?;
        }
        let added = pipeline.store.added().await?;
        let known = keys.into_iter().zip(parked).zip(facts);
        let entries = known.map(|((key, parked), facts)| {
            let declared = declared.remove(&key).unwrap_or_default();
            let added_at = self.waits_since(pipeline, added.get(&key).copied());
            let listed = Listed {
                key,
                declared,
                added_at,
            };
            entry(pipeline, listed, facts, parked, reading)
        });
        let (mut entries, wanted): (Vec<Entry>, Vec<Vec<Span>>) = entries.unzip();
        ride(pipeline, &mut entries, wanted);
        Ok(List {
            reading,
            mark,
            entries,
        })
    }

    /// What there is of the watch list, month by month.
    pub async fn coverage(&self, pipeline: &Pipeline) -> Result<CoverageMap, DbError> {
        let keys = self.keys(pipeline).await?;
        pipeline.coverage_map(keys).await
    }

    /// What is known about one series.
    pub async fn entry(&self, pipeline: &Pipeline, key: SeriesKey) -> Result<Entry, DbError> {
        let reading = self.next_reading();
        let parked = pipeline.parked(std::slice::from_ref(&key)).await?;
        let parked = parked.into_iter().next().flatten();
        let mut facts = pipeline.store.facts(pipeline.stored_as(&key)).await?;
        let mut declared = pipeline.store.declared().await?;
        pipeline
            .leave(&key, &Pairs::of(&declared), &mut facts)
            .await?;
        let declared = declared.remove(&key);
        let added_at = pipeline.store.added_at(key.clone()).await?;
        let listed = Listed {
            added_at: self.waits_since(pipeline, added_at),
            declared: declared.unwrap_or_default(),
            key,
        };
        let (entry, _) = entry(pipeline, listed, facts, parked, reading);
        Ok(entry)
    }
}

/// A series as the list has it.
struct Listed {
    key: SeriesKey,
    declared: Declared,
    added_at: DateTime<Utc>,
}

/// The entry of a series, and the times that a fetch asks for now.
fn entry(
    pipeline: &Pipeline,
    Listed {
        key,
        declared,
        added_at,
    }: Listed,
    mut facts: SeriesFacts,
    parked: Option<(ErrorClass, String)>,
    reading: u64,
) -> (Entry, Vec<Span>) {
    let stored = pipeline.stored_as(&key);
    let by_the_clock = |at: DateTime<Utc>| at + pipeline.clock.ahead_at(at);
    facts.fetched_at = facts.fetched_at.map(by_the_clock);
    if let Some(failure) = &mut facts.failure {
        failure.at = by_the_clock(failure.at);
    }
    let stand = pipeline.stand(stored.clone(), &facts, &declared, None);
    let entry = Entry {
        key,
        rides: None,
        closing_price: pipeline.price(&stored, &stand.askable()),
        fetch_price: pipeline.price(&stored, &stand.wanted).max(1),
        declared,
        safe_until: pipeline.safe_until(&stand, added_at),
        grid: stand.grid,
        since: stand.since,
        reach: stand.reach,
        subject: pipeline.subject(stored, &facts).into(),
        facts,
        outlook: None,
        parked,
        reading,
        live: Live::default(),
    };
    (entry, stand.wanted)
}

/// Notes which series come with a finer one on the list, and cost no request of their own.
fn ride(pipeline: &Pipeline, entries: &mut [Entry], wanted: Vec<Vec<Span>>) {
    let known = entries.iter().zip(wanted);
    let lacking = known.map(|(entry, wanted)| {
        let grid = entry.grid.clone();
        Lacking::of(&entry.facts.coverage, wanted, grid)
    });
    let lacking: Vec<Lacking> = lacking.collect();
    let known = entries.iter().zip(&lacking);
    let can_be_asked = known.filter(|(entry, _)| entry.parked.is_none());
    let known = can_be_asked.map(|(entry, lacking)| (&entry.key, lacking));
    let mut riders = riders(known, |source, finer, coarser| {
        pipeline.rolls_up(source, finer, coarser)
    });
    for entry in entries {
        entry.rides = riders.remove(&entry.key);
    }
}
