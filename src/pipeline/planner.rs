//! What to ask for next, from which source, in which order, and why: a pure function of what is known.
//! The schedule, the keys, the commands and every explanation use the same plan.

mod days;
mod order;
mod riding;
mod waiting;
mod words;

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

pub use self::days::{QuotaDay, Room, reserve};
use crate::model::{ErrorClass, FreshWithin, Interval, Priority, SeriesKey, SourceId};

/// A series as the planner sees it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The series.
    pub series: SeriesKey,
    /// How much its freshness matters.
    pub priority: Priority,
    /// Requests that bring what it lacks.
    pub price: u32,
    /// From when on asking may bring its newest bar; `None`: it never will.
    pub due_from: Option<DateTime<Utc>>,
    /// Up to when its bars are known; `None`: it was never asked for.
    pub known_to: Option<DateTime<Utc>>,
    /// Until when every bar that it lacks can be asked for; `None`: always.
    pub safe_until: Option<DateTime<Utc>>,
    /// How old what is known of it may be, and until when it is no older; `None`: nothing is said.
    pub target: Option<(FreshWithin, DateTime<Utc>)>,
    /// What its declared beginning still lacks.
    pub backlog: Option<Backlog>,
    /// The finer series whose answers bring its bars too, rolled up: it costs no request of its own.
    pub rides: Option<SeriesKey>,
    /// Why it is not asked for at all.
    pub obstacle: Option<Obstacle>,
    /// The first instant at which it would be asked for if the quota allowed it.
    pub at: Option<DateTime<Utc>>,
}

/// Bars since a declared day, which are brought with what is spare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Backlog {
    /// The day since which they are wanted.
    pub since: NaiveDate,
    /// Requests.
    pub price: u32,
}

/// Why a series is not asked for, whatever the quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The source or the plan of the key refuses it.
    Refused(ErrorClass, String),
    /// The source did not know it; it is asked again then.
    Rests(DateTime<Utc>),
    /// The schedule is paused.
    Paused,
    /// Another source, whose gaps it fills, gives its new bars.
    Fills(SourceId),
}

/// Why a series is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Why {
    /// A later request would come too late for a bar.
    AboutToBeLost,
    /// It was never asked for.
    New,
    /// A later request would leave it older than it may be.
    Target {
        /// How old it may be.
        within: FreshWithin,
        /// Until when it is no older.
        until: DateTime<Utc>,
    },
    /// Its bars are rolled up from those of a finer series, which is asked for.
    RolledUp {
        /// The finer interval.
        from: Interval,
    },
    /// A bar is due that came after those that are known.
    Due {
        /// Up to when its bars are known.
        since: DateTime<Utc>,
    },
}

/// Why it is not asked for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum WhyNot {
    /// No new bar is due.
    NotDue {
        /// When the next one is; `None`: never.
        due: Option<DateTime<Utc>>,
    },
    /// The schedule has no instant before that.
    Schedule,
    /// The schedule is paused.
    Paused,
    /// The requests that are left go to series before it.
    Quota {
        /// Requests that are planned before it.
        before: u32,
    },
    /// The source or the plan of the key refuses it.
    Refused {
        /// The class of the refusal.
        class: ErrorClass,
        /// What was said.
        said: String,
    },
    /// The source did not know it; it is asked again then.
    Rests {
        /// When.
        until: DateTime<Utc>,
    },
    /// Another source, whose gaps it fills, gives its new bars.
    Fills {
        /// That source.
        source: SourceId,
    },
}

/// What happens to a series next, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedFetch {
    /// The series.
    pub series: SeriesKey,
    /// When it is asked for; `None`: not by itself.
    pub at: Option<DateTime<Utc>>,
    /// Requests.
    pub price: u32,
    /// Why it is asked for; `None`: it is not.
    pub why: Option<Why>,
    /// Why not now.
    pub why_not_now: Option<WhyNot>,
    /// Until when every bar that it lacks can be asked for; `None`: always.
    pub safe_until: Option<DateTime<Utc>>,
    /// What its declared beginning still lacks.
    pub backlog: Option<Backlog>,
}

impl PlannedFetch {
    /// Whether its source refuses it or does not know it: none of its bars can be had as things are.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        matches!(
            self.why_not_now,
            Some(WhyNot::Refused { .. } | WhyNot::Rests { .. })
        )
    }

    /// Whether a bar can no longer be had when it is asked for.
    #[must_use]
    pub fn loses(&self) -> bool {
        let is_late = |safe| self.at.is_none_or(|at| at > safe);
        !self.is_refused() && self.safe_until.is_some_and(is_late)
    }
}

/// What a source is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LanePlan {
    /// The source.
    pub source: SourceId,
    /// Requests of a day; `None`: no limit.
    pub per_day: Option<u32>,
    /// Requests that are left of today.
    pub left: Option<u32>,
    /// Those of them that are kept for a person.
    pub reserve: u32,
    /// When it is asked next; `None`: nothing is planned.
    pub at: Option<DateTime<Utc>>,
    /// Requests that are planned then.
    pub next: u32,
    /// Days until every series that is due now has been asked for.
    pub days: u32,
    /// Series of which a bar is lost before they are asked for.
    pub loses: u32,
}

/// What is asked for next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FetchPlan {
    /// Each series once, in the order in which they are asked for; those that are not, last.
    pub lines: Vec<PlannedFetch>,
    /// Each source that has a series.
    pub lanes: Vec<LanePlan>,
}

impl FetchPlan {
    /// The line of a series.
    #[must_use]
    pub fn line(&self, series: &SeriesKey) -> Option<&PlannedFetch> {
        self.lines.iter().find(|line| line.series == *series)
    }

    /// The series that are asked for up to an instant, in order.
    pub fn until(&self, at: DateTime<Utc>) -> impl Iterator<Item = &SeriesKey> {
        let lines = self.lines.iter();
        let lines = lines.filter(move |line| line.at.is_some_and(|planned| planned <= at));
        lines.map(|line| &line.series)
    }
}

/// Plans these series, given what their sources may be sent; a source without a room has no limit a
/// day. `now` is when it is asked.
#[must_use]
pub fn plan(
    candidates: Vec<Candidate>,
    rooms: &[(SourceId, Room)],
    now: DateTime<Utc>,
) -> FetchPlan {
    let mut sources: Vec<SourceId> = vec![];
    let mut by_source: HashMap<SourceId, Vec<Candidate>> = HashMap::new();
    let (riders, candidates) = riding::apart(candidates);
    for candidate in candidates {
        let source = candidate.series.source.clone();
        let lane = by_source.entry(source.clone()).or_default();
        if lane.is_empty() {
            sources.push(source);
        }
        lane.push(candidate);
    }
    let mut plan = FetchPlan::default();
    for source in sources {
        let candidates = by_source.remove(&source).unwrap_or_default();
        let room = rooms.iter().find(|(of, _)| *of == source);
        let room = room.map(|(_, room)| room);
        let (lines, days) = order::order(candidates, room, now);
        let first = lines.iter().filter_map(|line| line.at).min();
        let is_next = |line: &&PlannedFetch| line.at.is_some() && line.at == first;
        let loses = lines.iter().filter(|line| line.loses()).count();
        plan.lanes.push(LanePlan {
            per_day: room.map(|room| room.per_day),
            left: room.map(|room| room.left),
            reserve: room.map_or(0, |room| room.reserve),
            at: first,
            next: lines.iter().filter(is_next).map(|line| line.price).sum(),
            days,
            loses: u32::try_from(loses).unwrap_or(u32::MAX),
            source,
        });
        plan.lines.extend(lines);
    }
    riding::add(&mut plan.lines, riders);
    // Lanes work side by side: what comes first is first, and a lane keeps its order.
    plan.lines
        .sort_by_key(|line| line.at.unwrap_or(DateTime::<Utc>::MAX_UTC));
    plan
}

#[cfg(test)]
mod tests;
