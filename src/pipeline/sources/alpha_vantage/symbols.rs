//! Requests about symbols and their answers: the list of what is traded, and the provider's search.

use std::collections::HashSet;

use ::csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};

use super::describe::{ID, NEEDS_A_KEY};
use super::json;
use super::read::body;
use super::refusal::Prose;
use crate::model::{Answer, ErrorClass, Listing, Request, Symbol};
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
        table(text, &["symbol", "name", "exchange", "assetType"])?
    } else {
        table(text, &["symbol", "name", "type", "region"])?.exchanged()
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
        let field = |name: &str| {
            let members = found.as_object()?;
            let (_, value) = members
                .iter()
                .find(|(key, _)| json::unnumbered(key) == name)?;
            value.as_str()
        };
        rows.push([
            field("symbol").unwrap_or_default(),
            field("name").unwrap_or_default(),
            field("region").unwrap_or_default(),
            field("type").unwrap_or_default(),
        ]);
    }
    Ok(rows)
}

/// Reads a table whose first four columns have these names.
fn table(text: &str, columns: &[&str; 4]) -> Result<Rows, Refusal> {
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
    let field = |record: &ByteRecord, place: usize| -> String {
        let bytes = record.get(place).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    let known = next(&mut record)?
        && columns
            .iter()
            .enumerate()
            .all(|(place, name)| field(&record, place).trim() == *name);
    if !known {
        return Err(malformed(format!(
            "the answer is neither JSON nor a table of symbols; it begins with {:?}",
            quoted(text.lines().next().unwrap_or_default(), SHOWN)
        )));
    }
    let mut rows = Rows::default();
    while next(&mut record)? {
        let [symbol, name, third, fourth] = [0, 1, 2, 3].map(|place| field(&record, place));
        rows.push([&symbol, &name, &third, &fourth]);
    }
    Ok(rows)
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
    /// Takes symbol, name, exchange and kind. A row without a valid symbol is left out.
    fn push(&mut self, [symbol, name, exchange, kind]: [&str; 4]) {
        self.received += 1;
        let Ok(symbol) = symbol.parse::<Symbol>() else {
            self.unusable += 1;
            return;
        };
        if self.known.insert(symbol.to_string()) {
            self.listings.push(Listing {
                symbol,
                name: quoted(name.trim(), NAME),
                exchange: quoted(exchange.trim(), WORD),
                kind: quoted(kind.trim(), WORD),
            });
        }
    }

    /// The table of a search names the kind before the region.
    fn exchanged(mut self) -> Self {
        for listing in &mut self.listings {
            std::mem::swap(&mut listing.exchange, &mut listing.kind);
        }
        self
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
            symbol: symbol.parse().unwrap(),
            name: name.into(),
            exchange: exchange.into(),
            kind: kind.into(),
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
             ,no symbol,NYSE,Stock,1962-01-02,null,Active\r\n"
        );
        let SymbolReading::Listed(rows) = read(&list(), &answer(200, body)).unwrap() else {
            panic!("a list")
        };
        assert_eq!(
            rows,
            [
                listing(
                    "IBM",
                    "International Business Machines Corp",
                    "NYSE",
                    "Stock"
                ),
                listing("-P-HIZ", "", "NASDAQ", "Stock"),
                listing("A", "Agilent, Inc.", "NYSE", "Stock"),
            ]
        );
    }

    #[test]
    fn matches_are_read_from_json_and_from_a_table() {
        let json = r#"{"bestMatches": [{"1. symbol": "TSCO.LON", "2. name": "Tesco PLC", "3. type": "Equity",
            "4. region": "United Kingdom", "9. matchScore": "0.7273"}, {"2. name": "nameless"}, {"1. symbol": "TSCDF"}]}"#;
        let tesco = listing("TSCO.LON", "Tesco PLC", "United Kingdom", "Equity");
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
