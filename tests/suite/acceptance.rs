//! What a person sees: queries, counts, exit codes, and explanations.

use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;

use std::process::Stdio;

use crate::support::program::{CANARY, Desk, Done, holds, provider, seen, signal};

const THE_QUERY: &str = "SELECT symbol, timestamp, close_price, volume FROM stock_data \
                         WHERE symbol = 'IBM' ORDER BY timestamp DESC LIMIT 10;";

/// Friday evening: the market has been closed for hours and nothing changes any more.
async fn settled_market() -> Server {
    let clock = Clock::fixed("2026-05-16T02:00:00Z".parse().unwrap());
    Server::start(Options {
        plan: Plan::Unlimited,
        clock,
        ..Options::default()
    })
    .await
    .unwrap()
}

fn statuses(document: &serde_json::Value) -> Vec<&str> {
    document["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|series| series["status"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_originals_query_answers_and_a_second_fetch_changes_nothing() {
    let server = settled_market().await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        let arguments = ["--symbols", "IBM,MSFT", "--interval", "5min"];
        let (code, first) = desk.fetch(&arguments);
        assert_eq!(
            (code, &first["series"][0]["inserted"]),
            (0, &100.into()),
            "{first}"
        );
        let rows = desk.sql(THE_QUERY);
        assert_eq!(rows.len(), 10);
        assert!(
            rows[0].starts_with("IBM|2026-05-15 23:55:00"),
            "{}",
            rows[0]
        );
        let versions = if desk.postgres().is_some() {
            "SELECT xmin, ctid, id, updated_at FROM stock_data ORDER BY id"
        } else {
            "SELECT id, updated_at, created_at, open_price, volume FROM stock_data ORDER BY id"
        };
        let before = desk.sql(versions);
        let (code, again) = desk.fetch(&arguments);
        assert_eq!(code, 0, "{again}");
        for series in again["series"].as_array().unwrap() {
            let counts =
                ["received", "inserted", "changed", "unchanged"].map(|count| series[count].clone());
            assert_eq!(
                counts,
                [100, 0, 0, 100].map(serde_json::Value::from),
                "{again}"
            );
        }
        assert_eq!(desk.sql(versions), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failing_series_never_stops_the_others() {
    let server = provider(Plan::Unlimited, &["wrong-symbol,symbol=AAPL"]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        let (code, document) = desk.fetch(&["--symbols", "IBM,NOSUCH1,AAPL,MSFT"]);
        assert_eq!(code, 1, "{document}");
        assert_eq!(document["status"], "partial");
        assert_eq!(
            statuses(&document),
            ["succeeded", "failed", "failed", "succeeded"]
        );
        let class = |index: usize| {
            document["series"][index]["error"]["class"]
                .as_str()
                .unwrap()
        };
        assert_eq!(
            (class(1), class(2)),
            ("bad_request", "malformed"),
            "{document}"
        );
        assert_eq!(
            desk.sql("SELECT DISTINCT symbol FROM stock_data ORDER BY symbol"),
            ["IBM", "MSFT"]
        );
        let id = document["run_id"].to_string();
        let explained = desk.run(&["runs", &id]).stdout;
        assert!(explained.contains("does not know NOSUCH1"), "{explained}");
        assert!(explained.contains("not AAPL"), "{explained}");
        let listed = desk.run(&["runs"]);
        assert!(
            listed.stdout.contains("partial") && listed.stdout.contains("2 of 4"),
            "{listed:?}"
        );
        let known: serde_json::Value =
            serde_json::from_str(&desk.run(&["runs", &id, "--format", "json"]).stdout).unwrap();
        assert_eq!(
            (&known["status"], known["results"].as_array().unwrap().len()),
            (&"partial".into(), 4)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_intraday_costs_one_request_once() {
    let server = provider(Plan::Free, &[]).await;
    for (asked, desk) in Desk::on_each_database().into_iter().enumerate() {
        let key = format!("{CANARY}{asked}");
        let desk = desk
            .asking(&server)
            .with("ALPHA_VANTAGE_PLAN", "free")
            .with("ALPHA_VANTAGE_API_KEY", &key);
        let (code, document) = desk.fetch(&["--interval", "5min"]);
        assert_eq!(code, 4, "{document}");
        assert_eq!(statuses(&document), ["refused"; 4]);
        assert_eq!(
            server.journal().len(),
            asked + 1,
            "the first refusal parks the rest"
        );
        for series in document["series"].as_array().unwrap() {
            let text = series["error"]["message"].as_str().unwrap();
            assert_eq!(series["error"]["class"], "not_entitled");
            assert!(text.contains("--interval daily"), "{text}");
        }
        let (code, again) = desk.fetch(&["--interval", "5min"]);
        assert_eq!(
            (code, server.journal().len()),
            (4, asked + 1),
            "another fetch costs nothing: {again}"
        );
        assert_eq!(desk.sql("SELECT count(*) FROM requests"), ["1"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_in_flight_still_ask_an_unproven_function_once() {
    let server = provider(Plan::Free, &[]).await;
    let desk = Desk::new().asking(&server);
    let (code, document) = desk.fetch(&["--symbols", "A,B,C,D,E,F"]);
    assert_eq!((code, server.journal().len()), (4, 1), "{document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_key_demo_only_ibm_is_asked_and_exactly_as_documented() {
    let server = provider(Plan::Demo, &[]).await;
    let desk = Desk::new()
        .asking(&server)
        .with("ALPHA_VANTAGE_API_KEY", "demo");
    let (code, document) = desk.fetch(&["--interval", "5min"]);
    assert_eq!(
        (code, statuses(&document)),
        (1, vec!["succeeded", "refused", "refused", "refused"]),
        "{document}"
    );
    let journal = server.journal();
    let names: Vec<&str> = journal[0]
        .query
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        (journal.len(), names),
        (1, vec!["function", "symbol", "interval", "apikey"])
    );
    assert_eq!(
        desk.sql("SELECT DISTINCT symbol, adjusted FROM stock_data"),
        ["IBM|1"]
    );
    let refusal = document["series"][1]["error"]["message"].as_str().unwrap();
    assert!(refusal.contains("needs your own key (free)"), "{refusal}");
    let bars = desk.run(&["bars", "IBM", "--interval", "5min", "--limit", "3"]);
    assert!(
        bars.stdout.lines().count() == 4 && bars.stderr.contains("adjusted"),
        "{bars:?}"
    );
    let (code, document) = desk.fetch(&[]);
    assert_eq!(
        (
            code,
            statuses(&document),
            &document["series"][0]["interval"]
        ),
        (
            1,
            vec!["succeeded", "refused", "refused", "refused"],
            &"daily".into()
        ),
        "without configuration daily bars are fetched: {document}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_days_quota_holds_across_processes() {
    let server = provider(Plan::Unlimited, &["day@3"]).await;
    for desk in Desk::on_each_database() {
        let seen = server.journal().len();
        server.set_faults(vec!["day@3".parse().unwrap()]);
        let desk = desk.asking(&server);
        let (code, document) = desk.fetch(&["--symbols", "IBM", "--interval", "daily"]);
        assert_eq!(code, 0, "{document}");
        let (code, document) = desk.fetch(&["--symbols", "AAPL,MSFT,GOOGL", "--interval", "daily"]);
        assert_eq!(code, 1, "{document}");
        let (code, document) = desk.fetch(&["--symbols", "IBM", "--interval", "daily"]);
        assert_eq!(code, 4, "{document}");
        let text = document["series"][0]["error"]["message"].as_str().unwrap();
        assert!(
            text.starts_with("today's requests are used up; more from ") && text.ends_with("ET"),
            "{text}"
        );
        let spent = server.journal().len() - seen;
        assert_eq!(
            desk.sql("SELECT count(*) FROM requests"),
            [spent.to_string()]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_series_costs_no_request() {
    let server = settled_market().await;
    let desk = Desk::new().asking(&server);
    desk.fetch(&["--symbols", "IBM"]);
    let (code, document) = desk.fetch(&["--symbols", "IBM,MSFT", "--max-age", "1h"]);
    assert_eq!(
        (code, statuses(&document)),
        (0, vec!["skipped", "succeeded"])
    );
    assert_eq!(server.journal().len(), 2);
    let bars = desk.run(&[
        "bars",
        "GOOGL",
        "--interval",
        "daily",
        "--fresh",
        "--limit",
        "5",
        "--format",
        "jsonl",
    ]);
    assert_eq!((bars.code, bars.stdout.lines().count()), (0, 5), "{bars:?}");
    desk.run(&["bars", "GOOGL", "--interval", "daily", "--fresh"]);
    assert_eq!(
        server.journal().len(),
        3,
        "the second read was fresh enough"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_of_intraday_reaches_the_provider() {
    let server = settled_market().await;
    let desk = Desk::new().asking(&server);
    let (code, document) = desk.fetch(&[
        "--symbols",
        "IBM",
        "--interval",
        "15min",
        "--month",
        "2026-04",
        "--outputsize",
        "full",
        "--adjusted",
        "--regular-hours",
        "--datatype",
        "csv",
        "--entitlement",
        "delayed",
    ]);
    assert_eq!(code, 0, "{document}");
    let query = server.journal().remove(0).query;
    let value = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let expected = [
        ("symbol", "IBM"),
        ("interval", "15min"),
        ("month", "2026-04"),
        ("outputsize", "full"),
        ("adjusted", "true"),
        ("extended_hours", "false"),
        ("datatype", "csv"),
        ("entitlement", "delayed"),
    ];
    for (name, wanted) in expected {
        assert_eq!(value(name).as_deref(), Some(wanted), "{query:?}");
    }
    let span =
        desk.sql("SELECT min(trading_date), max(trading_date), max(adjusted) FROM stock_data");
    assert_eq!(span, ["2026-04-01|2026-04-30|1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_are_counted_and_kept_and_the_rest_is_stored() {
    let server = provider(Plan::Unlimited, &["bad-row"]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        let (code, document) = desk.fetch(&["--symbols", "IBM"]);
        let series = &document["series"][0];
        assert_eq!(
            (code, &series["rejected"], &series["inserted"]),
            (0, &5.into(), &95.into()),
            "{document}"
        );
        let reasons = desk
            .sql("SELECT reason FROM rejected_rows ORDER BY reason")
            .join("; ");
        for reason in ["duplicate instant", "date", "volume"] {
            assert!(reasons.contains(reason), "{reasons}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bars_are_exported_whole_and_in_every_format() {
    let server = settled_market().await;
    let desk = Desk::new().asking(&server);
    desk.fetch(&[
        "--symbols",
        "IBM",
        "--interval",
        "daily",
        "--adjusted",
        "--outputsize",
        "compact",
    ]);
    let file = desk.folder().join("ibm.csv");
    let path = file.to_str().unwrap();
    let done = desk.run(&[
        "bars",
        "IBM",
        "--interval",
        "daily",
        "--format",
        "csv",
        "--output",
        path,
    ]);
    assert!(
        done.code == 0 && done.stdout.is_empty() && done.stderr.contains("100 bars written"),
        "{done:?}"
    );
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 101);
    assert!(text.starts_with("symbol,interval,adjusted,timestamp,trading_date,open_price"));
    let table = desk.run(&[
        "bars",
        "IBM",
        "--interval",
        "daily",
        "--from",
        "2026-05-11",
        "--to",
        "2026-05-15",
    ]);
    let dates: Vec<&str> = table
        .stdout
        .lines()
        .skip(1)
        .map(|line| &line[..10])
        .collect();
    assert_eq!(
        dates,
        [
            "2026-05-15",
            "2026-05-14",
            "2026-05-13",
            "2026-05-12",
            "2026-05-11"
        ]
    );
    assert!(table.stdout.contains("ADJ CLOSE"), "{}", table.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_found_nowhere() {
    let server = provider(Plan::Unlimited, &["day@2", "bad-key@4"]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server).with("RUST_LOG", "trace");
        let mut said = String::new();
        let commands: &[&[&str]] = &[
            &["fetch", "--symbols", "IBM", "-vv"],
            &["fetch", "--symbols", "AAPL", "--api-key", CANARY],
            &["fetch", "--symbols", "MSFT", "--interval", "daily"],
            &["bars", "IBM"],
            &["runs"],
            &["doctor"],
            &["config", "show"],
            &["config", "check"],
            &["--help"],
            &["fetch", "--help"],
            &["man"],
        ];
        for arguments in commands {
            let done = desk.run(arguments);
            assert!(!done.stderr.contains("panicked"), "{done:?}");
            said.push_str(&done.stdout);
            said.push_str(&done.stderr);
        }
        assert!(said.len() > 10_000, "the output is long enough to search");
        assert!(
            !said.contains(CANARY),
            "{}",
            said.lines()
                .find(|line| line.contains(CANARY))
                .unwrap_or_default()
        );
        assert!(!holds(&desk.everything_written(), CANARY));
        assert!(!said.contains(crate::support::cluster::PASSWORD));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_needs_nothing_and_hears_nothing() {
    let desk = Desk::new()
        .with("ALPHA_VANTAGE_BASE_URL", "http://far.example/query")
        .with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    std::fs::write(desk.folder().join(".env"), "this is not a line\n").unwrap();
    let done = desk.run(&["demo"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(
        done.stdout.starts_with("DEMO") && done.stdout.contains("IBM 5min"),
        "{done:?}"
    );
    let around_the_clock = "\ncoinbase:BTC-USD 5min\n";
    assert!(done.stdout.contains(around_the_clock), "{done:?}");
    assert!(!desk.database().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_stores_what_is_paid_for_and_asks_nothing_more() {
    for desk in Desk::on_each_database() {
        let server = provider(Plan::Unlimited, &["slow:2000"]).await;
        let desk = desk.asking(&server).with("ALPHA_VANTAGE_PLAN", "1200");
        let mut command = desk.command(&["fetch", "--symbols", "IBM,AAPL,MSFT"]);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        seen(&server, 1).await;
        signal("INT", &child);
        let done = Done::from(child.wait_with_output().unwrap());
        assert_eq!(done.code, 130, "{done:?}");
        assert_eq!(server.journal().len(), 1);
        assert_eq!(desk.sql("SELECT status FROM runs"), ["cancelled"]);
        assert_eq!(desk.sql("SELECT DISTINCT symbol FROM stock_data"), ["IBM"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_ends_it_at_once_and_the_next_start_says_so() {
    let server = provider(Plan::Unlimited, &["silent@1"]).await;
    let desk = Desk::new().asking(&server);
    let mut command = desk.command(&["fetch", "--symbols", "IBM"]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    seen(&server, 1).await;
    signal("INT", &child);
    signal("TERM", &child);
    let done = Done::from(child.wait_with_output().unwrap());
    assert_eq!(done.code, 130, "{done:?}");
    let next = desk.run(&["fetch", "--symbols", "IBM"]);
    assert!(
        next.code == 0 && next.stderr.contains("ended abruptly"),
        "{next:?}"
    );
    assert_eq!(
        desk.sql("SELECT state FROM requests ORDER BY id"),
        ["in_doubt", "stored"]
    );
}
