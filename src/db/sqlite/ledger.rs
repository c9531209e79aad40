//! The quota ledger and the kept answers.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Row, SqliteConnection};

use super::super::ledger::{
    self, AWAITED, LAST_END, LONGEST_WAIT, SEEN, SENT_AFTER, STATE, STATED, SeenRow, TAKE_BACK,
    TRIES, class, is_late,
};
use super::super::{
    Credential, Entitlement, KeptAnswer, RequestEnd, Reservation, Reserved, StoredAnswer, row,
};
use super::history::{NOW, text};
use super::transaction::begin;
use super::{Outcome, lanes};
use uuid::Uuid;

use crate::model::quota::{self, Lately, Ledger, Quota};
use crate::model::{Answer, Lease, RequestId, RunId, SourceId, Stated};

/// How far back to look for the newest start; far more than any gap between two requests.
const PACE_WINDOW: TimeDelta = TimeDelta::minutes(2);

/// Reserves, under a lease where there is one. That is checked here: a start is late or not by when its own
/// transaction was kept.
pub async fn reserve(
    connection: &mut SqliteConnection,
    wish: Reservation,
    lease: Option<Lease>,
) -> Outcome<Reserved> {
    for _ in 1..TRIES {
        let (reserved, decided) = decided(connection, wish.clone(), lease.as_ref()).await?;
        let Reserved::Granted(id) = reserved else {
            return Ok(reserved);
        };
        if !is_late(decided, &wish.quota) {
            return Ok(reserved);
        }
        sqlx::query(TAKE_BACK)
            .bind(id.0)
            .execute(&mut *connection)
            .await?;
    }
    Ok(decided(connection, wish, lease.as_ref()).await?.0)
}

/// What is decided, and when that was.
async fn decided(
    connection: &mut SqliteConnection,
    wish: Reservation,
    lease: Option<&Lease>,
) -> Outcome<(Reserved, Instant)> {
    let mut tx = begin(connection).await?;
    if let Some(lease) = lease {
        lanes::require(&mut tx, lease).await?;
    }
    if let Some(id) = attempt(&mut tx, wish.attempt_id).await? {
        tx.rollback().await?;
        return Ok((Reserved::Granted(id), Instant::now()));
    }
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
        .fetch_one(&mut *tx)
        .await?;
    let decided = Instant::now();
    let ledger = at(&mut tx, &wish.credential.fingerprint, &wish.quota, now).await?;
    if let Some(not_now) = Reserved::unless_granted(
        quota::decide(&ledger, &wish.quota, wish.attempt > 1, now),
        now,
    ) {
        tx.rollback().await?;
        return Ok((not_now, decided));
    }
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO requests (attempt_id, run_id, source, endpoint, parameters, key_fingerprint, attempt, \
                               reserved_at, plan, page, engine) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id",
    )
    .bind(wish.attempt_id.to_string())
    .bind(wish.run.0)
    .bind(wish.request.source.as_str())
    .bind(&wish.request.endpoint)
    .bind(row::parameters_text(&wish.request))
    .bind(&wish.credential.fingerprint)
    .bind(wish.attempt)
    .bind(text(now))
    .bind(wish.credential.plan)
    .bind(wish.request.page)
    .bind(lease.map(|lease| lease.engine.to_string()))
    .fetch_one(&mut *tx)
    .await?;
    for series in wish.request.filled() {
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
    Ok((Reserved::Granted(RequestId(id)), decided))
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

/// The ledger of a key for the windows of its pace, by the database's clock.
pub async fn standing(
    connection: &mut SqliteConnection,
    credential: Credential,
    quota: Quota,
) -> Outcome<Ledger> {
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
        .fetch_one(&mut *connection)
        .await?;
    let ledger = at(connection, &credential.fingerprint, &quota, now).await?;
    Ok(Ledger {
        lately: lately(connection, &credential.fingerprint, &quota, now).await?,
        ..ledger
    })
}

async fn lately(
    connection: &mut SqliteConnection,
    fingerprint: &str,
    quota: &Quota,
    now: DateTime<Utc>,
) -> Outcome<Lately> {
    let mut rolling = [0; quota::WINDOWS];
    for (sent, window) in rolling.iter_mut().zip(quota.rolling()) {
        let Some((_, span)) = window else {
            continue;
        };
        let found = sqlx::query_scalar(SENT_AFTER)
            .bind(fingerprint)
            .bind(text(now - span))
            .fetch_one(&mut *connection)
            .await?;
        *sent = row::count(found);
    }
    let awaited = sqlx::query_scalar(AWAITED)
        .bind(fingerprint)
        .bind(text(now - LONGEST_WAIT))
        .fetch_one(&mut *connection)
        .await?;
    let last = sqlx::query(LAST_END)
        .bind(fingerprint)
        .fetch_optional(connection)
        .await?;
    let (answered_at, word) = match last {
        Some(last) => (last.try_get(0)?, last.try_get(1)?),
        None => (None, None),
    };
    Ok(Lately {
        rolling,
        in_flight: row::count(awaited),
        answered_at,
        class: class(word),
    })
}

async fn at(
    connection: &mut SqliteConnection,
    fingerprint: &str,
    quota: &Quota,
    now: DateTime<Utc>,
) -> Outcome<Ledger> {
    let (today, _) = quota.day(now);
    let seen: SeenRow = sqlx::query_as(SEEN)
        .bind(fingerprint)
        .bind(text(today))
        .bind(text(today.min(now - PACE_WINDOW)))
        .bind(text(now - LONGEST_WAIT))
        .fetch_one(&mut *connection)
        .await?;
    let stated = sqlx::query_as(STATED)
        .bind(fingerprint)
        .bind(text(now))
        .fetch_optional(&mut *connection)
        .await?;
    let mut gives_way = [None; quota::WINDOWS];
    for (start, window) in gives_way.iter_mut().zip(quota.rolling()) {
        let Some((limit, span)) = window else {
            continue;
        };
        // The window is full if it holds so many requests; the oldest of them must leave it.
        *start = sqlx::query_scalar(row::NTH_NEWEST_SINCE)
            .bind(fingerprint)
            .bind(text(now - span))
            .bind(i64::from(limit.saturating_sub(1)))
            .fetch_optional(&mut *connection)
            .await?;
    }
    Ok(Ledger {
        gives_way,
        stated: ledger::stated(stated),
        ..seen.ledger()
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
    let mut tx = begin(connection).await?;
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
    if let Some(Stated { left, ends_in }) = answer.stated {
        let now: DateTime<Utc> = sqlx::query_scalar("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
            .fetch_one(&mut *tx)
            .await?;
        let until = now + TimeDelta::from_std(ends_in).unwrap_or_default();
        sqlx::query(STATE)
            .bind(request.0)
            .bind(i64::from(left))
            .bind(text(until))
            .bind(text(now))
            .execute(&mut *tx)
            .await?;
    }
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
    kept_by(connection, row::UNAPPLIED, &[]).await
}

pub async fn unfinished(
    connection: &mut SqliteConnection,
    source: SourceId,
) -> Outcome<Vec<KeptAnswer>> {
    kept_by(connection, row::UNFINISHED, &[source.as_str()]).await
}

/// The answers that a query finds, each with its request.
async fn kept_by(
    connection: &mut SqliteConnection,
    sql: &'static str,
    binds: &[&str],
) -> Outcome<Vec<KeptAnswer>> {
    let query = binds
        .iter()
        .fold(sqlx::query(sql), |query, bind| query.bind(*bind));
    let rows = query.fetch_all(&mut *connection).await?;
    let mut kept = Vec::with_capacity(rows.len());
    for found in rows {
        let id: i64 = found.try_get(0)?;
        let (source, endpoint) = (found.try_get(2)?, found.try_get(3)?);
        let request = row::request((source, endpoint), found.try_get(4)?, found.try_get(5)?)?;
        let credential = Credential {
            source: request.source.clone(),
            fingerprint: found.try_get(11)?,
            plan: found.try_get(12)?,
        };
        let mut filled = vec![];
        let series: Vec<(String, String, String, bool)> = sqlx::query_as(row::SERIES_OF_REQUEST)
            .bind(id)
            .fetch_all(&mut *connection)
            .await?;
        for (source, symbol, interval, adjusted) in series {
            let key = row::series_key(&source, &symbol, &interval, adjusted)?;
            filled.push(key);
        }
        kept.push(KeptAnswer {
            id: RequestId(id),
            run: RunId(found.try_get(1)?),
            request: request.about(&filled),
            answer: Answer {
                received_at: found.try_get(6)?,
                status: row::count(found.try_get(7)?),
                content_type: found.try_get(8)?,
                body: row::gunzip(found.try_get(9)?)?,
                elapsed_ms: row::count(found.try_get::<Option<i64>, _>(10)?.unwrap_or_default()),
                stated: None,
            },
            credential,
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
        "SELECT endpoint, parameter, granted, message FROM entitlements \
         WHERE key_fingerprint = $1 AND plan = $2 AND source = $3 \
           AND (endpoint <> $4 OR learnt_at > strftime('%Y-%m-%d %H:%M:%f', 'now', '-30 days'))",
    )
    .bind(credential.fingerprint)
    .bind(credential.plan)
    .bind(credential.source.as_str())
    .bind(Entitlement::SYMBOL)
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(endpoint, parameter, granted, message)| Entitlement {
            endpoint,
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
        "INSERT INTO entitlements (key_fingerprint, endpoint, parameter, plan, granted, message, source) \
         VALUES ($1, $2, $3, $4, 0, $5, $6) \
         ON CONFLICT (key_fingerprint, source, endpoint, parameter, plan) DO UPDATE \
         SET message = excluded.message, learnt_at = {NOW} WHERE NOT entitlements.granted"
    )))
    .bind(credential.fingerprint)
    .bind(refused.endpoint)
    .bind(refused.parameter)
    .bind(credential.plan)
    .bind(refused.message)
    .bind(credential.source.as_str())
    .execute(connection)
    .await?;
    Ok(())
}
