//! What one session of daily series leaves in a store besides bars, as statements: a run, its requests, what it did
//! for each series, events, the instant of the schedule, and alerts that open and end.

/// One in so many requests brings a row that is no bar.
const REJECTED: u32 = 100;
/// Alerts of a session.
const ALERTS: u32 = 10;

/// A year of sessions.
#[derive(Clone, Copy)]
pub struct Year {
    /// Whether the statements are for PostgreSQL.
    pub is_postgres: bool,
    /// Sessions of the year; the last is now.
    pub sessions: u32,
    /// Daily series, each asked for once a session.
    pub series: u32,
}

impl Year {
    /// How many days ago a session was.
    pub fn days_ago(self, session: u32) -> f64 {
        365.0 - 365.0 * f64::from(session) / f64::from(self.sessions)
    }

    /// The statements of a session, the first is 1.
    pub fn session(self, session: u32) -> Vec<String> {
        let Self { series, .. } = self;
        let days = self.days_ago(session);
        let (at, no, attempt) = if self.is_postgres {
            (
                format!("now() - {days} * interval '1 day'"),
                "false",
                "gen_random_uuid()",
            )
        } else {
            (
                format!("strftime('%Y-%m-%d %H:%M:%f', 'now', '-{days} days')"),
                "0",
                "lower(hex(randomblob(16)))",
            )
        };
        let first = (session - 1) * series;
        let numbers = |count: u32| {
            format!(
                "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
            )
        };
        let (all, rejected, alerts) = (
            numbers(series),
            numbers(series.div_ceil(REJECTED)),
            numbers(ALERTS),
        );
        let each = format!("'alpha_vantage', 'S' || n, 'daily', {no}");
        vec![
            format!(
                "INSERT INTO runs (id, status, trigger, lock_key, started_at, finished_at) VALUES ({session}, 'succeeded', 'schedule', 1, {at}, {at})"
            ),
            format!(
                "INSERT INTO run_series (run_id, source, symbol, interval, adjusted, status, received, inserted, attempts, requests, finished_at) {all} SELECT {session}, {each}, 'succeeded', 100, 1, 1, 1, {at} FROM numbers"
            ),
            format!(
                "INSERT INTO requests (id, attempt_id, run_id, source, endpoint, parameters, key_fingerprint, plan, attempt, state, http_status, elapsed_ms, reserved_at, ended_at) {all} SELECT {first} + n, {attempt}, {session}, 'alpha_vantage', 'TIME_SERIES_DAILY', 'symbol=S' || n || '&outputsize=compact', '3f2a9c01d4e57b68', 'premium75', 1, 'stored', 200, 180, {at}, {at} FROM numbers"
            ),
            format!(
                "INSERT INTO request_series (request_id, source, symbol, interval, adjusted) {all} SELECT {first} + n, {each} FROM numbers"
            ),
            format!(
                "INSERT INTO rejected_rows (request_id, source, symbol, interval, adjusted, label, content, reason) {rejected} SELECT {first} + n, {each}, '2026-05-15', '{{}}', 'a price is zero' FROM numbers"
            ),
            format!(
                "INSERT INTO events (at, name, detail) {all} SELECT {at}, 'series_ended', '{{\"run\": {session}, \"source\": \"alpha_vantage\", \"symbol\": \"S' || n || '\", \"interval\": \"daily\", \"adjusted\": false, \"status\": \"succeeded\", \"inserted\": 1, \"changed\": 0}}' FROM numbers"
            ),
            format!(
                "INSERT INTO ticks (at, source, outcome, run_id, decided_at) VALUES ({at}, 'alpha_vantage', 'done', {session}, {at})"
            ),
            format!(
                "INSERT INTO alerts (kind, subject, severity, text, opened_at, gone_at, recovered_at) {alerts} SELECT 'holes', 'S' || n || ' daily', 'warning', 'S' || n || ' has holes', {at}, {at}, {at} FROM numbers"
            ),
            format!(
                "INSERT INTO alert_deliveries (channel, payload, created_at, attempts, next_at, ended_at, outcome) {alerts} SELECT 'webhook', '{{}}', {at}, 1, {at}, {at}, 'HTTP 200' FROM numbers"
            ),
        ]
    }
}
