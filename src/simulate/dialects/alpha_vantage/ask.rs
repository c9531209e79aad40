//! What a request asks for: the parameters of the time series functions, with their defaults.

use chrono::{Datelike, Months, NaiveDate};

use crate::model::words::words;
use crate::simulate::company::is_listed;
use crate::simulate::query::Query;

words! {
    /// The functions the simulator knows.
    pub enum Function {
        /// Intraday bars.
        Intraday = "TIME_SERIES_INTRADAY",
        /// Daily bars as traded.
        Daily = "TIME_SERIES_DAILY",
        /// Daily bars with splits and dividends.
        DailyAdjusted = "TIME_SERIES_DAILY_ADJUSTED",
        /// Weekly bars as traded.
        Weekly = "TIME_SERIES_WEEKLY",
        /// Weekly bars with dividends.
        WeeklyAdjusted = "TIME_SERIES_WEEKLY_ADJUSTED",
        /// Monthly bars as traded.
        Monthly = "TIME_SERIES_MONTHLY",
        /// Monthly bars with dividends.
        MonthlyAdjusted = "TIME_SERIES_MONTHLY_ADJUSTED",
    }
}

words! {
    /// How fresh the data may be; without one, only complete intraday bars are served.
    pub enum Entitlement {
        /// Up to now, with the unfinished bar.
        Realtime = "realtime",
        /// Up to 15 minutes ago.
        Delayed = "delayed",
    }
}

words! {
    /// The lengths of intraday bars.
    pub enum Minutes {
        /// One minute.
        One = "1min",
        /// Five minutes.
        Five = "5min",
        /// A quarter of an hour.
        Fifteen = "15min",
        /// Half an hour.
        Thirty = "30min",
        /// One hour.
        Sixty = "60min",
    }
}

impl Minutes {
    /// The length as a number.
    pub(super) const fn count(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Five => 5,
            Self::Fifteen => 15,
            Self::Thirty => 30,
            Self::Sixty => 60,
        }
    }
}

/// The first month for which the provider serves intraday bars.
const FIRST_MONTH: (i32, u32) = (2000, 1);

/// A request for a time series.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the provider's own parameters are flags, independent of each other"
)]
pub(super) struct Ask {
    pub function: Function,
    /// As received; letters keep their case.
    pub symbol: String,
    /// For intraday bars; five minutes for the other functions, which ignore it.
    pub minutes: Minutes,
    pub adjusted: bool,
    pub extended: bool,
    /// The first day of the requested month.
    pub month: Option<NaiveDate>,
    pub full: bool,
    pub csv: bool,
    pub entitlement: Option<Entitlement>,
}

impl Ask {
    /// Reads the parameters of a function; `None` for anything the provider calls an invalid call.
    pub(super) fn read(function: Function, query: &Query) -> Option<Self> {
        let symbol = query.get("symbol");
        let flag = |name| query.word(name, true, &[("true", true), ("false", false)]);
        let intraday = function == Function::Intraday;
        is_listed(symbol).then_some(())?;
        Some(Self {
            function,
            symbol: symbol.to_owned(),
            minutes: if intraday {
                query.get("interval").parse().ok()?
            } else {
                Minutes::Five
            },
            adjusted: flag("adjusted")?,
            extended: flag("extended_hours")?,
            month: match query.get("month") {
                text if intraday && !text.is_empty() => Some(month(text)?),
                _ => None,
            },
            full: query.word("outputsize", false, &[("compact", false), ("full", true)])?,
            csv: query.word("datatype", false, &[("json", false), ("csv", true)])?,
            entitlement: match query.get("entitlement") {
                "" => None,
                text => Some(text.parse().ok()?),
            },
        })
    }
}

/// The first day of a month written `YYYY-MM`.
fn month(text: &str) -> Option<NaiveDate> {
    let (year, month) = text.split_once('-')?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (year.len(), month.len()) != (4, 2) || !digits(year) || !digits(month) {
        return None;
    }
    let first = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?;
    ((first.year(), first.month()) >= FIRST_MONTH).then_some(first)
}

/// The last day of the month that begins on `first`.
pub(super) fn month_end(first: NaiveDate) -> NaiveDate {
    first
        .checked_add_months(Months::new(1))
        .and_then(|next| next.pred_opt())
        .unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Option<Ask> {
        Ask::read(Function::Intraday, &Query::decode(query))
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let ask = read("symbol=duol&interval=5min").unwrap();
        assert!(ask.adjusted && ask.extended && !ask.full && !ask.csv);
        assert_eq!((ask.symbol.as_str(), ask.month), ("duol", None));
    }

    #[test]
    fn wrong_parameters_are_invalid_calls() {
        for query in [
            "symbol=&interval=5min",
            "interval=5min",
            "symbol=UNKNOWN1&interval=5min",
            "symbol=nosuchthing&interval=5min",
            "symbol=A%20B&interval=5min",
            "symbol=IBM",
            "symbol=IBM&interval=0min",
            "symbol=IBM&interval=5min&month=2026-13",
            "symbol=IBM&interval=5min&month=1999-12",
            "symbol=IBM&interval=5min&month=2026-1",
            "symbol=IBM&interval=5min&month=%2B026-01",
            "symbol=IBM&interval=5min&adjusted=True",
            "symbol=IBM&interval=5min&outputsize=all",
            "symbol=IBM&interval=5min&entitlement=free",
        ] {
            assert_eq!(read(query), None, "{query}");
        }
    }

    #[test]
    fn a_month_ends_on_its_last_day() {
        assert_eq!(month_end(month("2024-02").unwrap()).day(), 29);
    }
}
