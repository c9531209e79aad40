//! Files that the panel writes and reads: tables that are saved, lists of series.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Writes a new file that only its owner can read; an existing file is never touched.
pub fn save(folder: &Path, name: impl AsRef<Path>, text: &str) -> io::Result<PathBuf> {
    let path = folder.join(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(path)
}

/// Reads at most `most` bytes of a file and one more, which shows that the file is longer.
pub fn load(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = save(folder.path(), "runs.csv", "a\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n");
        let again = save(folder.path(), "runs.csv", "b\n").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        std::os::unix::fs::symlink(&path, folder.path().join("link.csv")).unwrap();
        assert!(save(folder.path(), "link.csv", "b\n").is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n");
    }
}
