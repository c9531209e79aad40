//! Plans and answers, without sending.

mod recorded;

use chrono::{DateTime, Utc};

use super::*;
use crate::model::listing::Status;
use crate::model::{Currency, ErrorClass, Interval, Price, Reading, SeriesKey, SourceId, Span};
use crate::pipeline::source::{FetchOptions, Hours, Range};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Thursday, in the middle of a minute.
const NOW: &str = "2026-11-19T15:02:30Z";

fn series(symbol: &str, interval: Interval) -> SeriesKey {
    SeriesKey {
        source: SourceId::known("binance"),
        ..SeriesKey::raw(symbol.parse().unwrap(), interval)
    }
}

fn wish(interval: Interval, range: Range) -> Wish {
    Wish {
        range,
        ..Wish::newest(series("BTCUSDT", interval))
    }
}

fn missing(from: &str, to: &str) -> Range {
    Range::Missing(vec![Span::new(at(from), at(to))])
}

fn planned(wish: &Wish) -> Vec<Request> {
    plan::requests(wish, at(NOW)).unwrap()
}

/// `interval from to` of each request; the end as the provider takes it.
fn asked(interval: Interval, range: Range) -> Vec<String> {
    let time = |text: &str| DateTime::from_timestamp_millis(text.parse().unwrap()).unwrap();
    let asked = |request: &Request| {
        let time = |name| time(request.get(name).unwrap()).format("%m-%d %H:%M:%S%.f");
        let word = request.get("interval").unwrap();
        format!("{word} {} {}", time("startTime"), time("endTime"))
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

fn one(interval: Interval, from: &str, to: &str) -> Request {
    let [request] = planned(&wish(interval, missing(from, to)))
        .try_into()
        .unwrap();
    request
}

/// A row of twelve places as the provider writes it.
fn row(open_time: i64, prices: [&str; 4], volume: &str) -> String {
    let [open, high, low, close] = prices;
    let close_time = open_time + 59_999;
    format!(
        r#"[{open_time},"{open}","{high}","{low}","{close}","{volume}",{close_time},"0.0",7,"0.0","0.0","0"]"#
    )
}

fn millis(text: &str) -> i64 {
    at(text).timestamp_millis()
}

#[test]
fn a_minute_and_a_month_are_never_confused() {
    let words = Interval::ALL.map(plan::word);
    assert_eq!(words, ["1m", "5m", "15m", "30m", "1h", "1d", "1w", "1M"]);
    let from = ("2026-11-18T00:00:00Z", "2026-11-18T00:01:00Z");
    assert_eq!(
        one(Interval::Min1, from.0, from.1).get("interval"),
        Some("1m")
    );
    assert_eq!(
        one(Interval::Monthly, from.0, from.1).get("interval"),
        Some("1M")
    );
}

#[test]
fn windows_of_a_thousand_rows_meet_without_a_gap_or_a_row_twice() {
    let wanted = missing("2026-11-17T00:00:00Z", "2026-11-18T09:57:00Z");
    assert_eq!(
        asked(Interval::Min1, wanted),
        [
            "1m 11-17 17:17:00 11-18 09:56:59.999",
            "1m 11-17 00:37:00 11-17 17:16:59.999",
            "1m 11-17 00:00:00 11-17 00:36:59.999",
        ],
        "1000, 1000 and 37 rows, both ends inclusive"
    );
    for interval in Interval::ALL {
        for request in planned(&wish(
            interval,
            missing("2018-01-01T00:00:00Z", "2018-03-02T00:07:00Z"),
        )) {
            let window = plan::window(&request).unwrap();
            assert!(window.to - window.from <= interval.length() * 1000);
            assert_eq!(request.get("limit"), Some("1000"));
        }
    }
}

#[test]
fn the_newest_rows_end_with_the_unfinished_one() {
    for (interval, newest) in [
        (Interval::Min1, "1m 11-18 22:23:00 11-19 15:02:59.999"),
        (Interval::Min30, "30m 10-29 19:30:00 11-19 15:29:59.999"),
        (Interval::Monthly, "1M 08-01 00:00:00 11-30 23:59:59.999"),
    ] {
        let found = asked(interval, Range::Newest);
        assert_eq!(found, [newest], "{interval}");
        assert_eq!(asked(interval, Range::Missing(vec![])), found);
    }
    let early = asked(
        Interval::Daily,
        missing("2015-01-01T00:00:00Z", "2017-08-19T00:00:00Z"),
    );
    assert_eq!(early, ["1d 08-17 00:00:00 08-18 23:59:59.999"]);
}

#[test]
fn what_the_exchange_has_not_is_refused_before_a_request() {
    let newest = Wish::newest(series("BTCUSDT", Interval::Min5));
    let adjusted = Wish {
        series: SeriesKey {
            adjusted: true,
            ..newest.series.clone()
        },
        ..newest.clone()
    };
    let extra = Wish {
        extras: FetchOptions::default().with("datatype", "csv").extras,
        ..newest.clone()
    };
    let future = wish(
        Interval::Min5,
        missing("2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"),
    );
    for (wish, says) in [
        (adjusted, "leave out --adjusted"),
        (extra, "Binance has no --datatype; leave it out"),
        (
            Wish::newest(series("BTC-USD", Interval::Min5)),
            "such as BTCUSDT; BTC-USD is none",
        ),
        (future, "has no bars in this time"),
    ] {
        let refusal = plan::requests(&wish, at(NOW)).unwrap_err();
        assert_eq!(refusal.class, ErrorClass::BadRequest);
        assert!(refusal.text.contains(says), "{}", refusal.text);
    }
    let regular = Wish {
        hours: Hours::Regular,
        ..newest.clone()
    };
    assert_eq!(planned(&regular), planned(&newest));
}

#[test]
fn rows_of_twelve_places_become_bars_to_the_last_digit() {
    let request = one(
        Interval::Min1,
        "2026-11-18T00:00:00Z",
        "2026-11-18T00:03:00Z",
    );
    let first = millis("2026-11-18T00:00:00Z");
    let rows = [
        row(
            first,
            ["0.00000003", "0.00000005", "0.00000001", "0.00000002"],
            "123456789.00000001",
        ),
        // Nothing traded.
        row(first + 60_000, ["1", "1", "1", "1.00000000"], "0.00000000"),
    ];
    let reading = read(&request, &format!("[{}]", rows.join(","))).unwrap();
    let [low, flat] = reading.bars.try_into().unwrap();
    assert_eq!(low.timestamp, at("2026-11-18T00:00:00Z"));
    assert_eq!(
        [low.open, low.high, low.low, low.close].map(Price::units),
        [3, 5, 1, 2]
    );
    assert_eq!(low.volume.to_string(), "123456789.00000001");
    assert_eq!((flat.close.units(), flat.volume.units()), (100_000_000, 0));
    assert_eq!((reading.received, reading.rounded), (2, 0));
}

#[test]
fn times_in_microseconds_are_recognized() {
    let request = one(
        Interval::Min1,
        "2026-11-18T00:00:00Z",
        "2026-11-18T00:03:00Z",
    );
    let first = millis("2026-11-18T00:00:00Z");
    for time in [first, first * 1_000] {
        let body = format!("[{}]", row(time, ["2", "3", "1", "2"], "1"));
        let bar = read(&request, &body).unwrap().bars[0];
        assert_eq!(bar.timestamp, at("2026-11-18T00:00:00Z"), "{time}");
    }
}

#[test]
fn a_row_off_the_grid_is_kept_as_it_is() {
    let request = one(
        Interval::Min1,
        "2026-11-18T00:00:00Z",
        "2026-11-18T00:03:00Z",
    );
    let time = millis("2026-11-18T00:01:03Z");
    let body = format!("[{}]", row(time, ["2", "3", "1", "2"], "1"));
    let reading = read(&request, &body).unwrap();
    assert_eq!(reading.bars[0].timestamp, at("2026-11-18T00:01:03Z"));
}

#[test]
fn before_the_listing_there_is_nothing_and_that_is_an_answer() {
    let request = one(
        Interval::Daily,
        "2017-08-17T00:00:00Z",
        "2018-03-01T00:00:00Z",
    );
    let reading = read(&request, "[]").unwrap();
    assert_eq!((reading.bars.len(), reading.received), (0, 0));
    let asked = Asked {
        request: &request,
        series: &request.series[0],
        at: at(NOW),
        is_last_page: true,
    };
    let spoken = plan::spoken(&asked, &[]).unwrap();
    assert_eq!(spoken.settled(None), plan::window(&request).unwrap());
    assert_eq!(spoken.newest_at, None);
}

#[test]
fn an_answer_with_the_newest_rows_speaks_for_now() {
    let request = one(Interval::Min5, "2026-11-19T14:00:00Z", NOW);
    let asked = Asked {
        request: &request,
        series: &request.series[0],
        at: at(NOW),
        is_last_page: true,
    };
    let spoken = plan::spoken(&asked, &[]).unwrap();
    assert_eq!(
        (spoken.asked.to, spoken.newest_at),
        (at(NOW), Some(at(NOW)))
    );
    // What is younger than five minutes may only be late.
    assert_eq!(spoken.settled(None).to, at("2026-11-19T14:56:30Z"));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let request = one(
        Interval::Min1,
        "2026-11-18T00:00:00Z",
        "2026-11-18T00:03:00Z",
    );
    let body = format!(
        "[{},[{},\"1\"],[\"soon\"]]",
        row(millis("2026-11-18T00:00:00Z"), ["2", "3", "4", "2"], "1"),
        millis("2026-11-18T00:01:00Z")
    );
    let reading = read(&request, &body).unwrap();
    let reasons: Vec<&str> = reading
        .rejected
        .iter()
        .map(|row| row.reason.as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "low is above open",
            "high is missing",
            "the label is not a date or time between 1900 and 2200"
        ]
    );
    for body in ["", "{}", "[1]", "[[1794960000000,\"1\"", "null"] {
        let class = read(&request, body).unwrap_err().class;
        assert_eq!(class, ErrorClass::Malformed, "{body:?}");
    }
}

#[test]
fn every_refusal_has_its_class_and_says_what_was_said() {
    let request = one(
        Interval::Min1,
        "2026-11-18T00:00:00Z",
        "2026-11-18T00:03:00Z",
    );
    for (status, body, class, says) in [
        (
            400,
            r#"{"code":-1121,"msg":"Invalid symbol."}"#,
            ErrorClass::BadRequest,
            "no pair BTCUSDT",
        ),
        (
            400,
            r#"{"code":-1120,"msg":"Invalid interval."}"#,
            ErrorClass::ClientBug,
            "Invalid interval",
        ),
        (
            429,
            r#"{"code":-1003,"msg":"Too much request weight used"}"#,
            ErrorClass::Minute,
            "Too much",
        ),
        (
            418,
            r#"{"code":-1003,"msg":"IP banned until 1767278700000."}"#,
            ErrorClass::Blocked,
            "banned until",
        ),
        (403, "<html>", ErrorClass::Blocked, "refuses this address"),
        (
            451,
            r#"{"code":0,"msg":"restricted location"}"#,
            ErrorClass::Blocked,
            "leave out BINANCE_BASE_URL",
        ),
        (
            503,
            r#"{"code":-1008,"msg":"overloaded"}"#,
            ErrorClass::Outage,
            "overloaded",
        ),
        (504, "", ErrorClass::Outage, "HTTP 504"),
        (409, "{}", ErrorClass::Unknown, "HTTP 409"),
    ] {
        let refusal = read::read(&request, &answer(status, body)).unwrap_err();
        assert_eq!(refusal.class, class, "{status} {body}");
        assert!(refusal.text.contains(says), "{}", refusal.text);
    }
    let waits = describe::policy(&SETTINGS.plans.usual).waits;
    for never in [ErrorClass::Blocked, ErrorClass::BadRequest] {
        assert_eq!(waits.before(never, 0, 1.0), None, "{never}");
    }
}

#[test]
fn pairs_are_listed() {
    let body = r#"{"timezone":"UTC","symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC",
        "quoteAsset":"USDT"},{"symbol":"not a symbol"}]}"#;
    let request = symbols::ask(&SymbolWish::List).unwrap();
    let SymbolReading::Listed(listed) = symbols::read(&request, &answer(200, body)).unwrap() else {
        panic!("a list");
    };
    assert_eq!(listed.len(), 1);
    assert_eq!(
        listed[0].currency.as_ref().map(Currency::as_str),
        Some("USDT")
    );
    assert_eq!(listed[0].status, Status::Active);
    assert_eq!(
        (listed[0].symbol.as_str(), listed[0].name.as_str()),
        ("BTCUSDT", "BTC in USDT")
    );
    for body in ["[]", "{}", r#"{"symbols":[]}"#, ""] {
        assert!(
            symbols::read(&request, &answer(200, body)).is_err(),
            "{body}"
        );
    }
    assert!(symbols::ask(&SymbolWish::Search("btc".into())).is_err());
}

#[test]
fn requests_go_to_the_exchanges_path() {
    let request = one(
        Interval::Daily,
        "2026-11-18T00:00:00Z",
        "2026-11-19T00:00:00Z",
    );
    let route = SETTINGS.route(&request);
    let names: Vec<&str> = route.query.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(route.path, "api/v3/klines");
    assert_eq!(
        names,
        ["symbol", "interval", "startTime", "endTime", "limit"]
    );
}

#[test]
fn the_end_of_a_ban_is_read_and_bounded() {
    let request = one(
        Interval::Daily,
        "2026-11-18T00:00:00Z",
        "2026-11-19T00:00:00Z",
    );
    let seconds = |status, until: &str| {
        let body = format!(r#"{{"code":-1003,"msg":"IP banned until {until}. Please use"}}"#);
        let ban = refusal::ban(&request, &answer(status, &body));
        ban.map(|pause| pause.left.as_secs())
    };
    let millis = |from_now: i64| (at(NOW).timestamp_millis() + from_now).to_string();
    assert_eq!(seconds(418, &millis(90_000)), Some(90));
    assert_eq!(seconds(429, &millis(90_000)), Some(90));
    assert_eq!(seconds(400, &millis(90_000)), None);
    assert_eq!(seconds(418, &millis(-1)), None);
    assert_eq!(seconds(418, "soon"), None);
    assert_eq!(seconds(418, "99999999999999999999"), None);
    assert_eq!(seconds(418, &millis(1_000_000_000_000)), Some(3 * 86_400));
}

#[test]
fn a_pair_ends_with_its_quote_asset() {
    for (symbol, quote) in [
        ("BTCUSDT", Some("USDT")),
        ("BTCFDUSD", Some("FDUSD")),
        ("ETHBTC", Some("BTC")),
        ("WBETHETH", Some("ETH")),
        ("USDTTRY", Some("TRY")),
        ("BTCEURI", Some("EURI")),
        ("EURUSDC", Some("USDC")),
        ("USDT", None),
        ("BTCUSD", None),
        ("BTCXYZ", None),
    ] {
        let currency = symbols::currency(&symbol.parse().unwrap());
        let currency = currency.as_ref().map(Currency::as_str);
        assert_eq!(currency, quote, "{symbol}");
    }
}
