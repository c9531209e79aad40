//! Corporate actions of many symbols over HTTP, into both databases.

use pipeline_tui::model::adjustment::EventKind;
use pipeline_tui::pipeline::events::{EventList, both};

use super::*;

contract! {
    lists_of_many_symbols_come_in_one_request_and_its_pages,
    a_bad_symbol_costs_the_others_no_list,
    pages_of_lists_that_never_end_are_stopped_and_nothing_is_stored,
    lists_that_were_cut_between_pages_are_asked_for_again,
    adjusted_prices_are_those_of_the_provider_within_half_a_cent,
}

const ACTIONS: &str = "/v1/corporate-actions";
/// Rows of a page.
const ROWS: usize = 50;

/// A dividend of 0.25 in each of two years for each symbol that is asked for, and one of 0.05 on the
/// second of these days, in pages.
fn actions(arrived: &Arrived) -> Reply {
    let symbols = arrived.get("symbols")?;
    if let Some(bad) = symbols.split(',').find(|name| name.contains("BAD")) {
        let text = format!("invalid symbol: {bad}");
        return Some((400, json!({ "message": text }).to_string()));
    }
    let rows: Vec<_> = ["2023-06-09", "2024-06-10", "2024-06-10 again"]
        .iter()
        .flat_map(|day| symbols.split(',').map(move |symbol| (symbol, *day)))
        .map(|(symbol, day)| {
            let rate = if day.ends_with("again") { 0.05 } else { 0.25 };
            json!({ "symbol": symbol, "ex_date": &day[..10], "rate": rate, "process_date": &day[..10] })
        })
        .collect();
    let token = arrived.get("page_token");
    let from: usize = token.map_or(0, |token| token.parse().unwrap());
    let page: Vec<_> = rows.iter().skip(from).take(ROWS).collect();
    let next = (from + ROWS < rows.len()).then(|| (from + ROWS).to_string());
    let body = json!({ "corporate_actions": { "cash_dividends": page }, "next_page_token": next });
    Some((200, body.to_string()))
}

async fn listed(pipeline: &Arc<Pipeline>, symbols: &[String]) -> Vec<EventList> {
    let names: Vec<&str> = symbols.iter().map(String::as_str).collect();
    let instruments: Vec<_> = keys(&names).iter().map(SeriesKey::instrument).collect();
    let (silent, never): (Observer, _) = (Arc::new(|_| {}), CancellationToken::new());
    let lists = pipeline.events(&both(&instruments), &silent, &never).await;
    lists.unwrap()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("S{number:03}")).collect()
}

/// How many requests ended in each way.
async fn ends(place: &Place) -> Vec<String> {
    place
        .sql("SELECT state || ' ' || count(*) FROM requests GROUP BY state ORDER BY state")
        .await
}

async fn lists_of_many_symbols_come_in_one_request_and_its_pages(place: Place) {
    let provider = Scripted::start(at(NOW), actions).await;
    let store = place.open().await;
    let lists = listed(&free(&store, &provider), &names(120)).await;
    assert_eq!(lists.len(), 240);
    for list in &lists {
        let days = if list.kind == EventKind::Dividends {
            2
        } else {
            0
        };
        assert_eq!(list.outcome, Ok(days), "{list}");
    }
    // 300 rows of the first hundred, 60 of the others.
    assert_eq!(provider.journal().len(), 6 + 2);
    assert_eq!(ends(&place).await, ["stored 8"]);
    let one = if place.is_postgres() {
        "1"
    } else {
        "100000000"
    };
    let days = place
        .sql(&format!(
            "SELECT DISTINCT date || ' ' || CAST(CAST(1.0 * dividend / {one} AS REAL) AS TEXT) || ' ' || count(*) \
             FROM corporate_events GROUP BY date, dividend ORDER BY 1"
        ))
        .await;
    assert_eq!(days, ["2023-06-09 0.25 120", "2024-06-10 0.3 120"]);
}

async fn a_bad_symbol_costs_the_others_no_list(place: Place) {
    let provider = Scripted::start(at(NOW), actions).await;
    let store = place.open().await;
    let mut symbols = names(3);
    symbols.insert(1, "BAD".to_owned());
    let lists = listed(&free(&store, &provider), &symbols).await;
    assert_eq!(provider.journal().len(), 2);
    let failed: Vec<&EventList> = lists.iter().filter(|list| list.outcome.is_err()).collect();
    assert_eq!((lists.len(), failed.len()), (8, 2));
    for list in failed {
        assert_eq!(list.instrument.symbol.as_str(), "BAD");
    }
    assert_eq!(ends(&place).await, ["refused 1", "stored 1"]);
}

async fn pages_of_lists_that_never_end_are_stopped_and_nothing_is_stored(place: Place) {
    let provider = Scripted::start(at(NOW), |_| {
        let body = json!({ "corporate_actions": {}, "next_page_token": "again" });
        Some((200, body.to_string()))
    });
    let provider = provider.await;
    let store = place.open().await;
    let lists = listed(&free(&store, &provider), &names(1)).await;
    for list in &lists {
        let (class, text) = list.outcome.as_ref().unwrap_err();
        assert_eq!(*class, ErrorClass::Malformed);
        assert!(text.contains("do not end"), "{text}");
    }
    assert_eq!(provider.journal().len(), 2);
    assert_eq!(ends(&place).await, ["failed 1", "refused 1"]);
    assert_eq!(place.sql("SELECT symbol FROM event_lists").await, [""; 0]);
}

async fn lists_that_were_cut_between_pages_are_asked_for_again(place: Place) {
    let symbols = names(40);
    let silent = Scripted::start(at(NOW), |arrived| {
        arrived
            .get("page_token")
            .is_none()
            .then(|| actions(arrived))
            .flatten()
    });
    let silent = silent.await;
    let store = place.open().await;
    let dies = tokio::spawn({
        let (pipeline, symbols) = (free(&store, &silent), symbols.clone());
        async move { listed(&pipeline, &symbols).await }
    });
    silent.asked_times(2).await;
    dies.abort();
    assert!(dies.await.unwrap_err().is_cancelled());
    drop(store);
    let provider = Scripted::start(at(NOW), actions).await;
    let store = place.open().await;
    let lists = listed(&free(&store, &provider), &symbols).await;
    assert!(lists.iter().all(|list| list.outcome.is_ok()), "{lists:?}");
    assert_eq!(provider.journal().len(), 3);
    // The page that was kept, the one in flight, and the walk from the beginning.
    assert_eq!(ends(&place).await, ["failed 1", "in_doubt 1", "stored 3"]);
    let known = place
        .sql("SELECT DISTINCT symbol FROM corporate_events")
        .await;
    assert_eq!(known.len(), symbols.len());
}

/// Daily bars and corporate actions around a split of ten for one, as the provider has them.
fn around_a_split(mut bars: serde_json::Value) -> impl Fn(&Arrived) -> Reply + Send + Sync {
    let all = bars["bars"]["TEST"].take();
    move |arrived| {
        let body = match (arrived.url.path(), arrived.get("types").as_deref()) {
            ("/v2/stocks/bars", _) => {
                let [start, end] = ["start", "end"].map(|name| at(&arrived.get(name).unwrap()));
                let is_asked = |bar: &&serde_json::Value| {
                    (start..=end).contains(&at(bar["t"].as_str().unwrap()))
                };
                let asked: Vec<_> = all.as_array().unwrap().iter().filter(is_asked).collect();
                json!({ "bars": { "TEST": asked }, "next_page_token": null }).to_string()
            }
            (ACTIONS, Some(_)) => json!({
                "corporate_actions": { "forward_splits": [{ "symbol": "TEST", "new_rate": 10,
                    "old_rate": 1, "ex_date": "2024-06-10", "process_date": "2024-06-10" }] },
                "next_page_token": null,
            })
            .to_string(),
            _ => return Some((404, String::new())),
        };
        Some((200, body))
    }
}

async fn adjusted_prices_are_those_of_the_provider_within_half_a_cent(place: Place) {
    #[derive(serde::Deserialize)]
    struct Pair {
        raw: serde_json::Value,
        split: serde_json::Value,
    }
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/fixtures/alpaca/synthetic_split_pair.json"
    );
    let Ok(pair) = std::fs::read_to_string(file) else {
        crate::support::cluster::notice("skipped: no recorded answers beside the project");
        return;
    };
    let pair: Pair = serde_json::from_str(&pair).unwrap();
    let provider = Scripted::start(at(NOW), around_a_split(pair.raw.clone())).await;
    let store = place.open().await;
    let pipeline = free(&store, &provider);
    let daily = SeriesKey {
        interval: Interval::Daily,
        ..key(&SIP, "TEST")
    };
    let before = ("2024-05-28T04:00:00Z", "2024-06-10T04:00:00Z");
    let since = ("2024-06-10T04:00:00Z", "2024-06-11T04:00:00Z");
    for days in [before, since] {
        let report = ended(&pipeline, between(std::slice::from_ref(&daily), days)).await;
        assert_eq!(report.status, RunStatus::Succeeded, "{report:?}");
        assert!(report.series[0].counts.inserted > 0, "{report:?}");
    }
    let asked = provider.journal();
    let paths: Vec<&str> = asked.iter().map(|arrived| arrived.url.path()).collect();
    let bars = "/v2/stocks/bars";
    assert_eq!(
        paths,
        [bars, ACTIONS, bars],
        "both lists are asked for in one request, once a day"
    );

    let columns = [
        "open_price",
        "high_price",
        "low_price",
        "close_price",
        "volume",
    ];
    for (view, expected, tolerance) in [
        ("stock_data", &pair.raw, 0.0),
        ("stock_data_adjusted", &pair.split, 0.005),
    ] {
        let columns = columns
            .map(|column| format!("CAST({column} AS TEXT)"))
            .join(" || ' ' || ");
        let rows = place
            .sql(&format!(
                "SELECT {columns} FROM {view} WHERE symbol = 'TEST' ORDER BY timestamp"
            ))
            .await;
        let theirs = expected["bars"]["TEST"].as_array().unwrap();
        assert_eq!(rows.len(), theirs.len(), "{view}");
        for (row, bar) in rows.iter().zip(theirs) {
            let ours: Vec<f64> = row.split(' ').map(|value| value.parse().unwrap()).collect();
            for (ours, name) in ours.iter().zip(["o", "h", "l", "c", "v"]) {
                let theirs = bar[name].as_f64().unwrap();
                assert!(
                    (ours - theirs).abs() <= tolerance,
                    "{view} {name}: {ours} for {theirs}"
                );
            }
        }
    }
}
