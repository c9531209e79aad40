//! Reading an answer as one would write it first.

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::US::Eastern;
use rust_decimal::Decimal;

use crate::month::NAMES;

/// `serde_json::Value`, chrono's `parse_from_str`, `Decimal`.
pub(crate) fn idiom(text: &str) -> Vec<(DateTime<Utc>, [Decimal; 4], i64)> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let rows = value
        .get("Time Series (1min)")
        .and_then(serde_json::Value::as_object)
        .unwrap();
    rows.iter()
        .map(|(label, row)| {
            let wall = NaiveDateTime::parse_from_str(label, "%Y-%m-%d %H:%M:%S").unwrap();
            let instant = Eastern.from_local_datetime(&wall).earliest().unwrap();
            let field = |name: &str| row.get(name).and_then(serde_json::Value::as_str).unwrap();
            let price = |name: &str| field(name).parse::<Decimal>().unwrap();
            let [open, high, low, close, volume] = NAMES;
            let prices = [price(open), price(high), price(low), price(close)];
            (instant.to_utc(), prices, field(volume).parse().unwrap())
        })
        .collect()
}
