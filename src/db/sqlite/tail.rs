//! What has happened since a reader last looked.

use sqlx::SqliteConnection;

use super::super::tail::{self, CountedTo, EndedSince, EventCursor, Happened};
use super::Outcome as Done;

/// One writer at a time: numbers are in the order in which they can be seen.
const EVENTS: &str = "\
     SELECT id, at, name, detail FROM events WHERE id > $1 ORDER BY id LIMIT $2";

/// Requests behind request `$1` up to the first that is under way.
const REQUESTS: &str = "\
    SELECT source, coalesce(class, state), CAST(count(*) AS bigint), CAST(max(id) AS bigint) FROM requests \
    WHERE id > $1 \
      AND id < (SELECT coalesce(min(id), 9223372036854775807) FROM requests \
                WHERE id > $1 AND state IN ('reserved', 'answered')) \
    GROUP BY 1, 2";

pub async fn events(
    connection: &mut SqliteConnection,
    cursor: EventCursor,
    limit: u32,
) -> Done<Vec<Happened>> {
    let rows = sqlx::query_as(EVENTS)
        .bind(cursor.0)
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await?;
    Ok(tail::events(rows))
}

pub async fn newest(connection: &mut SqliteConnection) -> Done<EventCursor> {
    let newest = sqlx::query_scalar(tail::NEWEST)
        .fetch_one(connection)
        .await?;
    Ok(EventCursor(newest))
}

pub async fn ended(connection: &mut SqliteConnection, counted: CountedTo) -> Done<EndedSince> {
    let requests = sqlx::query_as(REQUESTS)
        .bind(counted.request)
        .fetch_all(&mut *connection)
        .await?;
    let runs = sqlx::query_as(tail::RUNS)
        .bind(counted.run)
        .fetch_all(connection)
        .await?;
    Ok(tail::ended(counted, requests, runs))
}
