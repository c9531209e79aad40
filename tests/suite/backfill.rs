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
    Server::start(Options {
        plan: Plan::Unlimited,
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
        let held = ranges.stdout.lines().filter(|line| line.contains("held"));
        assert!(
            held.count() >= 1 && ranges.stdout.contains("never asked"),
            "{ranges:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_makes_no_sense_is_refused_before_a_request() {
    let server = provider().await;
    let desk = Desk::new().asking(&server);
    for (words, said) in [
        (["--from", "2026-04", "--to", "2026-02"], "swap them"),
        (["--from", "2199-01", "--to", "2199-02"], "in the future"),
        (["--from", "soon", "--to", "2026-02"], "use a day"),
    ] {
        let mut line = vec!["backfill", "--symbols", "IBM", "--interval", "5min"];
        line.extend(words);
        let done = desk.run(&line);
        assert!(done.code == 2 && done.stderr.contains(said), "{done:?}");
    }
    assert_eq!(server.journal().len(), 0);
}
