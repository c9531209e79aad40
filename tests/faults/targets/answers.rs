//! The provider's answers: whatever they hold, bars are valid, refusals are harmless, and nothing
//! is half read.

use std::sync::OnceLock;

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use chrono::DateTime;
use chrono_tz::America::New_York;
use pipeline_tui::config::Secret;
use pipeline_tui::model::{
    Answer, Bar, ErrorClass, Interval, Price, Reading, Request, SeriesKey, Volume,
};
use pipeline_tui::pipeline::source::{FetchOptions, Refusal, Source as _};
use pipeline_tui::pipeline::sources::alpha_vantage::{self, AlphaVantage};
use pipeline_tui::time::Clock;
use serde_json::Value;

use super::harmless::assert_harmless;
use super::sheet::{Sheet, short};

/// Refused rows of which details are kept.
const DETAILS: usize = 1_000;
/// Root keys under which the provider speaks.
const SPEAKS: &[&str] = &["Error Message", "Information", "Note", "message", "detail"];
/// Pieces of the provider's refusals; they quote each other's limits.
const PIECES: &[&str] = &[
    "Thank you for using Alpha Vantage! ",
    "This is a premium endpoint. ",
    "The outputsize=full parameter value is a premium feature for the TIME_SERIES_DAILY endpoint. ",
    "the parameter apikey is invalid or missing. ",
    "The **demo** API key is for demo purposes only. ",
    "Burst pattern detected. ",
    "Please consider spreading out your free API requests more sparingly (1 request per second). ",
    "no more than 5 requests per second",
    "requests per second",
    "0 requests per second ",
    "99999999999 requests per second ",
    "Our standard API call frequency is 5 calls per minute and 500 calls per day. ",
    "Our standard API rate limit is 25 requests per day. ",
    "We have detected your API key as *** ",
    "Minute-level rate limit exceed. ",
    "higher API call volume",
    "This API function (X) does not exist.",
    "Invalid API call. Please retry or visit the documentation ",
    "encountered an internal or external error ",
    "=",
    "a=b ",
    "\u{1b}]0;x\u{7}",
    "\u{202e}",
    "\n",
];

/// The real source; its address is never contacted.
pub fn source() -> &'static AlphaVantage {
    static SOURCE: OnceLock<AlphaVantage> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let url = "http://127.0.0.1:9/query".parse().unwrap();
        AlphaVantage::new(url, Secret::public("a key"), false, Clock::system()).unwrap()
    })
}

/// The request for a series in one of the two formats.
pub fn ask_for(series: &SeriesKey, datatype: &str) -> Request {
    let wish = FetchOptions::default()
        .with("datatype", datatype)
        .wish(series);
    source().plan(&[wish]).requests.remove(0)
}

fn ask(interval: Interval, adjusted: bool, datatype: &str) -> Request {
    let series = SeriesKey {
        adjusted,
        ..SeriesKey::raw("IBM".parse().unwrap(), interval)
    };
    ask_for(&series, datatype)
}

/// An answer of the provider.
pub fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    Answer {
        status,
        content_type: None,
        body: body.into(),
        received_at: DateTime::UNIX_EPOCH,
        elapsed_ms: 0,
        stated: None,
    }
}

/// Any bytes after two that choose the request and the status.
pub fn json(data: &[u8]) {
    raw(data, "json");
}

/// As [`json`], for an answer in CSV.
pub fn csv(data: &[u8]) {
    raw(data, "csv");
}

fn raw(data: &[u8], datatype: &str) {
    let [choice, status, body @ ..] = data else {
        return;
    };
    let interval = Interval::ALL[usize::from(*choice) % 8];
    let adjusted = *choice >= 128 && !interval.is_intraday();
    let status = [200, 200, 200, 404, 429, 500, 403][usize::from(*status) % 7];
    let ask = ask(interval, adjusted, datatype);
    let read = judged(&ask, status, body.to_vec());
    assert!(read.is_err() || status == 200, "data under {status}");
}

/// Reads an answer and panics unless what comes out may be stored and shown.
fn judged(
    ask: &Request,
    status: u16,
    body: impl Into<Bytes>,
) -> std::result::Result<Reading, Refusal> {
    let read = alpha_vantage::read(ask, &answer(status, body));
    match &read {
        Ok(reading) => assert_sound(ask, reading),
        Err(refusal) => assert_refused(refusal),
    }
    read
}

fn assert_sound(ask: &Request, reading: &Reading) {
    let Reading {
        bars,
        rejected,
        received,
        rounded,
        set_aside,
    } = reading;
    let (received, set_aside) = (*received as usize, *set_aside as usize);
    assert!(received > 0 && *rounded as usize <= received * 8 && set_aside <= received * 3);
    let explained = received + set_aside;
    assert!(bars.len() + rejected.len() <= explained);
    assert!(bars.len() + rejected.len() == explained || rejected.len() == DETAILS);
    assert!(bars.is_sorted_by(|a, b| a.timestamp < b.timestamp));
    assert!(bars.is_sorted_by(|a, b| a.trading_date <= b.trading_date));
    for bar in bars {
        assert!(
            bar.low.units() > 0 && bar.low <= bar.open && bar.low <= bar.close,
            "{bar:?}"
        );
        assert!(bar.open <= bar.high && bar.close <= bar.high, "{bar:?}");
        assert_eq!(
            bar.adjusted_close.is_some(),
            ask.endpoint.ends_with("ADJUSTED")
        );
    }
    for row in rejected {
        assert_harmless(&row.label, 40);
        assert_harmless(&row.content, 512);
        assert_harmless(&row.reason, 100);
        assert!(!row.reason.is_empty());
    }
}

fn assert_refused(refusal: &Refusal) {
    assert!(!refusal.text.is_empty());
    assert_harmless(&refusal.text, 600);
    assert!(refusal.parameter.is_none() || refusal.class == ErrorClass::NotEntitled);
    assert!(refusal.per_second.is_none() || refusal.class == ErrorClass::Burst);
    assert_ne!(refusal.per_second, Some(0));
}

/// Flawed tables: both formats read the same, each bar is a row that was sent, and a truncated
/// answer is never half read.
pub fn rows(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let _ = try_rows(&mut u);
}

fn try_rows(u: &mut Unstructured<'_>) -> Result<()> {
    let cut = u.arbitrary::<u16>()?;
    let sheet = Sheet::arbitrary(u)?;
    let json = sheet.json("IBM", "", false);
    let csv = sheet.csv();
    let ask_json = ask(sheet.interval, sheet.adjusted, "json");
    let ask_csv = ask(sheet.interval, sheet.adjusted, "csv");
    let from_json = judged(&ask_json, 200, json.clone());
    let from_csv = judged(&ask_csv, 200, csv.clone());
    assert_eq!(from_json, from_csv, "{json}");
    if let Ok(reading) = &from_json {
        for bar in &reading.bars {
            assert!(
                sheet.rows.iter().any(|row| is_of(bar, row, &sheet)),
                "{bar:?} {json}"
            );
        }
    }
    let end = usize::from(cut) % json.len();
    assert!(
        judged(&ask_json, 200, json.as_bytes()[..end].to_vec()).is_err(),
        "{end} of {json}"
    );
    let end = usize::from(cut) % csv.len();
    if let Ok(reading) = judged(&ask_csv, 200, csv[..end].to_vec()) {
        for bar in &reading.bars {
            assert!(
                sheet.rows.iter().any(|row| is_of(bar, row, &sheet)),
                "{bar:?} {end}"
            );
        }
    }
    Ok(())
}

/// Whether a bar is exactly that row.
fn is_of(bar: &Bar, (label, cells): &(String, Vec<String>), sheet: &Sheet) -> bool {
    let local = bar.timestamp.with_timezone(&New_York).naive_local();
    let is_there = if sheet.interval.is_intraday() {
        *label == local.to_string()
    } else {
        label.starts_with(&bar.trading_date.to_string())
    };
    let price = |text: &str| Price::parse(text).ok().map(|(price, _)| price);
    is_there
        && sheet
            .columns()
            .iter()
            .zip(cells)
            .all(|(column, cell)| match *column {
                "open" => price(cell) == Some(bar.open),
                "high" => price(cell) == Some(bar.high),
                "low" => price(cell) == Some(bar.low),
                "close" => price(cell) == Some(bar.close),
                "volume" => Volume::parse(cell).map(|(volume, _)| volume) == Ok(bar.volume),
                "adjusted close" => price(cell) == bar.adjusted_close,
                "dividend amount" => price(cell) == bar.dividend_amount,
                _ => price(cell) == bar.split_coefficient,
            })
}

/// Refusals beside data, before it and after it: they always win, and their words decide.
pub fn refusals(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let _ = try_refusals(&mut u);
}

fn try_refusals(u: &mut Unstructured<'_>) -> Result<()> {
    let key = *u.choose(SPEAKS)?;
    let is_first = u.arbitrary()?;
    let status = *u.choose(&[200, 200, 200, 400, 404, 406])?;
    let mut text = String::new();
    for _ in 0..u.int_in_range(0..=6)? {
        if u.ratio(1, 4)? {
            text.push_str(&short(u)?);
        } else {
            text.push_str(u.choose(PIECES)?);
        }
    }
    let sheet = Sheet::arbitrary(u)?;
    let notice = format!("{}: {}", Value::from(key), Value::from(text.as_str()));
    let body = sheet.json("IBM", &notice, is_first);
    for datatype in ["json", "csv"] {
        let ask = ask(sheet.interval, sheet.adjusted, datatype);
        let refusal = judged(&ask, status, body.clone()).unwrap_err();
        assert_ne!(refusal.class, ErrorClass::NoData, "{body}");
        assert_ne!(refusal.class, ErrorClass::Malformed, "{body}");
        let alone = judged(&ask, 200, format!("{{{notice}}}")).unwrap_err();
        assert_eq!(refusal, alone, "data beside a refusal changes nothing");
    }
    Ok(())
}
