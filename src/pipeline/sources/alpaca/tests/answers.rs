//! Answers and what is read of them.

use std::io::Write as _;
use std::path::Path;

use serde_json::value::RawValue;

use super::*;
use crate::model::{Price, Reading, Volume};
use crate::pipeline::source::Asked;

const DAY: (&str, &str) = ("2026-08-03T13:30:00Z", "2026-08-03T20:00:00Z");

/// A request for minutes of these symbols.
fn minutes(symbols: &[&str]) -> Request {
    let wishes: Vec<Wish> = symbols
        .iter()
        .map(|symbol| between(symbol, Interval::Min1, span(DAY.0, DAY.1)))
        .collect();
    free().plan(&wishes).requests.remove(0)
}

fn read(request: &Request, body: &str) -> Result<Page, Refusal> {
    free().read(request, &answer(200, body))
}

fn of<'a>(page: &'a Page, symbol: &str) -> &'a Reading {
    let found = page
        .parts
        .iter()
        .find(|(key, _)| key.symbol.as_str() == symbol);
    &found.unwrap().1
}

fn bar(t: &str, rest: &str) -> String {
    format!(r#"{{"t":"{t}","o":10,"h":12.5,"l":9.75,"c":11,"v":100,"n":3,"vw":10.123456{rest}}}"#)
}

#[test]
fn numbers_are_read_from_their_text_to_the_last_digit() {
    let body = r#"{"bars":{"AAA":[
        {"c":198.5401,"h":199,"l":0.00012345,"n":512,"o":198.78,"t":"2026-08-03T13:30:00Z","v":23153000000,"vw":197.665277},
        {"t":"2026-08-03T13:31:00.000Z","o":199,"h":200,"l":198.1234,"c":199.5,"v":0.5,"vw":1,"n":1,"x":{"new":[1]}}
        ]},"next_page_token":null,"currency":"USD"}"#;
    let page = read(&minutes(&["AAA"]), body).unwrap();
    assert_eq!(page.next, None);
    let [first, second] = of(&page, "AAA").bars[..] else {
        panic!("two bars");
    };
    let price = |text| Price::parse(text).unwrap().0;
    assert_eq!(first.close, price("198.5401"));
    assert_eq!(first.high, price("199"));
    assert_eq!(first.low, price("0.00012345"));
    assert_eq!(first.volume, Volume::parse("23153000000").unwrap().0);
    assert_eq!(first.timestamp, at("2026-08-03T13:30:00Z"));
    assert_eq!(first.trading_date.to_string(), "2026-08-03");
    assert_eq!(second.volume, Volume::parse("0.5").unwrap().0);
}

#[test]
fn an_answer_without_bars_is_no_failure() {
    for body in [
        r#"{"bars":{},"next_page_token":null}"#,
        r#"{"bars":null,"next_page_token":null}"#,
        r#"{"bars":{"AAA":null}}"#,
        r#"{"bars":{"AAA":[]},"next_page_token":""}"#,
        r#"{"next_page_token":null}"#,
        "{}",
    ] {
        let page = read(&minutes(&["AAA"]), body).unwrap();
        assert!(
            page.parts
                .iter()
                .all(|(_, reading)| reading.bars.is_empty())
        );
        assert_eq!(page.next, None, "{body}");
    }
}

#[test]
fn a_token_names_the_next_page_and_everything_else_stays() {
    let first = minutes(&["AAA", "BBB"]);
    let body = |token: &str| format!(r#"{{"bars":{{}},"next_page_token":"{token}"}}"#);
    let second = read(&first, &body("QUFB")).unwrap().next.unwrap();
    assert_eq!((second.page, second.get("page_token")), (2, Some("QUFB")));
    assert!(first.is_continued_by(&second));
    let third = read(&second, &body("QkJC")).unwrap().next.unwrap();
    assert_eq!((third.page, third.get("page_token")), (3, Some("QkJC")));
    assert_eq!(third.parameters.len(), first.parameters.len() + 1);
}

#[test]
fn what_is_not_a_bar_is_refused_with_its_reason() {
    let rows = [
        bar("2026-08-03T13:30:00Z", ""),
        r#"{"t":"2026-08-03T13:31:00Z","o":10,"h":12,"l":9,"c":null,"v":1}"#.to_owned(),
        r#"{"t":"2026-08-03T13:32:00Z","o":10,"h":9,"l":9,"c":9,"v":1}"#.to_owned(),
        r#"{"t":"noon","o":10,"h":12,"l":9,"c":10,"v":1}"#.to_owned(),
        r#"{"t":"2026-08-03T13:33:00Z","o":"ten","h":12,"l":9,"c":10,"v":1}"#.to_owned(),
    ];
    let body = format!(r#"{{"bars":{{"AAA":[{}]}}}}"#, rows.join(","));
    let page = read(&minutes(&["AAA"]), &body).unwrap();
    let reading = of(&page, "AAA");
    assert_eq!((reading.bars.len(), reading.received), (1, 5));
    let reasons: Vec<&str> = reading
        .rejected
        .iter()
        .map(|row| row.reason.as_str())
        .collect();
    assert_eq!(reasons[0], "close is missing");
    assert_eq!(reasons[1], "open is above high");
    assert!(
        reasons[2].contains("label") && reasons[3].contains("open"),
        "{reasons:?}"
    );
}

#[test]
fn another_shape_or_another_symbol_is_malformed() {
    for body in [
        "[]",
        "7",
        r#"{"bars":[]}"#,
        r#"{"bars":{"AAA":{}}}"#,
        r#"{"bars":{"AAA":[7]}}"#,
        r#"{"bars":{"AAA":[{"t":"2026-08-03T13:30:00Z","o":1"#,
        r#"{"bars":{"ZZZ":[]}}"#,
        r#"{"bars":{},"next_page_token":7}"#,
        "t,o,h,l,c,v",
        "{} {}",
    ] {
        let refusal = read(&minutes(&["AAA"]), body).unwrap_err();
        assert_eq!(refusal.class, ErrorClass::Malformed, "{body}");
    }
}

#[test]
fn the_same_instant_counts_once() {
    let rows = [
        bar("2026-08-03T13:30:00Z", ""),
        bar("2026-08-03T13:30:00Z", ""),
    ]
    .join(",");
    let page = read(
        &minutes(&["AAA"]),
        &format!(r#"{{"bars":{{"AAA":[{rows}]}}}}"#),
    )
    .unwrap();
    let reading = of(&page, "AAA");
    assert_eq!((reading.bars.len(), reading.rejected.len()), (1, 1));
}

#[test]
fn days_begin_at_midnight_in_new_york_in_both_seasons() {
    let request = request(between(
        "AAA",
        Interval::Daily,
        span("2026-03-05T05:00:00Z", "2026-03-12T04:00:00Z"),
    ));
    let rows = [
        bar("2026-03-06T05:00:00Z", ""),
        bar("2026-03-09T04:00:00Z", ""),
    ]
    .join(",");
    let page = read(&request, &format!(r#"{{"bars":{{"AAA":[{rows}]}}}}"#)).unwrap();
    let dates: Vec<(String, String)> = of(&page, "AAA")
        .bars
        .iter()
        .map(|bar| (bar.trading_date.to_string(), bar.timestamp.to_rfc3339()))
        .collect();
    let day = |date: &str, at: &str| (date.to_owned(), at.to_owned());
    assert_eq!(
        dates,
        [
            day("2026-03-06", "2026-03-06T05:00:00+00:00"),
            day("2026-03-09", "2026-03-09T04:00:00+00:00")
        ]
    );
}

#[test]
fn regular_hours_are_those_of_the_calendar() {
    // The day after Thanksgiving closes at 13:00.
    let wish = Wish {
        hours: Hours::Regular,
        ..between(
            "AAA",
            Interval::Min1,
            span("2025-11-28T05:00:00Z", "2025-11-29T05:00:00Z"),
        )
    };
    let request = request(wish);
    let starts = ["14:29", "14:30", "17:59", "18:00", "21:00"];
    let rows = starts
        .map(|clock| bar(&format!("2025-11-28T{clock}:00Z"), ""))
        .join(",");
    let body = format!(r#"{{"bars":{{"AAA":[{rows}]}}}}"#);
    let kept = |request: &Request| {
        let page = read(request, &body).unwrap();
        let clock = |bar: &Bar| bar.timestamp.format("%H:%M").to_string();
        of(&page, "AAA").bars.iter().map(clock).collect::<Vec<_>>()
    };
    assert_eq!(kept(&request), ["14:30", "17:59"]);
    let all = self::request(between(
        "AAA",
        Interval::Min1,
        span("2025-11-28T05:00:00Z", "2025-11-29T05:00:00Z"),
    ));
    assert_eq!(kept(&all), starts);
}

#[test]
fn every_refusal_has_its_class() {
    let recent = minutes(&["AAA"]);
    let recent = Request {
        parameters: recent
            .parameters
            .into_iter()
            .map(|(name, value)| match name.as_str() {
                "end" => (name, NOW.to_owned()),
                _ => (name, value),
            })
            .collect(),
        ..recent
    };
    let html = "<html>\r\n<head><title>401 Authorization Required</title></head></html>\r\n";
    let sip = r#"{"message":"subscription does not permit querying recent SIP data"}"#;
    let coded =
        r#"{"code":42210000,"message":"subscription does not permit querying recent SIP data"}"#;
    let old = r#"{"code":42210000,"message":"your subscription does not permit querying data from the past 15 minutes"}"#;
    for (status, body, class, parameter) in [
        (401, html, ErrorClass::BadKey, None),
        (401, "", ErrorClass::BadKey, None),
        (403, sip, ErrorClass::NotEntitled, Some("end=now")),
        (403, coded, ErrorClass::NotEntitled, Some("end=now")),
        (422, old, ErrorClass::NotEntitled, Some("end=now")),
        (
            403,
            r#"{"message":"subscription does not permit querying OTC data"}"#,
            ErrorClass::NotEntitled,
            Some("feed=sip"),
        ),
        (403, r#"{"message":"forbidden."}"#, ErrorClass::BadKey, None),
        (403, "<html>just a moment</html>", ErrorClass::Blocked, None),
        (
            429,
            r#"{"message": "too many requests."}"#,
            ErrorClass::Burst,
            None,
        ),
        (
            400,
            r#"{"message":"invalid timeframe: 3Fortnight"}"#,
            ErrorClass::ClientBug,
            None,
        ),
        (
            400,
            r#"{"message":"end should not be before start"}"#,
            ErrorClass::ClientBug,
            None,
        ),
        (
            400,
            r#"{"message":"invalid limit: 10001"}"#,
            ErrorClass::ClientBug,
            None,
        ),
        (
            400,
            r#"{"message":"invalid symbol: CSP1"}"#,
            ErrorClass::BadRequest,
            Some("symbols=CSP1"),
        ),
        (
            422,
            r#"{"message":"invalid symbol: CSP1"}"#,
            ErrorClass::BadRequest,
            Some("symbols=CSP1"),
        ),
        (404, "", ErrorClass::ClientBug, None),
        (
            500,
            r#"{"message":"internal server error occurred"}"#,
            ErrorClass::Outage,
            None,
        ),
        (503, "", ErrorClass::Outage, None),
        (504, "<html>", ErrorClass::Outage, None),
        (200, "<html>", ErrorClass::Outage, None),
        (200, "", ErrorClass::Outage, None),
    ] {
        let refusal = free().read(&recent, &answer(status, body)).unwrap_err();
        assert_eq!(
            (refusal.class, refusal.parameter.as_deref()),
            (class, parameter),
            "{status} {body}"
        );
    }
    let past = free()
        .read(&minutes(&["AAA"]), &answer(403, sip))
        .unwrap_err();
    assert_eq!(
        past.parameter.as_deref(),
        Some("feed=sip"),
        "it was not recent"
    );
}

#[test]
fn too_many_requests_are_sent_again_after_waits_that_double() {
    let waits = free().policy().waits;
    let seconds: Vec<u64> = (0..9)
        .map_while(|retry| waits.before(ErrorClass::Burst, retry, 1.0))
        .map(|wait| wait.as_secs())
        .collect();
    assert_eq!(seconds, [1, 2, 4, 8, 16, 30]);
}

#[test]
fn only_the_last_page_speaks_and_it_does_for_the_whole_time() {
    let request = request(wish(
        "AAA",
        Interval::Min5,
        &[span("2026-11-20T19:00:00Z", NOW)],
    ));
    let key = request.series[0].clone();
    let asked = |is_last_page| Asked {
        request: &request,
        series: &key,
        at: at(NOW) + chrono::TimeDelta::seconds(2),
        is_last_page,
    };
    assert_eq!(free().spoken(&asked(false), &[]), None);
    let spoken = free().spoken(&asked(true), &[]).unwrap();
    assert_eq!(
        spoken.asked,
        span("2026-11-20T19:00:00Z", "2026-11-20T20:35:00Z")
    );
    // As if asked when the newest bar of it became due.
    assert_eq!(spoken.newest_at, Some(at("2026-11-20T20:51:00Z")));
    let old = self::request(between("AAA", Interval::Min5, span(DAY.0, DAY.1)));
    let spoken = free()
        .spoken(
            &Asked {
                request: &old,
                ..asked(true)
            },
            &[],
        )
        .unwrap();
    assert_eq!((spoken.asked, spoken.newest_at), (span(DAY.0, DAY.1), None));
}

#[test]
fn recorded_answers_are_read_exactly() {
    #[derive(serde::Deserialize)]
    struct Recorded {
        bars: std::collections::BTreeMap<
            String,
            Vec<std::collections::BTreeMap<String, Box<RawValue>>>,
        >,
        next_page_token: Option<String>,
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/alpaca");
    if !folder.exists() {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: no recorded answers beside the project"
        );
        return;
    }
    let mut bars = 0;
    for (file, symbols) in [
        ("bars_1day_multi_AAPL_NIO.json", &["AAPL", "NIO"][..]),
        ("bars_1day_META_asof_page1.json", &["META"]),
        ("bars_1day_META_asof_page2.json", &["META"]),
        ("bars_1day_AAPL_page_with_token.json", &["AAPL"]),
        ("bars_1day_GE_adjusted_spinoff.json", &["GE"]),
        ("bars_empty.json", &["AAPL"]),
    ] {
        let body = std::fs::read_to_string(folder.join(file)).unwrap();
        let recorded: Recorded = serde_json::from_str(&body).unwrap();
        let time = span("2021-01-01T05:00:00Z", "2026-01-01T05:00:00Z");
        let wishes: Vec<Wish> = symbols
            .iter()
            .map(|symbol| between(symbol, Interval::Daily, time))
            .collect();
        let request = free().plan(&wishes).requests.remove(0);
        let page = read(&request, &body).unwrap();
        let token = page.next.as_ref().and_then(|next| next.get("page_token"));
        assert_eq!(token, recorded.next_page_token.as_deref(), "{file}");
        for (symbol, rows) in &recorded.bars {
            let reading = of(&page, symbol);
            assert_eq!(reading.bars.len(), rows.len(), "{file}");
            for (bar, row) in reading.bars.iter().zip(rows) {
                let text = |name: &str| row[name].get();
                let decimal = |name: &str| text(name).parse::<rust_decimal::Decimal>().unwrap();
                assert_eq!(
                    format!(
                        "\"{}\"",
                        bar.timestamp
                            .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
                    ),
                    text("t")
                );
                for (price, name) in [
                    (bar.open, "o"),
                    (bar.high, "h"),
                    (bar.low, "l"),
                    (bar.close, "c"),
                ] {
                    assert_eq!(
                        price.to_decimal().normalize(),
                        decimal(name).normalize(),
                        "{file} {name}"
                    );
                }
                assert_eq!(bar.volume.to_string(), text("v"), "{file}");
                bars += 1;
            }
        }
    }
    assert_eq!(bars, 14);
}
