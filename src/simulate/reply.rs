//! An answer as data: status, headers, body, and how the body reaches the client.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::StatusCode;
use hyper::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, VARY,
};

use super::journal::Served;

/// Bodies shorter than this are sent as they are.
const WORTH_COMPRESSING: usize = 512;

/// How a reply reaches the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Delivery {
    /// At once.
    Plain,
    /// After a delay.
    Slow(Duration),
    /// This many bytes per second.
    Drip(u32),
    /// The headers, then nothing.
    Stall,
    /// Nothing, and the connection stays open.
    Silent,
    /// This many bytes of the body, then the end of the connection.
    Cut(usize),
    /// The end of the connection.
    Reset,
}

/// One answer.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, String)>,
    pub body: Bytes,
    pub delivery: Delivery,
    /// What the journal calls it.
    pub outcome: String,
    /// Bytes of the body before compression.
    pub size: u64,
    /// The bars in it, if it has bars.
    pub served: Option<Served>,
}

impl Reply {
    /// An answer with a body of some type.
    pub(super) fn new(
        outcome: &str,
        status: StatusCode,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Self {
        let body = body.into();
        Self {
            status,
            headers: vec![(CONTENT_TYPE, content_type.to_owned())],
            size: size(body.len()),
            body,
            delivery: Delivery::Plain,
            outcome: outcome.to_owned(),
            served: None,
        }
    }

    /// An answer in JSON, as the provider labels it.
    pub(super) fn json(outcome: &str, body: String) -> Self {
        Self::new(outcome, StatusCode::OK, "application/json", body)
    }

    /// An answer in CSV, as the provider labels it.
    pub(super) fn csv(outcome: &str, body: String, file_name: &str) -> Self {
        Self::new(outcome, StatusCode::OK, "application/x-download", body).with(
            CONTENT_DISPOSITION,
            &format!("attachment; filename={}", header_safe(file_name)),
        )
    }

    /// An answer of recorded bytes, labelled by the first of them.
    pub(super) fn recorded(outcome: &str, body: Bytes) -> Self {
        let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&body);
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
        let content_type = match first {
            Some(b'{' | b'[') => "application/json",
            Some(b'<') => "text/html",
            _ => "application/x-download",
        };
        Self::new(outcome, StatusCode::OK, content_type, body)
    }

    /// A page of the provider's host or of a proxy in front of it.
    pub(super) fn page(outcome: &str, status: StatusCode, html: &'static str) -> Self {
        Self::new(outcome, status, "text/html; charset=utf-8", html)
            .with(CACHE_CONTROL, "no-cache, no-store")
    }

    /// The answer with one more header.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The answer with the bars in it.
    pub(super) fn serving(mut self, served: Served) -> Self {
        self.served = Some(served);
        self
    }

    /// The answer under another name in the journal.
    pub(super) fn called(mut self, outcome: String) -> Self {
        self.outcome = outcome;
        self
    }

    /// The answer with only the first bytes of its body, complete as HTTP.
    pub(super) fn truncated(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self.size = size(self.body.len());
        self
    }

    /// The answer, reaching the client in another way.
    pub(super) fn delivered(mut self, delivery: Delivery) -> Self {
        self.size = match &delivery {
            Delivery::Stall | Delivery::Silent | Delivery::Reset => 0,
            Delivery::Cut(bytes) => self.size.min(size(*bytes)),
            Delivery::Plain | Delivery::Slow(_) | Delivery::Drip(_) => self.size,
        };
        if self.size == 0 {
            self.served = None;
        }
        self.delivery = delivery;
        self
    }

    /// The answer compressed, if that is worth it.
    pub(super) fn compressed(self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let packed = encoder
            .write_all(&self.body)
            .and_then(|()| encoder.finish());
        match packed {
            Ok(packed) if self.body.len() >= WORTH_COMPRESSING => Self {
                body: packed.into(),
                ..self
            }
            .with(CONTENT_ENCODING, "gzip")
            .with(VARY, "Accept-Encoding"),
            _ => self,
        }
    }
}

/// A count of bytes as the journal records it.
pub(super) fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// A file name in which nothing can end the header.
fn header_safe(name: &str) -> String {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    name.chars()
        .map(|letter| if safe(letter) { letter } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_bytes_are_labelled_by_the_first() {
        let label = |body: &'static [u8]| {
            let reply = Reply::recorded("replay", Bytes::from_static(body));
            assert_eq!(reply.body, body);
            reply.headers[0].1.clone()
        };
        assert_eq!(label(b"\xEF\xBB\xBF{}"), "application/json");
        assert_eq!(label(b"\n <html>"), "text/html");
        assert_eq!(label(b"timestamp,open"), "application/x-download");
        assert_eq!(label(b""), "application/x-download");
    }

    #[test]
    fn file_names_cannot_end_the_header() {
        assert_eq!(header_safe("daily_A\r\n;B.csv"), "daily_A___B.csv");
    }
}
