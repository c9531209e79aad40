//! Recorded answers, if they are beside the checkout, value by value against another reading.

use std::io::Write as _;
use std::path::Path;

use rust_decimal::Decimal;
use serde_json::Value;

use super::*;
use crate::model::calendar::{CalendarId, Calendars};

/// Where recorded answers are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/fixtures/binance");

fn recorded(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(Path::new(FOLDER).join(name)).ok();
    if text.is_none() {
        let _ = writeln!(std::io::stderr(), "skipped: no recorded {name}");
    }
    Some(serde_json::from_str(&text?).unwrap())
}

fn assert_same(bars: &[Bar], rows: &[Value]) {
    assert_eq!(bars.len(), rows.len());
    for (bar, row) in bars.iter().zip(rows) {
        let amount = |place: usize| Decimal::from_str_exact(row[place].as_str().unwrap()).unwrap();
        let prices = [bar.open, bar.high, bar.low, bar.close].map(Price::to_decimal);
        assert_eq!(prices, [1, 2, 3, 4].map(amount), "{}", bar.timestamp);
        let volume = Decimal::from_i128_with_scale(bar.volume.units(), 8);
        assert_eq!(volume, amount(5));
        assert_eq!(bar.timestamp.timestamp_millis(), row[0].as_i64().unwrap());
    }
}

#[test]
fn recorded_rows_are_read_to_the_last_digit() {
    let Some(recorded) = recorded("klines_rows_recorded.json") else {
        return;
    };
    let request = one(
        Interval::Min60,
        "2026-11-18T00:00:00Z",
        "2026-11-18T02:00:00Z",
    );
    for entry in recorded["rows"].as_array().unwrap() {
        let rows = [entry["row"].clone()];
        let body = serde_json::to_string(&rows).unwrap();
        assert_same(&read(&request, &body).unwrap().bars, &rows);
    }
}

#[test]
fn rows_without_trades_off_the_grid_and_unfinished_are_all_kept_and_the_last_is_not_final() {
    let Some(recorded) = recorded("synthetic_klines_1m_edge_cases.json") else {
        return;
    };
    let rows = recorded["answer"].as_array().unwrap();
    let request = one(
        Interval::Min1,
        "2026-11-18T00:00:00Z",
        "2026-11-18T02:00:00Z",
    );
    let mut reading = read(&request, &recorded["answer"].to_string()).unwrap();
    assert_same(&reading.bars, rows);
    let now = recorded["now_ms"].as_i64().unwrap();
    let answer = Answer {
        received_at: DateTime::from_timestamp_millis(now).unwrap(),
        ..answer(200, "")
    };
    let always = Calendars::default().get(CalendarId::Always);
    reading.mark_unfinished(Interval::Min1, answer.asked_at(), &always);
    let is_final: Vec<bool> = reading.bars.iter().map(|bar| bar.is_final).collect();
    let is_over = |row: &Value| row[6].as_i64().unwrap() < now;
    assert_eq!(is_final, rows.iter().map(is_over).collect::<Vec<_>>());
    assert_eq!(is_final.last(), Some(&false));
}

#[test]
fn recorded_refusals_are_known() {
    let Some(entries) = recorded("errors.json") else {
        return;
    };
    let request = one(
        Interval::Min60,
        "2026-11-18T00:00:00Z",
        "2026-11-18T02:00:00Z",
    );
    for entry in entries.as_array().unwrap() {
        let status = u16::try_from(entry["status"].as_u64().unwrap()).unwrap();
        let body = entry["body"].as_str().unwrap();
        let class = read::read(&request, &answer(status, body))
            .unwrap_err()
            .class;
        let expected = match status {
            400 if body.contains("-1121") => ErrorClass::BadRequest,
            400 => ErrorClass::ClientBug,
            429 => ErrorClass::Minute,
            503 => ErrorClass::Outage,
            _ => ErrorClass::Blocked,
        };
        assert_eq!(class, expected, "{entry}");
    }
}
