//! A disk that is full, and has space again.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{assert_drained, assert_true, column, desk, plainly};
use crate::support::cluster::notice;
use crate::support::peer::{Peer, Step, answer, bars};
use crate::support::program::Desk;
use crate::support::promise::assert_in_time;

/// A file system in memory for one test, if this user may mount one.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn new(folder: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir(&folder).unwrap();
        let tmpfs = Self(folder);
        if tmpfs.mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "none"]) {
            return Some(tmpfs);
        }
        notice("skipped: this user may not mount a small file system");
        None
    }

    fn resize(&self, size: &str) {
        assert!(self.mount(&["-o", &format!("remount,size={size}")]));
    }

    fn mount(&self, arguments: &[&str]) -> bool {
        let done = Command::new("mount").args(arguments).arg(&self.0).output();
        done.is_ok_and(|done| done.status.success())
    }

    /// A file that takes all remaining space.
    fn ballast(&self) -> PathBuf {
        let path = self.0.join("ballast");
        let mut file = File::create(&path).unwrap();
        while file.write_all(&[0; 512]).is_ok() {}
        path
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn data(desk: &Desk) -> PathBuf {
    desk.database().parent().map(Path::to_owned).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_too_small_to_start_on_is_told_and_the_next_start_with_space_goes_on() {
    let (desk, server) = desk().await;
    let Some(volume) = Tmpfs::new(data(&desk), "160k") else {
        return;
    };
    let done = plainly(&desk);
    assert_eq!(done.code, 3, "{done:?}");
    let said = format!("{}{}", done.stdout, done.stderr);
    assert!(said.contains("no space is left for"), "{done:?}");
    volume.resize("16m");
    assert_true(&desk, &server, &done, "160 KiB");
    assert_drained(&desk, &server, "16 MiB");
}

/// The answer is paid for and cannot be stored: it is held until there is space, not requested again.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_finds_the_disk_full_is_stored_once_there_is_space() {
    let peer =
        Peer::start(|_, symbol| vec![Step::Gate, Step::Send(answer(200, "", &bars(symbol, 90)))])
            .await;
    let desk = Desk::new().with("ALPHA_VANTAGE_BASE_URL", &peer.base_url());
    let Some(volume) = Tmpfs::new(data(&desk), "4m") else {
        return;
    };
    let runs = tokio::task::block_in_place(|| desk.run(&["runs"]));
    assert_eq!(runs.code, 0, "{runs:?}");
    // Space that the journal already has would hide that the disk is full.
    let file = rusqlite::Connection::open(desk.database()).unwrap();
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    drop(file);
    let mut command = desk.command(&["fetch", "--symbols", "IBM", "--interval", "5min"]);
    let mut program = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    peer.seen(1).await;
    let ballast = volume.ballast();
    peer.open_gate();
    let mut said = BufReader::new(program.stderr.take().unwrap());
    let mut line = String::new();
    tokio::task::block_in_place(|| {
        while !line.contains("no space is left") {
            line.clear();
            assert!(
                said.read_line(&mut line).unwrap() > 0,
                "it ended without noticing"
            );
        }
    });
    std::fs::remove_file(ballast).unwrap();
    let freed = Instant::now();
    let ended = tokio::task::block_in_place(|| program.wait()).unwrap();
    let took = freed.elapsed();
    assert_eq!(ended.code(), Some(0));
    assert_in_time(took, Duration::from_secs(2));
    assert_eq!(peer.journal().len(), 1, "requested once");
    let stored = column(&desk.database(), "SELECT open_price || '' FROM bars");
    assert_eq!(stored.len(), 90);
}
