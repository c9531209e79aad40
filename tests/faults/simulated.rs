//! Every fault of the simulator: its class, what it costs, and that nothing stored changes.

mod dialects;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::America::New_York;
use pipeline_tui::db;
use pipeline_tui::model::quota::Quota;
use pipeline_tui::model::{ErrorClass, Interval, SeriesKey, SeriesStatus};
use pipeline_tui::pipeline::source::FetchOptions;
use pipeline_tui::pipeline::{Event, RunRequest};
use pipeline_tui::simulate::{Plan, Server};
use tokio_util::sync::CancellationToken;

use crate::support::program::{CANARY, holds, provider};
use crate::support::rig::{Rig, UNLIMITED, class, short, source};

/// No wait is longer than this.
const TICK: Duration = Duration::from_millis(1);

async fn rig(server: &Server, quota: Quota) -> Rig {
    Rig::new(&server.base_url(), quota, TICK).await
}

/// A client that does not wait long for a silent provider.
async fn hasty(server: &Server) -> Rig {
    Rig::with(source(&server.base_url(), short()), UNLIMITED, TICK).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_has_its_class_and_cost_and_changes_nothing() {
    use ErrorClass::{
        BadKey, BadRequest, Blocked, Burst, ClientBug, Day, DemoKey, Malformed, Minute, Network,
        NoData, NotEntitled, Outage, Unknown,
    };
    // A fault, its class, and the requests that one series costs then.
    let cases = [
        ("burst", Burst, 4),
        ("minute", Minute, 4),
        ("day", Day, 1),
        ("premium", NotEntitled, 1),
        ("bad-key", BadKey, 1),
        ("demo-key", DemoKey, 1),
        ("invalid", BadRequest, 1),
        ("internal", Outage, 4),
        ("no-function", ClientBug, 1),
        ("unknown-text", Unknown, 4),
        ("artificial", NotEntitled, 1),
        ("empty", NoData, 1),
        ("no-rows", NoData, 1),
        ("status:503", Outage, 4),
        ("html", Outage, 4),
        ("forbidden", Blocked, 1),
        ("redirect:http://127.0.0.1:9/", Network, 1),
        ("stall", Network, 4),
        ("silent", Network, 4),
        ("cut:200", Network, 4),
        ("reset", Network, 4),
        ("bomb:64", Malformed, 1),
        ("wrong-symbol", Malformed, 1),
        ("wrong-interval", Malformed, 1),
        ("garbage", Malformed, 1),
        ("truncate:300", Malformed, 1),
        ("escape", Unknown, 4),
    ];
    for (fault, expected, cost) in cases {
        let server = provider(Plan::Unlimited, &[]).await;
        let rig = match fault {
            "stall" | "silent" => hasty(&server).await,
            _ => rig(&server, UNLIMITED).await,
        };
        assert_eq!(class(&rig.fetch(&["IBM"]).await[0]), None);
        let query = db::BarQuery {
            series: SeriesKey::raw("IBM".parse().unwrap(), Interval::Min5),
            from: None,
            to: None,
            limit: 1_000,
            order: db::Order::NewestFirst,
        };
        let before = rig.pipeline.store.bars(query.clone()).await.unwrap();
        server.set_faults(vec![fault.parse().unwrap()]);
        let report = rig.fetch(&["IBM"]).await.remove(0);
        assert_eq!(class(&report), Some(expected), "{fault}: {report:?}");
        assert_eq!(report.requests, cost, "{fault}: {report:?}");
        assert_eq!(
            rig.pipeline.store.bars(query).await.unwrap(),
            before,
            "{fault}"
        );
        assert_eq!(
            server.journal().len(),
            rig.spent().len(),
            "{fault}: seen and reserved"
        );
        let text = report.error.unwrap().message;
        assert!(
            !text.chars().any(char::is_control) && !text.contains('\u{202e}'),
            "{fault}: {text}"
        );
        rig.pipeline.store.close().await;
        for file in std::fs::read_dir(rig.folder.path()).unwrap().flatten() {
            assert!(
                !holds(&std::fs::read(file.path()).unwrap(), CANARY),
                "{fault}: {file:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passing_fault_is_retried_and_then_stored() {
    for fault in [
        "burst@1-3",
        "minute@1",
        "status:503@1-2",
        "cut:200@1",
        "html@1",
        "reset@1-3",
    ] {
        let server = provider(Plan::Unlimited, &[fault]).await;
        let rig = rig(&server, UNLIMITED).await;
        let report = rig.fetch(&["IBM"]).await.remove(0);
        assert_eq!(
            report.status,
            SeriesStatus::Succeeded,
            "{fault}: {report:?}"
        );
        assert_eq!(report.counts.inserted, 100, "{fault}");
        assert_eq!(server.journal().len(), report.requests as usize, "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_is_not_asked_four_times_for_each_of_many_series() {
    let server = provider(Plan::Unlimited, &["status:503"]).await;
    let rig = rig(&server, UNLIMITED).await;
    let symbols: Vec<String> = (0..20).map(|i| format!("S{i}")).collect();
    let reports = rig
        .fetch(&symbols.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    assert!(
        reports
            .iter()
            .all(|report| class(report) == Some(ErrorClass::Outage))
    );
    assert_eq!(
        server.journal().len(),
        3 + 7,
        "three series, and a shared budget of 3 + 20 / 5 retries; the others are not requested"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_day_is_limited_retries_share_two_of_it() {
    let server = provider(Plan::Unlimited, &["burst"]).await;
    let limits = Quota::daily(TimeDelta::zero(), Some(25), New_York);
    let rig = rig(&server, limits).await;
    let series =
        ["IBM", "AAPL"].map(|symbol| SeriesKey::raw(symbol.parse().unwrap(), Interval::Min5));
    let request = RunRequest {
        trigger: "test",
        series: series.into(),
        options: FetchOptions::default(),
        max_age: None,
        within: None,
    };
    let announced = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&announced);
    let observer = Arc::new(move |event| {
        if matches!(event, Event::Retrying { .. }) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let report = rig
        .pipeline
        .run(request, observer, CancellationToken::new());
    let reports = report.await.unwrap().series;
    assert!(
        reports
            .iter()
            .all(|report| class(report) == Some(ErrorClass::Burst)),
        "{reports:?}"
    );
    assert_eq!(server.journal().len(), 4, "two first attempts, two retries");
    let announced = announced.load(Ordering::Relaxed);
    assert_eq!(announced, 2, "no retry is announced that is not sent");
    let text = &reports[1].error.as_ref().unwrap().message;
    assert!(text.contains("today's retries are used up"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ambiguous_minute_means_the_day_in_the_end() {
    let server = provider(Plan::Unlimited, &["minute"]).await;
    let limits = Quota::daily(TimeDelta::zero(), Some(25), New_York);
    let rig = rig(&server, limits).await;
    let report = rig.fetch(&["IBM"]).await.remove(0);
    assert_eq!(
        (class(&report), report.requests),
        (Some(ErrorClass::Day), 3),
        "{report:?}"
    );
    let later = rig.fetch(&["IBM"]).await.remove(0);
    assert_eq!(
        (class(&later), server.journal().len()),
        (Some(ErrorClass::Day), 3),
        "{later:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_keep_their_pace_over_concurrent_series() {
    let server = provider(Plan::Unlimited, &[]).await;
    let gap = TimeDelta::milliseconds(150);
    let mut rig = rig(&server, Quota::daily(gap, None, New_York)).await;
    Arc::get_mut(&mut rig.pipeline).unwrap().lanes[0]
        .policy
        .in_flight = 4;
    rig.fetch(&["A", "B", "C", "D", "E"]).await;
    let run = rig.pipeline.store.runs(1).await.unwrap().remove(0);
    let requests = rig
        .pipeline
        .store
        .run(run.id)
        .await
        .unwrap()
        .unwrap()
        .requests;
    assert_eq!(requests.len(), 5);
    for pair in requests.windows(2) {
        let apart = pair[1].reserved_at - pair[0].reserved_at;
        assert!(apart >= gap, "{apart}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listening_costs_nothing() {
    let server = provider(Plan::Unlimited, &[]).await;
    let rig = rig(&server, Quota::daily(TimeDelta::zero(), Some(25), New_York)).await;
    server.stop().await;
    let report = rig.fetch(&["IBM"]).await.remove(0);
    assert_eq!(
        (class(&report), report.requests),
        (Some(ErrorClass::Network), 0),
        "{report:?}"
    );
    assert!(
        report
            .error
            .unwrap()
            .message
            .contains("could not be reached")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_asks_nothing_more() {
    let server = provider(Plan::Unlimited, &[]).await;
    let rig = rig(&server, UNLIMITED).await;
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let request = RunRequest {
        trigger: "test",
        series: ["A", "B", "C"]
            .map(|symbol| SeriesKey::raw(symbol.parse().unwrap(), Interval::Min5))
            .into(),
        options: FetchOptions::default(),
        max_age: None,
        within: None,
    };
    let observer = Arc::new(move |event| {
        if matches!(event, pipeline_tui::pipeline::Event::Sending { .. }) {
            stop.cancel();
        }
    });
    let report = rig.pipeline.run(request, observer, cancel).await.unwrap();
    let statuses: Vec<SeriesStatus> = report.series.iter().map(|series| series.status).collect();
    // The answer in flight is paid for, so it is stored.
    assert_eq!(
        statuses,
        [
            SeriesStatus::Succeeded,
            SeriesStatus::Cancelled,
            SeriesStatus::Cancelled
        ]
    );
    assert_eq!(
        (report.status.as_str(), server.journal().len()),
        ("cancelled", 1)
    );
}
