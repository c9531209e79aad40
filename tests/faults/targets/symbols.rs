//! The list of symbols and the provider's search.

use std::collections::HashSet;
use std::sync::OnceLock;

use arbitrary::{Result, Unstructured};
use pipeline_tui::model::{Listing, Request};
use pipeline_tui::pipeline::source::{SymbolReading, SymbolSource as _, SymbolWish};
use serde_json::Value;

use super::answers::{answer, source};
use super::harmless::assert_harmless;
use super::sheet::short;

const SEARCH: &[&str] = &["symbol", "name", "type", "region"];
const LIST: &[&str] = &["symbol", "name", "exchange", "assetType"];
const SYMBOLS: &[&str] = &["IBM", "ibm", "BRK-B", "FRA:IQQE", "^GSPC", "a b", "\"", ""];

fn asks() -> &'static [Request; 2] {
    static ASKS: OnceLock<[Request; 2]> = OnceLock::new();
    ASKS.get_or_init(|| {
        [SymbolWish::List, SymbolWish::Search("x".into())]
            .map(|wish| source().ask_symbols(&wish).unwrap())
    })
}

/// Any bytes, and tables in both formats: each symbol once, names harmless, both formats alike.
pub fn symbols(data: &[u8]) {
    let [first, body @ ..] = data else {
        return;
    };
    if first.is_multiple_of(2) {
        for ask in asks() {
            judged(ask, body.to_vec());
        }
    } else {
        let _ = tables(&mut Unstructured::new(body));
    }
}

fn tables(u: &mut Unstructured<'_>) -> Result<()> {
    let mut rows = vec![];
    for _ in 0..u.int_in_range(0..=30)? {
        let symbol = match u.int_in_range(0..=3)? {
            0 => short(u)?,
            1 => format!("S{}", u.int_in_range(0..=9)?),
            _ => (*u.choose(SYMBOLS)?).to_owned(),
        };
        rows.push([symbol, short(u)?, short(u)?, short(u)?]);
    }
    let [list, search] = asks();
    let matches: Vec<Value> = rows
        .iter()
        .map(|cells| {
            let cells = SEARCH.iter().zip(cells).enumerate();
            cells
                .map(|(at, (name, cell))| {
                    (format!("{}. {name}", at + 1), Value::from(cell.as_str()))
                })
                .collect::<serde_json::Map<_, _>>()
                .into()
        })
        .collect();
    let json = serde_json::json!({ "bestMatches": matches }).to_string();
    assert_eq!(judged(search, json), judged(search, table(SEARCH, &rows)));
    judged(list, table(LIST, &rows));
    Ok(())
}

fn table(names: &[&str], rows: &[[String; 4]]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(vec![]);
    writer.write_record(names).unwrap();
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.into_inner().unwrap()
}

fn judged(ask: &Request, body: impl Into<bytes::Bytes>) -> Option<Vec<Listing>> {
    match source().read_symbols(ask, &answer(200, body)) {
        Ok(SymbolReading::Listed(listings) | SymbolReading::Found(listings)) => {
            let mut known = HashSet::new();
            for listing in &listings {
                assert!(known.insert(listing.symbol.as_str()), "{listings:?}");
                assert!(
                    listing
                        .symbol
                        .as_str()
                        .bytes()
                        .all(|b| b.is_ascii_graphic())
                );
                assert_harmless(&listing.name, 120);
                assert_harmless(&listing.exchange, 40);
                assert_harmless(&listing.kind, 40);
            }
            Some(listings)
        }
        Err(refusal) => {
            assert!(!refusal.text.is_empty());
            assert_harmless(&refusal.text, 600);
            None
        }
    }
}
