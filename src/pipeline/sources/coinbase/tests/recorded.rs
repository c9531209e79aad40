//! A recorded answer, if it is beside the checkout, value by value against another reading of it.

use std::io::Write as _;
use std::path::Path;

use rust_decimal::Decimal;
use serde_json::Value;

use super::*;
use crate::model::Price;

/// Where recorded answers are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/fixtures/coinbase");

fn recorded(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(Path::new(FOLDER).join(name)).ok();
    if text.is_none() {
        let _ = writeln!(std::io::stderr(), "skipped: no recorded {name}");
    }
    text
}

#[test]
fn a_recorded_answer_is_read_to_the_last_digit() {
    let Some(text) = recorded("candles_1d_BTC-USD.json") else {
        return;
    };
    let rows: Vec<Vec<Value>> = serde_json::from_str(&text).unwrap();
    let time = |row: &Vec<Value>| DateTime::from_timestamp(row[0].as_i64().unwrap(), 0).unwrap();
    let window = Span::new(
        rows.iter().map(time).min().unwrap(),
        rows.iter().map(time).max().unwrap() + TimeDelta::days(1),
    );
    let [request] = planned(&wish(Interval::Daily, Range::Between(window)))
        .try_into()
        .unwrap();
    let reading = read(&request, &text).unwrap();
    assert_eq!(
        (reading.bars.len(), reading.rounded, reading.rejected.len()),
        (rows.len(), 0, 0)
    );
    for (bar, row) in reading.bars.iter().zip(rows.iter().rev()) {
        let amount = |place: usize| Decimal::from_str_exact(&row[place].to_string()).unwrap();
        let prices = [bar.low, bar.high, bar.open, bar.close].map(Price::to_decimal);
        assert_eq!(prices, [1, 2, 3, 4].map(amount), "{}", bar.timestamp);
        let volume = Decimal::from_i128_with_scale(bar.volume.units(), 8);
        assert_eq!((bar.timestamp, volume), (time(row), amount(5)));
    }
}

#[test]
fn recorded_refusals_are_known() {
    let Some(text) = recorded("errors.json") else {
        return;
    };
    let entries: Vec<Value> = serde_json::from_str(&text).unwrap();
    let request = one(
        Interval::Min60,
        "2026-11-18T00:00:00Z",
        "2026-11-18T02:00:00Z",
    );
    for entry in entries {
        let status = u16::try_from(entry["status"].as_u64().unwrap()).unwrap();
        let read = read::read(&request, &answer(status, entry["body"].as_str().unwrap()));
        let class = read.err().map(|refusal| refusal.class);
        let expected = match status {
            200 => None,
            404 => Some(ErrorClass::BadRequest),
            429 => Some(ErrorClass::Burst),
            _ => Some(ErrorClass::ClientBug),
        };
        assert_eq!(class, expected, "{entry}");
    }
}
