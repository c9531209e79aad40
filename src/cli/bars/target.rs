//! Where bars go, and in which format: what the flags say together.

use std::path::{Path, PathBuf};

use crate::cli::args::BarsFormat;
use crate::model::bar_file::BarFormat;

/// Where bars go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// As a table, to stdout or to a file.
    Table(Option<PathBuf>),
    /// As text for programs, to stdout.
    Stdout(BarFormat),
    /// To one file.
    File(PathBuf, BarFormat),
    /// To a folder, one file for each series.
    Folder(PathBuf, BarFormat),
}

impl Destination {
    /// Where so many series go, or why they cannot; `is_folder` says which paths are folders.
    pub fn of(
        format: Option<BarsFormat>,
        output: Option<&Path>,
        series: usize,
        is_folder: impl Fn(&Path) -> bool,
    ) -> Result<Self, &'static str> {
        let is_one = series == 1;
        let Some(path) = output else {
            return match data(format.unwrap_or(BarsFormat::Table)) {
                None => Ok(Self::Table(None)),
                Some(BarFormat::Parquet) => {
                    Err("Parquet is not for a terminal; name a file or a folder with --output")
                }
                Some(format) => Ok(Self::Stdout(format)),
            };
        };
        let into_folder =
            !is_one || path.as_os_str().as_encoded_bytes().ends_with(b"/") || is_folder(path);
        let named = BarFormat::of(path).filter(|_| !into_folder);
        let format = format.map_or(named, data);
        match (format, into_folder) {
            (Some(format), true) => Ok(Self::Folder(path.to_owned(), format)),
            (Some(format), false) => Ok(Self::File(path.to_owned(), format)),
            (None, false) => Ok(Self::Table(Some(path.to_owned()))),
            (None, true) => {
                Err("files in a folder need --format csv, --format jsonl or --format parquet")
            }
        }
    }
}

/// The format for programs; `None`: a table.
const fn data(format: BarsFormat) -> Option<BarFormat> {
    match format {
        BarsFormat::Table => None,
        BarsFormat::Csv => Some(BarFormat::Csv),
        BarsFormat::Jsonl => Some(BarFormat::Jsonl),
        BarsFormat::Parquet => Some(BarFormat::Parquet),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(
        format: Option<BarsFormat>,
        output: Option<&str>,
        series: usize,
    ) -> Result<Destination, &'static str> {
        Destination::of(format, output.map(Path::new), series, |path| {
            path == Path::new("there")
        })
    }

    #[test]
    fn one_series_goes_to_a_file_and_several_to_a_folder() {
        use BarsFormat::{Csv, Parquet, Table};
        let file = |format| Destination::File("x".into(), format);
        let folder = |path: &str, format| Destination::Folder(path.into(), format);
        assert_eq!(target(None, None, 2), Ok(Destination::Table(None)));
        assert_eq!(
            target(Some(Csv), None, 2),
            Ok(Destination::Stdout(BarFormat::Csv))
        );
        assert_eq!(target(Some(Csv), Some("x"), 1), Ok(file(BarFormat::Csv)));
        assert_eq!(
            target(Some(Csv), Some("x"), 2),
            Ok(folder("x", BarFormat::Csv))
        );
        for path in ["there", "x/"] {
            let expected = folder(path, BarFormat::Parquet);
            assert_eq!(target(Some(Parquet), Some(path), 1), Ok(expected));
        }
        assert!(
            target(Some(Parquet), None, 1)
                .unwrap_err()
                .contains("--output")
        );
        for format in [None, Some(Table)] {
            assert!(
                target(format, Some("x"), 2)
                    .unwrap_err()
                    .contains("--format")
            );
        }
    }

    #[test]
    fn the_name_of_a_file_says_the_format_unless_a_flag_does() {
        let parquet = || Some("a.parquet");
        let file = |format| Ok(Destination::File("a.parquet".into(), format));
        assert_eq!(target(None, parquet(), 1), file(BarFormat::Parquet));
        assert_eq!(
            target(Some(BarsFormat::Csv), parquet(), 1),
            file(BarFormat::Csv)
        );
        let table = Ok(Destination::Table(Some("a.txt".into())));
        assert_eq!(target(None, Some("a.txt"), 1), table);
        assert_eq!(
            target(Some(BarsFormat::Table), parquet(), 1),
            Ok(Destination::Table(Some("a.parquet".into())))
        );
    }
}
