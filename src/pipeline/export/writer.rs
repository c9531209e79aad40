//! Writes bars in a format: CSV and JSON lines as text, Parquet in its own file.

use std::io::{self, BufWriter, Write};

use chrono::SecondsFormat;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::columns::{BarRow, Cell};
use super::parquet::ParquetWriter;
use crate::model::bar_file::BarFormat;
use crate::model::text::without_formula;
use crate::pipeline::subject::Subject;

/// Writes bars in a format.
pub struct BarWriter<W: Write + Send, R: BarRow>(Kind<W, R>);

enum Kind<W: Write + Send, R: BarRow> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(BufWriter<W>),
    Parquet(Box<ParquetWriter<W, R>>),
}

impl<W: Write + Send, R: BarRow> std::fmt::Debug for BarWriter<W, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BarWriter").finish_non_exhaustive()
    }
}

impl<W: Write + Send, R: BarRow> BarWriter<W, R> {
    /// Starts writing: CSV begins with its header.
    pub fn new(format: BarFormat, out: W) -> io::Result<Self> {
        Ok(Self(match format {
            BarFormat::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                let head = R::columns().iter().map(|column| column.name);
                writer.write_record(head).map_err(as_io)?;
                Kind::Csv(Box::new(writer))
            }
            BarFormat::Jsonl => Kind::Jsonl(BufWriter::new(out)),
            BarFormat::Parquet => Kind::Parquet(Box::new(ParquetWriter::new(out)?)),
        }))
    }

    /// Writes bars of a series. Text is passed on at once, in whole lines.
    pub fn write(&mut self, of: &Subject, rows: &[R]) -> io::Result<()> {
        match &mut self.0 {
            Kind::Csv(writer) => {
                for row in rows {
                    let columns = R::columns().iter();
                    let cells = columns.map(|column| text(&column.cell, of, row));
                    let record = writer.write_record(cells);
                    record.map_err(as_io)?;
                }
                writer.flush()
            }
            Kind::Jsonl(out) => {
                for row in rows {
                    serde_json::to_writer(&mut *out, &Object { of, row })?;
                    out.write_all(b"\n")?;
                }
                out.flush()
            }
            Kind::Parquet(writer) => writer.write(of, rows),
        }
    }

    /// Writes what is still missing.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Kind::Csv(mut writer) => writer.flush(),
            Kind::Jsonl(mut out) => out.flush(),
            Kind::Parquet(writer) => writer.finish(),
        }
    }
}

/// The kind of an error tells a reader that has gone, and a full disk, from other failures.
fn as_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A cell as text; empty if there is nothing.
fn text<R: BarRow>(cell: &Cell<R>, of: &Subject, row: &R) -> String {
    match cell {
        // Symbols come from outside, and a spreadsheet runs what looks like a formula.
        Cell::Text(read) => without_formula(read(of)),
        Cell::Known(read) => read(of).map_or_else(String::new, without_formula),
        Cell::Flag(read) => read(of, row).to_string(),
        Cell::Instant(read) => read(row).to_rfc3339_opts(SecondsFormat::Secs, true),
        Cell::Day(read) => read(row).to_string(),
        Cell::Price(read) => read(row).to_string(),
        Cell::Extra(read) | Cell::Computed(read) => {
            read(row).map_or_else(String::new, |price| price.to_string())
        }
        Cell::Volume(read) => read(row).to_string(),
        Cell::ComputedVolume(read) => {
            read(row).map_or_else(String::new, |volume| volume.to_string())
        }
    }
}

/// A row as a JSON object: prices are text, so that no reader rounds them. What a bar does not have is
/// left out; what cannot be computed is null.
struct Object<'a, R: BarRow> {
    of: &'a Subject,
    row: &'a R,
}

impl<R: BarRow> Serialize for Object<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { of, row } = *self;
        let mut object = serializer.serialize_map(None)?;
        for column in R::columns() {
            let name = column.name;
            match column.cell {
                Cell::Text(read) => object.serialize_entry(name, read(of))?,
                Cell::Known(read) => {
                    if let Some(word) = read(of) {
                        object.serialize_entry(name, word)?;
                    }
                }
                Cell::Flag(read) => object.serialize_entry(name, &read(of, row))?,
                Cell::Instant(read) => object.serialize_entry(name, &read(row))?,
                Cell::Day(read) => object.serialize_entry(name, &read(row))?,
                Cell::Price(read) => object.serialize_entry(name, &read(row))?,
                Cell::Extra(read) => {
                    if let Some(price) = read(row) {
                        object.serialize_entry(name, &price)?;
                    }
                }
                Cell::Volume(read) => object.serialize_entry(name, &read(row))?,
                Cell::Computed(read) => object.serialize_entry(name, &read(row))?,
                Cell::ComputedVolume(read) => object.serialize_entry(name, &read(row))?,
            }
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::adjustment::{AdjustedBar, ScaledBar};
    use crate::model::{Bar, Interval, Price, SeriesKey, Volume};

    fn bar() -> Bar {
        let price = Price::from_units(28_357_000_000);
        Bar {
            timestamp: "2026-11-20T20:55:00Z".parse().unwrap(),
            trading_date: "2026-11-20".parse().unwrap(),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Volume::parse("1208.5").unwrap().0,
            is_final: false,
            adjusted_close: None,
            dividend_amount: None,
            split_coefficient: None,
        }
    }

    fn of(symbol: &str, currency: Option<&str>) -> Subject {
        Subject {
            series: SeriesKey::raw(symbol.parse().unwrap(), Interval::Min5),
            currency: currency.map(|code| code.parse().unwrap()),
            derived_from: currency.map(|_| Interval::Min15),
        }
    }

    fn written(format: BarFormat) -> String {
        let mut out = vec![];
        let mut writer = BarWriter::new(format, &mut out).unwrap();
        for of in [of("IBM", Some("GBp")), of("=1+1", None)] {
            writer.write(&of, &[bar()]).unwrap();
            writer.write(&of, &[]).unwrap();
        }
        writer.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn csv_has_one_head_and_each_row_its_series() {
        let rest = "5min,false,2026-11-20T20:55:00Z,2026-11-20,283.5700,283.5700,283.5700,283.5700,1208.5,,,,alpha_vantage,false";
        assert_eq!(
            written(BarFormat::Csv),
            format!(
                "symbol,interval,adjusted,timestamp,trading_date,open_price,high_price,low_price,close_price,volume,\
                 adjusted_close,dividend_amount,split_coefficient,source,final,currency,derived_from\n\
                 IBM,{rest},GBX,15min\n'=1+1,{rest},,\n"
            )
        );
    }

    #[test]
    fn json_has_an_object_a_line_and_keeps_every_digit() {
        let text = written(BarFormat::Jsonl);
        assert_eq!(
            text.lines().next().unwrap(),
            "{\"symbol\":\"IBM\",\"interval\":\"5min\",\"adjusted\":false,\"timestamp\":\"2026-11-20T20:55:00Z\",\
             \"trading_date\":\"2026-11-20\",\"open_price\":\"283.5700\",\"high_price\":\"283.5700\",\
             \"low_price\":\"283.5700\",\"close_price\":\"283.5700\",\"volume\":1208.5,\
             \"source\":\"alpha_vantage\",\"final\":false,\"currency\":\"GBX\",\"derived_from\":\"15min\"}"
        );
        let second: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        assert_eq!(second["symbol"], "=1+1");
        assert_eq!(second.get("currency"), None, "it is not known");
        assert_eq!(second.get("derived_from"), None, "they are its own");
    }

    #[test]
    fn what_cannot_be_computed_is_null_and_no_number_on_another_scale() {
        let scaled = AdjustedBar {
            close: Some(Price::from_units(7_089_250_000)),
            ..AdjustedBar::default()
        };
        let row = ScaledBar { bar: bar(), scaled };
        let written = |format| {
            let mut out = vec![];
            let mut writer = BarWriter::new(format, &mut out).unwrap();
            writer.write(&of("IBM", None), &[row]).unwrap();
            writer.finish().unwrap();
            String::from_utf8(out).unwrap()
        };
        let csv = written(BarFormat::Csv);
        let last = csv.lines().last().unwrap();
        assert_eq!(
            last,
            "IBM,5min,true,2026-11-20T20:55:00Z,2026-11-20,,,,70.8925,,,,,alpha_vantage,false,,"
        );
        let json: serde_json::Value = serde_json::from_str(&written(BarFormat::Jsonl)).unwrap();
        assert_eq!(json["close_price"], "70.8925");
        assert!(json.get("open_price").unwrap().is_null() && json.get("volume").unwrap().is_null());
        assert_eq!(json.get("dividend_amount"), None);
    }
}
