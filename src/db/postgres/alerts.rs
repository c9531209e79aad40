//! Alerts and their deliveries.

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};

use super::super::alerts::{self, AlertRow, AttemptRow, TriedRow, Undelivered, Words};
use super::super::row;
use super::Outcome as Done;
use crate::model::alert::{
    Alert, AlertChanges, AlertId, Attempt, Channel, Condition, DeliveryEnd, KEPT, Message, Tried,
};

pub async fn open(connection: &mut PgConnection) -> Done<Vec<Alert>> {
    let rows: Vec<AlertRow> = sqlx::query_as(alerts::OPEN).fetch_all(connection).await?;
    Ok(alerts::alerts(rows))
}

pub async fn newest(connection: &mut PgConnection, limit: u32) -> Done<Vec<Alert>> {
    let rows: Vec<AlertRow> = sqlx::query_as(alerts::NEWEST)
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await?;
    Ok(alerts::alerts(rows))
}

pub async fn change(
    connection: &mut PgConnection,
    changes: AlertChanges,
    channels: Vec<Channel>,
    now: DateTime<Utc>,
) -> Done<Vec<Message>> {
    let mut tx = connection.begin().await?;
    let new = |pick: fn(&Condition) -> &str| -> Vec<&str> {
        let opened = changes.opened.iter();
        opened.map(pick).collect()
    };
    let opened: Vec<Words> = sqlx::query_as(
        "INSERT INTO alerts (kind, subject, severity, text, opened_at) \
         SELECT kind, subject, severity, text, $5 \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS row (kind, subject, severity, text) \
         ON CONFLICT (kind, subject) WHERE recovered_at IS NULL DO NOTHING \
         RETURNING kind, subject, severity, text",
    )
    .bind(new(|one| one.kind.as_str()))
    .bind(new(|one| &one.subject))
    .bind(new(|one| one.severity.as_str()))
    .bind(new(|one| &one.text))
    .bind(now)
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query("UPDATE alerts SET gone_at = $2 WHERE id = ANY($1) AND gone_at IS NULL")
        .bind(ids(&changes.gone))
        .bind(now)
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE alerts SET gone_at = NULL WHERE id = ANY($1) AND recovered_at IS NULL")
        .bind(ids(&changes.back))
        .execute(&mut *tx)
        .await?;
    let recovered: Vec<Words> = sqlx::query_as(
        "UPDATE alerts SET recovered_at = $2 \
         WHERE id = ANY($1) AND recovered_at IS NULL AND gone_at IS NOT NULL \
         RETURNING kind, subject, severity, text",
    )
    .bind(ids(&changes.recovered))
    .bind(now)
    .fetch_all(&mut *tx)
    .await?;
    let messages = alerts::told(opened, recovered, now);
    for message in &messages {
        for channel in &channels {
            sqlx::query(alerts::QUEUE)
                .bind(channel.as_str())
                .bind(row::json(message)?)
                .bind(now)
                .execute(&mut *tx)
                .await?;
        }
    }
    for forget in alerts::FORGET {
        sqlx::query(forget)
            .bind(now - KEPT)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(messages)
}

pub async fn claim(
    connection: &mut PgConnection,
    channels: Vec<Channel>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Done<Option<Attempt>> {
    for channel in channels {
        let row: Option<AttemptRow> = sqlx::query_as(alerts::CLAIM)
            .bind(channel.as_str())
            .bind(now)
            .bind(until)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(attempt) = row.and_then(alerts::attempt) {
            return Ok(Some(attempt));
        }
    }
    Ok(None)
}

pub async fn end(
    connection: &mut PgConnection,
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
        .bind(at)
        .bind(words)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn undelivered(connection: &mut PgConnection) -> Done<Vec<Undelivered>> {
    let rows = sqlx::query_as(alerts::UNDELIVERED)
        .fetch_all(connection)
        .await?;
    Ok(alerts::waiting(rows))
}

pub async fn tried(connection: &mut PgConnection) -> Done<Vec<Tried>> {
    let rows: Vec<TriedRow> = sqlx::query_as(alerts::TRIED).fetch_all(connection).await?;
    Ok(alerts::tried(rows)?)
}

fn ids(alerts: &[AlertId]) -> Vec<i64> {
    alerts.iter().map(|alert| alert.0).collect()
}
