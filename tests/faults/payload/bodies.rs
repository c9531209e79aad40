//! Answers in the documented shape, and what can be wrong with a row of one.

use std::fmt::Write as _;
use std::ops::Range;

use chrono::{Days, NaiveDate};

/// This many days before a Friday, newest first.
fn day(back: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 5, 15).unwrap() - Days::new(back)
}

/// An answer with daily bars in JSON.
pub fn document(symbol: &str, rows: &str) -> String {
    format!(
        "{{\"Meta Data\": {{\"1. Information\": \"Daily Prices of the exchange\", \"2. Symbol\": \"{symbol}\", \
         \"5. Time Zone\": \"US/Eastern\"}}, \"Time Series (Daily)\": {{{rows}}}}}"
    )
}

/// A row whose open price and volume are these JSON values.
pub fn row(label: &str, open: &str, volume: &str) -> String {
    format!(
        "\"{label}\": {{\"1. open\": {open}, \"2. high\": \"1\", \"3. low\": \"1\", \"4. close\": \"1\", \"5. volume\": {volume}}}"
    )
}

/// The rows of these days, this many of them without a price.
pub fn rows(days: Range<u64>, bad: u64) -> String {
    let first = days.start;
    let rows = days.map(|back| {
        let open = if back - first < bad { "\"0\"" } else { "\"1\"" };
        row(
            &day(back).to_string(),
            open,
            &format!("\"{}\"", back + 1_000),
        )
    });
    rows.collect::<Vec<_>>().join(", ")
}

/// An answer with this many daily bars in CSV.
pub fn table(days: u64) -> String {
    let mut table = "timestamp,open,high,low,close,volume\r\n".to_owned();
    for back in 0..days {
        let _ = write!(
            table,
            "{},1.25,1.25,1.25,1.25,{}\r\n",
            day(back),
            back + 1_000
        );
    }
    table
}

/// The same answer for another symbol.
pub fn named(body: &[u8], symbol: &str) -> Vec<u8> {
    match std::str::from_utf8(body) {
        Ok(text) => text.replace("SELF", symbol).into_bytes(),
        Err(_) => body.to_vec(),
    }
}

/// What is wrong with a row, and the message about it.
#[derive(Debug)]
pub struct Flaw {
    pub label: String,
    open: &'static str,
    volume: &'static str,
    pub reason: &'static str,
}

impl Flaw {
    pub fn row(&self) -> String {
        row(&self.label, self.open, self.volume)
    }
}

const NO_NUMBER: &str = "open is not a plain decimal number";
const NO_VOLUME: &str = "volume is not a plain decimal number";
const NO_DATE: &str = "the label is not a date or time between 1900 and 2200";

const OPENS: &[(&str, &str)] = &[
    ("\"NaN\"", NO_NUMBER),
    ("\"inf\"", NO_NUMBER),
    ("\"-1\"", NO_NUMBER),
    ("-1", NO_NUMBER),
    ("\"1e400\"", NO_NUMBER),
    ("\"1,234.5\"", NO_NUMBER),
    ("\"\\u001b[2J\"", NO_NUMBER),
    ("\"0\"", "open is zero"),
    (
        "\"111111111111111111111111111111\"",
        "open is 90,000,000,000 or more",
    ),
    ("1e300", "open is 90,000,000,000 or more"),
    ("null", "open is missing"),
    ("[1]", "open is missing"),
    ("\"2\"", "open is above high"),
    ("\"0.5\"", "low is above open"),
];
const VOLUMES: &[(&str, &str)] = &[
    (
        "\"9223372036854775808\"",
        "volume is above 9223372036854775807",
    ),
    ("\"-1\"", NO_VOLUME),
    ("\"\"", NO_VOLUME),
    ("\"1e3\"", NO_VOLUME),
];
const LABELS: &[&str] = &[
    "2026-02-30",
    "0000-01-01",
    "10000-01-01",
    "2026-05-15 10:00:60",
    "soon",
];

/// Every flaw of a row.
pub fn flaws() -> Vec<Flaw> {
    let flaw = |label: &str, open, volume, reason| Flaw {
        label: label.to_owned(),
        open,
        volume,
        reason,
    };
    let between = day(50).to_string();
    let opens = OPENS
        .iter()
        .map(|(open, reason)| flaw(&between, *open, "\"8\"", *reason));
    let volumes = VOLUMES
        .iter()
        .map(|(volume, reason)| flaw(&between, "\"1\"", *volume, *reason));
    let labels = LABELS
        .iter()
        .map(|label| flaw(label, "\"1\"", "\"8\"", NO_DATE));
    opens.chain(volumes).chain(labels).collect()
}
