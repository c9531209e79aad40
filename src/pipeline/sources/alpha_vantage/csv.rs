//! Reads a CSV answer straight into rows.
//!
//! CSV names neither symbol nor interval nor time zone: the header is the only proof of what it
//! holds, so it must be exactly the one that the requested function sends. Every line ends in a
//! line break, including the last: without one the answer was cut, perhaps in the middle of a
//! number.

use std::borrow::Cow;

use ::csv::{ByteRecord, Error, ErrorKind, ReaderBuilder};
use chrono_tz::US::Eastern;

use super::options::Datatype;
use super::rows::{Cells, Extras, Field, LabelledRows};
use crate::model::text::clean_to;
use crate::model::{Interval, Reading, Request};
use crate::pipeline::reading::malformed;
use crate::pipeline::source::Refusal;

/// Bytes in a row, for a first estimate of how many there are.
const ROW_BYTES: usize = 45;
/// Characters shown of a text that is not a known header.
const SHOWN: usize = 80;

/// Reads the answer to `request`.
pub(super) fn read(text: &str, request: &Request, interval: Interval) -> Result<Reading, Refusal> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = ByteRecord::new();
    let header = match reader.read_byte_record(&mut record) {
        Ok(true) => columns(&record, Extras::of(&request.endpoint)),
        _ => None,
    };
    let Some(columns) = header else {
        return Err(malformed(format!(
            "the answer is neither JSON nor a table of these bars; it begins with {:?}",
            clean_to(text.lines().next().unwrap_or_default(), SHOWN)
        )));
    };
    if request.get("datatype") != Some(Datatype::Csv.as_str()) {
        return Err(malformed(
            "the answer is CSV, which cannot be checked; JSON was requested",
        ));
    }
    if !text.ends_with('\n') {
        return Err(malformed(format!(
            "the answer breaks off after {} bytes",
            text.len()
        )));
    }
    let mut rows = LabelledRows::new(&request.endpoint, interval, text.len() / ROW_BYTES);
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| broken(&error))?
    {
        let (label, cells) = row(&record, &columns);
        rows.push(label, &cells)?;
    }
    rows.finish(Eastern)
}

fn broken(error: &Error) -> Refusal {
    malformed(match error.kind() {
        ErrorKind::Io(_) => "the answer could not be read as CSV".to_owned(),
        _ => format!(
            "the answer is not valid CSV (line {})",
            error.position().map_or(0, ::csv::Position::line)
        ),
    })
}

/// The columns after the label, when the header is one that the function sends.
fn columns(header: &ByteRecord, extras: Extras) -> Option<Vec<Field>> {
    use Field::{AdjustedClose, Close, Dividend, High, Low, Open, Split, Volume};
    let mut names = header
        .iter()
        .map(|name| std::str::from_utf8(name).unwrap_or_default().trim());
    names
        .next()
        .filter(|name| matches!(*name, "timestamp" | "time"))?;
    let fields: Vec<Field> = names.map(Field::named).collect::<Option<_>>()?;
    let known: &[Field] = match extras {
        Extras::None => &[Open, High, Low, Close, Volume],
        Extras::Dividends => &[Open, High, Low, Close, AdjustedClose, Volume, Dividend],
        Extras::DividendsAndSplits => &[
            Open,
            High,
            Low,
            Close,
            AdjustedClose,
            Volume,
            Dividend,
            Split,
        ],
    };
    (fields == known).then_some(fields)
}

fn row<'a>(record: &'a ByteRecord, columns: &[Field]) -> (&'a str, Cells<'a>) {
    let mut values = record
        .iter()
        .map(|value| std::str::from_utf8(value).unwrap_or_default());
    let label = values.next().unwrap_or_default();
    let mut cells = Cells::default();
    for (field, value) in columns.iter().zip(values) {
        cells.set(*field, Some(Cow::Borrowed(value)));
    }
    (label, cells)
}
