//! Reads the small files that settings stand in, and says in plain words why one cannot be read.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// No file of settings is larger; whatever is, is not one.
const MAX_BYTES: u64 = 1 << 20;
/// Where container runtimes mount secrets: they guard the way to it, not the modes of its files.
const MOUNTED_SECRETS: &str = "/run";

/// Why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    Missing,
    Other(String),
}

impl Unread {
    /// The reason, as the end of a sentence.
    pub(super) fn reason(&self) -> &str {
        match self {
            Self::Missing => "there is no such file",
            Self::Other(reason) => reason,
        }
    }
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, Unread> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| unread(&error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unread::Other("it is larger than 1 MiB".into()));
    }
    String::from_utf8(bytes).map_err(|_| Unread::Other("it is not UTF-8 text".into()))
}

fn unread(error: &io::Error) -> Unread {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Unread::Missing,
        ErrorKind::IsADirectory => Unread::Other("it is a folder, not a file".into()),
        ErrorKind::PermissionDenied => {
            Unread::Other("this user may not read it (permission denied)".into())
        }
        _ => Unread::Other(super::error::shown(&error.to_string())),
    }
}

/// Whether other users of this machine may read a file.
#[cfg(unix)]
pub(super) fn is_wide(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    !path.starts_with(MOUNTED_SECRETS)
        && fs::metadata(path)
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o077 != 0)
}

/// Whether other users of this machine may read a file; elsewhere than on Unix not known.
#[cfg(not(unix))]
pub(super) fn is_wide(_path: &Path) -> bool {
    false
}

/// The warning for a secret in a file that others may read.
pub(super) fn wide_warning(path: &Path) -> String {
    let path = super::error::shown(&path.display().to_string());
    format!("other users of this machine may read the secret in {path}; run: chmod 600 {path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why_a_file_cannot_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let bad = dir.path().join("bad");
        fs::write(&bad, [0xff, 0xfe]).unwrap();
        let large = dir.path().join("large");
        fs::write(&large, vec![b'x'; (1 << 20) + 1]).unwrap();
        for (path, reason) in [
            (dir.path().join("none"), "no such file"),
            (bad.join("below-a-file"), "no such file"),
            (dir.path().to_path_buf(), "a folder"),
            (bad, "UTF-8"),
            (large, "1 MiB"),
        ] {
            let error = read(&path).unwrap_err();
            assert!(error.reason().contains(reason), "{error:?}");
        }
    }
}
