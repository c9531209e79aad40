//! The database's file, and operating-system locks on files beside it, which end with their process.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::error::{self, DbErrorKind};
use super::super::{DbError, Result, RunLock};

/// How long a start waits for another process that creates the schema.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(15);

/// A held lock. The file of a run is removed with it.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
    remove: Option<PathBuf>,
}

impl RunLock for FileLock {}

impl Drop for FileLock {
    fn drop(&mut self) {
        if let Some(path) = &self.remove {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl FileLock {
    /// Takes the lock under which the schema is created.
    pub async fn wait_for(database: &Path) -> Result<Self> {
        let path = beside(database, "-schema.lock");
        let file = open(&path).map_err(|e| unopenable(e, &path))?;
        let waiting = async {
            loop {
                match file.try_lock() {
                    Ok(()) => return Ok(()),
                    Err(TryLockError::WouldBlock) => tokio::time::sleep(POLL).await,
                    Err(TryLockError::Error(e)) => return Err(unopenable(e, &path)),
                }
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(outcome) => outcome.map(|()| Self {
                _file: file,
                remove: None,
            }),
            Err(_) => Err(DbError::new(
                DbErrorKind::Busy,
                format!(
                    "another process has been creating {} for {} s; end it",
                    path.display(),
                    PATIENCE.as_secs()
                ),
            )),
        }
    }

    /// Takes the lock of a run that is about to be written, and the key that names it.
    pub fn for_new_run(database: &Path) -> Result<(Self, i64)> {
        let key = fastrand::i64(1..);
        let path = run_path(database, key);
        let file = open(&path).map_err(|e| unopenable(e, &path))?;
        file.try_lock().map_err(|e| unopenable(e.into(), &path))?;
        Ok((
            Self {
                _file: file,
                remove: Some(path),
            },
            key,
        ))
    }

    /// Takes the lock of the one engine that has lanes; `None` while another has it.
    pub fn for_schedule(database: &Path) -> Result<Option<Self>> {
        let path = beside(database, "-schedule.lock");
        let file = open(&path).map_err(|e| unopenable(e, &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self {
                _file: file,
                remove: None,
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(unopenable(e, &path)),
        }
    }

    /// Whether a process holds the lock of the schedule. Two that look at once do not disturb each other.
    pub fn is_schedule_held(database: &Path) -> Result<bool> {
        let path = beside(database, "-schedule.lock");
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(unopenable(error, &path)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(e)) => Err(unopenable(e, &path)),
        }
    }

    /// Takes the lock of a run whose process is dead; `None` while it lives.
    pub fn of_dead_run(database: &Path, key: i64) -> Option<Self> {
        let path = run_path(database, key);
        let file = open(&path).ok()?;
        file.try_lock().ok()?;
        Some(Self {
            _file: file,
            remove: Some(path),
        })
    }
}

/// Makes an empty file that only its owner may read, unless it is there.
pub fn create_private(path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    open(path).map(drop).map_err(|e| unopenable(e, path))
}

fn run_path(database: &Path, key: i64) -> PathBuf {
    beside(database, &format!("-run-{key}.lock"))
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(suffix);
    path.into()
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn unopenable(io: io::Error, path: &Path) -> DbError {
    let error = match io.kind() {
        io::ErrorKind::StorageFull => error::DbError::new(
            DbErrorKind::Full,
            format!(
                "no space is left for {}; free some, stored data is safe",
                path.display()
            ),
        ),
        _ => DbError::new(
            DbErrorKind::ReadOnly,
            format!(
                "{} cannot be written ({io}); the folder of the database must exist and be \
                writable, or choose another place with PIPELINE_DATA_DIR or DATABASE_URL",
                path.display()
            ),
        ),
    };
    error.caused_by(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_run_lock_cannot_be_taken_and_a_dropped_one_can() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("bars.db");
        let (held, key) = FileLock::for_new_run(&database).unwrap();
        assert!(FileLock::of_dead_run(&database, key).is_none());
        drop(held);
        assert!(FileLock::of_dead_run(&database, key).is_some());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
