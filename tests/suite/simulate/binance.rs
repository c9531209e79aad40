//! Binance's dialect from the client's side of HTTP.

use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;
use reqwest::Response;
use serde_json::Value;

/// A Saturday, 20 seconds into the minute.
const NOW: &str = "2026-05-16T10:07:20Z";
const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;

async fn server(plan: Plan) -> Server {
    Server::start(Options {
        plan,
        clock: Clock::fixed(NOW.parse().unwrap()),
        ..Options::default()
    })
    .await
    .unwrap()
}

async fn get(server: &Server, path: &str) -> Response {
    let url = server.base_url_of("binance").unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client
        .get(format!("{url}/api/v3/{path}"))
        .send()
        .await
        .unwrap()
}

async fn klines(server: &Server, query: &str) -> Vec<Vec<Value>> {
    let answer = get(server, &format!("klines?{query}")).await;
    let body = answer.text().await.unwrap();
    serde_json::from_str(&body).unwrap_or_else(|_| panic!("{query}: {body}"))
}

fn millis(text: &str) -> i64 {
    text.parse::<chrono::DateTime<chrono::Utc>>()
        .unwrap()
        .timestamp_millis()
}

fn opens(rows: &[Vec<Value>]) -> Vec<i64> {
    rows.iter().map(|row| row[0].as_i64().unwrap()).collect()
}

/// A text of eight digits after the point, in units of the last.
fn units(value: &Value) -> i128 {
    let (whole, part) = value.as_str().unwrap().split_once('.').unwrap();
    assert_eq!(part.len(), 8, "{value}");
    format!("{whole}{part}").parse().unwrap()
}

#[tokio::test]
async fn a_row_has_twelve_places_oldest_first_between_both_ends() {
    let server = server(Plan::Unlimited).await;
    let start = millis("2026-05-15T00:00:00Z");
    let query = format!(
        "symbol=BTCUSDT&interval=1h&startTime={start}&endTime={}",
        start + 5 * 60 * MINUTE
    );
    let rows = klines(&server, &query).await;
    let expected: Vec<i64> = (0..6).map(|hour| start + hour * 60 * MINUTE).collect();
    assert_eq!(opens(&rows), expected);
    for row in &rows {
        assert_eq!(row.len(), 12);
        let [open, high, low, close] = [1, 2, 3, 4].map(|place| units(&row[place]));
        assert!(low <= open.min(close) && open.max(close) <= high && low > 0);
        assert_eq!(row[6], row[0].as_i64().unwrap() + 60 * MINUTE - 1);
        let worth = units(&row[5]) * low / 100_000_000;
        assert!(units(&row[7]) >= worth && units(&row[10]) < units(&row[7]));
        assert!(row[8].as_i64().unwrap() > 0 && units(&row[9]) < units(&row[5]));
        assert_eq!(row[11], "0");
    }
    // The same in microseconds, and from a moment after an opening.
    let micro = query.replace(&start.to_string(), &format!("{start}000"));
    assert_eq!(klines(&server, &micro).await, rows);
    let later = query.replace(&format!("={start}&"), &format!("={}&", start + 1));
    assert_eq!(klines(&server, &later).await, rows[1..]);
}

#[tokio::test]
async fn pages_follow_each_other_up_to_the_unfinished_row() {
    let server = server(Plan::Unlimited).await;
    let first = millis(NOW) / MINUTE * MINUTE - 2_036 * MINUTE;
    let mut seen: Vec<i64> = Vec::new();
    let mut lengths = Vec::new();
    let mut start = first;
    loop {
        let query = format!("symbol=ETHUSDT&interval=1m&startTime={start}&limit=1000");
        let rows = klines(&server, &query).await;
        lengths.push(rows.len());
        seen.extend(opens(&rows));
        start = seen.last().unwrap() + 1;
        if rows.len() < 1_000 {
            assert!(rows.last().unwrap()[6].as_i64().unwrap() > millis(NOW));
            break;
        }
    }
    assert_eq!(lengths, [1_000, 1_000, 37]);
    let expected: Vec<i64> = (0..2_037).map(|minute| first + minute * MINUTE).collect();
    assert_eq!(seen, expected);
    let newest = klines(&server, "symbol=ETHUSDT&interval=1m").await;
    assert_eq!(opens(&newest), expected[1_537..]);
    let until = format!(
        "symbol=ETHUSDT&interval=1m&limit=3&endTime={}",
        expected[100] + 1
    );
    assert_eq!(opens(&klines(&server, &until).await), expected[98..101]);
}

#[tokio::test]
async fn minutes_and_months_differ_and_weeks_begin_on_monday() {
    let server = server(Plan::Unlimited).await;
    let months = klines(&server, "symbol=BTCUSDT&interval=1M&startTime=0").await;
    let (first, newest) = (&months[0], months.last().unwrap());
    assert_eq!(first[0], millis("2017-08-01T00:00:00Z"));
    assert_eq!(first[6], millis("2017-09-01T00:00:00Z") - 1);
    assert_eq!(newest[0], millis("2026-05-01T00:00:00Z"));
    let minutes = klines(&server, "symbol=BTCUSDT&interval=1m&startTime=0&limit=2").await;
    assert_eq!(opens(&minutes)[1], millis("2017-08-17T00:01:00Z"));
    let weeks = klines(&server, "symbol=BTCUSDT&interval=1w&limit=2").await;
    assert_eq!(opens(&weeks)[1], millis("2026-05-11T00:00:00Z"));
    // The running week is the sum of its days.
    let start = opens(&weeks)[1];
    let days = klines(
        &server,
        &format!("symbol=BTCUSDT&interval=1d&startTime={start}"),
    )
    .await;
    let volume: i128 = days.iter().map(|day| units(&day[5])).sum();
    assert_eq!((days.len(), volume), (6, units(&weeks[1][5])));
}

#[tokio::test]
async fn nothing_is_there_before_listing_and_after_the_end() {
    let server = server(Plan::Unlimited).await;
    let before = format!(
        "symbol=SOLUSDT&interval=1d&startTime=0&endTime={}",
        millis("2020-08-10T00:00:00Z")
    );
    assert!(klines(&server, &before).await.is_empty());
    let first = klines(&server, "symbol=SOLUSDT&interval=1d&startTime=0&limit=1").await;
    assert_eq!(opens(&first), [millis("2020-08-11T00:00:00Z")]);
    let last = klines(&server, "symbol=LUNAUSDT&interval=1d&limit=1").await;
    assert_eq!(opens(&last), [millis("2022-05-12T00:00:00Z")]);
    let after = format!(
        "symbol=LUNAUSDT&interval=1m&startTime={}",
        millis("2022-05-13T00:00:00Z")
    );
    assert!(klines(&server, &after).await.is_empty());
}

#[tokio::test]
async fn minutes_without_a_trade_are_flat_and_those_of_a_stop_missing() {
    let server = server(Plan::Unlimited).await;
    let quiet = klines(&server, "symbol=FARMUSDT&interval=1m&limit=1000").await;
    assert_eq!(quiet.len(), 1_000);
    let (mut flat, mut busy) = (0, 0);
    for pair in quiet.windows(2) {
        if pair[1][8] == 0 {
            assert!(
                (1..=4).all(|place| pair[1][place] == pair[0][4]),
                "{pair:?}"
            );
            assert_eq!(
                (&pair[1][5], &pair[1][7]),
                (&"0.00000000".into(), &"0.00000000".into())
            );
            flat += 1;
        } else {
            busy += 1;
        }
    }
    assert!(flat > 500 && busy > 50, "{flat} {busy}");
    for (from, to) in [
        ("2018-02-08T00:28:00Z", "2018-02-09T10:00:00Z"),
        ("2019-03-12T02:00:00Z", "2019-03-12T08:00:00Z"),
        ("2020-11-30T06:00:00Z", "2020-11-30T07:00:00Z"),
    ] {
        let from = millis(from);
        let query = format!(
            "symbol=BTCUSDT&interval=1m&limit=3&startTime={}",
            from - MINUTE
        );
        let found = opens(&klines(&server, &query).await);
        let off_grid = if from == millis("2018-02-08T00:28:00Z") {
            17_000
        } else {
            0
        };
        assert_eq!(
            found,
            [from - MINUTE, millis(to) + off_grid, millis(to) + MINUTE]
        );
    }
    // A row off the grid still ends on it; the day of the long stop has its hours of trading.
    let query = format!(
        "symbol=BTCUSDT&interval=1m&limit=1&startTime={}",
        millis("2018-02-09T10:00:00Z")
    );
    let row = &klines(&server, &query).await[0];
    assert_eq!(row[6].as_i64().unwrap() - row[0].as_i64().unwrap(), 42_999);
    let day = millis("2018-02-09T00:00:00Z");
    let days = klines(
        &server,
        &format!("symbol=BTCUSDT&interval=1d&startTime={day}&limit=1"),
    )
    .await;
    let hours = format!(
        "symbol=BTCUSDT&interval=1h&startTime={day}&endTime={}",
        day + DAY - 1
    );
    let hours = klines(&server, &hours).await;
    let sum: i128 = hours.iter().map(|hour| units(&hour[5])).sum();
    assert_eq!((hours.len(), sum), (14, units(&days[0][5])));
}

#[tokio::test]
async fn the_list_has_symbols_with_their_state_and_the_limits() {
    let server = server(Plan::Unlimited).await;
    let info: Value =
        serde_json::from_str(&get(&server, "exchangeInfo").await.text().await.unwrap()).unwrap();
    let limit = &info["rateLimits"][0];
    assert_eq!(
        (&limit["rateLimitType"], &limit["limit"]),
        (&"REQUEST_WEIGHT".into(), &6_000.into())
    );
    let symbols = info["symbols"].as_array().unwrap();
    let of = |symbol: &str| symbols.iter().find(|row| row["symbol"] == symbol).unwrap();
    assert_eq!(
        (&of("BTCUSDT")["baseAsset"], &of("BTCUSDT")["quoteAsset"]),
        (&"BTC".into(), &"USDT".into())
    );
    assert_eq!(
        (&of("BTCUSDT")["status"], &of("LUNAUSDT")["status"]),
        (&"TRADING".into(), &"BREAK".into())
    );
    let one = get(&server, "exchangeInfo?symbol=BTCUSDT")
        .await
        .text()
        .await
        .unwrap();
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["symbols"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn refusals_have_codes() {
    let server = server(Plan::Unlimited).await;
    let letters =
        "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.";
    let missing = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.";
    for (query, code, text) in [
        ("symbol=NOSUCHUSDT&interval=1m", -1121, "Invalid symbol."),
        ("symbol=BTCUSDT&interval=1min", -1120, "Invalid interval."),
        ("symbol=BTCUSDT&interval=1D", -1120, "Invalid interval."),
        ("interval=1m", -1102, missing),
        ("symbol=btcusdt&interval=1m", -1100, letters),
        (
            "symbol=&interval=1m",
            -1105,
            "Parameter 'symbol' was empty.",
        ),
        (
            "symbol=BTCUSDT&interval=1m&limit=1001",
            -1130,
            "Data sent for parameter 'limit' is not valid.",
        ),
        (
            "symbol=BTCUSDT&interval=1m&limit=0",
            -1130,
            "Data sent for parameter 'limit' is not valid.",
        ),
        (
            "symbol=BTCUSDT&interval=1m&apiKey=1",
            -1103,
            "An unknown parameter was sent.",
        ),
        (
            "symbol=BTCUSDT&symbol=A&interval=1m",
            -1101,
            "Duplicate values for parameter 'symbol' detected.",
        ),
        (
            "symbol=BTCUSDT&interval=1m&startTime=2&endTime=1",
            -1128,
            "Combination of optional parameters invalid.",
        ),
    ] {
        let answer = get(&server, &format!("klines?{query}")).await;
        assert_eq!(answer.status(), 400, "{query}");
        let expected = serde_json::json!({ "code": code, "msg": text }).to_string();
        assert_eq!(answer.text().await.unwrap(), expected, "{query}");
    }
    let answer = get(&server, "ticker").await;
    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn weight_is_told_and_who_asks_on_is_banned() {
    let server = server(Plan::Free).await;
    let used = |answer: &Response| -> u32 {
        let header = |name| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-mbx-used-weight"), header("x-mbx-used-weight-1m"));
        header("x-mbx-used-weight-1m").parse().unwrap()
    };
    let answer = get(&server, "klines?symbol=BTCUSDT&interval=1d&limit=1").await;
    assert_eq!(used(&answer), 2);
    let answer = get(&server, "exchangeInfo?symbol=BTCUSDT").await;
    assert_eq!(used(&answer), 22);
    for _ in 0..298 {
        let answer = get(&server, "exchangeInfo?symbol=BTCUSDT").await;
        assert_eq!(answer.status(), 200);
    }
    let mut refused = Vec::new();
    for _ in 0..7 {
        let answer = get(&server, "exchangeInfo?symbol=BTCUSDT").await;
        let wait = answer.headers()["retry-after"].to_str().unwrap().to_owned();
        refused.push((answer.status().as_u16(), wait, answer.text().await.unwrap()));
    }
    let too_much = "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. \
        Please use WebSocket Streams for live updates to avoid polling the API.";
    let body = |text: &str| serde_json::json!({ "code": -1003, "msg": text }).to_string();
    assert_eq!(refused[0], (429, "40".to_owned(), body(too_much)));
    let banned = format!(
        "Way too much request weight used; IP banned until {}. Please use WebSocket Streams for live \
         updates to avoid bans.",
        millis(NOW) + 120_000
    );
    assert_eq!(refused[4].0, 429);
    assert_eq!(refused[5], (418, "120".to_owned(), body(&banned)));
    assert_eq!(refused[6], refused[5]);
}

#[tokio::test]
async fn some_refusals_come_on_demand_only() {
    let server = server(Plan::Unlimited).await;
    let query = "klines?symbol=BTCUSDT&interval=1d&limit=6";
    for (fault, status, start) in [
        (
            "banned",
            418,
            r#"{"code":-1003,"msg":"Way too much request weight used; IP banned until"#,
        ),
        (
            "minute",
            429,
            r#"{"code":-1003,"msg":"Too much request weight used;"#,
        ),
        (
            "location",
            451,
            r#"{"code":0,"msg":"Service unavailable from a restricted location"#,
        ),
        ("forbidden", 403, "<!DOCTYPE html>"),
        ("internal", 503, r#"{"code":-1008,"#),
        ("no-rows", 200, "[]"),
        ("bad-row", 200, "[["),
    ] {
        server.set_faults(vec![fault.parse().unwrap()]);
        let answer = get(&server, query).await;
        assert_eq!(answer.status(), status, "{fault}");
        let text = answer.text().await.unwrap();
        assert!(text.starts_with(start), "{fault}: {text}");
        assert_eq!(
            server.journal().pop().unwrap().outcome,
            format!("fault:{fault}")
        );
    }
    // What the provider has not is answered as ever.
    server.set_faults(vec!["demo-key".parse().unwrap()]);
    assert_eq!(klines(&server, &query[7..]).await.len(), 6);
    assert_eq!(server.journal().pop().unwrap().outcome, "data");
}
