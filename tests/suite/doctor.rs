//! `doctor`: the one request that it may send, and the report for others to read.

use std::os::unix::fs::PermissionsExt as _;

use pipeline_tui::simulate::{Plan, Server};

use crate::support::program::{CANARY, Desk, provider};

/// The line about the request.
fn request(stdout: &str) -> &str {
    let line = stdout
        .lines()
        .find(|line| line.get(4..12) == Some("request "));
    line.unwrap_or_else(|| panic!("no line about the request: {stdout}"))
}

/// The requests that a provider would count; checking that it is reachable is not one.
fn asked(server: &Server) -> usize {
    let journal = server.journal();
    let counted = journal.iter().filter(|entry| !entry.query.is_empty());
    counted.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_shows_that_key_network_and_plan_are_right() {
    for desk in Desk::on_each_database() {
        let server = provider(Plan::Free, &[]).await;
        let desk = desk.asking(&server).with("ALPHA_VANTAGE_PLAN", "free");
        desk.run(&["runs"]);
        let done = desk.run(&["doctor", "--online"]);
        assert_eq!(done.code, 0, "{done:?}");
        let price = "fetching IBM daily: this costs 1 request (0 of today's 25 used)\n";
        assert_eq!(done.stderr, price);
        let line = request(&done.stdout);
        assert!(line.starts_with("ok "), "{line}");
        let said =
            "100 bars of IBM daily received, 100 new; 1 request spent (1 of today's 25 used)";
        assert!(line.ends_with(said), "{line}");
        assert_eq!(asked(&server), 1);
        assert_eq!(
            desk.sql("SELECT trigger, status FROM runs"),
            ["doctor|succeeded"]
        );
        assert_eq!(desk.sql("SELECT state FROM requests"), ["stored"]);
        assert_eq!(desk.sql("SELECT count(*) FROM stock_data"), ["100"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_costs_one_request_and_has_the_exit_code_of_a_fetch() {
    for (fault, code, say) in [
        ("bad-key", 2, "ALPHA_VANTAGE_API_KEY"),
        ("status:503", 3, "outage"),
        ("burst", 3, "burst"),
        ("reset", 3, "network"),
        ("day", 4, "day"),
        ("premium", 4, "not_entitled"),
        ("garbage", 1, "malformed"),
    ] {
        let server = provider(Plan::Unlimited, &[fault]).await;
        let desk = Desk::new().asking(&server);
        let done = desk.run(&["doctor", "--online"]);
        let line = request(&done.stdout);
        assert_eq!(done.code, code, "{fault}: {done:?}");
        assert!(
            line.starts_with("!! ") && line.contains(say),
            "{fault}: {line}"
        );
        assert!(line.contains("; 1 request spent"), "{fault}: {line}");
        assert_eq!(asked(&server), 1, "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_where_it_would_be_a_waste() {
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = || Desk::new().asking(&server);
    let done = desk().run(&["doctor", "--online", "--read-only"]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.stderr.contains("--read-only"), "{done:?}");
    for desk in [
        desk().with("ALPHA_VANTAGE_PLAN", "gold"),
        desk().with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none"),
    ] {
        let done = desk.run(&["doctor", "--online"]);
        assert!(request(&done.stdout).contains("not sent"), "{done:?}");
        assert_ne!(done.code, 0, "{done:?}");
    }
    assert_eq!(asked(&server), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_holds_what_others_need_and_nothing_that_is_theirs_not_to_know() {
    for desk in Desk::on_each_database() {
        let server = provider(Plan::Free, &[]).await;
        let desk = desk
            .asking(&server)
            .with("ALPHA_VANTAGE_PLAN", "free")
            .with("TERM", "xterm-\u{1b}]0;x\u{7}")
            .with("LANG", "de_CH.UTF-8")
            .with("USER", "ann");
        desk.run(&["fetch", "--symbols", "IBM", "--interval", "5min"]);
        let data = desk.folder().join("data");
        std::fs::create_dir_all(&data).unwrap();
        let log: Vec<_> = (0..5_000)
            .map(|n| format!("line {n} of {CANARY}"))
            .collect();
        std::fs::create_dir_all(data.join("log")).unwrap();
        std::fs::write(data.join("log/pipeline-tui.log"), log.join("\n")).unwrap();
        let done = desk.run(&["doctor", "--report", "report.txt"]);
        let file = desk.folder().join("report.txt");
        let report = std::fs::read_to_string(&file).unwrap();
        assert!(
            done.stderr.contains("report written to report.txt"),
            "{done:?}"
        );
        for part in [
            env!("CARGO_PKG_VERSION"),
            "Linux",
            "TERM=xterm-\\u{1b}]0;x\\u{7}\n",
            "LANG=de_CH.UTF-8\n",
            "ok  provider",
            "requests today: 1 of 25\n",
            "run 1 failed\n  IBM 5min             refused    not_entitled",
            "function=TIME_SERIES_INTRADAY&symbol=IBM",
            "line 4800 of ***\nline 4801 of ***\n",
            "line 4999 of ***\n",
            "~/data",
        ] {
            assert!(report.contains(part), "{part:?} is not in {report}");
        }
        let mut lines = report.lines();
        let key = lines.find(|line| line.starts_with("ALPHA_VANTAGE_API_KEY "));
        assert!(key.is_some_and(|key| key.contains(" ***")), "{report}");
        assert!(
            !report.contains("line 4799 of"),
            "so much of the log is enough"
        );
        let home = desk.folder().to_str().unwrap();
        for secret in [CANARY, crate::support::cluster::PASSWORD, home] {
            assert!(!report.contains(secret), "{secret} is in {report}");
        }
        assert!(
            report.chars().all(|c| c == '\n' || !c.is_control()),
            "{report:?}"
        );
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = desk.run(&["doctor", "--online", "--report", "report.txt"]);
        assert_eq!(again.code, 2, "{again:?}");
        assert!(
            again.stderr.contains("report.txt already exists"),
            "{again:?}"
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), report);
        assert_eq!(asked(&server), 1, "that of the fetch");
    }
}

#[test]
fn a_report_is_written_also_where_the_configuration_is_wrong() {
    let desk = Desk::new().with("ALPHA_VANTAGE_PLAN", "gold");
    let done = desk.run(&["doctor", "--report", "-"]);
    for part in [
        "!!  configuration",
        "there is no such plan",
        "not read: the configuration is wrong",
    ] {
        assert!(done.stdout.contains(part), "{part:?}: {done:?}");
    }
    assert_ne!(done.code, 0);
    let done = desk.run(&["doctor", "--report", "none/report.txt"]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(
        done.stderr.contains("none/report.txt cannot be written"),
        "{done:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_takes_is_told_by_table() {
    for desk in Desk::on_each_database() {
        let server = provider(Plan::Unlimited, &[]).await;
        let desk = desk.asking(&server);
        assert_eq!(desk.run(&["fetch", "--symbols", "IBM"]).code, 0);
        let done = desk.run(&["doctor"]);
        let mut lines = done.stdout.lines();
        let line = lines
            .find(|line| line.get(4..11) == Some("tables "))
            .unwrap();
        assert!(
            line.contains("(kept ") && line.contains("; others "),
            "{line}"
        );
        let status = desk.run(&["status", "--format", "json"]);
        let told: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
        let tables = told["tables"].as_array().unwrap();
        let bars = tables.iter().find(|one| one["table"] == "bars").unwrap();
        assert_eq!(bars["kept"], "kept for ever");
        assert!(bars["rows"].as_u64().unwrap() >= 100, "{bars}");
        assert!(bars["bytes"].as_u64().unwrap() > 4_000, "{bars}");
    }
}
