//! `plan`: what is asked for next and why, as it is and as it would be.

use chrono::{DateTime, TimeDelta, Utc};
use pipeline_tui::simulate::Plan;
use pipeline_tui::time::Clock;
use serde_json::Value;

use crate::support::program::{Desk, Done, provider};

fn parsed(done: &Done) -> Value {
    assert_eq!(done.code, 0, "{done:?}");
    serde_json::from_str(&done.stdout).unwrap()
}

/// Until when a series of a plan is safe.
fn safe_until(desk: &Desk, symbol: &str, arguments: &[&str]) -> DateTime<Utc> {
    let plan = parsed(&desk.run(&[&["plan", "--format", "json"], arguments].concat()));
    let mut lines = plan["lines"].as_array().unwrap().iter();
    let line = lines.find(|line| line["series"]["symbol"] == symbol);
    let safe = line.unwrap_or_else(|| panic!("{plan}"))["safe_until"].as_str();
    safe.unwrap_or_else(|| panic!("{plan}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_asked_for_waits_since_it_was_put_on_the_list() {
    let server = provider(Plan::Unlimited, &[]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server).with("ALPHA_VANTAGE_PLAN", "free");
        let add = desk.run(&["watch", "add", "OLD,NEW", "--interval", "daily"]);
        assert_eq!(add.code, 0, "{add:?}");
        let since = Clock::system().now() - TimeDelta::days(56);
        let since = since.format("%Y-%m-%d %H:%M:%S.000");
        desk.sql(&format!(
            "UPDATE series SET added_at = '{since}' WHERE symbol = 'OLD'"
        ));
        let (old, new) = (safe_until(&desk, "OLD", &[]), safe_until(&desk, "NEW", &[]));
        assert!((48..=64).contains(&(new - old).num_days()), "{old} {new}");
        assert_eq!(safe_until(&desk, "OLD", &[]), old, "it stays as it is");
        let added = safe_until(&desk, "ADDED", &["--add", "ADDED"]);
        assert!((added - new).num_days().abs() <= 1, "{added} {new}");
        // What is wanted since a day that can be had is lost before.
        let wanted = Clock::system().now() - TimeDelta::days(28);
        let wanted = wanted.format("%Y-%m-%d").to_string();
        let set = desk.run(&["watch", "set", "NEW", "--since", &wanted]);
        assert_eq!(set.code, 0, "{set:?}");
        let sooner = safe_until(&desk, "NEW", &[]);
        assert!(
            (20..=36).contains(&(new - sooner).num_days()),
            "{sooner} {new}"
        );
        assert_eq!(server.journal().len(), 0, "no request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_with_a_file_uses_what_the_file_declares() {
    let server = provider(Plan::Unlimited, &[]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server).with("ALPHA_VANTAGE_PLAN", "free");
        let add = desk.run(&["watch", "add", "A,B", "--interval", "daily"]);
        assert_eq!(add.code, 0, "{add:?}");
        let file = desk.folder().join("more.txt");
        std::fs::write(
            &file,
            "C daily priority=low\nD daily\nB daily priority=high\n",
        )
        .unwrap();
        let plan = parsed(&desk.run(&[
            "plan",
            "--format",
            "json",
            "--add-file",
            file.to_str().unwrap(),
        ]));
        let lines = plan["lines"].as_array().unwrap().iter();
        let symbols: Vec<_> = lines.map(|line| &line["series"]["symbol"]).collect();
        assert_eq!(symbols, ["B", "A", "D", "C"]);
        // A process with symbols of its own plans those, as it fetches them.
        let own = desk.with("PIPELINE_SYMBOLS", "MSFT");
        let plan = parsed(&own.run(&["plan", "--format", "json"]));
        let lines = plan["lines"].as_array().unwrap();
        assert_eq!(lines.len(), 1, "{plan}");
        assert_eq!(lines[0]["series"]["symbol"], "MSFT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_when_at_what_cost_and_why_and_spends_nothing() {
    let server = provider(Plan::Unlimited, &[]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server).with("ALPHA_VANTAGE_PLAN", "free");
        assert_eq!(
            desk.run(&["watch", "add", "IBM,AAPL", "--interval", "daily"])
                .code,
            0
        );
        assert_eq!(
            desk.run(&["fetch", "--symbols", "IBM", "--interval", "daily"])
                .code,
            0
        );
        let asked = server.journal().len();

        let plan = parsed(&desk.run(&["plan", "--format", "json"]));
        let lines = plan["lines"].as_array().unwrap();
        let of = |symbol: &str| {
            lines
                .iter()
                .find(|line| line["series"]["symbol"] == symbol)
                .unwrap()
        };
        assert_eq!(of("AAPL")["why"]["reason"], "new");
        assert_eq!(of("IBM")["why"]["reason"], "due");
        assert!(
            of("IBM")["safe_until"].as_str() > of("IBM")["at"].as_str(),
            "{plan}"
        );
        let lane = &plan["lanes"][0];
        assert_eq!((&lane["left"], &lane["reserve"]), (&24.into(), &1.into()));

        let list: Vec<String> = (0..300).map(|number| format!("S{number} daily")).collect();
        let file = desk.folder().join("more.txt");
        std::fs::write(&file, list.join("\n")).unwrap();
        let more = desk.run(&["plan", "--add-file", file.to_str().unwrap(), "--limit", "1"]);
        assert!(
            more.stderr.contains("13 days until all that are due"),
            "{more:?}"
        );
        assert!(more.stderr.contains("no bar is lost"), "{more:?}");
        // With a paid plan there is no limit a day.
        let paid = parsed(&desk.run(&[
            "plan",
            "--key-plan",
            "75",
            "--remove",
            "IBM",
            "--format",
            "json",
        ]));
        assert_eq!(paid["lines"].as_array().unwrap().len(), 1);
        assert_eq!(paid["lanes"][0]["per_day"], Value::Null);

        let wrong = desk.run(&["plan", "--key-plan", "76"]);
        assert_eq!(wrong.code, 2, "{wrong:?}");
        let said = "--key-plan: \"76\" is not a plan of Alpha Vantage; use free, 75";
        assert!(wrong.stderr.contains(said), "{wrong:?}");
        let none = desk.run(&["plan", "--limit", "0"]);
        assert!(none.code == 2 && none.stderr.contains("from 1"), "{none:?}");
        let cut = desk.run(&["plan", "--limit", "1", "--remove", "NOPE"]);
        assert_eq!((cut.code, cut.stdout.lines().count()), (1, 2), "{cut:?}");
        for said in [
            "1 more line; leave out --limit to see all",
            "--remove: NOPE is not on the list",
        ] {
            assert!(cut.stderr.contains(said), "{cut:?}");
        }
        assert_eq!(server.journal().len(), asked, "no request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_process_was_refused_is_known_to_each_later_one() {
    let server = provider(Plan::Unlimited, &[]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        let add = desk.run(&["watch", "add", "IBM,NOSUCHSYMBOL", "--interval", "daily"]);
        assert_eq!(add.code, 0, "{add:?}");
        let fetch = desk.run(&["fetch"]);
        assert_eq!(fetch.code, 1, "{fetch:?}");
        let status = desk.run(&["status", "--format", "json"]);
        assert_eq!(status.code, 1, "{status:?}");
        let status: Value = serde_json::from_str(&status.stdout).unwrap();
        let counts = ["series", "fresh", "due", "failed", "blocked"].map(|word| &status[word]);
        assert_eq!(counts, [2, 1, 0, 0, 1], "{status}");
        let line = desk.run(&["status"]).stdout;
        assert!(line.starts_with("1 fresh · 1 blocked · "), "{line}");
        let plan = parsed(&desk.run(&["plan", "--format", "json"]));
        let lines = plan["lines"].as_array().unwrap();
        let unknown = lines
            .iter()
            .find(|line| line["series"]["symbol"] == "NOSUCHSYMBOL");
        let unknown = unknown.unwrap_or_else(|| panic!("{plan}"));
        assert_eq!(unknown["at"], Value::Null, "{unknown}");
        assert_eq!(unknown["why_not_now"]["reason"], "rests", "{unknown}");
        // It is asked again where a person wants it.
        let before = server.journal().len();
        let again = desk.run(&["fetch", "--symbols", "NOSUCHSYMBOL", "--interval", "daily"]);
        assert_eq!((again.code, server.journal().len()), (1, before + 1));
    }
}
