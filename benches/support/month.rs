//! One month of 1min bars as the provider sends it.

use std::fmt::Write as _;

use bytes::Bytes;
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta};
use pipeline_tui::model::{Answer, Interval, Request, SeriesKey, SourceId};

pub(crate) const BARS: usize = 19_000;
pub(crate) const NAMES: [&str; 5] = ["1. open", "2. high", "3. low", "4. close", "5. volume"];

pub(crate) fn ask(datatype: &str) -> Request {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Request {
        source: SourceId::DEFAULT,
        endpoint: "TIME_SERIES_INTRADAY".to_owned(),
        series: vec![SeriesKey::raw("IBM".parse().unwrap(), Interval::Min1)],
        riders: vec![],
        page: 1,
        parameters: vec![
            pair("function", "TIME_SERIES_INTRADAY"),
            pair("datatype", datatype),
        ],
    }
}

pub(crate) fn answer(body: String) -> Answer {
    Answer {
        status: 200,
        content_type: None,
        body: Bytes::from(body),
        // After every bar, so that all are final.
        received_at: DateTime::from_timestamp(1_767_225_600, 0).unwrap(),
        elapsed_ms: 0,
        stated: None,
    }
}

/// Labels and values, newest first: 960 minutes on each working day.
pub(crate) fn rows() -> impl Iterator<Item = (String, [String; 5])> {
    let newest = NaiveDate::from_ymd_opt(2025, 7, 11).unwrap();
    newest
        .iter_days()
        .rev()
        .filter(|date| date.weekday().number_from_monday() < 6)
        .flat_map(|date| {
            (0..960)
                .rev()
                .map(move |minute| date.and_hms_opt(4, 0, 0).unwrap() + TimeDelta::minutes(minute))
        })
        .take(BARS)
        .enumerate()
        .map(|(row, wall)| {
            let cents = 280_000 + row * 7_919 % 9_973;
            let price =
                |units: usize| format!("{}.{:04}", units / 1_000, units % 1_000 * 10 + units % 7);
            let values = [
                price(cents),
                price(cents + 30),
                price(cents - 30),
                price(cents + 10),
                (row * 104_729 % 50_000).to_string(),
            ];
            (wall.to_string(), values)
        })
}

pub(crate) fn json() -> String {
    let mut text = String::from(
        r#"{
    "Meta Data": {
        "1. Information": "Intraday (1min) open, high, low, close prices and volume",
        "2. Symbol": "IBM",
        "3. Last Refreshed": "2025-07-11 19:59:00",
        "4. Interval": "1min",
        "5. Output Size": "Full size",
        "6. Time Zone": "US/Eastern"
    },
    "Time Series (1min)": {"#,
    );
    for (row, (label, values)) in rows().enumerate() {
        let comma = if row == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\n        \"{label}\": {{");
        for (column, (name, value)) in NAMES.iter().zip(values).enumerate() {
            let comma = if column == 0 { "" } else { "," };
            let _ = write!(text, "{comma}\n            \"{name}\": \"{value}\"");
        }
        text.push_str("\n        }");
    }
    text.push_str("\n    }\n}");
    text
}
