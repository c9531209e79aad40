//! How fast answers become bars, compared with the idiomatic way and the limit of scanning.
//!
//! 19,000 1min bars in the provider's indented JSON and its CSV. All variants run in turn in every
//! round, so that other load disturbs them equally. The times are the thread's CPU times, the medians
//! of 25 rounds.

#![expect(clippy::print_stdout, reason = "the table is the output")]
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot read its own input should stop"
)]

#[path = "support/idiom.rs"]
mod idiom;
#[path = "support/month.rs"]
mod month;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use chrono::{DateTime, Utc};
use idiom::idiom;
use month::{BARS, answer, ask, json, rows};
use pipeline_tui::model::{Bar, Price, Volume};
use pipeline_tui::pipeline::sources::alpha_vantage::read;

const ROUNDS: usize = 25;

type Variant<'a> = (&'static str, usize, Box<dyn Fn() -> usize + 'a>);

fn main() {
    let (json, csv) = (answer(json()), answer(csv()));
    let (ask_json, ask_csv) = (ask("json"), ask("csv"));
    let text = std::str::from_utf8(&json.body).unwrap();
    assert_eq!(read(&ask_json, &json), read(&ask_csv, &csv));
    assert_eq!(read(&ask_json, &json).unwrap().bars.len(), BARS);
    let variants: [Variant<'_>; 4] = [
        (
            "Value + parse_from_str + Decimal",
            text.len(),
            Box::new(|| idiom(text).len()),
        ),
        (
            "ours, JSON",
            text.len(),
            Box::new(|| read(&ask_json, &json).unwrap().bars.len()),
        ),
        (
            "ours, CSV",
            csv.body.len(),
            Box::new(|| read(&ask_csv, &csv).unwrap().bars.len()),
        ),
        (
            "limit: memchr quote scan, no checks",
            text.len(),
            Box::new(|| limit(&json.body).len()),
        ),
    ];
    let mut times = vec![Vec::with_capacity(ROUNDS); variants.len()];
    for _ in 0..ROUNDS {
        for ((_, _, run), times) in variants.iter().zip(&mut times) {
            let start = cpu_time();
            assert_eq!(black_box(run()), BARS);
            times.push(cpu_time().saturating_sub(start).as_secs_f64());
        }
    }
    let medians: Vec<f64> = times.into_iter().map(median).collect();
    let reference = medians.first().copied().unwrap_or_default();
    println!("{BARS} bars, CPU time, median of {ROUNDS}");
    println!(
        "{:<36} {:>7} {:>7} {:>8} {:>9}",
        "variant", "ms", "MB/s", "Mbars/s", "x Value"
    );
    for ((name, bytes, _), seconds) in variants.iter().zip(&medians) {
        println!(
            "{name:<36} {:>7.2} {:>7.0} {:>8.2} {:>9.1}",
            seconds * 1e3,
            count(*bytes) / seconds / 1e6,
            count(BARS) / seconds / 1e6,
            reference / seconds
        );
    }
}

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(0.0, f64::from)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn csv() -> String {
    let mut text = String::from("timestamp,open,high,low,close,volume\r\n");
    for (label, values) in rows() {
        let _ = write!(text, "{label},{}\r\n", values.join(","));
    }
    text
}

/// Finds the quotes and trusts everything between them: order, grammar, zone.
fn limit(body: &[u8]) -> Vec<Bar> {
    let start = memchr::memmem::find(body, b"Time Series").unwrap();
    let body = body.get(start..).unwrap();
    let mut quotes = memchr::memchr_iter(b'"', body).skip(1);
    let mut next = || Some(quotes.next()? + 1..quotes.next()?);
    let mut bars = Vec::with_capacity(BARS);
    while let Some(label) = next() {
        let mut values = [0_i64; 5];
        for value in &mut values {
            next();
            *value = digits(body.get(next().unwrap()).unwrap());
        }
        let [open, high, low, close, volume] = values;
        let date = wall(body.get(label).unwrap());
        let price = |units: i64| Price::from_units(units * 10_000);
        bars.push(Bar {
            timestamp: date,
            trading_date: date.date_naive(),
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: Volume::new(volume, 0).unwrap(),
            is_final: true,
            adjusted_close: None,
            dividend_amount: None,
            split_coefficient: None,
        });
    }
    bars
}

fn digits(text: &[u8]) -> i64 {
    text.iter()
        .filter(|byte| **byte != b'.')
        .fold(0, |sum, byte| sum * 10 + i64::from(byte & 15))
}

fn wall(label: &[u8]) -> DateTime<Utc> {
    let number = |range| label.get(range).map_or(0, digits);
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let shifted = year - i64::from(month <= 2);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + of_year - 719_468;
    let seconds = number(11..13) * 3_600 + number(14..16) * 60 + number(17..19);
    DateTime::from_timestamp(days * 86_400 + seconds, 0).unwrap()
}
