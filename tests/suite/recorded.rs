//! Every recorded answer, replayed over HTTP, fetched by the program, and compared value by value
//! with the file, read by code that is not the product's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::America::New_York;
use pipeline_tui::simulate::{Options, Plan, Replay, Server};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::support::cluster;
use crate::support::program::{Desk, provider};

const FOLDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../shared/fixtures/alpha_vantage"
);

/// A recorded file: how it is requested, and where it is.
struct Recording {
    path: PathBuf,
    symbol: String,
    interval: String,
    is_csv: bool,
    is_adjusted: bool,
}

fn recordings() -> Vec<Recording> {
    let Ok(entries) = std::fs::read_dir(FOLDER) else {
        cluster::notice("skipped: no recorded answers beside the project");
        return vec![];
    };
    let mut found: Vec<Recording> = entries
        .flatten()
        .filter_map(|entry| recording(&entry.path()))
        .collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Reads symbol and interval out of names such as `daily_adjusted_IBM_compact_2026-05-15.csv`.
fn recording(path: &Path) -> Option<Recording> {
    let name = path.file_name()?.to_str()?.to_owned();
    let mut words: Vec<&str> = name.split('_').collect();
    if words[0] == "extended" {
        words.remove(0);
    }
    let kind = words.remove(0);
    let is_adjusted = words.first() == Some(&"adjusted");
    if is_adjusted {
        words.remove(0);
    }
    let interval = match kind {
        "intraday" => words.remove(0),
        "daily" | "weekly" | "monthly" => kind,
        _ => return None,
    };
    Some(Recording {
        path: path.to_owned(),
        symbol: words[0].to_owned(),
        interval: interval.to_owned(),
        is_csv: path.extension()? == "csv",
        is_adjusted,
    })
}

/// The stored columns of a bar, as text: instant, date, OHLC, volume, adjustments.
type Row = Vec<String>;

fn rounded(text: &str) -> String {
    let value: Decimal = text.parse().unwrap();
    let mut value = value.round_dp_with_strategy(8, RoundingStrategy::MidpointNearestEven);
    value.rescale(8);
    value.to_string()
}

/// What must be stored for one row of a file, given its cells by field name.
fn expected(label: &str, cells: &BTreeMap<String, String>, is_intraday: bool) -> Row {
    let date: NaiveDate = label[..10].parse().unwrap();
    let local = if is_intraday {
        NaiveDateTime::parse_from_str(label, "%Y-%m-%d %H:%M:%S").unwrap()
    } else {
        date.and_hms_opt(0, 0, 0).unwrap()
    };
    let instant = New_York.from_local_datetime(&local).unwrap().timestamp();
    let mut row = vec![instant.to_string(), date.to_string()];
    row.extend(["open", "high", "low", "close"].map(|field| rounded(&cells[field])));
    row.push(cells["volume"].clone());
    let extras = ["adjusted close", "dividend amount", "split coefficient"];
    row.extend(extras.map(|field| {
        cells
            .get(field)
            .map(|text| rounded(text))
            .unwrap_or_default()
    }));
    row
}

fn rows_of_file(recording: &Recording) -> Vec<Row> {
    let text = std::fs::read_to_string(&recording.path).unwrap();
    let text = text.trim_start_matches('\u{feff}');
    let is_intraday = recording.interval.ends_with("min");
    let mut rows: Vec<Row> = if recording.is_csv {
        let mut lines = text.lines();
        let fields: Vec<String> = lines
            .next()
            .unwrap()
            .split(',')
            .map(|field| field.replace('_', " "))
            .collect();
        lines
            .map(|line| {
                let cells: Vec<&str> = line.split(',').collect();
                let named = fields
                    .iter()
                    .cloned()
                    .zip(cells.iter().map(|cell| (*cell).to_owned()))
                    .collect();
                expected(cells[0], &named, is_intraday)
            })
            .collect()
    } else {
        let document: serde_json::Value = serde_json::from_str(text).unwrap();
        let (_, series) = document
            .as_object()
            .unwrap()
            .iter()
            .find(|(key, _)| key.contains("Time Series"))
            .unwrap();
        series
            .as_object()
            .unwrap()
            .iter()
            .map(|(label, fields)| {
                let named = fields
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(field, value)| {
                        (field[3..].to_owned(), value.as_str().unwrap().to_owned())
                    })
                    .collect();
                expected(label, &named, is_intraday)
            })
            .collect()
    };
    rows.sort_by_key(|row| row[0].parse::<i64>().unwrap());
    rows
}

fn rows_of_store(desk: &Desk) -> Vec<Row> {
    let lines = if desk.postgres().is_some() {
        desk.sql(
            "SELECT extract(epoch FROM timestamp)::bigint, trading_date, open_price, high_price, low_price, close_price, \
                    volume, adjusted_close, dividend_amount, split_coefficient FROM stock_data ORDER BY timestamp",
        )
    } else {
        let price = |column: &str| {
            format!(
                "CASE WHEN {column} IS NULL THEN '' ELSE printf('%d.%08d', {column} / 100000000, {column} % 100000000) END"
            )
        };
        let columns = ["open_price", "high_price", "low_price", "close_price"]
            .map(price)
            .join(", ");
        let extras = ["adjusted_close", "dividend_amount", "split_coefficient"]
            .map(price)
            .join(", ");
        desk.sql(&format!(
            "SELECT unixepoch(timestamp), date(trading_day * 86400, 'unixepoch'), {columns}, volume, {extras} FROM bars ORDER BY timestamp"
        ))
    };
    lines
        .iter()
        .map(|line| line.split('|').map(str::to_owned).collect())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_series_is_stored_exactly() {
    let recordings = recordings();
    for recording in &recordings {
        let replay = Replay::open(&recording.path).unwrap();
        let server = Server::start(Options {
            replay: Some(replay),
            ..Options::default()
        })
        .await
        .unwrap();
        let expected = rows_of_file(recording);
        let name = recording.path.file_name().unwrap().to_string_lossy();
        for desk in Desk::on_each_database() {
            let desk = desk.asking(&server);
            let mut arguments = vec![
                "--symbols",
                &recording.symbol,
                "--interval",
                &recording.interval,
            ];
            if recording.is_csv {
                arguments.extend(["--datatype", "csv"]);
            }
            if recording.is_adjusted {
                arguments.push("--adjusted");
            }
            let (code, document) = desk.fetch(&arguments);
            let series = &document["series"][0];
            assert_eq!(code, 0, "{name}: {document}");
            assert_eq!(series["inserted"], expected.len(), "{name}: {document}");
            assert_eq!(series["rejected"], 0, "{name}: {document}");
            assert_eq!(rows_of_store(&desk), expected, "{name}");
            let (_, again) = desk.fetch(&arguments);
            assert_eq!(
                again["series"][0]["unchanged"],
                expected.len(),
                "{name}: {again}"
            );
        }
    }
    let expected = if recordings.is_empty() { 0 } else { 22 };
    assert_eq!(recordings.len(), expected, "the recorded series");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_refusal_gets_its_class() {
    let classes = [
        ("error_invalid_call_2017.json", "bad_request", 1),
        (
            "error_invalid_call_csv-request_2021-01.csv",
            "bad_request",
            1,
        ),
        ("error_apikey_missing_csv-request_2023-06.csv", "bad_key", 2),
        (
            "premium_artificial_data_realtime_bulk_quotes_2026-05-17.json",
            "not_entitled",
            4,
        ),
        ("global_quote_IBM_2026-05-15.csv", "malformed", 1),
        ("fx_intraday_5min_EURUSD_2026-05-15.csv", "malformed", 1),
    ];
    for (file, class, expected_code) in classes {
        let path = Path::new(FOLDER).join(file);
        if !path.exists() {
            cluster::notice("skipped: no recorded answers beside the project");
            return;
        }
        let server = Server::start(Options {
            replay: Some(Replay::open(&path).unwrap()),
            ..Options::default()
        })
        .await
        .unwrap();
        let desk = Desk::new().asking(&server);
        let (code, document) = desk.fetch(&[
            "--symbols",
            "IBM",
            "--interval",
            "daily",
            "--datatype",
            "csv",
        ]);
        assert_eq!(
            document["series"][0]["error"]["class"], class,
            "{file}: {document}"
        );
        assert_eq!(
            (code, server.journal().len()),
            (expected_code, 1),
            "{file}: {document}"
        );
        assert_eq!(desk.sql("SELECT count(*) FROM stock_data"), ["0"]);
    }
}

/// The oracle must see a wrong value, not only wrong counts.
#[tokio::test(flavor = "multi_thread")]
async fn the_comparison_sees_a_value_that_is_off_by_the_last_digit() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&server);
    desk.fetch(&["--symbols", "IBM", "--interval", "5min"]);
    let before = rows_of_store(&desk);
    desk.sql("UPDATE bars SET high_price = high_price + 1 WHERE timestamp = (SELECT min(timestamp) FROM bars)");
    assert_ne!(rows_of_store(&desk), before);
}
