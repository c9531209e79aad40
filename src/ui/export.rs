//! What an export asks first, and the files that it writes.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::reply::{Confirm, PromptKind, Reply};
use super::shared::Shared;
use crate::model::SeriesKey;
use crate::model::bar_file::{self, BarFile, BarFormat};
use crate::pipeline::command::Command;
use crate::pipeline::snapshot::ExportProgress;

/// Asks for the name of the files; during an export, whether to cancel it.
#[must_use]
pub fn export_of(series: Vec<SeriesKey>, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
    if let Some(progress) = shared.export() {
        return vec![Reply::Confirm(cancel(progress))];
    }
    let end = bar_file::usual_end(now);
    let stem = match series.as_slice() {
        [one] => bar_file::stem(one, &end),
        _ => end,
    };
    let name = format!("{stem}.{}", BarFormat::Csv);
    vec![Reply::Prompt(PromptKind::Export { series }, name)]
}

/// The question before the current export is cancelled.
#[must_use]
pub fn cancel(progress: ExportProgress) -> Confirm {
    Confirm {
        question: "Cancel the current export?".to_owned(),
        detail: match progress.total {
            1 => "No part of the file is left behind.".to_owned(),
            total => format!("{} of {total} files are complete and stay.", progress.done),
        },
        then: vec![Command::CancelExport.into()],
    }
}

/// The files of an entered name: it is the whole name of one, and the end of the names of several.
pub fn files(series: &[SeriesKey], typed: &str) -> Result<Vec<BarFile>, String> {
    let is_name = !typed.starts_with('.') && !typed.contains(['/', '\\', '\0']);
    let path = Path::new(typed);
    let (true, Some(format), Some(stem)) = (is_name, BarFormat::of(path), path.file_stem()) else {
        return Err("enter a file name that ends in .csv, .jsonl or .parquet".to_owned());
    };
    Ok(match series {
        [one] => vec![BarFile {
            series: one.clone(),
            path: path.to_owned(),
            format,
        }],
        several => bar_file::one_for_each(several, &stem.to_string_lossy(), format),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Interval;
    use crate::ui::sample;

    #[test]
    fn a_name_is_whole_for_one_series_and_the_end_for_several() {
        let [ibm, aapl] = ["IBM", "AAPL"].map(|symbol| sample::series(symbol, Interval::Daily));
        let names = |series: &[SeriesKey], typed: &str| {
            let files = files(series, typed)?;
            let name = |file: &BarFile| file.path.to_str().unwrap().to_owned();
            Ok::<_, String>(files.iter().map(name).collect::<Vec<_>>())
        };
        let one = std::slice::from_ref(&ibm);
        assert_eq!(names(one, "x.parquet").unwrap(), ["x.parquet"]);
        assert_eq!(
            names(&[ibm.clone(), aapl], "x.y.parquet").unwrap(),
            ["IBM-daily-x.y.parquet", "AAPL-daily-x.y.parquet"]
        );
        for wrong in ["", "x", "x.txt", ".csv", "../x.csv", "a/x.csv", "a\\x.csv"] {
            assert!(
                names(one, wrong).unwrap_err().contains(".parquet"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_second_export_offers_to_cancel_the_first() {
        let series = vec![sample::series("IBM", Interval::Daily)];
        let mut snapshot = sample::normal();
        let asked = export_of(
            series.clone(),
            &sample::shared(snapshot.clone()),
            sample::now(),
        );
        assert!(
            matches!(
                asked.as_slice(),
                [Reply::Prompt(_, name)] if name == "IBM-daily-20261120-183853.csv"
            ),
            "{asked:?}"
        );
        snapshot.export = Some(ExportProgress {
            done: 1,
            total: 3,
            bars: 70_000,
        });
        let asked = export_of(series, &sample::shared(snapshot), sample::now());
        let [Reply::Confirm(confirm)] = asked.as_slice() else {
            panic!("{asked:?}");
        };
        assert_eq!(confirm.detail, "1 of 3 files are complete and stay.");
        assert!(matches!(
            confirm.then.as_slice(),
            [Reply::Do(crate::ui::action::Effect::Send(
                Command::CancelExport
            ))]
        ));
    }
}
