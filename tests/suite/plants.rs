//! What is planted in the simulated market, from the client's side of HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::America::New_York;
use pipeline_tui::model::Interval;
use pipeline_tui::simulate::{Options, Plan, Plant, Server, Why, Witness};
use pipeline_tui::time::Clock;
use reqwest::Client;

use crate::support::program::{Desk, Done};

/// A Saturday at 07:00 in New York: everything about Friday is settled.
const MORNING: &str = "2026-11-21T12:00:00Z";
/// The Friday before at 23:00.
const NIGHT: &str = "2026-11-21T04:00:00Z";

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn planted(plants: &[&str], now: &str, plan: Plan) -> Server {
    let plants = plants.iter().map(|plant| plant.parse::<Plant>().unwrap());
    Server::start(Options {
        plants: plants.collect(),
        plan,
        clock: Clock::fixed(utc(now)),
        ..Options::default()
    })
    .await
    .unwrap()
}

async fn ask(server: &Server, query: &str) -> reqwest::Result<(u16, String)> {
    let client = Client::builder().no_proxy().build().unwrap();
    let url = format!("{}?{query}&apikey=k", server.base_url());
    let answer = client.get(url).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

/// The rows of an answer in CSV by their labels: the other fields.
type Rows = BTreeMap<String, Vec<String>>;

/// The rows that a provider with these plants serves at an instant.
async fn rows(plants: &[&str], now: &str, query: &str) -> Rows {
    let server = planted(plants, now, Plan::Unlimited).await;
    rows_of(&server, query).await
}

async fn rows_of(server: &Server, query: &str) -> Rows {
    let (_, body) = ask(server, &format!("{query}&datatype=csv")).await.unwrap();
    assert!(!body.starts_with('{'), "{query}: {body}");
    let rows = body.lines().skip(1).map(|line| {
        let (label, fields) = line.split_once(',').unwrap();
        let fields = fields.split(',').map(str::to_owned).collect();
        (label.to_owned(), fields)
    });
    rows.collect()
}

fn intraday(symbol: &str, minutes: u32, more: &str) -> String {
    format!(
        "function=TIME_SERIES_INTRADAY&symbol={symbol}&interval={minutes}min&adjusted=false&outputsize=full{more}"
    )
}

fn daily(symbol: &str) -> String {
    format!("function=TIME_SERIES_DAILY&symbol={symbol}&outputsize=full")
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

fn near(one: f64, other: f64, within: f64) -> bool {
    (one - other).abs() <= within
}

#[tokio::test]
async fn nothing_trades_on_a_holiday_or_after_one_on_a_half_day() {
    let monday = "2026-11-30T23:00:00Z";
    let regular = intraday("IBM", 5, "&month=2026-11&extended_hours=false");
    let bars = rows(&[], monday, &regular).await;
    let of = |day: &str| -> Vec<&String> {
        bars.keys().filter(|label| label.starts_with(day)).collect()
    };
    assert_eq!(of("2026-11-25").len(), 78);
    assert_eq!(of("2026-11-26").len(), 0);
    assert_eq!(of("2026-11-27").len(), 42);
    assert_eq!(*of("2026-11-27")[41], "2026-11-27 12:55:00");
    let days = rows(&[], monday, &daily("IBM")).await;
    let newest: Vec<&String> = days.keys().rev().take(3).collect();
    assert_eq!(newest, ["2026-11-30", "2026-11-27", "2026-11-25"]);
    for closed in ["2012-10-29", "2025-01-09", "2001-09-11"] {
        assert!(!days.contains_key(closed), "{closed}");
    }
}

#[tokio::test]
async fn the_exchange_may_trade_on_a_holiday_unlike_its_calendar() {
    let plants = ["open@2026-11-26"];
    let days = rows(&plants, "2026-11-30T23:00:00Z", &daily("IBM")).await;
    let newest: Vec<&String> = days.keys().rev().take(3).collect();
    assert_eq!(newest, ["2026-11-30", "2026-11-27", "2026-11-26"]);
    let server = planted(&plants, "2026-11-30T23:00:00Z", Plan::Unlimited).await;
    let week = utc("2026-11-25T05:00:00Z")..utc("2026-11-28T05:00:00Z");
    let expected = Witness::expected(Interval::Daily, true, &week);
    assert_eq!(expected.len(), 2, "nobody expects it");
    let found = server
        .witness()
        .planted("IBM", Interval::Daily, true, &week);
    assert_eq!(found, []);
}

const SPLIT: &str = "split:4:1@2026-11-20 09:34,symbol=IBM";
const DIVIDEND: &str = "dividend:1.66@2026-11-19 09:00,symbol=IBM";
const BEFORE: &str = "2026-11-20T14:33:00Z";
const AFTER: &str = "2026-11-20T14:35:00Z";

#[tokio::test]
async fn a_split_restates_every_adjusted_price_at_its_instant_and_no_raw_one() {
    let at = async |now, query: &str| rows(&[SPLIT], now, query).await;
    let raw = intraday("IBM", 5, "");
    let (mut before, after) = (at(BEFORE, &raw).await, at(AFTER, &raw).await);
    // The bars of the last minutes still change by themselves.
    before.retain(|label, _| label.as_str() < "2026-11-20 09:00:00");
    assert!(before.iter().all(|(label, fields)| after[label] == *fields));
    let close = |rows: &Rows, label: &str| number(&rows[label][3]);
    let jump = close(&after, "2026-11-19 19:55:00") / close(&after, "2026-11-20 04:00:00");
    assert!(near(jump, 4.0, 0.1), "{jump}");

    let adjusted = raw.replace("adjusted=false", "adjusted=true");
    let (mut before, after) = (at(BEFORE, &adjusted).await, at(AFTER, &adjusted).await);
    before.retain(|label, _| label.as_str() < "2026-11-20 09:00:00");
    let mut restated = 0;
    for (label, fields) in &before {
        let is_old = label.as_str() < "2026-11-20";
        let ratio = if is_old { 4.0 } else { 1.0 };
        restated += usize::from(is_old);
        let (price, volume) = (number(&fields[3]), number(&fields[4]));
        let now = &after[label];
        assert!(near(number(&now[3]) * ratio, price, 0.000_26), "{label}");
        assert!(near(number(&now[4]), volume * ratio, 0.5), "{label}");
    }
    assert!(restated > 1_000 && restated < before.len());

    for function in ["WEEKLY", "MONTHLY"] {
        let query = format!("function=TIME_SERIES_{function}_ADJUSTED&symbol=IBM");
        let (before, after) = (at(BEFORE, &query).await, at(AFTER, &query).await);
        let (newest, _) = before.last_key_value().unwrap();
        for (label, fields) in before.iter().filter(|(label, _)| *label != newest) {
            assert_eq!(fields[..4], after[label][..4], "{label}");
            let whole = number(&after[label][4]) * 4.0;
            assert!(near(whole, number(&fields[4]), 0.000_26), "{label}");
        }
    }
}

#[tokio::test]
async fn adjusted_closes_follow_the_providers_rule_over_the_whole_history() {
    let server = planted(&[SPLIT, DIVIDEND], MORNING, Plan::Unlimited).await;
    let query = daily("IBM").replace("DAILY", "DAILY_ADJUSTED");
    let days = rows_of(&server, &query).await;
    assert_eq!(days["2026-11-20"][7], "4.0");
    assert_eq!(days["2026-11-19"][6], "1.6600");
    let raw = rows_of(&server, &daily("IBM")).await;
    assert_eq!(raw.len(), days.len());
    // From the newest day back: closes ÷ what was paid and split since.
    let mut factor = 1.0;
    for (label, fields) in days.iter().rev() {
        let (close, adjusted) = (number(&fields[3]), number(&fields[4]));
        assert!(near(close, number(&raw[label][3]), 1e-9), "{label}");
        assert!(near(adjusted, close * factor, 1e-9), "{label}");
        let (dividend, split) = (number(&fields[6]), number(&fields[7]));
        factor *= close / (close + dividend) / split;
    }
    assert!(factor < 0.25);

    let events = async |query: &str| rows_of(&server, query).await;
    let splits = events("function=SPLITS&symbol=IBM").await;
    assert_eq!(splits["2026-11-20"], ["4.0000"]);
    let dividends = events("function=DIVIDENDS&symbol=IBM").await;
    assert_eq!(dividends["2026-11-19"][3], "1.66");
    let split_days = |(_, fields): &(&String, &Vec<String>)| fields[7] != "1.0";
    let paid_days = |(_, fields): &(&String, &Vec<String>)| number(&fields[6]) > 0.0;
    let split_days: Vec<&String> = days.iter().filter(split_days).map(|(day, _)| day).collect();
    let paid_days: Vec<&String> = days.iter().filter(paid_days).map(|(day, _)| day).collect();
    assert_eq!(split_days, splits.keys().collect::<Vec<_>>());
    assert_eq!(paid_days, dividends.keys().collect::<Vec<_>>());

    let (_, json) = ask(&server, "function=SPLITS&symbol=IBM").await.unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["symbol"], "IBM");
    assert_eq!(json["data"][0]["effective_date"], "2026-11-20");
    assert_eq!(json["data"][0]["split_factor"], "4.0000");
    let (_, json) = ask(&server, "function=DIVIDENDS&symbol=IBM").await.unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["data"][0]["ex_dividend_date"], "2026-11-19");
}

#[tokio::test]
async fn a_provider_that_is_behind_has_nothing_newer_until_it_catches_up() {
    let behind = ["behind:2026-11-18@2026-11-20..2026-11-20 20:00,symbol=IBM"];
    for query in [
        intraday("IBM", 5, ""),
        daily("IBM"),
        "function=TIME_SERIES_WEEKLY&symbol=IBM".to_owned(),
    ] {
        let newest = async |now, query: &str| {
            let rows = rows(&behind, now, query).await;
            rows.last_key_value().unwrap().0[..10].to_owned()
        };
        assert_eq!(newest("2026-11-20T18:00:00Z", &query).await, "2026-11-18");
        assert_eq!(newest("2026-11-19T22:00:00Z", &query).await, "2026-11-19");
        assert_eq!(newest(NIGHT, &query).await, "2026-11-20");
        let other = query.replace("IBM", "AAPL");
        assert_eq!(newest("2026-11-20T18:00:00Z", &other).await, "2026-11-20");
    }
}

#[tokio::test]
async fn real_holes_stay_however_often_and_whichever_way_one_asks() {
    let plants = [
        "halt@2026-11-20 10:10..2026-11-20 10:40,symbol=IBM",
        "halt@2026-11-17..2026-11-17,symbol=IBM",
        "illiquid:2000,symbol=QUIET",
        "closed@2026-11-18",
    ];
    let server = planted(&plants, MORNING, Plan::Unlimited).await;
    for query in [intraday("IBM", 5, ""), intraday("IBM", 5, "&month=2026-11")] {
        for _ in 0..2 {
            let bars = rows_of(&server, &query).await;
            assert!(bars.contains_key("2026-11-20 10:05:00"));
            assert!(bars.contains_key("2026-11-20 10:40:00"));
            let halted =
                bars.range("2026-11-20 10:10:00".to_owned().."2026-11-20 10:40:00".to_owned());
            assert_eq!(halted.count(), 0);
            for day in ["2026-11-17", "2026-11-18"] {
                assert!(!bars.keys().any(|label| label.starts_with(day)), "{day}");
            }
        }
    }
    let days = rows_of(&server, &daily("IBM")).await;
    assert!(days.contains_key("2026-11-20") && days.contains_key("2026-11-16"));
    assert!(!days.contains_key("2026-11-17") && !days.contains_key("2026-11-18"));
    let others = rows_of(&server, &daily("AAPL")).await;
    assert!(others.contains_key("2026-11-17") && !others.contains_key("2026-11-18"));
    for (minutes, at_most) in [(1, 60), (5, 40)] {
        let quiet = rows_of(
            &server,
            &intraday("QUIET", minutes, "&extended_hours=false"),
        )
        .await;
        let friday = quiet.keys().filter(|label| label.starts_with("2026-11-20"));
        assert!((1..at_most).contains(&friday.count()), "{minutes}min");
    }
    assert!(
        rows_of(&server, &daily("QUIET"))
            .await
            .contains_key("2026-11-20")
    );
}

#[tokio::test]
async fn the_last_session_is_corrected_in_the_morning_and_late_bars_appear() {
    let corrected = "corrected,symbol=IBM";
    let late = "late:2026-11-21 06:30@2026-11-20 10:10..2026-11-20 10:40,symbol=IBM";
    let minutes = intraday("IBM", 5, "&month=2026-11&extended_hours=false");
    for (query, plants, changed, came) in [
        (minutes, vec![corrected, late], 72, 6),
        (daily("IBM"), vec![corrected], 1, 0),
    ] {
        let night = rows(&plants, NIGHT, &query).await;
        let morning = rows(&plants, MORNING, &query).await;
        let still = rows(&plants, "2026-11-21T10:59:59Z", &query).await;
        assert_eq!(still, night);
        let (mut closes, mut volumes) = (0, 0);
        for (label, before) in &night {
            let after = &morning[label];
            let is_last = label.starts_with("2026-11-20");
            assert_eq!(before != after, is_last, "{label}");
            assert_eq!(before[..3], after[..3], "{label}");
            closes += usize::from(before[3] != after[3]);
            volumes += usize::from(before[4] != after[4]);
        }
        assert_eq!(volumes, changed);
        assert!(closes > changed / 2, "{closes}");
        assert_eq!(morning.len(), night.len() + came);
    }
}

#[tokio::test]
async fn an_outage_of_ten_sessions_fails_every_request_and_then_ends() {
    let outage = ["outage:10@2026-11-23"];
    let works = async |now: DateTime<Utc>| {
        let server = planted(&outage, &now.to_rfc3339(), Plan::Free).await;
        let answer = ask(&server, "function=TIME_SERIES_DAILY&symbol=IBM").await;
        let journal = server.journal();
        (answer.map(|(status, _)| status), journal[0].outcome.clone())
    };
    let first = utc("2026-11-23T05:00:00Z");
    let end = utc("2026-12-08T05:00:00Z");
    for inside in [first - TimeDelta::seconds(1), end] {
        let (status, outcome) = works(inside).await;
        assert_eq!(
            (status.unwrap(), outcome.as_str()),
            (200, "data"),
            "{inside}"
        );
    }
    let mut refused = BTreeSet::new();
    for hours in (0..15 * 24).step_by(7) {
        let (status, outcome) = works(first + TimeDelta::hours(hours)).await;
        assert_eq!(outcome, "outage");
        refused.insert(status.ok());
    }
    assert_eq!(refused, BTreeSet::from([None, Some(503)]));
}

#[tokio::test]
async fn sizes_months_and_the_first_day_are_the_providers() {
    let server = planted(&["listed@2026-10-05,symbol=NEW"], MORNING, Plan::Unlimited).await;
    let compact = |query: String| query.replace("&outputsize=full", "");
    let span = async |query: &str| {
        let rows = rows_of(&server, query).await;
        let label = |entry: Option<(&String, &Vec<String>)>| entry.unwrap().0.clone();
        (
            rows.len(),
            label(rows.first_key_value()),
            label(rows.last_key_value()),
        )
    };
    let (bars, _, newest) = span(&compact(intraday("IBM", 5, ""))).await;
    assert_eq!((bars, newest.as_str()), (100, "2026-11-20 19:55:00"));
    let (_, oldest, newest) = span(&intraday("IBM", 60, "")).await;
    assert_eq!(oldest, "2026-10-22 04:00:00");
    assert_eq!(newest, "2026-11-20 19:00:00");
    let (_, oldest, newest) = span(&intraday("IBM", 60, "&month=2026-09")).await;
    assert_eq!(oldest, "2026-09-01 04:00:00");
    assert_eq!(newest, "2026-09-30 19:00:00");
    let (bars, _, newest) = span(&compact(intraday("IBM", 5, "&month=2026-09"))).await;
    assert_eq!((bars, newest.as_str()), (100, "2026-09-30 19:55:00"));

    let (_, oldest, _) = span(&daily("NEW")).await;
    assert_eq!(oldest, "2026-10-05");
    let (_, oldest, _) = span(&intraday("NEW", 60, "&month=2026-10&extended_hours=false")).await;
    assert_eq!(oldest, "2026-10-05 09:30:00");
    let (_, earlier) = ask(&server, &intraday("NEW", 60, "&month=2026-09"))
        .await
        .unwrap();
    assert!(earlier.contains("Invalid API call"), "{earlier}");
}

#[tokio::test]
async fn the_free_plan_has_no_entitlement() {
    for (plan, has) in [(Plan::Free, false), (Plan::Premium, true)] {
        let server = planted(&[], MORNING, plan).await;
        let query = "function=TIME_SERIES_WEEKLY&symbol=IBM&entitlement=delayed";
        let (_, body) = ask(&server, query).await.unwrap();
        assert_eq!(
            body.contains("DATA DELAYED BY 15 MINUTES"),
            has,
            "{body:.200}"
        );
        assert_eq!(body.contains("This is a premium endpoint."), !has);
    }
}

/// Everything that makes bars missing, at once.
const MISSING: [&str; 5] = [
    "halt@2026-11-20 10:07..2026-11-20 10:40,symbol=IBM",
    "closed@2026-11-18",
    "illiquid:5000,symbol=QUIET",
    "behind:2026-11-19@2026-11-20..2026-11-23,symbol=MSFT",
    "listed@2026-11-09,symbol=QUIET",
];

/// The regular hours of the weekdays from 2 to 20 November 2026, none of them a holiday.
fn grid(minutes: u32, extended: bool) -> BTreeSet<String> {
    let first = NaiveDate::from_ymd_opt(2026, 11, 2).unwrap();
    let days = first.iter_days().take(19);
    let open = if minutes == 60 && extended { 540 } else { 570 };
    let times = (open..960).step_by(minutes as usize);
    days.filter(|day| day.format("%u").to_string().as_str() < "6")
        .flat_map(|day| {
            let label = move |at: u32| format!("{day} {:02}:{:02}:00", at / 60, at % 60);
            times.clone().map(label)
        })
        .collect()
}

#[tokio::test]
async fn the_witness_names_every_missing_bar_and_no_other() {
    let server = planted(&MISSING, MORNING, Plan::Unlimited).await;
    let november = utc("2026-11-01T04:00:00Z")..utc(MORNING);
    let mut reasons = BTreeSet::new();
    for (interval, minutes) in [
        (Interval::Min1, 1),
        (Interval::Min5, 5),
        (Interval::Min15, 15),
        (Interval::Min60, 60),
    ] {
        for (symbol, extended) in [("IBM", true), ("QUIET", true), ("MSFT", false)] {
            let more = format!("&month=2026-11&extended_hours={extended}");
            let bars = rows_of(&server, &intraday(symbol, minutes, &more)).await;
            let missing: BTreeSet<String> = grid(minutes, extended)
                .into_iter()
                .filter(|label| !bars.contains_key(label))
                .collect();
            let planted = server
                .witness()
                .planted(symbol, interval, extended, &november);
            let absent = planted.iter().filter(|planted| planted.why.is_absence());
            let named: BTreeSet<String> = absent
                .inspect(|planted| {
                    reasons.insert(format!("{:?}", planted.why));
                })
                .map(|planted| {
                    let local = planted.slot.with_timezone(&New_York);
                    local.format("%Y-%m-%d %H:%M:%S").to_string()
                })
                .collect();
            assert_eq!(named, missing, "{symbol} {interval}");
        }
    }
    let all = ["Behind", "Closed", "Halted", "NoTrade", "Unlisted"];
    assert_eq!(reasons.iter().map(String::as_str).collect::<Vec<_>>(), all);
}

#[tokio::test]
async fn the_witness_knows_what_changed_and_the_journal_what_was_served() {
    let plants = ["corrected,symbol=IBM", SPLIT];
    let server = planted(&plants, MORNING, Plan::Unlimited).await;
    let friday = utc("2026-11-20T05:00:00Z")..utc(MORNING);
    let planted = server
        .witness()
        .planted("IBM", Interval::Daily, true, &friday);
    let whys: Vec<Why> = planted.iter().map(|planted| planted.why).collect();
    assert_eq!(whys, [Why::Corrected, Why::Split(4.0)]);
    let earlier = server.witness().at(utc(BEFORE));
    assert_eq!(earlier.planted("IBM", Interval::Daily, true, &friday), []);

    rows_of(&server, &intraday("IBM", 60, "&month=2026-11")).await;
    ask(&server, "function=SPLITS&symbol=IBM").await.unwrap();
    let [bars, splits] = &server.journal()[..] else {
        panic!("two requests");
    };
    let brought = bars.served.as_ref().unwrap();
    assert_eq!(brought.newest.as_deref(), Some("2026-11-20 19:00:00"));
    assert_eq!(brought.oldest.as_deref(), Some("2026-11-02 04:00:00"));
    assert_eq!((brought.bars, &splits.served), (15 * 16, &None));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_scene_can_be_tried_without_a_terminal() {
    for (scene, shown) in [
        ("holes", "QUIET 5min"),
        ("split", "IBM daily adjusted"),
        ("half-day", "2026-11-27"),
        ("behind", "2026-11-19"),
        ("outage", "2026-11-20"),
    ] {
        let done = Desk::new().run(&["demo", "--scene", scene]);
        assert_eq!(done.code, 0, "{scene}: {done:?}");
        assert!(done.stdout.contains(shown), "{scene}: {done:?}");
    }
    let wrong = Desk::new().run(&["demo", "--scene", "storm"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(
        wrong
            .stderr
            .contains("holes, split, half-day, behind or outage"),
        "{wrong:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_is_started_at_any_time_with_what_is_planted() {
    let desk = Desk::new();
    let mut command = desk.command(&[
        "simulate",
        "--listen",
        "127.0.0.1:0",
        "--plan",
        "unlimited",
        "--scene",
        "half-day",
        "--start",
        "2026-11-27 15:00",
        "--plant",
        "halt@2026-11-27 10:00..2026-11-27 10:30,symbol=IBM",
    ]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut lines).unwrap();
    let assignment = lines.split_whitespace().next().unwrap();
    let url = assignment.strip_prefix("ALPHA_VANTAGE_BASE_URL=").unwrap();
    assert!(
        lines.trim_end().contains(" ALPHA_VANTAGE_API_KEY="),
        "{lines}"
    );
    let query = intraday("IBM", 30, "&extended_hours=false&apikey=k&datatype=csv");
    let client = Client::builder().no_proxy().build().unwrap();
    let url = format!("{url}?{query}");
    let body = client.get(url).send().await.unwrap().text().await.unwrap();
    child.kill().unwrap();
    let done = Done::from(child.wait_with_output().unwrap());
    let plant = "planted: halt@2026-11-27 10:00:00..2026-11-27 10:30:00,symbol=IBM";
    assert!(done.stderr.contains(plant), "{done:?}");
    let labels: Vec<&str> = body.lines().skip(1).take(6).map(|row| &row[..19]).collect();
    let expected = ["12:30", "12:00", "11:30", "11:00", "10:30", "09:30"];
    assert_eq!(labels, expected.map(|time| format!("2026-11-27 {time}:00")));
}
