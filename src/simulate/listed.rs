//! What is traded: computed from the seed, so that each start serves the same list. A few companies
//! that people look for first have their real names; the others exist only here.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::noise::{below, mix, mix_text};

/// Rows of the list besides the real ones; the provider's had 13,400 in May 2026.
const COMPUTED: u64 = 13_392;
/// Rows of the list of delisted symbols.
const DELISTED: u64 = 2_000;
/// Days over which the computed rows were listed, from the beginning of 1990.
const LISTING_SPAN: u32 = 12_700;

/// Symbols of companies that are not in the list, but in a search.
const RESERVED: [&str; 6] = ["BA", "SAIC", "TCEHY", "TCTZF", "TSCDF", "TSCDY"];

/// Companies with their real names: symbol, name, exchange, first day.
const TRUE: [(&str, &str, &str, &str); 8] = [
    ("AAPL", "Apple Inc", "NASDAQ", "1980-12-12"),
    ("AMZN", "Amazon.com Inc", "NASDAQ", "1997-05-15"),
    (
        "BRK-B",
        "Berkshire Hathaway Inc - Class B",
        "NYSE",
        "1996-05-09",
    ),
    ("GOOGL", "Alphabet Inc - Class A", "NASDAQ", "2004-08-19"),
    (
        "IBM",
        "International Business Machines Corp",
        "NYSE",
        "1962-01-02",
    ),
    ("MSFT", "Microsoft Corporation", "NASDAQ", "1986-03-13"),
    ("NVDA", "NVIDIA Corp", "NASDAQ", "1999-01-22"),
    ("TSLA", "Tesla Inc", "NASDAQ", "2010-06-29"),
];

const FIRST_WORDS: [&str; 40] = [
    "Atlantic",
    "Summit",
    "Pioneer",
    "Cedar",
    "Northern",
    "Blue Ridge",
    "Harbor",
    "Quantum",
    "Sterling",
    "Granite",
    "Evergreen",
    "Liberty",
    "Silver Lake",
    "Meridian",
    "Cascade",
    "Frontier",
    "Keystone",
    "Redwood",
    "Horizon",
    "Beacon",
    "Golden",
    "Iron",
    "Lakeland",
    "Maple",
    "Nova",
    "Oak",
    "Pacific",
    "Prairie",
    "Rocky",
    "Sierra",
    "Solar",
    "Southern",
    "Titan",
    "United",
    "Valley",
    "Vertex",
    "Western",
    "Apex",
    "Bright",
    "Crown",
];
const SECOND_WORDS: [&str; 40] = [
    "Therapeutics",
    "Bancorp",
    "Energy",
    "Software",
    "Biosciences",
    "Realty",
    "Acquisition",
    "Systems",
    "Financial",
    "Minerals",
    "Robotics",
    "Foods",
    "Pharma",
    "Semiconductor",
    "Networks",
    "Logistics",
    "Insurance",
    "Resources",
    "Health",
    "Motors",
    "Aerospace",
    "Brands",
    "Capital",
    "Chemical",
    "Data",
    "Devices",
    "Diagnostics",
    "Entertainment",
    "Gold",
    "Hospitality",
    "Industries",
    "Labs",
    "Marine",
    "Media",
    "Oil & Gas",
    "Partners",
    "Power",
    "Steel",
    "Technologies",
    "Water",
];
/// The last has a comma, so that its row is quoted.
const FORMS: [&str; 6] = ["Inc", "Corp", "Ltd", "Holdings Inc", "plc", "Group, Inc."];
const ISSUERS: [&str; 8] = [
    "Everest",
    "Compass",
    "Bluestone",
    "Vista",
    "Lighthouse",
    "Paragon",
    "Trident",
    "Zenith",
];
const THEMES: [&str; 16] = [
    "S&P 500",
    "Nasdaq 100",
    "Total Market",
    "Dividend",
    "Value",
    "Growth",
    "Small Cap",
    "Treasury Bond",
    "Gold Miners",
    "Clean Energy",
    "Emerging Markets",
    "Low Volatility",
    "Semiconductor",
    "Biotech",
    "Corporate Bond",
    "Real Estate",
];
const SHARES: [&str; 5] = ["NYSE", "NASDAQ", "NASDAQ", "NYSE MKT", "NYSE"];
const FUNDS: [&str; 3] = ["NYSE ARCA", "NASDAQ", "BATS"];

/// One row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub name: String,
    pub exchange: &'static str,
    pub kind: &'static str,
    pub since: NaiveDate,
    pub until: Option<NaiveDate>,
}

/// Everything that is traded, by symbol.
pub(super) fn active(seed: u64) -> BTreeMap<String, Listed> {
    let mut rows: BTreeMap<String, Listed> = TRUE
        .iter()
        .map(|(symbol, name, exchange, since)| {
            let row = Listed {
                name: (*name).to_owned(),
                exchange,
                kind: "Stock",
                since: since.parse().unwrap_or_default(),
                until: None,
            };
            ((*symbol).to_owned(), row)
        })
        .collect();
    let stream = mix_text(seed, "listing");
    let (mut index, wanted) = (0, rows.len() + usize::try_from(COMPUTED).unwrap_or(0));
    while rows.len() < wanted {
        let (symbol, row) = computed(stream, index);
        if !RESERVED.contains(&symbol.as_str()) {
            rows.entry(symbol).or_insert(row);
        }
        index += 1;
    }
    rows
}

/// What is no longer traded, by symbol.
pub(super) fn delisted(seed: u64) -> BTreeMap<String, Listed> {
    let stream = mix_text(seed, "delisted");
    (0..DELISTED)
        .map(|index| {
            let (symbol, row) = computed(stream, index);
            let after = 30 + u64::from(below(mix(stream, index ^ 0x77), 3_000));
            let until = Some(row.since + Days::new(after));
            (symbol, Listed { until, ..row })
        })
        .collect()
}

fn computed(stream: u64, index: u64) -> (String, Listed) {
    let word = mix(stream, index);
    let draw = |what: u64, bound: u32| below(mix(word, what), bound);
    let pick = |what: u64, from: &[&'static str]| {
        let bound = u32::try_from(from.len()).unwrap_or(1);
        from.get(draw(what, bound) as usize)
            .copied()
            .unwrap_or_default()
    };
    let is_fund = draw(1, 10) < 4;
    let letters = if is_fund { 4 } else { 2 + draw(2, 3) };
    let mut symbol: String = (0..u64::from(letters))
        .map(|place| char::from(b'A' + u8::try_from(draw(10 + place, 26)).unwrap_or(0)))
        .collect();
    let (name, exchange) = if is_fund {
        let name = format!("{} {} ETF", pick(3, &ISSUERS), pick(4, &THEMES));
        (name, pick(5, &FUNDS))
    } else {
        let mut name = format!(
            "{} {} {}",
            pick(3, &FIRST_WORDS),
            pick(4, &SECOND_WORDS),
            pick(5, &FORMS)
        );
        // One share in twelve is a warrant, a unit or a class, written after a dash.
        let more = match draw(6, 36) {
            0 => Some(("-WS", " - Warrants")),
            1 => Some(("-U", " - Units")),
            2 => Some(("-A", " - Class A")),
            _ => None,
        };
        if let Some((mark, words)) = more {
            symbol.push_str(mark);
            name.push_str(words);
        }
        (name, pick(7, &SHARES))
    };
    let first = NaiveDate::from_ymd_opt(1990, 1, 2).unwrap_or_default();
    let row = Listed {
        name,
        exchange,
        kind: if is_fund { "ETF" } else { "Stock" },
        since: first + Days::new(u64::from(draw(8, LISTING_SPAN))),
        until: None,
    };
    (symbol, row)
}
