//! Reading 10,000 bars of Alpaca and of Binance: ours, and Python with json and Decimal.

use std::fmt::Write as _;
use std::hint::black_box;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use pipeline_tui::config::Secret;
use pipeline_tui::model::{Answer, Interval, Request, SeriesKey, Span};
use pipeline_tui::pipeline::source::{Range, Source, Wish};
use pipeline_tui::pipeline::sources::alpaca::{Alpaca, SIP};
use pipeline_tui::pipeline::sources::binance::Binance;
use pipeline_tui::time::Clock;
use serde_json::json;

use crate::python::Peer;
use crate::table::{cell, head, median, number, row};
use crate::work::own_cpu;

const ROUNDS: usize = 11;
/// Bars of a page of Alpaca, and of all answers of Binance.
const BARS: usize = 10_000;
const SYMBOLS: [&str; 4] = ["AAPL", "GOOGL", "IBM", "MSFT"];
/// Rows of an answer of Binance.
const ROWS: usize = 1_000;

pub(crate) fn run() {
    let folder = tempfile::tempdir().unwrap();
    let (page, klines) = (page(), klines());
    std::fs::write(folder.path().join("alpaca.json"), &page).unwrap();
    std::fs::write(folder.path().join("binance.json"), &klines).unwrap();
    let mut peer = Peer::start("sources.py");
    peer.order(json!({"task": "load", "folder": folder.path()}));
    let (clock, nowhere) = (Clock::fixed(begin() + TimeDelta::days(30)), nowhere());
    let key = [Secret::public("PK00000000"), Secret::public("00000000")];
    let alpaca = Alpaca::new(&SIP, (nowhere.clone(), nowhere.clone()), &key, &clock).unwrap();
    let binance = Binance::new(nowhere, clock).unwrap();
    let page_asked = asked(&alpaca, &SYMBOLS, TimeDelta::days(4));
    let rows_asked = asked(&binance, &["BTCUSDT"], TimeDelta::minutes(1_000));
    let (page, klines) = (answer(page), answer(klines));
    let answers = BARS / ROWS;
    let mut cpu: [Vec<f64>; 4] = std::array::from_fn(|_| vec![]);
    for _ in 0..ROUNDS {
        let took = peer.order(json!({"task": "alpaca"}));
        assert_eq!(took.value, BARS);
        cpu[0].push(took.cpu);
        cpu[1].push(timed(|| read(&alpaca, &page_asked, &page)));
        let took = peer.order(json!({"task": "binance", "times": answers}));
        assert_eq!(took.value, BARS);
        cpu[2].push(took.cpu);
        cpu[3].push(timed(|| {
            (0..answers)
                .map(|_| read(&binance, &rows_asked, &klines))
                .sum()
        }));
    }
    println!("\n### Reading 10,000 bars of two sources, medians of {ROUNDS} rounds");
    head(&["", "CPU ms", "million bars/s", "× Python, CPU"]);
    let names = [
        "Alpaca, Python: json, fromisoformat, Decimal",
        "**Alpaca, ours**",
        "Binance, Python: json, fromtimestamp, Decimal",
        "**Binance, ours**",
    ];
    for (place, name) in names.iter().enumerate() {
        let (own, python) = (median(&cpu[place]), median(&cpu[place / 2 * 2]));
        let cells = [own, number(BARS) / own / 1e3, python / own];
        row(name, &cells.map(cell));
    }
}

fn begin() -> DateTime<Utc> {
    "2026-10-05T08:00:00Z".parse().unwrap()
}

fn nowhere() -> url::Url {
    "http://127.0.0.1:9/".parse().unwrap()
}

/// The request for these symbols' minutes.
fn asked(source: &dyn Source, symbols: &[&str], length: TimeDelta) -> Request {
    let wish = |symbol: &&str| Wish {
        range: Range::Between(Span::new(begin(), begin() + length)),
        ..Wish::newest(SeriesKey {
            source: source.describe().id().clone(),
            ..SeriesKey::raw(symbol.parse().unwrap(), Interval::Min1)
        })
    };
    let wishes: Vec<Wish> = symbols.iter().map(wish).collect();
    let planned = source.plan(&wishes);
    planned.requests.into_iter().next().unwrap()
}

fn read(source: &dyn Source, request: &Request, answer: &Answer) -> usize {
    let page = source.read(request, answer).unwrap();
    page.parts
        .iter()
        .map(|(_, reading)| reading.bars.len())
        .sum()
}

/// CPU milliseconds of this process.
fn timed(work: impl Fn() -> usize) -> f64 {
    let cpu = own_cpu();
    assert_eq!(black_box(work()), BARS);
    own_cpu() - cpu
}

fn answer(text: String) -> Answer {
    Answer {
        status: 200,
        content_type: None,
        body: text.into(),
        received_at: begin() + TimeDelta::days(30),
        elapsed_ms: 100,
        stated: None,
    }
}

/// Prices of a bar as texts with so many decimals: open, high, low, close.
fn prices(number: usize, decimals: usize) -> [String; 4] {
    let cents = 20_000 + (number * 7_919) % 5_000;
    [5, 9, 0, 3].map(|more| {
        let value = cents + more;
        format!(
            "{}.{:02}{}",
            value / 100,
            value % 100,
            "0".repeat(decimals - 2)
        )
    })
}

/// A page of Alpaca's as it sends it.
fn page() -> String {
    let mut text = String::from("{\"bars\":{");
    for (place, symbol) in SYMBOLS.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\"{symbol}\":[");
        for number in 0..BARS / SYMBOLS.len() {
            let comma = if number == 0 { "" } else { "," };
            // 16 hours of each day.
            let minutes = i64::try_from(number / 960 * 1_440 + number % 960).unwrap();
            let time = begin() + TimeDelta::minutes(minutes);
            let time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
            let [open, high, low, close] = prices(number, 2);
            let _ = write!(
                text,
                "{comma}{{\"c\":{close},\"h\":{high},\"l\":{low},\"n\":{number},\"o\":{open},\"t\":\"{time}\",\"v\":{},\
                 \"vw\":{close}1234}}",
                1_000 + number
            );
        }
        text.push(']');
    }
    text.push_str("},\"next_page_token\":null}");
    text
}

/// Rows of Binance's as it sends them.
fn klines() -> String {
    let mut text = String::from("[");
    for number in 0..ROWS {
        let comma = if number == 0 { "" } else { "," };
        let minutes = i64::try_from(number).unwrap();
        let time = (begin() + TimeDelta::minutes(minutes)).timestamp_millis();
        let [open, high, low, close] = prices(number, 8);
        let _ = write!(
            text,
            "{comma}[{time},\"{open}\",\"{high}\",\"{low}\",\"{close}\",\"{number}.12345678\",{},\"1234567.12345678\",\
             812,\"2.00000000\",\"176020.00000000\",\"0\"]",
            time + 59_999
        );
    }
    text.push(']');
    text
}
