//! `bars` for other programs: several series, files and folders, and what keeps them from being written.

use std::path::{Path, PathBuf};
use std::process::Command;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use pipeline_tui::simulate::Plan;

use crate::support::cluster::notice;
use crate::support::mount::Mount;
use crate::support::program::{Desk, provider};

/// A desk with daily bars of these symbols, 100 each.
async fn desk(symbols: &str) -> Desk {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&server);
    let line = "--interval daily --adjusted --outputsize compact --symbols";
    let arguments: Vec<&str> = line.split(' ').chain([symbols]).collect();
    let (code, document) = desk.fetch(&arguments);
    assert_eq!(code, 0, "{document}");
    desk
}

/// `bars`, with its arguments in one line.
fn bars(line: &str) -> Vec<&str> {
    ["bars"]
        .into_iter()
        .chain(line.split_whitespace())
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn rows(path: &Path) -> i64 {
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    reader.metadata().file_metadata().num_rows()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_series_become_a_file_each_in_a_new_folder() {
    let desk = desk("IBM,AAPL,MSFT").await;
    for format in ["parquet", "csv", "jsonl"] {
        let line =
            format!("IBM,AAPL,MSFT --interval daily --format {format} --output out/{format}");
        let done = desk.run(&bars(&line));
        assert!(
            done.code == 0
                && done.stdout.is_empty()
                && done
                    .stderr
                    .contains(&format!("300 bars written to 3 files in out/{format}")),
            "{done:?}"
        );
        let files = files(&desk.folder().join("out").join(format));
        for (file, symbol) in files.iter().zip(["AAPL", "IBM", "MSFT"]) {
            let name = file.file_name().unwrap().to_str().unwrap();
            assert!(
                name.starts_with(&format!("{symbol}-daily-")) && name.ends_with(format),
                "{name}"
            );
            let lines = || std::fs::read_to_string(file).unwrap().lines().count();
            match format {
                "parquet" => assert_eq!(rows(file), 100),
                "csv" => assert_eq!(lines(), 101),
                _ => assert_eq!(lines(), 100),
            }
        }
        assert_eq!(files.len(), 3, "{files:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_several_series_follow_each_other_on_stdout() {
    let desk = desk("IBM,AAPL").await;
    let csv = desk.run(&bars("IBM,AAPL --interval daily --format csv --limit 2"));
    let symbols: Vec<&str> = csv
        .stdout
        .lines()
        .map(|line| line.split(',').next().unwrap())
        .collect();
    assert_eq!(symbols, ["symbol", "IBM", "IBM", "AAPL", "AAPL"], "{csv:?}");
    let json = desk.run(&bars("IBM,AAPL --interval daily --format jsonl --limit 1"));
    assert!(
        json.stdout
            .lines()
            .nth(1)
            .unwrap()
            .contains("\"symbol\":\"AAPL\""),
        "{json:?}"
    );
    let table = desk.run(&bars("IBM,AAPL --interval daily --limit 1"));
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert_eq!(lines.len(), 7, "{table:?}");
    assert_eq!(
        [lines[0], lines[3], lines[4]],
        ["IBM daily", "", "AAPL daily"]
    );
    // 100 unless a limit is given; a file has all.
    desk.sql(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 50) \
         INSERT INTO bars (series_id, timestamp, trading_day, open_price, high_price, low_price, close_price, volume) \
         SELECT id, '2000-01-' || printf('%02d', n % 25 + 1) || ' ' || printf('%02d', n / 25 + 5) || ':00:00', 10957, \
         100000000, 100000000, 100000000, 100000000, 1 FROM n, series_totals WHERE symbol = 'IBM'",
    );
    let shown = desk.run(&bars("IBM --interval daily --format csv"));
    assert_eq!(shown.stdout.lines().count(), 101);
    let done = desk.run(&bars("IBM --interval daily --output ibm.parquet"));
    assert_eq!(
        (done.code, rows(&desk.folder().join("ibm.parquet"))),
        (0, 150),
        "{done:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_replaced_with_a_word_and_arguments_that_do_not_fit_are_refused() {
    let desk = desk("IBM").await;
    let once = desk.run(&bars("IBM --output ibm.parquet"));
    assert!(!once.stderr.contains("in place of"), "{once:?}");
    let again = desk.run(&bars("IBM --output ibm.parquet"));
    assert!(
        again.code == 0
            && again
                .stderr
                .contains("ibm.parquet, in place of the file that was there"),
        "{again:?}"
    );
    for (line, says) in [
        (
            "IBM --format parquet",
            "name a file or a folder with --output",
        ),
        (
            "IBM,AAPL --output out",
            "need --format csv, --format jsonl or --format parquet",
        ),
        (
            "IBM,AAPL --format csv --output ibm.parquet",
            "ibm.parquet is a file; several series need a folder",
        ),
        (
            "IBM --output none/ibm.csv",
            "none/ibm.csv cannot be written: there is no such folder",
        ),
        (
            "IBM --output ibm.parquet/x.csv",
            "a part of its path is not a folder",
        ),
    ] {
        let done = desk.run(&bars(line));
        assert!(
            done.code == 2 && done.stderr.contains(says),
            "{line}: {done:?}"
        );
    }
    assert!(!desk.folder().join("out").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_holds_no_part_of_a_file() {
    let desk = desk("IBM,AAPL").await;
    let small = desk.folder().join("small");
    std::fs::create_dir(&small).unwrap();
    let Some(mount) = Mount::small(&small, "64k") else {
        return;
    };
    let filling = mount.fill(0);
    for format in ["csv", "jsonl", "parquet"] {
        let done = desk.run(&bars(&format!("IBM,AAPL --format {format} --output small")));
        assert!(
            done.code == 3
                && done.stderr.contains(
                    "cannot be written: no space is left; 0 of 2 files are complete in small"
                ),
            "{done:?}"
        );
        assert_eq!(files(&small), [small.join("filling")]);
    }
    drop(filling);
    let done = desk.run(&bars("IBM,AAPL --format parquet --output small"));
    assert_eq!((done.code, files(&small).len()), (0, 2), "{done:?}");
}

/// Python with `DuckDB` and pandas, if it is there: `just readers` installs it.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("READERS_VENV").map(PathBuf::from);
    let is_named = named.is_some();
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/readers-venv");
    let python = named.unwrap_or_else(usual).join("bin/python");
    if python.is_file() {
        return Some(python);
    }
    assert!(!is_named, "{} is missing", python.display());
    notice("skipped: no Python with DuckDB and pandas; `just readers` installs them");
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn duckdb_and_pandas_read_every_digit() {
    let Some(python) = python() else {
        return;
    };
    let desk = desk("IBM").await;
    let newest = "WHERE timestamp = (SELECT max(timestamp) FROM bars)";
    let oldest = "WHERE timestamp = (SELECT min(timestamp) FROM bars)";
    desk.sql(&format!(
        "UPDATE bars SET high_price = 8999999999999999999, low_price = 1, volume = 9223372036854775807, \
         volume_fraction = 99999999, final = 0 {newest}; \
         UPDATE bars SET adjusted_close = NULL, dividend_amount = NULL, volume_fraction = 50000000 {oldest}"
    ));
    for name in ["ibm.parquet", "ibm.jsonl"] {
        let done = desk.run(&bars(&format!("IBM --interval daily --output {name}")));
        assert_eq!(done.code, 0, "{done:?}");
    }
    let lines = std::fs::read_to_string(desk.folder().join("ibm.jsonl")).unwrap();
    assert!(
        lines.contains("9223372036854775807.99999999") && lines.contains("89999999999.99999999")
    );
    let read = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/read.py"))
        .args(["ibm.parquet", "ibm.jsonl"])
        .current_dir(desk.folder())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&read.stdout);
    assert!(
        read.status.success()
            && said == "by_duckdb: 100 rows are equal\nby_pandas: 100 rows are equal\n",
        "{said}{}",
        String::from_utf8_lossy(&read.stderr)
    );
}
