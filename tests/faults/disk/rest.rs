//! An engine that has nothing to do lets the disk rest: its beats wait for no sync.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::desk;
use crate::support::may_trace;
use crate::support::process::finish;

/// Beats in a row between which nothing is synced.
const BEATS: usize = 4;
/// Longer than a first fetch and some beats, which come every two seconds.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn beats_of_an_engine_that_has_nothing_to_do_sync_nothing() {
    if !may_trace() {
        return;
    }
    let (desk, _server) = desk().await;
    let trace = desk.folder().join("trace");
    let mut command = desk.command_of(&PathBuf::from("strace"), &["-f", "-qq"]);
    command
        .args(["-etrace=fsync,fdatasync", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_pipeline-tui"))
        .arg("run")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let mut traced = command.spawn().unwrap();
    let syncs = || {
        let trace = std::fs::read_to_string(&trace).unwrap_or_default();
        trace.matches("sync(").count()
    };
    let last_beat = || super::column(&desk.database(), "SELECT beat_at FROM engines");
    let resting = async {
        // Each beat, and how often the disk was asked to sync by then.
        let mut beats: Vec<(String, usize)> = vec![];
        loop {
            let syncs = syncs();
            if let [beat] = last_beat().as_slice()
                && beats.last().is_none_or(|(last, _)| last != beat)
            {
                beats.push((beat.clone(), syncs));
            }
            if let [.., (_, first), _, _, (_, last)] = beats.as_slice()
                && first == last
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let rested = tokio::time::timeout(PATIENCE, resting).await;
    let pid = super::column(&desk.database(), "SELECT pid || '' FROM engines");
    let told = Command::new("kill").args(&pid).status().unwrap();
    assert!(told.success());
    finish(&mut traced).await;
    assert!(syncs() > 0, "what it stored was synced");
    rested.unwrap_or_else(|_| panic!("no {BEATS} beats in a row without a sync"));
}
