//! The provider's lists of a symbol's splits and dividends.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::America::New_York;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::describe::{ID, NEEDS_A_KEY};
use super::read::body;
use super::symbols;
use crate::model::adjustment::{EventKind, ReportedEvents};
use crate::model::{Answer, ErrorClass, Instrument, Price, Request, Symbol};
use crate::pipeline::reading::{malformed, quoted};
use crate::pipeline::source::Refusal;

/// The one symbol that the documentation asks for with the key `demo`.
const DOCUMENTED: &str = "IBM";
/// Characters shown of a symbol that was not requested.
const SHOWN: usize = 40;

/// A list's function, and the members of its rows that hold the date and the amount.
const fn layout(kind: EventKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        EventKind::Splits => ("SPLITS", "effective_date", "split_factor"),
        EventKind::Dividends => ("DIVIDENDS", "ex_dividend_date", "amount"),
    }
}

/// The list that a request asks for.
pub(super) fn kind(request: &Request) -> Option<EventKind> {
    let mut kinds = EventKind::ALL.iter().copied();
    kinds.find(|kind| layout(*kind).0 == request.endpoint)
}

/// The request for a list, or why there can be none.
pub(super) fn ask(symbol: &Symbol, kind: EventKind, key_is_demo: bool) -> Result<Request, Refusal> {
    if key_is_demo && symbol.as_str() != DOCUMENTED {
        return Err(Refusal::new(ErrorClass::DemoKey, NEEDS_A_KEY));
    }
    let function = layout(kind).0;
    let mut parameters = vec![("function", function), ("symbol", symbol.as_str())];
    if !key_is_demo {
        parameters.push(("datatype", "json"));
    }
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Ok(Request {
        source: ID,
        endpoint: function.to_owned(),
        parameters: parameters.into_iter().map(owned).collect(),
        series: vec![],
        riders: vec![],
        page: 1,
    })
}

/// Reads a list, or the class of refusal.
pub(super) fn read(request: &Request, answer: &Answer) -> Result<ReportedEvents, Refusal> {
    let kind = kind(request).ok_or_else(|| malformed("no list of events was requested"))?;
    let symbol: Symbol = request
        .get("symbol")
        .and_then(|symbol| symbol.parse().ok())
        .ok_or_else(|| malformed("the request names no symbol"))?;
    let root = symbols::root(body(answer)?, answer.status)?;
    if let Some(named) = root.get("symbol").and_then(Value::as_str)
        && !named.eq_ignore_ascii_case(symbol.as_str())
    {
        let named = quoted(named, SHOWN);
        return Err(malformed(format!(
            "the answer is about {named:?}, not about {symbol}"
        )));
    }
    let Some(Value::Array(rows)) = root.get("data") else {
        return Err(malformed("the answer holds no list of events"));
    };
    let sent_on = answer.received_at.with_timezone(&New_York).date_naive();
    Ok(ReportedEvents {
        renames: vec![],
        instrument: Instrument { source: ID, symbol },
        kind,
        // What happens on the day itself may be listed in the evening.
        through: sent_on - TimeDelta::days(1),
        events: events(kind, rows)?,
    })
}

/// Each day once: its dividends added, its splits multiplied.
fn events(kind: EventKind, rows: &[Value]) -> Result<Vec<(NaiveDate, Option<Price>)>, Refusal> {
    let (_, date_name, amount_name) = layout(kind);
    let mut days: BTreeMap<NaiveDate, Option<Decimal>> = BTreeMap::new();
    for row in rows {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        let date = text(date_name);
        // An event that has no date yet is still to come.
        if date == "None" || date == "0000-00-00" {
            continue;
        }
        let date: NaiveDate = date.parse().map_err(|_| {
            malformed(format!(
                "{:?} is not the date of an event",
                quoted(date, SHOWN)
            ))
        })?;
        let amount = Price::parse(text(amount_name)).ok();
        let amount = amount.map(|(amount, _)| amount.to_decimal());
        days.entry(date)
            .and_modify(|there| {
                *there = there.zip(amount).and_then(|(a, b)| match kind {
                    EventKind::Splits => a.checked_mul(b),
                    EventKind::Dividends => a.checked_add(b),
                });
            })
            .or_insert(amount);
    }
    let price = |amount: Decimal| {
        let digits = Price::SCALE;
        Price::from_decimal(
            amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointNearestEven),
        )
    };
    Ok(days
        .into_iter()
        .map(|(date, amount)| (date, amount.and_then(price)))
        .collect())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn answer(body: &str) -> Answer {
        Answer {
            status: 200,
            content_type: None,
            body: Bytes::copy_from_slice(body.as_bytes()),
            received_at: "2026-11-27T02:00:00Z".parse().unwrap(),
            elapsed_ms: 0,
            stated: None,
        }
    }

    fn asked(kind: EventKind) -> Request {
        ask(&"IBM".parse().unwrap(), kind, false).unwrap()
    }

    fn list(kind: EventKind, body: &str) -> Vec<(String, Option<String>)> {
        let read = read(&asked(kind), &answer(body)).unwrap();
        assert_eq!(
            (read.kind, read.instrument.to_string().as_str()),
            (kind, "IBM")
        );
        let shown = |(date, amount): &(NaiveDate, Option<Price>)| {
            (date.to_string(), amount.map(|amount| amount.to_string()))
        };
        read.events.iter().map(shown).collect()
    }

    fn day(date: &str, amount: &str) -> (String, Option<String>) {
        (date.to_owned(), Some(amount.to_owned()))
    }

    #[test]
    fn a_list_is_asked_for_by_symbol_and_with_the_key_demo_as_documented() {
        let written = |request: Request| {
            let pairs = request.parameters.iter();
            let pairs: Vec<_> = pairs
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            pairs.join("&")
        };
        let ask = |symbol: &str, demo| ask(&symbol.parse().unwrap(), EventKind::Splits, demo);
        assert_eq!(
            written(ask("BRK-B", false).unwrap()),
            "function=SPLITS&symbol=BRK-B&datatype=json"
        );
        assert_eq!(
            written(ask("IBM", true).unwrap()),
            "function=SPLITS&symbol=IBM"
        );
        assert_eq!(ask("BRK-B", true).unwrap_err().class, ErrorClass::DemoKey);
        assert_eq!(
            kind(&asked(EventKind::Dividends)),
            Some(EventKind::Dividends)
        );
    }

    #[test]
    fn lists_are_read_each_day_once() {
        let splits = r#"{"symbol": "IBM", "data": [
            {"effective_date": "1999-05-27", "split_factor": "2.0000"},
            {"effective_date": "1997-05-28", "split_factor": "2.0000"},
            {"effective_date": "1997-05-28", "split_factor": "0.5000"}]}"#;
        assert_eq!(
            list(EventKind::Splits, splits),
            [day("1997-05-28", "1.0000"), day("1999-05-27", "2.0000")]
        );
        let dividends = r#"{"symbol": "ibm", "data": [
            {"ex_dividend_date": "None", "declaration_date": "2026-10-27", "amount": "1.7"},
            {"ex_dividend_date": "2024-02-08", "declaration_date": "None", "amount": "1.66"},
            {"ex_dividend_date": "2024-02-08", "amount": "0.5"},
            {"ex_dividend_date": "2023-11-09", "amount": "None"}]}"#;
        assert_eq!(
            list(EventKind::Dividends, dividends),
            [("2023-11-09".to_owned(), None), day("2024-02-08", "2.1600")]
        );
        assert_eq!(
            list(EventKind::Splits, r#"{"symbol": "IBM", "data": []}"#),
            []
        );
    }

    #[test]
    fn a_list_is_complete_up_to_the_day_before_it_was_sent() {
        let read = read(&asked(EventKind::Splits), &answer(r#"{"data": []}"#)).unwrap();
        assert_eq!(
            read.through,
            "2026-11-25".parse().unwrap(),
            "21:00 in New York"
        );
    }

    #[test]
    fn refusals_and_other_answers_are_no_list() {
        for (body, class) in [
            ("{}", ErrorClass::NoData),
            (r#"{"data": 7}"#, ErrorClass::Malformed),
            (r#"{"symbol": "AAPL", "data": []}"#, ErrorClass::Malformed),
            (
                r#"{"data": [{"effective_date": "soon", "split_factor": "2"}]}"#,
                ErrorClass::Malformed,
            ),
            (
                r#"{"data": [], "Information": "Thank you for using Alpha Vantage! This is a premium endpoint."}"#,
                ErrorClass::NotEntitled,
            ),
            ("", ErrorClass::Malformed),
            ("effective_date,split_factor\r\n", ErrorClass::Malformed),
            ("<html>", ErrorClass::Outage),
        ] {
            let refusal = read(&asked(EventKind::Splits), &answer(body)).unwrap_err();
            assert_eq!(refusal.class, class, "{body}: {}", refusal.text);
        }
    }
}
