//! What people get wrong: one sentence that says what to do, and nothing stored changes.

use pipeline_tui::simulate::Plan;

use crate::support::cluster;
use crate::support::mount::Mount;
use crate::support::program::{CANARY, Desk, Done, provider};

/// One sentence on stderr, no panic, no key.
fn assert_told(done: &Done, code: i32, parts: &[&str]) {
    assert_eq!(done.code, code, "{done:?}");
    let text = &done.stderr;
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(
        !text.contains("panicked") && !text.contains(CANARY),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_told_at_once() {
    let server = provider(Plan::Unlimited, &["bad-key"]).await;
    let desk = Desk::new().asking(&server);
    let (code, document) = desk.fetch(&["--symbols", "IBM,AAPL"]);
    assert_eq!((code, server.journal().len()), (2, 1), "{document}");
    let text = document["series"][1]["error"]["message"].as_str().unwrap();
    assert!(text.contains("ALPHA_VANTAGE_API_KEY"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_symbol_is_named() {
    let server = provider(Plan::Unlimited, &[]).await;
    let done = Desk::new()
        .asking(&server)
        .run(&["fetch", "--symbols", "NOSUCH"]);
    assert!(
        done.code == 1 && done.stdout.contains("does not know NOSUCH"),
        "{done:?}"
    );
}

#[test]
fn words_that_mean_nothing_are_answered_with_those_that_do() {
    let desk = Desk::new();
    assert_told(
        &desk.run(&["fetch", "--interval", "7min"]),
        2,
        &["7min", "1min, 5min"],
    );
    assert_told(
        &desk.run(&["fetch", "--month", "2024-13"]),
        2,
        &["2024-13", "YYYY-MM"],
    );
    assert_told(&desk.run(&["fetch", "--symbols", "A B"]), 2, &["' '"]);
    assert_told(&desk.run(&["fetch", "--max-age", "soon"]), 2, &["15m"]);
    assert_told(
        &desk.run(&["bars", "IBM", "--from", "yesterday"]),
        2,
        &["2026-05-15"],
    );
    assert_told(
        &desk.run(&["simulate", "--fault", "tsunami"]),
        2,
        &["tsunami", "burst"],
    );
    assert_told(
        &desk.run(&["simulate", "--plant", "halt@noon"]),
        2,
        &["halt@noon", "2026-11-20 10:40"],
    );
    assert_told(
        &desk.run(&["simulate", "--start", "yesterday"]),
        2,
        &["2026-05-15"],
    );
    assert_told(
        &desk.run(&["simulate", "--replay", "/no/such/file"]),
        2,
        &["/no/such/file"],
    );
    assert_told(
        &desk.run(&["watch", "add", "IBM", "--priority", "urgent"]),
        2,
        &["urgent", "use low, normal or high"],
    );
    assert_told(
        &desk.run(&["run", "--metrics", "banana"]),
        2,
        &["--metrics", "banana is not an address", "127.0.0.1:9464"],
    );
    assert_told(
        &desk.run(&["events", "--since", "abc"]),
        2,
        &["\"abc\" is not a cursor", "for example 42"],
    );
    assert_told(
        &desk.run(&["compare", "A", "B", "--volume-tolerance", "much"]),
        2,
        &["much", "from 0 to 100"],
    );
    let events = desk.run(&["events"]);
    assert_told(&events, 2, &["create it first", "pipeline-tui fetch"]);
    assert_told(&desk.run(&["runs", "77"]), 2, &["no run 77"]);
    assert_told(&desk.run(&["fetch", "--read-only"]), 2, &["--read-only"]);
    assert!(!desk.database().exists() || desk.sql("SELECT count(*) FROM runs") == ["0"]);
}

#[test]
fn a_database_that_is_down_is_a_passing_matter() {
    let desk = Desk::new().with("DATABASE_URL", "postgres://me:hidden-pa55@127.0.0.1:1/bars");
    let done = desk.run(&["fetch"]);
    assert_told(
        &done,
        3,
        &["127.0.0.1:1", "cannot be reached", "DATABASE_URL"],
    );
    assert!(!done.stderr.contains("hidden-pa55"), "{done:?}");
}

#[test]
fn a_wrong_password_names_the_trap() {
    let Some(url) = cluster::new_database() else {
        return;
    };
    let desk = Desk::new().with(
        "DATABASE_URL",
        &url.replace(cluster::PASSWORD, "not-this-one"),
    );
    let done = desk.run(&["fetch"]);
    assert_told(&done, 2, &["refuses the user or password", "first started"]);
    assert!(!done.stderr.contains("not-this-one"), "{done:?}");
}

#[test]
fn a_file_that_is_not_a_database_is_left_alone() {
    let desk = Desk::new();
    let file = desk.folder().join("letter.db");
    let letter = "Dear reader, this is no database. ".repeat(100);
    std::fs::write(&file, &letter).unwrap();
    let desk = desk.with("DATABASE_URL", "sqlite://letter.db");
    assert_told(
        &desk.run(&["fetch"]),
        2,
        &["letter.db", "not an SQLite database"],
    );
    assert_eq!(std::fs::read_to_string(file).unwrap(), letter);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let desk = Desk::new().with("DATABASE_URL", "sqlite:///proc/none/bars.db");
    assert_told(
        &desk.run(&["fetch"]),
        2,
        &["/proc/none/bars.db", "DATABASE_URL"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_a_read_only_folder_can_be_read_and_not_written() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&server);
    desk.fetch(&["--symbols", "IBM"]);
    let Some(mount) = Mount::read_only(&desk.folder().join("data")) else {
        return;
    };
    let done = desk.run(&["fetch", "--symbols", "IBM"]);
    assert_told(&done, 2, &["Read-only", "PIPELINE_DATA_DIR"]);
    let bars = desk.run(&["bars", "IBM", "--limit", "3", "--read-only"]);
    assert!(
        bars.code == 0 && bars.stdout.lines().count() == 4,
        "{bars:?}"
    );
    drop(mount);
    assert_eq!(desk.sql("SELECT count(*) FROM bars"), ["100"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_spending_and_loses_nothing() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new()
        .asking(&server)
        .with("ALPHA_VANTAGE_PLAN", "free");
    std::fs::create_dir(desk.folder().join("data")).unwrap();
    let Some(_mount) = Mount::small(&desk.folder().join("data"), "1m") else {
        return;
    };
    let (code, document) = desk.fetch(&["--symbols", "IBM"]);
    assert_eq!(code, 0, "{document}");
    let stored = desk.sql("SELECT count(*) FROM bars");
    let large = [
        "--symbols",
        "AAPL,MSFT,GOOGL,NVDA",
        "--interval",
        "1min",
        "--outputsize",
        "full",
    ];
    let done = desk.run(&[&["fetch"], &large[..]].concat());
    assert_eq!(done.code, 3, "{done:?}");
    assert!(done.stdout.contains("no space is left"), "{done:?}");
    assert_eq!(
        desk.sql("SELECT count(*) FROM stock_data WHERE symbol = 'IBM'"),
        stored
    );
    let seen = server.journal().len();
    assert!(
        seen <= 2,
        "{seen} requests, although nothing could be written any more"
    );
}

#[test]
fn a_typo_in_the_configuration_is_found_by_line_and_key() {
    let desk = Desk::new();
    let file = desk.folder().join("mine.toml");
    std::fs::write(
        &file,
        "interval = \"5min\"\n\n[alpha_vantage]\nplna = \"free\"\n",
    )
    .unwrap();
    let desk = desk.with("PIPELINE_CONFIG", file.to_str().unwrap());
    assert_told(
        &desk.run(&["fetch"]),
        2,
        &["mine.toml", "4", "plna", "plan"],
    );
    assert_told(&desk.run(&["config", "check"]), 2, &["plna"]);
}

#[test]
fn plain_http_to_a_far_host_is_refused() {
    let desk = Desk::new().with("ALPHA_VANTAGE_BASE_URL", "http://far.example/query");
    assert_told(
        &desk.run(&["fetch"]),
        2,
        &["http", "ALPHA_VANTAGE_ALLOW_HTTP"],
    );
}

#[test]
fn a_key_on_the_command_line_works_and_warns() {
    let desk = Desk::new().with("ALPHA_VANTAGE_API_KEY", "");
    let done = desk.run(&["config", "check", "--api-key", CANARY]);
    assert!(
        done.code == 0 && format!("{done:?}").contains("--api-key-file"),
        "{done:?}"
    );
    assert!(!format!("{done:?}").contains(CANARY));
}

#[test]
fn a_taken_port_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_told(
        &Desk::new().run(&["simulate", "--listen", &address]),
        2,
        &[&address, "--listen"],
    );
}

#[test]
fn help_names_the_commands_and_what_happens_without_one() {
    let done = Desk::new().run(&["--help"]);
    for words in [
        "Usage:",
        "demo",
        "keys",
        "Without a command it opens the panel",
    ] {
        assert!(
            done.code == 0 && done.stdout.contains(words),
            "{words}: {done:?}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let desk = Desk::new();
    let mut child = desk
        .command(&["man"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
