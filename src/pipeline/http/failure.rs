//! The words for what went wrong on the way, and what an error of the HTTP library means.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::config::secret::redact;
use crate::model::causes::causes;
use crate::model::text::clean;

pub(super) fn unreadable_after(bytes: usize) -> String {
    format!(
        "the answer became unreadable after {} bytes",
        grouped(bytes)
    )
}

pub(super) fn cut_off_after(bytes: usize) -> String {
    format!("the answer was cut off after {} bytes", grouped(bytes))
}

fn is_io(error: &reqwest::Error, kind: io::ErrorKind) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == kind)
}

/// Whether the TLS layer refused its peer: it reports that, and nothing else, as invalid data while connecting.
pub(super) fn is_refused_by_tls(error: &reqwest::Error) -> bool {
    error.is_connect() && is_io(error, io::ErrorKind::InvalidData)
}

pub(super) fn is_cut(error: &reqwest::Error) -> bool {
    is_io(error, io::ErrorKind::UnexpectedEof)
}

/// The innermost cause, which is the one that names the fact.
pub(super) fn cause(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(String::new, safe)
}

pub(super) fn safe(error: &(impl fmt::Display + ?Sized)) -> String {
    clean(&redact(&error.to_string()))
}

pub(super) fn seconds(limit: Duration) -> String {
    if limit.subsec_millis() == 0 {
        format!("{} s", limit.as_secs())
    } else {
        format!("{} ms", limit.as_millis())
    }
}

pub(super) fn size(bytes: usize) -> String {
    if bytes.is_multiple_of(1 << 20) {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{} bytes", grouped(bytes))
    }
}

/// Digits in groups of three.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
