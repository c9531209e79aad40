//! The watch list from the command line: what each command does, and how it answers bad input.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use pipeline_tui::simulate::Plan;
use serde_json::json;

use crate::support::program::{CANARY, Desk, Done, provider};

/// The list in its order, by the database's own client.
fn list(desk: &Desk) -> Vec<String> {
    desk.sql("SELECT symbol || ' ' || interval || ' ' || adjusted FROM series ORDER BY id")
        .iter()
        .map(|row| {
            row.replace(" 0", "")
                .replace(" false", "")
                .replace(" 1", " adjusted")
        })
        .map(|row| row.replace(" true", " adjusted"))
        .collect()
}

fn with_stdin(desk: &Desk, arguments: &[&str], input: &[u8]) -> Done {
    let mut command = desk.command(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Input that is not read completely breaks the pipe.
    let _ = child.stdin.take().unwrap().write_all(input);
    Done::from(child.wait_with_output().unwrap())
}

fn lines(count: usize) -> String {
    let lines: Vec<_> = (0..count).map(|n| format!("S{n},daily")).collect();
    lines.join("\n")
}

fn assert_told(done: &Done, code: i32, parts: &[&str]) {
    assert_eq!(done.code, code, "{done:?}");
    for part in parts {
        assert!(done.stderr.contains(part), "{part:?} is not in {done:?}");
    }
    let is_harmless = |c: char| c == '\n' || !c.is_control();
    assert!(done.stderr.chars().all(is_harmless), "{done:?}");
    assert!(
        done.stderr.len() < 8_192 && !done.stderr.contains("panicked"),
        "{done:?}"
    );
    assert!(!done.stderr.contains(CANARY), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn series_are_added_removed_and_replaced_without_a_request() {
    let server = provider(Plan::Unlimited, &[]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server).with("ALPHA_VANTAGE_PLAN", "free");
        let done = desk.run(&[
            "watch",
            "add",
            "aapl,MSFT",
            "IBM  AAPL",
            "--interval",
            "daily",
        ]);
        let said = "added 3, 1 was already on the list; 3 series, each fetch costs 3 requests\n";
        assert_eq!((done.code, done.stdout.as_str()), (0, said), "{done:?}");
        let done = desk.run(&["watch", "add", "MSFT", "--interval", "weekly", "--adjusted"]);
        assert_eq!(done.code, 0, "{done:?}");
        assert_eq!(
            list(&desk),
            [
                "AAPL daily",
                "MSFT daily",
                "IBM daily",
                "MSFT weekly adjusted"
            ]
        );
        let done = desk.run(&[
            "watch",
            "remove",
            "msft",
            "--interval",
            "daily",
            "--format",
            "json",
        ]);
        let document: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        let expected =
            json!({"added": 0, "removed": 1, "unchanged": 0, "series": 3, "requests": 3});
        assert_eq!((done.code, document), (0, expected));
        let done = desk.run(&["watch", "remove", "MSFT,NOPE"]);
        assert!(
            done.code == 1
                && done.stdout.contains("removed 1")
                && done.stdout.contains("NOPE is not"),
            "{done:?}"
        );
        let done = desk.run(&["watch", "remove", "MSFT"]);
        assert_eq!(done.code, 1, "{done:?}");
        assert!(
            done.stdout
                .contains("removed nothing, MSFT is not on the list"),
            "{done:?}"
        );
        let done = desk.run(&["watch", "replace", "IBM,GOOGL", "--interval", "monthly"]);
        assert!(done.stdout.starts_with("added 2, removed 2;"), "{done:?}");
        let done = desk.run(&["watch", "list", "--format", "json"]);
        let document: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        let key = |symbol: &str| {
            json!({
                "source": "alpha_vantage", "symbol": symbol, "interval": "monthly", "adjusted": false,
                "since": null, "priority": "normal", "fresh_within": null, "group": null, "fills": null
            })
        };
        assert_eq!(document, json!([key("IBM"), key("GOOGL")]));
        let done = desk.run(&["--read-only", "watch", "list"]);
        assert_eq!((done.code, done.stdout.lines().count()), (0, 3), "{done:?}");
    }
    assert_eq!(server.journal().len(), 0);
}

#[test]
fn three_hundred_series_are_one_command_and_ten_thousand_take_no_patience() {
    for desk in Desk::on_each_database() {
        let desk = desk.with("ALPHA_VANTAGE_PLAN", "free");
        let done = with_stdin(&desk, &["watch", "import", "-"], lines(300).as_bytes());
        let said =
            "added 300; 300 series, each fetch costs 300 requests (the plan allows 25 a day)\n";
        assert_eq!((done.code, done.stdout.as_str()), (0, said), "{done:?}");
        let begun = Instant::now();
        let done = with_stdin(&desk, &["watch", "import", "-"], lines(10_000).as_bytes());
        assert!(
            done.stdout
                .starts_with("added 9,700, 300 were already on the list;"),
            "{done:?}"
        );
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(20), "{took:?}");
        assert_eq!(desk.sql("SELECT count(*) FROM series"), ["10000"]);
    }
}

#[test]
fn each_fetch_costs_what_it_would_send() {
    let desk = Desk::new();
    let costs = |series: &str, said: &str| {
        let words: Vec<&str> = series.split(' ').collect();
        let done = desk.run(&[&["watch", "add"], &words[..]].concat());
        assert!(done.stdout.ends_with(said), "{done:?}");
    };
    costs(
        "alpaca:IBM,alpaca:AAPL --interval 5min",
        "; 2 series, each fetch costs 1 request\n",
    );
    // They are what the finer bars add up to.
    costs(
        "alpaca:IBM,alpaca:AAPL --interval 60min",
        "; 4 series, each fetch costs 1 request\n",
    );
    costs(
        "IBM,AAPL --interval daily",
        "; 6 series, each fetch costs 3 requests\n",
    );
}

#[test]
fn what_is_exported_is_imported_again() {
    let desk = Desk::new();
    let file = "\u{feff}# mine\r\nSYMBOL;INTERVAL\r\nIBM;5min\r\n\r\nBRK-B daily adjusted\r\nalpha_vantage:fra:iqqe # Xetra\r\n";
    std::fs::write(desk.folder().join("in.txt"), file).unwrap();
    let import = |arguments: &[&str]| desk.run(&[&["watch", "import"], arguments].concat());
    let done = import(&["in.txt", "--interval", "weekly"]);
    assert_eq!(done.code, 0, "{done:?}");
    let expected = ["IBM 5min", "BRK-B daily adjusted", "FRA:IQQE weekly"];
    assert_eq!(list(&desk), expected);
    let csv = "symbol,interval,adjusted\nIBM,5min,false\nBRK-B,daily,true\nalpha_vantage:FRA:IQQE,weekly,false\n";
    assert_eq!(desk.run(&["watch", "export"]).stdout, csv);
    let done = desk.run(&["watch", "export", "--output", "out.csv"]);
    assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{done:?}");
    assert_eq!(desk.run(&["watch", "replace", "X"]).code, 0);
    let done = import(&["out.csv", "--replace"]);
    assert!(done.stdout.starts_with("added 3, removed 1;"), "{done:?}");
    assert_eq!(list(&desk), expected);
}

#[test]
fn a_file_with_a_wrong_line_changes_nothing_and_every_wrong_line_is_named() {
    let desk = Desk::new();
    desk.run(&["watch", "replace", "IBM", "--interval", "daily"]);
    let import = |bytes: &[u8], code: i32, parts: &[&str]| {
        for replace in [&[][..], &["--replace"]] {
            let arguments = [&["watch", "import", "-"], replace].concat();
            let done = with_stdin(&desk, &arguments, bytes);
            assert_told(&done, code, parts);
            assert_told(&done, code, &["the watch list is unchanged"]);
            assert_eq!(list(&desk), ["IBM daily"], "{parts:?}");
        }
    };
    import(
        b"MSFT,daily\nAAPL,hourly\n",
        2,
        &["one line is wrong", "line 2: \"hourly\" is not an interval"],
    );
    import(b"AAPL,MSFT,GOOGL\n", 2, &["line 1", "one series per line"]);
    import(
        b"A\x1b]0;x\x07,daily\nB\x00\n\xe2\x80\xaeC\n",
        2,
        &["line 1", "line 2", "line 3", "'\\u{1b}'", "'\\0'"],
    );
    import(b"\xff\xfeI\x00B\x00M\x00", 2, &["UTF-16", "UTF-8"]);
    import(b"IBM\xff\n", 2, &["not UTF-8"]);
    import(b"\x7fELF\x02\x01\x00\x00\n", 2, &["line 1"]);
    import(b"", 2, &["contains no series", "IBM,daily"]);
    import(b"symbol,interval\n# nothing\n", 2, &["contains no series"]);
    import("X".repeat(10 << 20).as_bytes(), 2, &["larger than 8 MiB"]);
    import("X".repeat(7 << 20).as_bytes(), 2, &["line 1", "at most 32"]);
    let wrong = lines(100_000).replace("daily", "dayly");
    import(
        wrong.as_bytes(),
        2,
        &["100,000 lines are wrong", "line 20: ", "and 99,980 more"],
    );
}

#[test]
fn files_and_words_that_name_no_series_are_told() {
    let desk = Desk::new();
    desk.run(&["watch", "replace", "IBM", "--interval", "daily"]);
    for (arguments, parts) in [
        (
            &["import", "none.csv"][..],
            &["none.csv cannot be read", "unchanged"][..],
        ),
        (&["import", "."], &["cannot be read", "unchanged"]),
        (&["import", "/dev/zero"], &["larger than 8 MiB"]),
        (&["import", "a\u{1b}[2Jb"], &["a\\u{1b}[2Jb cannot be read"]),
        (
            &["add", "AAPL", "daily"],
            &["daily is an interval", "--interval daily"],
        ),
        (&["add", "AAPL,\u{1b}[2J"], &["cannot contain '\\u{1b}'"]),
        (
            &["add", "alpacca:IBM"],
            &["no source \"alpacca\"", "did you mean alpaca:IBM?"],
        ),
        (
            &["remove", "IBM:alpaca"],
            &["the source comes first: alpaca:IBM"],
        ),
        (&["add", " , "], &["no symbol given"]),
        (&["replace", ","], &["no symbol given"]),
        (&["remove", ""], &["no symbol given"]),
        (&["add"], &["required"]),
        (
            &["add", "AAPL", "--interval", "hourly"],
            &["hourly", "use 1min"],
        ),
        (&["add", "AAPL", "--read-only"], &["--read-only"]),
        (&["import", "x", "--read-only"], &["--read-only"]),
        (&["remove", "IBM", "--read-only"], &["--read-only"]),
    ] {
        let done = desk.run(&[&["watch"], arguments].concat());
        assert_told(&done, 2, parts);
        assert_eq!(list(&desk), ["IBM daily"], "{arguments:?}");
    }
    let fresh = Desk::new();
    assert_eq!(fresh.run(&["watch", "add", "A\u{1b}"]).code, 2);
    assert!(!fresh.database().exists());
}
