//! A store's file that is damaged, truncated, empty, another program's, or shared by many.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{
    SYMBOLS, acknowledged, asked, assert_drained, assert_true, column, desk, fetch, plainly,
};
use crate::support::program::{Desk, Done, provider, seen};
use crate::support::{cluster, rounds};

use pipeline_tui::simulate::{Plan, Server};

/// The pages of the store.
const PAGE: usize = 4_096;
/// Processes that share a file.
const CROWD: usize = 20;

/// A desk whose store is one file without a journal, and the bytes of that file.
async fn filled() -> (Desk, Server, Vec<u8>) {
    let (desk, server) = desk().await;
    let done = plainly(&desk);
    assert_eq!(done.code, 0, "{done:?}");
    let file = Connection::open(desk.database()).unwrap();
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    drop(file);
    let bytes = std::fs::read(desk.database()).unwrap();
    (desk, server, bytes)
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Makes these bytes the whole store.
fn place(desk: &Desk, bytes: &[u8]) {
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(&desk.database(), suffix));
    }
    std::fs::write(desk.database(), bytes).unwrap();
}

/// How each kind of command reacts to the store.
fn tried(desk: &Desk) -> Vec<Done> {
    let mut all = vec![plainly(desk)];
    for words in [
        &["bars", "IBM", "--limit", "5"][..],
        &["bars", "IBM", "--limit", "5", "--read-only"],
        &["runs"],
        &["doctor"],
    ] {
        all.push(tokio::task::block_in_place(|| desk.run(words)));
    }
    all
}

/// Refused in words that name the file and what to do, or not at all.
fn assert_worded(done: &Done, what: &str) {
    let said = format!("{}{}", done.stdout, done.stderr);
    assert!(!said.contains("panicked"), "{what}: {done:?}");
    if done.code != 0 {
        let known = [
            "is damaged",
            "is not an SQLite database",
            "cannot be read",
            "no up-to-date schema",
        ];
        assert!(
            known.iter().any(|words| said.contains(words)),
            "{what}: {done:?}"
        );
        assert!(said.contains("pipeline.db"), "{what}: {done:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_any_more_is_refused_and_left_as_it_is() {
    let (desk, server, whole) = filled().await;
    let mut headless = whole.clone();
    headless[..100].fill(0xff);
    let cut = whole[..whole.len() / 2 - 100].to_vec();
    for (what, bytes) in [("no header", headless), ("cut in the middle", cut)] {
        place(&desk, &bytes);
        let seen = asked(&server).len();
        for done in tried(&desk) {
            assert_worded(&done, what);
            assert_ne!(done.code, 0, "{what}: {done:?}");
        }
        assert_eq!(
            asked(&server).len(),
            seen,
            "{what}: nothing is sent that cannot be recorded"
        );
        assert!(
            std::fs::read(desk.database()).unwrap() == bytes,
            "{what}: the file was changed"
        );
    }
    place(&desk, &whole);
    assert_drained(&desk, &server, "the backup restored");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_pages_are_told_and_break_nothing_else() {
    let (desk, _server, whole) = filled().await;
    let (mut refused, damages) = (0, rounds("DISK_DAMAGE", 8));
    for damage in 0..damages {
        let mut rng = fastrand::Rng::with_seed(damage as u64);
        let mut bytes = whole.clone();
        let (first, pages) = (rng.usize(1..whole.len() / PAGE), rng.usize(1..8));
        for page in bytes.chunks_mut(PAGE).skip(first).take(pages) {
            page.fill_with(|| rng.u8(..));
        }
        place(&desk, &bytes);
        let what = format!("damage {damage}: {pages} pages from {first}");
        for done in tried(&desk) {
            assert_worded(&done, &what);
            refused += usize::from(done.code != 0);
        }
    }
    assert!(refused > 0, "no damage was found");
    place(&desk, &whole);
    let done = plainly(&desk);
    assert_eq!(
        (done.code, acknowledged(&done)),
        (0, SYMBOLS.map(str::to_owned).to_vec())
    );
    cluster::notice(&format!(
        "{damages} damaged stores: {refused} of {} commands refused",
        damages * 5
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_becomes_a_store_and_another_programs_file_stays() {
    let (desk, server) = desk().await;
    std::fs::create_dir(desk.database().parent().unwrap()).unwrap();
    std::fs::write(desk.database(), b"").unwrap();
    assert_drained(&desk, &server, "an empty file");

    let (desk, server) = super::desk().await;
    std::fs::create_dir(desk.database().parent().unwrap()).unwrap();
    let file = Connection::open(desk.database()).unwrap();
    file.execute_batch(
        "CREATE TABLE letters (text TEXT); INSERT INTO letters VALUES ('Dear reader')",
    )
    .unwrap();
    drop(file);
    let before = std::fs::read(desk.database()).unwrap();
    let done = plainly(&desk);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(
        done.stderr.contains("belongs to another program"),
        "{done:?}"
    );
    assert_eq!(std::fs::read(desk.database()).unwrap(), before);
    assert_eq!(asked(&server).len(), 0, "no request for bars with no place");
}

/// A lost journal loses its transactions; the rest is intact, and the program continues.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_broken_journal_leaves_a_store_that_works() {
    for broken in [false, true] {
        let server = provider(Plan::Unlimited, &["silent,symbol=MSFT"]).await;
        let desk = Desk::new().asking(&server);
        let arguments = fetch();
        let mut command = desk.command(&arguments.each_ref().map(String::as_str));
        let quiet = std::process::Stdio::null;
        let mut program = command.stdout(quiet()).stderr(quiet()).spawn().unwrap();
        seen(&server, SYMBOLS.len()).await;
        program.kill().unwrap();
        tokio::task::block_in_place(|| program.wait()).unwrap();
        server.set_faults(vec![]);
        let journal = beside(&desk.database(), "-wal");
        let length = std::fs::metadata(&journal).unwrap().len();
        std::fs::remove_file(beside(&desk.database(), "-shm")).unwrap();
        if broken {
            let noise = std::iter::repeat_with(|| fastrand::u8(..));
            let noise: Vec<u8> = noise.take(usize::try_from(length).unwrap()).collect();
            std::fs::write(&journal, noise).unwrap();
        } else {
            std::fs::remove_file(&journal).unwrap();
        }
        let done = plainly(&desk);
        let what = format!("a journal of {length} bytes, broken: {broken}");
        assert!(length > 0 && done.code == 0, "{what}: {done:?}");
        assert_eq!(acknowledged(&done), SYMBOLS, "{what}");
        let bars = column(&desk.database(), "SELECT symbol FROM stock_data");
        assert_eq!(bars.len(), 300, "{what}");
        let checked = column(&desk.database(), "PRAGMA integrity_check");
        assert_eq!(checked, ["ok"], "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_processes_fetch_into_one_file_and_none_hears_of_a_lock() {
    for _ in 0..rounds("DISK_CROWDS", 1) {
        let server = provider(Plan::Unlimited, &[]).await;
        let desk = Desk::new().asking(&server);
        let programs: Vec<_> = (0..CROWD)
            .map(|number| {
                let symbol = format!("S{number}");
                let mut command =
                    desk.command(&["fetch", "--format", "json", "--symbols", &symbol]);
                let piped = std::process::Stdio::piped;
                command.stdout(piped()).stderr(piped()).spawn().unwrap()
            })
            .collect();
        for program in programs {
            let done =
                Done::from(tokio::task::block_in_place(|| program.wait_with_output()).unwrap());
            assert_eq!(done.code, 0, "{done:?}");
            let hears = done.stderr.contains("lock") || done.stderr.contains("busy");
            assert!(!hears, "{done:?}");
            assert_true(&desk, &server, &done, "a crowd");
        }
        let bars = column(&desk.database(), "SELECT symbol FROM stock_data");
        assert_eq!((bars.len(), server.journal().len()), (CROWD * 100, CROWD));
    }
}
