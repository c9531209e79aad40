//! The Nth system call that touches the store fails, for each N.
//!
//! strace counts each thread separately, and each connection to the file is a thread: so the Nth call
//! of the connection that is opened after an error fails too.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{assert_drained, assert_true, desk, fetch};
use crate::support::program::{Desk, Done};
use crate::support::{cluster, may_trace, rounds};

/// Calls that write, make durable, open or move.
const CALLS: [&str; 7] = [
    "fsync",
    "fdatasync",
    "pwrite64",
    "write",
    "openat",
    "ftruncate",
    "rename",
];
const ERRORS: [&str; 2] = ["EIO", "ENOSPC"];
/// What a person reads when a disk fails: a known cause, and what to do.
const WORDS: [&str; 5] = [
    "reports errors",
    "no space is left",
    "cannot be opened",
    "cannot be written",
    "or its folder is read-only",
];

/// Runs the program once while these calls on the store's files fail; returns how often they did.
fn failing(desk: &Desk, call: &str, error: &str, when: &str) -> (Done, usize) {
    let trace = desk.folder().join("trace");
    let mut command = desk.command_of(&PathBuf::from("strace"), &["-f", "-qq"]);
    command.arg("-o").arg(&trace);
    for suffix in [
        "",
        "-wal",
        "-shm",
        "-journal",
        "-schema.lock",
        "-schedule.lock",
    ] {
        let mut path = desk.database().into_os_string();
        path.push(suffix);
        command.arg("-P").arg(path);
    }
    let data = desk.database();
    command.arg("-P").arg(data.parent().unwrap());
    command
        .arg(format!("-etrace={call}"))
        .arg(format!("-einject={call}:error={error}:when={when}"))
        .arg(env!("CARGO_BIN_EXE_pipeline-tui"))
        .args(fetch());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let done = Done::from(tokio::task::block_in_place(|| command.output()).unwrap());
    let trace = std::fs::read_to_string(trace).unwrap();
    (done, trace.matches("(INJECTED)").count())
}

/// Words for what nobody has thought of.
const UNCLASSIFIED: [&str; 2] = ["returned data that cannot be read", "refused a statement"];

/// Every error on the screen names its cause.
fn assert_told(done: &Done, what: &str) {
    let said = format!("{}{}", done.stdout, done.stderr);
    let is_in = |words: &&str| said.contains(*words);
    assert!(!UNCLASSIFIED.iter().any(is_in), "{what}: {done:?}");
    assert!(
        done.code == 0 || WORDS.iter().any(is_in),
        "{what}: {done:?}"
    );
}

/// How many runs there were, in how many of them each call failed, and how many ended with a sentence.
#[derive(Debug, Default)]
struct Tally {
    runs: usize,
    struck: BTreeMap<&'static str, usize>,
    told: usize,
}

/// Fails each call in turn until no such call is left, or the rounds are over.
async fn sweep(used: bool) {
    let (most, step) = (rounds("DISK_CALLS", 3), rounds("DISK_STEP", 6));
    let mut tally = Tally::default();
    for call in CALLS {
        for error in ERRORS {
            for nth in (0..most).map(|turn| 1 + turn * step) {
                let (desk, server) = desk().await;
                if used {
                    tokio::task::block_in_place(|| desk.run(&["fetch", "--symbols", "NVDA"]));
                }
                let what = format!("{call} number {nth} fails with {error}");
                let (done, injected) = failing(&desk, call, error, &nth.to_string());
                assert_true(&desk, &server, &done, &what);
                assert_told(&done, &what);
                assert_drained(&desk, &server, &what);
                tally.runs += 1;
                tally.told += usize::from(done.code != 0);
                if injected == 0 {
                    break;
                }
                *tally.struck.entry(call).or_default() += 1;
            }
        }
    }
    let store = if used { "a used store" } else { "a new store" };
    cluster::notice(&format!("failing system calls, on {store}: {tally:?}"));
    for call in ["fsync", "pwrite64", "openat"] {
        assert!(
            tally.struck.contains_key(call),
            "{call} never failed: {tally:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_fails_on_a_new_store_nothing_false_is_acknowledged() {
    if may_trace() {
        sweep(false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_fails_on_a_used_store_nothing_false_is_acknowledged() {
    if may_trace() {
        sweep(true).await;
    }
}

/// If the store accepts nothing, no request is sent: what cannot be recorded is not spent.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_nothing_stops_the_spending() {
    if !may_trace() {
        return;
    }
    for call in ["fsync", "pwrite64", "openat"] {
        for error in ERRORS {
            let (desk, server) = desk().await;
            tokio::task::block_in_place(|| desk.run(&["fetch", "--symbols", "NVDA"]));
            let what = format!("every {call} fails with {error}");
            let (done, injected) = failing(&desk, call, error, "1+");
            assert!(injected > 0 && done.code != 0, "{what}: {done:?}");
            assert_true(&desk, &server, &done, &what);
            assert_told(&done, &what);
            assert_eq!(server.journal().len(), 1, "{what}: {done:?}");
            assert_drained(&desk, &server, &what);
        }
    }
}
