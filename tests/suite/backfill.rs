//! A preview says what is missing and what it costs; it is fetched once, and not asked for again.

use pipeline_tui::simulate::{Options, Plan, Server};

use crate::support::program::Desk;

const RANGE: [&str; 8] = [
    "--symbols",
    "IBM,AAPL",
    "--interval",
    "5min",
    "--from",
    "2026-02",
    "--to",
    "2026-04",
];

async fn provider() -> Server {
    planted(&[]).await
}

async fn planted(plants: &[&str]) -> Server {
    Server::start(Options {
        plan: Plan::Unlimited,
        plants: plants.iter().map(|plant| plant.parse().unwrap()).collect(),
        ..Options::default()
    })
    .await
    .unwrap()
}

fn with<'a>(command: &'a str, more: &'a [&'a str]) -> Vec<&'a str> {
    let words = [command].into_iter().chain(RANGE);
    words.chain(more.iter().copied()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_costs_a_request_a_month_and_nothing_the_second_time() {
    for desk in Desk::on_each_database() {
        let server = provider().await;
        let desk = desk.asking(&server);
        let priced = desk.run(&with("backfill", &["--dry-run"]));
        assert!(
            priced.code == 0 && priced.stderr.contains("6 requests"),
            "{priced:?}"
        );
        assert_eq!(server.journal().len(), 0);
        let done = desk.run(&with("backfill", &[]));
        assert_eq!((done.code, server.journal().len()), (0, 6), "{done:?}");
        let months = desk.sql("SELECT month FROM held_counts WHERE bars > 1000");
        assert_eq!(months.len(), 6, "{months:?}");
        let again = desk.run(&with("backfill", &[]));
        assert!(
            again.code == 0 && again.stderr.contains("nothing is missing"),
            "{again:?}"
        );
        assert_eq!(server.journal().len(), 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_between_two_months_is_told_and_closed_by_the_next_fetch() {
    for desk in Desk::on_each_database() {
        let server = provider().await;
        let desk = desk.asking(&server);
        let month = |month| {
            let done = desk.run(&[
                "fetch",
                "--symbols",
                "IBM",
                "--interval",
                "5min",
                "--month",
                month,
            ]);
            assert_eq!(done.code, 0, "{done:?}");
        };
        let spring = ["gaps", "--symbols", "IBM", "--to", "2026-04"];
        month("2026-02");
        assert_eq!(desk.run(&["gaps", "--to", "2026-02"]).code, 0);
        let since = desk.run(&["gaps"]);
        assert!(
            since.code == 1 && since.stdout.contains("2026-03-02 09:30"),
            "nothing was asked for after February: {since:?}"
        );
        month("2026-04");
        let gaps = desk.run(&spring);
        assert!(
            gaps.code == 1
                && gaps.stdout.contains("2026-03-02 09:30  2026-03-31 15:55")
                && gaps.stderr.contains("1 request can"),
            "{gaps:?}"
        );
        let status = desk.run(&["status"]);
        assert_eq!(status.code, 1, "{status:?}");
        assert!(status.stdout.contains("1 with holes"), "{status:?}");
        let closed = desk.run(&[
            "backfill",
            "--symbols",
            "IBM",
            "--interval",
            "5min",
            "--to",
            "2026-04",
            "--from",
            "2026-02",
        ]);
        assert_eq!((closed.code, server.journal().len()), (0, 3), "{closed:?}");
        assert_eq!(desk.run(&spring).code, 0);
        let ranges = desk.run(&["coverage", "--symbols", "IBM"]);
        assert!(ranges.stdout.contains("FROM (ET)"), "{ranges:?}");
        let held = ranges.stdout.lines().filter(|line| line.contains("held"));
        assert!(
            held.count() >= 1 && ranges.stdout.contains("never asked"),
            "{ranges:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_before_the_first_bar_does_not_make_a_symbol_unknown() {
    let server = planted(&["listed@2026-04-06,symbol=NEW"]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        let add = desk.run(&["watch", "add", "NEW", "--interval", "5min"]);
        assert_eq!(add.code, 0, "{add:?}");
        let series = ["fetch", "--symbols", "NEW", "--interval", "5min"];
        let early = desk.run(&[&series[..], &["--month", "2026-02"]].concat());
        assert_eq!(early.code, 1, "{early:?}");
        let status = desk.run(&["status"]);
        assert!(status.stdout.starts_with("1 due"), "{status:?}");
        let plan = desk.run(&["plan"]);
        assert!(!plan.stdout.contains("does not know"), "{plan:?}");
        let runs = desk.run(&["runs"]);
        assert!(runs.stdout.contains("  month  "), "{runs:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn holes_that_the_plan_refuses_to_close_are_told_as_such() {
    for desk in Desk::on_each_database() {
        let server = provider().await;
        let desk = desk.asking(&server);
        for month in ["2026-02", "2026-04"] {
            let series = ["fetch", "--symbols", "IBM", "--interval", "5min"];
            let done = desk.run(&[&series[..], &["--month", month]].concat());
            assert_eq!(done.code, 0, "{done:?}");
        }
        let desk = desk.with("ALPHA_VANTAGE_PLAN", "free");
        let gaps = desk.run(&["gaps", "--to", "2026-04"]);
        assert_eq!(gaps.code, 1, "{gaps:?}");
        assert!(gaps.stdout.contains("  no: "), "{gaps:?}");
        assert!(
            gaps.stderr.contains("none of them can be fetched"),
            "{gaps:?}"
        );
        let gaps = desk.run(&["gaps", "--to", "2026-04", "--format", "json"]);
        let gaps: serde_json::Value = serde_json::from_str(&gaps.stdout).unwrap();
        assert_eq!(gaps[0]["requests"], 0, "{gaps}");
        assert_eq!(gaps[0]["gaps"][0]["askable"], false, "{gaps}");
    }
}

/// Months before the first bar are refused. The next day another plan, or another list of symbols, may
/// have them: whoever names them has them asked for again, and nothing else does.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_asked_for_again_by_name_and_by_nothing_else() {
    let listed = "listed@2026-04-06,symbol=NEW";
    for desk in Desk::on_each_database() {
        let before = planted(&[listed]).await;
        let desk = desk.asking(&before).with("PIPELINE_SYMBOLS", "NEW");
        let desk = desk.with("PIPELINE_INTERVAL", "5min");
        let fill = |desk: &Desk, more: &[&str]| {
            let words = ["backfill", "--symbols", "NEW", "--interval", "5min"];
            desk.run(&[&words, more].concat())
        };
        let range = ["--from", "2026-02", "--to", "2026-04"];
        let done = fill(&desk, &range);
        assert_eq!((done.code, before.journal().len()), (0, 3), "{done:?}");
        assert!(!done.stderr.contains("refused"), "{done:?}");
        let ended = desk.sql("SELECT DISTINCT status FROM run_series");
        assert_eq!(ended, ["succeeded"], "the last months were refused");
        let none = desk.run(&["gaps", "--since", "2026-02", "--to", "2026-04"]);
        assert_eq!(none.code, 0, "{none:?}");

        let after = planted(&[]).await;
        let desk = desk.asking(&after);
        let to = ["--to", "2026-04"];
        let unnamed = fill(&desk, &to);
        assert_eq!((unnamed.code, after.journal().len()), (0, 0), "{unnamed:?}");
        let priced = fill(&desk, &[&range[..], &["--dry-run"]].concat());
        assert!(
            priced.stderr.contains("they are asked for again")
                && priced.stderr.contains("2 requests"),
            "{priced:?}"
        );
        let named = fill(&desk, &range);
        assert_eq!((named.code, after.journal().len()), (0, 2), "{named:?}");
        let months = desk.sql("SELECT month FROM held_counts WHERE bars > 1000");
        assert_eq!(months.len(), 3, "{months:?}");
        let again = fill(&desk, &range);
        assert_eq!((again.code, after.journal().len()), (0, 2), "{again:?}");
    }
}

/// Without a range, only the holes are filled: not the twenty-six years before the first bar.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_range_the_holes_are_filled_and_nothing_before_them() {
    for desk in Desk::on_each_database() {
        let server = provider().await;
        let desk = desk.asking(&server);
        let five = ["--symbols", "IBM", "--interval", "5min"];
        for month in ["2026-02", "2026-04"] {
            let done = desk.run(&[&["fetch"], &five[..], &["--month", month]].concat());
            assert_eq!(done.code, 0, "{done:?}");
        }
        let fill = |more: &[&str]| desk.run(&[&["backfill"], &five[..], more].concat());
        let done = fill(&["--to", "2026-04"]);
        assert_eq!((done.code, server.journal().len()), (0, 3), "{done:?}");
        let unknown = desk.run(&["backfill", "--symbols", "MSFT", "--interval", "5min"]);
        assert!(
            unknown.code == 2 && unknown.stderr.contains("never fetched"),
            "{unknown:?}"
        );
        let both = ["--symbols", "MSFT,IBM", "--interval", "5min", "--dry-run"];
        let both = desk.run(&[&["backfill"], &both[..]].concat());
        assert!(
            both.code == 1
                && both.stderr.contains("MSFT 5min was never fetched")
                && both.stdout.contains("IBM 5min"),
            "one that was never fetched hides no other: {both:?}"
        );
        assert_eq!(server.journal().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_before_the_first_bar_is_told_and_costs_nothing() {
    for desk in Desk::on_each_database() {
        let server = Server::start(Options {
            plan: Plan::Unlimited,
            plants: vec!["listed@2026-05-04,symbol=NEWCO".parse().unwrap()],
            ..Options::default()
        })
        .await
        .unwrap();
        let desk = desk.asking(&server);
        let series = ["--symbols", "NEWCO", "--interval", "5min"];
        let daily = desk.run(&["fetch", "--symbols", "NEWCO", "--interval", "daily"]);
        assert_eq!(daily.code, 0, "{daily:?}");
        let listing = "NEWCO has no bars before 2026-05-04, where its daily history begins";
        let provider = "the provider has no bars before 1999-11-01";
        for (line, code, said) in [
            ("backfill --from 2026-01 --to 2026-03", 0, listing),
            ("backfill --from 2026-01 --to 2026-03 --dry-run", 0, listing),
            ("fetch --month 2026-03", 2, listing),
            ("gaps --since 2026-01", 0, "never asked for"),
            ("coverage", 0, "nothing was asked for yet"),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            let done = desk.run(&[&words[..], &series].concat());
            assert_eq!(done.code, code, "{line}: {done:?}");
            assert!(done.stderr.contains(said), "{line}: {done:?}");
        }
        let old = ["backfill", "--symbols", "MSFT", "--interval", "5min"];
        let done = desk.run(&[&old[..], &["--from", "1980", "--to", "1995"]].concat());
        assert!(done.code == 0 && done.stderr.contains(provider), "{done:?}");
        assert_eq!(server.journal().len(), 1, "the daily bars alone");
        // A time that begins before it costs what is after it.
        let some = ["backfill", "--from", "2026-01", "--to", "2026-06"];
        let done = desk.run(&[&some[..], &series].concat());
        assert_eq!((done.code, server.journal().len()), (0, 3), "{done:?}");
        let until = ["gaps", "--since", "2026-01", "--to", "2026-06"];
        let gaps = desk.run(&[&until[..], &series].concat());
        assert_eq!(gaps.code, 0, "what is before it is no hole: {gaps:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_makes_no_sense_is_refused_before_a_request() {
    let server = provider().await;
    let desk = Desk::new().asking(&server);
    for (line, said) in [
        ("backfill --from 2026-04 --to 2026-02", "swap them"),
        ("backfill --from 2199-01 --to 2199-02", "in the future"),
        ("backfill --from 2199-01", "in the future"),
        ("backfill --from soon --to 2026-02", "use a day"),
        ("gaps --since 2026-04 --to 2026-02", "swap them"),
        ("gaps --since 2199-01", "in the future"),
        ("fetch --month 2199-01", "has not begun yet"),
        ("fetch --month 1999-12", "from 2000-01 on"),
    ] {
        let series = ["--symbols", "IBM", "--interval", "5min"];
        let words: Vec<&str> = line.split(' ').chain(series).collect();
        let done = desk.run(&words);
        assert!(
            done.code == 2 && done.stderr.contains(said),
            "{line}: {done:?}"
        );
    }
    assert_eq!(server.journal().len(), 0);
}
