//! What is traded, and when: assets and calendar.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::parameters::date;
use super::refusal::Refusal;
use crate::simulate::calendar::{Session, from_seconds, wall_time};
use crate::simulate::listed::{active, delisted};
use crate::simulate::market::Market;
use crate::simulate::noise::{mix, mix_text};
use crate::simulate::query::Query;

/// A company that has its symbol by a change of name.
const META: (&str, &str, &str) = ("META", "Meta Platforms, Inc.", "NASDAQ");

/// The assets of a state: symbols that differ from the market's by a point instead of a dash.
pub(super) fn list(seed: u64, query: &Query, is_emptied: bool) -> Value {
    let status = query.get("status");
    let class = query.get("asset_class");
    if is_emptied || !["", "us_equity"].contains(&class) {
        return json!([]);
    }
    let mut rows = Vec::new();
    if status != "inactive" {
        let listed = active(seed);
        let (symbol, name, exchange) = META;
        if !listed.contains_key(symbol) {
            rows.push(asset(seed, symbol, name, exchange, true));
        }
        let listed = listed.iter();
        rows.extend(listed.map(|(symbol, row)| asset(seed, symbol, &row.name, row.exchange, true)));
    }
    if status != "active" {
        let gone = delisted(seed);
        let gone = gone.iter();
        rows.extend(gone.map(|(symbol, row)| asset(seed, symbol, &row.name, row.exchange, false)));
    }
    Value::Array(rows)
}

fn asset(seed: u64, symbol: &str, name: &str, exchange: &str, is_active: bool) -> Value {
    let exchange = match exchange {
        "NYSE ARCA" => "ARCA",
        "NYSE MKT" => "AMEX",
        other => other,
    };
    json!({
        "id": id(seed, symbol),
        "class": "us_equity",
        "exchange": exchange,
        "symbol": symbol.replace('-', "."),
        "name": format!("{name} Common Stock"),
        "status": if is_active { "active" } else { "inactive" },
        "tradable": is_active,
        "marginable": is_active,
        "shortable": is_active,
        "easy_to_borrow": is_active,
        "fractionable": is_active,
    })
}

/// An id in the form of a UUID.
pub(super) fn id(seed: u64, text: &str) -> String {
    let high = mix_text(seed, text);
    let low = mix(high, 1);
    let bits = (u128::from(high) << 64) | u128::from(low);
    uuid::Builder::from_random_bytes(bits.to_be_bytes())
        .into_uuid()
        .to_string()
}

/// The trading days between two dates, both inclusive.
pub(super) fn calendar(
    market: &Market,
    query: &Query,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let today = wall_time(now).date();
    let first = date(query, "start")?.unwrap_or(today);
    let last = date(query, "end")?.unwrap_or(today);
    // No symbol: only what is planted for all closes or opens the exchange.
    let exchange = market.company("");
    let days = first.iter_days().take_while(|date| *date <= last);
    Ok(days
        .filter_map(|date| Some(row(&exchange.session(date)?)))
        .collect())
}

fn row(session: &Session) -> Value {
    let time = |at: i64, form: &str| from_seconds(at).format(form).to_string();
    let settled: NaiveDate = session.date.iter_days().nth(1).unwrap_or(session.date);
    json!({
        "date": session.date.to_string(),
        "open": time(session.open, "%H:%M"),
        "close": time(session.close, "%H:%M"),
        "session_open": time(session.early, "%H%M"),
        "session_close": time(session.late, "%H%M"),
        "settlement_date": settled.to_string(),
    })
}
