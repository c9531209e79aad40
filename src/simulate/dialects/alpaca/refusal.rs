//! The refusals: a status, and a text in JSON, but for a key.

use hyper::StatusCode;
use serde_json::json;

use crate::simulate::reply::Reply;

/// The type of every body but that of a refused key.
pub(super) const JSON: &str = "application/json";

/// The page of the server in front.
const UNAUTHORIZED: &str = "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n\
    <body>\r\n<center><h1>401 Authorization Required</h1></center>\r\n<hr><center>nginx</center>\r\n\
    </body>\r\n</html>\r\n";

/// Why a request gets no data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    Key,
    Limited,
    Recent,
    Path,
    /// A malformed symbol.
    Symbol(String),
    Timeframe(String),
    /// A parameter with a value that it cannot have.
    Value(&'static str, String),
    /// A parameter that is no time, and its value.
    Time(&'static str, String),
    Required(&'static str),
    Order,
    Internal,
    Other(String),
}

impl Refusal {
    /// The answer in the provider's words.
    pub(super) fn reply(&self) -> Reply {
        let bad = |text: String| message("invalid", 400, &text);
        match self {
            Self::Key => {
                let status = StatusCode::UNAUTHORIZED;
                Reply::new("bad-key", status, "text/html", UNAUTHORIZED)
            }
            Self::Limited => {
                let body = "{\"message\": \"too many requests.\"}";
                Reply::new("burst", StatusCode::TOO_MANY_REQUESTS, JSON, body)
            }
            Self::Recent => {
                let text = "subscription does not permit querying recent SIP data";
                message("premium", 403, text)
            }
            Self::Path => message("404", 404, "endpoint not found."),
            Self::Symbol(symbol) => bad(format!("invalid symbol: {symbol}")),
            Self::Timeframe(text) => bad(format!("invalid timeframe: {text}")),
            Self::Value(name, value) => bad(format!("invalid {name}: {value}")),
            Self::Time(name, value) => bad(format!(
                "Invalid format for parameter {name}: error parsing '{value}' as RFC3339 or \
                 2006-01-02 time: parsing time \"{value}\" as \"2006-01-02\": cannot parse \
                 \"{value}\" as \"2006\""
            )),
            Self::Required(name) => bad(format!(
                "Invalid format for parameter {name}: query parameter '{name}' is required"
            )),
            Self::Order => bad("end should not be before start".to_owned()),
            Self::Internal => message("internal", 500, "internal server error occurred"),
            Self::Other(text) => message("", 200, text),
        }
    }
}

fn message(outcome: &str, status: u16, text: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or_default();
    Reply::new(
        outcome,
        status,
        JSON,
        json!({ "message": text }).to_string(),
    )
}
