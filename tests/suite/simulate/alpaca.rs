//! Alpaca's dialect from the client's side of HTTP: bars. The rest is in `rest`.

mod rest;

use std::collections::BTreeMap;

use pipeline_tui::simulate::{Options, Plan, Plant, Server};
use pipeline_tui::time::Clock;
use reqwest::{Client, Response};
use serde_json::Value;

/// Saturday, 2026-05-16 02:00 UTC: Friday's trading ended two hours before.
const NIGHT: &str = "2026-05-16T02:00:00Z";
/// The Thursday before in the middle of the session.
const NOON: &str = "2026-05-14T16:00:30Z";

async fn server_at(now: &str, plan: Plan, plants: &[&str]) -> Server {
    let plants = plants.iter().map(|plant| plant.parse::<Plant>().unwrap());
    Server::start(Options {
        plan,
        plants: plants.collect(),
        clock: Clock::fixed(now.parse().unwrap()),
        ..Options::default()
    })
    .await
    .unwrap()
}

async fn server() -> Server {
    server_at(NIGHT, Plan::Unlimited, &[]).await
}

async fn with_key(server: &Server, path: &str, key: &[(&str, &str)]) -> Response {
    let url = server.base_url_of("alpaca").unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let request = key.iter().fold(
        client.get(format!("{url}{path}")),
        |request, (name, value)| request.header(*name, *value),
    );
    request.send().await.unwrap()
}

async fn get(server: &Server, path: &str) -> Response {
    let key = [
        ("APCA-API-KEY-ID", "PKTEST"),
        ("APCA-API-SECRET-KEY", "HIDDEN"),
    ];
    with_key(server, path, &key).await
}

async fn json(server: &Server, path: &str) -> Value {
    let answer = get(server, path).await;
    let (status, body) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

async fn bars(server: &Server, query: &str) -> Value {
    json(server, &format!("/v2/stocks/bars?{query}")).await
}

/// The bars of one symbol.
async fn of(server: &Server, symbol: &str, query: &str) -> Vec<Value> {
    let query = format!("symbols={symbol}&limit=10000&{query}");
    let page = bars(server, &query).await;
    assert!(page["next_page_token"].is_null(), "{query}");
    page["bars"][symbol].as_array().cloned().unwrap_or_default()
}

fn text<'a>(bar: &'a Value, name: &str) -> &'a str {
    bar[name].as_str().unwrap()
}

fn number(bar: &Value, name: &str) -> f64 {
    bar[name].as_f64().unwrap()
}

const SESSION: &str = "start=2026-05-15T13:30:00Z&end=2026-05-15T19:59:59.999Z";

#[tokio::test]
async fn a_key_is_two_headers() {
    let server = server().await;
    let (id, secret) = (
        ("APCA-API-KEY-ID", "AK0"),
        ("APCA-API-SECRET-KEY", "HIDDEN1"),
    );
    let query = format!("/v2/stocks/bars?symbols=IBM&timeframe=1Day&{SESSION}&feed=sip");
    for key in [
        vec![],
        vec![id],
        vec![secret],
        vec![("APCA-API-KEY-ID", "HIDDEN2"), secret],
        vec![id, ("APCA-API-SECRET-KEY", "")],
    ] {
        let answer = with_key(&server, &query, &key).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (401, &"text/html".parse().unwrap())
        );
        let body = answer.text().await.unwrap();
        assert!(
            body.contains("<center><h1>401 Authorization Required</h1></center>"),
            "{body}"
        );
    }
    assert_eq!(with_key(&server, &query, &[id, secret]).await.status(), 200);
    let journal = server.journal();
    assert!(!format!("{journal:?}").contains("HIDDEN"));
    assert_eq!(
        (journal[0].outcome.as_str(), journal[5].outcome.as_str()),
        ("bad-key", "data")
    );
}

#[tokio::test]
async fn the_end_is_inclusive_and_extended_hours_are_always_there() {
    let server = server().await;
    assert_eq!(
        of(&server, "AAPL", &format!("timeframe=1Min&{SESSION}"))
            .await
            .len(),
        390
    );
    let ends = "timeframe=1Min&start=2026-05-15T13:30:00Z&end=2026-05-15T20:00:00Z";
    assert_eq!(of(&server, "AAPL", ends).await.len(), 391);
    let day = "timeframe=1Min&start=2026-05-15T00:00:00Z&end=2026-05-15T23:59:59Z";
    let minutes = of(&server, "AAPL", day).await;
    assert_eq!(text(&minutes[0], "t"), "2026-05-15T08:00:00Z");
    assert_eq!(text(minutes.last().unwrap(), "t"), "2026-05-15T23:59:00Z");
    let half = server_at("2026-11-28T02:00:00Z", Plan::Unlimited, &[]).await;
    let half = of(
        &half,
        "AAPL",
        "timeframe=1Min&start=2026-11-27T14:30:00Z&end=2026-11-27T17:59:59Z",
    )
    .await;
    assert_eq!(half.len(), 210);
}

#[tokio::test]
async fn pages_count_the_bars_of_all_symbols() {
    let server = server().await;
    let query =
        "symbols=MSFT,AAPL&timeframe=1Min&start=2026-05-15T13:30:00Z&end=2026-05-15T13:34:59Z";
    let whole = bars(&server, query).await;
    assert!(whole.as_object().unwrap().contains_key("next_page_token"));
    for limit in [3, 4, 5, 10] {
        let mut seen: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let (mut token, mut pages) = (String::new(), 0);
        loop {
            let page = bars(&server, &format!("{query}&limit={limit}{token}")).await;
            let mut count = 0;
            for (symbol, bars) in page["bars"].as_object().unwrap() {
                let bars = bars.as_array().unwrap();
                count += bars.len();
                seen.entry(symbol.clone())
                    .or_default()
                    .extend(bars.iter().cloned());
            }
            pages += 1;
            assert!(count <= limit);
            let Some(next) = page["next_page_token"].as_str() else {
                assert!(page["next_page_token"].is_null());
                break;
            };
            assert_eq!(count, limit);
            token = format!("&page_token={next}");
        }
        assert_eq!(
            pages,
            10_usize.div_ceil(limit),
            "a full last page ends with null"
        );
        assert_eq!(serde_json::to_value(seen).unwrap(), whole["bars"]);
    }
    let wrong = get(
        &server,
        &format!("/v2/stocks/bars?{query}&page_token=undefined"),
    )
    .await;
    assert_eq!(wrong.status(), 400);
}

#[tokio::test]
async fn longer_bars_are_made_of_the_minutes_of_clock_hours() {
    let server = server().await;
    for feed in ["sip", "iex"] {
        let day = format!("start=2026-05-15T04:00:00Z&end=2026-05-15T23:59:59Z&feed={feed}");
        let minutes = of(&server, "MSFT", &format!("timeframe=1Min&{day}")).await;
        for (timeframe, length) in [("5Min", 5), ("15Min", 15), ("30Min", 30), ("1Hour", 60)] {
            let mut sums: Vec<Value> = Vec::new();
            for minute in &minutes {
                let at = text(minute, "t")
                    .parse::<chrono::DateTime<chrono::Utc>>()
                    .unwrap()
                    .timestamp();
                let label = chrono::DateTime::from_timestamp(at - at % (length * 60), 0).unwrap();
                let label = label.format("%Y-%m-%dT%H:%M:%SZ").to_string();
                match sums.last_mut() {
                    Some(sum) if sum["t"] == *label => {
                        let count = |name: &str| {
                            sum[name].as_i64().unwrap() + minute[name].as_i64().unwrap()
                        };
                        let (volume, trades) = (count("v"), count("n"));
                        let (high, low) = (
                            number(sum, "h").max(number(minute, "h")),
                            number(sum, "l").min(number(minute, "l")),
                        );
                        *sum = serde_json::json!({
                            "t": label, "o": number(sum, "o"), "h": high, "l": low,
                            "c": number(minute, "c"), "v": volume, "n": trades,
                        });
                    }
                    _ => {
                        sums.push(serde_json::json!({
                            "t": label, "o": number(minute, "o"), "h": number(minute, "h"),
                            "l": number(minute, "l"), "c": number(minute, "c"),
                            "v": minute["v"], "n": minute["n"],
                        }));
                    }
                }
            }
            let bars = of(&server, "MSFT", &format!("timeframe={timeframe}&{day}")).await;
            assert_eq!(bars.len(), sums.len(), "{timeframe}");
            for (bar, sum) in bars.iter().zip(&sums) {
                let same = ["o", "h", "l", "c"]
                    .iter()
                    .all(|name| number(bar, name).to_bits() == number(sum, name).to_bits());
                assert!(
                    same && ["t", "v", "n"].iter().all(|name| bar[name] == sum[name]),
                    "{bar} {sum}"
                );
                assert!(
                    (number(bar, "l")..=number(bar, "h")).contains(&number(bar, "vw")),
                    "{bar}"
                );
            }
        }
    }
}

#[tokio::test]
async fn days_begin_at_midnight_in_new_york_and_weeks_on_monday() {
    let server = server().await;
    let labels = async |timeframe: &str, range: &str| -> Vec<String> {
        let bars = of(&server, "IBM", &format!("timeframe={timeframe}&{range}")).await;
        bars.iter().map(|bar| text(bar, "t").to_owned()).collect()
    };
    let change = labels("1Day", "start=2026-03-06&end=2026-03-10").await;
    assert_eq!(
        change,
        [
            "2026-03-06T05:00:00Z",
            "2026-03-09T04:00:00Z",
            "2026-03-10T04:00:00Z"
        ]
    );
    let weeks = labels("1Week", "start=2026-02-09&end=2026-02-20").await;
    assert_eq!(
        weeks,
        ["2026-02-09T05:00:00Z", "2026-02-16T05:00:00Z"],
        "a holiday is Monday too"
    );
    let months = labels("1Month", "start=2026-02-01&end=2026-05-15").await;
    assert_eq!(months[0], "2026-02-01T05:00:00Z");
    assert_eq!(months[3], "2026-05-01T04:00:00Z");
    assert_eq!(
        labels("1Day", "start=2015-01-01&end=2015-12-31").await,
        Vec::<String>::new()
    );
    let first = labels("1Day", "start=2015-12-01&end=2016-01-05").await;
    assert_eq!(first[0], "2016-01-04T05:00:00Z");
    let first = labels("1Day", "feed=iex&start=2020-07-01&end=2020-07-28").await;
    assert_eq!(first[0], "2020-07-27T04:00:00Z");
}

#[tokio::test]
async fn the_market_is_the_same_as_in_the_other_dialects() {
    let server = server().await;
    let days = of(
        &server,
        "IBM",
        "timeframe=1Day&start=2026-05-11&end=2026-05-15",
    )
    .await;
    let url = format!(
        "{}?function=TIME_SERIES_DAILY&symbol=IBM&apikey=k&datatype=csv",
        server.base_url()
    );
    let csv = reqwest::get(url).await.unwrap().text().await.unwrap();
    let rows: Vec<Vec<&str>> = csv
        .lines()
        .skip(1)
        .take(5)
        .map(|row| row.split(',').collect())
        .collect();
    for (day, row) in days.iter().rev().zip(rows) {
        assert!(text(day, "t").starts_with(row[0]));
        for (name, field) in [("o", 1), ("h", 2), ("l", 3), ("c", 4), ("v", 5)] {
            assert!((number(day, name) - row[field].parse::<f64>().unwrap()).abs() < 1e-9);
        }
    }
}

#[tokio::test]
async fn a_free_plan_does_not_see_the_last_fifteen_minutes_of_the_consolidated_tape() {
    let server = server_at(NOON, Plan::Free, &[]).await;
    let ask = async |more: &str| {
        let path = format!("/v2/stocks/bars?symbols=IBM&start=2026-05-14T14:00:00Z{more}");
        let answer = get(&server, &path).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let recent = (
        403,
        r#"{"message":"subscription does not permit querying recent SIP data"}"#.to_owned(),
    );
    for more in [
        "&timeframe=1Min",
        "&timeframe=1Min&feed=sip",
        "&timeframe=1Day&feed=sip&end=2026-05-14T15:45:31Z",
        "&timeframe=1Min&feed=sip&end=2026-05-15T00:00:00Z",
    ] {
        assert_eq!(ask(more).await, recent, "{more}");
    }
    for more in [
        "&timeframe=1Min&feed=sip&end=2026-05-14T15:45:30Z",
        "&timeframe=1Min&feed=iex",
        "&timeframe=1Day&feed=iex&end=2026-05-14T16:00:00Z",
    ] {
        assert_eq!(ask(more).await.0, 200, "{more}");
    }
    let paid = server_at(NOON, Plan::Premium, &[]).await;
    let minutes = of(
        &paid,
        "AAPL",
        "timeframe=1Min&feed=sip&start=2026-05-14T15:50:00Z",
    )
    .await;
    assert_eq!(
        text(minutes.last().unwrap(), "t"),
        "2026-05-14T15:59:00Z",
        "a minute is there once it is over"
    );
}

#[tokio::test]
async fn what_a_free_plan_sees_does_not_change_any_more() {
    let (fresh, later) = (server_at(NOON, Plan::Free, &[]).await, server().await);
    let query = "timeframe=1Min&start=2026-05-14T15:00:00Z&end=2026-05-14T15:44:59Z";
    assert_eq!(
        of(&fresh, "AAPL", query).await,
        of(&later, "AAPL", query).await
    );
}

#[tokio::test]
async fn another_feed_is_another_series() {
    let server = server().await;
    let day = "start=2026-05-15T13:30:00Z&end=2026-05-15T19:59:59Z&timeframe=1Min";
    for (symbol, is_thin) in [("AAPL", false), ("IBM", true)] {
        let all = of(&server, symbol, &format!("{day}&feed=sip")).await;
        let some = of(&server, symbol, &format!("{day}&feed=iex")).await;
        let volume = |bars: &[Value]| bars.iter().map(|bar| number(bar, "v")).sum::<f64>();
        let part = volume(&some) / volume(&all);
        assert!((0.01..0.05).contains(&part), "{symbol} {part}");
        assert_eq!(some.len() < all.len(), is_thin, "{symbol} {}", some.len());
    }
}

#[tokio::test]
async fn what_has_no_bars_is_absent() {
    let server = server().await;
    let page = bars(
        &server,
        &format!(
            "symbols=NOSUCH,IBM,UNKNOWN&timeframe=1Day&feed=sip&{}",
            "start=2026-05-15&end=2026-05-15"
        ),
    )
    .await;
    assert_eq!(
        page["bars"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["IBM"]
    );
    for range in [
        "start=2026-05-09&end=2026-05-10",
        "start=2014-01-01&end=2014-12-31",
    ] {
        let path = format!("/v2/stocks/bars?symbols=IBM&timeframe=1Day&{range}");
        let body = get(&server, &path).await.text().await.unwrap();
        assert_eq!(body, r#"{"bars":{},"next_page_token":null}"#);
    }
}

#[tokio::test]
async fn refusals_are_the_recorded_ones() {
    let server = server().await;
    let base = "symbols=IBM&timeframe=1Day";
    let no_date = "Invalid format for parameter start: error parsing 'not-a-date' as RFC3339 or 2006-01-02 time: \
        parsing time \"not-a-date\" as \"2006-01-02\": cannot parse \"not-a-date\" as \"2006\"";
    for (query, expected) in [
        (
            "symbols=IBM,CSP1,AAPL&timeframe=1Day".to_owned(),
            "invalid symbol: CSP1",
        ),
        (
            "symbols=ibm&timeframe=1Day".to_owned(),
            "invalid symbol: ibm",
        ),
        (
            "symbols=IBM&timeframe=3Fortnight".to_owned(),
            "invalid timeframe: 3Fortnight",
        ),
        (
            "symbols=IBM&timeframe=60Min".to_owned(),
            "invalid timeframe: 60Min",
        ),
        (
            format!("{base}&start=2026-05-02&end=2026-05-01"),
            "end should not be before start",
        ),
        (format!("{base}&start=not-a-date"), no_date),
        (
            "timeframe=1Day".to_owned(),
            "Invalid format for parameter symbols: query parameter 'symbols' is required",
        ),
        (format!("{base}&limit=10001"), "invalid limit: 10001"),
        (format!("{base}&feed=tape"), "invalid feed: tape"),
        (
            format!("{base}&adjustment=both"),
            "invalid adjustment: both",
        ),
    ] {
        let answer = get(&server, &format!("/v2/stocks/bars?{query}")).await;
        assert_eq!(answer.status(), 400, "{query}");
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(body["message"], expected, "{query}");
    }
    assert_eq!(get(&server, "/v2/stocks/trades").await.status(), 404);
}
