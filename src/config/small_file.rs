//! Reads the small files that contain settings, and says in plain words why one cannot be read.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// No settings file is larger than this.
const MAX_BYTES: u64 = 1 << 20;
/// Where container runtimes mount secrets: they protect the folder, not the modes of its files.
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
    if is_utf16(&bytes) {
        let reason = "it is UTF-16 text, as > in PowerShell writes it; save it as UTF-8";
        return Err(Unread::Other(reason.into()));
    }
    String::from_utf8(bytes).map_err(|_| Unread::Other("it is not UTF-8 text".into()))
}

/// Whether a text begins like UTF-16: with its byte order mark, or with a two-byte letter.
fn is_utf16(bytes: &[u8]) -> bool {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, second, ..] => (*first == 0) != (*second == 0),
        _ => false,
    }
}

/// The secret in a file, a key or a password: without the byte order mark and the line break that
/// editors add, and without quotes copied from other files.
pub(super) fn read_secret(path: &Path) -> Result<String, Unread> {
    let text = read(path)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let secret = match unquoted(text.trim()) {
        Some(inner) => inner,
        None if is_assignment(text) => {
            let reason = "it contains NAME=value, as in .env";
            return Err(Unread::Other(reason.into()));
        }
        None => text.trim_end_matches(['\n', '\r']),
    };
    if secret.is_empty() {
        return Err(Unread::Other("it is empty".into()));
    }
    Ok(secret.to_owned())
}

/// The text between matching quotes.
fn unquoted(text: &str) -> Option<&str> {
    ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
}

/// Whether a text sets a variable. A password may contain an equals sign, so the name must be that
/// of a secret.
fn is_assignment(text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else {
        return false;
    };
    let name = name.trim();
    let name = name.strip_prefix("export ").unwrap_or(name).trim();
    let name = name.to_ascii_uppercase();
    !value.trim().is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && ["KEY", "PASSWORD", "SECRET", "TOKEN", "DATABASE_URL"]
            .iter()
            .any(|word| name.ends_with(word))
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

/// Whether other users of this machine may read a file; not known outside Unix.
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
        fs::write(&bad, [b'x', 0xff]).unwrap();
        let utf16 = dir.path().join("utf16");
        fs::write(&utf16, b"\xff\xfeK\0").unwrap();
        let large = dir.path().join("large");
        fs::write(&large, vec![b'x'; (1 << 20) + 1]).unwrap();
        for (path, reason) in [
            (dir.path().join("none"), "no such file"),
            (bad.join("below-a-file"), "no such file"),
            (dir.path().to_path_buf(), "a folder"),
            (bad, "not UTF-8"),
            (utf16, "save it as UTF-8"),
            (large, "1 MiB"),
        ] {
            let error = read(&path).unwrap_err();
            assert!(error.reason().contains(reason), "{error:?}");
        }
    }
}
