//! The bars of the year: the same for each symbol.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use pipeline_tui::model::{Bar, Interval, Price, SeriesKey, Volume, moment};
use pipeline_tui::simulate::is_trading_day;

pub(crate) const FIRST: &str = "2025-01-01";
pub(crate) const LAST: &str = "2025-12-31";
/// Of a session.
const MINUTES: i64 = 390;
/// Units of a price in a cent.
const CENT: i64 = 1_000_000;

/// The minutes of all sessions, and their bars as the provider writes them.
pub(crate) struct Year {
    pub(crate) minutes: Vec<DateTime<Utc>>,
    /// The rows, each after a comma.
    pub(crate) text: String,
    /// Where each row begins, and where the last one ends.
    pub(crate) begins: Vec<usize>,
}

/// The name of a symbol: letters only.
pub(crate) fn symbol(number: usize) -> String {
    let letter = |digit: usize| char::from(b'A' + u8::try_from(digit % 26).unwrap());
    format!("Q{}{}", letter(number / 26), letter(number))
}

/// The series that the limit is stored as; its table takes the usual source for any.
pub(crate) fn series(number: usize) -> SeriesKey {
    SeriesKey::raw(symbol(number).parse().unwrap(), Interval::Min1)
}

impl Year {
    pub(crate) fn new() -> Self {
        let [first, last] = [FIRST, LAST].map(|day| day.parse::<NaiveDate>().unwrap());
        let opens = NaiveTime::from_hms_opt(9, 30, 0).unwrap();
        let minutes: Vec<DateTime<Utc>> = first
            .iter_days()
            .take_while(|date| *date <= last)
            .filter(|date| is_trading_day(*date))
            .map(|date| moment::local(date.and_time(opens), New_York))
            .flat_map(|open| (0..MINUTES).map(move |minute| open + TimeDelta::minutes(minute)))
            .collect();
        let mut text = String::new();
        let mut begins = vec![];
        for (place, at) in minutes.iter().enumerate() {
            begins.push(text.len());
            let [open, high, low, close] = cents(place).map(|cents| {
                let (whole, rest) = (cents / 100, cents % 100);
                format!("{whole}.{rest:02}")
            });
            let (volume, at) = (volume(place), at.format("%Y-%m-%dT%H:%M:%SZ"));
            let _ = write!(
                text,
                ",{{\"c\":{close},\"h\":{high},\"l\":{low},\"n\":{},\"o\":{open},\"t\":\"{at}\",\"v\":{volume},\"vw\":{close}4217}}",
                volume / 90 + 1
            );
        }
        begins.push(text.len());
        Self {
            minutes,
            text,
            begins,
        }
    }

    /// The same bars as they are stored.
    pub(crate) fn bars(&self) -> Vec<Bar> {
        let bar = |(place, at): (usize, &DateTime<Utc>)| {
            let [open, high, low, close] =
                cents(place).map(|cents| Price::from_units(cents * CENT));
            Bar {
                timestamp: *at,
                trading_date: at.with_timezone(&New_York).date_naive(),
                open,
                high,
                low,
                close,
                volume: Volume::from(volume(place)),
                is_final: true,
                adjusted_close: None,
                dividend_amount: None,
                split_coefficient: None,
            }
        };
        self.minutes.iter().enumerate().map(bar).collect()
    }
}

/// Open, high, low and close.
fn cents(place: usize) -> [i64; 4] {
    let open = 28_000 + i64::try_from(place).unwrap() * 7_919 % 9_973;
    [open, open + 31, open - 29, open + 11]
}

fn volume(place: usize) -> u32 {
    u32::try_from(place * 104_729 % 50_000).unwrap()
}
