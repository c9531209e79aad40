//! Secrets, and the redactor that keeps their values out of every output.
//!
//! Leaving out `Display` only protects against our own carelessness. Providers echo the key in
//! refusals, libraries print URLs, databases quote passwords: so every known secret is registered
//! here once, and every output passes its text through [`redact`].

use std::borrow::Cow;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// What is shown instead of a secret.
pub const MASK: &str = "***";

/// Values shorter than this are not redacted: they occur in ordinary words.
const MIN_LEN: usize = 4;

/// What a URL encodes, but for RFC 3986's unreserved characters.
pub(super) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

static KNOWN: RwLock<Vec<Zeroizing<String>>> = RwLock::new(Vec::new());

/// A value that cannot be printed: an API key, a password, a database URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a value and registers it with the redactor.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        let value = value.into();
        register(&value);
        Self(Zeroizing::new(value))
    }

    /// Wraps a value that everyone may know, such as the key `demo`.
    #[must_use]
    pub fn public(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Registers a value with the redactor, in the forms in which libraries print it.
pub fn register(value: &str) {
    if value.len() < MIN_LEN {
        return;
    }
    let mut forms = vec![value.to_owned()];
    let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    forms.push(encoded.replace('+', "%20"));
    forms.push(encoded);
    forms.push(utf8_percent_encode(value, RESERVED).to_string());
    forms.push(value.escape_debug().to_string());
    let json = json(value);
    forms.push(json.replace('/', "\\/"));
    forms.push(json);
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    for form in forms {
        if !known.iter().any(|have| **have == form) {
            known.push(Zeroizing::new(form));
        }
    }
    known.sort_by_key(|form| std::cmp::Reverse(form.len()));
}

/// A value as written in ASCII-only JSON.
fn json(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            ' '..='~' => text.push(c),
            _ => text.extend(
                c.encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}")),
            ),
        }
    }
    text
}

/// Returns `text` with every known secret replaced by `***`.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let mut text = Cow::Borrowed(text);
    for secret in known.iter().filter(|secret| !secret.is_empty()) {
        if text.contains(secret.as_str()) {
            text = Cow::Owned(text.replace(secret.as_str(), MASK));
        }
    }
    text
}

/// As [`redact`], for a body that may not be text. A body without a secret is returned as it is.
#[must_use]
pub fn redact_bytes(body: bytes::Bytes) -> bytes::Bytes {
    match std::str::from_utf8(&body) {
        Ok(text) => match redact(text) {
            Cow::Borrowed(_) => body,
            Cow::Owned(masked) => masked.into(),
        },
        Err(_) => match redact(&String::from_utf8_lossy(&body)) {
            Cow::Borrowed(_) => body,
            Cow::Owned(masked) => masked.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_cannot_be_printed() {
        let secret = Secret::new("K3Y-that-nobody-sees");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "*** Some(***)");
        assert_eq!(secret.expose(), "K3Y-that-nobody-sees");
    }

    #[test]
    fn every_form_of_a_known_secret_is_replaced() {
        let _secret = Secret::new("p@ss w\"rd/1");
        let _accented = Secret::new("cléf/\u{1f511}-1");
        for text in [
            "cléf/\u{1f511}-1",
            "cl\\u00e9f/\\ud83d\\udd11-1",
            "cl\\u00e9f\\/\\ud83d\\udd11-1",
            "p@ss w\"rd/1",
            "p%40ss+w%22rd%2F1",
            "p%40ss%20w%22rd%2F1",
            "p@ss w\\\"rd/1",
        ] {
            assert_eq!(redact(&format!("<{text}>")), "<***>", "{text}");
        }
        assert_eq!(redact_bytes("key p@ss w\"rd/1!".into()), "key ***!");
    }

    #[test]
    fn ordinary_text_is_left_alone_and_short_values_are_not_looked_for() {
        let _short = Secret::new("abc");
        assert!(matches!(redact("abc and more"), Cow::Borrowed(_)));
    }
}
