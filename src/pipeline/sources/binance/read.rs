//! Reads rows: `[open time, open, high, low, close, volume, close time, …]`, the oldest first.

use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{plan, refusal};
use crate::model::{Answer, Bar, Request};
use crate::pipeline::reading::rows::{Reason, Rows, Values};
use crate::pipeline::reading::{self, malformed, not_json, quoted};
use crate::pipeline::source::{Page, Refusal};

/// Characters kept of a refused row.
const SHOWN: usize = 120;
/// From this number on a time is in microseconds: in milliseconds it would be the year 5138.
const MICROSECONDS: i64 = 100_000_000_000_000;
/// Bytes of a row in the provider's formatting, for a first estimate of how many there are.
const ROW_BYTES: usize = 150;

/// Reads an answer: bars, or the class of refusal.
pub(super) fn read(request: &Request, answer: &Answer) -> Result<Page, Refusal> {
    let body = reading::body(answer);
    if let Some(refusal) = refusal::refusal(answer.status, body, request) {
        return Err(refusal);
    }
    let no_rows = || malformed("no bars of one pair were requested");
    plan::window(request).ok_or_else(no_rows)?;
    let [series] = request.series.as_slice() else {
        return Err(no_rows());
    };
    let text = reading::text(body)?;
    let mut table = Table {
        rows: Rows::new(series.interval, text.len() / ROW_BYTES),
        refused: None,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = deserializer
        .deserialize_seq(&mut table)
        .and_then(|()| deserializer.end());
    if let Some(refusal) = table.refused {
        return Err(refusal);
    }
    parsed.map_err(|error| not_json(&error, text.len()))?;
    Ok(Page {
        parts: vec![(series.clone(), table.rows.finish(Tz::UTC)?)],
        next: None,
    })
}

/// The rows so far, and why the answer is refused whole.
struct Table {
    rows: Rows,
    refused: Option<Refusal>,
}

impl<'de> Visitor<'de> for &mut Table {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(row) = seq.next_element_seed(Row)? {
            let read = row.bar();
            if let Err(refusal) = self.rows.push(read, || row.shown()) {
                self.refused = Some(refusal);
                return Err(A::Error::custom("too many rows"));
            }
        }
        Ok(())
    }
}

/// The places of a row that count: open time, open, high, low, close and volume.
#[derive(Default)]
struct Places<'de>([Option<&'de str>; 6]);

struct Row;

impl<'de> DeserializeSeed<'de> for Row {
    type Value = Places<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Places<'de>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Row {
    type Value = Places<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Places<'de>, A::Error> {
        let mut places = Places::default();
        for place in &mut places.0 {
            *place = seq.next_element::<&RawValue>()?.map(RawValue::get);
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(places)
    }
}

impl Places<'_> {
    fn bar(&self) -> Result<(Bar, u32), Reason> {
        let [time, rest @ ..] = &self.0;
        let time = time.and_then(instant).ok_or(Reason::Label)?;
        // Amounts are texts.
        let [open, high, low, close, volume] = rest.map(|text| Some(text?.trim_matches('"')));
        Values {
            open,
            high,
            low,
            close,
            volume,
        }
        .bar(time, time.date_naive())
    }

    /// Label and content of a row that is refused.
    fn shown(&self) -> (String, String) {
        let texts: Vec<&str> = self.0.iter().flatten().copied().collect();
        let label = texts.first().copied().unwrap_or_default();
        (quoted(label, SHOWN), quoted(&texts.join(", "), SHOWN))
    }
}

/// The instant of a number: milliseconds, or microseconds if it has so many digits.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let number: i64 = text.parse().ok()?;
    if number >= MICROSECONDS {
        DateTime::from_timestamp_micros(number)
    } else {
        DateTime::from_timestamp_millis(number)
    }
}
