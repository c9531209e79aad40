//! The keys that the panel saved: a file for each source next to the configuration file, readable by
//! its owner only, with each value of the key on a line of its own.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::shown;
use super::key::EnteredKey;
use super::secret::Secret;
use super::small_file;
use super::source::SourceSettings;

/// Where a source's key is saved.
fn path(config_file: &Path, source: &SourceSettings) -> PathBuf {
    config_file.with_file_name(format!("{}.key", source.section()))
}

/// Where earlier versions saved it.
fn former_path(config_file: &Path, source: &SourceSettings) -> Option<PathBuf> {
    Some(config_file.with_file_name(source.former_key_file?))
}

/// Saves the key of a source and returns where. A reader sees the complete old file or the complete
/// new one; a link in its place is replaced, not followed. A file of earlier versions is removed: it
/// holds a key that does not apply any more.
pub fn save_key(
    config_file: &Path,
    source: &SourceSettings,
    values: &[Secret],
) -> io::Result<PathBuf> {
    let path = path(config_file, source);
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
        .prefix(".key-")
        .tempfile_in(folder)?;
    for value in values {
        file.write_all(value.expose().as_bytes())?;
        file.write_all(b"\n")?;
    }
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|failed| failed.error)?;
    if let Some(former) = former_path(config_file, source) {
        // If it cannot be removed, it is not used either.
        let _ = fs::remove_file(former);
    }
    // A rename is on disk once its folder is synced; if that is not possible, it follows soon.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(path)
}

/// The saved key of a source and where it is. A file that cannot be trusted is reported and not used.
pub(super) fn read(
    source: &SourceSettings,
    config_file: &Path,
    warnings: &mut Vec<String>,
) -> Option<(Vec<Secret>, PathBuf)> {
    let paths = [
        Some(path(config_file, source)),
        former_path(config_file, source),
    ];
    let (path, metadata) = paths
        .into_iter()
        .flatten()
        .find_map(|path| Some((path.clone(), fs::symlink_metadata(path).ok()?)))?;
    let key = usable(&metadata).and_then(|()| {
        let text = small_file::read_secret(&path).map_err(|unread| unread.reason().to_owned())?;
        values(&text, source)
    });
    match key {
        Ok(values) => Some((values, path)),
        Err(reason) => {
            let path = shown(&path.display().to_string());
            warnings.push(format!("the saved key in {path} is not used: {reason}"));
            None
        }
    }
}

/// The values in a file, all of them.
fn values(text: &str, source: &SourceSettings) -> Result<Vec<Secret>, String> {
    let fields = source.key.len();
    let lines: Vec<&str> = match fields {
        1 => vec![text],
        _ => text.lines().collect(),
    };
    if lines.len() != fields {
        let lines = lines.len();
        return Err(format!(
            "it has {lines} lines, but the key has {fields} values"
        ));
    }
    EnteredKey::read(source, &lines).map(|key| key.values)
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
