//! Reads a page of bars in one pass, straight into rows, with every number as the answer writes it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::America::New_York;
use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::hours::Days;
use super::plan;
use super::refusal;
use crate::model::calendar::Calendar;
use crate::model::{
    Answer, ErrorClass, Grid, Interval, Publishing, Reading, Request, SeriesKey, roll_up,
};
use crate::pipeline::reading::rows::{Reason, Rows, Values};
use crate::pipeline::reading::{body, malformed, not_json, quoted, text};
use crate::pipeline::source::{Page, Refusal};

/// Bytes of a bar, for a first estimate of how many there are.
const BAR_BYTES: usize = 110;
/// Characters shown of a text that the answer should not hold.
const SHOWN: usize = 40;

/// Reads the answer to a request, or says why it holds no bars.
pub(super) fn read(
    request: &Request,
    answer: &Answer,
    calendar: &Calendar,
) -> Result<Page, Refusal> {
    if let Some(refusal) = refusal::of(request, answer) {
        return Err(refusal);
    }
    let text = text(body(answer))?;
    let mut document = Document {
        expected: text.len() / BAR_BYTES / request.series.len().max(1),
        asked: request
            .series
            .iter()
            .map(|key| (key.symbol.as_str(), key))
            .collect(),
        days: Days::new(calendar, plan::hours(request)),
        parts: vec![],
        has_bars: false,
        said: None,
        token: None,
        refused: None,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = deserializer
        .deserialize_map(Root(&mut document))
        .and_then(|()| deserializer.end());
    if let Some(refusal) = document.refused {
        return Err(refusal);
    }
    parsed.map_err(|error| not_json(&error, text.len()))?;
    if let (false, Some(said)) = (document.has_bars, document.said) {
        let said = quoted(&said, refusal::MAX_CHARS);
        return Err(Refusal::new(ErrorClass::Unknown, said));
    }
    for (series, reading) in &mut document.parts {
        if plan::finer(series.interval).is_some() {
            roll((request, series.interval), calendar, reading)?;
        }
    }
    let next = document.token.filter(|token| !token.is_empty());
    let is_derived = |key: &SeriesKey| plan::finer(key.interval).is_some();
    if next.is_some() && request.series.iter().any(is_derived) {
        return Err(malformed("there are more bars than one page holds"));
    }
    Ok(Page {
        parts: document.parts,
        next: next.map(|token| request.next_page([(plan::PAGE, token.as_ref())])),
    })
}

/// Replaces bars by those that they add up to. One that cannot be used would be missing in a sum.
fn roll(
    (request, interval): (&Request, Interval),
    calendar: &Calendar,
    reading: &mut Reading,
) -> Result<(), Refusal> {
    if let Some(row) = reading.rejected.first() {
        let why = &row.reason;
        return Err(malformed(format!(
            "a bar cannot be derived from bars of which one cannot be used: {why}"
        )));
    }
    let Some(time) = plan::time(request) else {
        return Err(malformed("no time was requested"));
    };
    let grid = Grid {
        interval,
        calendar: calendar.clone(),
        publishing: Publishing {
            zone: New_York,
            ..Publishing::UNKNOWN
        },
    };
    reading.bars = roll_up(&grid, time, &reading.bars);
    reading.received = u32::try_from(reading.bars.len()).unwrap_or(u32::MAX);
    Ok(())
}

/// What an answer has said so far.
struct Document<'de, 'a> {
    expected: usize,
    asked: HashMap<&'a str, &'a SeriesKey>,
    days: Days<'a>,
    parts: Vec<(SeriesKey, Reading)>,
    /// Whether it names bars, be they none.
    has_bars: bool,
    /// What it says instead.
    said: Option<Cow<'de, str>>,
    token: Option<Cow<'de, str>>,
    refused: Option<Refusal>,
}

/// The members of the answer.
struct Root<'d, 'de, 'a>(&'d mut Document<'de, 'a>);

impl<'de> Visitor<'de> for Root<'_, 'de, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with bars")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            match name.as_ref() {
                "bars" => {
                    self.0.has_bars = true;
                    map.next_value_seed(Bars(self.0))?;
                }
                "message" => {
                    self.0.said = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0);
                }
                "next_page_token" => {
                    self.0.token = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The bars of all symbols; null where there are none.
struct Bars<'d, 'de, 'a>(&'d mut Document<'de, 'a>);

impl<'de> DeserializeSeed<'de> for Bars<'_, 'de, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Bars<'_, 'de, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bars by symbol")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let document = self.0;
        while let Some(Text(symbol)) = map.next_key()? {
            let Some(series) = document.asked.get(symbol.as_ref()).copied() else {
                let symbol = quoted(&symbol, SHOWN);
                document.refused = Some(malformed(format!(
                    "the answer holds {symbol}, which was not requested"
                )));
                return Err(A::Error::custom("another symbol"));
            };
            let interval = plan::finer(series.interval).unwrap_or(series.interval);
            let mut rows = Rows::new(interval, document.expected);
            map.next_value_seed(OfSymbol {
                rows: &mut rows,
                days: &mut document.days,
                is_intraday: series.interval.is_intraday(),
                refused: &mut document.refused,
            })?;
            match rows.finish(New_York) {
                Ok(reading) => document.parts.push((series.clone(), reading)),
                Err(refusal) => {
                    document.refused = Some(refusal);
                    return Err(A::Error::custom("rows that cannot be used"));
                }
            }
        }
        Ok(())
    }
}

/// The bars of one symbol; null where there are none.
struct OfSymbol<'d, 'a> {
    rows: &'d mut Rows,
    days: &'d mut Days<'a>,
    is_intraday: bool,
    refused: &'d mut Option<Refusal>,
}

impl<'de> DeserializeSeed<'de> for OfSymbol<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for OfSymbol<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of bars")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(cells) = seq.next_element::<Cells<'de>>()? {
            let label = cells.label.as_deref().unwrap_or_default();
            let place = instant(label).ok_or(Reason::Label);
            let place = place.map(|at| self.days.place(at, self.is_intraday));
            let read = match place {
                Ok(Some((timestamp, date))) => cells.values().bar(timestamp, date),
                // Outside the hours that were asked for.
                Ok(None) => continue,
                Err(reason) => Err(reason),
            };
            if let Err(refusal) = self
                .rows
                .push(read, || (quoted(label, SHOWN), cells.content()))
            {
                *self.refused = Some(refusal);
                return Err(A::Error::custom("too many rows"));
            }
        }
        Ok(())
    }
}

/// A text, borrowed from the answer unless it holds escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A bar as the answer writes it: numbers as text, never by way of a binary fraction.
#[derive(Default)]
struct Cells<'de> {
    label: Option<Cow<'de, str>>,
    open: Option<&'de RawValue>,
    high: Option<&'de RawValue>,
    low: Option<&'de RawValue>,
    close: Option<&'de RawValue>,
    volume: Option<&'de RawValue>,
}

impl Cells<'_> {
    fn values(&self) -> Values<'_> {
        Values {
            open: self.open.map(RawValue::get),
            high: self.high.map(RawValue::get),
            low: self.low.map(RawValue::get),
            close: self.close.map(RawValue::get),
            volume: self.volume.map(RawValue::get),
        }
    }

    fn content(&self) -> String {
        let shown = |value: Option<&RawValue>| {
            value.map_or_else(String::new, |value| quoted(value.get(), SHOWN))
        };
        format!(
            "open {}, high {}, low {}, close {}, volume {}",
            shown(self.open),
            shown(self.high),
            shown(self.low),
            shown(self.close),
            shown(self.volume)
        )
    }
}

impl<'de> Deserialize<'de> for Cells<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CellsVisitor;

        impl<'de> Visitor<'de> for CellsVisitor {
            type Value = Cells<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a bar")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cells<'de>, A::Error> {
                let mut cells = Cells::default();
                while let Some(Text(name)) = map.next_key()? {
                    match name.as_ref() {
                        "t" => {
                            cells.label = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0);
                        }
                        "o" => cells.open = map.next_value()?,
                        "h" => cells.high = map.next_value()?,
                        "l" => cells.low = map.next_value()?,
                        "c" => cells.close = map.next_value()?,
                        "v" => cells.volume = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(cells)
            }
        }

        deserializer.deserialize_map(CellsVisitor)
    }
}

/// The instant of a label: as the provider writes it, or in any other form of RFC 3339.
fn instant(label: &str) -> Option<DateTime<Utc>> {
    plain(label.as_bytes()).or_else(|| label.parse().ok())
}

/// `2026-08-03T13:30:00Z`.
fn plain(label: &[u8]) -> Option<DateTime<Utc>> {
    let &[
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b'Z',
    ] = label
    else {
        return None;
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, two(m1, m2)?, two(d1, d2)?)?;
    let time = NaiveTime::from_hms_opt(two(h1, h2)?, two(n1, n2)?, two(s1, s2)?)?;
    Some(date.and_time(time).and_utc())
}

fn two(tens: u8, ones: u8) -> Option<u32> {
    let digit = |byte: u8| Some(byte.wrapping_sub(b'0')).filter(|digit| *digit < 10);
    Some(u32::from(digit(tens)?) * 10 + u32::from(digit(ones)?))
}
