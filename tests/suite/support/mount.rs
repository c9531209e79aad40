//! Small and read-only file systems.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cluster;

/// A mount for one test, if the machine allows one.
pub struct Mount(PathBuf);

impl Mount {
    pub fn small(folder: &Path, size: &str) -> Option<Self> {
        Self::run(
            folder,
            &["-t", "tmpfs", "-o", &format!("size={size}"), "none"],
        )
    }

    pub fn read_only(folder: &Path) -> Option<Self> {
        let path = folder.to_str().unwrap();
        let mount = Self::run(folder, &["--bind", path])?;
        let again = Command::new("mount")
            .args(["-o", "remount,ro,bind", path])
            .output();
        again
            .is_ok_and(|done| done.status.success())
            .then_some(mount)
    }

    /// Leaves this many bytes free until the returned file is dropped.
    pub fn fill(&self, free: u64) -> Filling {
        let path = self.0.join("filling");
        let mut file = File::create(&path).unwrap();
        let piece = [0; 4096];
        loop {
            let disk = rustix::fs::statvfs(&self.0).unwrap();
            let more = (disk.f_bavail * disk.f_frsize).saturating_sub(free);
            if more == 0 || file.write_all(&piece).is_err() {
                return Filling(path);
            }
        }
    }

    fn run(folder: &Path, arguments: &[&str]) -> Option<Self> {
        let done = Command::new("mount").args(arguments).arg(folder).output();
        if done.is_ok_and(|done| done.status.success()) {
            return Some(Self(folder.to_owned()));
        }
        cluster::notice("skipped: this user may not mount a small or read-only file system");
        None
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Also under a program that still has a file open there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A file that takes up room.
pub struct Filling(PathBuf);

impl Drop for Filling {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
