//! A fresh machine: what the commands do where no key is set and nothing is watched, and what
//! `sources` says of each source.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use pipeline_tui::simulate::{Plan, Server};
use serde_json::Value;

use crate::support::program::{CANARY, Desk, provider, signal};

/// A fresh machine: nothing is set but where the providers are.
fn fresh(server: &Server) -> Desk {
    let coinbase = server.base_url_of("coinbase").unwrap();
    Desk::new()
        .with("ALPHA_VANTAGE_API_KEY", "")
        .with("ALPHA_VANTAGE_PLAN", "")
        .with("COINBASE_BASE_URL", &coinbase)
        .asking(server)
}

#[track_caller]
fn says_the_ways(said: &str) {
    for way in [
        "coinbase:BTC-USD,coinbase:ETH-USD --interval 5min",
        "https://www.alphavantage.co/support/#api-key, then set ALPHA_VANTAGE_API_KEY",
        "then set APCA_API_KEY_ID and APCA_API_SECRET_KEY",
        "pipeline-tui demo",
    ] {
        assert!(said.contains(way), "{way}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_bars_without_a_key_take_one_command() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = fresh(&server);
    let done = desk.run(&[
        "fetch",
        "--symbols",
        "coinbase:BTC-USD",
        "--interval",
        "5min",
    ]);
    assert_eq!(done.code, 0, "{done:?}");
    let stored = desk.sql("SELECT DISTINCT source || ' ' || symbol FROM stock_data");
    assert_eq!(stored, ["coinbase BTC-USD"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_bars_say_what_they_are_in_and_whether_they_are_the_sources_own() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = fresh(&server);
    let of = "coinbase:BTC-USD";
    for interval in ["30min", "15min"] {
        let done = desk.run(&["fetch", "--symbols", of, "--interval", interval]);
        assert_eq!(done.code, 0, "{done:?}");
        let is_derived = interval == "30min";
        let derived_from = if is_derived {
            "15min".into()
        } else {
            Value::Null
        };
        let table = desk.run(&["bars", of, "--interval", interval]);
        assert!(table.stdout.contains("CLOSE USD"), "{table:?}");
        assert_eq!(
            table.stderr.contains("are rolled up from 15min bars"),
            is_derived,
            "{table:?}"
        );
        let rows = desk.run(&[
            "bars",
            of,
            "--interval",
            interval,
            "--limit",
            "1",
            "--format",
            "jsonl",
        ]);
        let row: Value = serde_json::from_str(&rows.stdout).unwrap();
        assert_eq!(row["currency"], "USD");
        assert_eq!(row["derived_from"], derived_from);
        let covered = desk.run(&[
            "coverage",
            "--symbols",
            of,
            "--interval",
            interval,
            "--format",
            "json",
        ]);
        let covered: Value = serde_json::from_str(&covered.stdout).unwrap();
        assert_eq!(covered[0]["derived_from"], derived_from);
    }
    let sources = desk.run(&["sources", "--format", "json"]);
    let sources: Value = serde_json::from_str(&sources.stdout).unwrap();
    let sources = sources.as_array().unwrap();
    let coinbase = sources.iter().find(|source| source["source"] == "coinbase");
    let intervals = coinbase.unwrap()["intervals"].as_array().unwrap();
    let half = intervals.iter().find(|known| known["interval"] == "30min");
    assert_eq!(half.unwrap()["derived_from"], "15min");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_of_nothing_says_how_to_begin_and_asks_nobody() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = fresh(&server);
    let done = desk.run(&["fetch"]);
    assert_eq!(done.code, 2, "{done:?}");
    says_the_ways(&done.stderr);
    assert_eq!(server.journal().len(), 0);
    // The provider's own key by its name is a choice.
    let named = fresh(&server).with("ALPHA_VANTAGE_API_KEY", "demo");
    let done = named.run(&["fetch"]);
    assert!(!done.stderr.contains("pipeline-tui demo"), "{done:?}");
    assert_eq!(named.sql("SELECT count(*) FROM series"), ["4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_without_a_screen_says_how_to_begin_and_waits() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = fresh(&server);
    let mut program = desk.command(&["run"]);
    let mut child = program.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = String::new();
    for line in lines.map_while(Result::ok) {
        said.push_str(&line);
        said.push('\n');
        if line.contains("pipeline-tui demo") {
            signal("TERM", &child);
        }
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    says_the_ways(&said);
    assert_eq!(server.journal().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_one_source_fills_the_list_with_what_that_source_suggests() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = fresh(&server)
        .with("APCA_API_KEY_ID", "PKCANARY0000000000AA")
        .with("APCA_API_SECRET_KEY", "canary-secret-00000000000000000001")
        .with("ALPACA_BASE_URL", &server.base_url());
    desk.run(&["fetch", "--interval", "5min"]);
    let listed =
        desk.sql("SELECT source || ' ' || symbol || ' ' || interval FROM series ORDER BY symbol");
    let expected = ["AAPL", "GOOGL", "IBM", "MSFT"].map(|symbol| format!("alpaca {symbol} 5min"));
    assert_eq!(listed, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_source_tells_key_windows_and_last_answer_and_never_the_key() {
    for desk in Desk::on_each_database() {
        let server = provider(Plan::Free, &[]).await;
        let coinbase = server.base_url_of("coinbase").unwrap();
        let desk = desk
            .asking(&server)
            .with("ALPHA_VANTAGE_PLAN", "free")
            .with("COINBASE_BASE_URL", &coinbase);
        desk.run(&[
            "watch",
            "add",
            "IBM,coinbase:BTC-USD",
            "--interval",
            "daily",
        ]);
        desk.run(&["fetch"]);
        let done = desk.run(&["sources", "--format", "json"]);
        assert_eq!(done.code, 0, "{done:?}");
        let all: Value = serde_json::from_str(&done.stdout).unwrap();
        let of = |name: &str| {
            let mut sources = all.as_array().unwrap().iter();
            sources.find(|one| one["source"] == name).unwrap().clone()
        };
        let (first, keyless, unset) = (of("alpha_vantage"), of("coinbase"), of("alpaca"));
        assert_eq!(
            (&first["key"], &first["key_from"]),
            (&"own".into(), &"environment".into())
        );
        assert_eq!(
            first["windows"][0],
            serde_json::json!({"seconds": null, "limit": 25, "used": 1})
        );
        assert_eq!(first["class"], Value::Null);
        assert!(first["answered_at"].is_string() && first["renews_at"].is_string());
        assert_eq!(first["allowed"][0]["endpoint"], "TIME_SERIES_DAILY");
        assert_eq!(
            (&keyless["key"], &keyless["series"]),
            (&"unneeded".into(), &1.into())
        );
        assert!(keyless["requests_today"].as_u64().unwrap() > 0);
        assert_eq!(
            (&unset["key"], &unset["requests_today"]),
            (&"missing".into(), &0.into())
        );
        let done = desk.run(&["sources"]);
        for said in [
            "today     1 request sent, 24 of 25 left",
            "key       needs none",
            "APCA_API_KEY_ID and APCA_API_SECRET_KEY",
            "terms     ",
        ] {
            assert!(done.stdout.contains(said), "{said}: {}", done.stdout);
        }
        assert!(!format!("{all} {done:?}").contains(CANARY));
    }
}
