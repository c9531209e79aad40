//! Paid-for answers that cannot reach the store: on disk until they can.
//!
//! One file per answer, named after the attempt that it answers: a line of JSON about it, then its
//! body. A file is written under another name, synced and renamed, so that it is complete or not
//! there.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::Answer;

const ENDING: &str = "answer";

/// What failed on the disk.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be {done}", path.display())]
pub(super) struct SpoolError {
    path: PathBuf,
    done: &'static str,
    source: io::Error,
}

/// A folder of answers, created with the first one.
#[derive(Debug, Clone)]
pub(super) struct Spool(PathBuf);

/// The first line of a file.
#[derive(Serialize, Deserialize)]
struct Head {
    status: u16,
    content_type: Option<String>,
    received_at: DateTime<Utc>,
    elapsed_ms: u32,
    body_bytes: usize,
}

impl Spool {
    pub const fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Keeps an answer: once this has returned, a crash of the machine does not lose it.
    pub async fn put(&self, attempt: Uuid, answer: &Answer) -> Result<(), SpoolError> {
        let (folder, answer) = (self.0.clone(), answer.clone());
        off_thread("written", self.path(attempt), move |path| {
            write(&folder, path, &answer)
        })
        .await
    }

    /// Forgets an answer that has reached the store.
    pub async fn remove(&self, attempt: Uuid) -> Result<(), SpoolError> {
        off_thread(
            "removed",
            self.path(attempt),
            |path| match fs::remove_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                outcome => outcome,
            },
        )
        .await
    }

    /// The attempts whose answers wait here.
    pub async fn waiting(&self) -> Result<Vec<Uuid>, SpoolError> {
        off_thread("listed", self.0.clone(), |folder| {
            match fs::read_dir(folder) {
                Ok(files) => Ok(files
                    .flatten()
                    .filter_map(|file| attempt(&file.path()))
                    .collect()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(vec![]),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Reads an answer; `None` if another process has taken it.
    pub async fn get(&self, attempt: Uuid) -> Result<Option<Answer>, SpoolError> {
        off_thread("read", self.path(attempt), |path| match fs::read(path) {
            Ok(file) => parse(&Bytes::from(file)).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    fn path(&self, attempt: Uuid) -> PathBuf {
        self.0.join(format!("{attempt}.{ENDING}"))
    }
}

/// Runs blocking work on a path, on another thread.
async fn off_thread<T: Send + 'static>(
    done: &'static str,
    path: PathBuf,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, SpoolError> {
    let at = path.clone();
    tokio::task::spawn_blocking(move || work(&at))
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|source| SpoolError { path, done, source })
}

fn attempt(path: &Path) -> Option<Uuid> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(ENDING)?.strip_suffix('.')?.parse().ok()
}

fn write(folder: &Path, path: &Path, answer: &Answer) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let head = Head {
        status: answer.status,
        content_type: answer.content_type.clone(),
        received_at: answer.received_at,
        elapsed_ms: answer.elapsed_ms,
        body_bytes: answer.body.len(),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, &head)?;
    file.write_all(b"\n")?;
    file.write_all(&answer.body)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    File::open(folder)?.sync_all()
}

fn parse(file: &Bytes) -> io::Result<Answer> {
    let end = file.iter().position(|&byte| byte == b'\n');
    let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
    let head: Head = serde_json::from_slice(&file.slice(..end))?;
    let body = file.slice(end + 1..);
    if body.len() != head.body_bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Answer {
        status: head.status,
        content_type: head.content_type,
        body,
        received_at: head.received_at,
        elapsed_ms: head.elapsed_ms,
        stated: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::causes::Causes;

    fn answer() -> Answer {
        Answer {
            status: 200,
            content_type: Some("application/json".to_owned()),
            body: Bytes::from_static(b"{\"a\":\n1}\n"),
            received_at: DateTime::UNIX_EPOCH,
            elapsed_ms: 7,
            stated: None,
        }
    }

    #[tokio::test]
    async fn an_answer_comes_back_as_it_was_and_only_once_removed_is_gone() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("data/spool");
        let spool = Spool::at(folder.clone());
        let attempt = Uuid::new_v4();
        assert!(spool.waiting().await.unwrap().is_empty());
        spool.put(attempt, &answer()).await.unwrap();
        spool.put(attempt, &answer()).await.unwrap();
        assert_eq!(spool.waiting().await.unwrap(), [attempt]);
        assert_eq!(spool.get(attempt).await.unwrap(), Some(answer()));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&spool.path(attempt)), 0o600);
        spool.remove(attempt).await.unwrap();
        spool.remove(attempt).await.unwrap();
        assert_eq!(spool.get(attempt).await.unwrap(), None);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_is_not_a_whole_answer_is_told_and_left() {
        let home = tempfile::tempdir().unwrap();
        let spool = Spool::at(home.path().to_owned());
        let attempt = Uuid::new_v4();
        spool.put(attempt, &answer()).await.unwrap();
        let whole = fs::read(spool.path(attempt)).unwrap();
        for length in 0..whole.len() {
            fs::write(spool.path(attempt), &whole[..length]).unwrap();
            assert!(spool.get(attempt).await.is_err(), "{length} bytes");
        }
        let failed = spool.get(attempt).await.unwrap_err();
        let path = spool.path(attempt);
        assert_eq!(
            Causes(&failed).to_string(),
            format!("{} cannot be read: unexpected end of file", path.display())
        );
        fs::write(home.path().join("notes.txt"), "mine").unwrap();
        assert_eq!(spool.waiting().await.unwrap(), [attempt]);
    }
}
