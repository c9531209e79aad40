//! The functions about symbols: the list of what is traded, and the search.
//!
//! Both use the provider's layout; the rows are the market's.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

use crate::model::words::words;
use crate::simulate::calendar::wall_time;
use crate::simulate::listed::{Listed, active, delisted};
use crate::simulate::query::Query;

words! {
    /// The functions about symbols.
    pub enum SymbolFunction {
        /// Everything that is or was traded.
        Listing = "LISTING_STATUS",
        /// The best matches for some words.
        Search = "SYMBOL_SEARCH",
    }
}

/// The most matches of a search, as in every recorded answer.
const MOST_MATCHES: usize = 10;
/// The first day for which the list can be requested.
const FIRST_DATE: (i32, u32, u32) = (2010, 1, 1);
/// Symbols that only the search knows, those of the documentation's examples: symbol, name, region,
/// and the market's hours, time zone and currency.
const ELSEWHERE: [(&str, &str, &str, [&str; 4]); 14] = [
    ("BA", "Boeing Company", "United States", US),
    (
        "SAIC",
        "Science Applications International Corp",
        "United States",
        US,
    ),
    ("TCEHY", "Tencent Holdings Ltd", "United States", US),
    ("TCTZF", "Tencent Holdings Ltd", "United States", US),
    ("TSCDF", "Tesco plc", "United States", US),
    ("TSCDY", "Tesco plc", "United States", US),
    (
        "TSCO.LON",
        "Tesco PLC",
        "United Kingdom",
        ["08:00", "16:30", "UTC+01", "GBX"],
    ),
    (
        "TCO0.FRK",
        "TESCO PLC LS-0633333",
        "Frankfurt",
        ["08:00", "20:00", "UTC+02", "EUR"],
    ),
    (
        "SHOP.TRT",
        "Shopify Inc",
        "Toronto",
        ["09:30", "16:00", "UTC-05", "CAD"],
    ),
    (
        "GPV.TRV",
        "GreenPower Motor Company Inc",
        "Toronto Venture",
        ["09:30", "16:00", "UTC-05", "CAD"],
    ),
    (
        "MBG.DEX",
        "Mercedes-Benz Group AG",
        "XETRA",
        ["08:00", "20:00", "UTC+02", "EUR"],
    ),
    (
        "RELIANCE.BSE",
        "Reliance Industries Limited",
        "India/Bombay",
        ["09:15", "15:30", "UTC+5.5", "INR"],
    ),
    (
        "600104.SHH",
        "SAIC Motor Corporation Limited",
        "Shanghai",
        ["09:30", "15:00", "UTC+08", "CNY"],
    ),
    (
        "000002.SHZ",
        "China Vanke Co., Ltd.",
        "Shenzhen",
        ["09:30", "15:00", "UTC+08", "CNY"],
    ),
];

/// Hours, time zone and currency of everything in the list.
const US: [&str; 4] = ["09:30", "16:00", "UTC-04", "USD"];

/// A body with the name under which a browser would save it; JSON has none.
pub(super) struct Sheet {
    pub body: String,
    pub file_name: Option<&'static str>,
}

/// The answer to a request; `None` for anything the provider calls an invalid call.
///
/// `no_rows` leaves out every row.
pub(super) fn answer(
    seed: u64,
    now: DateTime<Utc>,
    function: SymbolFunction,
    query: &Query,
    no_rows: bool,
) -> Option<Sheet> {
    match function {
        SymbolFunction::Listing => listing(seed, now, query, no_rows),
        SymbolFunction::Search => search(seed, query, no_rows),
    }
}

fn listing(seed: u64, now: DateTime<Utc>, query: &Query, no_rows: bool) -> Option<Sheet> {
    let (year, month, day) = FIRST_DATE;
    let today = wall_time(now).date();
    let date = match query.get("date") {
        "" => today,
        text => text.parse().ok().filter(|date| {
            NaiveDate::from_ymd_opt(year, month, day).is_some_and(|first| *date >= first)
        })?,
    };
    let rows = match query.get("state") {
        "" | "active" => active(seed),
        "delisted" => delisted(seed),
        _ => return None,
    };
    let mut body = String::from("symbol,name,exchange,assetType,ipoDate,delistingDate,status\r\n");
    let shown = |row: &Listed| row.since <= date && row.until.is_none_or(|until| until <= date);
    for (symbol, row) in rows.iter().filter(|(_, row)| !no_rows && shown(row)) {
        let until = row
            .until
            .map_or_else(|| "null".to_owned(), |until| until.to_string());
        let status = if row.until.is_some() {
            "Delisted"
        } else {
            "Active"
        };
        // Writing to a string cannot fail.
        let _ = write!(
            body,
            "{symbol},{},{},{},{},{until},{status}\r\n",
            quoted(&row.name),
            row.exchange,
            row.kind,
            row.since,
        );
    }
    Some(Sheet {
        body,
        file_name: Some("listing_status.csv"),
    })
}

/// A value of CSV; the provider quotes those that contain a comma.
fn quoted(text: &str) -> String {
    if text.contains([',', '"']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// One match of a search, as the provider names its fields.
type Found = [(&'static str, String); 9];

fn search(seed: u64, query: &Query, no_rows: bool) -> Option<Sheet> {
    let keywords = query.get("keywords").trim().to_ascii_lowercase();
    let csv = match query.get("datatype") {
        "" | "json" => false,
        "csv" => true,
        _ => return None,
    };
    if keywords.is_empty() {
        return None;
    }
    let found = if no_rows {
        vec![]
    } else {
        matches(seed, &keywords)
    };
    Some(if csv {
        Sheet {
            body: search_csv(&found),
            file_name: Some("search.csv"),
        }
    } else {
        Sheet {
            body: search_json(&found),
            file_name: None,
        }
    })
}

/// The best matches, best first; among equal ones, the shorter symbol first.
fn matches(seed: u64, keywords: &str) -> Vec<Found> {
    let listed = active(seed);
    let here = listed.iter().map(|(symbol, row)| {
        let kind = if row.kind == "Stock" {
            "Equity"
        } else {
            row.kind
        };
        (
            symbol.as_str(),
            row.name.as_str(),
            kind,
            "United States",
            US,
        )
    });
    let elsewhere = ELSEWHERE
        .iter()
        .map(|(symbol, name, region, hours)| (*symbol, *name, "Equity", *region, *hours));
    let mut scored: Vec<_> = here
        .chain(elsewhere)
        .map(|row| (score(keywords, row.0).max(score(keywords, row.1)), row))
        .filter(|(score, _)| *score > 0)
        .collect();
    scored.sort_by(|(one, a), (other, b)| {
        other
            .cmp(one)
            .then_with(|| (a.0.len(), a.0).cmp(&(b.0.len(), b.0)))
    });
    scored.truncate(MOST_MATCHES);
    scored
        .into_iter()
        .map(
            |(score, (symbol, name, kind, region, [open, close, zone, currency]))| {
                [
                    ("symbol", symbol.to_owned()),
                    ("name", name.to_owned()),
                    ("type", kind.to_owned()),
                    ("region", region.to_owned()),
                    ("marketOpen", open.to_owned()),
                    ("marketClose", close.to_owned()),
                    ("timezone", zone.to_owned()),
                    ("currency", currency.to_owned()),
                    (
                        "matchScore",
                        format!("{}.{:04}", score / 10_000, score % 10_000),
                    ),
                ]
            },
        )
        .collect()
}

/// How well words match a text that contains them, in ten-thousandths: twice the letters they share,
/// divided by the letters of both. Recorded scores are the same: 0.7143 for `tesco` and `Tesco plc`.
fn score(keywords: &str, text: &str) -> usize {
    if text.to_ascii_lowercase().contains(keywords) {
        let both = keywords.len() + text.len();
        (20_000 * keywords.len() + both / 2) / both
    } else {
        0
    }
}

fn search_csv(found: &[Found]) -> String {
    let mut body = String::from(
        "symbol,name,type,region,marketOpen,marketClose,timezone,currency,matchScore\r\n",
    );
    for row in found {
        let fields: Vec<String> = row.iter().map(|(_, value)| quoted(value)).collect();
        body.push_str(&fields.join(","));
        body.push_str("\r\n");
    }
    body
}

fn search_json(found: &[Found]) -> String {
    if found.is_empty() {
        return "{\n    \"bestMatches\": []\n}".to_owned();
    }
    let rows: Vec<String> = found
        .iter()
        .map(|row| {
            let fields: Vec<String> = row
                .iter()
                .enumerate()
                .map(|(place, (name, value))| {
                    format!(
                        "            \"{}. {name}\": {}",
                        place + 1,
                        Value::from(value.as_str())
                    )
                })
                .collect();
            format!("        {{\n{}\n        }}", fields.join(",\n"))
        })
        .collect();
    format!(
        "{{\n    \"bestMatches\": [\n{}\n    ]\n}}",
        rows.join(",\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(function: SymbolFunction, query: &str) -> Option<String> {
        let now = "2026-05-16T02:00:00Z".parse().unwrap();
        answer(1, now, function, &Query::decode(query), false).map(|sheet| sheet.body)
    }

    #[test]
    fn the_list_has_true_names_and_the_provider_s_size() {
        let text = body(SymbolFunction::Listing, "").unwrap();
        assert_eq!(text.lines().count(), 13_401);
        for row in [
            "IBM,International Business Machines Corp,NYSE,Stock,1962-01-02,null,Active\r\n",
            "BRK-B,Berkshire Hathaway Inc - Class B,NYSE,Stock,1996-05-09,null,Active\r\n",
        ] {
            assert!(text.contains(row), "{row}");
        }
        assert!(text.contains(" Group, Inc.\","), "a comma is quoted");
        assert_eq!(body(SymbolFunction::Listing, "state=active").unwrap(), text);
        let before = body(SymbolFunction::Listing, "date=2010-01-04").unwrap();
        assert!(before.contains("\r\nAAPL,") && !before.contains("\r\nTSLA,"));
    }

    #[test]
    fn what_is_no_longer_traded_is_a_list_of_its_own() {
        let text = body(SymbolFunction::Listing, "state=delisted").unwrap();
        assert!(text.lines().skip(1).all(|row| row.ends_with(",Delisted")));
        assert!(text.lines().count() > 1_000 && !text.contains("null"));
    }

    #[test]
    fn wrong_parameters_are_invalid_calls() {
        for query in ["state=all", "date=2009-12-31", "date=yesterday"] {
            assert_eq!(body(SymbolFunction::Listing, query), None, "{query}");
        }
        for query in ["", "keywords=", "keywords=%20", "keywords=a&datatype=xml"] {
            assert_eq!(body(SymbolFunction::Search, query), None, "{query}");
        }
    }

    #[test]
    fn a_search_is_laid_out_as_recorded() {
        let csv = body(SymbolFunction::Search, "keywords=tesco&datatype=csv").unwrap();
        assert!(csv.contains(
            "TSCO.LON,Tesco PLC,Equity,United Kingdom,08:00,16:30,UTC+01,GBX,0.7143\r\n"
        ));
        let json = body(SymbolFunction::Search, "keywords=IBM").unwrap();
        assert!(
            json.starts_with(
                "{\n    \"bestMatches\": [\n        {\n            \"1. symbol\": \"IBM\",\n            \
                 \"2. name\": \"International Business Machines Corp\",\n"
            ),
            "{json}"
        );
        assert!(json.contains("            \"9. matchScore\": \"1.0000\"\n        }"));
        assert_eq!(
            body(SymbolFunction::Search, "keywords=zzzzzzz").unwrap(),
            "{\n    \"bestMatches\": []\n}"
        );
    }

    #[test]
    fn seeds_give_lists_of_their_own() {
        let now = "2026-05-16T02:00:00Z".parse().unwrap();
        let list = |seed| answer(seed, now, SymbolFunction::Listing, &Query::default(), false);
        assert_ne!(list(1).unwrap().body, list(2).unwrap().body);
    }
}
