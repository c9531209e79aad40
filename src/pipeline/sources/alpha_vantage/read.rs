//! What an answer holds: dispatch by status and first byte. Content types are ignored, because the
//! provider sends refusals as JSON whatever was requested.

use super::{csv, json, refusal};
use crate::model::{Answer, Reading, Request};
use crate::pipeline::reading::{self, malformed};
use crate::pipeline::source::Refusal;

/// Reads an answer: bars, or the class of refusal.
pub fn read(request: &Request, answer: &Answer) -> Result<Reading, Refusal> {
    let [series] = request.series.as_slice() else {
        return Err(malformed(
            "an answer holds one series; another number was requested",
        ));
    };
    let text = body(answer)?;
    match text.as_bytes().first() {
        Some(b'{') => json::read(text, answer.status, (request, series)),
        _ if !(200..300).contains(&answer.status) => Err(malformed(format!(
            "the provider answered HTTP {} without saying why",
            answer.status
        ))),
        Some(_) => csv::read(text, request, series.interval),
        None => Err(malformed("the answer is empty")),
    }
}

/// The text of an answer, unless its status or its first byte shows a failure.
pub(super) fn body(answer: &Answer) -> Result<&str, Refusal> {
    let body = reading::body(answer);
    match refusal::by_status(answer.status, body) {
        Some(refusal) => Err(refusal),
        None => reading::text(body),
    }
}
