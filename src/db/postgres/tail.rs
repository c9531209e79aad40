//! What has happened since a reader last looked.

use sqlx::PgConnection;

use super::super::tail::{self, CountedTo, EndedSince, EventCursor, Happened};
use super::Outcome as Done;

/// A transaction may be committed after one with a higher number. Events are written at its end, so
/// that two seconds later none before them can appear.
const EVENTS: &str = "\
     SELECT id, at, name, detail FROM events \
     WHERE id > $1 \
       AND id < (SELECT coalesce(min(id), 9223372036854775807) FROM events \
                 WHERE id > $1 AND at > clock_timestamp() - interval '2 seconds') \
     ORDER BY id LIMIT $2";

/// Requests behind request `$1` up to the first that is under way.
const REQUESTS: &str = "\
    SELECT source, coalesce(class, state), CAST(count(*) AS bigint), CAST(max(id) AS bigint) FROM requests \
    WHERE id > $1 \
      AND id < (SELECT coalesce(min(id), 9223372036854775807) FROM requests \
                WHERE id > $1 AND (state IN ('reserved', 'answered') \
                             OR reserved_at > clock_timestamp() - interval '2 seconds')) \
    GROUP BY 1, 2";

pub async fn events(
    connection: &mut PgConnection,
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

pub async fn newest(connection: &mut PgConnection) -> Done<EventCursor> {
    let newest = sqlx::query_scalar(tail::NEWEST)
        .fetch_one(connection)
        .await?;
    Ok(EventCursor(newest))
}

pub async fn ended(connection: &mut PgConnection, counted: CountedTo) -> Done<EndedSince> {
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
