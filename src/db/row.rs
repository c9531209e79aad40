//! Conversions between rows and the model, shared by both databases.

use std::io::{Read, Write};

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::work::Outcome;
use super::{
    DbError, HeldMonths, Holding, LastFailure, RequestRow, Result, RunDetail, StoredAnswer, ledger,
};
use crate::model::{
    Counts, Price, RejectedRow, Request, RequestId, RunId, RunSummary, SeriesError, SeriesKey,
    SeriesReport, SourceId,
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

/// Rows as one value in JSON.
pub fn json(rows: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(rows).map_err(|error| {
        DbError::other(format!("the rows cannot be written ({error})")).caused_by(error)
    })
}

/// Bars by month, from the rows of a series' four words and its months as text.
pub fn months(rows: Vec<(String, String, String, bool, String)>) -> Result<Vec<HeldMonths>> {
    let each =
        |(source, symbol, interval, adjusted, months): (String, String, String, _, String)| {
            let months = months.split(';').map(|text| {
                held_month(text).ok_or_else(|| {
                    DbError::other(format!(
                        "the store holds bars of a month that reads {text:?}"
                    ))
                })
            });
            Ok(HeldMonths {
                series: series_key(&source, &symbol, &interval, adjusted)?,
                months: months.collect::<Result<_>>()?,
            })
        };
    rows.into_iter().map(each).collect()
}

/// A month and its bars: `2026-11 20`.
fn held_month(text: &str) -> Option<(NaiveDate, u64)> {
    let (month, bars) = text.split_once(' ')?;
    let (year, month) = month.split_once('-')?;
    let first = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?;
    Some((first, bars.parse().ok()?))
}

/// The parameters of a request as one line.
pub fn parameters_text(request: &Request) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&request.parameters)
        .finish()
}

/// The parameters that [`parameters_text`] wrote.
pub fn parameters(text: &str) -> Vec<(String, String)> {
    let pairs = url::form_urlencoded::parse(text.as_bytes());
    pairs.into_owned().collect()
}

/// The request whose parameters [`parameters_text`] wrote; its series are read beside it.
pub fn request((source, endpoint): (&str, String), parameters: &str, page: i64) -> Result<Request> {
    Ok(Request {
        source: word(source, "source")?,
        endpoint,
        parameters: self::parameters(parameters),
        series: vec![],
        riders: vec![],
        page: count(page),
    })
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

/// The sources in the order of their ranks, if it is not the one that is stored: those that are not
/// named stay, after the others.
pub fn ranked(stored: &[String], order: &[SourceId]) -> Option<Vec<String>> {
    let named = order.iter().map(|source| source.as_str().to_owned());
    let mut wanted: Vec<String> = named.collect();
    let others = stored.iter().filter(|word| !wanted.contains(word));
    wanted.extend(others.cloned().collect::<Vec<_>>());
    (wanted != stored).then_some(wanted)
}

/// `OLDER_BARS` of `model::run`.
macro_rules! older_bars {
    () => {
        "('backfill', 'history', 'month')"
    };
}
pub(super) use older_bars;

/// The columns of the newest failure of a series.
#[derive(Debug, sqlx::FromRow)]
pub struct FailureRow {
    failed_at: Option<DateTime<Utc>>,
    spent: Option<i64>,
    error_class: Option<String>,
    error_message: Option<String>,
}

impl FailureRow {
    /// The failure, unless the series was fetched with success since.
    pub fn failure(self, fetched_at: Option<DateTime<Utc>>) -> Option<LastFailure> {
        let at = self.failed_at?;
        let class = ledger::class(self.error_class)?;
        fetched_at
            .is_none_or(|fetched| fetched < at)
            .then(|| LastFailure {
                at,
                requests: count(self.spent.unwrap_or_default()),
                error: SeriesError {
                    class,
                    message: self.error_message.unwrap_or_default(),
                },
            })
    }
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
    retries: i64,
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
            retries: count(self.retries),
            error,
        })
    }
}

/// When the request started after which key `$1` sent `$3` more, if all of them started after `$2`.
pub const NTH_NEWEST_SINCE: &str = "\
    SELECT reserved_at FROM requests \
    WHERE key_fingerprint = $1 AND reserved_at > $2 AND state <> 'not_sent' \
    ORDER BY reserved_at DESC LIMIT 1 OFFSET $3";

/// Columns of a kept answer with its request.
macro_rules! kept {
    ($rest:literal) => {
        concat!(
            "SELECT q.id, q.run_id, q.source, q.endpoint, q.parameters, q.page, a.received_at, a.http_status, \
                    a.content_type, a.body, q.elapsed_ms, q.key_fingerprint, q.plan \
             FROM requests q JOIN answers a ON a.request_id = q.id ",
            $rest
        )
    };
}

/// Answers that were kept but not stored by runs that are over.
pub const UNAPPLIED: &str = kept!(
    "JOIN runs r ON r.id = q.run_id WHERE q.state = 'answered' AND r.status <> 'running' ORDER BY q.id"
);

/// Runs back from the newest in which an unfinished answer is looked for.
macro_rules! look_back {
    () => {
        "100"
    };
}

/// The newest stored page of each request to source `$1` whose series did not come to their end, in
/// the newest run that asked for them. What failed by its content is not continued.
pub const UNFINISHED: &str = concat!(
    kept!(
        "WHERE q.state = 'stored' AND q.id IN ( \
             SELECT max(p.id) FROM run_series s \
             JOIN request_series t ON t.source = s.source AND t.symbol = s.symbol \
                  AND t.interval = s.interval AND t.adjusted = s.adjusted \
             JOIN requests p ON p.id = t.request_id AND p.run_id = s.run_id \
             WHERE s.source = $1 AND p.state = 'stored' \
               AND s.status IN ('interrupted', 'cancelled', 'failed', 'refused') \
               AND coalesce(s.error_class, '') NOT IN ('malformed', 'endless', 'bad_request', 'client_bug') \
               AND s.run_id > (SELECT coalesce(max(id), 0) FROM runs) - "
    ),
    look_back!(),
    " AND NOT EXISTS (SELECT 1 FROM run_series n WHERE n.run_id > s.run_id AND n.source = s.source \
                     AND n.symbol = s.symbol AND n.interval = s.interval AND n.adjusted = s.adjusted \
                     AND n.requests > 0) \
             GROUP BY s.run_id, s.source, s.symbol, s.interval, s.adjusted) ORDER BY q.id"
);

/// The series of request `$1`.
pub const SERIES_OF_REQUEST: &str = "\
    SELECT source, symbol, interval, adjusted FROM request_series WHERE request_id = $1 \
    ORDER BY source, symbol, interval, adjusted";

/// Counts the requests of the run of request `$1` in each of the series that it is about.
pub const COUNT_REQUESTS: &str = "\
    UPDATE run_series SET attempts = c.attempts, requests = c.requests, retries = c.retries \
    FROM (SELECT q.run_id, t.source, t.symbol, t.interval, t.adjusted, count(*) AS attempts, \
                 count(CASE WHEN q.state <> 'not_sent' THEN 1 END) AS requests, \
                 count(CASE WHEN q.state <> 'not_sent' AND q.attempt > 1 THEN 1 END) AS retries \
          FROM request_series this JOIN requests mine ON mine.id = this.request_id \
          JOIN requests q ON q.run_id = mine.run_id \
          JOIN request_series t ON t.request_id = q.id AND t.source = this.source AND t.symbol = this.symbol \
               AND t.interval = this.interval AND t.adjusted = this.adjusted \
          WHERE this.request_id = $1 \
          GROUP BY q.run_id, t.source, t.symbol, t.interval, t.adjusted) c \
    WHERE run_series.run_id = c.run_id AND run_series.source = c.source AND run_series.symbol = c.symbol \
      AND run_series.interval = c.interval AND run_series.adjusted = c.adjusted";

/// The `$1` newest runs, or run number `$2`. A request about several series counts once in its run.
pub const RUNS: &str = "\
    SELECT r.id, r.status, r.trigger, r.started_at, r.finished_at, count(s.run_id) AS series, \
           count(CASE WHEN s.status IN ('succeeded', 'skipped') THEN 1 END) AS succeeded, \
           (SELECT count(*) FROM requests q WHERE q.run_id = r.id AND q.state <> 'not_sent') AS requests, \
           (SELECT count(*) FROM requests q WHERE q.run_id = r.id AND q.state <> 'not_sent' AND q.attempt > 1) \
           AS retries, \
           CAST(coalesce(sum(s.inserted), 0) AS bigint) AS inserted, \
           CAST(coalesce(sum(s.changed), 0) AS bigint) AS changed \
    FROM (SELECT * FROM runs WHERE CAST($2 AS bigint) IS NULL OR id = $2 ORDER BY id DESC LIMIT $1) r \
    LEFT JOIN run_series s ON s.run_id = r.id \
    GROUP BY r.id, r.status, r.trigger, r.started_at, r.finished_at ORDER BY r.id DESC";

/// The sources whose newest run of the schedule did not end.
pub const CUT_SHORT: &str = "\
    SELECT source FROM ( \
        SELECT s.source, r.status, row_number() OVER (PARTITION BY s.source ORDER BY r.id DESC) AS place \
        FROM runs r JOIN run_series s ON s.run_id = r.id \
        WHERE r.id > (SELECT max(id) FROM runs) - 50 AND r.trigger IN ('schedule', 'start', 'missed')) newest \
    WHERE place = 1 AND status IN ('running', 'interrupted')";

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
           CAST(requests AS bigint) AS requests, CAST(retries AS bigint) AS retries, error_class, \
           error_message \
    FROM run_series WHERE run_id = $1 ORDER BY source, symbol, interval, adjusted";

/// The requests of run `$1`, each with the series it is about.
pub const RUN_REQUESTS: &str = "\
    SELECT q.id, q.source, coalesce(s.symbol, '') AS symbol, coalesce(s.interval, '') AS interval, \
           coalesce(s.adjusted, false) AS adjusted, q.endpoint, q.parameters AS query, CAST(q.attempt AS bigint) AS attempt, \
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
    retries: i64,
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
            retries: count(self.retries),
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
    endpoint: String,
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
            endpoint: row.endpoint,
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
    use crate::model::run::OLDER_BARS;

    #[test]
    fn a_request_survives_being_written_down() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let before = Request {
            source: SourceId::known("alpaca"),
            endpoint: "BARS".to_owned(),
            parameters: vec![pair("symbol", "A&B=C"), pair("month", "2009-01")],
            series: vec![],
            riders: vec![],
            page: 3,
        };
        let text = parameters_text(&before);
        let after = request(("alpaca", "BARS".to_owned()), &text, 3);
        assert_eq!(after.unwrap(), before);
    }

    #[test]
    fn days_and_bodies_round_trip() {
        let date = NaiveDate::from_ymd_opt(1999, 11, 1).unwrap();
        assert_eq!(from_epoch_day(epoch_day(date)), date);
        assert_eq!(gunzip(&gzip(b"bars").unwrap()).unwrap(), "bars");
        assert!(gunzip(b"not gzip").is_err());
    }

    #[test]
    fn the_triggers_for_older_bars_are_those_of_the_model() {
        let written = OLDER_BARS.map(|trigger| format!("'{trigger}'"));
        assert_eq!(older_bars!(), format!("({})", written.join(", ")));
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
