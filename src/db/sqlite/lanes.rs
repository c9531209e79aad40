//! The engines that use the file, and the lanes: one engine has all of them, that which holds the lock of the
//! schedule. Whoever takes lanes here holds it, so that everybody else who has one is dead.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::super::lanes::{
    Beat, EngineRow, LAST_TICKS, LeasedLane, LeasedRow, last_ticks, leased, superseded,
};
use super::super::row;
use super::Outcome;
use super::history::{now, text};
use super::transaction::begin;
use crate::model::{ENGINE_KEPT, EngineId, Engines, LaneName, Lease, SourceId};

/// A lease's end: so many seconds from now.
macro_rules! until {
    ($seconds:literal) => {
        concat!(
            "strftime('%Y-%m-%d %H:%M:%f', 'now', ",
            $seconds,
            " || ' seconds')"
        )
    };
}

pub async fn require(connection: &mut SqliteConnection, lease: &Lease) -> Outcome<()> {
    let held: Option<i64> = sqlx::query_scalar(
        "SELECT epoch FROM lanes WHERE source = $1 AND engine = $2 AND epoch = $3",
    )
    .bind(lease.lane.as_str())
    .bind(lease.engine.to_string())
    .bind(lease.epoch)
    .fetch_optional(connection)
    .await?;
    match held {
        Some(_) => Ok(()),
        None => Err(superseded(&lease.lane).into()),
    }
}

/// One beat. It does not wait for the disk: what a power cut takes of it, nobody needs after one, and what
/// relies on it is written later and takes it along. An engine that does nothing else lets the disk rest.
pub async fn beat(connection: &mut SqliteConnection, beat: Beat) -> Outcome<Vec<LeasedLane>> {
    sqlx::query("PRAGMA synchronous = NORMAL")
        .execute(&mut *connection)
        .await?;
    let leased = written(connection, beat).await?;
    sqlx::query("PRAGMA synchronous = FULL")
        .execute(connection)
        .await?;
    Ok(leased)
}

async fn written(connection: &mut SqliteConnection, beat: Beat) -> Outcome<Vec<LeasedLane>> {
    let engine = beat.home.id.to_string();
    let lease = beat.lease.as_secs_f64();
    let mut tx = begin(connection).await?;
    sqlx::query(concat!(
        "INSERT INTO engines (id, host, pid, version) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (id) DO UPDATE SET ended_at = NULL, beat_at = ",
        now!()
    ))
    .bind(&engine)
    .bind(&beat.home.host)
    .bind(i64::from(beat.home.pid))
    .bind(&beat.home.version)
    .execute(&mut *tx)
    .await?;
    sqlx::query(concat!(
        "DELETE FROM engines WHERE beat_at < ",
        until!("$1")
    ))
    .bind(-ENGINE_KEPT.num_seconds())
    .execute(&mut *tx)
    .await?;
    let mut rows: Vec<LeasedRow> = sqlx::query_as(concat!(
        "UPDATE lanes SET until = ",
        until!("$2"),
        " WHERE engine = $1 RETURNING source, epoch, last_tick"
    ))
    .bind(&engine)
    .bind(lease)
    .fetch_all(&mut *tx)
    .await?;
    let wanted = beat.wanted.iter().map(LaneName::as_str);
    let wanted: Vec<&str> = wanted
        .filter(|wanted| rows.iter().all(|(lane, ..)| lane != wanted))
        .collect();
    if !wanted.is_empty() {
        let wanted = row::json(&wanted)?;
        // A lane that is new on a store whose schedule has run begins now: nothing of it was missed.
        sqlx::query(
            "INSERT INTO lanes (source, last_tick) \
             SELECT value, CASE WHEN EXISTS (SELECT 1 FROM lanes WHERE last_tick IS NOT NULL) THEN $2 END \
             FROM json_each($1) WHERE true ON CONFLICT (source) DO NOTHING",
        )
        .bind(&wanted)
        .bind(text(beat.now))
        .execute(&mut *tx)
        .await?;
        let taken: Vec<LeasedRow> = sqlx::query_as(concat!(
            "UPDATE lanes SET engine = $1, epoch = epoch + 1, taken_at = ",
            now!(),
            ", until = ",
            until!("$2"),
            " WHERE source IN (SELECT value FROM json_each($3)) RETURNING source, epoch, last_tick"
        ))
        .bind(&engine)
        .bind(lease)
        .bind(&wanted)
        .fetch_all(&mut *tx)
        .await?;
        rows.extend(taken);
    }
    tx.commit().await?;
    Ok(leased(beat.home.id, rows))
}

pub async fn leave(connection: &mut SqliteConnection, engine: EngineId) -> Outcome<()> {
    let engine = engine.to_string();
    let mut tx = begin(connection).await?;
    sqlx::query("UPDATE lanes SET engine = NULL, until = NULL WHERE engine = $1")
        .bind(&engine)
        .execute(&mut *tx)
        .await?;
    sqlx::query(concat!(
        "UPDATE engines SET ended_at = ",
        now!(),
        " WHERE id = $1"
    ))
    .bind(&engine)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

pub async fn save_last_tick(
    connection: &mut SqliteConnection,
    lease: Lease,
    at: DateTime<Utc>,
) -> Outcome<()> {
    let saved = sqlx::query(
        "UPDATE lanes SET last_tick = $4 WHERE source = $1 AND engine = $2 AND epoch = $3",
    )
    .bind(lease.lane.as_str())
    .bind(lease.engine.to_string())
    .bind(lease.epoch)
    .bind(text(at))
    .execute(connection)
    .await?;
    if saved.rows_affected() == 0 {
        return Err(superseded(&lease.lane).into());
    }
    Ok(())
}

pub async fn follow_from(connection: &mut SqliteConnection, at: DateTime<Utc>) -> Outcome<()> {
    sqlx::query("UPDATE lanes SET last_tick = $1 WHERE last_tick IS NOT NULL")
        .bind(text(at))
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn ticks(connection: &mut SqliteConnection) -> Outcome<Vec<(SourceId, DateTime<Utc>)>> {
    let rows = sqlx::query_as(LAST_TICKS).fetch_all(connection).await?;
    Ok(last_ticks(rows))
}

/// The engines; `is_held`: whether a process holds the lock of the schedule.
pub async fn engines(connection: &mut SqliteConnection, is_held: bool) -> Outcome<Engines> {
    let now: DateTime<Utc> = sqlx::query_scalar(concat!("SELECT ", now!()))
        .fetch_one(&mut *connection)
        .await?;
    let rows: Vec<EngineRow> = sqlx::query_as(
        "SELECT e.id, e.host, e.pid, e.version, e.started_at, e.beat_at, e.ended_at, \
                $2 OR NOT EXISTS (SELECT 1 FROM lanes l WHERE l.engine = e.id) AS lives, \
                (SELECT group_concat(l.source, ' ') FROM lanes l WHERE l.engine = e.id AND l.until > $1) AS lanes, \
                (SELECT count(*) FROM requests r WHERE r.engine = e.id AND r.state <> 'not_sent' \
                 AND r.reserved_at > strftime('%Y-%m-%d %H:%M:%f', $1, '-1 hour')) AS requests \
         FROM engines e ORDER BY e.beat_at DESC LIMIT 100",
    )
    .bind(text(now))
    .bind(is_held)
    .fetch_all(connection)
    .await?;
    let all = rows.into_iter().filter_map(EngineRow::status).collect();
    Ok(Engines { now, all })
}
