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
            "the provider does not know {}, or has no {} bars of it; check the spelling and the interval",
            series.symbol, series.interval
        ),
        ErrorClass::NoData => format!(
            "the provider answered without any bar of {series}; nothing stored changes, try again later"
        ),
        _ => whatever_was_asked(class, ask.function(), said),
    }
}

/// The same for a question about symbols.
#[must_use]
pub fn about_symbols(class: ErrorClass, function: &str, said: &str) -> String {
    match class {
        ErrorClass::NotEntitled => format!("this key's plan does not include {function}"),
        ErrorClass::BadRequest => {
            "the provider does not accept these words; write others".to_owned()
        }
        ErrorClass::NoData => {
            "the provider answered without any symbol; the list that is kept stays, try again later"
                .to_owned()
        }
        _ => whatever_was_asked(class, function, said),
    }
}

/// The classes that say the same whatever the question was about.
fn whatever_was_asked(class: ErrorClass, function: &str, said: &str) -> String {
    match class {
        ErrorClass::Burst => format!(
            "the provider asks to slow down; another program may be using the same address or key, \
             try again in a minute ({said})"
        ),
        ErrorClass::Minute => {
            "the plan's requests a minute are spent; try again in a minute".to_owned()
        }
        ErrorClass::Day => {
            format!("today's requests are used up; {said}")
        }
        ErrorClass::BadKey => {
            "the provider does not accept the key; correct ALPHA_VANTAGE_API_KEY, a free key \
             is at https://www.alphavantage.co/support/#api-key"
                .to_owned()
        }
        ErrorClass::Outage => {
            format!("the provider is down; what is stored is safe, try again later ({said})")
        }
        ErrorClass::Malformed => format!(
            "the answer is not what was asked for and nothing of it is stored; it is kept for inspection ({said})"
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
            format!("the provider refused in words that are not known; try again later ({said})")
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
             newest 100 bars, or take weekly bars, whose whole history is free"
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

/// Says that a series was not asked, because of what an earlier refusal taught.
#[must_use]
pub fn not_asked(reason: &str) -> String {
    format!("not asked, 0 requests: {reason}")
}

/// Why a start leaves a series to the schedule.
pub const START_SPENT: &str =
    "a start sends few requests, and they are used up; the schedule fetches it next";

/// When a day that the provider calls spent is over.
pub const DAY_TURNS: &str = "more from midnight in New York";

/// Says until when a spent day lasts.
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
        "{said} and asks for a pause; nothing is sent before {}, what is stored is safe",
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
            let text = paused("the provider is out of order (HTTP 503)", until);
            assert_eq!(
                text,
                format!(
                    "the provider is out of order (HTTP 503) and asks for a pause; nothing is sent \
                     before Tue 2026-11-24 {minute} ET, what is stored is safe"
                )
            );
        }
    }
}
