//! What is beside bars: adjusted prices, corporate actions, names, assets, limits, pages that go wrong.

use pipeline_tui::simulate::Plan;
use serde_json::Value;

use super::{NIGHT, bars, get, json, number, of, server, server_at, text};

const SPLIT: &str = "split:4:1@2026-05-12 09:00,symbol=IBM";
const REVERSE: &str = "split:1:10@2026-05-05 09:00,symbol=IBM";
const DIVIDENDS: [&str; 2] = [
    "dividend:1.66@2026-05-14 09:00,symbol=IBM",
    "dividend:2.5@2026-04-30 09:00,symbol=IBM",
];

#[tokio::test]
async fn adjusted_prices_follow_from_the_raw_ones_and_the_corporate_actions() {
    let plants = [SPLIT, REVERSE, DIVIDENDS[0], DIVIDENDS[1]];
    let server = server_at(NIGHT, Plan::Unlimited, &plants).await;
    let actions = json(
        &server,
        "/v1/corporate-actions?symbols=IBM&types=forward_split,reverse_split,cash_dividend&start=2024-05-01&end=2026-07-01&limit=1000",
    )
    .await;
    let groups = &actions["corporate_actions"];
    let of_day = |group: &str, day: &str| -> Option<Value> {
        let rows = groups[group].as_array().unwrap();
        rows.iter()
            .find(|row| day.starts_with(text(row, "ex_date")))
            .cloned()
    };
    assert_eq!(groups["forward_splits"][0]["new_rate"], 4);
    assert_eq!(
        (
            &groups["reverse_splits"][0]["new_rate"],
            &groups["reverse_splits"][0]["old_rate"]
        ),
        (&1.into(), &10.into())
    );
    let rate = of_day("cash_dividends", "2026-05-14T04").unwrap();
    assert_eq!(
        (number(&rate, "rate"), text(&rate, "process_date")),
        (1.66, "2026-05-29")
    );
    let range = "timeframe=1Day&start=2024-06-01&end=2026-05-15&feed=sip";
    let raw = of(&server, "IBM", range).await;
    for (adjustment, splits, dividends) in [
        ("split", true, false),
        ("dividend", false, true),
        ("all", true, true),
        ("split,dividend", true, true),
    ] {
        let adjusted = of(&server, "IBM", &format!("{range}&adjustment={adjustment}")).await;
        assert_eq!(adjusted.len(), raw.len());
        let (mut price, mut volume) = (1.0, 1.0);
        // From the newest day back: what happened on a day changes what is before it.
        for place in (0..raw.len()).rev() {
            let (day, now) = (&raw[place], &adjusted[place]);
            for name in ["o", "h", "l", "c"] {
                let expected = number(day, name) * price;
                assert!(
                    (number(now, name) - expected).abs() <= 0.005 + 1e-9,
                    "{adjustment} {day} {now}"
                );
            }
            assert!((number(now, "v") - number(day, "v") * volume).abs() <= 0.5 + 1e-6);
            assert_eq!(now["n"], day["n"]);
            let label = text(day, "t");
            let split = of_day("forward_splits", label).or_else(|| of_day("reverse_splits", label));
            let ratio = split.map_or(1.0, |split| {
                number(&split, "new_rate") / number(&split, "old_rate")
            });
            if let Some(paid) = of_day("cash_dividends", label).filter(|_| dividends && place > 0) {
                price *= 1.0 - number(&paid, "rate") * ratio / number(&raw[place - 1], "c");
            }
            if splits {
                price /= ratio;
                volume *= ratio;
            }
        }
        assert!((price - 1.0).abs() > 0.01, "{adjustment}");
    }
}

#[tokio::test]
async fn corporate_actions_come_in_pages_by_the_day_of_their_processing() {
    let server = server_at(NIGHT, Plan::Unlimited, &[SPLIT, DIVIDENDS[0]]).await;
    let path = |range: &str| format!("/v1/corporate-actions?symbols=IBM,META&{range}");
    // The dividend of Thursday is paid, and processed, two weeks later.
    let may = json(&server, &path("start=2026-05-10&end=2026-05-16")).await;
    assert!(may["corporate_actions"]["forward_splits"].is_array());
    assert!(may["corporate_actions"].get("cash_dividends").is_none());
    let later = json(&server, &path("start=2026-05-10&end=2026-06-16")).await;
    assert_eq!(
        later["corporate_actions"]["cash_dividends"][0]["ex_date"],
        "2026-05-14"
    );
    let today = json(&server, &path("")).await;
    assert_eq!(
        today,
        serde_json::json!({ "corporate_actions": {}, "next_page_token": null })
    );
    let renamed = json(
        &server,
        &path("start=2022-01-01&end=2022-12-31&types=name_change"),
    )
    .await;
    let change = &renamed["corporate_actions"]["name_changes"][0];
    assert_eq!(
        (text(change, "old_symbol"), text(change, "new_symbol")),
        ("FB", "META")
    );
    assert_eq!(text(change, "process_date"), "2022-06-09");
    let ten_years = "start=2016-01-01&end=2026-07-01";
    let rows = |page: &Value| -> usize {
        let groups = page["corporate_actions"].as_object().unwrap().values();
        groups.map(|group| group.as_array().unwrap().len()).sum()
    };
    let whole = rows(&json(&server, &path(&format!("{ten_years}&limit=1000"))).await);
    let (mut seen, mut token, mut pages) = (0, String::new(), 0);
    loop {
        let page = json(&server, &path(&format!("{ten_years}&limit=2{token}"))).await;
        seen += rows(&page);
        pages += 1;
        let Some(next) = page["next_page_token"].as_str() else {
            break;
        };
        token = format!("&page_token={next}");
    }
    assert_eq!((seen, pages), (whole, whole.div_ceil(2)));
    assert!(whole > 2);
}

#[tokio::test]
async fn a_renamed_company_is_joined_by_asof_only() {
    let server = server().await;
    let days = async |symbol: &str, as_of: &str| -> Vec<String> {
        let query = format!("timeframe=1Day&start=2022-06-07&end=2022-06-10{as_of}");
        let bars = of(&server, symbol, &query).await;
        bars.iter()
            .map(|bar| text(bar, "t")[8..10].to_owned())
            .collect()
    };
    let all = ["07", "08", "09", "10"];
    assert_eq!(days("META", "").await, all);
    assert_eq!(days("META", "&asof=2022-06-09").await, all);
    assert_eq!(days("META", "&asof=-").await, all[2..]);
    assert_eq!(days("FB", "&asof=-").await, all[..2]);
    assert_eq!(days("FB", "&asof=2022-06-08").await, all);
    assert!(days("FB", "").await.is_empty());
}

#[tokio::test]
async fn two_hundred_a_minute_refill_all_the_time() {
    let server = server_at(NIGHT, Plan::Free, &[]).await;
    let path = "/v2/calendar?start=2026-05-15&end=2026-05-15";
    let mut left = Vec::new();
    for _ in 0..200 {
        let answer = get(&server, path).await;
        assert_eq!(answer.headers()["x-ratelimit-limit"], "200");
        assert!(answer.headers().contains_key("x-ratelimit-reset"));
        left.push(
            answer.headers()["x-ratelimit-remaining"]
                .to_str()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!((left[0].as_str(), left[199].as_str()), ("199", "0"));
    let refused = get(&server, path).await;
    assert_eq!(refused.status(), 429);
    assert!(
        refused
            .headers()
            .keys()
            .all(|name| !name.as_str().starts_with("x-ratelimit") && name != "retry-after")
    );
    assert_eq!(
        refused.text().await.unwrap(),
        r#"{"message": "too many requests."}"#
    );
}

#[tokio::test]
async fn assets_and_calendar_are_served_by_the_same_host() {
    let server = server_at(NIGHT, Plan::Unlimited, &["closed@2026-05-13"]).await;
    let active = json(&server, "/v2/assets?status=active&asset_class=us_equity").await;
    let active = active.as_array().unwrap();
    assert!(active.len() > 10_000);
    let of = |symbol: &str| active.iter().find(|row| row["symbol"] == symbol).unwrap();
    assert_eq!(
        (text(of("IBM"), "exchange"), text(of("IBM"), "class")),
        ("NYSE", "us_equity")
    );
    assert!(text(of("IBM"), "name").starts_with("International Business Machines"));
    assert_eq!(text(of("BRK.B"), "status"), "active");
    assert_eq!(text(of("META"), "id").len(), 36);
    let inactive = json(&server, "/v2/assets?status=inactive&asset_class=us_equity").await;
    assert!(
        inactive
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["status"] == "inactive")
    );
    let week = json(&server, "/v2/calendar?start=2026-05-11&end=2026-05-17").await;
    let days: Vec<&str> = week
        .as_array()
        .unwrap()
        .iter()
        .map(|day| text(day, "date"))
        .collect();
    assert_eq!(
        days,
        ["2026-05-11", "2026-05-12", "2026-05-14", "2026-05-15"]
    );
    assert_eq!(
        (
            text(&week[0], "open"),
            text(&week[0], "close"),
            text(&week[0], "session_open")
        ),
        ("09:30", "16:00", "0400")
    );
    let half = json(&server, "/v2/calendar?start=2026-11-27&end=2026-11-27").await;
    assert_eq!(text(&half[0], "close"), "13:00");
}

#[tokio::test]
async fn pages_go_wrong_on_demand() {
    let server = server().await;
    let query = "symbols=AAPL,MSFT&timeframe=1Min&start=2026-05-15T13:30:00Z&end=2026-05-15T13:34:59Z&limit=4";
    let count = |page: &Value| -> usize {
        let bars = page["bars"].as_object().unwrap().values();
        bars.map(|bars| bars.as_array().unwrap().len()).sum()
    };
    let token = |page: &Value| page["next_page_token"].as_str().unwrap().to_owned();
    let first = bars(&server, query).await;
    let second = bars(&server, &format!("{query}&page_token={}", token(&first))).await;
    let fault = |spec: &str| server.set_faults(vec![spec.parse().unwrap()]);

    fault("token-repeats@2");
    assert_eq!(bars(&server, query).await, first);
    let again = bars(&server, &format!("{query}&page_token={}", token(&first))).await;
    assert_eq!(
        (&again["bars"], token(&again)),
        (&second["bars"], token(&first))
    );

    fault("page-empty@1");
    let empty = bars(&server, query).await;
    assert_eq!((count(&empty), token(&empty)), (0, token(&first)));

    fault("page-shrinks");
    let (mut seen, mut page) = (0, bars(&server, query).await);
    assert_eq!(count(&page), 2);
    loop {
        seen += count(&page);
        let Some(next) = page["next_page_token"].as_str() else {
            break;
        };
        page = bars(&server, &format!("{query}&page_token={next}")).await;
    }
    assert_eq!(seen, 10, "a walk loses nothing by it");

    for (spec, status) in [
        ("bad-key", 401),
        ("premium", 403),
        ("burst", 429),
        ("invalid", 400),
        ("internal", 500),
    ] {
        fault(spec);
        assert_eq!(
            get(&server, &format!("/v2/stocks/bars?{query}"))
                .await
                .status(),
            status,
            "{spec}"
        );
    }
    fault("no-rows");
    assert_eq!(
        bars(&server, query).await,
        serde_json::json!({ "bars": {}, "next_page_token": null })
    );
    fault("wrong-symbol");
    let wrong = bars(&server, query).await;
    assert_eq!(
        wrong["bars"]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        ["WRONG"]
    );
    fault("invalid@1,symbol=MSFT");
    assert_eq!(
        count(&bars(&server, &query.replace("MSFT", "IBM")).await),
        4
    );
    let refused = get(&server, &format!("/v2/stocks/bars?{query}")).await;
    assert_eq!(
        refused.text().await.unwrap(),
        r#"{"message":"invalid symbol: MSFT"}"#
    );
}
