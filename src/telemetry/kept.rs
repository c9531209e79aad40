//! The log of the panel and of `run` on disk, so that the last hours are there after a restart.
//!
//! Logging never waits for the disk, and a disk that takes nothing stops nothing. Several processes
//! append whole lines to one file; when it is full, it becomes the previous file.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{Weight, harmless};

/// The most bytes of a file; with the previous one, twice as many.
const MOST: u64 = 1 << 20;
/// The most bytes that are read back.
const TAIL: u64 = 256 << 10;
/// How far back lines are read.
const LASTS: TimeDelta = TimeDelta::hours(24);
/// Lines that may wait for the disk; more are dropped.
const WAITING: usize = 1_024;
/// How long the program's end waits for the last lines to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: DateTime<Utc>,
    /// How bad it is.
    pub weight: Weight,
    /// What, harmless.
    pub text: String,
}

impl Line {
    fn written(&self) -> String {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let weight = match self.weight {
            Weight::Info => "INFO",
            Weight::Warn => "WARN",
            Weight::Error => "ERROR",
        };
        format!("{at} {weight} {}\n", harmless(&self.text))
    }

    fn read(text: &str) -> Option<Self> {
        let (at, rest) = text.split_once(' ')?;
        let (weight, text) = rest.split_once(' ')?;
        Some(Self {
            at: at.parse().ok()?,
            weight: match weight {
                "INFO" => Weight::Info,
                "WARN" => Weight::Warn,
                "ERROR" => Weight::Error,
                _ => return None,
            },
            text: harmless(text),
        })
    }
}

/// The writer of the log on disk.
#[derive(Debug)]
pub struct KeptLog {
    lines: Option<SyncSender<Line>>,
    ended: Receiver<()>,
}

impl KeptLog {
    /// Starts to keep the log in a folder, which is created for its owner only.
    pub fn start(folder: &Path) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut files = Files::new(folder);
        files.open()?;
        let (lines, taken) = sync_channel::<Line>(WAITING);
        let (tell, ended) = sync_channel(1);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                for line in taken {
                    files.write(&line.written());
                }
                let _ = tell.send(());
            })?;
        Ok(Self {
            lines: Some(lines),
            ended,
        })
    }

    /// Keeps a line, unless the disk is far behind.
    pub fn write(&self, line: Line) {
        if let Some(lines) = &self.lines {
            let _ = lines.try_send(line);
        }
    }
}

impl Drop for KeptLog {
    fn drop(&mut self) {
        self.lines = None;
        let _ = self.ended.recv_timeout(PATIENCE);
    }
}

/// The lines of the last hours, oldest first. What cannot be read is left out.
#[must_use]
pub fn recent(folder: &Path, now: DateTime<Utc>) -> Vec<Line> {
    let files = Files::new(folder);
    let newer = tail(&files.path, TAIL).unwrap_or_default();
    let room = TAIL.saturating_sub(newer.len() as u64);
    let older = tail(&files.before, room).unwrap_or_default();
    let text = older + &newer;
    let is_recent = |line: &Line| now - line.at <= LASTS && line.at <= now;
    text.lines()
        .filter_map(Line::read)
        .filter(is_recent)
        .collect()
}

/// The last whole lines of a file, at most `most` bytes.
fn tail(path: &Path, most: u64) -> io::Result<String> {
    must_be_a_file(path)?;
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let from = size.saturating_sub(most);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = vec![];
    file.take(most).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(match text.split_once('\n') {
        Some((_, whole)) if from > 0 => whole.to_owned(),
        _ => text,
    })
}

/// Opening a pipe would wait for its other end.
fn must_be_a_file(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(io::Error::other("it is not a file")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The current log file of a folder.
#[must_use]
pub fn file(folder: &Path) -> PathBuf {
    folder.join("pipeline-tui.log")
}

/// The current file and the previous one.
struct Files {
    path: PathBuf,
    before: PathBuf,
    file: Option<File>,
    /// Whether the last line was cut short.
    is_torn: bool,
}

impl Files {
    fn new(folder: &Path) -> Self {
        Self {
            path: file(folder),
            before: folder.join("pipeline-tui.log.1"),
            file: None,
            is_torn: false,
        }
    }

    fn open(&mut self) -> io::Result<()> {
        must_be_a_file(&self.path)?;
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).mode(0o600);
        self.file = Some(file.open(&self.path)?);
        Ok(())
    }

    /// Writes a line in one piece; if that fails, the next line tries again.
    fn write(&mut self, line: &str) {
        let begin = if self.is_torn { "\n" } else { "" };
        let line = format!("{begin}{line}");
        let written = self.with_room(line.len() as u64).and_then(|()| {
            let file = self.file.as_mut();
            file.map_or(Ok(0), |file| file.write(line.as_bytes()))
        });
        self.is_torn = match written {
            Ok(0) => self.is_torn,
            Ok(bytes) => bytes < line.len(),
            Err(_) => {
                self.file = None;
                self.is_torn
            }
        };
    }

    /// Opens the current file, with room for this many bytes.
    fn with_room(&mut self, bytes: u64) -> io::Result<()> {
        if !self.is_current() {
            self.open()?;
        }
        let Some(file) = &self.file else {
            return Ok(());
        };
        if file.metadata()?.len() + bytes <= MOST {
            return Ok(());
        }
        // Of several processes that find it full, one moves it.
        file.lock()?;
        if self.is_current() {
            std::fs::rename(&self.path, &self.before)?;
        }
        self.open()
    }

    /// Whether the open file is still the one at its path: other processes move it too.
    fn is_current(&self) -> bool {
        let identity = |data: std::fs::Metadata| (data.dev(), data.ino());
        let open = self.file.as_ref().and_then(|file| file.metadata().ok());
        let there = std::fs::metadata(&self.path).ok();
        open.is_some() && open.map(identity) == there.map(identity)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::Secret;

    fn now() -> DateTime<Utc> {
        "2026-11-20T17:00:00Z".parse().unwrap()
    }

    fn line(text: &str) -> Line {
        Line {
            at: now(),
            weight: Weight::Warn,
            text: text.to_owned(),
        }
    }

    fn keep(folder: &Path, lines: impl IntoIterator<Item = Line>) {
        let log = KeptLog::start(folder).unwrap();
        for line in lines {
            log.write(line);
        }
    }

    #[test]
    fn what_is_written_is_read_after_a_restart_harmless_and_by_its_owner_alone() {
        let secret = Secret::new("canary-of-the-kept-log");
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("data/log");
        assert_eq!(recent(&folder, now()), []);
        keep(&folder, [line("first")]);
        let hostile = format!("{} \u{1b}[2J\nsecond", secret.expose());
        keep(&folder, [line(&hostile)]);
        let mut expected = line("first");
        let lines = recent(&folder, now());
        assert_eq!(lines[0], expected);
        expected.text = "*** \\u{1b}[2J\\nsecond".to_owned();
        assert_eq!(lines[1..], [expected]);
        for (path, mode) in [("", 0o700), ("pipeline-tui.log", 0o600)] {
            let data = std::fs::metadata(folder.join(path)).unwrap();
            assert_eq!(data.permissions().mode() & 0o777, mode, "{path}");
        }
    }

    #[test]
    fn only_the_last_hours_are_read_and_what_is_no_line_is_left_out() {
        let place = tempfile::tempdir().unwrap();
        let at = |at: DateTime<Utc>| Line {
            at,
            ..line("a line")
        };
        let hour = TimeDelta::hours(1);
        let old = at(now() - LASTS - hour);
        let fresh = at(now() - LASTS + hour);
        let of_a_wrong_clock = at(now() + hour);
        keep(place.path(), [old, fresh.clone(), of_a_wrong_clock]);
        let path = place.path().join("pipeline-tui.log");
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"no line\n\xff\xfe\n2026-11-20T17:00:00Z LOUD x\n2026-11-20T1")
            .unwrap();
        assert_eq!(recent(place.path(), now()), [fresh]);
    }

    #[test]
    fn it_is_bounded_and_two_processes_keep_their_lines_whole() {
        let place = tempfile::tempdir().unwrap();
        let (mut one, mut other) = (Files::new(place.path()), Files::new(place.path()));
        let text = "x".repeat(1_000);
        for number in 0..3_000 {
            let files = if number % 2 == 0 {
                &mut one
            } else {
                &mut other
            };
            files.write(&line(&format!("{number} {text}")).written());
        }
        let sizes = [&one.path, &one.before].map(|path| std::fs::metadata(path).unwrap().len());
        assert!(sizes.iter().all(|size| *size <= MOST), "{sizes:?}");
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 2);
        let lines = recent(place.path(), now());
        let number = |line: &Line| line.text.split(' ').next().unwrap().parse().unwrap();
        let numbers: Vec<u32> = lines.iter().map(number).collect();
        let newest: Vec<u32> = (3_000 - u32::try_from(lines.len()).unwrap()..3_000).collect();
        assert!(lines.len() > 200, "{}", lines.len());
        assert_eq!(numbers, newest);
    }

    #[test]
    fn a_place_that_takes_nothing_is_an_error_at_the_start_and_nothing_later() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(KeptLog::start(&file).is_err());
        std::fs::create_dir(place.path().join("pipeline-tui.log")).unwrap();
        assert!(KeptLog::start(place.path()).is_err());
        assert_eq!(recent(place.path(), now()), []);
        let folder = place.path().join("gone");
        let log = KeptLog::start(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        log.write(line("lost"));
        drop(log);
    }

    #[test]
    fn a_line_that_was_torn_takes_no_other_with_it() {
        let place = tempfile::tempdir().unwrap();
        let mut files = Files::new(place.path());
        files.write("2026-11-20T17:00:00Z WA");
        files.is_torn = true;
        files.write(&line("whole").written());
        assert_eq!(recent(place.path(), now()), [line("whole")]);
    }
}
