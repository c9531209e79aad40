//! Instants of the schedule: each once for a source, with what became of it.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::error::Result;
use crate::model::tick::{NotedTick, Tick};
use crate::model::{RunId, SourceId};

/// What a store does with the instants of the schedule. Times are by the clock of the engine.
#[async_trait]
pub trait TickStore: fmt::Debug + Send + Sync {
    /// Notes what became of instants. The first outcome of an instant stays, unless a clock that was far
    /// ahead wrote it.
    async fn note_ticks(&self, ticks: Vec<Tick>) -> Result<()>;

    /// The newest instants up to another, newest first.
    async fn ticks(&self, limit: u32, upto: DateTime<Utc>) -> Result<Vec<NotedTick>>;

    /// The instants whose run has not begun.
    async fn due_ticks(&self) -> Result<Vec<(DateTime<Utc>, SourceId)>>;
}

/// What follows the rows that are to be noted; `$1`: later is far ahead.
macro_rules! unless_noted {
    () => {
        " ON CONFLICT (at, source) DO UPDATE \
          SET outcome = excluded.outcome, why = excluded.why, run_id = excluded.run_id, \
              decided_at = excluded.decided_at \
          WHERE ticks.outcome = 'due' AND excluded.outcome <> 'due' OR ticks.decided_at > $1"
    };
}
pub(super) use unless_noted;

pub(super) const NEWEST: &str = "\
    SELECT t.at, t.source, t.outcome, t.why, t.run_id, t.decided_at, r.status \
    FROM ticks t LEFT JOIN runs r ON r.id = t.run_id \
    WHERE t.at <= $2 ORDER BY t.at DESC, t.source LIMIT $1";

pub(super) const DUE: &str = "SELECT at, source FROM ticks WHERE outcome = 'due' ORDER BY at";

#[derive(sqlx::FromRow)]
pub(super) struct TickRow {
    at: DateTime<Utc>,
    source: String,
    outcome: String,
    why: Option<String>,
    run_id: Option<i64>,
    decided_at: DateTime<Utc>,
    status: Option<String>,
}

/// Instants from their rows, without those of a newer version.
pub(super) fn noted(rows: Vec<TickRow>) -> Vec<NotedTick> {
    let each = |row: TickRow| {
        Some(NotedTick {
            tick: Tick {
                at: row.at,
                source: row.source.parse().ok()?,
                outcome: row.outcome.parse().ok()?,
                why: row.why.and_then(|why| why.parse().ok()),
                run: row.run_id.map(RunId),
                decided_at: row.decided_at,
            },
            run_status: row.status.and_then(|status| status.parse().ok()),
        })
    };
    rows.into_iter().filter_map(each).collect()
}

/// Instants and sources, without those of a newer version.
pub(super) fn due(rows: Vec<(DateTime<Utc>, String)>) -> Vec<(DateTime<Utc>, SourceId)> {
    let each = |(at, source): (_, String)| Some((at, source.parse().ok()?));
    rows.into_iter().filter_map(each).collect()
}
