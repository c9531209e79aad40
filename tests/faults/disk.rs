//! Faults of the disk and the file: what is acknowledged is stored, and nothing is sent unrecorded.

mod calls;
mod files;
mod output;
mod rest;
mod space;

use std::collections::BTreeSet;
use std::path::Path;

use pipeline_tui::simulate::{Plan, Server};

use crate::support::program::{Desk, Done, provider};

/// Each answer of the provider to these brings 100 bars.
const SYMBOLS: [&str; 3] = ["IBM", "AAPL", "MSFT"];

/// A desk on a new SQLite file, and its provider.
async fn desk() -> (Desk, Server) {
    let server = provider(Plan::Unlimited, &[]).await;
    (Desk::new().asking(&server), server)
}

/// The arguments that fetch the series of these tests.
fn fetch() -> [String; 5] {
    let symbols = SYMBOLS.join(",");
    ["fetch", "--format", "json", "--symbols", &symbols].map(str::to_owned)
}

fn plainly(desk: &Desk) -> Done {
    let arguments = fetch();
    tokio::task::block_in_place(|| desk.run(&arguments.each_ref().map(String::as_str)))
}

/// Rows of one column, read without the product; none if there is no file or no table yet.
fn column(file: &Path, sql: &str) -> Vec<String> {
    let Ok(file) = rusqlite::Connection::open_with_flags(
        file,
        rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX,
    ) else {
        return vec![];
    };
    let there = "SELECT count(*) FROM sqlite_master WHERE name IN ('bars', 'requests', 'runs')";
    let tables: i64 = file.query_row(there, [], |row| row.get(0)).unwrap();
    if tables < 3 {
        return vec![];
    }
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The series that a document of `fetch` reports as stored.
fn acknowledged(done: &Done) -> Vec<String> {
    let Ok(document) = serde_json::from_str::<serde_json::Value>(&done.stdout) else {
        return vec![];
    };
    let series = document["series"].as_array().unwrap();
    let stored = series
        .iter()
        .filter(|series| series["status"] == "succeeded");
    stored
        .map(|series| series["symbol"].as_str().unwrap().to_owned())
        .collect()
}

/// The attempts that the provider has received; `doctor` requests no data.
fn asked(server: &Server) -> Vec<String> {
    let entries = server.journal().into_iter();
    let questions = entries.filter(|entry| !entry.query.is_empty());
    questions.map(|entry| entry.request_id.unwrap()).collect()
}

/// What must hold whatever the disk did: checked in the file and at the provider, not in the program.
fn assert_true(desk: &Desk, server: &Server, done: &Done, what: &str) {
    let file = desk.database();
    if file.exists() {
        let checked: String = rusqlite::Connection::open(&file)
            .unwrap()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(checked, "ok", "{what}");
    }
    for symbol in acknowledged(done) {
        let bars = column(
            &file,
            &format!(
                "SELECT open_price || '' FROM bars JOIN series_totals ON id = series_id WHERE symbol = '{symbol}'"
            ),
        );
        assert_eq!(
            bars.len(),
            100,
            "{what}: {symbol} is acknowledged: {done:?}"
        );
    }
    let reserved: BTreeSet<String> = column(&file, "SELECT attempt_id FROM requests")
        .into_iter()
        .collect();
    let seen = asked(server);
    let once: BTreeSet<String> = seen.iter().cloned().collect();
    assert_eq!(once.len(), seen.len(), "{what}: a request was sent twice");
    assert!(
        once.is_subset(&reserved),
        "{what}: sent without a reservation: {done:?}"
    );
    assert!(
        !done.stderr.contains("panicked") && !done.stdout.contains("panicked"),
        "{what}: {done:?}"
    );
}

/// The next normal run stores everything and leaves nothing unfinished.
fn assert_drained(desk: &Desk, server: &Server, what: &str) {
    let done = plainly(desk);
    assert_eq!(done.code, 0, "{what}: {done:?}");
    assert_eq!(acknowledged(&done), SYMBOLS, "{what}");
    assert_true(desk, server, &done, what);
    let open = "SELECT state FROM requests WHERE state IN ('reserved', 'answered') UNION ALL \
                SELECT status FROM runs WHERE status = 'running'";
    assert_eq!(column(&desk.database(), open), [""; 0], "{what}");
}
