//! Plans and answers, without sending.

mod recorded;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::model::{Currency, ErrorClass, Reading, SeriesKey, SourceId, Span};
use crate::pipeline::retry::Waits;
use crate::pipeline::source::{FetchOptions, Hours, Range};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Thursday, in the middle of a minute.
const NOW: &str = "2026-11-19T15:02:30Z";

fn series(symbol: &str, interval: Interval) -> SeriesKey {
    SeriesKey {
        source: SourceId::known("coinbase"),
        ..SeriesKey::raw(symbol.parse().unwrap(), interval)
    }
}

fn wish(interval: Interval, range: Range) -> Wish {
    Wish {
        range,
        ..Wish::newest(series("BTC-USD", interval))
    }
}

fn missing(from: &str, to: &str) -> Range {
    Range::Missing(vec![Span::new(at(from), at(to))])
}

fn planned(wish: &Wish) -> Vec<Request> {
    plan::requests(wish, at(NOW)).unwrap()
}

fn refused(wish: &Wish) -> Refusal {
    plan::requests(wish, at(NOW)).unwrap_err()
}

/// `granularity from start to end` of each request.
fn asked(interval: Interval, range: Range) -> Vec<String> {
    let asked = |request: &Request| {
        let get = |name| request.get(name).unwrap().trim_end_matches(":00Z");
        format!("{} {} {}", get("granularity"), get("start"), get("end"))
    };
    planned(&wish(interval, range)).iter().map(asked).collect()
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        content_type: None,
        body: body.to_owned().into(),
        received_at: at(NOW),
        elapsed_ms: 0,
        stated: None,
    }
}

fn read(request: &Request, body: &str) -> Result<Reading, Refusal> {
    let page = read::read(request, &answer(200, body))?;
    assert_eq!(page.next, None);
    let [(series, reading)] = page.parts.try_into().unwrap();
    assert_eq!(series, request.series[0]);
    Ok(reading)
}

/// The only request for a time.
fn one(interval: Interval, from: &str, to: &str) -> Request {
    let [request] = planned(&wish(interval, missing(from, to)))
        .try_into()
        .unwrap();
    request
}

fn labels(reading: &Reading) -> Vec<String> {
    let label = |bar: &Bar| bar.timestamp.format("%m-%d %H:%M").to_string();
    reading.bars.iter().map(label).collect()
}

#[test]
fn an_answer_never_has_more_than_300_candles() {
    let day = asked(
        Interval::Min1,
        missing("2026-11-18T00:00:00Z", "2026-11-18T10:00:00Z"),
    );
    assert_eq!(
        day,
        [
            "60 2026-11-18T05:00 2026-11-18T09:59",
            "60 2026-11-18T00:00 2026-11-18T04:59"
        ]
    );
    for interval in Interval::ALL {
        for request in planned(&wish(
            interval,
            missing("2020-01-01T00:00:00Z", "2020-06-02T00:07:00Z"),
        )) {
            let window = plan::window(&request).unwrap();
            let step: i64 = request.get("granularity").unwrap().parse().unwrap();
            assert!((window.to - window.from).num_seconds() <= 300 * step);
        }
    }
}

#[test]
fn the_newest_candles_end_with_the_current_one() {
    for (interval, newest) in [
        (Interval::Min1, "60 2026-11-19T10:03 2026-11-19T15:02"),
        (Interval::Min60, "3600 2026-11-07T04:00 2026-11-19T15:00"),
        (Interval::Daily, "86400 2026-01-24T00:00 2026-11-19T00:00"),
        // Rolled up: only whole half hours, weeks and months.
        (Interval::Min30, "900 2026-11-16T12:00 2026-11-19T14:45"),
        (Interval::Weekly, "86400 2026-01-26T00:00 2026-11-15T00:00"),
        (Interval::Monthly, "86400 2026-02-01T00:00 2026-10-31T00:00"),
    ] {
        assert_eq!(asked(interval, Range::Newest), [newest], "{interval}");
        assert_eq!(asked(interval, Range::Missing(vec![])), [newest]);
    }
}

#[test]
fn nothing_is_asked_of_the_future_nor_before_the_exchange_began() {
    let from = asked(
        Interval::Daily,
        missing("2015-01-01T00:00:00Z", "2015-07-22T00:00:00Z"),
    );
    assert_eq!(from, ["86400 2015-07-20T00:00 2015-07-21T00:00"]);
    let to = asked(
        Interval::Min5,
        missing("2026-11-19T14:50:00Z", "2027-01-01T00:00:00Z"),
    );
    assert_eq!(to, ["300 2026-11-19T14:50 2026-11-19T15:00"]);
    let future = Range::Between(Span::new(
        at("2027-01-01T00:00:00Z"),
        at("2027-02-01T00:00:00Z"),
    ));
    let refusal = refused(&wish(Interval::Min5, future));
    assert_eq!(refusal.class, ErrorClass::BadRequest);
    assert_eq!(
        refusal.text,
        "coinbase:BTC-USD 5min has no bars in this time: the first are of 2015-07-20, the newest of \
         2026-11-19 15:05 UTC"
    );
}

#[test]
fn what_the_exchange_has_not_is_refused_before_a_request() {
    let newest = Wish::newest(series("BTC-USD", Interval::Min5));
    let adjusted = Wish {
        series: SeriesKey {
            adjusted: true,
            ..newest.series.clone()
        },
        ..newest.clone()
    };
    let extra = Wish {
        extras: FetchOptions::default().with("outputsize", "full").extras,
        ..newest.clone()
    };
    let stock = Wish::newest(series("IBM", Interval::Min5));
    for (wish, says) in [
        (adjusted, "leave out --adjusted"),
        (extra, "Coinbase has no --outputsize; leave it out"),
        (stock, "such as BTC-USD; IBM is none"),
    ] {
        let refusal = refused(&wish);
        assert_eq!(refusal.class, ErrorClass::BadRequest);
        assert!(refusal.text.contains(says), "{}", refusal.text);
    }
    // It never closes: all hours are regular.
    let regular = Wish {
        hours: Hours::Regular,
        ..newest.clone()
    };
    assert_eq!(planned(&regular), planned(&newest));
}

#[test]
fn the_product_is_in_the_path() {
    let request = one(
        Interval::Min60,
        "2026-11-18T00:00:00Z",
        "2026-11-18T06:00:00Z",
    );
    let url = |request| {
        let address = "https://x.example".parse().unwrap();
        SETTINGS.route(request).url(&address).to_string()
    };
    assert_eq!(
        url(&request),
        "https://x.example/products/BTC-USD/candles?granularity=3600\
         &start=2026-11-18T00%3A00%3A00Z&end=2026-11-18T05%3A00%3A00Z"
    );
    let list = symbols::ask(&SymbolWish::List).unwrap();
    assert_eq!(url(&list), "https://x.example/products");
}

#[test]
fn candles_are_low_high_open_close_and_the_newest_comes_first() {
    let request = one(
        Interval::Min60,
        "2026-11-18T00:00:00Z",
        "2026-11-18T02:00:00Z",
    );
    let body = "[[1794963600,91.5,99.25,93,95.0001,0.5],[1794960000,90,98,92,94,12.00000001]]";
    let mut labels = vec![];
    for bar in read(&request, body).unwrap().bars {
        labels.push(format!(
            "{} {} {} {} {} {}",
            bar.timestamp.format("%H:%M"),
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.volume
        ));
    }
    assert_eq!(
        labels,
        [
            "00:00 92.0000 98.0000 90.0000 94.0000 12.00000001",
            "01:00 93.0000 99.2500 91.5000 95.0001 0.5"
        ]
    );
}

/// A candle as JSON, at a minute of the hour from 2026-11-18 00:00 on.
fn candle(minute: i64) -> String {
    let time = (at("2026-11-18T00:00:00Z") + TimeDelta::minutes(minute)).timestamp();
    format!("[{time},1,4,2,3,10]")
}

fn candles(minutes: &[i64]) -> String {
    let candles: Vec<String> = minutes.iter().rev().map(|minute| candle(*minute)).collect();
    format!("[{}]", candles.join(","))
}

#[test]
fn both_ends_are_inclusive_and_what_is_outside_of_them_is_dropped() {
    let request = one(
        Interval::Min60,
        "2026-11-18T00:00:00Z",
        "2026-11-18T06:00:00Z",
    );
    assert_eq!(request.get("end"), Some("2026-11-18T05:00:00Z"));
    // One from before comes with it, and one that begins with the end.
    let body = candles(&[-60, 0, 60, 120, 180, 240, 300, 360]);
    let reading = read(&request, &body).unwrap();
    assert_eq!(labels(&reading).len(), 6);
    assert_eq!((reading.received, reading.rejected.len()), (6, 0));
    assert_eq!(reading.bars[0].timestamp, at("2026-11-18T00:00:00Z"));
}

#[test]
fn candles_that_are_left_out_stay_missing() {
    let request = one(
        Interval::Min1,
        "2026-11-18T00:00:00Z",
        "2026-11-18T00:10:00Z",
    );
    let reading = read(&request, &candles(&[0, 3, 4])).unwrap();
    assert_eq!(
        labels(&reading),
        ["11-18 00:00", "11-18 00:03", "11-18 00:04"]
    );
    let nothing = read(&request, "[]").unwrap();
    assert_eq!((nothing.bars.len(), nothing.received), (0, 0));
}

#[test]
fn half_hours_weeks_and_months_are_rolled_up() {
    let request = one(
        Interval::Min30,
        "2026-11-18T00:00:00Z",
        "2026-11-18T01:00:00Z",
    );
    let reading = read(&request, &candles(&[0, 15, 45])).unwrap();
    assert_eq!(labels(&reading), ["11-18 00:00", "11-18 00:30"]);
    let volumes: Vec<i64> = reading.bars.iter().map(|bar| bar.volume.whole()).collect();
    assert_eq!((volumes, reading.received), (vec![20, 10], 2));
    let broken = candles(&[0, 15]).replace(",4,", ",0.5,");
    let refusal = read(&request, &broken).unwrap_err();
    assert_eq!(refusal.class, ErrorClass::Malformed, "{}", refusal.text);
    for interval in Interval::ALL {
        let derived = plan::finer(interval).is_some();
        let has_not = [Interval::Min30, Interval::Weekly, Interval::Monthly];
        assert_eq!(derived, has_not.contains(&interval), "{interval}");
    }
}

#[test]
fn small_prices_come_with_an_exponent() {
    let request = one(
        Interval::Min60,
        "2026-11-18T00:00:00Z",
        "2026-11-18T01:00:00Z",
    );
    let body = "[[1794960000,7.85e-06,7.9E-6,7.87e-06,0.00000788,1.5e+10]]";
    let bar = read(&request, body).unwrap().bars[0];
    assert_eq!((bar.low.units(), bar.high.units()), (785, 790));
    assert_eq!(
        (bar.close.units(), bar.volume.whole()),
        (788, 15_000_000_000)
    );
}

#[test]
fn rows_that_make_no_sense_are_refused_with_a_reason() {
    let request = one(
        Interval::Min60,
        "2026-11-18T00:00:00Z",
        "2026-11-18T02:00:00Z",
    );
    let body = "[[1794963600,3,2,2,2,1],[1794960000,1,2,1,2]]";
    let reading = read(&request, body).unwrap();
    let reasons: Vec<&str> = reading
        .rejected
        .iter()
        .map(|row| row.reason.as_str())
        .collect();
    assert_eq!(reasons, ["low is above open", "volume is missing"]);
    assert_eq!(reading.rejected[0].label, "1794963600");
    for body in ["", "{}", "[1]", "[[1794960000,1,2,1,2,1]", "null"] {
        let class = read(&request, body).unwrap_err().class;
        assert_eq!(class, ErrorClass::Malformed, "{body:?}");
    }
}

#[test]
fn every_refusal_has_its_class_and_says_what_was_said() {
    let request = one(
        Interval::Min60,
        "2026-11-18T00:00:00Z",
        "2026-11-18T02:00:00Z",
    );
    for (status, body, class, says) in [
        (
            404,
            r#"{"message":"NotFound"}"#,
            ErrorClass::BadRequest,
            "Coinbase has no product BTC-USD",
        ),
        (
            400,
            r#"{"message":"Unsupported granularity"}"#,
            ErrorClass::ClientBug,
            "Unsupported granularity",
        ),
        (
            429,
            r#"{"message":"Public rate limit exceeded"}"#,
            ErrorClass::Burst,
            "Public rate limit exceeded",
        ),
        (429, "", ErrorClass::Burst, "too many requests"),
        (403, "<html>", ErrorClass::Blocked, "refuses this address"),
        (451, "{}", ErrorClass::Blocked, "refuses this address"),
        (503, "", ErrorClass::Outage, "HTTP 503"),
        (200, "<html>busy</html>", ErrorClass::Outage, "a web page"),
        (409, "{}", ErrorClass::Unknown, "HTTP 409"),
    ] {
        let refusal = read::read(&request, &answer(status, body)).unwrap_err();
        assert_eq!(refusal.class, class, "{status} {body}");
        assert!(refusal.text.contains(says), "{}", refusal.text);
    }
}

#[test]
fn after_too_many_requests_it_waits_by_itself() {
    let waits: Waits = describe::policy(&SETTINGS.plans.usual).waits;
    let wait = |retry| {
        waits
            .before(ErrorClass::Burst, retry, 1.0)
            .unwrap()
            .as_secs()
    };
    assert_eq!([wait(0), wait(1), wait(2)], [1, 2, 4]);
}

#[test]
fn an_answer_speaks_for_all_of_its_window() {
    let speaks = |request: &Request, bars: &[Bar]| {
        let asked = Asked {
            request,
            series: &request.series[0],
            at: at(NOW),
            is_last_page: true,
        };
        plan::spoken(&asked, bars).unwrap()
    };
    let past = one(
        Interval::Min1,
        "2026-11-18T00:00:00Z",
        "2026-11-18T00:10:00Z",
    );
    let spoken = speaks(&past, &read(&past, &candles(&[0, 3])).unwrap().bars);
    let window = Span::new(at("2026-11-18T00:00:00Z"), at("2026-11-18T00:10:00Z"));
    assert_eq!((spoken.asked, spoken.newest_at), (window, None));
    assert_eq!(spoken.settled(None), window, "minutes without a trade too");
    let now = one(Interval::Min1, "2026-11-19T14:55:00Z", NOW);
    let spoken = speaks(&now, &[]);
    assert_eq!(spoken.asked.to, at(NOW));
    assert_eq!(spoken.newest_at, Some(at(NOW)));
    // What is younger than five minutes may only be late.
    assert_eq!(spoken.settled(None).to, at("2026-11-19T14:57:30Z"));
}

#[test]
fn products_are_listed() {
    let body = r#"[{"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","status":"online",
        "trading_disabled":false},{"id":"not a symbol","status":"online"}]"#;
    let SymbolReading::Listed(listed) = symbols::read(&answer(200, body)).unwrap() else {
        panic!("a list");
    };
    let names: Vec<&str> = listed
        .iter()
        .map(|product| product.symbol.as_str())
        .collect();
    assert_eq!(names, ["BTC-USD"]);
    assert_eq!(listed[0].name, "BTC in USD");
    for body in ["[]", "{}", ""] {
        assert!(symbols::read(&answer(200, body)).is_err(), "{body}");
    }
    assert!(symbols::ask(&SymbolWish::Search("btc".into())).is_err());
}

#[test]
fn a_product_ends_with_what_it_is_quoted_in() {
    for (symbol, quote) in [
        ("BTC-USD", Some("USD")),
        ("ETH-BTC", Some("BTC")),
        ("usdt-eur", Some("EUR")),
        ("BTCUSD", None),
        ("BTC-", None),
    ] {
        let currency = symbols::currency(&symbol.parse().unwrap());
        let currency = currency.as_ref().map(Currency::as_str);
        assert_eq!(currency, quote, "{symbol}");
    }
}
