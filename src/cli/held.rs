//! Finds which stored series of a symbol a person means.

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;

use super::table::layout;
use crate::db::Holding;
use crate::model::text::thousands;
use crate::model::{Interval, SeriesKey, Symbol};
use crate::pipeline::narrate;

/// What a person asked for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The symbol, in upper or lower case.
    pub symbol: Symbol,
    /// The interval that is required.
    pub interval: Option<Interval>,
    /// The interval to prefer if it is stored.
    pub usual: Option<Interval>,
    /// Whether adjusted prices must be shown.
    pub adjusted: bool,
}

impl Wish {
    /// The stored series that matches: the one with the usual interval, otherwise the finest; raw
    /// prices before adjusted ones. `None` if none matches.
    pub fn among(&self, held: &[Holding]) -> Option<SeriesKey> {
        let keys = || {
            held.iter().map(|holding| &holding.series).filter(|key| {
                key.symbol == self.symbol
                    && self.interval.is_none_or(|wanted| wanted == key.interval)
                    && (!self.adjusted || key.adjusted || !key.interval.is_intraday())
            })
        };
        let usual = keys()
            .filter(|key| Some(key.interval) == self.usual)
            .min_by_key(|key| key.adjusted);
        let finest = || keys().min_by_key(|key| (key.interval, key.adjusted));
        usual.or_else(finest).map(|key| SeriesKey {
            adjusted: key.adjusted || self.adjusted,
            ..key.clone()
        })
    }

    /// The series to fetch if none is stored.
    pub fn otherwise(&self, interval: Interval) -> SeriesKey {
        let interval = self.interval.or(self.usual).unwrap_or(interval);
        SeriesKey {
            adjusted: self.adjusted,
            ..SeriesKey::raw(self.symbol.clone(), interval)
        }
    }
}

/// The stored series of a symbol, as a table.
pub fn table(held: &[Holding]) -> String {
    let mut held: Vec<&Holding> = held.iter().collect();
    held.sort_by_key(|holding| &holding.series);
    let label = |at: DateTime<Utc>, interval| {
        let date = at.with_timezone(&New_York).date_naive();
        narrate::label(at, date, interval)
    };
    let rows: Vec<Vec<String>> = held
        .iter()
        .map(|holding| {
            let key = &holding.series;
            let prices = if key.adjusted { "adjusted" } else { "raw" };
            vec![
                key.symbol.to_string(),
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

    fn held(series: &[&str]) -> Vec<Holding> {
        let holding = |words: &&str| Holding {
            series: SeriesKey::from_words(words, Interval::Daily).unwrap(),
            bars: 1_200,
            oldest: "2026-05-15T04:00:00Z".parse().unwrap(),
            newest: "2026-11-24T14:30:00Z".parse().unwrap(),
        };
        series.iter().map(holding).collect()
    }

    fn wish(symbol: &str) -> Wish {
        Wish {
            symbol: symbol.parse().unwrap(),
            interval: None,
            usual: None,
            adjusted: false,
        }
    }

    fn chosen(wish: &Wish, series: &[&str]) -> Option<String> {
        wish.among(&held(series)).map(|key| key.to_string())
    }

    #[test]
    fn the_only_series_or_the_finest_is_meant() {
        let ibm = wish("IBM");
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
        let usual = |interval| Wish {
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
        let adjusted = Wish {
            adjusted: true,
            ..wish("IBM")
        };
        assert_eq!(chosen(&adjusted, &all).unwrap(), "IBM 60min adjusted");
        let of = |interval| Wish {
            interval: Some(interval),
            ..adjusted.clone()
        };
        assert_eq!(
            chosen(&of(Interval::Daily), &all).unwrap(),
            "IBM daily adjusted"
        );
        assert_eq!(chosen(&of(Interval::Min5), &all), None);
    }

    #[test]
    fn a_symbol_is_found_in_any_case() {
        assert_eq!(chosen(&wish("ibm"), &["IBM daily"]).unwrap(), "IBM daily");
        assert_eq!(chosen(&wish("IBM"), &["MSFT daily"]), None);
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
