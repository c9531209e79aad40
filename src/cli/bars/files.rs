//! Bars as files.

use std::io::{self, Write as _};
use std::path::Path;

use crate::cli::context::Context;
use crate::cli::exit::{self, Failure};
use crate::model::bar_file::BarFile;
use crate::model::text::clean;
use crate::model::{Bar, SeriesKey};
use crate::pipeline::Pipeline;
use crate::pipeline::export::columns::BarRow;
use crate::pipeline::export::pieces::Extent;
use crate::pipeline::export::{Existing, ExportError, Written, export, why};
use crate::pipeline::narrate;
use crate::pipeline::notice::{CutShort, Exported};
use crate::pipeline::snapshot::ExportProgress;

/// Writes each series to its file, and says what was written: all, or how far it came.
///
/// `row` makes a row of a bar; `remark` says what a person must know about a series that was written.
pub async fn write<R: BarRow>(
    pipeline: &Pipeline,
    files: &[BarFile],
    (place, existing): (&Path, Existing),
    extent: impl Fn(&SeriesKey) -> Extent,
    context: &Context,
    row: impl Fn(&SeriesKey, Bar) -> R + Sync,
    remark: impl AsyncFn(&BarFile, Written) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let cancel = exit::cancelled_by_signal();
    let mut exported = Exported {
        progress: ExportProgress::of(files.len()),
        place: place.to_owned(),
        cut_short: None,
    };
    let replaced = existing == Existing::Replace && place.symlink_metadata().is_ok();
    let say = |exported: &Exported| narrate::export(exported, &place.display().to_string());
    for file in files {
        let row = |bar| row(&file.series, bar);
        let extent = extent(&file.series);
        let done = export(pipeline, file, extent, existing, &cancel, row, |_| ());
        match done.await {
            Ok(written) => {
                exported.progress.done += 1;
                exported.progress.bars += written.bars;
                remark(file, written).await?;
            }
            Err(error) => {
                let code = code(&error);
                exported.cut_short = Some(match error {
                    ExportError::Cancelled => CutShort::Cancelled,
                    other => CutShort::Failed(other.to_string()),
                });
                return Err(Failure::Told {
                    code,
                    text: say(&exported),
                });
            }
        }
    }
    let over = if replaced {
        ", in place of the file that was there"
    } else {
        ""
    };
    context.narrator.say(&format!("{}{over}", say(&exported)));
    Ok(())
}

/// The exit code of an export that ended early.
fn code(error: &ExportError) -> u8 {
    match error {
        ExportError::Cancelled => exit::INTERRUPTED,
        ExportError::Store(error) => exit::of_store(error),
        ExportError::File { source, .. } => code_of(source),
    }
}

fn code_of(error: &io::Error) -> u8 {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => exit::PASSING,
        _ => exit::USAGE,
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Told {
        code: code_of(error),
        text: format!(
            "{} cannot be written: {}",
            clean(&path.display().to_string()),
            why(error)
        ),
    }
}

/// Makes the folder that files go to, unless it is there.
pub fn make_folder(path: &Path) -> Result<(), Failure> {
    match std::fs::create_dir_all(path) {
        Err(_) if path.is_file() => Err(Failure::usage(format!(
            "{} is a file; several series need a folder",
            clean(&path.display().to_string())
        ))),
        done => done.map_err(|error| failed(path, &error)),
    }
}

/// The files of series in a folder.
pub fn within(folder: &Path, mut files: Vec<BarFile>) -> Vec<BarFile> {
    for file in &mut files {
        file.path = folder.join(&file.path);
    }
    files
}

/// Writes a temporary file and renames it, so that no reader sees half a file.
pub fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let written =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)
        });
    written.map(drop).map_err(|error| failed(path, &error))
}
