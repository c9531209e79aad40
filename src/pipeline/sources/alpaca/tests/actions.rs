//! Corporate actions, the list of symbols, and bars that are rolled up.

use super::*;
use crate::model::adjustment::{EventKind, ReportedEvents};
use crate::model::{Price, Status};
use crate::pipeline::source::{EventAsk, EventPage, SymbolReading, SymbolWish};

fn asked_all(wanted: &[(&str, EventKind)]) -> Vec<EventAsk> {
    let list = |(symbol, kind): &(&str, EventKind)| (symbol.parse().unwrap(), *kind);
    let wanted: Vec<_> = wanted.iter().map(list).collect();
    free().events().unwrap().ask_events(&wanted)
}

fn asked(symbol: &str, kind: EventKind) -> Request {
    let [ask] = asked_all(&[(symbol, kind)]).try_into().unwrap();
    ask.request.unwrap()
}

fn list(symbol: &str, kind: EventKind, body: &str) -> ReportedEvents {
    let read = free().read_events(&asked(symbol, kind), &answer(200, body));
    let EventPage { lists, next } = read.unwrap();
    assert_eq!(next, None);
    let [list] = lists.try_into().unwrap();
    list
}

fn days(list: &ReportedEvents) -> Vec<(String, Option<String>)> {
    let shown = |(date, amount): &(chrono::NaiveDate, Option<Price>)| {
        (date.to_string(), amount.map(|amount| amount.to_string()))
    };
    list.events.iter().map(shown).collect()
}

fn day(date: &str, amount: Option<&str>) -> (String, Option<String>) {
    (date.to_owned(), amount.map(str::to_owned))
}

fn actions(groups: &str) -> String {
    format!(r#"{{"corporate_actions":{{{groups}}},"next_page_token":null}}"#)
}

#[test]
fn a_list_is_asked_for_with_its_dates() {
    let request = asked("NVDA", EventKind::Dividends);
    let pairs: Vec<String> = request
        .parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        pairs.join("&"),
        "symbols=NVDA&types=cash_dividend&start=2016-01-04&end=2027-02-18&limit=1000"
    );
    assert!(request.is_about_symbols() && free().is_about_events(&request));
    assert!(free().is_about_events(&asked("NVDA", EventKind::Splits)));
}

#[test]
fn one_request_asks_for_the_lists_of_a_hundred_symbols() {
    use EventKind::{Dividends, Splits};
    let names: Vec<String> = (0..120).map(|number| format!("S{number:03}")).collect();
    let both = names
        .iter()
        .flat_map(|name| [(name.as_str(), Splits), (name, Dividends)]);
    let wanted: Vec<_> = both.chain([("ONE", Splits)]).collect();
    let asks = asked_all(&wanted);
    let about = |ask: &EventAsk| {
        let request = ask.request.as_ref().unwrap();
        let symbols = request.get("symbols").unwrap().split(',').count();
        let types = request.get("types").unwrap().split(',').count();
        (symbols, types, ask.lists.len())
    };
    let about: Vec<_> = asks.iter().map(about).collect();
    assert_eq!(about, [(1, 7, 1), (100, 8, 200), (20, 8, 40)]);
}

#[test]
fn each_symbol_has_its_own_rows_and_a_token_names_the_next_page() {
    let [ask] = asked_all(&[
        ("AAA", EventKind::Splits),
        ("AAA", EventKind::Dividends),
        ("BBB", EventKind::Splits),
        ("BBB", EventKind::Dividends),
    ])
    .try_into()
    .unwrap();
    let request = ask.request.unwrap();
    let body = r#"{"corporate_actions":{
        "cash_dividends":[{"symbol":"BBB","ex_date":"2024-06-10","rate":0.25,"process_date":"2024-06-20"}],
        "forward_splits":[{"symbol":"AAA","ex_date":"2024-06-10","new_rate":2,"old_rate":1,"process_date":"2024-06-10"}],
        "name_changes":[{"old_symbol":"ZZZ","new_symbol":"BBB","process_date":"2022-06-09"}]},
        "next_page_token":"MDA3"}"#;
    let page = free().read_events(&request, &answer(200, body)).unwrap();
    let lists: Vec<_> = page
        .lists
        .iter()
        .map(|list| (list.instrument.symbol.as_str(), list.kind, days(list)))
        .collect();
    assert_eq!(
        lists,
        [
            (
                "AAA",
                EventKind::Splits,
                vec![day("2024-06-10", Some("2.0000"))]
            ),
            ("AAA", EventKind::Dividends, vec![]),
            ("BBB", EventKind::Splits, vec![]),
            (
                "BBB",
                EventKind::Dividends,
                vec![day("2024-06-10", Some("0.2500"))]
            ),
        ]
    );
    let renames: usize = page.lists.iter().map(|list| list.renames.len()).sum();
    assert_eq!(renames, 1);
    let next = page.next.unwrap();
    assert_eq!((next.page, next.get("page_token")), (2, Some("MDA3")));
    assert!(free().is_about_events(&next));
}

#[test]
fn splits_are_new_shares_for_an_old_one_and_what_has_no_factor_says_so() {
    let body = actions(
        r#""forward_splits":[{"symbol":"AAA","ex_date":"2024-06-10","new_rate":10,"old_rate":1,"process_date":"2024-06-10"}],
           "reverse_splits":[{"symbol":"AAA","ex_date":"2020-01-02","new_rate":1,"old_rate":50,"process_date":"2020-01-02"},
                             {"symbol":"AAA","ex_date":"2019-01-02","new_rate":1.5,"old_rate":3e0,"process_date":"2019-01-02"}],
           "stock_dividends":[{"symbol":"AAA","ex_date":"2021-05-19","rate":0.05,"process_date":"2021-05-19"}],
           "spin_offs":[{"source_symbol":"AAA","new_symbol":"BBB","source_rate":4,"new_rate":1,"ex_date":"2022-03-01","process_date":"2022-03-01"},
                        {"source_symbol":"ZZZ","new_symbol":"AAA","source_rate":4,"new_rate":1,"ex_date":"2018-03-01","process_date":"2018-03-01"}],
           "cash_mergers":null,
           "unit_splits":[{"old_symbol":"AAA","new_symbol":"CCC","old_rate":1,"new_rate":1,"effective_date":"2017-03-01","process_date":"2017-03-02"}]"#,
    );
    let list = list("AAA", EventKind::Splits, &body);
    assert_eq!(
        days(&list),
        [
            day("2017-03-01", None),
            day("2019-01-02", Some("0.5000")),
            day("2020-01-02", Some("0.0200")),
            day("2021-05-19", Some("1.0500")),
            day("2022-03-01", None),
            day("2024-06-10", Some("10.0000")),
        ]
    );
    assert_eq!(list.through.to_string(), "2026-11-19");
}

#[test]
fn dividends_of_a_day_add_up_and_those_to_come_are_left_out() {
    let body = actions(
        r#""cash_dividends":[
            {"symbol":"AAA","ex_date":"2026-11-10","rate":0.125,"special":false,"process_date":"2026-12-01"},
            {"symbol":"AAA","ex_date":"2026-11-10","rate":2.5,"special":true,"process_date":"2026-12-01"},
            {"symbol":"AAA","ex_date":"2026-11-20","rate":0.3,"process_date":"2026-12-01"},
            {"symbol":"AAA","ex_date":"2026-11-21","rate":0.4,"process_date":"2027-01-01"},
            {"symbol":"BBB","ex_date":"2026-11-10","rate":9,"process_date":"2026-12-01"}]"#,
    );
    let list = list("AAA", EventKind::Dividends, &body);
    assert_eq!(
        days(&list),
        [
            day("2026-11-10", Some("2.6250")),
            day("2026-11-20", Some("0.3000"))
        ]
    );
}

#[test]
fn a_change_of_symbols_is_said_once_it_has_happened() {
    let body = actions(
        r#""name_changes":[
            {"old_symbol":"FB","new_symbol":"META","process_date":"2022-06-09"},
            {"old_symbol":"META","new_symbol":"NEXT","process_date":"2027-01-04"},
            {"old_symbol":"META","new_symbol":"META","process_date":"2023-01-04"}]"#,
    );
    let list = list("META", EventKind::Splits, &body);
    let [change] = list.renames.try_into().unwrap();
    assert_eq!(
        (
            change.from.as_str(),
            change.to.as_str(),
            change.date.to_string().as_str()
        ),
        ("FB", "META", "2022-06-09")
    );
    assert_eq!(list.events, []);
}

#[test]
fn a_list_of_another_shape_is_refused() {
    for (status, body, class) in [
        (
            200,
            r#"{"corporate_actions":{"cash_dividends":[{"symbol":"AAA","ex_date":"soon","rate":1}]}}"#,
            ErrorClass::Malformed,
        ),
        (200, "[]", ErrorClass::Malformed),
        (200, r#"{"bars":{}}"#, ErrorClass::Malformed),
        (401, "<html>", ErrorClass::BadKey),
    ] {
        let request = asked("AAA", EventKind::Dividends);
        let refusal = free()
            .read_events(&request, &answer(status, body))
            .unwrap_err();
        assert_eq!(refusal.class, class, "{body}");
    }
    let nothing = list("AAA", EventKind::Dividends, &actions(""));
    assert_eq!(nothing.events, []);
}

#[test]
fn the_list_of_symbols_says_what_it_knows() {
    let source = free();
    let request = source.ask_symbols(&SymbolWish::List).unwrap();
    assert_eq!(request.endpoint, "v2/assets");
    let body = r#"[
        {"id":"b0b6dd9d","class":"us_equity","exchange":"NASDAQ","symbol":"AAPL","name":"Apple Inc. Common Stock","status":"active","tradable":true},
        {"id":"1","class":"us_equity","exchange":"NYSE","symbol":"BRK.B","name":"Berkshire\u0007","status":"active","tradable":false},
        {"id":"2","class":"us_equity","exchange":"OTC","symbol":"NOT A SYMBOL","name":"","status":"active","tradable":true},
        {"id":"3","class":"us_equity","exchange":"NYSE","symbol":"AAPL","name":"again","status":"active","tradable":true}]"#;
    let SymbolReading::Listed(listings) =
        source.read_symbols(&request, &answer(200, body)).unwrap()
    else {
        panic!("a list");
    };
    let [apple, berkshire] = listings.try_into().unwrap();
    assert_eq!(
        (apple.exchange.as_str(), apple.status),
        ("NASDAQ", Status::Active)
    );
    assert_eq!(apple.name, "Apple Inc. Common Stock");
    assert_eq!(
        (berkshire.symbol.as_str(), berkshire.status),
        ("BRK.B", Status::Halted)
    );
    assert!(!berkshire.name.contains('\u{7}'));
    let search = source
        .ask_symbols(&SymbolWish::Search("apple".into()))
        .unwrap_err();
    assert_eq!(search.class, ErrorClass::BadRequest);
    let empty = source
        .read_symbols(&request, &answer(200, "[]"))
        .unwrap_err();
    assert_eq!(empty.class, ErrorClass::NoData);
}

/// A request for hours, and an answer with quarters of an hour that begin at these times.
fn hours(starts: &[&str], token: &str) -> Result<Page, Refusal> {
    let time = span("2026-11-19T13:00:00Z", "2026-11-19T17:00:00Z");
    let request = request(between("AAA", Interval::Min60, time));
    assert_eq!(request.get("timeframe"), Some("15Min"));
    let bar = |clock: &&str| {
        format!(r#"{{"t":"2026-11-19T{clock}:00Z","o":10,"h":12,"l":9,"c":11,"v":100}}"#)
    };
    let rows: Vec<String> = starts.iter().map(bar).collect();
    let body = format!(
        r#"{{"bars":{{"AAA":[{}]}},"next_page_token":{token}}}"#,
        rows.join(",")
    );
    free().read(&request, &answer(200, &body))
}

#[test]
fn hours_are_rolled_up_inside_the_session() {
    let starts = [
        "13:45", "14:00", "14:15", "14:30", "14:45", "15:00", "15:45",
    ];
    let page = hours(&starts, "null").unwrap();
    let bars: Vec<(String, String)> = page.parts[0]
        .1
        .bars
        .iter()
        .map(|bar| {
            (
                bar.timestamp.format("%H:%M").to_string(),
                bar.volume.to_string(),
            )
        })
        .collect();
    let bar = |clock: &str, volume: &str| (clock.to_owned(), volume.to_owned());
    // The session begins at 14:30, in the middle of an hour.
    assert_eq!(
        bars,
        [
            bar("13:00", "100"),
            bar("14:00", "200"),
            bar("15:00", "200")
        ]
    );
    assert_eq!(free().derived_from(Interval::Min60), Some(Interval::Min15));
    assert_eq!(free().derived_from(Interval::Min5), None);
    let adds_up = |finer, coarser| free().rolls_up(finer, coarser);
    assert!(adds_up(Interval::Min5, Interval::Min60));
    assert!(!adds_up(Interval::Min60, Interval::Daily) && !adds_up(Interval::Min5, Interval::Min5));
}

#[test]
fn what_a_page_cuts_is_never_rolled_up() {
    assert_eq!(
        hours(&["14:30"], "\"more\"").unwrap_err().class,
        ErrorClass::Malformed
    );
    let years = span("2020-01-01T05:00:00Z", NOW);
    let wishes = ["A", "B", "C"].map(|symbol| wish(symbol, Interval::Min30, &[years]));
    let planned = free().plan(&wishes);
    for request in &planned.requests {
        let time = plan::time(request).unwrap();
        let pages = times::requests(Interval::Min30, &[time], request.series.len());
        assert_eq!(pages, 1, "{time:?}");
        assert_eq!(time.from.timestamp() % 1800, 0);
        assert_eq!(time.to.timestamp() % 1800, 0);
    }
    let whole: chrono::TimeDelta = planned
        .requests
        .iter()
        .filter(|request| request.series[0].symbol.as_str() == "A")
        .map(|request| plan::time(request).unwrap())
        .map(|time| time.to - time.from)
        .sum();
    assert_eq!(
        whole,
        at("2026-11-20T20:30:00Z") - years.from,
        "no gap and no time twice"
    );
}
