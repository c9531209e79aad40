//! A series as a file: CSV or JSON lines, written in pieces, so that a million bars need little memory.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::db::{BarQuery, DbError, Order, Store};
use crate::model::text::without_formula;
use crate::model::{Bar, Interval, SeriesKey, SourceId, Symbol};

/// Bars that are read and written at a time.
const PIECE: u32 = 10_000;

const HEAD: [&str; 15] = [
    "symbol",
    "interval",
    "adjusted",
    "timestamp",
    "trading_date",
    "open_price",
    "high_price",
    "low_price",
    "close_price",
    "volume",
    "adjusted_close",
    "dividend_amount",
    "split_coefficient",
    "source",
    "final",
];

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object per line.
    Jsonl,
}

impl Format {
    /// The format given by a file's name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let is_json = Path::new(name)
            .extension()
            .is_some_and(|ending| ending == "jsonl");
        if is_json { Self::Jsonl } else { Self::Csv }
    }
}

/// Writes bars in a format.
pub struct BarWriter<W: Write>(Lines<W>);

enum Lines<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(W),
}

impl<W: Write> std::fmt::Debug for BarWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BarWriter").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct JsonBar<'a> {
    source: &'a SourceId,
    symbol: &'a Symbol,
    interval: Interval,
    adjusted: bool,
    #[serde(flatten)]
    bar: &'a Bar,
}

impl<W: Write> BarWriter<W> {
    /// Starts writing: CSV begins with its header.
    pub fn new(format: Format, out: W) -> io::Result<Self> {
        Ok(Self(match format {
            Format::Jsonl => Lines::Jsonl(out),
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(HEAD)?;
                Lines::Csv(Box::new(writer))
            }
        }))
    }

    /// Writes bars of a series.
    pub fn write(&mut self, series: &SeriesKey, bars: &[Bar]) -> io::Result<()> {
        match &mut self.0 {
            Lines::Csv(writer) => {
                for bar in bars {
                    writer.write_record(record(series, bar))?;
                }
            }
            Lines::Jsonl(out) => {
                for bar in bars {
                    let line = JsonBar {
                        source: &series.source,
                        symbol: &series.symbol,
                        interval: series.interval,
                        adjusted: series.is_stored_adjusted(),
                        bar,
                    };
                    serde_json::to_writer(&mut *out, &line)?;
                    out.write_all(b"\n")?;
                }
            }
        }
        Ok(())
    }

    /// Finishes writing and returns the writer.
    pub fn finish(self) -> io::Result<W> {
        match self.0 {
            Lines::Csv(writer) => writer.into_inner().map_err(csv::IntoInnerError::into_error),
            Lines::Jsonl(mut out) => {
                out.flush()?;
                Ok(out)
            }
        }
    }
}

fn record(series: &SeriesKey, bar: &Bar) -> Vec<String> {
    let mut record = vec![
        without_formula(series.symbol.as_str()),
        series.interval.to_string(),
        series.is_stored_adjusted().to_string(),
        bar.timestamp
            .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        bar.trading_date.to_string(),
    ];
    record.extend([bar.open, bar.high, bar.low, bar.close].map(|price| price.to_string()));
    record.push(bar.volume.to_string());
    let extras = [
        bar.adjusted_close,
        bar.dividend_amount,
        bar.split_coefficient,
    ];
    record.extend(extras.map(|extra| extra.map(|value| value.to_string()).unwrap_or_default()));
    record.push(series.source.to_string());
    record.push(bar.is_final.to_string());
    record
}

/// Why a series could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] DbError),
    /// The file could not be written.
    #[error("{} cannot be written ({source})", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes a whole series to a new file, oldest bar first; returns how many bars it has.
///
/// The file appears when it is complete; an existing file is never touched.
pub async fn export(
    store: &Arc<dyn Store>,
    series: &SeriesKey,
    path: &Path,
) -> Result<u64, ExportError> {
    let wrong = |source: io::Error| ExportError::File {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder).map_err(wrong)?;
    let format = Format::of(&path.to_string_lossy());
    let out: File = file.as_file().try_clone().map_err(wrong)?;
    let mut writer = BarWriter::new(format, BufWriter::new(out)).map_err(wrong)?;
    let (mut from, mut count): (Option<DateTime<Utc>>, u64) = (None, 0);
    loop {
        let query = BarQuery {
            series: series.clone(),
            from,
            to: None,
            limit: PIECE,
            order: Order::OldestFirst,
        };
        let bars = store.bars(query).await?;
        let Some(last) = bars.last() else { break };
        from = last.timestamp.checked_add_signed(TimeDelta::seconds(1));
        count += bars.len() as u64;
        writer.write(series, &bars).map_err(wrong)?;
        if bars.len() < PIECE as usize || from.is_none() {
            break;
        }
    }
    let out = writer.finish().map_err(wrong)?;
    let out = out
        .into_inner()
        .map_err(|error| wrong(error.into_error()))?;
    out.sync_all().map_err(wrong)?;
    file.persist_noclobber(path)
        .map_err(|error| wrong(error.error))?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Price;

    fn bar() -> Bar {
        let price = Price::from_units(28_357_000_000);
        Bar {
            timestamp: "2026-11-20T20:55:00Z".parse().unwrap(),
            trading_date: "2026-11-20".parse().unwrap(),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: crate::model::Volume::parse("1208.5").unwrap().0,
            is_final: false,
            adjusted_close: None,
            dividend_amount: None,
            split_coefficient: None,
        }
    }

    fn written(format: Format) -> String {
        let series = SeriesKey::raw("IBM".parse().unwrap(), Interval::Min5);
        let mut writer = BarWriter::new(format, vec![]).unwrap();
        writer.write(&series, &[bar()]).unwrap();
        writer.write(&series, &[]).unwrap();
        String::from_utf8(writer.finish().unwrap()).unwrap()
    }

    #[test]
    fn csv_has_a_head_and_json_an_object_a_line() {
        assert_eq!(
            written(Format::Csv),
            format!(
                "{}\nIBM,5min,false,2026-11-20T20:55:00Z,2026-11-20,283.5700,283.5700,283.5700,283.5700,1208.5,,,,alpha_vantage,false\n",
                HEAD.join(",")
            )
        );
        let line: serde_json::Value = serde_json::from_str(&written(Format::Jsonl)).unwrap();
        assert_eq!(
            (&line["symbol"], &line["close_price"], &line["volume"]),
            (&"IBM".into(), &"283.5700".into(), &1_208.5.into())
        );
        assert_eq!(
            (&line["source"], &line["final"]),
            (&"alpha_vantage".into(), &false.into())
        );
    }

    #[test]
    fn the_name_says_the_format() {
        assert_eq!(Format::of("a.jsonl"), Format::Jsonl);
        assert_eq!(Format::of("a.csv"), Format::Csv);
    }
}
