//! What an answer's status and first bytes say, whoever sent it.

use crate::model::ErrorClass;
use crate::pipeline::source::Refusal;

/// How much is read of an answer that is not data.
const HEAD: usize = 4_096;

/// Words on the page with which a network in front of a provider stops a client.
const CHALLENGE: [&str; 4] = ["just a moment", "attention required", "cf-chl", "captcha"];

/// Judges what needs no parsing: a status that says enough, a web page instead of data.
#[must_use]
pub fn by_status(status: u16, body: &[u8]) -> Option<Refusal> {
    let is_page = body.first() == Some(&b'<');
    let challenged = is_page && {
        let head = String::from_utf8_lossy(body.get(..HEAD).unwrap_or(body)).to_ascii_lowercase();
        CHALLENGE.iter().any(|word| head.contains(word))
    };
    if challenged {
        return Some(blocked(status));
    }
    let (class, text) = match status {
        429 => (
            ErrorClass::Minute,
            "the provider says there were too many requests (HTTP 429)".to_owned(),
        ),
        418 => (
            ErrorClass::Blocked,
            "the provider has banned this address for a while (HTTP 418)".to_owned(),
        ),
        500.. => (
            ErrorClass::Outage,
            format!("the provider reports a server error (HTTP {status})"),
        ),
        _ if is_page => (
            ErrorClass::Outage,
            format!("the provider sent a web page instead of data (HTTP {status})"),
        ),
        _ => return None,
    };
    Some(Refusal::new(class, text))
}

/// The network in front of the provider refuses this address.
#[must_use]
pub fn blocked(status: u16) -> Refusal {
    Refusal::new(
        ErrorClass::Blocked,
        format!("the provider's network refuses this address (HTTP {status})"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_pages_are_judged_alike_for_every_source() {
        for (status, body, class) in [
            (503, &b""[..], ErrorClass::Outage),
            (200, b"<html>busy</html>", ErrorClass::Outage),
            (401, b"<html>nginx</html>", ErrorClass::Outage),
            (429, b"", ErrorClass::Minute),
            (503, b"<title>Just a moment...</title>", ErrorClass::Blocked),
        ] {
            assert_eq!(by_status(status, body).unwrap().class, class, "{status}");
        }
        for status in [200, 400, 403, 404] {
            assert_eq!(by_status(status, b"{}"), None, "{status}");
        }
    }
}
