//! Instants of the schedule.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::super::ticks::{self, TickRow, unless_noted};
use super::Outcome;
use crate::model::SourceId;
use crate::model::tick::{FAR_AHEAD, NotedTick, Tick};

pub async fn note(connection: &mut PgConnection, all: Vec<Tick>) -> Outcome<()> {
    let Some(first) = all.first() else {
        return Ok(());
    };
    let column = |text: fn(&Tick) -> Option<&str>| all.iter().map(text).collect::<Vec<_>>();
    let at: Vec<DateTime<Utc>> = all.iter().map(|tick| tick.at).collect();
    let decided_at: Vec<DateTime<Utc>> = all.iter().map(|tick| tick.decided_at).collect();
    let runs: Vec<Option<i64>> = all.iter().map(|tick| Some(tick.run?.0)).collect();
    sqlx::query(concat!(
        "INSERT INTO ticks (at, source, outcome, why, run_id, decided_at) \
         SELECT * FROM unnest($2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::bigint[], \
                              $7::timestamptz[])",
        unless_noted!()
    ))
    .bind(first.decided_at + FAR_AHEAD)
    .bind(at)
    .bind(column(|tick| Some(tick.source.as_str())))
    .bind(column(|tick| Some(tick.outcome.as_str())))
    .bind(column(|tick| Some(tick.why?.as_str())))
    .bind(runs)
    .bind(decided_at)
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn newest(
    connection: &mut PgConnection,
    limit: u32,
    upto: DateTime<Utc>,
) -> Outcome<Vec<NotedTick>> {
    let rows: Vec<TickRow> = sqlx::query_as(ticks::NEWEST)
        .bind(i64::from(limit))
        .bind(upto)
        .fetch_all(connection)
        .await?;
    Ok(ticks::noted(rows))
}

pub async fn due(connection: &mut PgConnection) -> Outcome<Vec<(DateTime<Utc>, SourceId)>> {
    let rows = sqlx::query_as(ticks::DUE).fetch_all(connection).await?;
    Ok(ticks::due(rows))
}
