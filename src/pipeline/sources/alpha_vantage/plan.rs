//! Turns a wanted series into a request: pure, without a key, without sending.

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;

use super::describe::{ID, NEEDS_A_KEY};
use super::options::{Datatype, Options, Outputsize};
use crate::model::{ErrorClass, Interval, Request, SeriesKey};
use crate::pipeline::source::{Month, Refusal};

/// The request for a series, or why there can be none.
pub(super) fn request(
    series: &SeriesKey,
    options: &Options,
    key_is_demo: bool,
) -> Result<Request, Refusal> {
    let function = function(series);
    refuse_senseless(series.interval, function, options)?;
    if key_is_demo {
        return demo(series, options, function);
    }
    let mut query = named(function, series);
    let mut add = |name: &str, value: String| query.push((name.to_owned(), value));
    if series.interval.is_intraday() {
        add("adjusted", series.adjusted.to_string());
        add("extended_hours", (!options.regular_hours).to_string());
        if let Some(month) = options.month {
            add("month", month.to_string());
        }
    }
    if takes_outputsize(series.interval) {
        let usual = match options.month {
            Some(_) => Outputsize::Full,
            None => Outputsize::Compact,
        };
        add(
            "outputsize",
            options.outputsize.unwrap_or(usual).to_string(),
        );
    }
    add(
        "datatype",
        options.datatype.unwrap_or(Datatype::Json).to_string(),
    );
    if let Some(recency) = options.recency {
        add("entitlement", recency.to_string());
    }
    Ok(asked(function, query, series.clone()))
}

const fn function(series: &SeriesKey) -> &'static str {
    match (series.interval, series.adjusted) {
        (Interval::Daily, false) => "TIME_SERIES_DAILY",
        (Interval::Daily, true) => "TIME_SERIES_DAILY_ADJUSTED",
        (Interval::Weekly, false) => "TIME_SERIES_WEEKLY",
        (Interval::Weekly, true) => "TIME_SERIES_WEEKLY_ADJUSTED",
        (Interval::Monthly, false) => "TIME_SERIES_MONTHLY",
        (Interval::Monthly, true) => "TIME_SERIES_MONTHLY_ADJUSTED",
        _ => "TIME_SERIES_INTRADAY",
    }
}

/// What the key `demo` brings: without the parameter `adjusted` the provider adjusts.
pub(super) fn demo_series(series: &SeriesKey) -> SeriesKey {
    SeriesKey {
        adjusted: series.adjusted || series.interval.is_intraday(),
        ..series.clone()
    }
}

fn asked(function: &str, parameters: Vec<(String, String)>, series: SeriesKey) -> Request {
    Request {
        source: ID,
        endpoint: function.to_owned(),
        parameters,
        series: vec![series],
        riders: vec![],
        page: 1,
    }
}

fn named(function: &str, series: &SeriesKey) -> Vec<(String, String)> {
    let mut query = vec![
        ("function".to_owned(), function.to_owned()),
        ("symbol".to_owned(), series.symbol.to_string()),
    ];
    if series.interval.is_intraday() {
        query.push(("interval".to_owned(), series.interval.to_string()));
    }
    query
}

const fn takes_outputsize(interval: Interval) -> bool {
    interval.is_intraday() || matches!(interval, Interval::Daily)
}

/// Refuses what the function has no parameter for: the provider would ignore it silently.
fn refuse_senseless(interval: Interval, function: &str, options: &Options) -> Result<(), Refusal> {
    let intraday = interval.is_intraday();
    let takes_entitlement = intraday || function == "TIME_SERIES_DAILY_ADJUSTED";
    let text = if options.month.is_some() && !intraday {
        format!("a month can be requested for intraday bars only, not for {interval} bars")
    } else if options.regular_hours && !intraday {
        format!("regular hours can be requested for intraday bars only, not for {interval} bars")
    } else if options.outputsize.is_some() && !takes_outputsize(interval) {
        format!("{interval} bars always come with their full history; leave out the outputsize")
    } else if options.recency.is_some() && !takes_entitlement {
        format!(
            "{function} takes no entitlement; leave it out, or request adjusted daily or intraday bars"
        )
    } else {
        return Ok(());
    };
    Err(Refusal::new(ErrorClass::BadRequest, text))
}

/// Refuses a month that has not begun at the exchange.
pub(super) fn refuse_future(options: &Options, now: DateTime<Utc>) -> Result<(), Refusal> {
    let current = Month::of(now.with_timezone(&New_York).date_naive());
    match options.month {
        Some(month) if month > current => Err(Refusal::new(
            ErrorClass::BadRequest,
            format!("{month} has not begun yet; the newest month is {current}"),
        )),
        _ => Ok(()),
    }
}

/// The key `demo` serves the documented URLs only, and only the plain ones of those are used.
///
/// Options that match what the provider does anyway change nothing and are accepted.
fn demo(series: &SeriesKey, options: &Options, function: &str) -> Result<Request, Refusal> {
    let documented = series.symbol.as_str() == "IBM"
        && (!series.interval.is_intraday() || series.interval == Interval::Min5);
    let plain = options.month.is_none()
        && options
            .outputsize
            .is_none_or(|size| size == Outputsize::Compact)
        && !options.regular_hours
        && options
            .datatype
            .is_none_or(|datatype| datatype == Datatype::Json)
        && options.recency.is_none();
    if documented && plain {
        Ok(asked(
            function,
            named(function, series),
            demo_series(series),
        ))
    } else {
        Err(Refusal::new(ErrorClass::DemoKey, NEEDS_A_KEY))
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::Recency;
    use super::*;

    fn series(symbol: &str, interval: Interval) -> SeriesKey {
        SeriesKey::raw(symbol.parse().unwrap(), interval)
    }

    fn adjusted(symbol: &str, interval: Interval) -> SeriesKey {
        SeriesKey {
            adjusted: true,
            ..series(symbol, interval)
        }
    }

    fn query(series: &SeriesKey, options: &Options) -> String {
        written(&request(series, options, false).unwrap())
    }

    fn written(request: &Request) -> String {
        let pairs: Vec<_> = request
            .parameters
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("&")
    }

    #[test]
    fn intraday_says_everything_explicitly() {
        let ibm = series("IBM", Interval::Min5);
        assert_eq!(
            query(&ibm, &Options::default()),
            "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&adjusted=false&extended_hours=true&outputsize=compact&datatype=json"
        );
        let options = Options {
            month: Some("2009-01".parse().unwrap()),
            regular_hours: true,
            datatype: Some(Datatype::Csv),
            recency: Some(Recency::Delayed),
            ..Options::default()
        };
        let ibm = adjusted("IBM", Interval::Min5);
        assert_eq!(
            query(&ibm, &options),
            "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&adjusted=true&extended_hours=false&month=2009-01&outputsize=full&datatype=csv&entitlement=delayed"
        );
        assert_eq!(
            request(&ibm, &options, false).unwrap().series,
            std::slice::from_ref(&ibm)
        );
        let compact = Options {
            outputsize: Some(Outputsize::Compact),
            ..options
        };
        assert!(query(&ibm, &compact).contains("month=2009-01&outputsize=compact"));
    }

    #[test]
    fn longer_bars_choose_the_function() {
        for (interval, plain, with_adjusted) in [
            (
                Interval::Daily,
                "TIME_SERIES_DAILY&symbol=RELIANCE.BSE&outputsize=compact&datatype=json",
                "TIME_SERIES_DAILY_ADJUSTED",
            ),
            (
                Interval::Weekly,
                "TIME_SERIES_WEEKLY&symbol=RELIANCE.BSE&datatype=json",
                "TIME_SERIES_WEEKLY_ADJUSTED",
            ),
            (
                Interval::Monthly,
                "TIME_SERIES_MONTHLY&symbol=RELIANCE.BSE&datatype=json",
                "TIME_SERIES_MONTHLY_ADJUSTED",
            ),
        ] {
            let key = series("RELIANCE.BSE", interval);
            assert_eq!(
                query(&key, &Options::default()),
                format!("function={plain}")
            );
            let key = adjusted("RELIANCE.BSE", interval);
            let asked = request(&key, &Options::default(), false).unwrap();
            assert_eq!(
                (asked.endpoint.as_str(), &asked.series[0]),
                (with_adjusted, &key)
            );
        }
    }

    #[test]
    fn an_adjusted_series_is_asked_for_as_adjusted() {
        let key = adjusted("IBM", Interval::Min1);
        let asked = request(&key, &Options::default(), false).unwrap();
        assert_eq!(asked.get("adjusted"), Some("true"));
        assert_eq!(asked.series, [key]);
    }

    #[test]
    fn options_without_sense_are_refused_in_words() {
        let month = Options {
            month: Some("2024-01".parse().unwrap()),
            ..Options::default()
        };
        let hours = Options {
            regular_hours: true,
            ..Options::default()
        };
        let size = Options {
            outputsize: Some(Outputsize::Full),
            ..Options::default()
        };
        let recency = Options {
            recency: Some(Recency::Realtime),
            ..Options::default()
        };
        for (interval, options, word) in [
            (Interval::Daily, &month, "month"),
            (Interval::Monthly, &hours, "regular hours"),
            (Interval::Weekly, &size, "outputsize"),
            (Interval::Monthly, &size, "outputsize"),
            (Interval::Daily, &recency, "entitlement"),
        ] {
            let refusal = request(&series("IBM", interval), options, false).unwrap_err();
            assert_eq!(refusal.class, ErrorClass::BadRequest);
            assert!(refusal.text.contains(word), "{}", refusal.text);
        }
        assert!(request(&adjusted("IBM", Interval::Daily), &recency, false).is_ok());
    }

    #[test]
    fn a_month_begins_at_the_exchange() {
        for (month, now, begun) in [
            ("2026-11", "2026-11-27T12:00:00Z", true),
            ("2000-01", "2026-11-27T12:00:00Z", true),
            ("2026-12", "2026-11-27T12:00:00Z", false),
            ("2027-01", "2026-12-31T23:00:00Z", false),
            ("2026-12", "2026-12-01T04:59:59Z", false),
            ("2026-12", "2026-12-01T05:00:00Z", true),
            ("9999-12", "2026-12-01T05:00:00Z", false),
        ] {
            let options = Options {
                month: Some(month.parse().unwrap()),
                ..Options::default()
            };
            let refused = refuse_future(&options, now.parse().unwrap());
            assert_eq!(refused.is_ok(), begun, "{month} at {now}: {refused:?}");
            if let Err(refusal) = refused {
                assert_eq!(refusal.class, ErrorClass::BadRequest);
                assert!(refusal.text.contains("the newest month is 2026-1"));
            }
        }
        assert!(refuse_future(&Options::default(), DateTime::UNIX_EPOCH).is_ok());
    }

    #[test]
    fn the_demo_key_asks_documented_urls_only() {
        let plain = Options::default();
        let asked = request(&series("IBM", Interval::Min5), &plain, true).unwrap();
        assert_eq!(
            written(&asked),
            "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min"
        );
        assert!(asked.series[0].adjusted);
        for (interval, function) in [
            (Interval::Daily, "TIME_SERIES_DAILY"),
            (Interval::Weekly, "TIME_SERIES_WEEKLY"),
            (Interval::Monthly, "TIME_SERIES_MONTHLY"),
        ] {
            for (key, suffix) in [
                (series("IBM", interval), ""),
                (adjusted("IBM", interval), "_ADJUSTED"),
            ] {
                let asked = request(&key, &plain, true).unwrap();
                assert_eq!(
                    written(&asked),
                    format!("function={function}{suffix}&symbol=IBM")
                );
                assert_eq!(asked.series, [key]);
            }
        }
    }

    #[test]
    fn the_demo_key_refuses_the_rest_without_a_request() {
        let plain = Options::default();
        let csv = Options {
            datatype: Some(Datatype::Csv),
            ..Options::default()
        };
        let full = Options {
            outputsize: Some(Outputsize::Full),
            ..Options::default()
        };
        let month = Options {
            month: Some("2009-01".parse().unwrap()),
            ..Options::default()
        };
        let hours = Options {
            regular_hours: true,
            ..Options::default()
        };
        for (symbol, interval, options) in [
            ("AAPL", Interval::Min5, &plain),
            ("IBM", Interval::Min1, &plain),
            ("TSCO.LON", Interval::Daily, &plain),
            ("IBM", Interval::Min5, &csv),
            ("IBM", Interval::Daily, &full),
            ("IBM", Interval::Min5, &month),
            ("IBM", Interval::Min5, &hours),
        ] {
            let refusal = request(&series(symbol, interval), options, true).unwrap_err();
            assert_eq!(refusal.class, ErrorClass::DemoKey, "{symbol} {interval}");
            assert!(refusal.text.contains("needs your own key (free)"));
        }
    }
}
