//! The key that the panel saved: a file next to the configuration file, readable by its owner only.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::shown;
use super::{Secret, provider, small_file};

/// The name of the file in the configuration folder.
const NAME: &str = "api_key";

/// Where a key is saved.
pub(super) fn path(config_file: &Path) -> PathBuf {
    config_file.with_file_name(NAME)
}

/// Saves a key and returns where. A reader sees the complete old file or the complete new one; a link
/// in its place is replaced, not followed.
pub fn save_key(config_file: &Path, key: &Secret) -> io::Result<PathBuf> {
    let path = path(config_file);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    // Created new, with mode 0600.
    let mut file = tempfile::Builder::new()
        .prefix(".api_key-")
        .tempfile_in(folder)?;
    file.write_all(key.expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|failed| failed.error)?;
    // A rename is on disk once its folder is synced; if that is not possible, it follows soon.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(path)
}

/// The saved key and where it is. A file that cannot be trusted is reported and not used.
pub(super) fn read(config_file: &Path, warnings: &mut Vec<String>) -> Option<(Secret, PathBuf)> {
    let path = path(config_file);
    let metadata = fs::symlink_metadata(&path).ok()?;
    let key = usable(&metadata).and_then(|()| {
        let text = small_file::read_secret(&path).map_err(|unread| unread.reason().to_owned())?;
        provider::check_key(&text)
    });
    match key {
        Ok(key) => Some((key, path)),
        Err(reason) => {
            let path = shown(&path.display().to_string());
            warnings.push(format!("the saved key in {path} is not used: {reason}"));
            None
        }
    }
}

#[cfg(unix)]
fn usable(metadata: &fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt as _;

    if !metadata.is_file() {
        return Err("it is not a plain file; remove it".to_owned());
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err("it belongs to another user; remove it".to_owned());
    }
    if metadata.mode() & 0o077 != 0 {
        return Err("other users of this machine may read it; run chmod 600 on it".to_owned());
    }
    Ok(())
}

#[cfg(not(unix))]
fn usable(metadata: &fs::Metadata) -> Result<(), String> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err("it is not a plain file; remove it".to_owned())
    }
}
