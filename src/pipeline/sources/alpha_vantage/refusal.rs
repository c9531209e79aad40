//! Tells refusals from data. The provider answers HTTP 200 with English prose for nearly every
//! failure, so the order of the checks matters: the texts quote each other's limits.

use crate::model::ErrorClass;
use crate::model::text::MAX_CHARS;
use crate::pipeline::http;
use crate::pipeline::reading::quoted;
use crate::pipeline::source::Refusal;

/// Root keys under which the provider sends a message instead of data.
const NOTICE_KEYS: [&str; 5] = ["Error Message", "Information", "Note", "message", "detail"];

/// Words of a notice that decide its class; the first line that matches wins.
const WORDS: &[(ErrorClass, &[&str])] = &[
    (
        ErrorClass::NotEntitled,
        &[
            "is a premium endpoint",
            "is a premium feature",
            "artificial and for illustration",
        ],
    ),
    (
        ErrorClass::BadKey,
        &[
            "apikey is invalid",
            "apikey is missing",
            "invalid or missing",
        ],
    ),
    (ErrorClass::DemoKey, &["demo purposes only"]),
    (
        ErrorClass::Burst,
        &[
            "burst pattern",
            "spreading out",
            "per second",
            "optimizing your api call frequency",
        ],
    ),
    (
        ErrorClass::Minute,
        &["minute-level", "calls per minute", "higher api call volume"],
    ),
    (
        ErrorClass::Day,
        &[
            "requests per day",
            "calls per day",
            "daily rate limit",
            "detected your api key",
        ],
    ),
    (ErrorClass::ClientBug, &["does not exist"]),
    (ErrorClass::Outage, &["internal or external error"]),
];

/// A text under one of the notice keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prose {
    rank: usize,
    text: String,
}

impl Prose {
    /// The rank of a root key among the notice keys; `None` for a key that holds no notice.
    pub(super) fn rank(key: &str) -> Option<usize> {
        NOTICE_KEYS.iter().position(|notice| *notice == key)
    }

    pub(super) fn new(rank: usize, text: &str) -> Self {
        Self {
            rank,
            text: quoted(text, MAX_CHARS),
        }
    }

    /// The more specific of two notices in one answer.
    pub(super) fn or_better(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.rank <= self.rank => other,
            _ => self,
        }
    }

    /// What the notice means.
    pub(super) fn refusal(&self) -> Refusal {
        let text = self.text.to_ascii_lowercase();
        let class = self.class(&text);
        let said = if text.is_empty() {
            "the provider refused without saying why"
        } else {
            &self.text
        };
        Refusal {
            parameter: (class == ErrorClass::NotEntitled)
                .then(|| parameter(&text))
                .flatten(),
            per_second: (class == ErrorClass::Burst)
                .then(|| per_second(&text))
                .flatten(),
            ..Refusal::new(class, said)
        }
    }

    fn class(&self, text: &str) -> ErrorClass {
        let by_words = WORDS
            .iter()
            .find(|(_, words)| words.iter().any(|word| text.contains(word)))
            .map(|(class, _)| *class);
        let is_detail = NOTICE_KEYS.get(self.rank) == Some(&"detail");
        match by_words {
            Some(class) => class,
            None if text.starts_with("invalid api call") => ErrorClass::BadRequest,
            // This comes from the provider's web framework: it rejects the form of our request.
            None if is_detail => ErrorClass::ClientBug,
            None => ErrorClass::Unknown,
        }
    }
}

/// Judges what needs no parsing: the status, web pages, a blocked address.
pub(super) fn by_status(status: u16, body: &[u8]) -> Option<Refusal> {
    if status == 403 {
        // The key is never refused like this: it is the network in front of the provider.
        return Some(http::blocked(status));
    }
    http::by_status(status, body)
}

/// The `name=value` that a notice is about.
fn parameter(text: &str) -> Option<String> {
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    text.split_whitespace()
        .find(|word| {
            word.split_once('=')
                .is_some_and(|(name, value)| is_word(name) && is_word(value))
        })
        .map(str::to_owned)
}

/// The number in "… 5 requests per second".
fn per_second(text: &str) -> Option<u32> {
    let before = text.split("per second").next()?;
    let mut words = before.split_whitespace().rev();
    words.next().filter(|word| word.starts_with("request"))?;
    let number = words.next()?.trim_matches(|c: char| !c.is_ascii_digit());
    number.parse().ok().filter(|number| *number > 0)
}

#[cfg(test)]
pub(super) mod tests {
    use ErrorClass::{
        BadKey, BadRequest, Burst, ClientBug, Day, DemoKey, Minute, NotEntitled, Outage, Unknown,
    };

    use super::*;

    fn refusal(key: &str, text: &str) -> Refusal {
        Prose::new(Prose::rank(key).unwrap(), text).refusal()
    }

    /// Every text of section 4 of the provider reference, with the key under which it was seen.
    pub const NOTICES: &[(&str, &str, &str, ErrorClass)] = &[
        (
            "E1",
            "Error Message",
            "Invalid API call. Please retry or visit the documentation (https://www.alphavantage.co/documentation/) for TIME_SERIES_INTRADAY.",
            BadRequest,
        ),
        (
            "E2",
            "Error Message",
            "Invalid API call, please visit documentation (https://www.alphavantage.co/documentation/) for function: TIME_SERIES_DAILY",
            BadRequest,
        ),
        (
            "E3",
            "Error Message",
            "the parameter apikey is invalid or missing. Please claim your free API key on (https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds.",
            BadKey,
        ),
        (
            "E3 in 2026",
            "Information",
            "the parameter apikey is invalid or missing. Please claim your free API key on (https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds.",
            BadKey,
        ),
        (
            "E4",
            "Error Message",
            "the parameter apikey is missing. Please claim your free API key on (https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds, and is free permanently.",
            BadKey,
        ),
        (
            "E5",
            "Error Message",
            "This API function (TIME_SERIES_HOURLY) does not exist.",
            ClientBug,
        ),
        (
            "E6",
            "Error Message",
            "The intraday time series encountered an internal or external error - we apologize for the inconvenience. If you would like to obtain the realtime stock quote for the current trading day, please refer to the latest data point of our DAILY and DAILY ADJUSTED functions (e.g., https://www.alphavantage.co/query?function=TIME_SERIES_DAILY).",
            Outage,
        ),
        (
            "L1",
            "Information",
            "Please consider optimizing your API call frequency",
            Burst,
        ),
        (
            "L1 with a dot",
            "Information",
            "Please consider optimizing your API call frequency.",
            Burst,
        ),
        (
            "L2",
            "Information",
            "Thank you for using Alpha Vantage! Please kindly contact support@alphavantage.co if you would like to have a higher API call volume",
            Minute,
        ),
        (
            "L3",
            "Information",
            "Thank you for using Alpha Vantage! Please visit https://www.alphavantage.co/premium/ if you would like to have a higher API call volume.",
            Minute,
        ),
        (
            "L4",
            "Note",
            "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute and 500 calls per day. Please visit https://www.alphavantage.co/premium/ if you would like to target a higher API call frequency.",
            Minute,
        ),
        (
            "L5",
            "Information",
            "Thank you for using Alpha Vantage! Please contact premium@alphavantage.co if you are targeting a higher API call volume.",
            Minute,
        ),
        (
            "L6",
            "Information",
            "Thank you for using Alpha Vantage! Our standard API rate limit is 25 requests per day. Please subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly remove all daily rate limits.",
            Day,
        ),
        (
            "L6 as a note",
            "Note",
            "Thank you for using Alpha Vantage! Our standard API rate limit is 25 requests per day. Please subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly remove all daily rate limits.",
            Day,
        ),
        (
            "L7",
            "Information",
            "We have detected your API key as *** and our standard API rate limit is 25 requests per day. Please subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly remove all daily rate limits.",
            Day,
        ),
        (
            "L8",
            "Information",
            "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly. You may subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to lift the free key rate limit (25 requests per day) and instantly unlock all premium endpoints",
            Burst,
        ),
        (
            "L9",
            "Information",
            "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly (1 request per second). You may subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to lift the free key rate limit (25 requests per day), raise the per-second burst limit, and instantly unlock all premium endpoints",
            Burst,
        ),
        (
            "L10",
            "Information",
            "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly (1 request per second) to avoid hitting our API rate limit. Or subscribe to our premium plans at https://www.alphavantage.co/premium/ to instantaneously remove all daily rate limits and lift the free key rate limit (25 requests per day) as well.",
            Burst,
        ),
        (
            "L11",
            "Information",
            "Burst pattern detected. Please consider spreading out your API requests more evenly across a 1-minute window and query no more than 5 requests per second. Please contact support@alphavantage.co if you are targeting a higher API request volume.",
            Burst,
        ),
        (
            "L12",
            "Information",
            "Minute-level rate limit exceed. Please stay under the number of API requests per minute for your premium subscription plan. Please contact support@alphavantage.co if you are targeting a higher API request volume.",
            Minute,
        ),
        (
            "P1",
            "Information",
            "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly unlock all premium endpoints",
            NotEntitled,
        ),
        (
            "P2",
            "Information",
            "Thank you for using Alpha Vantage! This is a premium endpoint and there are multiple ways to unlock premium endpoints: (1) become a holder of Alpha Vantage Coin (AVC), or (2) subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly unlock all premium endpoints",
            NotEntitled,
        ),
        (
            "P3",
            "Information",
            "Thank you for using Alpha Vantage! The outputsize=full parameter value is a premium feature for the TIME_SERIES_DAILY endpoint. You may subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly unlock all premium features",
            NotEntitled,
        ),
        (
            "P4",
            "message",
            "This is a premium endpoint. ***THE SAMPLE DATA SCHEMA BELOW IS ARTIFICIAL AND FOR ILLUSTRATION PURPOSES ONLY***. To access the actual data, please subscribe to any premium plan that mentions 'Realtime US Market Data' in its description at https://www.alphavantage.co/premium/ for your personal non-professional use.",
            NotEntitled,
        ),
        (
            "P5",
            "Information",
            "The **demo** API key is for demo purposes only. Please claim your free API key at (https://www.alphavantage.co/support/#api-key) to explore our full API offerings. It takes fewer than 20 seconds, and we are committed to making it free forever.",
            DemoKey,
        ),
        (
            "N5",
            "detail",
            "Could not satisfy the request Accept header.",
            ClientBug,
        ),
        (
            "new words",
            "Information",
            "We are having a party.",
            Unknown,
        ),
    ];

    #[test]
    fn every_known_text_has_its_class() {
        for (name, key, text, class) in NOTICES {
            let refusal = refusal(key, text);
            assert_eq!(refusal.class, *class, "{name}");
            assert_eq!(refusal.text, crate::model::text::clean(text), "{name}");
        }
    }

    #[test]
    fn numbers_and_parameters_are_read_where_they_mean_something() {
        for (name, key, text, _) in NOTICES {
            let refusal = refusal(key, text);
            let per_second = match *name {
                "L9" | "L10" => Some(1),
                "L11" => Some(5),
                _ => None,
            };
            assert_eq!(refusal.per_second, per_second, "{name}");
            let parameter = (*name == "P3").then(|| "outputsize=full".to_owned());
            assert_eq!(refusal.parameter, parameter, "{name}");
        }
        assert_eq!(per_second("no more than 30 requests per second."), Some(30));
        assert_eq!(per_second("(0 requests per second)"), None);
        assert_eq!(per_second("99999999999 requests per second"), None);
    }

    #[test]
    fn hostile_words_are_made_harmless() {
        let refusal = refusal("Note", "a\u{1b}[2J\u{202e}b\u{0}");
        assert_eq!(refusal.text, "a\\u{1b}[2J\\u{202e}b\\u{0}");
        assert!(super::Prose::new(0, " ").refusal().class == Unknown);
    }

    #[test]
    fn status_and_pages_are_judged_first() {
        let heroku = b"<!DOCTYPE html><title>Application Error</title><iframe src=\"//www.herokucdn.com/error-pages/application-error.html\">";
        for (status, body, class) in [
            (503, &heroku[..], Outage),
            (200, b"<html>busy</html>", Outage),
            (500, b"{}", Outage),
            (429, b"", Minute),
            (403, b"{\"message\": \"no\"}", ErrorClass::Blocked),
            (503, b"<title>Just a moment...</title>", ErrorClass::Blocked),
        ] {
            assert_eq!(by_status(status, body).unwrap().class, class, "{status}");
        }
        assert_eq!(by_status(200, b"{}"), None);
        assert_eq!(by_status(404, b"{}"), None);
    }
}
