//! Series as files: written in pieces, beside the engine's own work, each complete or not there at all.

pub mod columns;
mod parquet;
pub mod pieces;
pub mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

use self::columns::BarRow;
use self::pieces::{Extent, Pieces};
pub use self::writer::BarWriter;
use super::run::Pipeline;
use super::snapshot::ExportProgress;
use super::subject::Subject;
use crate::db::DbError;
use crate::model::Bar;
use crate::model::bar_file::BarFile;
use crate::model::text::clean;

/// Why a series was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] DbError),
    /// The file could not be written.
    #[error("{} cannot be written: {}", clean(&path.display().to_string()), why(source))]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// Why a file cannot be written, in words.
#[must_use]
pub fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "no space is left".to_owned(),
        io::ErrorKind::AlreadyExists => "there is a file of that name".to_owned(),
        io::ErrorKind::NotFound => "there is no such folder".to_owned(),
        io::ErrorKind::NotADirectory => "a part of its path is not a folder".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not write there".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "that file system is read-only".to_owned(),
        io::ErrorKind::InvalidFilename => "its name is too long".to_owned(),
        _ => {
            let text = error.to_string();
            // The temporary file's path is not what was asked for.
            text.split(" at path ")
                .next()
                .unwrap_or_default()
                .to_owned()
        }
    }
}

/// What happens to a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Keep,
    /// It is replaced once the new one is complete.
    Replace,
}

/// What was written of a series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// How many bars.
    pub bars: u64,
    /// Whether any of them has an adjusted close, a dividend or a split.
    pub has_adjustments: bool,
    /// The oldest and the newest.
    pub ends: Option<(Bar, Bar)>,
}

impl Written {
    /// Counts more bars.
    pub fn add(&mut self, bars: &[Bar]) {
        self.bars += bars.len() as u64;
        self.has_adjustments |= bars.iter().any(Bar::has_adjustments);
        for bar in [bars.first(), bars.last()].into_iter().flatten() {
            let (oldest, newest) = self.ends.get_or_insert((*bar, *bar));
            if bar.timestamp < oldest.timestamp {
                *oldest = *bar;
            } else if bar.timestamp > newest.timestamp {
                *newest = *bar;
            }
        }
    }
}

/// Writes bars of a series to a file, oldest first, and reports how many bars each piece has.
///
/// The file appears when it is complete, under a temporary name until then. `row` makes a row of a bar.
pub async fn export<R: BarRow>(
    pipeline: &Pipeline,
    file: &BarFile,
    extent: Extent,
    existing: Existing,
    cancel: &CancellationToken,
    mut row: impl FnMut(Bar) -> R + Send,
    mut report: impl FnMut(u64) + Send,
) -> Result<Written, ExportError> {
    let wrong = |source| ExportError::File {
        path: file.path.clone(),
        source,
    };
    // Between two pieces nothing is being written: what is dropped then takes its file with it.
    let pieces = Pieces::oldest_first(&pipeline.store, &file.series, extent);
    let pieces = cancel.run_until_cancelled(pieces).await;
    let mut pieces = pieces.ok_or(ExportError::Cancelled)??;
    let of = Arc::new(pipeline.subject_now(&file.series).await?);
    let mut draft = Draft::new(file).map_err(wrong)?;
    let mut written = Written::default();
    loop {
        let piece = cancel.run_until_cancelled(pieces.next()).await;
        let Some(bars) = piece.ok_or(ExportError::Cancelled)?? else {
            break;
        };
        written.add(&bars);
        let count = bars.len() as u64;
        let of = Arc::clone(&of);
        let rows: Vec<R> = bars.into_iter().map(&mut row).collect();
        draft = beside(move || draft.write(&of, &rows))
            .await
            .map_err(wrong)?;
        report(count);
    }
    let path = file.path.clone();
    beside(move || draft.finish(&path, existing))
        .await
        .map_err(wrong)?;
    Ok(written)
}

/// Writes whole series to new files, one after the other, until one cannot be written.
pub async fn export_all(
    pipeline: &Pipeline,
    files: &[BarFile],
    cancel: &CancellationToken,
    mut report: impl FnMut(ExportProgress) + Send,
) -> (ExportProgress, Result<(), ExportError>) {
    let mut progress = ExportProgress::of(files.len());
    for file in files {
        let done = export(
            pipeline,
            file,
            Extent::default(),
            Existing::Keep,
            cancel,
            std::convert::identity::<Bar>,
            |bars| {
                progress.bars += bars;
                report(progress);
            },
        );
        if let Err(error) = done.await {
            return (progress, Err(error));
        }
        progress.done += 1;
        report(progress);
    }
    (progress, Ok(()))
}

/// Runs work that compresses and waits for the disk where it holds up nothing else.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// A file that is being written. Dropped, it is gone.
struct Draft<R: BarRow> {
    file: NamedTempFile,
    writer: BarWriter<std::fs::File, R>,
}

impl<R: BarRow> Draft<R> {
    fn new(file: &BarFile) -> io::Result<Self> {
        let folder = file
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let temporary = tempfile::Builder::new()
            .prefix(".pipeline-tui-")
            .suffix(".part")
            .tempfile_in(folder.unwrap_or(Path::new(".")))?;
        let out = temporary.as_file().try_clone()?;
        Ok(Self {
            file: temporary,
            writer: BarWriter::new(file.format, out)?,
        })
    }

    fn write(mut self, of: &Subject, rows: &[R]) -> io::Result<Self> {
        self.writer.write(of, rows)?;
        Ok(self)
    }

    fn finish(self, path: &Path, existing: Existing) -> io::Result<()> {
        self.writer.finish()?;
        self.file.as_file().sync_all()?;
        let placed = match existing {
            Existing::Keep => self.file.persist_noclobber(path),
            Existing::Replace => self.file.persist(path),
        };
        placed.map(drop).map_err(|error| error.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_file_from_being_written_is_said_in_words() {
        let said = |kind: io::ErrorKind| {
            let error = ExportError::File {
                path: "a\u{1b}b.csv".into(),
                source: kind.into(),
            };
            error.to_string()
        };
        assert_eq!(
            said(io::ErrorKind::StorageFull),
            "a\\u{1b}b.csv cannot be written: no space is left"
        );
        assert!(said(io::ErrorKind::AlreadyExists).ends_with("there is a file of that name"));
        let other = io::Error::other("it broke at path /tmp/.x");
        assert_eq!(why(&other), "it broke");
    }
}
