//! Finds which stored series of a symbol a person means.

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;

use super::table::layout;
use crate::db::Holding;
use crate::model::text::thousands;
use crate::model::{Instrument, Interval, SeriesKey, moment};
use crate::pipeline::narrate;

/// What a person asked for.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The symbol and its source.
    pub instrument: Instrument,
    /// The interval that is required.
    pub interval: Option<Interval>,
    /// The interval to prefer if it is stored.
    pub usual: Option<Interval>,
    /// Whether adjusted prices must be shown.
    pub adjusted: bool,
}

impl Lookup {
    /// The stored series that matches: the one with the usual interval, otherwise the finest; raw
    /// prices before adjusted ones. Where adjusted prices are required, raw minutes are the last
    /// choice: their prices follow from daily bars. `None` if none matches.
    pub fn among(&self, held: &[Holding]) -> Option<SeriesKey> {
        let has_own =
            |key: &SeriesKey| !self.adjusted || key.adjusted || !key.interval.is_intraday();
        let best = self.best(held, has_own).map(|key| SeriesKey {
            adjusted: key.adjusted || self.adjusted,
            ..key.clone()
        });
        best.or_else(|| self.best(held, |_| true).cloned())
    }

    fn best<'a>(
        &self,
        held: &'a [Holding],
        is_eligible: impl Fn(&SeriesKey) -> bool,
    ) -> Option<&'a SeriesKey> {
        let keys = || {
            held.iter().map(|holding| &holding.series).filter(|key| {
                key.symbol == self.instrument.symbol
                    && key.source == self.instrument.source
                    && self
                        .interval
                        .is_none_or(|interval| interval == key.interval)
                    && is_eligible(key)
            })
        };
        let usual = keys()
            .filter(|key| Some(key.interval) == self.usual)
            .min_by_key(|key| key.adjusted);
        let finest = || keys().min_by_key(|key| (key.interval, key.adjusted));
        usual.or_else(finest)
    }

    /// The series to fetch if none is stored.
    pub fn otherwise(&self, interval: Interval) -> SeriesKey {
        let interval = self.interval.or(self.usual).unwrap_or(interval);
        SeriesKey {
            adjusted: self.adjusted,
            ..SeriesKey::of(&self.instrument, interval)
        }
    }
}

/// The stored series of a symbol, as a table.
pub fn table(held: &[Holding]) -> String {
    let mut held: Vec<&Holding> = held.iter().collect();
    held.sort_by_key(|holding| &holding.series);
    let label = |at: DateTime<Utc>, interval| {
        let date = moment::label_date(at, interval, New_York);
        narrate::label(at, date, interval)
    };
    let rows: Vec<Vec<String>> = held
        .iter()
        .map(|holding| {
            let key = &holding.series;
            let prices = if key.adjusted { "adjusted" } else { "raw" };
            vec![
                key.instrument().to_string(),
                key.interval.to_string(),
                prices.to_owned(),
                thousands(holding.bars),
                label(holding.oldest, key.interval),
                label(holding.newest, key.interval),
            ]
        })
        .collect();
    let heads = ["STORED", "INTERVAL", "PRICES", ">BARS", "OLDEST", "NEWEST"];
    layout(&heads, &rows).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SourceId, Sources};

    fn sources() -> Sources {
        Sources {
            usual: SourceId::DEFAULT,
            known: vec![SourceId::known("other")],
        }
    }

    fn held(series: &[&str]) -> Vec<Holding> {
        let holding = |words: &&str| Holding {
            series: SeriesKey::from_words(words, Interval::Daily, &sources()).unwrap(),
            bars: 1_200,
            oldest: "2026-05-15T04:00:00Z".parse().unwrap(),
            newest: "2026-11-24T14:30:00Z".parse().unwrap(),
        };
        series.iter().map(holding).collect()
    }

    fn wanted(symbol: &str) -> Lookup {
        Lookup {
            instrument: sources().instrument(symbol).unwrap(),
            interval: None,
            usual: None,
            adjusted: false,
        }
    }

    fn chosen(wanted: &Lookup, series: &[&str]) -> Option<String> {
        wanted.among(&held(series)).map(|key| key.to_string())
    }

    #[test]
    fn the_only_series_or_the_finest_is_meant() {
        let ibm = wanted("IBM");
        assert_eq!(chosen(&ibm, &[]), None);
        assert_eq!(chosen(&ibm, &["IBM weekly"]).unwrap(), "IBM weekly");
        let all = [
            "IBM weekly",
            "IBM daily",
            "IBM 60min adjusted",
            "IBM 60min",
            "IBM monthly",
        ];
        assert_eq!(chosen(&ibm, &all).unwrap(), "IBM 60min");
        assert_eq!(
            chosen(&ibm, &["IBM daily", "IBM 5min adjusted"]).unwrap(),
            "IBM 5min adjusted"
        );
        let usual = |interval| Lookup {
            usual: Some(interval),
            ..ibm.clone()
        };
        assert_eq!(
            chosen(&usual(Interval::Weekly), &all).unwrap(),
            "IBM weekly"
        );
        assert_eq!(chosen(&usual(Interval::Min5), &all).unwrap(), "IBM 60min");
    }

    #[test]
    fn an_interval_and_adjusted_prices_are_meant_as_said() {
        let all = ["IBM 5min", "IBM 60min adjusted", "IBM daily"];
        let adjusted = Lookup {
            adjusted: true,
            ..wanted("IBM")
        };
        assert_eq!(chosen(&adjusted, &all).unwrap(), "IBM 60min adjusted");
        let of = |interval| Lookup {
            interval: Some(interval),
            ..adjusted.clone()
        };
        assert_eq!(
            chosen(&of(Interval::Daily), &all).unwrap(),
            "IBM daily adjusted"
        );
        assert_eq!(
            chosen(&of(Interval::Min5), &all).unwrap(),
            "IBM 5min",
            "by the factors of its daily bars"
        );
        assert_eq!(chosen(&of(Interval::Min1), &all), None);
    }

    #[test]
    fn only_the_source_that_is_meant_is_searched() {
        let held = ["IBM 5min", "other:IBM daily"];
        assert_eq!(chosen(&wanted("ibm"), &held).unwrap(), "IBM 5min");
        let other = wanted("other:ibm");
        assert_eq!(chosen(&other, &held).unwrap(), "other:IBM daily");
        assert_eq!(chosen(&other, &["IBM 5min"]), None);
        let fetched = other.otherwise(Interval::Weekly);
        assert_eq!(fetched.to_string(), "other:IBM weekly");
    }

    #[test]
    fn what_is_stored_is_listed_finest_first() {
        assert_eq!(
            table(&held(&["IBM daily", "IBM 5min adjusted"])),
            "STORED  INTERVAL  PRICES     BARS  OLDEST            NEWEST\n\
             IBM     5min      adjusted  1,200  2026-05-15 00:00  2026-11-24 09:30\n\
             IBM     daily     raw       1,200  2026-05-15        2026-11-24"
        );
    }
}
