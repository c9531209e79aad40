//! SQLite files of other programs, or with only a part of our tables.

use rusqlite::Connection;

use super::*;

#[test]
fn files_of_others_stay_as_they_are_to_the_byte() {
    for (made, words) in [
        ("CREATE TABLE notes (note text)", "notes"),
        (
            "CREATE TABLE bars (id integer, name text, open text)",
            "bars",
        ),
        (
            "CREATE TABLE series (title text); CREATE VIEW stock_data AS SELECT title FROM series",
            "series",
        ),
        (
            "PRAGMA journal_mode = WAL; CREATE TABLE runs (km real)",
            "runs",
        ),
        (
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT, success BOOLEAN, checksum BLOB); \
             INSERT INTO _sqlx_migrations VALUES (1, 'init', true, x'00'), (2, 'users', true, x'01')",
            "_sqlx_migrations",
        ),
        (
            "CREATE TABLE _sqlx_migrations (version TEXT, success BOOLEAN, checksum TEXT); \
             INSERT INTO _sqlx_migrations VALUES ('one', true, 'sum')",
            "_sqlx_migrations",
        ),
        (
            "CREATE TABLE _sqlx_migrations (name TEXT)",
            "_sqlx_migrations",
        ),
    ] {
        let desk = Desk::new();
        let file = desk.folder().join("other.db");
        Connection::open(&file)
            .unwrap()
            .execute_batch(made)
            .unwrap();
        let before = contents(desk.folder());
        let desk = desk.with("DATABASE_URL", "sqlite://other.db");
        let bars = ["bars", "IBM"];
        let reading = ["bars", "IBM", "--read-only"];
        for command in [&FETCH[..], &["run"], &bars, &reading] {
            let words = [
                "other.db",
                "belongs to another program",
                words,
                "DATABASE_URL",
            ];
            assert_refused(&desk.run(command), &words);
        }
        let doctor = desk.run(&["doctor", "--store"]);
        assert!(
            doctor.code == 1 && doctor.stdout.contains("belongs to another program"),
            "{doctor:?}"
        );
        assert!(contents(desk.folder()) == before, "{made}");
    }
}

/// A journal beside it says that another program has it open: only together do they show whose it is.
#[test]
fn a_file_that_another_program_has_open_stays_as_it_is() {
    let desk = Desk::new();
    let file = desk.folder().join("other.db");
    let theirs = Connection::open(&file).unwrap();
    theirs
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE runs (km real)")
        .unwrap();
    let before = std::fs::read(&file).unwrap();
    let desk = desk.with("DATABASE_URL", "sqlite://other.db");
    assert_refused(
        &desk.run(&FETCH),
        &["other.db", "belongs to another program", "runs"],
    );
    assert!(std::fs::read(&file).unwrap() == before);
    theirs
        .execute_batch("INSERT INTO runs VALUES (42.2)")
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_says_what_the_first_start_makes() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&server);
    let said = || {
        let done = desk.run(&["doctor", "--store"]);
        assert!(
            done.code == 0 && !done.stdout.contains("--read-only"),
            "{done:?}"
        );
        done.stdout
    };
    let fresh = said();
    assert!(fresh.contains("the first start will create"), "{fresh}");
    assert!(!desk.folder().join("data").exists());
    std::fs::create_dir(desk.folder().join("data")).unwrap();
    // As a killed start can leave it.
    Connection::open(desk.database())
        .unwrap()
        .execute_batch("PRAGMA user_version = 0; CREATE TABLE t (x); DROP TABLE t")
        .unwrap();
    let before = contents(&desk.folder().join("data"));
    assert!(said().contains("the first start will create 26 tables"));
    assert!(contents(&desk.folder().join("data")) == before);
    assert_fetches(&desk);
    assert!(said().contains("200 bars"));
}
