//! A source that adjusts prices itself adjusts them again: the series is never on two scales unmarked,
//! and the next fetch brings what is on the earlier one.

use chrono::{DateTime, Datelike as _, Months, Utc};
use chrono_tz::America::New_York;
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;

use crate::support::program::Desk;

const SERIES: [&str; 4] = ["--symbols", "IBM", "--interval", "60min"];

/// A provider of a market in which something is planted, at an instant that does not move.
async fn provider(now: DateTime<Utc>, plants: &[&str]) -> Server {
    let plants = plants.iter().map(|plant| plant.parse().unwrap());
    Server::start(Options {
        plan: Plan::Unlimited,
        clock: Clock::fixed(now),
        plants: plants.collect(),
        ..Options::default()
    })
    .await
    .unwrap()
}

/// The most that a close differs from the one before, as a ratio.
fn largest_jump(desk: &Desk) -> f64 {
    let closes = desk.sql("SELECT close_price FROM stock_data ORDER BY timestamp");
    let closes: Vec<f64> = closes.iter().map(|close| close.parse().unwrap()).collect();
    assert!(closes.len() > 300, "{} bars", closes.len());
    let jumps = closes
        .windows(2)
        .map(|pair| pair[0].max(pair[1]) / pair[0].min(pair[1]));
    jumps.fold(1.0, f64::max)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_marks_older_bars_of_an_adjusted_series_until_they_are_fetched_again() {
    let now = Clock::system().now();
    let today = now.with_timezone(&New_York).date_naive();
    let month = today.checked_sub_months(Months::new(1)).unwrap();
    let month = format!("{:04}-{:02}", month.year(), month.month());
    let before = provider(now, &[]).await;
    for desk in Desk::on_each_database() {
        let after = provider(now, &[&format!("split:4:1@{today},symbol=IBM")]).await;
        let desk = desk.asking(&before);
        let stored = desk.run(&[&["fetch", "--adjusted", "--month", &month], &SERIES[..]].concat());
        assert_eq!(stored.code, 0, "{stored:?}");
        let stored = desk.run(&[&["fetch", "--adjusted"], &SERIES[..]].concat());
        assert_eq!(stored.code, 0, "{stored:?}");
        let filled = desk.run(&[&["backfill", "--from", &month], &SERIES[..]].concat());
        assert_eq!(filled.code, 0, "{filled:?}");
        assert!(largest_jump(&desk) < 1.5);

        // The newest bars alone come on the new scale.
        let desk = desk.asking(&after);
        let newest = ["fetch", "--adjusted", "--outputsize", "compact"];
        let fetched = desk.run(&[&newest[..], &SERIES].concat());
        assert_eq!((fetched.code, after.journal().len()), (0, 1), "{fetched:?}");
        assert!(largest_jump(&desk) > 3.0, "a false fall by three quarters");
        let bars = desk.run(
            &[
                &["bars", "IBM", "--adjusted", "--limit", "1000"],
                &SERIES[2..],
            ]
            .concat(),
        );
        let marks = bars.stdout.matches("restated since: ").count();
        assert_eq!((bars.code, marks), (0, 1), "{}", bars.stdout);
        for said in [
            "on an earlier scale",
            "pipeline-tui backfill --symbols IBM --interval 60min",
        ] {
            assert!(bars.stderr.contains(said), "{said}: {}", bars.stderr);
        }
        let gaps = desk.run(&[&["gaps"], &SERIES[..]].concat());
        assert_eq!(gaps.code, 1, "{gaps:?}");
        let coverage = desk.run(&[&["coverage"], &SERIES[..]].concat());
        assert!(
            coverage.stdout.contains("held, restated since"),
            "{coverage:?}"
        );

        // The next fetch brings the rest, and nothing else is asked for again.
        let asked = after.journal().len();
        let healed = desk.run(&[&["fetch", "--adjusted"], &SERIES[..]].concat());
        assert_eq!(healed.code, 0, "{healed:?}");
        let requests = after.journal().len() - asked;
        assert!(
            (2..=3).contains(&requests),
            "{requests} requests: {healed:?}"
        );
        assert!(largest_jump(&desk) < 1.5);
        let bars = desk.run(
            &[
                &["bars", "IBM", "--adjusted", "--limit", "1000"],
                &SERIES[2..],
            ]
            .concat(),
        );
        assert!(!bars.stdout.contains("restated"), "{}", bars.stdout);
        assert!(!bars.stderr.contains("earlier scale"), "{}", bars.stderr);
        let gaps = desk.run(&[&["gaps"], &SERIES[..]].concat());
        assert_eq!(gaps.code, 0, "{gaps:?}");
    }
}
