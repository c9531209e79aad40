//! The sources beside Alpha Vantage: the program pointed at the simulator's dialects of them, and
//! their answers read without the program's parsers.

use std::collections::BTreeMap;

use chrono::DateTime;
use pipeline_tui::simulate::{JournalEntry, Server};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::canary::{KEY_ID, KEY_SECRET};
use super::oracle::units;

/// A bar of a series: source and symbol, and its start in epoch seconds.
pub type Key = (String, i64);
/// Open, high, low, close and volume in units of 10⁻⁸.
pub type Values = [i64; 5];

/// The variables that point the program at a simulator which speaks all dialects.
pub fn variables(server: &Server) -> Vec<(&'static str, String)> {
    let url = |source: &str| server.base_url_of(source).unwrap();
    vec![
        ("APCA_API_KEY_ID", KEY_ID.to_owned()),
        ("APCA_API_SECRET_KEY", KEY_SECRET.to_owned()),
        ("ALPACA_PLAN", "paid".to_owned()),
        ("ALPACA_BASE_URL", url("alpaca")),
        ("ALPACA_TRADING_URL", url("alpaca")),
        ("COINBASE_BASE_URL", url("coinbase")),
        ("BINANCE_BASE_URL", url("binance")),
    ]
}

/// A parameter of a request; empty if it has none of the name.
pub fn parameter<'a>(entry: &'a JournalEntry, name: &str) -> &'a str {
    let found = entry.query.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value)
}

/// The answer to a request from the journal, asked for once more.
pub async fn ask_again(client: &reqwest::Client, server: &Server, entry: &JournalEntry) -> String {
    let mut url = url::Url::parse(&server.base_url()).unwrap();
    url.set_path(&entry.path);
    url.query_pairs_mut().clear().extend_pairs(&entry.query);
    let request = client
        .get(url)
        .header("apca-api-key-id", KEY_ID)
        .header("apca-api-secret-key", KEY_SECRET);
    request.send().await.unwrap().text().await.unwrap()
}

/// What an answer holds.
#[derive(Debug, Default)]
pub struct Said {
    pub bars: Vec<(Key, Values)>,
    /// The token of the next page.
    pub next: Option<String>,
}

/// Reads the answer to a request.
pub fn read(entry: &JournalEntry, body: &str) -> Said {
    match entry.dialect.unwrap().as_str() {
        "alpaca" => pages(body),
        "coinbase" => candles(entry, body),
        "binance" => klines(entry, body),
        other => panic!("no reader for {other}"),
    }
}

#[derive(Deserialize)]
struct Pages<'a> {
    #[serde(borrow)]
    bars: BTreeMap<String, Vec<AlpacaBar<'a>>>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct AlpacaBar<'a> {
    t: &'a str,
    #[serde(borrow)]
    o: &'a RawValue,
    #[serde(borrow)]
    h: &'a RawValue,
    #[serde(borrow)]
    l: &'a RawValue,
    #[serde(borrow)]
    c: &'a RawValue,
    #[serde(borrow)]
    v: &'a RawValue,
}

fn pages(body: &str) -> Said {
    let page: Pages = serde_json::from_str(body).unwrap();
    let mut bars = vec![];
    for (symbol, rows) in &page.bars {
        for AlpacaBar { t, o, h, l, c, v } in rows {
            let at = DateTime::parse_from_rfc3339(t).unwrap().timestamp();
            let values = [o, h, l, c, v].map(|value| units(value.get()));
            bars.push(((format!("alpaca:{symbol}"), at), values));
        }
    }
    Said {
        bars,
        next: page.next_page_token,
    }
}

/// Time, low, high, open, close, volume; there may be some from before the start.
fn candles(entry: &JournalEntry, body: &str) -> Said {
    let rows: Vec<[&RawValue; 6]> = serde_json::from_str(body).unwrap();
    let product = entry.path.rsplit('/').nth(1).unwrap();
    let start = DateTime::parse_from_rfc3339(parameter(entry, "start")).unwrap();
    let bars = rows.into_iter().map(|row| {
        let [time, low, high, open, close, volume] = row.map(RawValue::get);
        let values = [open, high, low, close, volume].map(units);
        (
            (format!("coinbase:{product}"), time.parse().unwrap()),
            values,
        )
    });
    Said {
        bars: bars
            .filter(|((_, at), _)| *at >= start.timestamp())
            .collect(),
        next: None,
    }
}

/// Open time in milliseconds, open, high, low, close, volume, and what is not stored.
fn klines(entry: &JournalEntry, body: &str) -> Said {
    let rows: Vec<Vec<&RawValue>> = serde_json::from_str(body).unwrap();
    let symbol = parameter(entry, "symbol");
    let bars = rows.into_iter().map(|row| {
        let time: i64 = row[0].get().parse().unwrap();
        let values = [1, 2, 3, 4, 5].map(|place| units(row[place].get().trim_matches('"')));
        ((format!("binance:{symbol}"), time / 1_000), values)
    });
    Said {
        bars: bars.collect(),
        next: None,
    }
}
