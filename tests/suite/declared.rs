//! What a person declares of a series: kept, changed, listed, written to files, and used.

use pipeline_tui::simulate::Plan;
use serde_json::Value;

use crate::support::program::{Desk, Done, provider};

fn parsed(done: &Done) -> Value {
    assert_eq!(done.code, 0, "{done:?}");
    serde_json::from_str(&done.stdout).unwrap()
}

fn ok(desk: &Desk, line: &str) -> Done {
    let words: Vec<&str> = line.split_whitespace().collect();
    let done = desk.run(&words);
    assert_eq!(done.code, 0, "{line}: {done:?}");
    done
}

/// The first symbols of the plan, in its order.
fn first(desk: &Desk, count: usize) -> Vec<String> {
    let plan = parsed(&desk.run(&["plan", "--format", "json"]));
    let lines = plan["lines"].as_array().unwrap().iter().take(count);
    let symbol = |line: &Value| line["series"]["symbol"].as_str().unwrap().to_owned();
    lines.map(symbol).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_is_listed_changed_and_goes_through_files() {
    let server = provider(Plan::Unlimited, &[]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        let desk = desk
            .with("APCA_API_KEY_ID", "PKNOTUSED")
            .with("APCA_API_SECRET_KEY", "not-used-here");
        ok(&desk, "watch add A,B --interval daily");
        ok(
            &desk,
            "watch add IBM --interval daily --since 2020-01-31 --priority high --group Tech --fresh-within 3sessions",
        );
        let listed = ok(&desk, "watch list").stdout;
        let words = "since=2020-01-31 priority=high fresh_within=3sessions group=tech";
        assert!(listed.contains(words), "{listed}");
        // What is not named stays.
        ok(&desk, "watch set IBM --priority low --since none");
        let some = desk.run(&["watch", "set", "IBM,NOPE", "--priority", "low"]);
        assert_eq!(some.code, 1, "{some:?}");
        assert!(
            some.stdout
                .starts_with("no change, NOPE is not on the list;"),
            "{some:?}"
        );
        let list = parsed(&desk.run(&["watch", "list", "--format", "json"]));
        let ibm = &list.as_array().unwrap()[2];
        assert_eq!(
            (&ibm["since"], &ibm["priority"], &ibm["group"]),
            (&Value::Null, &"low".into(), &"tech".into())
        );
        let file = "symbol,interval,adjusted,declared\nA,daily,false,\nB,daily,false,\n\
                    IBM,daily,false,priority=low fresh_within=3sessions group=tech\n";
        assert_eq!(ok(&desk, "watch export").stdout, file);
        let path = desk.folder().join("list.csv");
        std::fs::write(&path, file.replace("low", "high")).unwrap();
        ok(&desk, &format!("watch import {}", path.display()));
        let listed = ok(&desk, "watch list").stdout;
        assert!(
            listed.contains("priority=high fresh_within=3sessions group=tech"),
            "{listed}"
        );
        // A second source is a series of its own, which leaves the list by itself.
        ok(&desk, "watch set IBM --since 2020-01-31 --fill-from alpaca");
        let exported = ok(&desk, "watch export").stdout;
        let line = "alpaca:IBM,daily,false,since=2020-01-31 priority=high group=tech fills=alpha_vantage\n";
        assert!(exported.ends_with(line), "{exported}");
        std::fs::write(&path, &exported).unwrap();
        let words = ["watch", "import", "--replace", path.to_str().unwrap()];
        assert_eq!(desk.run(&words).code, 0);
        assert_eq!(ok(&desk, "watch export").stdout, exported);
        let plan = parsed(&desk.run(&["plan", "--format", "json"]));
        let lines = plan["lines"].as_array().unwrap();
        let second = lines
            .iter()
            .find(|line| line["series"]["source"] == "alpaca");
        assert_eq!(
            (
                &second.unwrap()["why_not_now"]["reason"],
                &second.unwrap()["why_not_now"]["source"]
            ),
            (&"fills".into(), &"alpha_vantage".into()),
            "{plan}"
        );
        for (line, said) in [
            (
                "watch add B --fill-from nobody",
                "--fill-from: there is no source nobody; use one of",
            ),
            (
                "watch add B --fill-from alpha_vantage",
                "--fill-from: alpha_vantage cannot fill its own gaps",
            ),
            (
                "watch set IBM --since 2020",
                "--since: \"2020\" is not a day",
            ),
            (
                "watch set IBM --since 2099-01-01",
                "--since: 2099-01-01 is in the future, there are no bars yet",
            ),
            ("watch set IBM --group a,b", "is not the name of a group"),
            (
                "watch set IBM --fresh-within soon",
                "--fresh-within: \"soon\" is not how fresh",
            ),
            ("watch set IBM", "nothing to set"),
            (
                "watch set NONE --group x",
                "none of these is on the watch list",
            ),
        ] {
            let words: Vec<&str> = line.split_whitespace().collect();
            let done = desk.run(&words);
            assert_eq!(done.code, 2, "{line}: {done:?}");
            assert!(done.stderr.contains(said), "{line}: {done:?}");
        }
        assert_eq!(server.journal().len(), 0, "no request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_matters_more_is_planned_first() {
    let server = provider(Plan::Unlimited, &[]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server).with("ALPHA_VANTAGE_PLAN", "free");
        ok(&desk, "watch add A,B,C --interval daily");
        assert_eq!(first(&desk, 1), ["A"]);
        ok(&desk, "watch set C --priority high");
        ok(&desk, "watch set A --priority low");
        assert_eq!(first(&desk, 3), ["C", "B", "A"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bars_since_a_day_are_holes_and_no_fetch_of_new_bars_waits_for_them() {
    let server = provider(Plan::Unlimited, &[]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server).with("ALPHA_VANTAGE_PLAN", "75");
        ok(&desk, "watch add IBM --interval 60min");
        ok(&desk, "fetch --symbols IBM --interval 60min");
        let gaps = || desk.run(&["gaps", "--format", "json"]).stdout;
        let before = gaps();
        ok(&desk, "watch set IBM --since 2026-01-01");
        assert_ne!(gaps(), before, "its bars since that day are missing");
        let asked = server.journal().len();
        ok(&desk, "fetch --symbols IBM --interval 60min");
        assert!(server.journal().len() <= asked + 1, "the newest bars only");
    }
}

#[test]
fn without_the_series_whose_gaps_it_fills_a_series_stays_on_the_list_and_that_is_said() {
    for desk in Desk::on_each_database() {
        ok(&desk, "watch add IBM --interval daily --fill-from alpaca");
        let removed = ok(&desk, "watch remove IBM");
        assert!(
            removed
                .stderr
                .contains("alpaca:IBM daily filled its gaps and stays on the list"),
            "{removed:?}"
        );
        let listed = ok(&desk, "watch list").stdout;
        assert!(listed.contains("alpaca:IBM"), "{listed}");
        let removed = ok(&desk, "watch remove alpaca:IBM");
        assert_eq!(removed.stderr, "", "nothing filled it");
    }
}
