//! Several dialects on one port.

use pipeline_tui::simulate::{Dialect, Options, Plan, Server};
use reqwest::Client;

use super::{DAILY, get, options, outcomes};

#[tokio::test]
async fn only_the_named_dialects_are_spoken() {
    let server = Server::start(Options {
        dialects: vec![Dialect::Coinbase],
        ..options(Plan::Unlimited)
    });
    let server = server.await.unwrap();
    assert_eq!(get(&server, DAILY).await.unwrap().status(), 404);
    assert_eq!(server.base_url_of("alpha_vantage"), None);
    let products = server.base_url_of("coinbase").unwrap() + "/products";
    let answer = reqwest::get(&products).await.unwrap();
    assert_eq!(answer.status(), 200);
    let other = reqwest::get(products.replace("/coinbase", "/coinbases"))
        .await
        .unwrap();
    assert_eq!(other.text().await.unwrap(), "try GET /coinbase\n");
    let journal = server.journal();
    let seen: Vec<_> = journal
        .iter()
        .map(|entry| (entry.dialect, entry.path.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (Some(Dialect::AlphaVantage), "/query"),
            (Some(Dialect::Coinbase), "/coinbase/products"),
            (None, "/coinbases/products"),
        ]
    );
}

#[tokio::test]
async fn one_dialect_fails_while_the_others_answer() {
    let server = Server::start(Options {
        plants: vec![
            "outage@2026-05-15 21:00..2026-05-15 23:00,dialect=coinbase"
                .parse()
                .unwrap(),
        ],
        faults: vec![
            "minute,dialect=binance".parse().unwrap(),
            "reset@1,symbol=IBM,dialect=alpaca".parse().unwrap(),
        ],
        ..options(Plan::Unlimited)
    });
    let server = server.await.unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let ask = async |dialect: &str, path: &str| {
        let url = server.base_url_of(dialect).unwrap();
        let request = client.get(format!("{url}{path}"));
        let request = request
            .header("APCA-API-KEY-ID", "PK1")
            .header("APCA-API-SECRET-KEY", "S");
        request
            .send()
            .await
            .map(|answer| answer.status().as_u16())
            .unwrap_or_default()
    };
    let bars = "/v2/stocks/bars?timeframe=1Day&symbols=";
    assert!([0, 503].contains(&ask("coinbase", "/products").await));
    assert_eq!(ask("binance", "/api/v3/exchangeInfo").await, 429);
    assert_eq!(ask("alpaca", &format!("{bars}AAPL")).await, 200);
    assert_eq!(ask("alpaca", &format!("{bars}AAPL,IBM")).await, 0);
    assert_eq!(ask("alpaca", &format!("{bars}IBM")).await, 200);
    assert_eq!(get(&server, DAILY).await.unwrap().status(), 200);
    let expected = [
        "outage",
        "fault:minute",
        "data",
        "fault:reset",
        "data",
        "data",
    ];
    assert_eq!(outcomes(&server), expected);
}
