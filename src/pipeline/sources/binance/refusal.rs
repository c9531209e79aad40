//! Tells a refusal from data: by the status first, then by the code.

use chrono::{DateTime, TimeDelta};
use serde::Deserialize;

use super::plan::KLINES;
use super::settings::SETTINGS;
use crate::model::text::MAX_CHARS;
use crate::model::{Answer, ErrorClass, Request};
use crate::pipeline::http;
use crate::pipeline::reading::{self, quoted};
use crate::pipeline::source::{Pause, Refusal};

/// The pair is not known.
const UNKNOWN_SYMBOL: i64 = -1121;
/// The servers are overloaded, or were not answered in time themselves.
const OVERLOADED: [i64; 3] = [-1001, -1007, -1008];

#[derive(Default, Deserialize)]
struct Notice {
    code: i64,
    #[serde(default)]
    msg: String,
}

/// The longest ban that the exchange announces.
const LONGEST_BAN: TimeDelta = TimeDelta::days(3);
/// What stands before the end of a ban, in milliseconds since 1970.
const BANNED_UNTIL: &str = "banned until ";

/// The ban whose end a refusal names. `Retry-After`, which may be there too, is heeded by itself; the
/// later of both counts.
pub(super) fn ban(request: &Request, answer: &Answer) -> Option<Pause> {
    if !matches!(answer.status, 418 | 429) {
        return None;
    }
    let body = reading::body(answer);
    let text = String::from_utf8_lossy(body);
    let (_, after) = text.split_once(BANNED_UNTIL)?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    let until = DateTime::from_timestamp_millis(digits.parse().ok()?)?;
    let left = (until - answer.received_at).min(LONGEST_BAN);
    Some(Pause {
        why: refusal(answer.status, body, request)?,
        left: left.to_std().ok().filter(|left| !left.is_zero())?,
    })
}

/// What an answer refuses; `None`: nothing, it should hold data.
pub(super) fn refusal(status: u16, body: &[u8], request: &Request) -> Option<Refusal> {
    if (200..300).contains(&status) {
        return http::by_status(status, body);
    }
    let notice = serde_json::from_slice::<Notice>(body).ok();
    let code = notice.as_ref().map(|notice| notice.code);
    let said = notice.map(|notice| quoted(&notice.msg, MAX_CHARS));
    let with = |class: ErrorClass, text: &str| {
        let text = match said.as_deref() {
            Some("") | None => text.to_owned(),
            Some(said) => format!("{text} ({said})"),
        };
        Some(Refusal::new(class, text))
    };
    match (status, code) {
        (_, Some(UNKNOWN_SYMBOL)) if request.endpoint == KLINES => {
            let pair = quoted(request.get("symbol").unwrap_or_default(), MAX_CHARS);
            let text = format!("Binance has no pair {pair}");
            Some(Refusal::new(ErrorClass::BadRequest, text))
        }
        (_, Some(code)) if OVERLOADED.contains(&code) => {
            with(ErrorClass::Outage, "Binance is overloaded")
        }
        (400, _) => with(ErrorClass::ClientBug, "Binance rejects the request"),
        (403, _) => Some(http::blocked(status)),
        (418, _) => with(
            ErrorClass::Blocked,
            "Binance has banned this address for a while",
        ),
        (429, _) => with(
            ErrorClass::Minute,
            "Binance says there were too many requests",
        ),
        (451, _) => Some(Refusal::new(ErrorClass::Blocked, elsewhere())),
        _ => http::by_status(status, body).or_else(|| {
            let text = format!("Binance answered HTTP {status}");
            with(ErrorClass::Unknown, &text)
        }),
    }
}

/// What to do where this address does not serve the place one is in.
fn elsewhere() -> String {
    let address = SETTINGS.addresses.first();
    let (name, mirror) = address.map_or(("", ""), |address| (address.name, address.default));
    format!(
        "this address of Binance does not serve your location (HTTP 451); leave out {name} to use the public \
         mirror {mirror}"
    )
}
