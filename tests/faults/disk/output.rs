//! Output that nobody reads: a reader that has gone, a full disk behind stdout or stderr.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use super::{desk, fetch, plainly};
use crate::support::program::Done;

/// Accepts nothing: "no space left on device".
fn full() -> std::fs::File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_one_line_of_many_ends_the_program_quietly() {
    let (desk, _server) = desk().await;
    assert_eq!(plainly(&desk).code, 0);
    for words in [
        &["bars", "IBM", "--interval", "5min"][..],
        &["bars", "IBM", "--interval", "5min", "--format", "csv"],
        &["bars", "IBM", "--interval", "5min", "--format", "jsonl"],
        &["man"],
        &["config", "show"],
    ] {
        let mut command = desk.command(words);
        let mut program = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::with_capacity(1, program.stdout.take().unwrap());
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 1, "{words:?}");
        drop(lines);
        let mut said = String::new();
        program
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert_eq!(
            (program.wait().unwrap().code(), said.as_str()),
            (Some(0), ""),
            "{words:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let (desk, server) = desk().await;
    let desk = desk.with("RUST_LOG", "trace");
    let arguments = fetch();
    let mut command = desk.command(&arguments.each_ref().map(String::as_str));
    let output = tokio::task::block_in_place(|| command.stderr(full()).output()).unwrap();
    let done = Done::from(output);
    assert_eq!(done.code, 0, "{done:?}");
    super::assert_true(&desk, &server, &done, "a log on a full disk");
    assert_eq!(super::acknowledged(&done), super::SYMBOLS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_cannot_be_written_is_told_and_what_was_fetched_is_there() {
    let (desk, server) = desk().await;
    let arguments = fetch();
    let mut command = desk.command(&arguments.each_ref().map(String::as_str));
    let output = tokio::task::block_in_place(|| command.stdout(full()).output()).unwrap();
    let done = Done::from(output);
    assert!(
        done.code == 3 && done.stderr.contains("the output cannot be written"),
        "{done:?}"
    );
    let bars = super::column(&desk.database(), "SELECT symbol FROM stock_data");
    assert_eq!((bars.len(), server.journal().len()), (300, 3));
}

/// `fetch` writes no log file: however much it logs, the data folder holds only the store.
#[tokio::test(flavor = "multi_thread")]
async fn however_much_is_logged_no_file_grows() {
    let (desk, _server) = desk().await;
    let desk = desk.with("RUST_LOG", "trace");
    let done = plainly(&desk);
    assert!(
        done.stderr.lines().count() > 50,
        "{} lines",
        done.stderr.lines().count()
    );
    for entry in std::fs::read_dir(desk.database().parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        // A slow disk leaves the folder in which an answer waited, without the answer.
        let was_slow = name == "spool" && std::fs::read_dir(entry.path()).unwrap().count() == 0;
        assert!(name.starts_with("pipeline.db") || was_slow, "{name}");
    }
}
