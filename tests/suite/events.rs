//! Splits and dividends from the provider to the person: asked for, stored, and taken out of prices.

use std::fmt::Write as _;
use std::path::Path;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use pipeline_tui::simulate::{Options, Plan, Replay, Server};

use crate::support::program::Desk;

/// Daily rows without events: label, and open and close.
const DAILY: [(&str, &str); 4] = [
    ("2026-11-20", "99"),
    ("2026-11-19", "101"),
    ("2026-11-18", "400"),
    ("2026-11-17", "396"),
];

/// An answer with the rows from this one on; the first is the newest.
fn daily(from: usize) -> String {
    let mut body = r#"{"Meta Data": {"2. Symbol": "IBM", "5. Time Zone": "US/Eastern"}, "Time Series (Daily)": {"#.to_owned();
    for (at, (label, price)) in DAILY.iter().skip(from).enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let _ = write!(
            body,
            r#"{comma}"{label}": {{"1. open": "{price}", "2. high": "{price}", "3. low": "{price}", "4. close": "{price}", "5. volume": "100"}}"#
        );
    }
    body.push_str("}}");
    body
}

const MINUTES: &str = r#"{"Meta Data": {"2. Symbol": "IBM", "4. Interval": "60min", "6. Time Zone": "US/Eastern"},
    "Time Series (60min)": {
    "2026-11-18 10:00:00": {"1. open": "398", "2. high": "399", "3. low": "397", "4. close": "398", "5. volume": "10"}}}"#;

/// A provider with daily bars and one of an hour, and these lists of splits and dividends.
async fn provider(splits: &str, dividends: &str) -> Server {
    provider_with(0, splits, dividends).await
}

/// The same with the daily rows from this one on.
async fn provider_with(from: usize, splits: &str, dividends: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut index = String::new();
    for (function, body) in [
        ("TIME_SERIES_DAILY", daily(from).as_str()),
        ("TIME_SERIES_INTRADAY", MINUTES),
        ("SPLITS", splits),
        ("DIVIDENDS", dividends),
    ] {
        write(folder.path(), function, body);
        let _ = writeln!(
            index,
            "[[answer]]\nfile = \"{function}\"\nfunction = \"{function}\"\nsymbol = \"IBM\""
        );
    }
    write(folder.path(), "index.toml", &index);
    let replay = Some(Replay::open(folder.path()).unwrap());
    Server::start(Options {
        plan: Plan::Unlimited,
        replay,
        ..Options::default()
    })
    .await
    .unwrap()
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

const SPLIT: &str =
    r#"{"symbol": "IBM", "data": [{"effective_date": "2026-11-19", "split_factor": "4.0000"}]}"#;
const NO_SPLIT: &str = r#"{"symbol": "IBM", "data": []}"#;
const DIVIDEND: &str =
    r#"{"symbol": "IBM", "data": [{"ex_dividend_date": "2026-11-20", "amount": "1"}]}"#;

/// The closes of a command's CSV, newest first.
fn closes(desk: &Desk, arguments: &[&str]) -> (Vec<String>, String) {
    let done = desk.run(&[&["bars", "IBM", "--format", "csv"], arguments].concat());
    let rows = done.stdout.lines().skip(1);
    let closes = rows.map(|row| row.split(',').nth(8).unwrap().to_owned());
    (closes.collect(), done.stderr)
}

const RAW_DAILY: [&str; 4] = ["--symbols", "IBM", "--interval", "daily"];

#[tokio::test(flavor = "multi_thread")]
async fn a_split_that_nobody_reported_is_never_a_price_on_another_scale() {
    let server = provider(SPLIT, DIVIDEND).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server).with("ALPHA_VANTAGE_PLAN", "free");
        desk.fetch(&RAW_DAILY);
        desk.fetch(&["--symbols", "IBM", "--interval", "60min"]);
        let adjusted = ["--interval", "daily", "--adjusted"];
        let (shown, told) = closes(&desk, &adjusted);
        assert_eq!(shown, ["99.0000", "101.0000", "", ""]);
        for say in [
            "no adjusted prices before 2026-11-19",
            "looks like a split 4:1",
            "fetch --events --symbols IBM",
        ] {
            assert!(told.contains(say), "{say}: {told}");
        }
        let table = desk.run(&["bars", "IBM", "--interval", "daily", "--adjusted"]);
        let row = table
            .stdout
            .lines()
            .find(|row| row.starts_with("2026-11-18"));
        assert!(
            row.unwrap().contains('–') && !row.unwrap().contains("400"),
            "{table:?}"
        );
        let (raw, told) = closes(&desk, &["--interval", "daily"]);
        assert_eq!(raw, ["99.0000", "101.0000", "400.0000", "396.0000"]);
        assert_eq!(told, "");

        let before = server.journal().len();
        let asked = desk.run(&["fetch", "--events", "--symbols", "IBM"]);
        assert_eq!(asked.code, 0, "{asked:?}");
        assert!(
            asked
                .stderr
                .contains("dividends: 2 requests, 23 left today"),
            "{asked:?}"
        );
        assert_eq!(asked.stdout, "IBM splits: 1 day\nIBM dividends: 1 day\n");
        let journal = server.journal();
        let functions = journal[before..]
            .iter()
            .map(|entry| entry.query[0].1.as_str());
        assert_eq!(functions.collect::<Vec<_>>(), ["SPLITS", "DIVIDENDS"]);
        let (shown, told) = closes(&desk, &adjusted);
        // 400 ÷ 4 × 99 ÷ 100.
        assert_eq!(shown, ["99.0000", "99.9900", "99.0000", "98.0100"]);
        assert_eq!(told, "");
        let (hour, told) = closes(&desk, &["--interval", "60min", "--adjusted"]);
        assert_eq!((hour, told.as_str()), (vec!["98.5050".to_owned()], ""));
        assert_eq!(
            desk.sql("SELECT state FROM requests"),
            ["stored"; 4],
            "and in the ledger as every request"
        );
    }
}

/// The closes of a Parquet file in units of 10⁻⁸, oldest first, and whether all its rows are adjusted.
fn closes_of(file: &Path) -> (Vec<Option<i64>>, bool) {
    let reader = SerializedFileReader::new(std::fs::File::open(file).unwrap()).unwrap();
    let mut all_adjusted = true;
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let mut close = None;
        for (name, field) in row.unwrap().get_column_iter() {
            match (name.as_str(), field) {
                ("adjusted", field) => all_adjusted &= *field == Field::Bool(true),
                ("close_price", Field::Decimal(decimal)) => {
                    let mut bytes = [0; 16];
                    bytes[16 - decimal.data().len()..].copy_from_slice(decimal.data());
                    close = i64::try_from(i128::from_be_bytes(bytes)).ok();
                }
                _ => (),
            }
        }
        close
    });
    let closes = rows.collect();
    (closes, all_adjusted)
}

#[tokio::test(flavor = "multi_thread")]
async fn computed_prices_are_exported_to_a_file_and_to_a_folder() {
    let server = provider(SPLIT, DIVIDEND).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server).with("ALPHA_VANTAGE_PLAN", "free");
        desk.fetch(&RAW_DAILY);
        desk.fetch(&["--symbols", "IBM", "--interval", "60min"]);
        let daily = ["bars", "IBM", "--interval", "daily", "--adjusted"];
        let unknown = desk.run(&[&daily[..], &["--output", "unknown.parquet"]].concat());
        assert_eq!(unknown.code, 0, "{unknown:?}");
        let said = "no adjusted prices before 2026-11-19";
        assert!(unknown.stderr.contains(said), "{unknown:?}");
        let cents = |cents: i64| Some(cents * 1_000_000);
        let of = |name: &str| closes_of(&desk.folder().join(name));
        let nothing_else = vec![None, None, cents(10_100), cents(9_900)];
        assert_eq!(of("unknown.parquet"), (nothing_else, true));

        desk.run(&["fetch", "--events", "--symbols", "IBM"]);
        let known = desk.run(&[&daily[..], &["--output", "known.parquet"]].concat());
        assert!(
            known.stderr.contains("4 bars written") && !known.stderr.contains("no adjusted"),
            "{known:?}"
        );
        let known = vec![cents(9_801), cents(9_900), cents(9_999), cents(9_900)];
        assert_eq!(of("known.parquet"), (known, true));
        // A folder has a file for each series, and adjusted ones stay apart from raw ones.
        let hours = ["bars", "IBM", "--interval", "60min"];
        for more in [&["--adjusted"][..], &[]] {
            let folder = ["--format", "parquet", "--output", "out/"];
            let done = desk.run(&[&hours[..], more, &folder].concat());
            assert_eq!(done.code, 0, "{done:?}");
        }
        let entries = std::fs::read_dir(desk.folder().join("out")).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let found: Vec<_> = files.iter().map(|file| closes_of(file)).collect();
        assert_eq!(
            found,
            [
                (vec![cents(39_800)], false),
                (vec![Some(9_850_500_000)], true)
            ],
            "{files:?}"
        );
    }
}

/// A request of a limited day is a person's to spend, and so are those of a first load.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_a_limit_a_day_is_asked_once_about_a_new_jump() {
    let before_it = provider_with(2, SPLIT, DIVIDEND).await;
    let server = provider(SPLIT, DIVIDEND).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&before_it);
        desk.fetch(&RAW_DAILY);
        let desk = desk.asking(&server);
        let before = server.journal().len();
        let fetch = || {
            desk.fetch(&RAW_DAILY);
            let journal = server.journal();
            let functions = journal[before..]
                .iter()
                .map(|entry| entry.query[0].1.clone());
            functions.collect::<Vec<_>>()
        };
        assert_eq!(fetch(), ["TIME_SERIES_DAILY", "SPLITS"]);
        assert_eq!(fetch()[2..], ["TIME_SERIES_DAILY"]);
        let (shown, told) = closes(&desk, &["--interval", "daily", "--adjusted"]);
        assert_eq!(shown, ["99.0000", "101.0000", "100.0000", "99.0000"]);
        assert!(told.contains("adjusted for splits alone"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_the_split_clears_a_crash() {
    let server = provider(NO_SPLIT, NO_SPLIT).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        desk.fetch(&RAW_DAILY);
        let done = desk.fetch(&["--events", "--symbols", "IBM,ibm"]);
        assert_eq!(done.0, 0);
        let lists = done.1["lists"].as_array().unwrap();
        assert_eq!(
            (lists.len(), &lists[0]["days"]),
            (2, &0.into()),
            "{lists:?}"
        );
        let (shown, told) = closes(&desk, &["--interval", "daily", "--adjusted"]);
        assert_eq!(shown, ["99.0000", "101.0000", "400.0000", "396.0000"]);
        assert_eq!(told, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_lists_is_learnt_and_asked_once() {
    let premium = r#"{"Information": "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly unlock all premium endpoints"}"#;
    let server = provider(premium, DIVIDEND).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        let before = server.journal().len();
        let events = || desk.run(&["fetch", "--events", "--symbols", "IBM"]);
        let done = events();
        assert_eq!(done.code, 1, "{done:?}");
        assert!(
            done.stdout
                .contains("IBM splits: this key's plan does not include SPLITS"),
            "{done:?}"
        );
        assert!(done.stdout.contains("IBM dividends: 1 day"), "{done:?}");
        assert_eq!(server.journal().len(), before + 2);
        events();
        assert_eq!(server.journal().len(), before + 3, "dividends alone");
        assert_eq!(
            desk.sql("SELECT state FROM requests ORDER BY id"),
            ["refused", "stored", "stored"]
        );
    }
}

#[test]
fn events_are_asked_for_alone() {
    let desk = Desk::new();
    for option in [
        ["--interval", "daily"],
        ["--month", "2026-01"],
        ["--max-age", "1d"],
    ] {
        let done = desk.run(&[&["fetch", "--events"], &option[..]].concat());
        assert_eq!(done.code, 2, "{done:?}");
        assert!(done.stderr.contains("--events"), "{done:?}");
    }
}
