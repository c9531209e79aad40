//! Conversions between rows and the model, shared by both databases.

use std::io::{Read, Write};

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::work::Outcome;
use super::{DbError, Holding, RequestRow, Result, RunDetail, StoredAnswer};
use crate::model::{
    Ask, Counts, Listing, Price, Question, RejectedRow, RequestId, RunId, RunSummary, SeriesError,
    SeriesKey, SeriesReport, SourceId, SymbolAsk,
};

/// Bytes an answer may have once unpacked; far above what is ever kept.
const MAX_UNPACKED: u64 = 64 << 20;

/// Parses a stored word; an error names the column.
pub fn word<T: std::str::FromStr>(text: &str, column: &str) -> Result<T> {
    text.parse().map_err(|_| {
        DbError::other(format!(
            "the store holds {text:?} in {column}, which this program does not know"
        ))
    })
}

pub fn series_key(source: &str, symbol: &str, interval: &str, adjusted: bool) -> Result<SeriesKey> {
    Ok(SeriesKey {
        source: word(source, "source")?,
        symbol: word(symbol, "symbol")?,
        interval: word(interval, "interval")?,
        adjusted,
    })
}

/// The parameters of a request as one line.
pub fn query_text(ask: &Question) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(ask.query())
        .finish()
}

/// The source that a request is sent to.
pub fn source(ask: &Question) -> &str {
    let source = ask.series().map(|series| &series.source);
    source.unwrap_or(&SourceId::DEFAULT).as_str()
}

/// The request about a series, or about symbols, whose parameters [`query_text`] wrote.
pub fn question(series: Option<SeriesKey>, query: &str) -> Question {
    let query = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    match series {
        Some(series) => Question::Bars(Ask { series, query }),
        None => Question::Symbols(SymbolAsk { query }),
    }
}

pub fn gzip(body: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .map_err(|error| DbError::other(error.to_string()).caused_by(error))
}

pub fn gunzip(body: &[u8]) -> Result<Bytes> {
    let mut text = Vec::new();
    GzDecoder::new(body)
        .take(MAX_UNPACKED)
        .read_to_end(&mut text)
        .map_err(|error| {
            DbError::other(format!("a kept answer cannot be unpacked: {error}")).caused_by(error)
        })?;
    Ok(text.into())
}

/// The days from 1970-01-01 to a date.
pub fn epoch_day(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days()
}

pub fn from_epoch_day(day: i64) -> NaiveDate {
    chrono::TimeDelta::try_days(day)
        .and_then(|days| NaiveDate::default().checked_add_signed(days))
        .unwrap_or_default()
}

pub fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

/// A count as SQL gives it; negative only in a store edited by hand.
pub fn count<T: TryFrom<i64> + Default>(value: i64) -> T {
    T::try_from(value).unwrap_or_default()
}

pub fn optional_price(units: Option<i64>) -> Option<Price> {
    units.map(Price::from_units)
}

/// What is stored for a symbol in one series, its instants as the database has them.
#[derive(Debug, sqlx::FromRow)]
pub struct HeldRow<T> {
    source: String,
    symbol: String,
    interval: String,
    adjusted: bool,
    bars: i64,
    oldest: Option<T>,
    newest: Option<T>,
}

impl<T> HeldRow<T> {
    /// `None` if the total counts bars that are gone.
    pub fn holding(
        self,
        instant: impl Fn(T) -> Outcome<DateTime<Utc>>,
    ) -> Outcome<Option<Holding>> {
        let series = series_key(&self.source, &self.symbol, &self.interval, self.adjusted)?;
        let (Some(oldest), Some(newest)) = (self.oldest, self.newest) else {
            return Ok(None);
        };
        Ok(Some(Holding {
            series,
            bars: count(self.bars),
            oldest: instant(oldest)?,
            newest: instant(newest)?,
        }))
    }
}

/// A row of `listings`.
pub fn listing(row: (String, String, String, String)) -> Result<Listing> {
    let (symbol, name, exchange, kind) = row;
    Ok(Listing {
        symbol: word(&symbol, "symbol")?,
        name,
        exchange,
        kind,
    })
}

/// A row of `run_series` in the types both databases decode to.
#[derive(Debug, sqlx::FromRow)]
pub struct RunSeriesRow {
    source: String,
    symbol: String,
    interval: String,
    adjusted: bool,
    status: String,
    received: i64,
    inserted: i64,
    changed: i64,
    unchanged: i64,
    rejected: i64,
    rounded: i64,
    set_aside: i64,
    first_at: Option<DateTime<Utc>>,
    last_at: Option<DateTime<Utc>>,
    attempts: i64,
    requests: i64,
    error_class: Option<String>,
    error_message: Option<String>,
}

impl RunSeriesRow {
    pub fn report(self) -> Result<SeriesReport> {
        let series = series_key(&self.source, &self.symbol, &self.interval, self.adjusted)?;
        let error = match (self.error_class, self.error_message) {
            (Some(class), message) => Some(SeriesError {
                class: word(&class, "error_class")?,
                message: message.unwrap_or_default(),
            }),
            (None, _) => None,
        };
        Ok(SeriesReport {
            series,
            status: word(&self.status, "status")?,
            received: count(self.received),
            counts: Counts {
                inserted: count(self.inserted),
                changed: count(self.changed),
                unchanged: count(self.unchanged),
            },
            rejected: count(self.rejected),
            rounded: count(self.rounded),
            set_aside: count(self.set_aside),
            first: self.first_at,
            last: self.last_at,
            attempts: count(self.attempts),
            requests: count(self.requests),
            error,
        })
    }
}

/// The `$1` newest runs, or run number `$2`. A run about symbols has no series that count its requests.
pub const RUNS: &str = "\
    SELECT r.id, r.status, r.trigger, r.started_at, r.finished_at, count(s.run_id) AS series, \
           count(CASE WHEN s.status IN ('succeeded', 'skipped') THEN 1 END) AS succeeded, \
           CASE WHEN count(s.run_id) > 0 THEN CAST(coalesce(sum(s.requests), 0) AS bigint) \
                ELSE (SELECT count(*) FROM requests q WHERE q.run_id = r.id AND q.state <> 'not_sent') \
           END AS requests, \
           CAST(coalesce(sum(s.inserted), 0) AS bigint) AS inserted, \
           CAST(coalesce(sum(s.changed), 0) AS bigint) AS changed \
    FROM (SELECT * FROM runs WHERE CAST($2 AS bigint) IS NULL OR id = $2 ORDER BY id DESC LIMIT $1) r \
    LEFT JOIN run_series s ON s.run_id = r.id \
    GROUP BY r.id, r.status, r.trigger, r.started_at, r.finished_at ORDER BY r.id DESC";

/// Requests of the key `$1` since `$2` in runs with trigger `$3`.
pub const SENT_SINCE: &str = "\
    SELECT count(*) FROM requests q JOIN runs r ON r.id = q.run_id \
    WHERE q.key_fingerprint = $1 AND q.reserved_at >= $2 AND q.state <> 'not_sent' AND r.trigger = $3";

/// The series of run `$1`.
pub const RUN_SERIES: &str = "\
    SELECT source, symbol, interval, adjusted, status, CAST(received AS bigint) AS received, \
           CAST(inserted AS bigint) AS inserted, CAST(changed AS bigint) AS changed, \
           CAST(unchanged AS bigint) AS unchanged, CAST(rejected AS bigint) AS rejected, \
           CAST(rounded AS bigint) AS rounded, CAST(set_aside AS bigint) AS set_aside, \
           first_at, last_at, CAST(attempts AS bigint) AS attempts, \
           CAST(requests AS bigint) AS requests, error_class, error_message \
    FROM run_series WHERE run_id = $1 ORDER BY source, symbol, interval, adjusted";

/// The requests of run `$1`, each with the series it is about.
pub const RUN_REQUESTS: &str = "\
    SELECT q.id, q.source, coalesce(s.symbol, '') AS symbol, coalesce(s.interval, '') AS interval, \
           coalesce(s.adjusted, false) AS adjusted, q.parameters AS query, CAST(q.attempt AS bigint) AS attempt, \
           q.state, q.class, CAST(q.http_status AS bigint) AS http_status, \
           CAST(q.elapsed_ms AS bigint) AS elapsed_ms, q.reserved_at, q.ended_at, \
           CAST(q.parse_ms AS bigint) AS parse_ms \
    FROM requests q LEFT JOIN request_series s ON s.request_id = q.id WHERE q.run_id = $1 \
    ORDER BY q.id, s.source, s.symbol, s.interval, s.adjusted";

/// What validation refused or set aside in run `$1`.
pub const RUN_REJECTED: &str = "\
    SELECT r.source, r.symbol, r.interval, r.adjusted, r.label, r.content, r.reason \
    FROM requests q JOIN rejected_rows r ON r.request_id = q.id WHERE q.run_id = $1 ORDER BY r.id LIMIT 100";

/// The answer to request `$1`.
pub const ANSWER: &str = "\
    SELECT CAST(q.http_status AS bigint) AS http_status, a.content_type, \
           coalesce(a.received_at, q.ended_at, q.reserved_at) AS received_at, \
           CAST(q.elapsed_ms AS bigint) AS elapsed_ms, a.body \
    FROM requests q LEFT JOIN answers a ON a.request_id = q.id WHERE q.id = $1";

/// A row of `rejected_rows`.
#[derive(Debug, sqlx::FromRow)]
pub struct RefusedRow {
    source: String,
    symbol: String,
    interval: String,
    adjusted: bool,
    label: String,
    content: String,
    reason: String,
}

impl RefusedRow {
    fn note(self) -> Result<(SeriesKey, RejectedRow)> {
        let series = series_key(&self.source, &self.symbol, &self.interval, self.adjusted)?;
        let row = RejectedRow {
            label: self.label,
            content: self.content,
            reason: self.reason,
        };
        Ok((series, row))
    }
}

/// A kept answer in the types both databases decode to.
#[derive(Debug, sqlx::FromRow)]
pub struct AnswerRow {
    http_status: Option<i64>,
    content_type: Option<String>,
    received_at: DateTime<Utc>,
    elapsed_ms: Option<i64>,
    body: Option<Vec<u8>>,
}

impl AnswerRow {
    pub fn answer(self) -> Result<StoredAnswer> {
        Ok(StoredAnswer {
            status: self.http_status.map(count),
            content_type: self.content_type,
            received_at: self.received_at,
            elapsed_ms: self.elapsed_ms.map(count).unwrap_or_default(),
            body: self.body.as_deref().map(gunzip).transpose()?,
        })
    }
}

/// Puts the rows of one run together.
pub fn detail(
    run: RunRow,
    series: Vec<RunSeriesRow>,
    requests: Vec<LedgerRow>,
    rejected: Vec<RefusedRow>,
) -> Result<RunDetail> {
    Ok(RunDetail {
        summary: run.summary()?,
        series: series
            .into_iter()
            .map(RunSeriesRow::report)
            .collect::<Result<_>>()?,
        requests: requests.into_iter().map(RequestRow::from).collect(),
        rejected: rejected
            .into_iter()
            .map(RefusedRow::note)
            .collect::<Result<_>>()?,
    })
}

/// A row of the run history in the types both databases decode to.
#[derive(Debug, sqlx::FromRow)]
pub struct RunRow {
    id: i64,
    status: String,
    trigger: String,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    series: i64,
    succeeded: i64,
    requests: i64,
    inserted: i64,
    changed: i64,
}

impl RunRow {
    pub fn summary(self) -> Result<RunSummary> {
        Ok(RunSummary {
            id: RunId(self.id),
            status: word(&self.status, "status")?,
            trigger: self.trigger,
            started_at: self.started_at,
            finished_at: self.finished_at,
            series: count(self.series),
            succeeded: count(self.succeeded),
            requests: count(self.requests),
            inserted: count(self.inserted),
            changed: count(self.changed),
        })
    }
}

/// A row of the request ledger in the types both databases decode to.
#[derive(Debug, sqlx::FromRow)]
pub struct LedgerRow {
    id: i64,
    source: String,
    symbol: String,
    interval: String,
    adjusted: bool,
    query: String,
    attempt: i64,
    state: String,
    class: Option<String>,
    http_status: Option<i64>,
    elapsed_ms: Option<i64>,
    reserved_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    parse_ms: Option<i64>,
}

impl From<LedgerRow> for RequestRow {
    fn from(row: LedgerRow) -> Self {
        Self {
            id: RequestId(row.id),
            source: row.source,
            symbol: row.symbol,
            interval: row.interval,
            adjusted: row.adjusted,
            query: row.query,
            attempt: count(row.attempt),
            state: row.state,
            class: row.class,
            http_status: row.http_status.map(count),
            elapsed_ms: row.elapsed_ms.map(count),
            reserved_at: row.reserved_at,
            ended_at: row.ended_at,
            parse_ms: row.parse_ms.map(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_survives_being_written_down() {
        let series = series_key("alpaca", "A&B=C", "5min", false).unwrap();
        let query = vec![
            ("symbol".to_owned(), "A&B=C".to_owned()),
            ("month".into(), "2009-01".into()),
        ];
        for before in [
            Question::Symbols(SymbolAsk {
                query: query.clone(),
            }),
            Ask { series, query }.into(),
        ] {
            let after = question(before.series().cloned(), &query_text(&before));
            assert_eq!(after, before);
        }
    }

    #[test]
    fn days_and_bodies_round_trip() {
        let date = NaiveDate::from_ymd_opt(1999, 11, 1).unwrap();
        assert_eq!(from_epoch_day(epoch_day(date)), date);
        assert_eq!(gunzip(&gzip(b"bars").unwrap()).unwrap(), "bars");
        assert!(gunzip(b"not gzip").is_err());
    }

    #[test]
    fn a_word_from_elsewhere_is_named() {
        let error = series_key("alpaca", "IBM", "7min", false);
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("7min") && error.contains("interval"),
            "{error}"
        );
    }
}
