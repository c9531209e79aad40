//! A large store, and a provider that answers with large months.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use pipeline_tui::db::{Access, PgTarget, Store, open_postgres, open_sqlite};
use pipeline_tui::time::Clock;

use super::cluster;
use super::month;
use super::program::Desk;

/// Bars of the large series: one each minute, without a gap.
pub(crate) const BARS: i64 = 1_000_000;

/// The newest bar of the large series.
pub(crate) fn newest() -> DateTime<Utc> {
    "2026-05-15T19:59:00Z".parse().unwrap()
}

/// The oldest bar of the large series.
pub(crate) fn oldest() -> DateTime<Utc> {
    newest() - TimeDelta::minutes(BARS - 1)
}

/// Opens the store of a desk.
pub(crate) async fn open(desk: &Desk) -> Arc<dyn Store> {
    std::fs::create_dir_all(desk.database().parent().unwrap()).unwrap();
    let store = match desk.postgres() {
        Some(url) => {
            let target = PgTarget {
                url: pipeline_tui::config::Secret::new(url),
                shown: "the bench".to_owned(),
            };
            open_postgres(target, Access::ReadWrite).await
        }
        None => open_sqlite(&desk.database(), Access::ReadWrite).await,
    };
    store.unwrap()
}

/// Makes the store of a desk with a watch list, its schedule idle until its next instant.
pub(crate) async fn prepare(desk: &Desk, watched: &[(String, &str)], is_paused: bool) {
    let store = open(desk).await;
    store
        .set_setting("last_tick".into(), Clock::system().now().to_rfc3339())
        .await
        .unwrap();
    store
        .set_setting("paused".into(), is_paused.to_string())
        .await
        .unwrap();
    let series = watched.iter().map(|(symbol, interval)| {
        pipeline_tui::model::SeriesKey::raw(symbol.parse().unwrap(), interval.parse().unwrap())
    });
    let add = pipeline_tui::model::WatchEdit::Add(series.collect());
    store.edit_watch_list(add).await.unwrap();
    store.close().await;
}

/// Puts the large series of IBM into the store of a desk.
pub(crate) fn fill(desk: &Desk) {
    let first = oldest().timestamp();
    let last = BARS - 1;
    if let Some(url) = desk.postgres() {
        cluster::psql(
            url,
            &format!(
                "INSERT INTO stock_data (symbol, interval, adjusted, timestamp, trading_date, \
                     open_price, high_price, low_price, close_price, volume) \
                 SELECT 'IBM', '1min', false, at, (at AT TIME ZONE 'UTC')::date, \
                     price, price + 0.5, price - 0.5, price + 0.1, 1000 + i % 977 \
                 FROM (SELECT i, to_timestamp({first} + i * 60) AS at, 280 + (i * 7919 % 9973) * 0.01 AS price \
                       FROM generate_series(0::bigint, {last}) i) bars; \
                 INSERT INTO series_totals VALUES ('IBM', '1min', false, {BARS}); \
                 ANALYZE"
            ),
        );
        return;
    }
    let connection = rusqlite::Connection::open(desk.database()).unwrap();
    connection
        .execute_batch(&format!(
            "BEGIN; \
             WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last}) \
             INSERT INTO bars (series_id, timestamp, trading_day, open_price, high_price, low_price, close_price, volume) \
             SELECT 1, datetime(at, 'unixepoch'), at / 86400, \
                 price, price + 50000000, price - 50000000, price + 10000000, 1000 + i % 977 \
             FROM (SELECT i, {first} + i * 60 AS at, 28000000000 + (i * 7919 % 9973) * 1000000 AS price FROM n); \
             INSERT INTO series_totals VALUES (1, 'alpha_vantage', 'IBM', '1min', 0, 0, {BARS}); \
             COMMIT"
        ))
        .unwrap();
}

/// Answers every request with a month of 19,000 1min bars of its symbol, until the process ends;
/// returns its address.
pub(crate) fn serve_months() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let body: Arc<str> = month::json().into();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let body = Arc::clone(&body);
            std::thread::spawn(move || answer(&stream, &body));
        }
    });
    format!("http://{address}/query")
}

/// Answers the requests of a connection.
fn answer(mut stream: &TcpStream, body: &str) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    loop {
        let request = lines.next()?.ok()?;
        let symbol = request.split_once("symbol=")?.1.split(['&', ' ']).next()?;
        while !lines.next()?.ok()?.is_empty() {}
        let body = body.replacen("IBM", symbol, 1);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body.as_bytes()).ok()?;
    }
}
