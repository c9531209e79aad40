//! Sentences for people: what happened, what it cost, what happens next.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;

use crate::model::{Ask, ErrorClass, Interval};

/// Says why a series was refused or failed, and what to do.
///
/// `said` is what the provider or a library said, already harmless. It is quoted where our own
/// words may not be the whole story; the ledger keeps it in any case.
#[must_use]
pub fn sentence(class: ErrorClass, ask: &Ask, said: &str) -> String {
    let series = &ask.series;
    match class {
        ErrorClass::NotEntitled => not_entitled(ask),
        ErrorClass::BadRequest => format!(
            "the provider does not know {}, or has no {} bars for it; check the spelling and the interval",
            series.symbol, series.interval
        ),
        ErrorClass::NoData => format!(
            "the provider sent no bars for {series}; stored bars are unchanged, try again later"
        ),
        _ => whatever_was_asked(class, ask.function(), said),
    }
}

/// The same for a symbol request.
#[must_use]
pub fn about_symbols(class: ErrorClass, function: &str, said: &str) -> String {
    match class {
        ErrorClass::NotEntitled => format!("this key's plan does not include {function}"),
        ErrorClass::BadRequest => {
            "the provider rejected this search; try different words".to_owned()
        }
        ErrorClass::NoData => {
            "the provider sent no symbols; the stored list is unchanged, try again later".to_owned()
        }
        _ => whatever_was_asked(class, function, said),
    }
}

/// The classes with one text for bars and for symbols.
fn whatever_was_asked(class: ErrorClass, function: &str, said: &str) -> String {
    match class {
        ErrorClass::Burst => format!(
            "the provider asks us to slow down; another program may be using the same address or key, \
             try again in a minute ({said})"
        ),
        ErrorClass::Minute => {
            "this minute's requests are used up; try again in a minute".to_owned()
        }
        ErrorClass::Day => {
            format!("today's requests are used up; {said}")
        }
        ErrorClass::BadKey => {
            "the provider does not accept the key; correct ALPHA_VANTAGE_API_KEY, or get a free \
            key at https://www.alphavantage.co/support/#api-key"
                .to_owned()
        }
        ErrorClass::Outage => {
            format!("the provider is down; stored data is safe, try again later ({said})")
        }
        ErrorClass::Malformed => format!(
            "the answer is not what was requested; none of its data was used, and it is kept for \
            inspection ({said})"
        ),
        ErrorClass::ClientBug => {
            format!(
                "the provider does not know the function {function}; please report this ({said})"
            )
        }
        ErrorClass::Blocked => {
            format!(
                "the provider's network refuses this address; wait an hour before trying again ({said})"
            )
        }
        ErrorClass::Unknown => {
            format!("the provider refused with an unknown message; try again later ({said})")
        }
        ErrorClass::Network => format!(
            "the provider could not be reached; check the network and ALPHA_VANTAGE_BASE_URL ({said})"
        ),
        ErrorClass::DemoKey
        | ErrorClass::Database
        | ErrorClass::Cancelled
        | ErrorClass::NotEntitled
        | ErrorClass::BadRequest
        | ErrorClass::NoData => said.to_owned(),
    }
}

fn not_entitled(ask: &Ask) -> String {
    let (interval, function) = (ask.series.interval, ask.function());
    if ask.get("outputsize") == Some("full")
        && interval == Interval::Daily
        && !function.ends_with("_ADJUSTED")
    {
        return format!(
            "this key's plan does not include outputsize=full of {function}; leave out --outputsize for the \
             newest 100 bars, or use weekly bars, which are free with their full history"
        );
    }
    let instead = if function.ends_with("_ADJUSTED") {
        "leave out --adjusted, or use a key with a paid plan"
    } else if interval.is_intraday() {
        "daily and weekly bars are free: --interval daily"
    } else {
        "a key with a paid plan may"
    };
    format!("this key's plan does not include {function}; {instead}")
}

/// Says that a series was not fetched because of an earlier refusal.
#[must_use]
pub fn not_asked(reason: &str) -> String {
    format!("not fetched, 0 requests: {reason}")
}

/// Why a start leaves a series to the schedule.
pub const START_SPENT: &str = "the few requests of a start are used up; the schedule will fetch it";

/// When there are requests again after the provider said that the day's are used up.
pub const DAY_TURNS: &str = "more from midnight in New York";

/// Says when there are requests again.
#[must_use]
pub fn day_spent(until: DateTime<Utc>) -> String {
    format!("more from {}", at_the_exchange(until))
}

fn at_the_exchange(at: DateTime<Utc>) -> impl fmt::Display {
    at.with_timezone(&New_York).format("%a %Y-%m-%d %H:%M ET")
}

/// Says that the provider asked for a pause and until when it lasts, rounded up to a minute.
#[must_use]
pub fn paused(said: &str, until: DateTime<Utc>) -> String {
    let until = until + TimeDelta::nanoseconds(59_999_999_999);
    format!(
        "{said} and asks for a pause; no requests are sent before {}, and stored data is safe",
        at_the_exchange(until)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SeriesKey;

    #[test]
    fn every_class_says_something_to_a_person() {
        let series = SeriesKey::raw("IBM".parse().unwrap(), Interval::Min5);
        let ask = Ask {
            series,
            query: vec![("function".into(), "TIME_SERIES_INTRADAY".into())],
        };
        for class in ErrorClass::ALL {
            for text in [
                sentence(*class, &ask, "their words"),
                about_symbols(*class, "SYMBOL_SEARCH", "their words"),
            ] {
                assert!(text.len() > 10 && !text.ends_with('.'), "{class}: {text}");
            }
        }
        assert!(sentence(ErrorClass::NotEntitled, &ask, "").contains("--interval daily"));
        assert!(sentence(ErrorClass::Unknown, &ask, "new words").contains("(new words)"));
    }

    #[test]
    fn a_spent_day_names_its_end_where_the_exchange_is() {
        let until = "2026-11-24T05:00:00Z".parse().unwrap();
        assert_eq!(day_spent(until), "more from Tue 2026-11-24 00:00 ET");
    }

    #[test]
    fn a_pause_names_a_minute_at_which_it_is_over() {
        for (until, minute) in [("05:00:00", "00:00"), ("05:00:00.5", "00:01")] {
            let until = format!("2026-11-24T{until}Z").parse().unwrap();
            let text = paused("the provider reports a server error (HTTP 503)", until);
            assert_eq!(
                text,
                format!(
                    "the provider reports a server error (HTTP 503) and asks for a pause; no \
                    requests are sent before Tue 2026-11-24 {minute} ET, and stored data is safe"
                )
            );
        }
    }
}
