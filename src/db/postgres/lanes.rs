//! The engines that share the server, and their lanes.

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};

use super::super::lanes::{
    Beat, EngineRow, LAST_TICKS, LeasedLane, LeasedRow, last_ticks, leased, superseded,
};
use super::Outcome;
use crate::model::{ENGINE_KEPT, EngineId, Engines, LaneName, Lease, SourceId};

/// The key of the lock that shows that an engine lives.
pub const KEY: &str = "SELECT hashtextextended('pipeline-tui engine ' || $1::text, 0)";

/// The keys of all session locks of this database.
macro_rules! held {
    () => {
        "held AS MATERIALIZED ( \
             SELECT (CAST(l.classid AS bigint) << 32) | CAST(l.objid AS bigint) AS key \
             FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
             WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND d.datname = current_database())"
    };
}

/// Takes the wanted lanes that are free. Who writes under a lease holds its row until the end: such a lane
/// is left for the next beat, so that no beat waits for another engine.
const TAKE: &str = concat!(
    "WITH ",
    held!(),
    ", free AS ( \
         SELECT source FROM lanes \
         WHERE source = ANY($2) \
           AND (engine IS NULL OR until <= clock_timestamp() \
                OR engine <> $1 AND hashtextextended('pipeline-tui engine ' || engine::text, 0) \
                                    NOT IN (SELECT key FROM held)) \
         FOR UPDATE SKIP LOCKED) \
     UPDATE lanes SET engine = $1, epoch = lanes.epoch + 1, until = clock_timestamp() + $3, \
                      taken_at = clock_timestamp() \
     FROM free WHERE lanes.source = free.source \
     RETURNING lanes.source, lanes.epoch, lanes.last_tick"
);

/// A lane that is new on a store whose schedule has run begins now: nothing of it was missed.
const ADD: &str = "\
    INSERT INTO lanes (source, last_tick) \
    SELECT wanted, CASE WHEN EXISTS (SELECT 1 FROM lanes WHERE last_tick IS NOT NULL) THEN $2 END \
    FROM unnest($1) AS wanted ON CONFLICT (source) DO NOTHING";

/// Waits for whoever takes the lane, and holds its row until the end of the transaction. Renewing it does
/// not wait for that.
pub async fn require(connection: &mut PgConnection, lease: &Lease) -> Outcome<()> {
    let held: Option<i64> = sqlx::query_scalar(
        "SELECT epoch FROM lanes WHERE source = $1 AND engine = $2 AND epoch = $3 FOR KEY SHARE",
    )
    .bind(lease.lane.as_str())
    .bind(lease.engine.0)
    .bind(lease.epoch)
    .fetch_optional(connection)
    .await?;
    match held {
        Some(_) => Ok(()),
        None => Err(superseded(&lease.lane).into()),
    }
}

pub async fn beat(connection: &mut PgConnection, beat: Beat) -> Outcome<Vec<LeasedLane>> {
    let engine = beat.home.id;
    let mut tx = connection.begin().await?;
    sqlx::query(
        "INSERT INTO engines (id, host, pid, version) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (id) DO UPDATE SET beat_at = clock_timestamp(), ended_at = NULL",
    )
    .bind(engine.0)
    .bind(&beat.home.host)
    .bind(i64::from(beat.home.pid))
    .bind(&beat.home.version)
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM engines WHERE beat_at < clock_timestamp() - $1")
        .bind(ENGINE_KEPT)
        .execute(&mut *tx)
        .await?;
    let mut rows: Vec<LeasedRow> = sqlx::query_as(
        "UPDATE lanes SET until = clock_timestamp() + $2 WHERE engine = $1 RETURNING source, epoch, last_tick",
    )
    .bind(engine.0)
    .bind(beat.lease)
    .fetch_all(&mut *tx)
    .await?;
    let wanted = beat.wanted.iter().map(LaneName::as_str);
    let wanted: Vec<&str> = wanted
        .filter(|wanted| rows.iter().all(|(lane, ..)| lane != wanted))
        .collect();
    if !wanted.is_empty() {
        sqlx::query(ADD)
            .bind(&wanted)
            .bind(beat.now)
            .execute(&mut *tx)
            .await?;
        let taken: Vec<LeasedRow> = sqlx::query_as(TAKE)
            .bind(engine.0)
            .bind(&wanted)
            .bind(beat.lease)
            .fetch_all(&mut *tx)
            .await?;
        rows.extend(taken);
    }
    tx.commit().await?;
    Ok(leased(engine, rows))
}

pub async fn leave(connection: &mut PgConnection, engine: EngineId) -> Outcome<()> {
    let mut tx = connection.begin().await?;
    sqlx::query("UPDATE lanes SET engine = NULL, until = NULL WHERE engine = $1")
        .bind(engine.0)
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE engines SET ended_at = clock_timestamp() WHERE id = $1")
        .bind(engine.0)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

pub async fn save_last_tick(
    connection: &mut PgConnection,
    lease: Lease,
    at: DateTime<Utc>,
) -> Outcome<()> {
    let saved = sqlx::query(
        "UPDATE lanes SET last_tick = $4 WHERE source = $1 AND engine = $2 AND epoch = $3",
    )
    .bind(lease.lane.as_str())
    .bind(lease.engine.0)
    .bind(lease.epoch)
    .bind(at)
    .execute(connection)
    .await?;
    if saved.rows_affected() == 0 {
        return Err(superseded(&lease.lane).into());
    }
    Ok(())
}

pub async fn follow_from(connection: &mut PgConnection, at: DateTime<Utc>) -> Outcome<()> {
    sqlx::query("UPDATE lanes SET last_tick = $1 WHERE last_tick IS NOT NULL")
        .bind(at)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn ticks(connection: &mut PgConnection) -> Outcome<Vec<(SourceId, DateTime<Utc>)>> {
    let rows = sqlx::query_as(LAST_TICKS).fetch_all(connection).await?;
    Ok(last_ticks(rows))
}

pub async fn engines(connection: &mut PgConnection) -> Outcome<Engines> {
    let now = sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(&mut *connection)
        .await?;
    let rows: Vec<EngineRow> = sqlx::query_as(concat!(
        "WITH ",
        held!(),
        " SELECT e.id::text AS id, e.host, e.pid, e.version, e.started_at, e.beat_at, e.ended_at, \
                 hashtextextended('pipeline-tui engine ' || e.id::text, 0) IN (SELECT key FROM held) AS lives, \
                 (SELECT string_agg(l.source, ' ' ORDER BY l.source) FROM lanes l \
                  WHERE l.engine = e.id AND l.until > $1) AS lanes, \
                 (SELECT count(*) FROM requests r WHERE r.engine = e.id AND r.state <> 'not_sent' \
                  AND r.reserved_at > $1 - interval '1 hour') AS requests \
          FROM engines e ORDER BY e.beat_at DESC LIMIT 100"
    ))
    .bind(now)
    .fetch_all(connection)
    .await?;
    let all = rows.into_iter().filter_map(EngineRow::status).collect();
    Ok(Engines { now, all })
}
