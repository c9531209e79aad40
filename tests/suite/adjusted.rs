//! Adjusted prices from the provider to the person: unusable extras, and series that are fetched,
//! stored and read as adjusted.

use std::fmt::Write as _;

use pipeline_tui::simulate::{Options, Plan, Replay, Server};

use crate::support::program::Desk;

/// A provider that answers every request with these daily rows: label, close, adjusted close, dividend.
async fn answering(rows: &[(&str, &str, &str, &str)]) -> Server {
    let mut body = r#"{"Meta Data": {"2. Symbol": "IBM", "5. Time Zone": "US/Eastern"}, "Time Series (Daily)": {"#.to_owned();
    for (at, (label, close, adjusted, dividend)) in rows.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let _ = write!(
            body,
            r#"{comma}"{label}": {{"1. open": "400", "2. high": "404", "3. low": "396", "4. close": "{close}", "5. adjusted close": {adjusted}, "6. volume": "100", "7. dividend amount": {dividend}, "8. split coefficient": "1.0"}}"#
        );
    }
    body.push_str("}}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), body).unwrap();
    let replay = Some(Replay::open(file.path()).unwrap());
    Server::start(Options {
        plan: Plan::Unlimited,
        replay,
        ..Options::default()
    })
    .await
    .unwrap()
}

const DAILY: [&str; 4] = ["--symbols", "IBM", "--interval", "daily"];
const STORED: &str =
    "SELECT trading_date, close_price, adjusted_close, dividend_amount FROM stock_data ORDER BY 1";

/// Rows with their decimals cut to what both databases print.
fn rows(desk: &Desk) -> Vec<String> {
    let number = |text: &str| {
        text.parse::<f64>()
            .map_or_else(|_| text.to_owned(), |number| number.to_string())
    };
    desk.sql(STORED)
        .iter()
        .map(|row| row.split('|').map(number).collect::<Vec<_>>().join("|"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_dividend_costs_no_bar_and_a_good_one_fills_in_later() {
    let bad = answering(&[
        ("2026-11-24", "400", "\"NaN\"", "\"-0.2500\""),
        ("2026-11-23", "400", "\"400\"", "\"None\""),
        ("2026-11-20", "400", "\"400\"", "\"0.0000\""),
    ])
    .await;
    let good = answering(&[("2026-11-24", "401", "\"399\"", "\"0.25\"")]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&bad);
        let (code, document) = desk.fetch(&[&DAILY[..], &["--adjusted"]].concat());
        let series = &document["series"][0];
        assert_eq!(
            (
                code,
                &series["inserted"],
                &series["rejected"],
                &series["set_aside"]
            ),
            (0, &3.into(), &0.into(), &3.into()),
            "{document}"
        );
        assert_eq!(
            rows(&desk),
            [
                "2026-11-20|400|400|0",
                "2026-11-23|400|400|",
                "2026-11-24|400||"
            ]
        );
        let run = desk.run(&["runs", "1"]).stdout;
        for say in [
            "3 received, 3 new, 0 changed, 0 unchanged, 3 adjustments set aside",
            "2026-11-24",
            "dividend amount is not a plain decimal number; only this value is set aside",
            "-0.2500",
        ] {
            assert!(run.contains(say), "{say}: {run}");
        }
        let json = desk.run(&["runs", "1", "--format", "json"]).stdout;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["rejected"].as_array().unwrap().len(), 3, "{json}");
        assert_eq!(json["rejected"][0]["symbol"], "IBM", "{json}");

        let desk = desk.asking(&good);
        desk.fetch(&[&DAILY[..], &["--adjusted"]].concat());
        assert_eq!(rows(&desk)[2], "2026-11-24|401|399|0.25");
        let desk = desk.asking(&bad);
        desk.fetch(&DAILY);
        desk.fetch(&[&DAILY[..], &["--adjusted"]].concat());
        assert_eq!(rows(&desk)[2], "2026-11-24|400|399|0.25");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_list_holds_a_series_raw_and_adjusted() {
    let server = Server::start(Options {
        plan: Plan::Unlimited,
        ..Options::default()
    })
    .await
    .unwrap();
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        let asked = server.journal().len();
        desk.fetch(&DAILY);
        desk.sql("DELETE FROM series");
        desk.sql(
            "INSERT INTO series (symbol, interval, adjusted) VALUES ('IBM', 'daily', false), \
             ('IBM', 'daily', true), ('IBM', '5min', false), ('IBM', '5min', true)",
        );
        let (code, document) = desk.fetch(&[]);
        let ended: Vec<_> = document["series"]
            .as_array()
            .unwrap()
            .iter()
            .map(|series| (series["status"].as_str().unwrap(), &series["requests"]))
            .collect();
        assert_eq!(
            (code, ended),
            (0, vec![("succeeded", &1.into()); 4]),
            "{document}"
        );
        let functions: Vec<String> = server.journal()[asked + 1..]
            .iter()
            .map(|entry| entry.query[0].1.clone())
            .collect();
        for (function, times) in [
            ("TIME_SERIES_DAILY", 1),
            ("TIME_SERIES_DAILY_ADJUSTED", 1),
            ("TIME_SERIES_INTRADAY", 2),
        ] {
            let sent = functions.iter().filter(|name| *name == function).count();
            assert_eq!(sent, times, "{function}: {functions:?}");
        }
        assert_eq!(
            desk.sql("SELECT count(*) FROM stock_data WHERE interval = 'daily' AND adjusted_close IS NOT NULL"),
            ["100"]
        );
        let run = document["run_id"].to_string();
        let run = desk.run(&["runs", &run]).stdout;
        for series in ["IBM daily adjusted", "IBM 5min adjusted"] {
            // Once as a series and once as a request.
            assert_eq!(run.matches(series).count(), 2, "{run}");
        }
    }
}
