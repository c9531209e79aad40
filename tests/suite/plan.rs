//! `plan`: what is asked for next and why, as it is and as it would be.

use pipeline_tui::simulate::Plan;
use serde_json::Value;

use crate::support::program::{Desk, Done, provider};

fn parsed(done: &Done) -> Value {
    assert_eq!(done.code, 0, "{done:?}");
    serde_json::from_str(&done.stdout).unwrap()
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
        assert!(wrong.stderr.contains("75"), "{wrong:?}");
        assert_eq!(server.journal().len(), asked, "no request");
    }
}
