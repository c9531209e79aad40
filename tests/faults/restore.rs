//! Stored data survives its database: backup, loss and restore.
//!
//! The commands are those of `docs/operations.md`. That a newer schema is refused is in
//! `tests/faults/starts.rs`; that an older one is brought up to date, in
//! `tests/suite/contract/migrated.rs`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pipeline_tui::simulate::{Plan, Server};
use sha2::{Digest as _, Sha256};

use crate::support::cluster;
use crate::support::program::{Desk, provider};

const SERIES: &[&str] = &[
    "--symbols",
    "IBM,AAPL",
    "--interval",
    "daily",
    "--outputsize",
    "compact",
];

/// Each table with its number of rows and the hash of all of them.
type Contents = BTreeMap<String, (usize, String)>;

fn tables(desk: &Desk) -> Vec<String> {
    desk.sql(match desk.postgres() {
        Some(_) => "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
        None => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    })
}

fn columns(desk: &Desk, table: &str) -> Vec<String> {
    desk.sql(&match desk.postgres() {
        Some(_) => format!("SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"),
        None => format!("SELECT name FROM pragma_table_info('{table}')"),
    })
}

/// The schema: every table and its columns.
fn schema(desk: &Desk) -> BTreeMap<String, Vec<String>> {
    tables(desk)
        .into_iter()
        .map(|table| (table.clone(), columns(desk, &table)))
        .collect()
}

/// The content of these columns of these tables.
fn contents(desk: &Desk, schema: &BTreeMap<String, Vec<String>>) -> Contents {
    let digest = |(table, columns): (&String, &Vec<String>)| {
        let row = match desk.postgres() {
            Some(_) => format!("ROW({})::text", columns.join(", ")),
            None => format!("quote({})", columns.join(") || ',' || quote(")),
        };
        let mut rows = desk.sql(&format!("SELECT {row} FROM {table}"));
        rows.sort();
        let hash = Sha256::digest(rows.join("\n"));
        let count = desk.sql(&format!("SELECT count(*) FROM {table}"))[0]
            .parse()
            .unwrap();
        (table.clone(), (count, format!("{hash:x?}")))
    };
    schema.iter().map(digest).collect()
}

/// A desk on each database with a store that was used: two series, one of them twice.
async fn used() -> Vec<(Desk, Server)> {
    let mut used = vec![];
    for desk in Desk::on_each_database() {
        let server = provider(Plan::Unlimited, &["invalid@3"]).await;
        let desk = desk.asking(&server);
        assert_eq!(desk.fetch(SERIES).0, 0);
        let (code, refused) = desk.fetch(&["--symbols", "MSFT", "--interval", "daily"]);
        assert_eq!(code, 1, "{refused}");
        used.push((desk, server));
    }
    used
}

fn spent(desk: &Desk) -> usize {
    desk.sql("SELECT count(*) FROM requests")[0]
        .parse()
        .unwrap()
}

/// Fetches what is already stored: that costs one request per series, is recorded, and changes no bar.
fn assert_goes_on(desk: &Desk, server: &Server) {
    let bars = match desk.postgres() {
        Some(_) => "stock_data",
        None => "bars",
    };
    let bars = BTreeMap::from([(bars.to_owned(), columns(desk, bars))]);
    let (before, spent_before) = (contents(desk, &bars), spent(desk));
    assert_eq!(
        spent_before,
        server.journal().len(),
        "each request is in the ledger"
    );
    assert_eq!(
        before.values().next().unwrap().0,
        200,
        "two series of 100 bars"
    );

    let (code, fresh) = desk.fetch(&[SERIES, &["--max-age", "1d"]].concat());
    assert_eq!(
        (code, spent(desk)),
        (0, spent_before),
        "what is fresh is known: {fresh}"
    );

    let (code, again) = desk.fetch(SERIES);
    assert_eq!(code, 0, "{again}");
    for series in again["series"].as_array().unwrap() {
        assert_eq!(
            (&series["inserted"], &series["changed"]),
            (&0.into(), &0.into()),
            "{series}"
        );
    }
    assert_eq!(contents(desk, &bars), before);
    assert_eq!(
        (spent(desk), server.journal().len()),
        (spent_before + 2, spent_before + 2)
    );
}

fn done(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
}

fn of_postgres(program: &str) -> Command {
    Command::new(cluster::find(program).unwrap())
}

fn back_up(desk: &Desk) -> PathBuf {
    let file = desk.folder().join("backup");
    match desk.postgres() {
        Some(url) => done(
            of_postgres("pg_dump")
                .args(["-Fc", "-f"])
                .arg(&file)
                .arg(url),
        ),
        None => drop(desk.sql(&format!("VACUUM INTO '{}'", file.display()))),
    }
    file
}

/// Loses the database, as by a disk that failed or a volume that was removed.
fn destroy(desk: &Desk) {
    if let Some(url) = desk.postgres() {
        let (server, name) = url.rsplit_once('/').unwrap();
        let elsewhere = format!("{server}/postgres");
        cluster::psql(&elsewhere, &format!("DROP DATABASE {name} WITH (FORCE)"));
        cluster::psql(&elsewhere, &format!("CREATE DATABASE {name}"));
    } else {
        let data = desk.folder().join("data");
        std::fs::remove_dir_all(&data).unwrap();
        std::fs::create_dir(data).unwrap();
    }
}

fn restore(desk: &Desk, file: &Path) {
    match desk.postgres() {
        Some(url) => done(
            of_postgres("pg_restore")
                .args([
                    "--clean",
                    "--if-exists",
                    "--no-owner",
                    "--single-transaction",
                    "-d",
                    url,
                ])
                .arg(file),
        ),
        None => {
            std::fs::copy(file, desk.database()).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_brings_everything_back_and_the_program_goes_on_from_it() {
    for (desk, server) in used().await {
        let schema = schema(&desk);
        let before = contents(&desk, &schema);
        assert!(before.len() >= 12, "{before:?}");
        assert_eq!((before["requests"].0, before["answers"].0), (3, 3));
        let file = back_up(&desk);
        destroy(&desk);
        let gone = desk.run(&["bars", "IBM", "--interval", "daily"]);
        assert!(gone.stderr.contains("no bars of"), "{gone:?}");
        destroy(&desk);
        restore(&desk, &file);
        assert_eq!(contents(&desk, &schema), before);
        // It also restores over an existing store.
        restore(&desk, &file);
        assert_eq!(contents(&desk, &schema), before);
        assert_goes_on(&desk, &server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_was_spent_is_still_spent_after_a_restore() {
    for (desk, server) in used().await {
        server.set_faults(vec!["day".parse().unwrap()]);
        assert_eq!(desk.fetch(SERIES).0, 4);
        let seen = server.journal().len();
        let file = back_up(&desk);
        destroy(&desk);
        restore(&desk, &file);
        let (code, refused) = desk.fetch(SERIES);
        assert_eq!((code, server.journal().len()), (4, seen), "{refused}");
    }
}
