//! Tells a refusal from data: by the status first, then by the message.

use serde::Deserialize;

use crate::model::text::MAX_CHARS;
use crate::model::{ErrorClass, Request};
use crate::pipeline::http;
use crate::pipeline::reading::quoted;
use crate::pipeline::source::Refusal;

#[derive(Deserialize)]
struct Notice {
    message: String,
}

/// What an answer refuses; `None`: nothing, it should hold data.
pub(super) fn refusal(status: u16, body: &[u8], request: &Request) -> Option<Refusal> {
    if (200..300).contains(&status) {
        return http::by_status(status, body);
    }
    let notice = serde_json::from_slice::<Notice>(body).ok();
    let said = notice.map(|notice| quoted(&notice.message, MAX_CHARS));
    let with = |class: ErrorClass, text: &str| {
        let text = match &said {
            Some(said) => format!("{text} ({said})"),
            None => text.to_owned(),
        };
        Some(Refusal::new(class, text))
    };
    match status {
        400 => with(ErrorClass::ClientBug, "Coinbase rejects the request"),
        401 | 403 | 451 => Some(http::blocked(status)),
        404 => {
            let product = request.get("product_id").unwrap_or(&request.endpoint);
            let text = format!("Coinbase has no product {}", quoted(product, MAX_CHARS));
            Some(Refusal::new(ErrorClass::BadRequest, text))
        }
        // Its own limit is by the second, and it never says how long to wait.
        429 => with(
            ErrorClass::Burst,
            "Coinbase says there were too many requests",
        ),
        _ => http::by_status(status, body).or_else(|| {
            let text = format!("Coinbase answered HTTP {status}");
            with(ErrorClass::Unknown, &text)
        }),
    }
}
