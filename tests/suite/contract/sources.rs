//! A second source beside the first: what is only one source's stays that source's.

mod alpaca;
mod markets;

use std::time::Duration;

use pipeline_tui::db::RequestRow;
use pipeline_tui::model::Span;
use pipeline_tui::model::calendar::Calendars;
use pipeline_tui::model::quota::{Window, WindowSpan};
use pipeline_tui::pipeline::source::{FetchOptions, Hours, Range};
use pipeline_tui::pipeline::sources::alpha_vantage::AlphaVantage;
use pipeline_tui::pipeline::{
    Event, Lane, Observer, Once, Pipeline, RunReport, RunRequest, Unreadable,
};
use pipeline_tui::simulate;
use pipeline_tui::time::Clock;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::support::lane::lane;
use crate::support::paged::{self, MOST_PAGES, PAGED, Provider, Script};
use crate::support::program::{persistence, provider};

contract! {
    bars_of_two_sources_never_collide,
    pages_are_requests_and_no_retries,
    a_page_that_fails_is_retried_and_no_other,
    an_answer_is_read_by_the_reader_of_its_source,
    an_answer_of_an_unknown_source_stays_for_a_version_that_knows_it,
    a_wait_in_one_lane_holds_up_no_other,
    pages_that_never_end_are_stopped_and_what_came_is_stored,
    a_run_goes_on_at_the_page_that_is_missing,
    a_rolling_window_holds_across_processes,
    options_of_one_source_are_refused_by_another_in_words,
    a_source_without_its_key_is_asked_nothing_and_holds_up_no_other,
}

pub(super) fn pipeline(store: &Arc<dyn Store>, lanes: Vec<Lane>) -> Arc<Pipeline> {
    let calendars: Vec<_> = lanes
        .iter()
        .map(|lane| lane.source.describe().settings.calendar())
        .collect();
    Arc::new(Pipeline {
        store: Arc::clone(store),
        lanes,
        answers_limit: 1 << 28,
        persistence: persistence(),
        clock: Clock::system(),
        calendars: Calendars::default().with(calendars),
        unreadable: Unreadable::default(),
        stocktaking: Once::default(),
    })
}

/// The first source, which talks to the simulated provider.
fn first_lane(base_url: &str) -> Lane {
    let key = Secret::new("SIMULATED0123456");
    let url = base_url.parse().unwrap();
    let source = AlphaVantage::new(url, key, false, Clock::system()).unwrap();
    lane(source, ("f00d", "test"), |policy| {
        policy.quota = Quota::unlimited(New_York);
    })
}

fn wanted(series: &[SeriesKey]) -> RunRequest {
    RunRequest {
        trigger: "test",
        series: series.to_vec(),
        options: FetchOptions::default(),
        max_age: None,
        within: None,
    }
}

async fn run(pipeline: &Arc<Pipeline>, series: &[SeriesKey]) -> RunReport {
    let (silent, never): (Observer, _) = (Arc::new(|_| {}), CancellationToken::new());
    pipeline.run(wanted(series), silent, never).await.unwrap()
}

async fn closes(store: &Arc<dyn Store>, series: &SeriesKey) -> Vec<(String, String)> {
    let query = BarQuery {
        series: series.clone(),
        from: None,
        to: None,
        limit: 100,
        order: Order::OldestFirst,
    };
    let bars = store.bars(query).await.unwrap();
    let shown = |bar: &Bar| {
        (
            bar.timestamp.format("%H:%M").to_string(),
            bar.close.to_string(),
        )
    };
    bars.iter().map(shown).collect()
}

/// What the ledger holds of each request: its source, page and attempt.
async fn ledger(place: &Place) -> Vec<String> {
    place
        .sql("SELECT source || ' ' || page || ' ' || attempt FROM requests ORDER BY id")
        .await
}

async fn bars_of_two_sources_never_collide(place: Place) {
    let store = place.open().await;
    let (first, second) = (ibm(), paged::series("IBM"));
    let at = "2026-05-15T13:30:00Z";
    assert_eq!(
        store_bars(&store, &first, &[bar(at, 100)]).await,
        counts(1, 0, 0)
    );
    assert_eq!(
        store_bars(&store, &second, &[bar(at, 200)]).await,
        counts(1, 0, 0)
    );
    assert_eq!(
        store_bars(&store, &first, &[bar(at, 100)]).await,
        counts(0, 0, 1)
    );
    let close = |store: Arc<dyn Store>, key: SeriesKey| async move {
        closes(&store, &key).await.remove(0).1
    };
    assert_ne!(
        close(Arc::clone(&store), first.clone()).await,
        close(Arc::clone(&store), second.clone()).await
    );
    let mut held: Vec<SeriesKey> = store
        .held("IBM".parse().unwrap())
        .await
        .unwrap()
        .into_iter()
        .map(|holding| holding.series)
        .collect();
    held.sort();
    assert_eq!(held, [first, second]);
    let rows = place
        .sql("SELECT source || ' ' || count(*) FROM stock_data WHERE symbol = 'IBM' GROUP BY source ORDER BY 1")
        .await;
    assert_eq!(rows, ["alpha_vantage 1", "paged 1"]);
}

async fn pages_are_requests_and_no_retries(place: Place) {
    let provider = Provider::start(Script::Pages(3)).await;
    let store = place.open().await;
    let pipeline = pipeline(&store, vec![paged::lane(&provider.base_url)]);
    let both = [paged::series("IBM"), paged::series("MSFT")];
    let report = run(&pipeline, &both).await;
    for series in &report.series {
        assert_eq!(
            (
                series.status,
                series.requests,
                series.retries,
                series.counts.inserted
            ),
            (SeriesStatus::Succeeded, 3, 0, 3),
            "{series:?}"
        );
    }
    let three = [("13:30", "10.25"), ("13:35", "10.25"), ("13:40", "10.25")];
    let three = three.map(|(at, close)| (at.to_owned(), format!("{close}00")));
    for series in &both {
        assert_eq!(closes(&store, series).await, three);
    }
    assert_eq!(provider.pages(), [1, 2, 3]);
    assert_eq!(
        ledger(&place).await,
        ["paged 1 1", "paged 2 1", "paged 3 1"]
    );
    let summary = store.runs(1).await.unwrap().remove(0);
    assert_eq!(
        (
            summary.requests,
            summary.retries,
            summary.inserted,
            summary.succeeded
        ),
        (3, 0, 6, 2),
        "a request about two series counts once in its run"
    );
    let detail = store.run(summary.id).await.unwrap().unwrap();
    let named: Vec<Option<String>> = detail.requests.iter().map(RequestRow::series).collect();
    assert_eq!(named[0].as_deref(), Some("paged:IBM 5min"), "{named:?}");
    for arrived in provider.journal() {
        let line = arrived.head.lines().next().unwrap();
        assert!(!line.contains("CANARY"), "the key is in the URL: {line}");
    }
}

async fn a_page_that_fails_is_retried_and_no_other(place: Place) {
    let provider = Provider::start(Script::FailsOnce(3, 2)).await;
    let store = place.open().await;
    let pipeline = pipeline(&store, vec![paged::lane(&provider.base_url)]);
    let report = run(&pipeline, &[paged::series("IBM")])
        .await
        .series
        .remove(0);
    assert_eq!(
        (
            report.status,
            report.requests,
            report.retries,
            report.attempts
        ),
        (SeriesStatus::Succeeded, 4, 1, 4)
    );
    assert_eq!(
        ledger(&place).await,
        ["paged 1 1", "paged 2 1", "paged 2 2", "paged 3 1"]
    );
    let stored = store.runs(1).await.unwrap().remove(0);
    assert_eq!((stored.requests, stored.retries), (4, 1));
    let row = place
        .sql("SELECT requests || ' ' || retries FROM run_series")
        .await;
    assert_eq!(row, ["4 1"]);
}

/// Leaves what a process leaves that died after it had kept an answer.
async fn die_with(store: &Arc<dyn Store>, request: Request, body: &[u8]) {
    let run = store
        .begin_run("test", request.series.clone())
        .await
        .unwrap();
    let reservation = Reservation {
        credential: Credential {
            source: request.source.clone(),
            ..credential()
        },
        request,
        ..reservation(&run, &ibm(), NO_LIMITS, 1)
    };
    let Reserved::Granted(id) = store.reserve(reservation).await.unwrap() else {
        panic!("no limits")
    };
    store.keep(id, answer(body), u64::MAX).await.unwrap();
    store
        .finish_run(run.id, RunStatus::Interrupted)
        .await
        .unwrap();
}

const LAST_PAGE: &[u8] =
    br#"{"bars": {"IBM": [{"t": "2026-05-15T13:30:00Z", "o": 10.5, "h": 11, "l": 10,
    "c": 10.25, "v": 100.5}]}, "next_page_token": null}"#;

async fn an_answer_is_read_by_the_reader_of_its_source(place: Place) {
    let store = place.open().await;
    let series = paged::series("IBM");
    die_with(
        &store,
        paged::request(std::slice::from_ref(&series)),
        LAST_PAGE,
    )
    .await;
    let nowhere = "http://127.0.0.1:9/";
    let pipeline = pipeline(&store, vec![first_lane(nowhere), paged::lane(nowhere)]);
    let silent: Observer = Arc::new(|_| {});
    pipeline
        .rescue(&silent, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(
        closes(&store, &series).await,
        [("13:30".to_owned(), "10.2500".to_owned())]
    );
    assert!(store.unapplied().await.unwrap().is_empty());
    let row = place
        .sql("SELECT status || ' ' || inserted FROM run_series")
        .await;
    assert_eq!(row, ["succeeded 1"]);
}

async fn an_answer_of_an_unknown_source_stays_for_a_version_that_knows_it(place: Place) {
    let store = place.open().await;
    let series = paged::series("IBM");
    die_with(
        &store,
        paged::request(std::slice::from_ref(&series)),
        LAST_PAGE,
    )
    .await;
    let nowhere = "http://127.0.0.1:9/";
    let silent: Observer = Arc::new(|_| {});
    let never = CancellationToken::new();
    let older = pipeline(&store, vec![first_lane(nowhere)]);
    for _ in 0..2 {
        older.rescue(&silent, &never).await.unwrap();
    }
    let kept = store.unapplied().await.unwrap();
    assert_eq!((kept.len(), &kept[0].request.source), (1, &PAGED));
    assert_eq!(kept[0].request.series, std::slice::from_ref(&series));
    let report = older
        .run(wanted(std::slice::from_ref(&series)), silent, never)
        .await
        .unwrap();
    let said = report.series[0].error.as_ref().unwrap();
    assert!(
        said.message.contains("does not know the source paged"),
        "{said:?}"
    );
    assert_eq!(report.series[0].requests, 0);
    let knowing = pipeline(&store, vec![first_lane(nowhere), paged::lane(nowhere)]);
    let silent: Observer = Arc::new(|_| {});
    knowing
        .rescue(&silent, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(closes(&store, &series).await.len(), 1, "nothing is lost");
}

async fn a_wait_in_one_lane_holds_up_no_other(place: Place) {
    let store = place.open().await;
    let (market, paged_provider) = (
        provider(simulate::Plan::Unlimited, &[]).await,
        Provider::start(Script::Pages(1)).await,
    );
    let mut waiting = paged::lane(&paged_provider.base_url);
    waiting.policy.quota.gap = TimeDelta::hours(1);
    let waits = pipeline(&store, vec![waiting, first_lane(&market.base_url())]);
    let (slow, quick) = (paged::series("IBM"), ibm());
    assert_eq!(
        run(&waits, std::slice::from_ref(&slow)).await.status,
        RunStatus::Succeeded
    );
    let (cancel, done) = (CancellationToken::new(), CancellationToken::new());
    let observer: Observer = {
        let (done, quick) = (done.clone(), quick.clone());
        Arc::new(move |event| {
            if matches!(&event, Event::Done(report) if report.series == quick) {
                done.cancel();
            }
        })
    };
    let running = tokio::spawn({
        let (waits, cancel) = (Arc::clone(&waits), cancel.clone());
        let both = [slow, quick];
        async move { waits.run(wanted(&both), observer, cancel).await.unwrap() }
    });
    let limit = Duration::from_mins(1);
    let is_done = tokio::time::timeout(limit, done.cancelled()).await;
    assert!(is_done.is_ok(), "the other lane waits as well");
    cancel.cancel();
    let statuses: Vec<SeriesStatus> = running
        .await
        .unwrap()
        .series
        .iter()
        .map(|series| series.status)
        .collect();
    assert_eq!(statuses, [SeriesStatus::Cancelled, SeriesStatus::Succeeded]);
    assert_eq!(
        store.runs(1).await.unwrap()[0].series,
        2,
        "both lanes are one run"
    );
}

async fn pages_that_never_end_are_stopped_and_what_came_is_stored(place: Place) {
    for (script, requests) in [(Script::Endless, MOST_PAGES), (Script::Circle, 2)] {
        let provider = Provider::start(script).await;
        let store = place.open().await;
        let series = paged::series(&format!("S{requests}"));
        let pipeline = pipeline(&store, vec![paged::lane(&provider.base_url)]);
        let report = run(&pipeline, std::slice::from_ref(&series))
            .await
            .series
            .remove(0);
        assert_eq!(
            (report.status, report.requests, report.retries),
            (SeriesStatus::Failed, requests, 0),
            "{script:?}"
        );
        let error = report.error.unwrap();
        assert_eq!(error.class, ErrorClass::Endless);
        assert!(error.message.contains("the pages do not end"), "{error:?}");
        assert_eq!(closes(&store, &series).await.len(), requests as usize);
        let again = run(&pipeline, std::slice::from_ref(&series)).await;
        assert_eq!(again.status, RunStatus::Failed);
        assert_eq!(
            provider.journal().len(),
            2 * requests as usize,
            "from the beginning"
        );
    }
}

async fn a_run_goes_on_at_the_page_that_is_missing(place: Place) {
    let store = place.open().await;
    let series = paged::series("IBM");
    let silent = Provider::start(Script::SilentAt(3, 2)).await;
    let stopped = pipeline(&store, vec![paged::lane(&silent.base_url)]);
    let cancel = CancellationToken::new();
    let running = tokio::spawn({
        let (cancel, series) = (cancel.clone(), series.clone());
        async move {
            let nobody: Observer = Arc::new(|_| {});
            stopped
                .run(wanted(&[series]), nobody, cancel)
                .await
                .unwrap()
        }
    });
    silent.asked_for(2).await;
    cancel.cancel();
    assert_eq!(running.await.unwrap().status, RunStatus::Cancelled);
    let provider = Provider::start(Script::Pages(3)).await;
    let next = pipeline(&store, vec![paged::lane(&provider.base_url)]);
    let report = run(&next, std::slice::from_ref(&series)).await;
    assert_eq!(report.status, RunStatus::Succeeded);
    assert_eq!(provider.pages(), [2, 3], "the first page is stored already");
    assert_eq!(closes(&store, &series).await.len(), 3);
    run(&next, std::slice::from_ref(&series)).await;
    assert_eq!(
        provider.pages(),
        [2, 3, 1, 2, 3],
        "a run that ended well is not continued"
    );
}

async fn a_rolling_window_holds_across_processes(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let minute = Window {
        limit: 3,
        span: WindowSpan::Rolling(TimeDelta::minutes(1)),
    };
    let quota = Quota {
        windows: [Some(minute), None, None],
        ..NO_LIMITS
    };
    let run = here.begin_run("test", vec![ibm()]).await.unwrap();
    for store in [&here, &there, &here] {
        let reserved = store
            .reserve(reservation(&run, &ibm(), quota, 1))
            .await
            .unwrap();
        assert!(matches!(reserved, Reserved::Granted(_)));
    }
    let fourth = there
        .reserve(reservation(&run, &ibm(), quota, 1))
        .await
        .unwrap();
    let Reserved::Wait(wait) = fourth else {
        panic!("{fourth:?}")
    };
    assert!(
        wait > TimeDelta::zero() && wait <= TimeDelta::minutes(1),
        "{wait}"
    );
    let wider = Quota {
        windows: [Some(Window { limit: 4, ..minute }), None, None],
        ..quota
    };
    let reserved = there
        .reserve(reservation(&run, &ibm(), wider, 1))
        .await
        .unwrap();
    assert!(matches!(reserved, Reserved::Granted(_)));
}

async fn options_of_one_source_are_refused_by_another_in_words(place: Place) {
    let store = place.open().await;
    let pipeline = pipeline(&store, vec![paged::lane("http://127.0.0.1:9/")]);
    let month = Range::Between(Span::new(
        "2026-05-01T00:00:00Z".parse().unwrap(),
        "2026-06-01T00:00:00Z".parse().unwrap(),
    ));
    let plain = FetchOptions::default;
    for (options, flag) in [
        (plain().with("outputsize", "full"), "--outputsize"),
        (plain().with("datatype", "csv"), "--datatype"),
        (plain().with("entitlement", "delayed"), "--entitlement"),
        (
            FetchOptions {
                range: month,
                ..plain()
            },
            "--month",
        ),
        (
            FetchOptions {
                hours: Hours::Regular,
                ..plain()
            },
            "--regular-hours",
        ),
    ] {
        let request = RunRequest {
            options,
            ..wanted(&[paged::series("IBM")])
        };
        let why = pipeline.can_ask(&request).unwrap_err();
        assert!(why.contains(&format!("Paged has no {flag}")), "{why}");
    }
}

async fn a_source_without_its_key_is_asked_nothing_and_holds_up_no_other(place: Place) {
    let store = place.open().await;
    let series = paged::series("IBM");
    die_with(
        &store,
        paged::request(std::slice::from_ref(&series)),
        LAST_PAGE,
    )
    .await;
    let first = provider(simulate::Plan::Unlimited, &[]).await;
    let second = Provider::start(Script::Pages(1)).await;
    let lanes = vec![
        first_lane(&first.base_url()),
        paged::lane_without_key(&second.base_url),
    ];
    let report = run(&pipeline(&store, lanes), &[series.clone(), ibm()]).await;
    let ended: Vec<SeriesStatus> = report.series.iter().map(|series| series.status).collect();
    assert_eq!(ended, [SeriesStatus::Refused, SeriesStatus::Succeeded]);
    let error = report.series[0].error.as_ref().unwrap();
    assert_eq!(error.class, ErrorClass::BadKey);
    for words in [
        "https://paged.example/keys",
        "PAGED_KEY_ID and PAGED_SECRET",
    ] {
        assert!(error.message.contains(words), "{}", error.message);
    }
    assert!(second.journal().is_empty());
    assert_eq!(
        closes(&store, &series).await.len(),
        1,
        "what was kept is read"
    );
}
