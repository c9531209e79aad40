//! Providers that fail for long or again and again, and a day whose requests are used up.

use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::America::New_York;
use pipeline_tui::model::quota::Quota;
use pipeline_tui::model::{ErrorClass, SeriesStatus};

use super::{TICK, assert_spent_as_seen};
use crate::support::peer::{Peer, Step::Send, answer, bars};
use crate::support::program::Desk;
use crate::support::promise::is_judged;
use crate::support::rig::{Rig, UNLIMITED, class};

/// What the provider says when the day's requests are used up.
const DAY: &str = "{\"Information\": \"We have detected your API key as X and our standard API rate limit is 25 \
                   requests per day. Please subscribe to any of the premium plans to instantly remove all daily rate \
                   limits.\"}";

/// A limit of this many requests a day and no gap.
fn day(requests: u32) -> Quota {
    Quota::daily(TimeDelta::zero(), Some(requests), New_York)
}

fn symbols(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("S{number}")).collect()
}

fn names(symbols: &[String]) -> Vec<&str> {
    symbols.iter().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_errors_costs_two_retries_of_a_day_and_three_series_of_a_run() {
    for per_day in [25, 75] {
        let peer = Peer::always(vec![Send(answer(500, "", b"<h1>Server Error (500)</h1>"))]).await;
        let rig = Rig::new(&peer.base_url(), day(per_day), TICK).await;
        for _ in 0..2 {
            for report in rig.fetch(&names(&symbols(10))).await {
                assert_eq!(class(&report), Some(ErrorClass::Outage), "{report:?}");
            }
        }
        assert_spent_as_seen(&rig, &peer, "storm");
        let retries = rig
            .column("SELECT attempt_id FROM requests WHERE attempt > 1")
            .len();
        assert_eq!(
            (retries, peer.journal().len()),
            (2, 8),
            "the day's retries, and three series of each run: the others are not requested"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_third_answer_failing_costs_each_series_one_retry_at_most() {
    let peer = Peer::start(|number, symbol| {
        vec![Send(match number % 3 {
            2 => answer(500, "", b""),
            _ => answer(200, "", &bars(symbol, 50)),
        })]
    })
    .await;
    let rig = Rig::new(&peer.base_url(), UNLIMITED, TICK).await;
    let reports = rig.fetch(&names(&symbols(9))).await;
    for report in &reports {
        assert!(report.attempts <= 2, "{report:?}");
    }
    assert_spent_as_seen(&rig, &peer, "flapping");
    assert_eq!(
        reports.iter().filter(|report| report.attempts == 2).count(),
        4
    );
    assert!(
        reports
            .iter()
            .all(|report| report.status == SeriesStatus::Succeeded),
        "{reports:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_after_the_day_is_spent() {
    let peer = Peer::start(|number, symbol| {
        vec![Send(match number {
            0..=2 => answer(200, "", &bars(symbol, 50)),
            _ => answer(200, "", DAY.as_bytes()),
        })]
    })
    .await;
    let rig = Rig::new(&peer.base_url(), day(25), TICK).await;
    for expected in [3, 0] {
        let reports = rig.fetch(&names(&symbols(8))).await;
        let stored = reports
            .iter()
            .filter(|report| report.status == SeriesStatus::Succeeded);
        assert_eq!(stored.count(), expected, "{reports:?}");
        for report in reports.iter().skip(expected) {
            assert_eq!(class(report), Some(ErrorClass::Day), "{report:?}");
        }
        assert_eq!(peer.journal().len(), 4, "three answers and the refusal");
    }
    assert_spent_as_seen(&rig, &peer, "spent");
}

/// The provider refuses more than one request a second; the program keeps 1.2 s.
#[tokio::test(flavor = "multi_thread")]
async fn no_two_requests_reach_the_provider_within_its_second() {
    let peer = Peer::start(|number, symbol| match number {
        // The slowest and the quickest: the gap is between starts, not answers.
        1 => vec![Send(answer(500, "", b""))],
        _ => vec![Send(answer(200, "", &bars(symbol, 50)))],
    })
    .await;
    let desk = Desk::new()
        .with("ALPHA_VANTAGE_PLAN", "free")
        .with("ALPHA_VANTAGE_BASE_URL", &peer.base_url());
    let (code, document) =
        tokio::task::block_in_place(|| desk.fetch(&["--symbols", "A,B,C", "--interval", "5min"]));
    assert_eq!(code, 0, "{document}");
    let starts = desk.sql("SELECT CAST(round(86400000 * julianday(reserved_at)) AS integer) FROM requests ORDER BY id");
    let starts: Vec<i64> = starts.iter().map(|start| start.parse().unwrap()).collect();
    let gaps: Vec<TimeDelta> = starts
        .windows(2)
        .map(|pair| TimeDelta::milliseconds(pair[1] - pair[0]))
        .collect();
    assert_eq!(gaps.len(), 3, "{document}");
    assert!(
        gaps.iter()
            .all(|gap| *gap >= TimeDelta::milliseconds(1_200)),
        "{gaps:?}"
    );
    // On a machine that stalls at times one may be in flight for longer than the next.
    for pair in peer.journal().windows(2) {
        let apart = pair[1].at - pair[0].at;
        assert!(apart >= Duration::from_secs(1) || !is_judged(), "{apart:?}");
    }
}
