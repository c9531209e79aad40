//! The program itself, with hostile text in its arguments, its files and its databases.

use std::os::unix::fs::symlink;

use pipeline_tui::simulate::Plan;

use super::corpus::{assert_harmless_lines, strings};
use crate::support::cluster;
use crate::support::program::{Desk, Done, provider};
use crate::support::rounds;

#[track_caller]
fn assert_said(place: &str, done: &Done) {
    assert!(!done.stderr.contains("panicked"), "{place}: {done:?}");
    assert_harmless_lines(place, &done.stdout);
    assert_harmless_lines(place, &done.stderr);
}

/// An argument, a path and a URL cannot hold NUL.
fn arguments(seed: u64) -> impl Iterator<Item = String> {
    // Without its last character one or the other would be a symbol or a command of ours.
    strings(seed, rounds("HOSTILE_RUNS", 96)).map(|text| text.replace('\0', "\u{1}") + "\u{202e}")
}

#[test]
fn what_stands_on_the_command_line_is_quoted_without_harm() {
    let desk = Desk::new();
    for (number, text) in arguments(11).enumerate() {
        let database = format!("sqlite://{text}/x.db");
        let commands: [&[&str]; 6] = [
            &["fetch", "--symbols", &text],
            &["bars", &text, "--from", &text],
            &["config", "check", "--api-key-file", &text],
            &["runs", "--database-url", &database],
            &["simulate", "--fault", &text],
            &[&text],
        ];
        let command = commands[number % commands.len()];
        assert_said(&format!("{command:?}"), &desk.run(command));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_database_says_is_told_without_harm() {
    let Some(url) = cluster::new_database() else {
        return;
    };
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&server).with("DATABASE_URL", &url);
    assert_eq!(desk.run(&["runs"]).code, 0);
    let mut refused = 0;
    for text in strings(12, rounds("HOSTILE_RUNS", 96) / 4) {
        // PostgreSQL itself accepts no NUL.
        let text = text
            .replace('\0', "")
            .replace('\'', "''")
            .replace('%', "%%");
        cluster::psql(
            &url,
            &format!(
                "CREATE OR REPLACE FUNCTION hostile() RETURNS trigger LANGUAGE plpgsql AS $hostile$ BEGIN \
                 RAISE EXCEPTION '{text}' USING DETAIL = '{text}', ERRCODE = '22000'; END $hostile$; \
                 CREATE OR REPLACE TRIGGER hostile BEFORE INSERT ON stock_data FOR EACH ROW EXECUTE FUNCTION hostile()"
            ),
        );
        let done = desk.run(&["fetch", "--symbols", "IBM", "--interval", "daily"]);
        refused += usize::from(done.code != 0);
        assert_said("a database", &done);
    }
    assert!(refused > 10, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_opened_as_text_and_not_as_formulas() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&server);
    assert_eq!(
        desk.run(&["fetch", "--symbols", "IBM", "--interval", "daily"])
            .code,
        0
    );
    for symbol in ["=1+1", "@SUM(A1)", "+X", "-X", "=CMD|/C"] {
        desk.sql(&format!("UPDATE series_totals SET symbol = '{symbol}'"));
        let done = desk.run(&[
            "bars",
            "--interval",
            "daily",
            "--format",
            "csv",
            "--",
            symbol,
        ]);
        let line = done.stdout.lines().nth(1).unwrap_or_default();
        assert!(
            line.starts_with(&format!("'{symbol},daily,")),
            "{symbol}: {done:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_the_place_of_an_export_is_replaced_and_not_followed() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&server);
    assert_eq!(
        desk.run(&["fetch", "--symbols", "IBM", "--interval", "daily"])
            .code,
        0
    );
    let [precious, link] = ["precious", "bars.csv"].map(|name| desk.folder().join(name));
    std::fs::write(&precious, "mine").unwrap();
    symlink(&precious, &link).unwrap();
    let done = desk.run(&[
        "bars",
        "IBM",
        "--interval",
        "daily",
        "--format",
        "csv",
        "--output",
        "bars.csv",
    ]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "mine");
    assert!(std::fs::symlink_metadata(&link).unwrap().is_file());
}
