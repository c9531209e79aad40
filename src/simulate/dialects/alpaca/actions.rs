//! Corporate actions: splits, dividends and changes of name, in groups and in pages.

use chrono::{DateTime, Days, NaiveDate, Utc};
use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::assets::id;
use super::name::{self, AsOf, RENAMED};
use super::page::{decoded, encoded};
use super::parameters::{date, limit, words};
use super::refusal::{JSON, Refusal};
use crate::simulate::actions::Action;
use crate::simulate::calendar::{wall_seconds, wall_time};
use crate::simulate::market::Market;
use crate::simulate::noise::{float, nearest};
use crate::simulate::query::Query;
use crate::simulate::reply::Reply;

/// Rows of a page, where no number is asked for and at most.
const USUAL: usize = 100;
const MOST: usize = 1_000;
/// Days from a dividend's ex-date to its record date and to its payment, when it is processed.
const RECORDED: Days = Days::new(1);
const PAID: Days = Days::new(15);
/// The largest number of old shares for which new ones are given.
const MOST_OLD: u32 = 100;

/// One row: its group, the day on which it is processed, and its fields.
struct Row {
    group: &'static str,
    processed: NaiveDate,
    symbol: String,
    fields: Value,
}

/// A page of the actions that are known, by the days on which they are processed.
pub(super) fn page(
    market: &Market,
    query: &Query,
    now: DateTime<Utc>,
    is_emptied: bool,
) -> Result<Reply, Refusal> {
    let symbols = words(query.get("symbols"));
    for symbol in &symbols {
        name::check(symbol)?;
    }
    let today = wall_time(now).date();
    let first = date(query, "start")?.unwrap_or(today);
    let last = date(query, "end")?.unwrap_or(today);
    if last < first {
        return Err(Refusal::Order);
    }
    let types = words(query.get("types"));
    let limit = limit(query, USUAL, MOST)?;
    let token = query.get("page_token");
    let skipped = match token {
        "" => Some(0),
        token => decoded(token).and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok()),
    };
    let skipped: usize = skipped.ok_or_else(|| Refusal::Value("page_token", token.to_owned()))?;
    let mut rows: Vec<Row> = symbols
        .iter()
        .flat_map(|symbol| rows(market, symbol, now))
        .filter(|row| (first..=last).contains(&row.processed))
        .filter(|row| types.is_empty() || types.iter().any(|kind| row.is(kind)))
        .collect();
    rows.sort_by(|one, other| (one.processed, &one.symbol).cmp(&(other.processed, &other.symbol)));
    if is_emptied {
        rows.clear();
    }
    let is_last = rows.len() <= skipped.saturating_add(limit);
    let next = (!is_last).then(|| encoded((skipped + limit).to_string().as_bytes()));
    let mut groups: Map<String, Value> = Map::new();
    for row in rows.into_iter().skip(skipped).take(limit) {
        let group = groups.entry(row.group).or_insert_with(|| json!([]));
        if let Value::Array(group) = group {
            group.push(row.fields);
        }
    }
    let body = json!({ "corporate_actions": groups, "next_page_token": next });
    Ok(Reply::new("data", StatusCode::OK, JSON, body.to_string()))
}

impl Row {
    /// Whether it is of a type, which is the name of its group without the last letter.
    fn is(&self, kind: &str) -> bool {
        self.group.strip_suffix('s') == Some(kind)
    }
}

/// What is known of a symbol.
fn rows(market: &Market, symbol: &str, now: DateTime<Utc>) -> Vec<Row> {
    let mut rows = renamed(market.seed, symbol, wall_time(now).date());
    let today = AsOf::Day(wall_time(now).date());
    let Some(meant) = name::meant(symbol, today) else {
        return rows;
    };
    let known_at = wall_seconds(market.known_at(&meant.company, now));
    for action in market.company(&meant.company).actions(known_at) {
        rows.extend(split(market.seed, symbol, &action));
        rows.extend(dividend(market.seed, symbol, &action));
    }
    rows
}

fn split(seed: u64, symbol: &str, action: &Action) -> Option<Row> {
    let (new, old) = action.is_split().then(|| ratio(action.split))?;
    let (group, word) = if new > old {
        ("forward_splits", "forward")
    } else {
        ("reverse_splits", "reverse")
    };
    let day = action.date.to_string();
    let fields = json!({
        "id": id(seed, &format!("{symbol} {word} {day}")),
        "symbol": symbol,
        "new_rate": new,
        "old_rate": old,
        "ex_date": day,
        "process_date": day,
        "record_date": day,
    });
    Some(Row {
        group,
        processed: action.date,
        symbol: symbol.to_owned(),
        fields,
    })
}

fn dividend(seed: u64, symbol: &str, action: &Action) -> Option<Row> {
    (action.dividend > 0).then_some(())?;
    let later = |days| action.date.checked_add_days(days).unwrap_or(action.date);
    let day = action.date.to_string();
    let paid = later(PAID);
    // Ten-thousandths of a dollar, as a number of JSON.
    let rate = float(action.dividend) / 1e4;
    let fields = json!({
        "id": id(seed, &format!("{symbol} dividend {day}")),
        "symbol": symbol,
        "rate": rate,
        "special": false,
        "foreign": false,
        "ex_date": day,
        "record_date": later(RECORDED).to_string(),
        "payable_date": paid.to_string(),
        "process_date": paid.to_string(),
    });
    Some(Row {
        group: "cash_dividends",
        processed: paid,
        symbol: symbol.to_owned(),
        fields,
    })
}

/// The change of a name, known from its day on.
fn renamed(seed: u64, symbol: &str, today: NaiveDate) -> Vec<Row> {
    let known = RENAMED
        .iter()
        .filter(|(old, new, _)| [*old, *new].contains(&symbol));
    known
        .filter_map(|(old, new, (year, month, day))| {
            let date = NaiveDate::from_ymd_opt(*year, *month, *day)?;
            let fields = json!({
                "id": id(seed, &format!("{old} {new}")),
                "old_symbol": old,
                "new_symbol": new,
                "process_date": date.to_string(),
            });
            (date <= today).then(|| Row {
                group: "name_changes",
                processed: date,
                symbol: symbol.to_owned(),
                fields,
            })
        })
        .collect()
}

/// New shares and old ones, in the smallest numbers.
fn ratio(split: f64) -> (i64, i64) {
    let fits = |old: &u32| {
        let new = split * f64::from(*old);
        (new - new.round()).abs() < 1e-6 && new.round() >= 1.0
    };
    let old = (1..=MOST_OLD).find(fits).unwrap_or(1);
    (nearest(split * f64::from(old)), i64::from(old))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_in_the_smallest_numbers() {
        assert_eq!(ratio(4.0), (4, 1));
        assert_eq!(ratio(1.5), (3, 2));
        assert_eq!(ratio(0.1), (1, 10));
        assert_eq!(ratio(1.0 / 50.0), (1, 50));
    }
}
