//! What the readers of all sources share: rows become bars, or are refused and say why.

pub mod amount;
pub mod rows;

use crate::config::secret::redact;
use crate::model::text::clean_to;
use crate::model::{Answer, ErrorClass};
use crate::pipeline::source::Refusal;

/// An answer in a shape that is not documented.
pub fn malformed(text: impl Into<String>) -> Refusal {
    Refusal::new(ErrorClass::Malformed, text)
}

/// Words of the provider, harmless and without secrets, at most `max_chars` characters.
///
/// The whole answer was searched for secrets as it came, but JSON may spell one in escapes.
#[must_use]
pub fn quoted(text: &str, max_chars: usize) -> String {
    clean_to(&redact(text), max_chars)
}

/// The bytes of an answer without a byte order mark and blanks before them.
#[must_use]
pub fn body(answer: &Answer) -> &[u8] {
    let body = answer.body.as_ref();
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.trim_ascii_start()
}

/// The text of an answer.
pub fn text(body: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(body).map_err(|_| malformed("the answer is not UTF-8 text"))
}

/// Why an answer of so many bytes is not the JSON that is documented.
#[must_use]
pub fn not_json(error: &serde_json::Error, bytes: usize) -> Refusal {
    malformed(if error.is_eof() {
        format!("the answer breaks off after {bytes} bytes")
    } else if error.is_data() {
        format!(
            "the answer is not in the documented shape (line {})",
            error.line()
        )
    } else {
        format!(
            "the answer is not valid JSON (line {}, column {})",
            error.line(),
            error.column()
        )
    })
}
