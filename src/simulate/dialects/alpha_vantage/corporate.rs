//! The functions about corporate actions: a symbol's splits, and its dividends.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use serde_json::Value;

use crate::model::words::words;
use crate::simulate::actions::Action;
use crate::simulate::calendar::wall_seconds;
use crate::simulate::company::is_listed;
use crate::simulate::market::Market;
use crate::simulate::query::Query;

words! {
    /// The functions about corporate actions.
    pub enum CorporateFunction {
        /// All splits.
        Splits = "SPLITS",
        /// All dividends.
        Dividends = "DIVIDENDS",
    }
}

/// Days from a dividend's declaration to its ex-date, and from there to its payment.
const NOTICE: Days = Days::new(14);
const PAYMENT: Days = Days::new(30);
/// The provider knows the other dates of a dividend since this year.
const DATED_SINCE: i32 = 2000;
const UNKNOWN: &str = "None";

/// A body, and for CSV the name under which a browser would save it.
pub(super) struct Sheet {
    pub body: String,
    pub file_name: Option<String>,
}

/// The answer to a request; `None` for anything the provider calls an invalid call.
///
/// `no_rows` leaves out every row.
pub(super) fn answer(
    market: &Market,
    now: DateTime<Utc>,
    function: CorporateFunction,
    query: &Query,
    no_rows: bool,
) -> Option<Sheet> {
    let symbol = query.get("symbol");
    is_listed(symbol).then_some(())?;
    let known_at = wall_seconds(market.known_at(symbol, now));
    let actions = market.company(symbol).actions(known_at);
    let row = match function {
        CorporateFunction::Splits => split,
        CorporateFunction::Dividends => dividend,
    };
    // Newest first.
    let mut rows: Vec<Vec<String>> = actions.iter().rev().filter_map(row).collect();
    if no_rows {
        rows.clear();
    }
    let names = names(function);
    match query.get("datatype") {
        "" | "json" => Some(Sheet {
            body: json(symbol, names, &rows),
            file_name: None,
        }),
        "csv" => {
            let kind = function.as_str().to_ascii_lowercase();
            Some(Sheet {
                body: csv(names, &rows),
                file_name: Some(format!("{kind}_{symbol}.csv")),
            })
        }
        _ => None,
    }
}

const fn names(function: CorporateFunction) -> &'static [&'static str] {
    match function {
        CorporateFunction::Splits => &["effective_date", "split_factor"],
        CorporateFunction::Dividends => &[
            "ex_dividend_date",
            "declaration_date",
            "record_date",
            "payment_date",
            "amount",
        ],
    }
}

fn split(action: &Action) -> Option<Vec<String>> {
    action
        .is_split()
        .then(|| vec![action.date.to_string(), format!("{:.4}", action.split)])
}

fn dividend(action: &Action) -> Option<Vec<String>> {
    let known = |date: Option<NaiveDate>| {
        let date = date.filter(|date| date.year() >= DATED_SINCE);
        date.map_or_else(|| UNKNOWN.to_owned(), |date| date.to_string())
    };
    (action.dividend > 0).then(|| {
        vec![
            action.date.to_string(),
            known(action.date.checked_sub_days(NOTICE)),
            known(Some(action.date)),
            known(action.date.checked_add_days(PAYMENT)),
            amount(action.dividend),
        ]
    })
}

/// A dividend without the zeros at its end.
fn amount(ticks: i64) -> String {
    let text = format!("{}.{:04}", ticks / 10_000, ticks % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Writing to a string cannot fail.
fn json(symbol: &str, names: &[&str], rows: &[Vec<String>]) -> String {
    let symbol = Value::from(symbol);
    let mut text = format!("{{\n    \"symbol\": {symbol},\n    \"data\": [");
    for (index, row) in rows.iter().enumerate() {
        text.push_str(if index == 0 {
            "\n        {"
        } else {
            ",\n        {"
        });
        for (index, (name, value)) in names.iter().zip(row).enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let value = Value::from(value.as_str());
            let _ = write!(text, "{comma}\n            \"{name}\": {value}");
        }
        text.push_str("\n        }");
    }
    text.push_str(if rows.is_empty() {
        "]\n}"
    } else {
        "\n    ]\n}"
    });
    text
}

fn csv(names: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = names.join(",") + "\r\n";
    for row in rows {
        text.push_str(&row.join(","));
        text.push_str("\r\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::plant::{Ratio, What};

    fn sheet(function: CorporateFunction, query: &str) -> Option<Sheet> {
        let split = What::Split {
            ratio: Ratio { new: 4, old: 1 },
            known: "2026-11-20T14:34:00Z".parse().unwrap(),
        };
        let dividend = What::Dividend {
            amount: 16_600,
            known: "2026-11-19T14:30:00Z".parse().unwrap(),
        };
        let market = Market::new(1, vec![split.of("TEST"), dividend.of("test")]);
        let now = "2026-11-20T15:00:00Z".parse().unwrap();
        answer(&market, now, function, &Query::decode(query), false)
    }

    #[test]
    fn both_layouts_are_the_documented_ones() {
        let splits = sheet(CorporateFunction::Splits, "symbol=TEST").unwrap();
        let start = "{\n    \"symbol\": \"TEST\",\n    \"data\": [\n        {\n            \
                     \"effective_date\": \"2026-11-20\",\n            \"split_factor\": \"4.0000\"\n        }";
        assert!(splits.body.starts_with(start), "{}", splits.body);
        assert!(splits.body.ends_with("\n    ]\n}"));
        let query = "symbol=TEST&datatype=csv";
        let dividends = sheet(CorporateFunction::Dividends, query).unwrap();
        let start = "ex_dividend_date,declaration_date,record_date,payment_date,amount\r\n\
                     2026-11-19,2026-11-05,2026-11-19,2026-12-19,1.66\r\n";
        assert!(dividends.body.starts_with(start), "{}", dividends.body);
        assert_eq!(dividends.file_name.unwrap(), "dividends_TEST.csv");
    }

    #[test]
    fn amounts_have_no_more_digits_than_they_need() {
        assert_eq!([16_600, 10_000, 4_050].map(amount), ["1.66", "1", "0.405"]);
    }

    #[test]
    fn wrong_parameters_are_invalid_calls() {
        for query in ["", "symbol=NOSUCH", "symbol=TEST&datatype=xml"] {
            assert!(sheet(CorporateFunction::Splits, query).is_none(), "{query}");
        }
    }
}
