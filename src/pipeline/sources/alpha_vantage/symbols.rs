//! Requests about symbols and their answers: the list of what is traded, and the provider's search.

use std::borrow::Cow;
use std::collections::HashSet;

use ::csv::{ByteRecord, ReaderBuilder};
use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::describe::{ID, NEEDS_A_KEY};
use super::json;
use super::read::body;
use super::refusal::Prose;
use crate::model::calendar::CalendarId;
use crate::model::{Answer, Currency, ErrorClass, Listing, Request, Status, Symbol};
use crate::pipeline::reading::{malformed, not_json, quoted};
use crate::pipeline::source::{Refusal, SymbolReading, SymbolWish};

const LISTING: &str = "LISTING_STATUS";
const SEARCH: &str = "SYMBOL_SEARCH";
/// Words that the documentation searches for with the key `demo`.
const DOCUMENTED: [&str; 4] = ["tesco", "tencent", "BA", "SAIC"];
/// The most letters of a search; no symbol or usual company name is longer.
const MOST_LETTERS: usize = 100;
/// Letters kept of a name, an exchange and a kind.
const NAME: usize = 120;
const WORD: usize = 40;
/// From this many rows on, most must name a symbol.
const ENOUGH: usize = 20;
/// Characters shown of a text that is not a known header.
const SHOWN: usize = 80;

/// Turns what is wanted into a request, or says why it cannot be sent.
pub(super) fn ask(wish: &SymbolWish, key_is_demo: bool) -> Result<Request, Refusal> {
    let mut parameters = Vec::with_capacity(3);
    let mut add = |name: &str, value: &str| parameters.push((name.to_owned(), value.to_owned()));
    let function = match wish {
        SymbolWish::List => {
            add("function", LISTING);
            LISTING
        }
        SymbolWish::Search(text) => {
            let text = text.trim();
            let refused = |why: &str| Err(Refusal::new(ErrorClass::BadRequest, why));
            if text.is_empty() {
                return refused("type something to search for");
            }
            if text.chars().count() > MOST_LETTERS {
                return refused("a search has at most 100 letters; leave some out");
            }
            if key_is_demo && !DOCUMENTED.contains(&text) {
                return Err(Refusal::new(ErrorClass::DemoKey, NEEDS_A_KEY));
            }
            add("function", SEARCH);
            add("keywords", text);
            if !key_is_demo {
                add("datatype", "json");
            }
            SEARCH
        }
    };
    Ok(Request {
        source: ID,
        endpoint: function.to_owned(),
        parameters,
        series: vec![],
        riders: vec![],
        page: 1,
    })
}

/// Reads an answer: symbols, or the class of refusal.
pub(super) fn read(request: &Request, answer: &Answer) -> Result<SymbolReading, Refusal> {
    let text = body(answer)?;
    let is_list = request.endpoint == LISTING;
    let rows = if text.starts_with('{') {
        let root = root(text, answer.status)?;
        if is_list {
            return Err(malformed(
                "the answer is JSON without a reason; a table was requested",
            ));
        }
        matches(&root)?
    } else if text.is_empty() {
        return Err(malformed("the answer is empty"));
    } else if is_list {
        table(text, &["symbol", "name", "exchange", "assetType"], listed)?
    } else {
        table(text, &["symbol", "name", "type", "region"], matching)?
    };
    let listings = rows.finish()?;
    if !is_list {
        return Ok(SymbolReading::Found(listings));
    }
    if listings.is_empty() {
        return Err(Refusal::new(ErrorClass::NoData, "the list is empty"));
    }
    Ok(SymbolReading::Listed(listings))
}

/// The members of a JSON answer that is not a refusal.
pub(super) fn root(text: &str, status: u16) -> Result<Map<String, Value>, Refusal> {
    let parsed = serde_json::from_str::<Map<String, Value>>(text);
    let root = parsed.map_err(|error| not_json(&error, text.len()))?;
    let notice = root
        .iter()
        .filter_map(|(key, value)| {
            let said = match value {
                Value::Null => return None,
                Value::String(said) => said.clone(),
                other => other.to_string(),
            };
            Some(Prose::new(Prose::rank(key)?, &said))
        })
        .reduce(|one, other| one.or_better(Some(other)));
    if let Some(notice) = notice {
        return Err(notice.refusal());
    }
    if !(200..300).contains(&status) {
        return Err(malformed(format!(
            "the provider answered HTTP {status} without saying why"
        )));
    }
    if root.is_empty() {
        return Err(Refusal::new(
            ErrorClass::NoData,
            "the answer is empty, without a reason",
        ));
    }
    Ok(root)
}

fn matches(root: &Map<String, Value>) -> Result<Rows, Refusal> {
    let Some(Value::Array(found)) = root.get("bestMatches") else {
        return Err(malformed("the answer holds no matches"));
    };
    let mut rows = Rows::default();
    for found in found {
        let member = |name: &str| {
            let members = found.as_object()?;
            let (_, value) = members
                .iter()
                .find(|(key, _)| json::unnumbered(key) == name)?;
            value.as_str()
        };
        let field = |name: &str| Cow::Borrowed(member(name).unwrap_or_default());
        rows.push(&field, matching);
    }
    Ok(rows)
}

/// The value of a row under a name; empty if it has none.
type Field<'a> = dyn Fn(&str) -> Cow<'a, str> + 'a;

/// What a row of the list says: it is of US exchanges only.
fn listed(field: &Field<'_>, symbol: Symbol) -> Listing {
    let date = |name| field(name).trim().parse::<NaiveDate>().ok();
    let status = match field("status").trim() {
        "Delisted" => Status::Delisted,
        _ => Status::Active,
    };
    Listing {
        exchange: quoted(field("exchange").trim(), WORD),
        kind: quoted(field("assetType").trim(), WORD),
        calendar: Some(CalendarId::Xnys),
        currency: Some(Currency::usd()),
        status,
        listed: date("ipoDate"),
        delisted: date("delistingDate"),
        ..named(field, symbol)
    }
}

/// What a match of a search says.
fn matching(field: &Field<'_>, symbol: Symbol) -> Listing {
    Listing {
        exchange: quoted(field("region").trim(), WORD),
        kind: quoted(field("type").trim(), WORD),
        currency: field("currency").parse().ok(),
        ..named(field, symbol)
    }
}

fn named(field: &Field<'_>, symbol: Symbol) -> Listing {
    Listing {
        name: quoted(field("name").trim(), NAME),
        ..Listing::of(symbol)
    }
}

/// Reads a table whose first four columns have these names.
fn table(
    text: &str,
    columns: &[&str; 4],
    fill: fn(&Field<'_>, Symbol) -> Listing,
) -> Result<Rows, Refusal> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = ByteRecord::new();
    let mut next = |record: &mut ByteRecord| {
        reader
            .read_byte_record(record)
            .map_err(|_| malformed("the answer is not valid CSV"))
    };
    let known = next(&mut record)?
        && columns
            .iter()
            .enumerate()
            .all(|(place, name)| value(&record, place).trim() == *name);
    if !known {
        return Err(malformed(format!(
            "the answer is neither JSON nor a table of symbols; it begins with {:?}",
            quoted(text.lines().next().unwrap_or_default(), SHOWN)
        )));
    }
    let names: Vec<String> = (0..record.len())
        .map(|place| value(&record, place).trim().to_owned())
        .collect();
    let mut rows = Rows::default();
    while next(&mut record)? {
        let field = |name: &str| {
            let place = names.iter().position(|known| known == name);
            place.map_or(Cow::Borrowed(""), |place| value(&record, place))
        };
        rows.push(&field, fill);
    }
    Ok(rows)
}

fn value(record: &ByteRecord, place: usize) -> Cow<'_, str> {
    String::from_utf8_lossy(record.get(place).unwrap_or_default())
}

/// Rows for a list in which each symbol appears once.
#[derive(Default)]
struct Rows {
    listings: Vec<Listing>,
    known: HashSet<String>,
    received: usize,
    unusable: usize,
}

impl Rows {
    /// Takes a row. One without a valid symbol is left out.
    fn push(&mut self, field: &Field<'_>, fill: fn(&Field<'_>, Symbol) -> Listing) {
        self.received += 1;
        let Ok(symbol) = field("symbol").parse::<Symbol>() else {
            self.unusable += 1;
            return;
        };
        if self.known.insert(symbol.to_string()) {
            self.listings.push(fill(field, symbol));
        }
    }

    fn finish(self) -> Result<Vec<Listing>, Refusal> {
        if self.received >= ENOUGH && self.unusable * 2 > self.received {
            return Err(malformed(format!(
                "{} of {} rows name no symbol",
                self.unusable, self.received
            )));
        }
        Ok(self.listings)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chrono::DateTime;

    use super::*;

    fn search(text: &str) -> Request {
        ask(&SymbolWish::Search(text.into()), false).unwrap()
    }

    fn list() -> Request {
        ask(&SymbolWish::List, false).unwrap()
    }

    fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
        Answer {
            status,
            content_type: None,
            body: body.into(),
            received_at: DateTime::UNIX_EPOCH,
            elapsed_ms: 0,
            stated: None,
        }
    }

    fn found(body: &str) -> Vec<Listing> {
        match read(&search("x"), &answer(200, body.to_owned())).unwrap() {
            SymbolReading::Found(listings) => listings,
            SymbolReading::Listed(_) => panic!("a search"),
        }
    }

    fn class(request: &Request, status: u16, body: &str) -> ErrorClass {
        read(request, &answer(status, body.to_owned()))
            .unwrap_err()
            .class
    }

    fn listing(symbol: &str, name: &str, exchange: &str, kind: &str) -> Listing {
        Listing {
            name: name.into(),
            exchange: exchange.into(),
            kind: kind.into(),
            ..Listing::of(symbol.parse().unwrap())
        }
    }

    fn us(symbol: &str, name: &str, exchange: &str, listed: &str) -> Listing {
        Listing {
            calendar: Some(CalendarId::Xnys),
            currency: Some(Currency::usd()),
            listed: listed.parse().ok(),
            ..listing(symbol, name, exchange, "Stock")
        }
    }

    const HEADER: &str = "symbol,name,exchange,assetType,ipoDate,delistingDate,status\r\n";
    const SEARCH_HEADER: &str =
        "symbol,name,type,region,marketOpen,marketClose,timezone,currency,matchScore\r\n";

    #[test]
    fn questions_say_what_they_must_and_no_more() {
        let pairs = |asked: Request| {
            let pairs = asked
                .parameters
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join("&")
        };
        assert_eq!(pairs(list()), "function=LISTING_STATUS");
        assert_eq!(
            pairs(search(" tesco plc ")),
            "function=SYMBOL_SEARCH&keywords=tesco plc&datatype=json"
        );
        let demo = |text: &str| ask(&SymbolWish::Search(text.into()), true);
        assert_eq!(
            pairs(demo("tesco").unwrap()),
            "function=SYMBOL_SEARCH&keywords=tesco"
        );
        assert_eq!(demo("apple").unwrap_err().class, ErrorClass::DemoKey);
        assert_eq!(
            pairs(ask(&SymbolWish::List, true).unwrap()),
            "function=LISTING_STATUS"
        );
        for text in ["", "  ", &"x".repeat(101)] {
            let refusal = ask(&SymbolWish::Search(text.into()), false).unwrap_err();
            assert_eq!(refusal.class, ErrorClass::BadRequest, "{text}");
        }
    }

    #[test]
    fn a_list_is_read_with_quotes_and_each_symbol_once() {
        let body = format!(
            "{HEADER}IBM,International Business Machines Corp,NYSE,Stock,1962-01-02,null,Active\r\n\
             -P-HIZ,,NASDAQ,Stock,2020-01-02,null,Active\r\n\
             A,\"Agilent, Inc.\",NYSE,Stock,1999-11-18,null,Active\r\n\
             IBM,again,NYSE,Stock,1962-01-02,null,Active\r\n\
             ,no symbol,NYSE,Stock,1962-01-02,null,Active\r\n\
             YHOO-W,Yahoo,NASDAQ,Stock,2016-01-04,2016-10-18,Delisted\r\n"
        );
        let SymbolReading::Listed(rows) = read(&list(), &answer(200, body)).unwrap() else {
            panic!("a list")
        };
        assert_eq!(
            rows,
            [
                us(
                    "IBM",
                    "International Business Machines Corp",
                    "NYSE",
                    "1962-01-02"
                ),
                us("-P-HIZ", "", "NASDAQ", "2020-01-02"),
                us("A", "Agilent, Inc.", "NYSE", "1999-11-18"),
                Listing {
                    status: Status::Delisted,
                    delisted: "2016-10-18".parse().ok(),
                    ..us("YHOO-W", "Yahoo", "NASDAQ", "2016-01-04")
                },
            ]
        );
    }

    #[test]
    fn matches_are_read_from_json_and_from_a_table() {
        let json = r#"{"bestMatches": [{"1. symbol": "TSCO.LON", "2. name": "Tesco PLC", "3. type": "Equity",
            "4. region": "United Kingdom", "8. currency": "GBX", "9. matchScore": "0.7273"}, {"2. name": "nameless"}, {"1. symbol": "TSCDF"}]}"#;
        let tesco = Listing {
            currency: "GBX".parse().ok(),
            ..listing("TSCO.LON", "Tesco PLC", "United Kingdom", "Equity")
        };
        assert_eq!(found(json), [tesco.clone(), listing("TSCDF", "", "", "")]);
        let csv = format!(
            "{SEARCH_HEADER}TSCO.LON,Tesco PLC,Equity,United Kingdom,08:00,16:30,UTC+01,GBX,0.7273\r\n"
        );
        assert_eq!(found(&csv), [tesco]);
        assert_eq!(found(r#"{"bestMatches": []}"#), []);
        assert_eq!(found(SEARCH_HEADER), []);
    }

    #[test]
    fn the_recorded_searches_are_read() {
        for (name, first, rows) in [
            ("symbol_search_BA_2018-10.json", "BA", 10),
            ("symbol_search_tesco_2026-05-17.csv", "TSCO.LON", 5),
        ] {
            let folder = concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../shared/fixtures/alpha_vantage/"
            );
            let Ok(body) = std::fs::read_to_string(format!("{folder}{name}")) else {
                continue;
            };
            let found = found(&body);
            assert_eq!((found.len(), found[0].symbol.as_str()), (rows, first));
        }
    }

    #[test]
    fn refusals_outweigh_data_and_have_their_class() {
        for (status, body, class_) in [
            (
                200,
                r#"{"Information": "We have detected your API key as X and our standard API rate limit is 25 requests per day."}"#,
                ErrorClass::Day,
            ),
            (
                200,
                r#"{"bestMatches": [], "Note": "Burst pattern detected."}"#,
                ErrorClass::Burst,
            ),
            (
                200,
                r#"{"Error Message": "Invalid API call. Please retry"}"#,
                ErrorClass::BadRequest,
            ),
            (200, r#"{"bestMatches": 7}"#, ErrorClass::Malformed),
            (200, "{}", ErrorClass::NoData),
            (404, r#"{"bestMatches": []}"#, ErrorClass::Malformed),
            (200, r#"{"bestMatches": ["#, ErrorClass::Malformed),
            (503, "<html>", ErrorClass::Outage),
            (200, "", ErrorClass::Malformed),
            (
                200,
                "timestamp,open,high,low,close,volume\r\n",
                ErrorClass::Malformed,
            ),
        ] {
            for ask in [search("x"), list()] {
                assert_eq!(class(&ask, status, body), class_, "{body}");
            }
        }
        assert_eq!(class(&list(), 200, HEADER), ErrorClass::NoData);
        assert_eq!(class(&list(), 200, SEARCH_HEADER), ErrorClass::Malformed);
        let rows = format!("{HEADER}IBM,x,y,z\r\n{}", "a b,x,y,z\r\n".repeat(ENOUGH));
        assert_eq!(class(&list(), 200, &rows), ErrorClass::Malformed);
    }

    #[test]
    fn hostile_texts_are_made_harmless() {
        let body = format!(
            "{HEADER}IBM,a\u{1b}[2J\u{202e}b,N\u{0}YSE,{}\r\n",
            "S".repeat(90)
        );
        let SymbolReading::Listed(rows) = read(&list(), &answer(200, body)).unwrap() else {
            panic!("a list")
        };
        assert_eq!(rows[0].name, "a\\u{1b}[2J\\u{202e}b");
        assert_eq!(rows[0].exchange, "N\\u{0}YSE");
        assert_eq!(rows[0].kind.chars().count(), WORD + 1);
    }
}
