//! The store that the engines share, as far as they decide by it.

use super::*;
use crate::db::LeasedLane;
use crate::model::quota::{Decision, WINDOWS, decide};
use crate::model::tick::{Tick, TickOutcome};
use crate::model::{EngineId, LaneName, Lease, Outlook};

/// A lane as the store has it.
#[derive(Debug, Clone, Default)]
pub(super) struct LaneRow {
    pub engine: Option<EngineId>,
    pub epoch: i64,
    pub until: DateTime<Utc>,
    pub last_tick: Option<DateTime<Utc>>,
}

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestFate {
    Reserved,
    Stored,
    Failed,
    DayRefused,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct RequestLine {
    pub series: SeriesKey,
    pub reserved_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub fate: RequestFate,
    pub by: EngineId,
}

/// A run.
#[derive(Debug, Clone)]
pub(super) struct RunLine {
    pub by: EngineId,
    pub started_at: DateTime<Utc>,
    pub trigger: &'static str,
    pub is_over: bool,
    pub was_cut_short: bool,
    /// What the schedule asked in it; nothing if a person did.
    pub sources: Vec<SourceId>,
}

/// A series, and what was asked of it.
#[derive(Debug)]
pub(super) struct Shelf {
    pub key: SeriesKey,
    pub grid: Grid,
    pub coverage: Coverage,
    pub fetched_at: Option<DateTime<Utc>>,
    /// How it stands, as long as that holds: the same for all who read it.
    pub outlook: Option<Outlook>,
}

#[derive(Debug)]
pub(super) struct Books {
    pub lanes: BTreeMap<LaneName, LaneRow>,
    pub ticks: BTreeMap<(DateTime<Utc>, SourceId), Tick>,
    pub shelves: Vec<Shelf>,
    pub requests: Vec<RequestLine>,
    pub runs: Vec<RunLine>,
    pub quotas: Vec<(SourceId, Quota)>,
    pub away_until: DateTime<Utc>,
}

/// Bars of an answer reach back so far.
const ANSWER: TimeDelta = TimeDelta::days(140);
/// What is older needs no look: a quota day and the longest window.
const LATELY: TimeDelta = TimeDelta::hours(49);

impl Books {
    pub(super) fn shelf(&mut self, series: &SeriesKey) -> &mut Shelf {
        let mut shelves = self.shelves.iter_mut();
        shelves.find(|shelf| shelf.key == *series).unwrap()
    }

    /// One beat: renews, takes what is free, and tells what the engine has.
    pub(super) fn beat(
        &mut self,
        (engine, wanted): (EngineId, &[LaneName]),
        (now, until): (DateTime<Utc>, DateTime<Utc>),
        engines_now: DateTime<Utc>,
        lives: impl Fn(EngineId) -> bool,
    ) -> Vec<LeasedLane> {
        let has_run = self.lanes.values().any(|lane| lane.last_tick.is_some());
        for name in wanted {
            let new = || LaneRow {
                last_tick: has_run.then_some(engines_now),
                ..LaneRow::default()
            };
            let lane = self.lanes.entry(name.clone()).or_insert_with(new);
            let is_free = lane
                .engine
                .is_none_or(|holder| lane.until <= now || !lives(holder));
            if lane.engine != Some(engine) && is_free {
                (lane.engine, lane.epoch) = (Some(engine), lane.epoch + 1);
            }
        }
        let mut has = vec![];
        for (name, lane) in &mut self.lanes {
            if lane.engine == Some(engine) {
                lane.until = until;
                has.push(LeasedLane {
                    lease: Lease {
                        lane: name.clone(),
                        engine,
                        epoch: lane.epoch,
                    },
                    last_tick: lane.last_tick,
                });
            }
        }
        has
    }

    /// Whether a write under a lease is accepted.
    pub(super) fn accepts(&self, lease: &Lease) -> bool {
        let lane = self.lanes.get(&lease.lane);
        lane.is_some_and(|lane| (lane.engine, lane.epoch) == (Some(lease.engine), lease.epoch))
    }

    /// Notes instants: the first outcome stays.
    pub(super) fn note(&mut self, ticks: Vec<Tick>) {
        for tick in ticks {
            let place = (tick.at, tick.source.clone());
            match self.ticks.get(&place) {
                Some(noted) if noted.outcome != TickOutcome::Due => {}
                Some(_) if tick.outcome == TickOutcome::Due => {}
                _ => {
                    self.ticks.insert(place, tick);
                }
            }
        }
    }

    pub(super) fn due_ticks(&self) -> Vec<(DateTime<Utc>, SourceId)> {
        let due = self.ticks.iter();
        let due = due.filter(|(_, tick)| tick.outcome == TickOutcome::Due);
        due.map(|(place, _)| place.clone()).collect()
    }

    /// The sources whose newest run of the schedule did not end.
    pub(super) fn cut_short(&self) -> Vec<SourceId> {
        let is_open = |source: &&SourceId| {
            let of_it = |run: &&RunLine| run.sources.contains(source);
            let newest = self.runs.iter().rev().find(of_it);
            newest.is_some_and(|run| !run.is_over || run.was_cut_short)
        };
        let sources = self.quotas.iter().map(|(source, _)| source);
        sources.filter(is_open).cloned().collect()
    }

    /// The requests to a source, as decisions see them.
    pub(super) fn ledger(&self, source: &SourceId, now: DateTime<Utc>) -> Ledger {
        let quota = self.quota(source);
        let day = quota.day(now).0;
        let lately = self.requests.iter().rev();
        let lately = lately.take_while(|line| now - line.reserved_at < LATELY);
        let own: Vec<&RequestLine> = lately
            .filter(|line| line.series.source == *source)
            .collect();
        let today = || own.iter().filter(|line| line.reserved_at >= day);
        let stored = today().filter(|line| line.fate == RequestFate::Stored);
        let brought = stored.clone().map(|line| line.reserved_at).max();
        let refused = today().filter(|line| line.fate == RequestFate::DayRefused);
        let refused = refused.filter_map(|line| line.ended_at).max();
        let mut gives_way = [None; WINDOWS];
        for (full, window) in gives_way.iter_mut().zip(quota.rolling()) {
            let Some((limit, span)) = window else {
                continue;
            };
            let last = own.get(limit as usize - 1).map(|line| line.reserved_at);
            *full = last.filter(|start| now - *start < span);
        }
        let is_awaited = |line: &&&RequestLine| {
            line.fate == RequestFate::Reserved && now - line.reserved_at < TimeDelta::minutes(10)
        };
        Ledger {
            last_start: own.first().map(|line| line.reserved_at),
            today: u32::try_from(today().count()).unwrap(),
            day_refusal: refused.filter(|refused| brought <= Some(*refused)),
            data_today: brought.is_some(),
            awaited: own.iter().find(is_awaited).map(|line| line.reserved_at),
            gives_way,
            ..Ledger::default()
        }
    }

    pub(super) fn quota(&self, source: &SourceId) -> Quota {
        let quota = self.quotas.iter().find(|(known, _)| known == source);
        quota.unwrap().1
    }

    /// What becomes of a request that is to be sent now.
    pub(super) fn decision(&self, source: &SourceId, now: DateTime<Utc>) -> Decision {
        decide(&self.ledger(source, now), &self.quota(source), false, now)
    }

    /// Whether a bar is due of a series that is not there.
    pub(super) fn lacks(&self, series: &SeriesKey, now: DateTime<Utc>) -> bool {
        let mut shelves = self.shelves.iter();
        let known = shelves.find(|shelf| shelf.key == *series).unwrap();
        let newest = known.grid.newest_due(now);
        newest.is_some_and(|slot| !known.coverage.never_asked(slot.span).is_empty())
    }

    /// Stores the answer that the provider gave at an instant.
    pub(super) fn store(&mut self, series: &SeriesKey, asked_at: DateTime<Utc>) {
        let known = self.shelf(series);
        known.outlook = None;
        known.fetched_at = known.fetched_at.max(Some(asked_at));
        let Some(slot) = known.grid.newest_due(asked_at) else {
            return;
        };
        known.coverage.hear(
            &Spoken {
                asked: Span::new(slot.span.to - ANSWER, slot.span.to),
                settled_to: slot.span.to,
                complete_to: slot.span.to,
                newest_at: Some(asked_at),
            },
            None,
        );
    }

    /// The watch list with what is known of it.
    pub(super) fn list(&mut self, reading: u64, now: DateTime<Utc>) -> List {
        let entries = self.shelves.iter_mut();
        List {
            reading,
            mark: None,
            entries: entries.map(|shelf| shelf.entry(reading, now)).collect(),
        }
    }

    pub(super) fn newest_runs(&self, most: usize) -> Vec<RunSummary> {
        let newest = self.runs.iter().enumerate().rev().take(most);
        newest.map(|(place, run)| run.summary(place)).collect()
    }
}

impl Shelf {
    pub(super) fn new(source: &str, symbol: &str, interval: Interval, grid: Grid) -> Self {
        Self {
            key: SeriesKey {
                source: source.parse().unwrap(),
                ..SeriesKey::raw(symbol.parse().unwrap(), interval)
            },
            grid,
            coverage: Coverage::default(),
            fetched_at: None,
            outlook: None,
        }
    }

    pub(super) fn entry(&mut self, reading: u64, now: DateTime<Utc>) -> Entry {
        let usual = entry("IBM", None);
        let mut entry = Entry {
            outlook: self.outlook.take(),
            key: self.key.clone(),
            subject: subject(self.key.clone()),
            grid: self.grid.clone(),
            facts: SeriesFacts {
                coverage: self.coverage.clone(),
                fetched_at: self.fetched_at,
                ..usual.facts
            },
            reading,
            ..usual
        };
        entry.keep_up(now);
        self.outlook.clone_from(&entry.outlook);
        entry
    }
}

impl RunLine {
    fn summary(&self, place: usize) -> RunSummary {
        RunSummary {
            id: RunId(i64::try_from(place).unwrap()),
            status: if self.is_over {
                RunStatus::Succeeded
            } else {
                RunStatus::Running
            },
            trigger: self.trigger.to_owned(),
            started_at: self.started_at,
            finished_at: None,
            series: 1,
            succeeded: 1,
            requests: 1,
            retries: 0,
            inserted: 0,
            changed: 0,
        }
    }
}
