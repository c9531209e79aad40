//! Alpaca's client over HTTP, into both databases. The provider has a bar for every minute of the day
//! from 09:30 to 16:00, counts bars over all symbols, and withholds what is younger than 15 minutes.

mod actions;
mod market;

use chrono::Timelike as _;
use pipeline_tui::pipeline::sources::alpaca::{Alpaca, Feed, IEX, SETTINGS, SIP};
use serde_json::json;

use super::*;
use crate::support::scripted::{Arrived, Reply, Scripted};

contract! {
    pages_are_walked_also_where_one_cuts_a_symbol,
    a_session_has_all_its_minutes_and_a_half_day_fewer,
    one_bad_symbol_of_fifty_costs_one_request_and_no_other_series,
    a_walk_that_was_killed_goes_on_at_the_page_that_is_missing,
    so_does_one_over_the_newest_bars_beside_those_that_are_newer_still,
    a_refused_key_is_asked_nothing_more,
    what_is_too_recent_for_the_key_is_left_out_and_learnt,
    a_clock_that_is_ahead_is_corrected_by_the_provider,
    a_token_that_comes_again_ends_the_walk,
    a_full_bucket_is_tried_again,
    two_feeds_are_two_series,
}

const ID: &str = "PKCANARY0042";
const SECRET: &str = "canary-secret-0042";
/// Friday, 15:55:30 in New York.
const NOW: &str = "2026-11-20T20:55:30Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn key(feed: &Feed, symbol: &str) -> SeriesKey {
    SeriesKey {
        source: feed.source().clone(),
        ..SeriesKey::raw(symbol.parse().unwrap(), Interval::Min1)
    }
}

fn keys(symbols: &[&str]) -> Vec<SeriesKey> {
    symbols.iter().map(|symbol| key(&SIP, symbol)).collect()
}

/// A pipeline with the lane of one feed, whose waits are short.
fn pipeline_of(
    store: &Arc<dyn Store>,
    (feed, plan): (&'static Feed, &str),
    address: &str,
    now: DateTime<Utc>,
) -> Arc<Pipeline> {
    let plan = SETTINGS.plans.named(plan).unwrap();
    let clock = Clock::fixed(now);
    let pair = [Secret::new(ID), Secret::new(SECRET)];
    let address: url::Url = address.parse().unwrap();
    let source = Alpaca::new(feed, (address.clone(), address), &pair, &clock).unwrap();
    let lane = lane(source.on(&plan), ("a1fa", plan.name), |policy| {
        let tick = Duration::from_millis(1);
        (policy.waits.burst, policy.waits.outage) = (tick, tick);
        policy.quota = Quota::unlimited(New_York);
    });
    let pipeline = pipeline(store, vec![lane]);
    Arc::new(Pipeline {
        clock,
        ..Arc::into_inner(pipeline).unwrap()
    })
}

fn free(store: &Arc<dyn Store>, provider: &Scripted) -> Arc<Pipeline> {
    pipeline_of(store, (&SIP, "free"), &provider.base_url, at(NOW))
}

fn between(series: &[SeriesKey], (from, to): (&str, &str)) -> RunRequest {
    let options = FetchOptions {
        range: Range::Between(Span::new(at(from), at(to))),
        ..FetchOptions::default()
    };
    RunRequest {
        options,
        ..wanted(series)
    }
}

async fn ended(pipeline: &Arc<Pipeline>, request: RunRequest) -> RunReport {
    let (silent, never): (Observer, _) = (Arc::new(|_| {}), CancellationToken::new());
    pipeline.run(request, silent, never).await.unwrap()
}

/// The provider with pages of this many bars.
fn market(page_bars: usize) -> impl Fn(&Arrived) -> Reply + Send + Sync {
    move |arrived| Some(answered(arrived, page_bars))
}

fn answered(arrived: &Arrived, page_bars: usize) -> (u16, String) {
    let said = |text: &str| json!({ "message": text }).to_string();
    if !arrived.head.contains(ID) || !arrived.head.contains(SECRET) {
        return (
            401,
            "<html>\r\n<title>401 Authorization Required</title>".to_owned(),
        );
    }
    let get = |name: &str| arrived.get(name).unwrap_or_default();
    let symbols = get("symbols");
    let mut symbols: Vec<&str> = symbols.split(',').collect();
    symbols.sort_unstable();
    let is_bad = |symbol: &&&str| symbol.bytes().any(|byte| byte.is_ascii_digit());
    if let Some(bad) = symbols.iter().find(is_bad) {
        return (400, said(&format!("invalid symbol: {bad}")));
    }
    let (start, end) = (at(&get("start")), at(&get("end")));
    if get("feed") == "sip" && end > at(NOW) - TimeDelta::minutes(15) {
        return (
            403,
            said("subscription does not permit querying recent SIP data"),
        );
    }
    let is_traded = |minute: &DateTime<Utc>| {
        let clock = minute.with_timezone(&New_York).time();
        let minutes = clock.num_seconds_from_midnight() / 60;
        // The day after Thanksgiving closes early.
        let is_half = minute.date_naive().to_string() == "2025-11-28";
        (570..if is_half { 780 } else { 960 }).contains(&minutes)
    };
    let mut minutes = vec![];
    let mut minute = start;
    while minute <= end {
        if is_traded(&minute) {
            minutes.push(minute);
        }
        minute += TimeDelta::minutes(1);
    }
    let all: Vec<(&str, &DateTime<Utc>)> = symbols
        .iter()
        .flat_map(|symbol| minutes.iter().map(move |minute| (*symbol, minute)))
        .collect();
    let from: usize = get("page_token")
        .trim_start_matches("after-")
        .parse()
        .unwrap_or(0);
    let page: Vec<_> = all.iter().skip(from).take(page_bars).collect();
    let mut bars = serde_json::Map::new();
    for (symbol, minute) in &page {
        let bar = json!({ "t": minute.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            "o": 10.5, "h": 11, "l": 10, "c": 10.25, "v": 100, "n": 3, "vw": 10.25 });
        let rows = bars.entry(*symbol).or_insert_with(|| json!([]));
        rows.as_array_mut().unwrap().push(bar);
    }
    let next = from + page.len();
    let token = (next < all.len()).then(|| format!("after-{next}"));
    (
        200,
        json!({ "bars": bars, "next_page_token": token }).to_string(),
    )
}

async fn stored(place: &Place, symbol: &str) -> usize {
    let count =
        format!("SELECT count(*) FROM stock_data WHERE symbol = '{symbol}' AND source = 'alpaca'");
    place.sql(&count).await[0].parse().unwrap()
}

/// The times that are known to have been asked for.
async fn covered(store: &Arc<dyn Store>, series: &SeriesKey) -> Vec<Span> {
    let facts = store.facts(series.clone()).await.unwrap();
    facts.coverage.asked().as_slice().to_vec()
}

async fn pages_are_walked_also_where_one_cuts_a_symbol(place: Place) {
    let provider = Scripted::start(at(NOW), market(4)).await;
    let store = place.open().await;
    let both = keys(&["AAA", "BBB"]);
    let minutes = ("2026-11-20T14:30:00Z", "2026-11-20T14:35:00Z");
    let report = ended(&free(&store, &provider), between(&both, minutes)).await;
    for series in &report.series {
        let counts = (
            series.status,
            series.requests,
            series.retries,
            series.counts.inserted,
        );
        assert_eq!(counts, (SeriesStatus::Succeeded, 3, 0, 5), "{series:?}");
        let asked = Span::new(at(minutes.0), at(minutes.1));
        assert_eq!(covered(&store, &series.series).await, [asked]);
    }
    assert_eq!(provider.asked("page_token"), ["", "after-4", "after-8"]);
    for name in [
        "symbols",
        "start",
        "end",
        "limit",
        "adjustment",
        "asof",
        "feed",
        "timeframe",
    ] {
        let asked = provider.asked(name);
        assert!(!asked[0].is_empty(), "{name}");
        assert!(
            asked.iter().all(|value| *value == asked[0]),
            "{name}: {asked:?}"
        );
    }
    assert_eq!(
        ledger(&place).await,
        ["alpaca 1 1", "alpaca 2 1", "alpaca 3 1"]
    );
}

async fn a_session_has_all_its_minutes_and_a_half_day_fewer(place: Place) {
    let provider = Scripted::start(at(NOW), market(10_000)).await;
    let store = place.open().await;
    for (symbol, session, minutes) in [
        ("AAA", ("2026-11-19T14:30:00Z", "2026-11-19T21:00:00Z"), 390),
        ("BBB", ("2025-11-28T14:30:00Z", "2025-11-28T18:00:00Z"), 210),
        ("CCC", ("2026-11-19T14:30:00Z", "2026-11-19T14:31:00Z"), 1),
    ] {
        ended(&free(&store, &provider), between(&keys(&[symbol]), session)).await;
        assert_eq!(stored(&place, symbol).await, minutes, "{symbol}");
    }
    let open = &provider.asked("end")[0];
    assert_eq!(open, "2026-11-19T20:59:59.999Z");
}

async fn one_bad_symbol_of_fifty_costs_one_request_and_no_other_series(place: Place) {
    let provider = Scripted::start(at(NOW), market(10_000)).await;
    let store = place.open().await;
    let mut names: Vec<String> = ('A'..='Y')
        .flat_map(|one| [format!("{one}{one}"), format!("{one}{one}{one}")])
        .collect();
    "CSP1".clone_into(&mut names[20]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(names.len(), 50);
    let minutes = ("2026-11-20T14:30:00Z", "2026-11-20T14:40:00Z");
    let report = ended(&free(&store, &provider), between(&keys(&names), minutes)).await;
    assert_eq!(provider.journal().len(), 2);
    assert_eq!(
        (report.status, report.series.len()),
        (RunStatus::Partial, 50)
    );
    for series in &report.series {
        if series.series.symbol.as_str() == "CSP1" {
            let error = series.error.as_ref().unwrap();
            assert_eq!(
                (series.status, error.class),
                (SeriesStatus::Failed, ErrorClass::BadRequest)
            );
            assert!(
                error.message.contains("does not know CSP1"),
                "{}",
                error.message
            );
            assert_eq!(series.requests, 1);
        } else {
            let counts = (series.status, series.counts.inserted, series.requests);
            assert_eq!(counts, (SeriesStatus::Succeeded, 10, 2), "{series:?}");
        }
    }
    let rows = place
        .sql("SELECT status || ' ' || count(*) FROM run_series GROUP BY status ORDER BY status")
        .await;
    assert_eq!(rows, ["failed 1", "succeeded 49"]);
    // A later run, of any process, no longer asks for it.
    let again = ended(&free(&store, &provider), between(&keys(&names), minutes)).await;
    assert_eq!(provider.journal().len(), 3);
    let bad = again.series.iter().find(|series| series.error.is_some());
    let bad = bad.unwrap();
    assert_eq!((bad.series.symbol.as_str(), bad.requests), ("CSP1", 0));
    let error = bad.error.as_ref().unwrap();
    assert_eq!(error.class, ErrorClass::BadRequest);
    assert!(
        error
            .message
            .contains("does not accept CSP1 (invalid symbol: CSP1)")
    );
    let parked = free(&store, &provider).parked(&keys(&names)).await.unwrap();
    assert_eq!(parked.iter().flatten().count(), 1);
    // A month later it may be accepted.
    place
        .sql("UPDATE entitlements SET learnt_at = '2020-01-01' WHERE endpoint = 'symbol' RETURNING parameter")
        .await;
    ended(&free(&store, &provider), between(&keys(&names), minutes)).await;
    assert_eq!(provider.journal().len(), 5);
}

async fn a_walk_that_was_killed_goes_on_at_the_page_that_is_missing(place: Place) {
    let store = place.open().await;
    let both = keys(&["AAA", "BBB"]);
    let minutes = ("2026-11-20T14:30:00Z", "2026-11-20T14:35:00Z");
    let silent = Scripted::start(at(NOW), |arrived| {
        let is_first = arrived.get("page_token").is_none();
        is_first.then(|| answered(arrived, 4))
    });
    let silent = silent.await;
    let stopped = free(&store, &silent);
    let cancel = CancellationToken::new();
    let running = tokio::spawn({
        let (cancel, request) = (cancel.clone(), between(&both, minutes));
        let nobody: Observer = Arc::new(|_| {});
        async move { stopped.run(request, nobody, cancel).await.unwrap() }
    });
    silent.asked_times(2).await;
    cancel.cancel();
    assert_eq!(running.await.unwrap().status, RunStatus::Cancelled);
    assert_eq!(
        (stored(&place, "AAA").await, stored(&place, "BBB").await),
        (4, 0)
    );
    for series in &both {
        assert_eq!(
            covered(&store, series).await,
            [],
            "a walk that is cut says nothing"
        );
    }
    let provider = Scripted::start(at(NOW), market(4)).await;
    let report = ended(&free(&store, &provider), between(&both, minutes)).await;
    assert_eq!(report.status, RunStatus::Succeeded);
    assert_eq!(provider.asked("page_token"), ["after-4", "after-8"]);
    assert_eq!(
        (stored(&place, "AAA").await, stored(&place, "BBB").await),
        (5, 5)
    );
    for series in &both {
        let asked = Span::new(at(minutes.0), at(minutes.1));
        assert_eq!(covered(&store, series).await, [asked]);
    }
}

async fn so_does_one_over_the_newest_bars_beside_those_that_are_newer_still(place: Place) {
    let store = place.open().await;
    let both = keys(&["AAA", "BBB"]);
    let silent = Scripted::start(at(NOW), |arrived| {
        let is_first = arrived.get("page_token").is_none();
        is_first.then(|| answered(arrived, 3_000))
    });
    let silent = silent.await;
    let earlier = at(NOW) - TimeDelta::minutes(3);
    let stopped = pipeline_of(&store, (&SIP, "free"), &silent.base_url, earlier);
    let cancel = CancellationToken::new();
    let running = tokio::spawn({
        let (cancel, request) = (cancel.clone(), wanted(&both));
        let nobody: Observer = Arc::new(|_| {});
        async move { stopped.run(request, nobody, cancel).await.unwrap() }
    });
    // Too recent a range, the first page of the rest, the second.
    silent.asked_times(3).await;
    cancel.cancel();
    assert_eq!(running.await.unwrap().status, RunStatus::Cancelled);
    let walked = silent.asked("end").remove(1);
    let provider = Scripted::start(at(NOW), market(3_000)).await;
    let report = ended(&free(&store, &provider), wanted(&both)).await;
    assert_eq!(report.status, RunStatus::Succeeded, "{report:?}");
    let [newer, rest] = provider.journal().try_into().unwrap();
    let [start, end] = ["start", "end"].map(|name| at(&newer.get(name).unwrap()));
    assert_eq!(start, at(&walked) + TimeDelta::milliseconds(1));
    let newest = at("2026-11-20T20:38:59.999Z");
    assert_eq!(end, newest, "16 minutes before now");
    assert_eq!(
        (newer.get("page_token"), rest.get("page_token")),
        (None, Some("after-3000".to_owned()))
    );
    let begin = at(&rest.get("start").unwrap());
    for series in &both {
        let asked = Span::new(begin, end + TimeDelta::milliseconds(1));
        assert_eq!(covered(&store, series).await, [asked]);
    }
    let bars = stored(&place, "AAA").await;
    assert_eq!(bars, stored(&place, "BBB").await);
    assert!(bars > 250, "{bars}");
}

async fn a_refused_key_is_asked_nothing_more(place: Place) {
    let provider = Scripted::start(at(NOW), |arrived| {
        let mut other = arrived.clone();
        other.head = String::new();
        Some(answered(&other, 4))
    });
    let provider = provider.await;
    let store = place.open().await;
    let symbols: Vec<String> = ('A'..='Z')
        .map(|one| format!("{one}{}", "X".repeat(31)))
        .collect();
    let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
    // Times that share no request.
    let mut request = between(
        &keys(&symbols),
        ("2026-11-20T14:30:00Z", "2026-11-20T14:35:00Z"),
    );
    request
        .series
        .extend(keys(&["DAY"]).into_iter().map(|series| SeriesKey {
            interval: Interval::Daily,
            ..series
        }));
    let report = ended(&free(&store, &provider), request).await;
    assert_eq!(
        provider.journal().len(),
        1,
        "{:?}",
        provider.asked("symbols")
    );
    for series in &report.series {
        let error = series.error.as_ref().unwrap();
        assert_eq!(
            (series.status, error.class),
            (SeriesStatus::Refused, ErrorClass::BadKey)
        );
        assert!(!error.message.contains("canary") && !error.message.contains("CANARY"));
    }
    let said = place.sql("SELECT message FROM requests").await.join(" ");
    assert!(
        said.contains("HTTP 401") && !said.to_lowercase().contains("canary"),
        "{said}"
    );
}

async fn what_is_too_recent_for_the_key_is_left_out_and_learnt(place: Place) {
    let provider = Scripted::start(at(NOW), market(10_000)).await;
    let store = place.open().await;
    let hour = ("2026-11-20T20:00:00Z", NOW);
    for (place_of_plan, (plan, symbol)) in
        [("paid", "AAA"), ("free", "BBB")].into_iter().enumerate()
    {
        let sent = 3 * place_of_plan;
        let process = || pipeline_of(&store, (&SIP, plan), &provider.base_url, at(NOW));
        let (first, series) = (process(), keys(&[symbol]));
        let report = ended(&first, between(&series, hour)).await;
        assert_eq!(report.status, RunStatus::Succeeded, "{report:?}");
        let ends = ["2026-11-20T20:54:59.999Z", "2026-11-20T20:36:59.999Z"];
        assert_eq!(provider.asked("end")[sent..], ends, "{plan}");
        assert_eq!(stored(&place, symbol).await, 37);
        assert_eq!(
            first.grid(&series[0]).publishing.delay,
            TimeDelta::minutes(16)
        );
        let second = process();
        ended(&second, between(&series, hour)).await;
        assert_eq!(
            provider.asked("end")[sent + 2..],
            ["2026-11-20T20:38:59.999Z"],
            "{plan}"
        );
        assert_eq!(stored(&place, symbol).await, 39, "it is known now");
    }
}

async fn a_clock_that_is_ahead_is_corrected_by_the_provider(place: Place) {
    let provider = Scripted::start(at(NOW), market(10_000)).await;
    let store = place.open().await;
    let ahead = at(NOW) + TimeDelta::minutes(20);
    let pipeline = pipeline_of(&store, (&SIP, "free"), &provider.base_url, ahead);
    let series = keys(&["AAA"]);
    let report = ended(
        &pipeline,
        between(&series, ("2026-11-20T20:00:00Z", "2026-11-20T21:30:00Z")),
    )
    .await;
    assert_eq!(report.status, RunStatus::Succeeded, "{report:?}");
    let ends = ["2026-11-20T21:14:59.999Z", "2026-11-20T20:36:59.999Z"];
    assert_eq!(provider.asked("end"), ends);
    let asked = covered(&store, &series[0]).await;
    assert_eq!(
        asked,
        [Span::new(
            at("2026-11-20T20:00:00Z"),
            at("2026-11-20T20:37:00Z")
        )]
    );
}

async fn a_token_that_comes_again_ends_the_walk(place: Place) {
    let provider = Scripted::start(at(NOW), |_| {
        Some((200, r#"{"bars":{},"next_page_token":"again"}"#.to_owned()))
    });
    let provider = provider.await;
    let store = place.open().await;
    let series = keys(&["AAA"]);
    let minutes = ("2026-11-20T14:30:00Z", "2026-11-20T14:35:00Z");
    let report = ended(&free(&store, &provider), between(&series, minutes)).await;
    let error = report.series[0].error.as_ref().unwrap();
    assert_eq!(
        (error.class, provider.journal().len()),
        (ErrorClass::Endless, 2)
    );
    assert_eq!(covered(&store, &series[0]).await, []);
}

async fn a_full_bucket_is_tried_again(place: Place) {
    let seen = std::sync::atomic::AtomicU32::new(0);
    let provider = Scripted::start(at(NOW), move |arrived| {
        Some(
            match seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 | 1 => (429, r#"{"message": "too many requests."}"#.to_owned()),
                _ => answered(arrived, 10_000),
            },
        )
    });
    let provider = provider.await;
    let store = place.open().await;
    let minutes = ("2026-11-20T14:30:00Z", "2026-11-20T14:35:00Z");
    let report = ended(&free(&store, &provider), between(&keys(&["AAA"]), minutes)).await;
    let series = &report.series[0];
    assert_eq!(
        (series.status, series.requests, series.retries),
        (SeriesStatus::Succeeded, 3, 2)
    );
    assert_eq!(
        ledger(&place).await,
        ["alpaca 1 1", "alpaca 1 2", "alpaca 1 3"]
    );
}

async fn two_feeds_are_two_series(place: Place) {
    let provider = Scripted::start(at(NOW), market(10_000)).await;
    let store = place.open().await;
    let hour = ("2026-11-20T20:00:00Z", NOW);
    ended(&free(&store, &provider), between(&keys(&["AAA"]), hour)).await;
    let iex = pipeline_of(&store, (&IEX, "free"), &provider.base_url, at(NOW));
    ended(&iex, between(&[key(&IEX, "AAA")], hour)).await;
    assert_eq!(provider.asked("feed"), ["sip", "sip", "iex"]);
    let rows = place
        .sql("SELECT source || ' ' || count(*) FROM stock_data GROUP BY source ORDER BY 1")
        .await;
    // The last minutes are withheld of the consolidated tape only.
    assert_eq!(rows, ["alpaca 37", "alpaca_iex 55"]);
}
