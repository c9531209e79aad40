//! Reads a provider's answers without the program's parsers, and compares them with a store.
use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeZone};
use chrono_tz::America::New_York;

/// What makes a bar unique: symbol, interval, and its instant in epoch seconds.
pub(crate) type Key = (String, String, i64);

/// The values of a bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Values {
    /// The exchange's date.
    pub(crate) date: String,
    /// Open, high, low and close in units of 10⁻⁸.
    pub(crate) prices: [i64; 4],
    /// Shares traded.
    pub(crate) volume: i64,
}

/// What is wrong with a store that should hold exactly `expected`, each bar once.
pub(crate) fn lost_bars(expected: &BTreeMap<Key, Values>, stored: &[(Key, Values)]) -> Vec<String> {
    let mut found: BTreeMap<&Key, Vec<&Values>> = BTreeMap::new();
    for (key, values) in stored {
        found.entry(key).or_default().push(values);
    }
    let mut wrong = Vec::new();
    for (key, values) in expected {
        match found.remove(key).as_deref() {
            None => wrong.push(format!("missing: {key:?}")),
            Some([one]) if *one == values => {}
            Some([one]) => wrong.push(format!("differs: {key:?} is {one:?}, sent was {values:?}")),
            Some(many) => wrong.push(format!("{} times: {key:?}", many.len())),
        }
    }
    wrong.extend(found.keys().map(|key| format!("never sent: {key:?}")));
    wrong
}

/// The bars of an answer about a symbol in an interval of minutes, JSON or CSV.
pub(crate) fn bars(symbol: &str, interval: &str, body: &str) -> Vec<(Key, Values)> {
    let rows: Vec<(String, [String; 5])> = if body.starts_with('{') {
        let document: serde_json::Value = serde_json::from_str(body).unwrap();
        let rows = document[format!("Time Series ({interval})")].clone();
        let fields = ["1. open", "2. high", "3. low", "4. close", "5. volume"];
        rows.as_object()
            .unwrap()
            .iter()
            .map(|(label, row)| {
                let field = |name: &str| row[name].as_str().unwrap().to_owned();
                (label.clone(), fields.map(field))
            })
            .collect()
    } else {
        let mut lines = body.lines();
        assert_eq!(lines.next(), Some("timestamp,open,high,low,close,volume"));
        lines
            .map(|line| {
                let mut fields = line.split(',').map(str::to_owned);
                let label = fields.next().unwrap();
                let fields: Vec<String> = fields.collect();
                (label, fields.try_into().unwrap())
            })
            .collect()
    };
    rows.into_iter()
        .map(|(label, [open, high, low, close, volume])| {
            let wall = NaiveDateTime::parse_from_str(&label, "%Y-%m-%d %H:%M:%S").unwrap();
            let instant = New_York.from_local_datetime(&wall).single().unwrap();
            let key = (symbol.to_owned(), interval.to_owned(), instant.timestamp());
            let values = Values {
                date: wall.date().to_string(),
                prices: [open, high, low, close].map(|price| units(&price)),
                volume: volume.parse().unwrap(),
            };
            (key, values)
        })
        .collect()
}

/// A price in units of 10⁻⁸, by shifting its digits.
pub(crate) fn units(price: &str) -> i64 {
    let (whole, part) = price.split_once('.').unwrap_or((price, ""));
    assert!(part.len() <= 8, "{price} needs rounding");
    format!("{whole}{part:0<8}").parse().unwrap()
}

#[test]
fn a_lost_a_doubled_a_changed_and_an_invented_bar_are_found() {
    let json = r#"{"Time Series (5min)": {
        "2026-01-15 09:35:00": {"1. open": "2.0000", "2. high": "4.5", "3. low": "1.0000", "4. close": "3.0000", "5. volume": "70"},
        "2026-07-15 09:30:00": {"1. open": "2.0000", "2. high": "4.0000", "3. low": "1.0000", "4. close": "3.0000", "5. volume": "7"}}}"#;
    let sent = bars("IBM", "5min", json);
    let expected: BTreeMap<_, _> = sent.iter().cloned().collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].0.2, 1_768_487_700, "14:35 UTC in winter");
    assert_eq!(sent[1].0.2, 1_784_122_200, "13:30 UTC in summer");
    assert_eq!(
        sent[0].1.prices,
        [200_000_000, 450_000_000, 100_000_000, 300_000_000]
    );
    assert!(lost_bars(&expected, &sent).is_empty());

    let csv = "timestamp,open,high,low,close,volume\r\n2026-01-15 09:35:00,2.0000,4.5,1.0000,3.0000,70\r\n";
    let lacking = bars("IBM", "5min", csv);
    assert_eq!(lacking, sent[..1], "both formats say the same");
    assert!(lost_bars(&expected, &lacking)[0].starts_with("missing"));

    let doubled = [sent.clone(), lacking.clone()].concat();
    assert!(lost_bars(&expected, &doubled)[0].starts_with("2 times"));

    let mut changed = sent.clone();
    changed[1].1.prices[3] += 1;
    assert!(lost_bars(&expected, &changed)[0].starts_with("differs"));

    let one: BTreeMap<_, _> = lacking.into_iter().collect();
    assert!(lost_bars(&one, &sent)[0].starts_with("never sent"));
}
