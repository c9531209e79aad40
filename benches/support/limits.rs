//! Each database's fastest load: what ours is compared with.

use chrono::{NaiveDate, NaiveTime};
use pipeline_tui::model::{Bar, Price, SeriesKey};
use sqlx::postgres::PgConnection;

const COLUMNS: &str = "symbol, interval, adjusted, timestamp, trading_date, \
                       open_price, high_price, low_price, close_price, volume";

pub(crate) async fn copy_in(connection: &mut PgConnection, stream: &[u8]) {
    let sql = format!("COPY stock_data ({COLUMNS}) FROM STDIN (FORMAT binary)");
    let mut copy = connection.copy_in_raw(&sql).await.unwrap();
    copy.send(stream).await.unwrap();
    copy.finish().await.unwrap();
}

/// The bars in COPY's binary format.
pub(crate) fn binary(series: &SeriesKey, bars: &[Bar]) -> Vec<u8> {
    let epoch = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
    let midnight = epoch.and_time(NaiveTime::MIN).and_utc();
    let mut out = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for bar in bars {
        out.extend(10_i16.to_be_bytes());
        let mut field = |bytes: &[u8]| {
            out.extend(i32::try_from(bytes.len()).unwrap().to_be_bytes());
            out.extend(bytes);
        };
        let micros = (bar.timestamp - midnight).num_microseconds().unwrap();
        let days = i32::try_from((bar.trading_date - epoch).num_days()).unwrap();
        field(series.symbol.as_str().as_bytes());
        field(series.interval.as_str().as_bytes());
        field(&[u8::from(series.adjusted)]);
        field(&micros.to_be_bytes());
        field(&days.to_be_bytes());
        for price in [bar.open, bar.high, bar.low, bar.close] {
            field(&numeric(price));
        }
        field(&whole(bar.volume.whole()));
    }
    out.extend((-1_i16).to_be_bytes());
    out
}

/// A price as the server stores it: digits in base 10,000, and where the point is.
fn numeric(price: Price) -> Vec<u8> {
    let mut digits: Vec<i16> = Vec::new();
    let (mut rest, mut weight) = (price.units(), -3_i16);
    while rest > 0 {
        digits.push(i16::try_from(rest % 10_000).unwrap());
        rest /= 10_000;
        weight += 1;
    }
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
    let head = [i16::try_from(digits.len()).unwrap(), weight, 0, 8];
    let all = head.into_iter().chain(digits.into_iter().rev());
    all.flat_map(i16::to_be_bytes).collect()
}

/// A whole number as the server stores it.
fn whole(mut rest: i64) -> Vec<u8> {
    let mut digits: Vec<i16> = Vec::new();
    while rest > 0 {
        digits.push(i16::try_from(rest % 10_000).unwrap());
        rest /= 10_000;
    }
    let weight = i16::try_from(digits.len()).unwrap() - 1;
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
    let head = [i16::try_from(digits.len()).unwrap(), weight.max(0), 0, 0];
    let all = head.into_iter().chain(digits.into_iter().rev());
    all.flat_map(i16::to_be_bytes).collect()
}

/// The upsert of the store for one row, prepared once, in one transaction; returns the rows written.
pub(crate) fn row_by_row(
    connection: &mut rusqlite::Connection,
    series: &SeriesKey,
    bars: &[Bar],
) -> usize {
    let values = "open_price, high_price, low_price, close_price, volume";
    let of = |table: &str| {
        let columns: Vec<String> = values
            .split(", ")
            .map(|column| format!("{table}.{column}"))
            .collect();
        columns.join(", ")
    };
    let sql = format!(
        "INSERT INTO bars (series_id, timestamp, trading_day, {values}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT (series_id, timestamp) DO UPDATE \
         SET ({values}, updated_at) = ({}, unixepoch()) WHERE ({}) IS NOT ({})",
        of("excluded"),
        of("bars"),
        of("excluded"),
    );
    let transaction = connection.transaction().unwrap();
    let words = [series.symbol.as_str(), series.interval.as_str()];
    transaction
        .execute(
            "INSERT INTO series_totals (source, symbol, interval, adjusted, place) \
             VALUES ('alpha_vantage', ?1, ?2, 0, 0) ON CONFLICT DO NOTHING",
            words,
        )
        .unwrap();
    let number: i64 = transaction
        .query_row(
            "SELECT id FROM series_totals WHERE symbol = ?1 AND interval = ?2",
            words,
            |row| row.get(0),
        )
        .unwrap();
    let mut statement = transaction.prepare(&sql).unwrap();
    let mut written = 0;
    for bar in bars {
        let day = (bar.trading_date - NaiveDate::default()).num_days();
        written += statement
            .execute(rusqlite::params![
                number,
                bar.timestamp.format("%Y-%m-%d %H:%M:%S").to_string(),
                day,
                bar.open.units(),
                bar.high.units(),
                bar.low.units(),
                bar.close.units(),
                bar.volume.whole(),
            ])
            .unwrap();
    }
    drop(statement);
    transaction.commit().unwrap();
    written
}
