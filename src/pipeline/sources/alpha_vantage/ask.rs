//! Turns a wanted series into a request: pure, without a key, without sending.

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;

use crate::model::{Ask, Datatype, ErrorClass, Interval, Outputsize, SeriesKey};
use crate::pipeline::source::{FetchOptions, Month, Refusal};

/// What a person reads when the key `demo` does not serve a request.
pub(super) const NEEDS_A_KEY: &str = "needs your own key (free): https://www.alphavantage.co/support/#api-key, then set ALPHA_VANTAGE_API_KEY";

/// The request for a series, or why there can be none.
pub(super) fn ask(
    series: &SeriesKey,
    options: &FetchOptions,
    key_is_demo: bool,
) -> Result<Ask, Refusal> {
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
    if let Some(entitlement) = options.entitlement {
        add("entitlement", entitlement.to_string());
    }
    Ok(Ask {
        series: series.clone(),
        query,
    })
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
fn refuse_senseless(
    interval: Interval,
    function: &str,
    options: &FetchOptions,
) -> Result<(), Refusal> {
    let intraday = interval.is_intraday();
    let takes_entitlement = intraday || function == "TIME_SERIES_DAILY_ADJUSTED";
    let text = if options.month.is_some() && !intraday {
        format!("a month can be requested for intraday bars only, not for {interval} bars")
    } else if options.regular_hours && !intraday {
        format!("regular hours can be requested for intraday bars only, not for {interval} bars")
    } else if options.outputsize.is_some() && !takes_outputsize(interval) {
        format!("{interval} bars always come with their full history; leave out the outputsize")
    } else if options.entitlement.is_some() && !takes_entitlement {
        format!(
            "{function} takes no entitlement; leave it out, or request adjusted daily or intraday bars"
        )
    } else {
        return Ok(());
    };
    Err(Refusal::new(ErrorClass::BadRequest, text))
}

/// Refuses a month that has not begun at the exchange.
pub(super) fn refuse_future(options: &FetchOptions, now: DateTime<Utc>) -> Result<(), Refusal> {
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
fn demo(series: &SeriesKey, options: &FetchOptions, function: &str) -> Result<Ask, Refusal> {
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
        && options.entitlement.is_none();
    if documented && plain {
        // Without the parameter `adjusted` the provider adjusts.
        Ok(Ask {
            series: SeriesKey {
                adjusted: series.adjusted || series.interval.is_intraday(),
                ..series.clone()
            },
            query: named(function, series),
        })
    } else {
        Err(Refusal::new(ErrorClass::DemoKey, NEEDS_A_KEY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Entitlement;

    fn series(symbol: &str, interval: Interval) -> SeriesKey {
        SeriesKey::raw(symbol.parse().unwrap(), interval)
    }

    fn adjusted(symbol: &str, interval: Interval) -> SeriesKey {
        SeriesKey {
            adjusted: true,
            ..series(symbol, interval)
        }
    }

    fn query(series: &SeriesKey, options: &FetchOptions) -> String {
        written(&ask(series, options, false).unwrap())
    }

    fn written(ask: &Ask) -> String {
        let pairs: Vec<_> = ask
            .query
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("&")
    }

    #[test]
    fn intraday_says_everything_explicitly() {
        let ibm = series("IBM", Interval::Min5);
        assert_eq!(
            query(&ibm, &FetchOptions::default()),
            "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&adjusted=false&extended_hours=true&outputsize=compact&datatype=json"
        );
        let options = FetchOptions {
            month: Some("2009-01".parse().unwrap()),
            regular_hours: true,
            datatype: Some(Datatype::Csv),
            entitlement: Some(Entitlement::Delayed),
            ..FetchOptions::default()
        };
        let ibm = adjusted("IBM", Interval::Min5);
        assert_eq!(
            query(&ibm, &options),
            "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&adjusted=true&extended_hours=false&month=2009-01&outputsize=full&datatype=csv&entitlement=delayed"
        );
        assert_eq!(ask(&ibm, &options, false).unwrap().series, ibm);
        let compact = FetchOptions {
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
                query(&key, &FetchOptions::default()),
                format!("function={plain}")
            );
            let key = adjusted("RELIANCE.BSE", interval);
            let asked = ask(&key, &FetchOptions::default(), false).unwrap();
            assert_eq!((asked.function(), &asked.series), (with_adjusted, &key));
        }
    }

    #[test]
    fn an_adjusted_series_is_asked_for_as_adjusted() {
        let key = adjusted("IBM", Interval::Min1);
        let asked = ask(&key, &FetchOptions::default(), false).unwrap();
        assert_eq!(asked.get("adjusted"), Some("true"));
        assert_eq!(asked.series, key);
    }

    #[test]
    fn options_without_sense_are_refused_in_words() {
        let month = FetchOptions {
            month: Some("2024-01".parse().unwrap()),
            ..FetchOptions::default()
        };
        let hours = FetchOptions {
            regular_hours: true,
            ..FetchOptions::default()
        };
        let size = FetchOptions {
            outputsize: Some(Outputsize::Full),
            ..FetchOptions::default()
        };
        let recency = FetchOptions {
            entitlement: Some(Entitlement::Realtime),
            ..FetchOptions::default()
        };
        for (interval, options, word) in [
            (Interval::Daily, &month, "month"),
            (Interval::Monthly, &hours, "regular hours"),
            (Interval::Weekly, &size, "outputsize"),
            (Interval::Monthly, &size, "outputsize"),
            (Interval::Daily, &recency, "entitlement"),
        ] {
            let refusal = ask(&series("IBM", interval), options, false).unwrap_err();
            assert_eq!(refusal.class, ErrorClass::BadRequest);
            assert!(refusal.text.contains(word), "{}", refusal.text);
        }
        assert!(ask(&adjusted("IBM", Interval::Daily), &recency, false).is_ok());
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
            let options = FetchOptions {
                month: Some(month.parse().unwrap()),
                ..FetchOptions::default()
            };
            let refused = refuse_future(&options, now.parse().unwrap());
            assert_eq!(refused.is_ok(), begun, "{month} at {now}: {refused:?}");
            if let Err(refusal) = refused {
                assert_eq!(refusal.class, ErrorClass::BadRequest);
                assert!(refusal.text.contains("the newest month is 2026-1"));
            }
        }
        assert!(refuse_future(&FetchOptions::default(), DateTime::UNIX_EPOCH).is_ok());
    }

    #[test]
    fn the_demo_key_asks_documented_urls_only() {
        let plain = FetchOptions::default();
        let asked = ask(&series("IBM", Interval::Min5), &plain, true).unwrap();
        assert_eq!(
            written(&asked),
            "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min"
        );
        assert!(asked.series.adjusted);
        for (interval, function) in [
            (Interval::Daily, "TIME_SERIES_DAILY"),
            (Interval::Weekly, "TIME_SERIES_WEEKLY"),
            (Interval::Monthly, "TIME_SERIES_MONTHLY"),
        ] {
            for (key, suffix) in [
                (series("IBM", interval), ""),
                (adjusted("IBM", interval), "_ADJUSTED"),
            ] {
                let asked = ask(&key, &plain, true).unwrap();
                assert_eq!(
                    written(&asked),
                    format!("function={function}{suffix}&symbol=IBM")
                );
                assert_eq!(asked.series, key);
            }
        }
    }

    #[test]
    fn the_demo_key_refuses_the_rest_without_a_request() {
        let plain = FetchOptions::default();
        let csv = FetchOptions {
            datatype: Some(Datatype::Csv),
            ..FetchOptions::default()
        };
        let full = FetchOptions {
            outputsize: Some(Outputsize::Full),
            ..FetchOptions::default()
        };
        let month = FetchOptions {
            month: Some("2009-01".parse().unwrap()),
            ..FetchOptions::default()
        };
        let hours = FetchOptions {
            regular_hours: true,
            ..FetchOptions::default()
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
            let refusal = ask(&series(symbol, interval), options, true).unwrap_err();
            assert_eq!(refusal.class, ErrorClass::DemoKey, "{symbol} {interval}");
            assert!(refusal.text.contains("needs your own key (free)"));
        }
    }
}
