//! Files of bars: their formats, and names that no file system trips over.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::SeriesKey;
use super::words::words;

words! {
    /// How bars are written; the word is also the ending of a file's name.
    pub enum BarFormat {
        /// Comma-separated values with a header.
        Csv = "csv",
        /// One JSON object per line.
        Jsonl = "jsonl",
        /// Apache Parquet.
        Parquet = "parquet",
    }
}

impl BarFormat {
    /// The format that a file's name ends with.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?;
        let mut all = Self::ALL.iter().copied();
        all.find(|format| ending.eq_ignore_ascii_case(format.as_str()))
    }

    /// What a file of it holds.
    #[must_use]
    pub const fn holds(self) -> &'static str {
        match self {
            Self::Csv => "comma-separated values",
            Self::Jsonl => "one JSON object per line",
            Self::Parquet => "Parquet for DuckDB, pandas and Polars",
        }
    }
}

/// A series and the file it is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarFile {
    /// The series.
    pub series: SeriesKey,
    /// The file.
    pub path: PathBuf,
    /// How it is written.
    pub format: BarFormat,
}

/// The end of a file's name unless another is chosen: the time in UTC.
#[must_use]
pub fn usual_end(now: DateTime<Utc>) -> String {
    now.format("%Y%m%d-%H%M%S").to_string()
}

/// The name of a file of one series, without its ending.
#[must_use]
pub fn stem(series: &SeriesKey, end: &str) -> String {
    let symbol = harmless(&series.instrument().to_string());
    let adjusted = if series.adjusted { "-adjusted" } else { "" };
    format!("{symbol}-{}{adjusted}-{end}", series.interval)
}

/// A file for each series; no two are one file, even where the case of letters does not count.
#[must_use]
pub fn one_for_each(series: &[SeriesKey], end: &str, format: BarFormat) -> Vec<BarFile> {
    let mut taken = HashSet::new();
    let file = |series: &SeriesKey| {
        let stem = stem(series, end);
        let numbered = (2_usize..).map(|number| format!("{stem}-{number}"));
        let mut names = std::iter::once(stem.clone()).chain(numbered);
        let free = names.find(|name| taken.insert(name.to_lowercase()));
        BarFile {
            series: series.clone(),
            path: format!("{}.{format}", free.unwrap_or(stem)).into(),
            format,
        }
    };
    series.iter().map(file).collect()
}

/// A symbol as part of a file's name: symbols may hold `/` and `:`, and begin like an option.
fn harmless(symbol: &str) -> String {
    let harmless = |c: char| match c {
        '-' | '.' => c,
        c if c.is_ascii_alphanumeric() => c,
        _ => '_',
    };
    let name: String = symbol
        .trim_start_matches('.')
        .chars()
        .map(harmless)
        .collect();
    match name.strip_prefix('-') {
        Some(rest) => format!("_{rest}"),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, SourceId, Sources};

    fn series(words: &str) -> SeriesKey {
        let sources = Sources {
            usual: SourceId::DEFAULT,
            known: vec![SourceId::known("other")],
        };
        SeriesKey::from_words(words, Interval::Daily, &sources).unwrap()
    }

    #[test]
    fn symbols_make_harmless_file_names() {
        let symbols = ["BRK-B", "FRA:IQQE", "../x", "600104.SHH", "-rf", "^GSPC"];
        assert_eq!(
            symbols.map(harmless),
            ["BRK-B", "FRA_IQQE", "_x", "600104.SHH", "_rf", "_GSPC"]
        );
        assert_eq!(
            stem(&series("other:IBM 5min adjusted"), "x"),
            "other_IBM-5min-adjusted-x"
        );
    }

    #[test]
    fn series_that_look_alike_get_files_of_their_own() {
        let alike = ["BRK/B", "BRK_B", "BRK^B", "IBM weekly", "IBM"].map(series);
        let files = one_for_each(&alike, "all", BarFormat::Parquet);
        let names: Vec<&str> = files
            .iter()
            .map(|file| file.path.to_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "BRK_B-daily-all.parquet",
                "BRK_B-daily-all-2.parquet",
                "BRK_B-daily-all-3.parquet",
                "IBM-weekly-all.parquet",
                "IBM-daily-all.parquet",
            ]
        );
        assert_eq!(files[1].series, alike[1]);
    }

    #[test]
    fn the_name_says_the_format() {
        let of = |name: &str| BarFormat::of(Path::new(name));
        assert_eq!(of("a.jsonl"), Some(BarFormat::Jsonl));
        assert_eq!(of("a.b.CSV"), Some(BarFormat::Csv));
        assert_eq!(of("x/a.parquet"), Some(BarFormat::Parquet));
        assert_eq!([of("csv"), of("a.txt"), of(".csv")], [None; 3]);
    }
}
