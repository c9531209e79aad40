//! The wall clock of a process under test: libfaketime sets it and leaves the monotonic clock alone,
//! as a suspended machine does.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Utc};
use pipeline_tui::time::Clock;

use super::cluster::skipped;

/// The wall clock of one desk: its offset is in a file that its processes read each time.
pub struct Wall {
    file: PathBuf,
    library: PathBuf,
}

impl Wall {
    /// A clock that shows the time; `None`, with a word, where no clock can be set. In CI that fails.
    pub fn new(folder: &Path) -> Option<Self> {
        let wall = Self {
            file: folder.join("wall"),
            library: library()?,
        };
        wall.show(Clock::system().now());
        Some(wall)
    }

    /// Sets the clock: the file is replaced as a whole, so that it is never read half-written.
    pub fn show(&self, instant: DateTime<Utc>) {
        let ahead = (instant - Clock::system().now()).num_seconds();
        let beside = self.file.with_extension("new");
        std::fs::write(&beside, format!("{ahead:+}")).unwrap();
        std::fs::rename(&beside, &self.file).unwrap();
    }

    /// A command whose process reads this clock.
    pub fn over(&self, mut command: Command) -> Command {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command
    }
}

/// Where the library is; `None`, with a word, if it is missing.
pub fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let found = folders
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists());
    if found.is_none() {
        skipped("libfaketime is missing (Debian: faketime); no clock is set under the program");
    }
    found
}
