//! Alerts and their deliveries. Times are text with milliseconds, so that they sort.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::super::alerts::{self, AlertRow, AttemptRow, TriedRow, Undelivered, Words};
use super::super::row;
use super::Outcome as Done;
use super::transaction::begin;
use crate::model::alert::{
    Alert, AlertChanges, AlertId, Attempt, Channel, DeliveryEnd, KEPT, Message, Tried,
};

fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

pub async fn open(connection: &mut SqliteConnection) -> Done<Vec<Alert>> {
    let rows: Vec<AlertRow> = sqlx::query_as(alerts::OPEN).fetch_all(connection).await?;
    Ok(alerts::alerts(rows))
}

pub async fn newest(connection: &mut SqliteConnection, limit: u32) -> Done<Vec<Alert>> {
    let rows: Vec<AlertRow> = sqlx::query_as(alerts::NEWEST)
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await?;
    Ok(alerts::alerts(rows))
}

pub async fn change(
    connection: &mut SqliteConnection,
    changes: AlertChanges,
    channels: Vec<Channel>,
    now: DateTime<Utc>,
) -> Done<Vec<Message>> {
    let mut tx = begin(connection).await?;
    let new = changes.opened.iter();
    let new: Vec<_> = new
        .map(|one| (one.kind, &one.subject, one.severity, &one.text))
        .collect();
    let opened: Vec<Words> = sqlx::query_as(
        "INSERT INTO alerts (kind, subject, severity, text, opened_at) \
         SELECT value->>0, value->>1, value->>2, value->>3, $2 FROM json_each($1) WHERE true \
         ON CONFLICT (kind, subject) WHERE recovered_at IS NULL DO NOTHING \
         RETURNING kind, subject, severity, text",
    )
    .bind(row::json(&new)?)
    .bind(stamp(now))
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query(
        "UPDATE alerts SET gone_at = $2 \
         WHERE id IN (SELECT value FROM json_each($1)) AND gone_at IS NULL",
    )
    .bind(row::json(&ids(&changes.gone))?)
    .bind(stamp(now))
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "UPDATE alerts SET gone_at = NULL \
         WHERE id IN (SELECT value FROM json_each($1)) AND recovered_at IS NULL",
    )
    .bind(row::json(&ids(&changes.back))?)
    .execute(&mut *tx)
    .await?;
    let recovered: Vec<Words> = sqlx::query_as(
        "UPDATE alerts SET recovered_at = $2 \
         WHERE id IN (SELECT value FROM json_each($1)) AND recovered_at IS NULL AND gone_at IS NOT NULL \
         RETURNING kind, subject, severity, text",
    )
    .bind(row::json(&ids(&changes.recovered))?)
    .bind(stamp(now))
    .fetch_all(&mut *tx)
    .await?;
    let messages = alerts::told(opened, recovered, now);
    for message in &messages {
        for channel in &channels {
            sqlx::query(alerts::QUEUE)
                .bind(channel.as_str())
                .bind(row::json(message)?)
                .bind(stamp(now))
                .execute(&mut *tx)
                .await?;
        }
    }
    for forget in alerts::FORGET {
        sqlx::query(forget)
            .bind(stamp(now - KEPT))
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(messages)
}

pub async fn claim(
    connection: &mut SqliteConnection,
    channels: Vec<Channel>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Done<Option<Attempt>> {
    for channel in channels {
        let row: Option<AttemptRow> = sqlx::query_as(alerts::CLAIM)
            .bind(channel.as_str())
            .bind(stamp(now))
            .bind(stamp(until))
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(attempt) = row.and_then(alerts::attempt) {
            return Ok(Some(attempt));
        }
    }
    Ok(None)
}

pub async fn end(
    connection: &mut SqliteConnection,
    id: i64,
    outcome: DeliveryEnd,
    now: DateTime<Utc>,
) -> Done<()> {
    let (statement, at, words) = match outcome {
        DeliveryEnd::Again(why, at) => (alerts::AGAIN, at, why),
        DeliveryEnd::Delivered(words) | DeliveryEnd::GivenUp(words) => (alerts::END, now, words),
    };
    sqlx::query(statement)
        .bind(id)
        .bind(stamp(at))
        .bind(words)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn undelivered(connection: &mut SqliteConnection) -> Done<Vec<Undelivered>> {
    let rows = sqlx::query_as(alerts::UNDELIVERED)
        .fetch_all(connection)
        .await?;
    Ok(alerts::waiting(rows))
}

pub async fn tried(connection: &mut SqliteConnection) -> Done<Vec<Tried>> {
    let rows: Vec<TriedRow> = sqlx::query_as(alerts::TRIED).fetch_all(connection).await?;
    Ok(alerts::tried(rows)?)
}

fn ids(alerts: &[AlertId]) -> Vec<i64> {
    alerts.iter().map(|alert| alert.0).collect()
}
