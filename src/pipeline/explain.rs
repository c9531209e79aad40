//! Sentences for people: what happened, what it cost, what happens next.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::source::{Description, Refusal, Source};
use crate::model::{ErrorClass, Request, SeriesKey};

/// Says why a series was refused or failed, and what to do.
///
/// What the provider or a library said is quoted where our own words may not be the whole story; the
/// ledger keeps it in any case.
#[must_use]
pub fn sentence(
    source: &dyn Source,
    (request, series): (&Request, &SeriesKey),
    refusal: &Refusal,
) -> String {
    match refusal.class {
        ErrorClass::BadRequest => format!(
            "the provider does not know {}, or has no {} bars for it; check the spelling and the interval",
            series.symbol, series.interval
        ),
        ErrorClass::NoData => format!(
            "the provider sent no bars for {series}; stored bars are unchanged, try again later"
        ),
        _ => whatever_was_asked(source, request, refusal),
    }
}

/// The same for a symbol request.
#[must_use]
pub fn about_symbols(source: &dyn Source, request: &Request, refusal: &Refusal) -> String {
    match refusal.class {
        ErrorClass::BadRequest => {
            "the provider rejected this search; try different words".to_owned()
        }
        ErrorClass::NoData => {
            "the provider sent no symbols; the stored list is unchanged, try again later".to_owned()
        }
        _ => whatever_was_asked(source, request, refusal),
    }
}

/// The same for a list of dividends or splits.
#[must_use]
pub fn about_events(source: &dyn Source, request: &Request, refusal: &Refusal) -> String {
    let named = request.get("symbol").or_else(|| request.get("symbols"));
    let symbol = named.unwrap_or_default();
    match refusal.class {
        ErrorClass::BadRequest => format!("the provider knows no events of {symbol}"),
        ErrorClass::NoData => {
            format!("the provider sent no list for {symbol}; what is stored is unchanged")
        }
        _ => whatever_was_asked(source, request, refusal),
    }
}

/// The classes with one text for everything.
fn whatever_was_asked(source: &dyn Source, request: &Request, refusal: &Refusal) -> String {
    let (about, said) = (source.describe(), refusal.text.as_str());
    match refusal.class {
        ErrorClass::NotEntitled => source.instead_of(request),
        ErrorClass::Burst => format!(
            "the provider asks us to slow down; another program may be using the same address or key, \
             try again in a minute ({said})"
        ),
        ErrorClass::Minute => {
            "this minute's requests are used up; try again in a minute".to_owned()
        }
        ErrorClass::Day => day(&day_turns(source.policy().quota.zone)),
        ErrorClass::BadKey => bad_key(about),
        ErrorClass::Outage => {
            format!("the provider is down; stored data is safe, try again later ({said})")
        }
        ErrorClass::Malformed => format!(
            "the answer is not what was requested; none of its data was used, and it is kept for \
            inspection ({said})"
        ),
        ErrorClass::ClientBug => {
            let endpoint = &request.endpoint;
            format!(
                "the provider does not accept this request to {endpoint}; please report this ({said})"
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
            "the provider could not be reached; check the network and {} ({said})",
            about.address_settings()
        ),
        ErrorClass::DemoKey
        | ErrorClass::Endless
        | ErrorClass::Database
        | ErrorClass::Cancelled
        | ErrorClass::Superseded
        | ErrorClass::BadRequest
        | ErrorClass::NoData => said.to_owned(),
    }
}

fn bad_key(about: &Description) -> String {
    match about.settings.words.key_page {
        Some(page) => format!(
            "the provider does not accept the key; correct {}, or get a free key at {page}",
            about.settings.key_variables()
        ),
        None => format!(
            "{} refuses requests without a key",
            about.settings.words.name
        ),
    }
}

/// Says that the day's requests are used up, and until when.
#[must_use]
pub fn day(until: &str) -> String {
    format!("today's requests are used up; {until}")
}

/// Says that a series was not fetched because of an earlier refusal.
#[must_use]
pub fn not_asked(reason: &str) -> String {
    format!("not fetched, 0 requests: {reason}")
}

/// Why a run of the schedule stops in the middle.
pub const LANE_LOST: &str =
    "another engine has taken over this source, or the store was out of reach for too long";

/// Why a start leaves a series to the schedule.
pub const START_SPENT: &str = "the few requests of a start are used up; the schedule will fetch it";

/// Why a failure is not tried again.
pub const RETRIES_SPENT: &str = "today's retries are used up";

/// When there are requests again after the provider said that the day's are used up.
fn day_turns(zone: Tz) -> String {
    let city = zone.name().rsplit('/').next().unwrap_or_default();
    format!("more from midnight in {}", city.replace('_', " "))
}

/// Says when there are requests again.
#[must_use]
pub fn day_spent(until: DateTime<Utc>, zone: Tz) -> String {
    format!("more from {}", local(until, zone))
}

/// A minute where the source's day turns. `ET` is how the exchanges there call both of their times.
fn local(at: DateTime<Utc>, zone: Tz) -> impl fmt::Display {
    let form = match zone {
        Tz::America__New_York => "%a %Y-%m-%d %H:%M ET",
        _ => "%a %Y-%m-%d %H:%M %Z",
    };
    at.with_timezone(&zone).format(form)
}

/// Says that the provider asked for a pause and until when it lasts, rounded up to a minute.
#[must_use]
pub fn paused(said: &str, until: DateTime<Utc>, zone: Tz) -> String {
    let until = until + TimeDelta::nanoseconds(59_999_999_999);
    format!(
        "{said} and asks for a pause; no requests are sent before {}, and stored data is safe",
        local(until, zone)
    )
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;
    use crate::config::Secret;
    use crate::model::Interval;
    use crate::pipeline::source::{SymbolWish, Wish};
    use crate::pipeline::sources::alpha_vantage::AlphaVantage;
    use crate::time::Clock;

    fn source() -> impl Source {
        let nowhere = "http://127.0.0.1:1/".parse().unwrap();
        AlphaVantage::new(nowhere, Secret::public("any"), false, Clock::system()).unwrap()
    }

    #[test]
    fn every_class_says_something_to_a_person() {
        let source = source();
        let series = SeriesKey::raw("IBM".parse().unwrap(), Interval::Min5);
        let bars = &source.plan(&[Wish::newest(series.clone())]).requests[0];
        let list = source
            .symbols()
            .unwrap()
            .ask_symbols(&SymbolWish::List)
            .unwrap();
        let said = |class, words| sentence(&source, (bars, &series), &Refusal::new(class, words));
        for class in ErrorClass::ALL {
            let refusal = Refusal::new(*class, "their words");
            for text in [
                said(*class, "their words"),
                about_symbols(&source, &list, &refusal),
            ] {
                assert!(text.len() > 10 && !text.ends_with('.'), "{class}: {text}");
            }
        }
        assert!(said(ErrorClass::NotEntitled, "").contains("--interval daily"));
        assert!(said(ErrorClass::Unknown, "new words").contains("(new words)"));
        assert!(said(ErrorClass::Day, "").ends_with("midnight in New York"));
        let about = source.describe();
        assert!(said(ErrorClass::BadKey, "").contains(about.settings.words.key_page.unwrap()));
        assert!(said(ErrorClass::Network, "").contains(&about.address_settings()));
    }

    #[test]
    fn a_spent_day_names_its_end_where_the_exchange_is() {
        let until = "2026-11-24T05:00:00Z".parse().unwrap();
        assert_eq!(
            day_spent(until, New_York),
            "more from Tue 2026-11-24 00:00 ET"
        );
        assert_eq!(
            day_spent(until, Tz::UTC),
            "more from Tue 2026-11-24 05:00 UTC"
        );
    }

    #[test]
    fn a_pause_names_a_minute_at_which_it_is_over() {
        for (until, minute) in [("05:00:00", "00:00"), ("05:00:00.5", "00:01")] {
            let until = format!("2026-11-24T{until}Z").parse().unwrap();
            let text = paused(
                "the provider reports a server error (HTTP 503)",
                until,
                New_York,
            );
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
