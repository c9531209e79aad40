//! The quota ledger and the kept answers.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection, Row, SqliteConnection};

use super::super::{
    Credential, Entitlement, KeptAnswer, RequestEnd, Reservation, Reserved, StoredAnswer, row,
};
use super::Outcome;
use super::history::{NOW, text};
use uuid::Uuid;

use crate::model::quota::{self, Ledger};
use crate::model::{Answer, RequestId, RunId};

/// How far back to look for the newest start; far more than any gap between two requests.
const PACE_WINDOW: TimeDelta = TimeDelta::minutes(2);

pub async fn reserve(connection: &mut SqliteConnection, wish: Reservation) -> Outcome<Reserved> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    if let Some(id) = attempt(&mut tx, wish.attempt_id).await? {
        tx.rollback().await?;
        return Ok(Reserved::Granted(id));
    }
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
        .fetch_one(&mut *tx)
        .await?;
    let ledger = at(&mut tx, &wish.credential.fingerprint, now).await?;
    if let Some(not_now) = Reserved::unless_granted(
        quota::decide(&ledger, &wish.limits, wish.attempt > 1, now),
        now,
    ) {
        tx.rollback().await?;
        return Ok(not_now);
    }
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO requests (attempt_id, run_id, source, endpoint, parameters, key_fingerprint, attempt, \
                               reserved_at, plan) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
    )
    .bind(wish.attempt_id.to_string())
    .bind(wish.run.0)
    .bind(row::source(&wish.ask))
    .bind(wish.ask.function())
    .bind(row::query_text(&wish.ask))
    .bind(&wish.credential.fingerprint)
    .bind(wish.attempt)
    .bind(text(now))
    .bind(wish.credential.plan)
    .fetch_one(&mut *tx)
    .await?;
    if let Some(series) = wish.ask.series() {
        sqlx::query(
            "INSERT INTO request_series (request_id, source, symbol, interval, adjusted) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(series.source.as_str())
        .bind(series.symbol.as_str())
        .bind(series.interval.as_str())
        .bind(series.adjusted)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(Reserved::Granted(RequestId(id)))
}

pub async fn attempt(
    connection: &mut SqliteConnection,
    attempt_id: Uuid,
) -> Outcome<Option<RequestId>> {
    let id = sqlx::query_scalar("SELECT id FROM requests WHERE attempt_id = $1")
        .bind(attempt_id.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(id.map(RequestId))
}

/// The ledger of a key on the quota day of the database's clock.
pub async fn today(connection: &mut SqliteConnection, credential: Credential) -> Outcome<Ledger> {
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
        .fetch_one(&mut *connection)
        .await?;
    at(connection, &credential.fingerprint, now).await
}

async fn at(
    connection: &mut SqliteConnection,
    fingerprint: &str,
    now: DateTime<Utc>,
) -> Outcome<Ledger> {
    let (today, _) = quota::day(now);
    let seen = sqlx::query(
        "SELECT max(reserved_at), \
                count(CASE WHEN reserved_at >= $2 THEN 1 END), \
                count(CASE WHEN reserved_at >= $2 AND attempt > 1 THEN 1 END), \
                max(CASE WHEN reserved_at >= $2 AND class = 'day' THEN ended_at END), \
                count(CASE WHEN reserved_at >= $2 AND state IN ('answered', 'stored') THEN 1 END) \
         FROM requests WHERE key_fingerprint = $1 AND reserved_at >= $3 AND state <> 'not_sent'",
    )
    .bind(fingerprint)
    .bind(text(today))
    .bind(text(today.min(now - PACE_WINDOW)))
    .fetch_one(connection)
    .await?;
    Ok(Ledger {
        last_start: seen.try_get(0)?,
        today: row::count(seen.try_get(1)?),
        retries_today: row::count(seen.try_get(2)?),
        day_refusal: seen.try_get(3)?,
        data_today: seen.try_get::<i64, _>(4)? > 0,
    })
}

/// Requests of a key since an instant in runs with one of these triggers.
pub async fn sent_since(
    connection: &mut SqliteConnection,
    credential: Credential,
    triggers: &[&str],
    since: DateTime<Utc>,
) -> Outcome<u32> {
    let mut sent = 0;
    for trigger in triggers {
        let found: i64 = sqlx::query_scalar(row::SENT_SINCE)
            .bind(&credential.fingerprint)
            .bind(text(since))
            .bind(*trigger)
            .fetch_one(&mut *connection)
            .await?;
        sent += row::count::<u32>(found);
    }
    Ok(sent)
}

pub async fn keep(
    connection: &mut SqliteConnection,
    request: RequestId,
    answer: Answer,
    limit: u64,
) -> Outcome<()> {
    let packed = row::gzip(&answer.body)?;
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE requests SET state = 'answered', http_status = $2, elapsed_ms = $3, ended_at = {NOW} \
         WHERE id = $1 AND state IN ('reserved', 'in_doubt')"
    )))
    .bind(request.0)
    .bind(answer.status)
    .bind(answer.elapsed_ms)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO answers (request_id, received_at, http_status, content_type, stored_bytes, body) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (request_id) DO NOTHING",
    )
    .bind(request.0)
    .bind(text(answer.received_at))
    .bind(answer.status)
    .bind(&answer.content_type)
    .bind(i64::try_from(packed.len()).unwrap_or(i64::MAX))
    .bind(packed)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "DELETE FROM answers WHERE request_id IN ( \
             SELECT t.request_id FROM ( \
                 SELECT request_id, sum(stored_bytes) OVER (ORDER BY request_id DESC) AS total FROM answers) t \
             WHERE t.total > $1 AND t.request_id <> $2 \
               AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = t.request_id AND r.state = 'answered'))",
    )
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .bind(request.0)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

pub async fn settle(
    connection: &mut SqliteConnection,
    request: RequestId,
    end: RequestEnd,
) -> Outcome<()> {
    let (state, class, message) = match end {
        RequestEnd::NotSent(message) => ("not_sent", None, Some(message)),
        RequestEnd::Failed(class, message) => ("failed", Some(class), Some(message)),
        RequestEnd::Refused(class, message) => ("refused", Some(class), Some(message)),
        RequestEnd::Read => ("stored", None, None),
    };
    let settled = sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE requests SET state = $2, class = $3, message = $4, ended_at = coalesce(ended_at, {NOW}) \
         WHERE id = $1 AND state <> 'stored'"
    )))
    .bind(request.0)
    .bind(state)
    .bind(class.map(crate::model::ErrorClass::as_str))
    .bind(message)
    .execute(connection)
    .await?;
    debug_assert!(
        settled.rows_affected() == 1 || state == "stored",
        "a request that was stored ends as {state}"
    );
    Ok(())
}

pub async fn unapplied(connection: &mut SqliteConnection) -> Outcome<Vec<KeptAnswer>> {
    let rows = sqlx::query(
        "SELECT q.id, q.run_id, q.parameters, a.received_at, a.http_status, a.content_type, a.body, q.elapsed_ms, \
                q.key_fingerprint, q.plan, s.source, s.symbol, s.interval, s.adjusted \
         FROM requests q JOIN runs r ON r.id = q.run_id JOIN answers a ON a.request_id = q.id \
         LEFT JOIN request_series s ON s.request_id = q.id \
         WHERE q.state = 'answered' AND r.status <> 'running' ORDER BY q.id",
    )
    .fetch_all(connection)
    .await?;
    let mut kept = Vec::with_capacity(rows.len());
    for found in rows {
        let series = match found.try_get(10)? {
            Some(source) => Some(row::series_key(
                source,
                found.try_get(11)?,
                found.try_get(12)?,
                found.try_get(13)?,
            )?),
            None => None,
        };
        kept.push(KeptAnswer {
            request: RequestId(found.try_get(0)?),
            run: RunId(found.try_get(1)?),
            ask: row::question(series, found.try_get(2)?),
            answer: Answer {
                received_at: found.try_get(3)?,
                status: row::count(found.try_get(4)?),
                content_type: found.try_get(5)?,
                body: row::gunzip(found.try_get(6)?)?,
                elapsed_ms: row::count(found.try_get::<Option<i64>, _>(7)?.unwrap_or_default()),
            },
            credential: Credential {
                fingerprint: found.try_get(8)?,
                plan: found.try_get(9)?,
            },
        });
    }
    Ok(kept)
}

pub async fn answer(
    connection: &mut SqliteConnection,
    request: RequestId,
) -> Outcome<Option<StoredAnswer>> {
    let found: Option<row::AnswerRow> = sqlx::query_as(row::ANSWER)
        .bind(request.0)
        .fetch_optional(connection)
        .await?;
    Ok(found.map(row::AnswerRow::answer).transpose()?)
}

/// Answers kept, and their size in bytes.
pub async fn kept(connection: &mut SqliteConnection) -> Outcome<(u64, u64)> {
    let (answers, bytes): (i64, i64) =
        sqlx::query_as("SELECT count(*), coalesce(sum(stored_bytes), 0) FROM answers")
            .fetch_one(connection)
            .await?;
    Ok((row::count(answers), row::count(bytes)))
}

pub async fn entitlements(
    connection: &mut SqliteConnection,
    credential: Credential,
) -> Outcome<Vec<Entitlement>> {
    let rows: Vec<(String, String, bool, Option<String>)> = sqlx::query_as(
        "SELECT endpoint, parameter, granted, message FROM entitlements WHERE key_fingerprint = $1 AND plan = $2",
    )
    .bind(credential.fingerprint)
    .bind(credential.plan)
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(function, parameter, granted, message)| Entitlement {
            function,
            parameter,
            granted,
            message,
        })
        .collect())
}

pub async fn learn_refusal(
    connection: &mut SqliteConnection,
    credential: Credential,
    refused: Entitlement,
) -> Outcome<()> {
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "INSERT INTO entitlements (key_fingerprint, endpoint, parameter, plan, granted, message) \
         VALUES ($1, $2, $3, $4, 0, $5) \
         ON CONFLICT (key_fingerprint, source, endpoint, parameter, plan) DO UPDATE \
         SET message = excluded.message, learnt_at = {NOW} WHERE NOT entitlements.granted"
    )))
    .bind(credential.fingerprint)
    .bind(refused.function)
    .bind(refused.parameter)
    .bind(credential.plan)
    .bind(refused.message)
    .execute(connection)
    .await?;
    Ok(())
}
