//! Adjusted bars for people and programs: why some have no prices, and the bars as CSV or JSON lines.

use std::io;

use chrono::{NaiveDate, SecondsFormat, TimeDelta};
use serde::{Serialize, Serializer as _};
use serde_json::Value;

use super::export::columns::{COLUMNS, Cell, Column};
use crate::model::adjustment::{AdjustedBar, Adjustments, Gap, KnownEvents, Unknown};
use crate::model::bar_file::BarFormat;
use crate::model::text::without_formula;
use crate::model::{Bar, Interval, Price, SeriesKey, Volume};

/// Dividends are declared so long before their day, at least, and stand in the list by then.
const DECLARED_AHEAD: TimeDelta = TimeDelta::days(7);

/// Why some of these bars of a series have no adjusted prices, each reason once, and what helps.
#[must_use]
pub fn reasons(series: &SeriesKey, bars: &[Bar], adjustments: &Adjustments) -> Vec<String> {
    if matches!(series.interval, Interval::Weekly | Interval::Monthly) {
        return vec![];
    }
    let mut gaps: Vec<Gap> = bars
        .iter()
        .filter_map(|bar| adjustments.gap(bar.trading_date))
        .collect();
    gaps.dedup();
    gaps.iter().map(|gap| reason(series, *gap)).collect()
}

fn reason(series: &SeriesKey, gap: Gap) -> String {
    let instrument = series.instrument();
    let daily = format!("pipeline-tui fetch --symbols {instrument} --interval daily");
    match gap {
        Gap::Before(date, Unknown::LooksLikeSplit(ratio)) => format!(
            "no adjusted prices before {date}: what happened then looks like a split {ratio} that nobody reported; \
             ask for the events (2 requests): pipeline-tui fetch --events --symbols {instrument}"
        ),
        Gap::Before(date, Unknown::NoClose) => format!(
            "no adjusted prices before {date}: the factor of that day's dividend needs its daily bar, which is not \
             stored; fetch it with: {daily}"
        ),
        Gap::Before(date, Unknown::NoFactor) => {
            format!("no adjusted prices before {date}: the factor of that day's event is not known")
        }
        Gap::From(date) => format!(
            "no adjusted prices from {date} on: no later daily bar says whether there was a split; fetch them with: \
             {daily}"
        ),
        Gap::All => format!(
            "no adjusted prices: they follow from the daily bars of {instrument}, and none are stored; fetch them \
             with: {daily}"
        ),
    }
}

/// What to say if dividends are not known of some of these daily bars, which are all from the oldest
/// bar shown.
#[must_use]
pub fn without_dividends(series: &SeriesKey, daily: &[Bar], known: &KnownEvents) -> Option<String> {
    let known = known.dividends.map(|through| through + DECLARED_AHEAD);
    let is_unknown = |bar: &&Bar| {
        bar.dividend_amount.is_none() && known.is_none_or(|through| through < bar.trading_date)
    };
    let (oldest, newest) = daily
        .iter()
        .filter(is_unknown)
        .map(|bar| bar.trading_date)
        .fold(None, |span: Option<(NaiveDate, NaiveDate)>, date| {
            let (oldest, newest) = span.unwrap_or((date, date));
            Some((oldest.min(date), newest.max(date)))
        })?;
    Some(format!(
        "dividends between {oldest} and {newest} are not known: for those days prices are adjusted for splits alone; \
         ask for the events (2 requests): pipeline-tui fetch --events --symbols {}",
        series.instrument()
    ))
}

/// Adjusted bars of series in a format for other programs, text; what cannot be known is empty or null.
pub fn written(
    format: BarFormat,
    all: &[(&SeriesKey, Vec<(Bar, AdjustedBar)>)],
) -> io::Result<Vec<u8>> {
    let rows = all.iter().flat_map(|(series, bars)| {
        let row = move |(bar, adjusted): &(Bar, AdjustedBar)| cells(series, bar, adjusted);
        bars.iter().map(row)
    });
    if format == BarFormat::Csv {
        let mut writer = csv::Writer::from_writer(vec![]);
        writer.write_record(COLUMNS.iter().map(|column| column.name))?;
        for row in rows {
            writer.write_record(row.iter().map(in_csv))?;
        }
        return writer.into_inner().map_err(csv::IntoInnerError::into_error);
    }
    let mut out = vec![];
    for row in rows {
        let mut object = serde_json::Serializer::new(&mut out);
        object.collect_map(COLUMNS.iter().map(|column| column.name).zip(row))?;
        out.push(b'\n');
    }
    Ok(out)
}

/// What a row holds in a column.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown {
    Plain(Value),
    Volume(Option<Volume>),
}

/// The cells of a row, in the order of the columns.
fn cells(series: &SeriesKey, bar: &Bar, adjusted: &AdjustedBar) -> Vec<Shown> {
    let price = |price: Option<Price>| price.map_or(Value::Null, |price| price.to_string().into());
    let cell = |column: &Column| {
        Shown::Plain(match (column.name, &column.cell) {
            ("adjusted", _) => true.into(),
            ("open_price", _) => price(adjusted.open),
            ("high_price", _) => price(adjusted.high),
            ("low_price", _) => price(adjusted.low),
            ("close_price", _) => price(adjusted.close),
            (_, Cell::Text(read)) => read(series).into(),
            (_, Cell::Flag(read)) => read(series, bar).into(),
            (_, Cell::Instant(read)) => read(bar).to_rfc3339_opts(SecondsFormat::Secs, true).into(),
            (_, Cell::Day(read)) => read(bar).to_string().into(),
            (_, Cell::Price(read)) => price(Some(read(bar))),
            (_, Cell::Extra(read)) => price(read(bar)),
            (_, Cell::Volume(_)) => return Shown::Volume(adjusted.volume),
        })
    };
    COLUMNS.iter().map(cell).collect()
}

/// A cell as text; a spreadsheet runs what looks like a formula.
fn in_csv(cell: &Shown) -> String {
    match cell {
        Shown::Plain(Value::Null) | Shown::Volume(None) => String::new(),
        Shown::Plain(Value::String(text)) => without_formula(text),
        Shown::Plain(other) => other.to_string(),
        Shown::Volume(Some(volume)) => volume.to_string(),
    }
}
