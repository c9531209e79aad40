//! What an answer says that holds no data. The status decides; the body is read only after it, and
//! only if it is JSON: a refused key comes as a web page.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::describe::WITHHELD;
use crate::model::{Answer, ErrorClass, Request};
use crate::pipeline::http::by_status;
use crate::pipeline::reading::{body, quoted};
use crate::pipeline::source::Refusal;

/// Characters kept of what the provider says.
pub(super) const MAX_CHARS: usize = 300;
/// What it says before the one symbol of many that it does not understand.
const INVALID_SYMBOL: &str = "invalid symbol: ";
/// What it says where a plan withholds the newest minutes.
const RECENT: [&str; 2] = ["recent sip data", "past 15 minutes"];
/// What such a refusal is about.
pub(super) const END: &str = "end=now";
/// What it says where a plan does not include something.
const NOT_PERMITTED: &str = "does not permit";

/// Why an answer holds no data; `None`: it holds some.
pub(super) fn of(request: &Request, answer: &Answer) -> Option<Refusal> {
    let body = body(answer);
    let refusal = |class, text: &str| Some(Refusal::new(class, text));
    match answer.status {
        401 => refusal(
            ErrorClass::BadKey,
            "the key or its secret is wrong (HTTP 401)",
        ),
        status @ (429 | 500..) => by_status(status, body).map(slower),
        status => by_status(status, body).or_else(|| match status {
            200..300 if body.is_empty() => refusal(ErrorClass::Outage, "the answer is empty"),
            200..300 => None,
            _ => Some(said(request, answer, &message(body, status))),
        }),
    }
}

/// Too many requests are sent again soon: the provider refills all the time.
fn slower(refusal: Refusal) -> Refusal {
    let class = match refusal.class {
        ErrorClass::Minute => ErrorClass::Burst,
        class => class,
    };
    Refusal { class, ..refusal }
}

/// What is said in the body, or that nothing is.
fn message(body: &[u8], status: u16) -> String {
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }
    let said = serde_json::from_slice::<Said>(body).map(|said| said.message);
    let said = said.unwrap_or_else(|_| format!("HTTP {status} without a reason"));
    quoted(&said, MAX_CHARS)
}

fn said(request: &Request, answer: &Answer, text: &str) -> Refusal {
    let low = text.to_ascii_lowercase();
    let about = |class, parameter: String| Refusal {
        parameter: Some(parameter),
        ..Refusal::new(class, text)
    };
    if RECENT.iter().any(|words| low.contains(words)) && is_recent(request, answer.asked_at()) {
        return about(ErrorClass::NotEntitled, END.to_owned());
    }
    if low.contains(NOT_PERMITTED) {
        let feed = request.get("feed").unwrap_or_default();
        return about(ErrorClass::NotEntitled, format!("feed={feed}"));
    }
    if let Some(symbol) = text.strip_prefix(INVALID_SYMBOL) {
        return about(ErrorClass::BadRequest, format!("symbols={symbol}"));
    }
    let class = match answer.status {
        403 => ErrorClass::BadKey,
        _ => ErrorClass::ClientBug,
    };
    Refusal::new(class, text)
}

/// Whether a request ends so late that its plan may withhold the end only.
fn is_recent(request: &Request, asked_at: DateTime<Utc>) -> bool {
    let end = request.get("end").and_then(|end| end.parse().ok());
    end.is_none_or(|end: DateTime<Utc>| end > asked_at - WITHHELD - WITHHELD / 4)
}
