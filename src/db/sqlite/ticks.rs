//! Instants of the schedule.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::super::row;
use super::super::ticks::{self, TickRow, unless_noted};
use super::Outcome as Done;
use crate::model::SourceId;
use crate::model::tick::{FAR_AHEAD, NotedTick, Tick};

/// Text that sorts.
fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

pub async fn note(connection: &mut SqliteConnection, all: Vec<Tick>) -> Done<()> {
    let Some(first) = all.first() else {
        return Ok(());
    };
    let far_ahead = stamp(first.decided_at + FAR_AHEAD);
    let rows: Vec<_> = all
        .iter()
        .map(|tick| {
            let run = tick.run.map(|run| run.0);
            let (at, decided_at) = (stamp(tick.at), stamp(tick.decided_at));
            (at, &tick.source, tick.outcome, tick.why, run, decided_at)
        })
        .collect();
    sqlx::query(concat!(
        "INSERT INTO ticks (at, source, outcome, why, run_id, decided_at) \
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each($2) \
         WHERE true",
        unless_noted!()
    ))
    .bind(far_ahead)
    .bind(row::json(&rows)?)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn newest(
    connection: &mut SqliteConnection,
    limit: u32,
    upto: DateTime<Utc>,
) -> Done<Vec<NotedTick>> {
    let rows: Vec<TickRow> = sqlx::query_as(ticks::NEWEST)
        .bind(i64::from(limit))
        .bind(stamp(upto))
        .fetch_all(connection)
        .await?;
    Ok(ticks::noted(rows))
}

pub async fn due(connection: &mut SqliteConnection) -> Done<Vec<(DateTime<Utc>, SourceId)>> {
    let rows = sqlx::query_as(ticks::DUE).fetch_all(connection).await?;
    Ok(ticks::due(rows))
}
