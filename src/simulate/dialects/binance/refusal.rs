//! The refusals: a status, a code, and a text.

use chrono::{DateTime, Utc};
use hyper::StatusCode;
use serde_json::json;

use super::weight::{Denied, LIMIT};
use super::{JSON, after};
use crate::simulate::reply::Reply;

/// Why a request gets no data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    Symbol,
    Interval,
    /// Letters that a parameter may not have, and which it may.
    Letters(&'static str, &'static str),
    Repeated(String),
    Missing(&'static str),
    Unknown,
    Empty(&'static str),
    Combination,
    Value(&'static str),
    Denied(Denied),
    Location,
    Overload,
    Other(String),
}

impl Refusal {
    /// The answer in the provider's words.
    pub(super) fn reply(&self, now: DateTime<Utc>) -> Reply {
        let invalid = |code, text: String| message("invalid", 400, code, &text);
        match self {
            Self::Symbol => invalid(-1121, "Invalid symbol.".to_owned()),
            Self::Interval => invalid(-1120, "Invalid interval.".to_owned()),
            Self::Letters(name, range) => {
                let what = format!("Illegal characters found in parameter '{name}'");
                invalid(-1100, format!("{what}; legal range is '{range}'."))
            }
            Self::Repeated(name) => invalid(
                -1101,
                format!("Duplicate values for parameter '{name}' detected."),
            ),
            Self::Missing(name) => {
                let what = format!("Mandatory parameter '{name}' was not sent");
                invalid(-1102, format!("{what}, was empty/null, or malformed."))
            }
            Self::Unknown => invalid(-1103, "An unknown parameter was sent.".to_owned()),
            Self::Empty(name) => invalid(-1105, format!("Parameter '{name}' was empty.")),
            Self::Combination => invalid(
                -1128,
                "Combination of optional parameters invalid.".to_owned(),
            ),
            Self::Value(name) => invalid(
                -1130,
                format!("Data sent for parameter '{name}' is not valid."),
            ),
            Self::Denied(Denied::Waits(seconds)) => {
                let text = format!(
                    "Too much request weight used; current limit is {LIMIT} request weight per \
                     1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the \
                     API."
                );
                after(message("minute", 429, -1003, &text), *seconds)
            }
            Self::Denied(Denied::Banned(until)) => {
                let text = format!(
                    "Way too much request weight used; IP banned until {}. Please use WebSocket \
                     Streams for live updates to avoid bans.",
                    until.timestamp_millis()
                );
                let left = (*until - now).num_seconds().max(1);
                after(message("banned", 418, -1003, &text), left)
            }
            Self::Location => message(
                "location",
                451,
                0,
                "Service unavailable from a restricted location according to 'b. Eligibility' in \
                 https://www.binance.com/en/terms. Please contact customer service if you believe \
                 you received this message in error.",
            ),
            Self::Overload => message(
                "internal",
                503,
                -1008,
                "Server is currently overloaded with other requests. Please try again in a few \
                 minutes.",
            ),
            Self::Other(text) => message("", 200, -1000, text),
        }
    }
}

fn message(outcome: &str, status: u16, code: i32, text: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or_default();
    let body = json!({ "code": code, "msg": text }).to_string();
    Reply::new(outcome, status, JSON, body)
}
