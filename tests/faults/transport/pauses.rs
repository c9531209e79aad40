//! A provider that says when the next request may be sent.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use pipeline_tui::model::{ErrorClass, SeriesStatus};
use pipeline_tui::pipeline::source::SymbolWish;
use pipeline_tui::time::Clock;
use tokio_util::sync::CancellationToken;

use super::{TICK, assert_spent_as_seen};
use crate::support::peer::{Peer, Step::Send, answer, bars};
use crate::support::rig::{Rig, UNLIMITED, class};

/// Longer than a test waits, shorter than the product would wait.
const BEARABLE: Duration = Duration::from_secs(10);

/// Refuses its first request with these headers, and answers every other.
async fn refusing_once(status: u16, headers: String) -> Peer {
    Peer::start(move |number, _| {
        vec![Send(match number {
            0 => answer(status, &headers, b""),
            _ => answer(200, "", &bars("IBM", 50)),
        })]
    })
    .await
}

/// An instant as HTTP writes it.
fn http(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// When the first refusal was sent, and when the next request arrived.
fn between(peer: &Peer) -> (Instant, Instant) {
    let journal = peer.journal();
    assert_eq!(journal.len(), 2);
    (journal[0].at, journal[1].at)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_pause_is_waited_out_and_no_request_comes_earlier() {
    let there = Clock::system().now() - TimeDelta::days(400);
    let pauses = [
        (1, "Retry-After: 1\r\n".to_owned()),
        (1, "Retry-After: 0\r\n".to_owned()),
        (1, format!("Retry-After: {}\r\n", http(there))),
        // By the server's clock, which is more than a year behind.
        (
            2,
            format!(
                "Date: {}\r\nRetry-After: {}\r\n",
                http(there),
                http(there + TimeDelta::seconds(2))
            ),
        ),
    ];
    let cases = pauses.iter().flat_map(|pause| [(429, pause), (503, pause)]);
    join_all(cases.map(|(status, (least, headers))| async move {
        let peer = refusing_once(status, headers.clone()).await;
        let rig = Rig::new(&peer.base_url(), UNLIMITED, BEARABLE).await;
        let report = rig.fetch(&["IBM"]).await.remove(0);
        assert_eq!(
            report.status,
            SeriesStatus::Succeeded,
            "{headers}: {report:?}"
        );
        let (refused, asked) = between(&peer);
        let pause = asked - refused;
        assert!(pause >= Duration::from_secs(*least), "{headers}: {pause:?}");
        assert_spent_as_seen(&rig, &peer, headers);
        let rows = rig.column("SELECT attempt_id FROM requests").len();
        assert_eq!(rows, 2, "waiting costs no row");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_for_the_series_after_the_one_that_was_refused() {
    let peer = Peer::start(|number, _| {
        vec![Send(match number {
            0..=2 => answer(503, "", b""),
            3 => answer(503, "Retry-After: 1\r\n", b""),
            _ => answer(200, "", &bars("AAPL", 50)),
        })]
    })
    .await;
    let rig = Rig::new(&peer.base_url(), UNLIMITED, BEARABLE).await;
    let reports = rig.fetch(&["IBM", "AAPL"]).await;
    assert_eq!(class(&reports[0]), Some(ErrorClass::Outage), "{reports:?}");
    assert_eq!(reports[1].status, SeriesStatus::Succeeded, "{reports:?}");
    let journal = peer.journal();
    let pause = journal[4].at - journal[3].at;
    assert!(pause >= Duration::from_secs(1), "{pause:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_no_pause() {
    for value in ["-5", "soon", "", "1.5", "Sun, 31 Feb 2027 08:49:37 GMT"] {
        let peer = refusing_once(503, format!("Retry-After: {value}\r\n")).await;
        let rig = Rig::new(&peer.base_url(), UNLIMITED, TICK).await;
        let report = rig.fetch(&["IBM"]).await.remove(0);
        assert_eq!(
            report.status,
            SeriesStatus::Succeeded,
            "{value}: {report:?}"
        );
        // A pause would be longer than this pipeline waits: it would have given up.
        assert_eq!(peer.journal().len(), 2, "{value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_pause_ends_the_run_with_its_end_and_silences_those_after_it() {
    for (status, class_of_it) in [(429, ErrorClass::Minute), (503, ErrorClass::Outage)] {
        for value in [
            "1000000000000",
            "86400",
            "99999999999999999999999999",
            "3600",
        ] {
            let peer = refusing_once(status, format!("Retry-After: {value}\r\n")).await;
            let rig = Rig::new(&peer.base_url(), UNLIMITED, BEARABLE).await;
            for run in 0..2 {
                for report in rig.fetch(&["IBM", "AAPL"]).await {
                    assert_eq!(class(&report), Some(class_of_it), "{value}: {report:?}");
                    let said = report.error.unwrap().message;
                    assert!(
                        said.contains("asks for a pause; no requests are sent before"),
                        "{run} {said}"
                    );
                    let hours = if value == "3600" { 1 } else { 24 };
                    let days = [0, 60].map(|more| until(hours, more));
                    assert!(
                        days.iter().any(|day| said.contains(day.as_str())),
                        "{said}, not {days:?}"
                    );
                }
            }
            let (list, never) = (SymbolWish::List, CancellationToken::new());
            let refused = rig
                .pipeline
                .symbols(&list, never)
                .await
                .unwrap()
                .unwrap_err();
            assert_eq!(refused.0, class_of_it);
            assert!(
                refused.1.contains("no requests are sent before"),
                "{refused:?}"
            );
            assert_eq!(
                peer.connections(),
                1,
                "{value}: requested before the pause was over"
            );
            assert_spent_as_seen(&rig, &peer, value);
        }
    }
}

/// The minute that a sentence names for a pause that began within the last seconds.
fn until(hours: i64, seconds_ago: i64) -> String {
    let at = Clock::system().now() + TimeDelta::hours(hours) + TimeDelta::seconds(60 - seconds_ago);
    let there = at.with_timezone(&chrono_tz::America::New_York);
    there.format("%a %Y-%m-%d %H:%M").to_string()
}
