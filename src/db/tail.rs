//! What has happened since a reader last looked: events in order, and requests and runs that have ended.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use super::error::Result;
use super::row::count;

/// Where a reader of events is: behind the event with this number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EventCursor(pub i64);

/// Something that has happened.
#[derive(Debug, Serialize)]
pub struct Happened {
    /// Read on behind it from here.
    pub cursor: EventCursor,
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
    /// What: `run_started`, `run_ended`, `series_ended`, `alert_opened` or `alert_recovered`.
    pub event: String,
    /// The rest, as the store wrote it.
    pub detail: Box<RawValue>,
}

/// Up to which request and run a reader has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CountedTo {
    /// The newest counted request.
    pub request: i64,
    /// The newest counted run.
    pub run: i64,
}

/// What has ended since, and up to where that is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndedSince {
    /// Up to where it was counted.
    pub counted: CountedTo,
    /// Requests, by source and class; the class of one that went well is its state.
    pub requests: Vec<(String, String, u64)>,
    /// Runs, by status.
    pub runs: Vec<(String, u64)>,
}

/// What a store tells readers that follow it.
#[async_trait]
pub trait TailStore: fmt::Debug + Send + Sync {
    /// Events behind the cursor, oldest first.
    async fn events_after(&self, cursor: EventCursor, limit: u32) -> Result<Vec<Happened>>;

    /// Behind the newest event.
    async fn newest_event(&self) -> Result<EventCursor>;

    /// The requests and runs that have ended since. One that is under way stops the count before it.
    async fn ended_since(&self, counted: CountedTo) -> Result<EndedSince>;
}

pub(super) const NEWEST: &str = "SELECT CAST(coalesce(max(id), 0) AS bigint) FROM events";

/// Runs behind run `$1` up to the first that is under way.
pub(super) const RUNS: &str = "\
    SELECT status, CAST(count(*) AS bigint), CAST(max(id) AS bigint) FROM runs \
    WHERE id > $1 AND id < (SELECT coalesce(min(id), 9223372036854775807) FROM runs WHERE id > $1 AND status = 'running') \
    GROUP BY status";

/// Events from their rows; `None`: somebody else wrote into the table.
pub(super) fn events(rows: Vec<(i64, DateTime<Utc>, String, String)>) -> Vec<Happened> {
    let each = |(id, at, event, detail)| {
        Some(Happened {
            cursor: EventCursor(id),
            at,
            event,
            detail: RawValue::from_string(detail).ok()?,
        })
    };
    rows.into_iter().filter_map(each).collect()
}

/// What has ended, from rows of a word or two, how often, and up to which number.
pub(super) fn ended(
    counted: CountedTo,
    requests: Vec<(String, String, i64, i64)>,
    runs: Vec<(String, i64, i64)>,
) -> EndedSince {
    let request = requests.iter().map(|row| row.3).max();
    let run = runs.iter().map(|row| row.2).max();
    EndedSince {
        counted: CountedTo {
            request: request.unwrap_or(counted.request),
            run: run.unwrap_or(counted.run),
        },
        requests: requests
            .into_iter()
            .map(|(source, class, number, _)| (source, class, count(number)))
            .collect(),
        runs: runs
            .into_iter()
            .map(|(status, number, _)| (status, count(number)))
            .collect(),
    }
}
