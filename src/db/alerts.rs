//! Alerts and their deliveries: opened once, ended once, sent by one process at a time.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::error::Result;
use super::row::{count, series_key};
use crate::model::alert::{
    Alert, AlertChanges, AlertEvent, AlertId, Attempt, Channel, Condition, DeliveryEnd, Message,
    ToldAlert, Tried, messages,
};

/// A message that has not arrived yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undelivered {
    /// Where to.
    pub channel: Channel,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: DateTime<Utc>,
    /// How the last attempt ended.
    pub outcome: Option<String>,
}

/// What a store does with alerts.
#[async_trait]
pub trait AlertStore: fmt::Debug + Send + Sync {
    /// The open alerts, oldest first.
    async fn open_alerts(&self) -> Result<Vec<Alert>>;

    /// The newest alerts, newest first.
    async fn alerts(&self, limit: u32) -> Result<Vec<Alert>>;

    /// Changes alerts, and puts a delivery of each message about it to each channel, in one transaction;
    /// returns the messages. What another process opened or ended first is not told again. Forgets what
    /// was over long ago.
    async fn change_alerts(
        &self,
        changes: AlertChanges,
        channels: Vec<Channel>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Message>>;

    /// Takes the oldest waiting delivery of these channels, if its time has come: it is this process's
    /// until `until`. The messages of a channel follow each other.
    async fn claim_delivery(
        &self,
        channels: Vec<Channel>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Attempt>>;

    /// Notes how an attempt ended.
    async fn end_delivery(&self, id: i64, outcome: DeliveryEnd, now: DateTime<Utc>) -> Result<()>;

    /// The messages that have not arrived yet, oldest first.
    async fn undelivered(&self) -> Result<Vec<Undelivered>>;

    /// The series that the newest runs tried, and how often each has failed since its last success.
    async fn tried(&self) -> Result<Vec<Tried>>;
}

pub(super) const OPEN: &str = "\
    SELECT id, kind, subject, severity, text, opened_at, gone_at, recovered_at FROM alerts \
    WHERE recovered_at IS NULL ORDER BY id";

pub(super) const NEWEST: &str = "\
    SELECT id, kind, subject, severity, text, opened_at, gone_at, recovered_at FROM alerts \
    ORDER BY id DESC LIMIT $1";

pub(super) const UNDELIVERED: &str = "\
    SELECT channel, CAST(attempts AS bigint) AS attempts, next_at, outcome FROM alert_deliveries \
    WHERE ended_at IS NULL ORDER BY id";

/// Takes the delivery of channel `$1` whose time `$2` has come, until `$3`.
pub(super) const CLAIM: &str = "\
    UPDATE alert_deliveries SET attempts = attempts + 1, next_at = $3 \
    WHERE id = (SELECT min(id) FROM alert_deliveries WHERE channel = $1 AND ended_at IS NULL) \
      AND ended_at IS NULL AND next_at <= $2 \
    RETURNING id, channel, payload, created_at, CAST(attempts AS bigint) AS attempts";

pub(super) const QUEUE: &str = "\
    INSERT INTO alert_deliveries (channel, payload, created_at, next_at) VALUES ($1, $2, $3, $3)";

pub(super) const END: &str =
    "UPDATE alert_deliveries SET ended_at = $2, outcome = $3 WHERE id = $1 AND ended_at IS NULL";

pub(super) const AGAIN: &str =
    "UPDATE alert_deliveries SET next_at = $2, outcome = $3 WHERE id = $1 AND ended_at IS NULL";

/// What was over before `$1`, and messages that old to a channel that is no longer set.
pub(super) const FORGET: [&str; 2] = [
    "DELETE FROM alerts WHERE recovered_at < $1",
    "DELETE FROM alert_deliveries WHERE coalesce(ended_at, created_at) < $1",
];

/// A used-up day says nothing about a series. Between two attempts of a daily series there may be a
/// thousand runs of others: its failures are counted in all runs.
pub(super) const TRIED: &str = "\
    WITH tried AS ( \
        SELECT source, symbol, interval, adjusted, run_id, status, error_class, error_message, \
               row_number() OVER (PARTITION BY source, symbol, interval, adjusted ORDER BY run_id DESC) AS place, \
               max(CASE WHEN status = 'succeeded' THEN run_id ELSE 0 END) \
                   OVER (PARTITION BY source, symbol, interval, adjusted) AS good \
        FROM run_series \
        WHERE run_id > (SELECT max(id) FROM runs) - 50 AND status IN ('succeeded', 'refused', 'failed') \
          AND coalesce(error_class, '') <> 'day') \
    SELECT t.source, t.symbol, t.interval, t.adjusted, \
           CASE WHEN max(CASE WHEN run_id > good THEN 1 ELSE 0 END) = 0 THEN 0 ELSE \
               CAST(count(CASE WHEN run_id > good AND status = 'refused' THEN 1 END) AS bigint) \
               + (SELECT count(*) FROM run_series f \
                  WHERE f.source = t.source AND f.symbol = t.symbol AND f.interval = t.interval \
                    AND f.adjusted = t.adjusted AND f.status = 'failed' AND coalesce(f.error_class, '') <> 'day' \
                    AND NOT EXISTS ( \
                        SELECT 1 FROM run_series s \
                        WHERE s.source = f.source AND s.symbol = f.symbol AND s.interval = f.interval \
                          AND s.adjusted = f.adjusted AND s.status = 'succeeded' \
                          AND s.finished_at >= f.finished_at)) END AS failures, \
           max(CASE WHEN place = 1 AND run_id > good THEN error_class END) AS error_class, \
           max(CASE WHEN place = 1 AND run_id > good THEN error_message END) AS error_message \
    FROM tried t GROUP BY t.source, t.symbol, t.interval, t.adjusted";

#[derive(sqlx::FromRow)]
pub(super) struct AlertRow {
    id: i64,
    kind: String,
    subject: String,
    severity: String,
    text: String,
    opened_at: DateTime<Utc>,
    gone_at: Option<DateTime<Utc>>,
    recovered_at: Option<DateTime<Utc>>,
}

/// The condition in a row of four words; `None`: a newer version wrote it.
fn condition((kind, subject, severity, text): Words) -> Option<Condition> {
    Some(Condition {
        kind: kind.parse().ok()?,
        subject,
        severity: severity.parse().ok()?,
        text,
    })
}

/// Kind, subject, severity and text.
pub(super) type Words = (String, String, String, String);

/// Alerts from their rows, without those of a newer version.
pub(super) fn alerts(rows: Vec<AlertRow>) -> Vec<Alert> {
    let alert = |row: AlertRow| {
        Some(Alert {
            id: AlertId(row.id),
            condition: condition((row.kind, row.subject, row.severity, row.text))?,
            opened_at: row.opened_at,
            gone_at: row.gone_at,
            recovered_at: row.recovered_at,
        })
    };
    rows.into_iter().filter_map(alert).collect()
}

/// The messages about the rows that were opened and that recovered.
pub(super) fn told(opened: Vec<Words>, recovered: Vec<Words>, now: DateTime<Utc>) -> Vec<Message> {
    let each = |event, rows: Vec<Words>| {
        let conditions = rows.into_iter().filter_map(condition);
        conditions.map(move |condition| (event, condition))
    };
    let opened = each(AlertEvent::Opened, opened);
    let told: Vec<ToldAlert> = opened
        .chain(each(AlertEvent::Recovered, recovered))
        .collect();
    messages(told, now)
}

#[derive(sqlx::FromRow)]
pub(super) struct AttemptRow {
    id: i64,
    channel: String,
    payload: String,
    created_at: DateTime<Utc>,
    attempts: i64,
}

/// A claimed delivery.
pub(super) fn attempt(row: AttemptRow) -> Option<Attempt> {
    Some(Attempt {
        id: row.id,
        channel: row.channel.parse().ok()?,
        payload: row.payload,
        created_at: row.created_at,
        attempts: count(row.attempts),
    })
}

/// Messages that wait, from channel, attempts, next attempt and last outcome.
pub(super) fn waiting(rows: Vec<(String, i64, DateTime<Utc>, Option<String>)>) -> Vec<Undelivered> {
    let each = |(channel, attempts, next_at, outcome): (String, i64, _, _)| {
        Some(Undelivered {
            channel: channel.parse().ok()?,
            attempts: count(attempts),
            next_at,
            outcome,
        })
    };
    rows.into_iter().filter_map(each).collect()
}

#[derive(sqlx::FromRow)]
pub(super) struct TriedRow {
    source: String,
    symbol: String,
    interval: String,
    adjusted: bool,
    failures: i64,
    error_class: Option<String>,
    error_message: Option<String>,
}

/// Series that were tried, from their rows.
pub(super) fn tried(rows: Vec<TriedRow>) -> Result<Vec<Tried>> {
    let each = |row: TriedRow| {
        let class = super::ledger::class(row.error_class);
        Ok(Tried {
            series: series_key(&row.source, &row.symbol, &row.interval, row.adjusted)?,
            failures: count(row.failures),
            problem: class.map(|class| (class, row.error_message.unwrap_or_default())),
        })
    };
    rows.into_iter().map(each).collect()
}
