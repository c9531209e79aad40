//! Coinbase's dialect from the client's side of HTTP.

use std::collections::BTreeMap;

use pipeline_tui::simulate::{Options, Plan, Plant, Server};
use pipeline_tui::time::Clock;
use serde_json::Value;

/// A Saturday, 20 seconds into the minute.
const NOW: &str = "2026-05-16T10:07:20Z";

async fn server(plan: Plan, plants: &[&str]) -> Server {
    let plants = plants.iter().map(|plant| plant.parse::<Plant>().unwrap());
    Server::start(Options {
        plan,
        plants: plants.collect(),
        clock: Clock::fixed(NOW.parse().unwrap()),
        ..Options::default()
    })
    .await
    .unwrap()
}

async fn get(server: &Server, path: &str) -> (u16, String) {
    let url = server.base_url_of("coinbase").unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("{url}{path}")).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Rows as texts, in the order in which they came: time, low, high, open, close, volume.
fn rows(body: &str) -> Vec<Vec<String>> {
    let body = body
        .strip_prefix('[')
        .and_then(|body| body.strip_suffix(']'))
        .unwrap();
    let rows = body.split("],").filter(|row| !row.is_empty());
    rows.map(|row| {
        let row = row.trim_matches(['[', ']']);
        row.split(',').map(str::to_owned).collect()
    })
    .collect()
}

async fn candles(
    server: &Server,
    product: &str,
    length: i64,
    window: (&str, &str),
) -> Vec<Vec<String>> {
    let (start, end) = window;
    let path = format!("/products/{product}/candles?granularity={length}&start={start}&end={end}");
    let (status, body) = get(server, &path).await;
    assert_eq!(status, 200, "{body}");
    rows(&body)
}

fn second(text: &str) -> i64 {
    text.parse::<chrono::DateTime<chrono::Utc>>()
        .unwrap()
        .timestamp()
}

fn time(row: &[String]) -> i64 {
    row[0].parse().unwrap()
}

/// A decimal in units of the eighth digit after the point.
fn units(text: &str) -> i128 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    assert!(
        part.len() <= 8 && !part.ends_with('0') && !text.ends_with('.'),
        "{text}"
    );
    format!("{whole}{part:0<8}").parse().unwrap()
}

#[tokio::test]
async fn candles_are_numbers_newest_first_with_both_ends() {
    let server = server(Plan::Unlimited, &[]).await;
    let window = ("2026-05-15T00:00:00Z", "2026-05-15T05:00:00Z");
    let hours = candles(&server, "BTC-USD", 3_600, window).await;
    let within: Vec<i64> = hours
        .iter()
        .map(|row| time(row))
        .filter(|at| *at >= second(window.0))
        .collect();
    let expected: Vec<i64> = (0..6)
        .rev()
        .map(|hour| second(window.0) + hour * 3_600)
        .collect();
    assert_eq!(within, expected);
    for row in &hours {
        let [low, high, open, close, volume] = [1, 2, 3, 4, 5].map(|field| units(&row[field]));
        assert!(
            low <= open.min(close) && open.max(close) <= high && volume > 0,
            "{row:?}"
        );
    }
    let fractional = hours.iter().any(|row| {
        row[5]
            .split_once('.')
            .is_some_and(|(_, part)| part.len() == 8)
    });
    assert!(fractional, "{hours:?}");
    let again = candles(&server, "BTC-USD", 3_600, window).await;
    assert_eq!(again, hours);
}

#[tokio::test]
async fn a_long_candle_is_the_sum_of_the_minutes() {
    let server = server(
        Plan::Unlimited,
        &["halt@2026-05-14 21:00..2026-05-14 23:30,symbol=BTC-USD"],
    )
    .await;
    // A halt in New York's time is 01:00 to 03:30 of the next day here.
    let day = second("2026-05-15T00:00:00Z");
    let mut minutes: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for part in 0..6 {
        let at = |second: i64| (day + part * 14_400 + second).to_string();
        let rows = candles(&server, "BTC-USD", 60, (&at(0), &at(14_340))).await;
        let rows = rows.into_iter().filter(|row| time(row) >= day);
        minutes.extend(rows.map(|row| (time(&row), row)));
    }
    assert_eq!(minutes.len(), 1_440 - 150);
    let ends = (day.to_string(), (day + 86_400 - 60).to_string());
    for length in [300, 900, 3_600, 21_600, 86_400] {
        let from = (day + 86_400 - length.max(21_600)).to_string();
        for row in candles(&server, "BTC-USD", length, (&from, &ends.1)).await {
            if time(&row) < day {
                continue;
            }
            let (start, field) = (time(&row), |row: &[String], field: usize| {
                units(&row[field])
            });
            let mut parts = minutes
                .range(start..start + length)
                .map(|(_, row)| row.as_slice());
            let first = parts.next().unwrap();
            let sum = parts.fold(
                [1, 2, 3, 4, 5].map(|place| field(first, place)),
                |sum, part| {
                    [
                        sum[0].min(field(part, 1)),
                        sum[1].max(field(part, 2)),
                        sum[2],
                        field(part, 4),
                        sum[4] + field(part, 5),
                    ]
                },
            );
            assert_eq!(
                [1, 2, 3, 4, 5].map(|place| field(&row, place)),
                sum,
                "{length}"
            );
        }
    }
}

#[tokio::test]
async fn the_running_candle_is_in_the_answer_and_nothing_later() {
    let server = server(Plan::Unlimited, &[]).await;
    let newest = candles(
        &server,
        "BTC-USD",
        3_600,
        ("2026-05-16T08:00:00Z", "2026-05-16T20:00:00Z"),
    )
    .await;
    assert_eq!(time(&newest[0]), second("2026-05-16T10:00:00Z"));
    // Without one of the ends the newest are given, whatever the other says.
    let path = "/products/BTC-USD/candles?granularity=60&start=2020-01-01T00:00:00Z";
    let (_, body) = get(&server, path).await;
    let minutes = rows(&body);
    assert_eq!(minutes.len(), 300);
    assert_eq!(time(&minutes[0]), second("2026-05-16T10:07:00Z"));
    let hour: Vec<_> = minutes.iter().take(8).map(|row| units(&row[5])).collect();
    assert_eq!(hour.iter().sum::<i128>(), units(&newest[0][5]));
    let later = candles(
        &server,
        "BTC-USD",
        60,
        ("2026-05-17T00:00:00Z", "2026-05-17T01:00:00Z"),
    )
    .await;
    assert_eq!(later, Vec::<Vec<String>>::new());
}

#[tokio::test]
async fn now_and_then_an_answer_begins_before_the_start() {
    let server = server(Plan::Unlimited, &[]).await;
    let (mut early, mut punctual) = (0, 0);
    for day in 1..=28 {
        let start = format!("2026-02-{day:02}T00:00:00Z");
        let rows = candles(
            &server,
            "ETH-USD",
            900,
            (&start, &format!("2026-02-{day:02}T06:00:00Z")),
        )
        .await;
        let before = rows.iter().filter(|row| time(row) < second(&start)).count();
        assert!(before <= 2 && rows.len() == 25 + before, "{before}");
        *if before > 0 {
            &mut early
        } else {
            &mut punctual
        } += 1;
    }
    assert!(early > 3 && punctual > 3, "{early} {punctual}");
}

#[tokio::test]
async fn minutes_without_a_trade_are_left_out() {
    let server = server(Plan::Unlimited, &[]).await;
    let window = ("2026-05-15T00:00:00Z", "2026-05-15T05:00:00Z");
    let quiet = candles(&server, "FARM-USD", 60, window).await;
    assert!((5..150).contains(&quiet.len()), "{}", quiet.len());
    assert!(quiet.iter().all(|row| units(&row[5]) > 0));
    let busy = candles(&server, "BTC-USD", 60, window).await;
    assert!(busy.len() >= 301);
}

#[tokio::test]
async fn histories_begin_and_end_with_their_products() {
    let server = server(Plan::Unlimited, &[]).await;
    let days = |product: &'static str, from: &'static str, to: &'static str| {
        let server = &server;
        async move {
            let rows = candles(server, product, 86_400, (from, to)).await;
            rows.iter().map(|row| time(row)).collect::<Vec<_>>()
        }
    };
    let first = days("BTC-USD", "2015-07-01T00:00:00Z", "2015-08-01T00:00:00Z").await;
    assert_eq!(
        (first.len(), first.last().copied()),
        (13, Some(second("2015-07-20T00:00:00Z")))
    );
    let before = days("BTC-USD", "2015-01-01T00:00:00Z", "2015-06-01T00:00:00Z").await;
    assert!(before.is_empty());
    let newest = days("LUNA-USD", "2022-05-01T00:00:00Z", "2022-07-01T00:00:00Z").await;
    assert_eq!(newest[0], second("2022-05-26T00:00:00Z"));
    let (_, list) = get(&server, "/products").await;
    let list: Vec<Value> = serde_json::from_str(&list).unwrap();
    let of = |id: &str| list.iter().find(|product| product["id"] == id).unwrap();
    let bitcoin = of("BTC-USD");
    assert_eq!(
        (&bitcoin["base_currency"], &bitcoin["quote_currency"]),
        (&"BTC".into(), &"USD".into())
    );
    assert_eq!(
        (&bitcoin["status"], &bitcoin["trading_disabled"]),
        (&"online".into(), &false.into())
    );
    assert_eq!(bitcoin["display_name"], "BTC/USD");
    assert_eq!(of("LUNA-USD")["status"], "delisted");
    assert_eq!(of("LUNA-USD")["trading_disabled"], true);
    assert!(list.len() > 12);
}

#[tokio::test]
async fn refusals_are_the_recorded_ones() {
    let server = server(Plan::Unlimited, &[]).await;
    let candles = "/products/BTC-USD/candles";
    let hour = "start=2026-05-15T00:00:00Z&end=2026-05-15T05:00:00Z";
    let too_many = "granularity too small for the requested time range. Count of aggregations requested exceeds 300";
    for (path, status, text) in [
        ("/products/NOSUCH-USD/candles".to_owned(), 404, "NotFound"),
        ("/prices".to_owned(), 404, "NotFound"),
        (
            format!("{candles}?granularity=1800&{hour}"),
            400,
            "Unsupported granularity",
        ),
        (
            format!("{candles}?granularity=x&{hour}"),
            400,
            "Unsupported granularity",
        ),
        (
            format!("{candles}?granularity=60&start=2026-05-15T00:00:00Z&end=2026-05-15T05:01:00Z"),
            400,
            too_many,
        ),
        (
            format!("{candles}?start=yesterday&end=2026-05-15"),
            400,
            "Invalid start",
        ),
        (
            format!("{candles}?start=2026-05-15&end=2026-05-14"),
            400,
            "start must be before end",
        ),
    ] {
        let expected = serde_json::json!({ "message": text }).to_string();
        assert_eq!(get(&server, &path).await, (status, expected), "{path}");
    }
    // 301 candles are still accepted.
    let (status, _) = get(&server, &format!("{candles}?granularity=60&{hour}")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn more_than_fifteen_at_once_are_refused_without_a_header() {
    let server = server(Plan::Free, &[]).await;
    let url = server.base_url_of("coinbase").unwrap() + "/products";
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..15 {
        assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
    }
    let refused = client.get(&url).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert!(!refused.headers().contains_key("retry-after"));
    let text = refused.text().await.unwrap();
    assert_eq!(text, r#"{"message":"Public rate limit exceeded"}"#);
    let outcomes: Vec<_> = server
        .journal()
        .into_iter()
        .map(|entry| entry.outcome)
        .collect();
    assert_eq!(outcomes[14..], ["data", "burst"]);
    // The other dialects have limits of their own.
    let other = format!(
        "{}?function=TIME_SERIES_DAILY&symbol=IBM&apikey=k",
        server.base_url()
    );
    assert!(
        client
            .get(other)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .contains("Meta Data")
    );
}
