//! What a key of each plan may request, and how often.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::ask::{Ask, Function};
use super::corporate::CorporateFunction;
use super::refusal::Refusal;
use crate::simulate::calendar::wall_time;
use crate::simulate::plan::Plan;
use crate::simulate::query::Query;

/// The key that answers documented requests only, on every plan.
pub(super) const DEMO_KEY: &str = "demo";
/// Requests a key of the free plan has a day, in US/Eastern. The provider documents neither when
/// its day begins nor what counts: here only requests answered with data do. The limits per second
/// and per minute count every request they let through, even one that is refused afterwards.
const FREE_A_DAY: u32 = 25;
/// Keys that are remembered; the one unused the longest is forgotten.
const MAX_KEYS: usize = 1_024;
const SECOND: TimeDelta = TimeDelta::seconds(1);
const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// How often a key may send requests, and the refusal beyond that.
struct Limits {
    second: (usize, Refusal),
    minute: Option<usize>,
    day: Option<u32>,
}

impl Plan {
    const fn limits(self) -> Option<Limits> {
        match self {
            Self::Free => Some(Limits {
                second: (1, Refusal::Burst),
                minute: None,
                day: Some(FREE_A_DAY),
            }),
            Self::Premium => Some(Limits {
                second: (5, Refusal::PaidBurst),
                minute: Some(75),
                day: None,
            }),
            Self::Demo | Self::Unlimited => None,
        }
    }

    /// Why the plan does not include a function, if it does not.
    pub(super) const fn excludes(self, function: Function) -> Option<Refusal> {
        match (self, function) {
            (Self::Free, Function::Intraday | Function::DailyAdjusted) => Some(Refusal::Premium),
            _ => None,
        }
    }

    /// Why the plan does not include these parameters, if it does not.
    pub(super) fn excludes_parameters(self, ask: &Ask) -> Option<Refusal> {
        if self != Self::Free {
            None
        } else if ask.entitlement.is_some() {
            // No text for this is recorded; the provider's usual one is assumed.
            Some(Refusal::Premium)
        } else {
            (ask.function == Function::Daily && ask.full).then_some(Refusal::PremiumFull)
        }
    }
}

/// Whether a request is one the documentation links to with the key `demo`: the same parameters in
/// the same order, with `datatype=csv` allowed after them.
pub(super) fn is_documented(query: &Query) -> bool {
    const FULL_DAILY: [&str; 8] = [
        "IBM",
        "TSCO.LON",
        "SHOP.TRT",
        "GPV.TRV",
        "MBG.DEX",
        "RELIANCE.BSE",
        "600104.SHH",
        "000002.SHZ",
    ];
    const SEARCHES: [&str; 4] = ["tesco", "tencent", "BA", "SAIC"];
    let pairs: Vec<(&str, &str)> = query
        .0
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let pairs = pairs.strip_suffix(&[("datatype", "csv")]).unwrap_or(&pairs);
    match pairs {
        [("function", "LISTING_STATUS"), ("apikey", DEMO_KEY)] => return true,
        [
            ("function", "SYMBOL_SEARCH"),
            ("keywords", words),
            ("apikey", DEMO_KEY),
        ] => {
            return SEARCHES.contains(words);
        }
        _ => {}
    }
    let [
        ("function", function),
        ("symbol", symbol),
        rest @ ..,
        ("apikey", DEMO_KEY),
    ] = pairs
    else {
        return false;
    };
    let full = [("outputsize", "full")];
    match function.parse() {
        Ok(Function::Intraday) => {
            *symbol == "IBM"
                && match rest {
                    [("interval", "5min"), rest @ ..] => {
                        rest.is_empty()
                            || rest == full
                            || rest == [("month", "2009-01"), ("outputsize", "full")]
                    }
                    _ => false,
                }
        }
        Ok(Function::Daily) if rest == full => FULL_DAILY.contains(symbol),
        Ok(_) => *symbol == "IBM" && rest.is_empty(),
        Err(_) => {
            let is_corporate = function.parse::<CorporateFunction>().is_ok();
            is_corporate && *symbol == "IBM" && rest.is_empty()
        }
    }
}

/// How often each key sent requests.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    keys: HashMap<String, Usage>,
}

#[derive(Debug)]
struct Usage {
    /// Requests let through in the last minute, oldest first.
    recent: VecDeque<DateTime<Utc>>,
    last: DateTime<Utc>,
    day: NaiveDate,
    today: u32,
}

impl Ledger {
    /// Lets a request through and counts it, or says which limit it breaks.
    pub(super) fn admit(
        &mut self,
        plan: Plan,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let Some(limits) = plan.limits() else {
            return Ok(());
        };
        let usage = self.usage(key, now);
        // After the clock was set back, requests that now lie in the future no longer count.
        usage
            .recent
            .retain(|at| (TimeDelta::zero()..MINUTE).contains(&(now - at)));
        let younger = |age: TimeDelta| move |at: &&DateTime<Utc>| now - **at < age;
        let (a_second, burst) = limits.second;
        if usage.recent.iter().filter(younger(SECOND)).count() >= a_second {
            return Err(burst);
        }
        let in_minute = usage.recent.len();
        if limits.minute.is_some_and(|limit| in_minute >= limit) {
            return Err(Refusal::Minute);
        }
        if limits.day.is_some_and(|limit| usage.today >= limit) {
            return Err(Refusal::Day);
        }
        usage.recent.push_back(now);
        usage.today += 1;
        Ok(())
    }

    /// Removes a request let through at `then` from its day's count, because it got no data.
    pub(super) fn give_back(&mut self, key: &str, then: DateTime<Utc>) {
        if let Some(usage) = self.keys.get_mut(key)
            && usage.day == wall_time(then).date()
        {
            usage.today = usage.today.saturating_sub(1);
        }
    }

    fn usage(&mut self, key: &str, now: DateTime<Utc>) -> &mut Usage {
        let today = wall_time(now).date();
        if self.keys.len() >= MAX_KEYS && !self.keys.contains_key(key) {
            let oldest = self.keys.iter().min_by_key(|(_, usage)| usage.last);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.keys.remove(&oldest);
            }
        }
        let usage = self.keys.entry(key.to_owned()).or_insert_with(|| Usage {
            recent: VecDeque::new(),
            last: now,
            day: today,
            today: 0,
        });
        usage.last = now;
        if usage.day != today {
            (usage.day, usage.today) = (today, 0);
        }
        usage
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    /// Noon in New York of a day in May.
    fn noon(day: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 5, day, 16, 0, 0).unwrap()
    }

    fn documented(query: &str) -> bool {
        is_documented(&Query::decode(query))
    }

    #[test]
    fn the_demo_key_knows_its_documented_requests() {
        for query in [
            "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&apikey=demo",
            "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&outputsize=full&apikey=demo",
            "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&month=2009-01&outputsize=full&apikey=demo",
            "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&apikey=demo&datatype=csv",
            "function=TIME_SERIES_DAILY&symbol=IBM&apikey=demo",
            "function=TIME_SERIES_DAILY&symbol=TSCO.LON&outputsize=full&apikey=demo",
            "function=TIME_SERIES_MONTHLY_ADJUSTED&symbol=IBM&apikey=demo&datatype=csv",
            "function=SPLITS&symbol=IBM&apikey=demo",
            "function=DIVIDENDS&symbol=IBM&apikey=demo&datatype=csv",
            "function=LISTING_STATUS&apikey=demo",
            "function=SYMBOL_SEARCH&keywords=tesco&apikey=demo",
            "function=SYMBOL_SEARCH&keywords=BA&apikey=demo&datatype=csv",
        ] {
            assert!(documented(query), "{query}");
        }
        for query in [
            "function=TIME_SERIES_INTRADAY&symbol=IBM&apikey=demo&interval=5min",
            "symbol=IBM&function=TIME_SERIES_INTRADAY&interval=5min&apikey=demo",
            "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=1min&apikey=demo",
            "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&apikey=demo&adjusted=true",
            "function=TIME_SERIES_INTRADAY&symbol=AAPL&interval=5min&apikey=demo",
            "function=TIME_SERIES_DAILY&symbol=TSCO.LON&apikey=demo",
            "function=TIME_SERIES_WEEKLY&symbol=IBM&outputsize=full&apikey=demo",
            "function=TIME_SERIES_DAILY&symbol=IBM&apikey=other",
            "function=GLOBAL_QUOTE&symbol=IBM&apikey=demo",
            "function=SYMBOL_SEARCH&keywords=apple&apikey=demo",
            "function=SYMBOL_SEARCH&keywords=tesco&datatype=json&apikey=demo",
            "function=LISTING_STATUS&state=delisted&apikey=demo",
            "",
        ] {
            assert!(!documented(query), "{query}");
        }
    }

    #[test]
    fn a_free_key_has_one_request_a_second() {
        let mut ledger = Ledger::default();
        let mut ask = |key, millis| {
            let now = noon(15) + TimeDelta::milliseconds(millis);
            ledger.admit(Plan::Free, key, now)
        };
        assert_eq!(ask("a", 0), Ok(()));
        assert_eq!(ask("a", 999), Err(Refusal::Burst));
        assert_eq!(ask("b", 999), Ok(()));
        assert_eq!(ask("a", 1_000), Ok(()));
        assert_eq!(ask("a", 1_000), Err(Refusal::Burst));
        assert_eq!(ask("a", -60_000), Ok(()), "the clock was set back");
    }

    #[test]
    fn a_free_key_has_25_answers_a_day() {
        let mut ledger = Ledger::default();
        let mut ask = |n, day| ledger.admit(Plan::Free, "a", noon(day) + SECOND * n);
        for n in 0..25 {
            assert_eq!(ask(n, 15), Ok(()));
        }
        assert_eq!(ask(25, 15), Err(Refusal::Day));
        assert_eq!(ask(26, 16), Ok(()));
    }

    #[test]
    fn refused_requests_are_given_back() {
        let mut ledger = Ledger::default();
        for n in 0..40 {
            let now = noon(15) + SECOND * n;
            assert_eq!(ledger.admit(Plan::Free, "a", now), Ok(()));
            ledger.give_back("a", now);
        }
    }

    #[test]
    fn a_premium_key_has_5_a_second_and_75_a_minute() {
        let mut ledger = Ledger::default();
        let mut ask = |millis| {
            let now = noon(15) + TimeDelta::milliseconds(millis);
            ledger.admit(Plan::Premium, "a", now)
        };
        for _ in 0..5 {
            assert_eq!(ask(0), Ok(()));
        }
        assert_eq!(ask(500), Err(Refusal::PaidBurst));
        for n in 0..70 {
            assert_eq!(ask(1_000 + n * 250), Ok(()), "{n}");
        }
        assert_eq!(ask(30_000), Err(Refusal::Minute));
        assert_eq!(ask(60_000), Ok(()));
    }

    #[test]
    fn unlimited_is_unlimited_and_keys_are_bounded() {
        let mut ledger = Ledger::default();
        for _ in 0..1_000 {
            assert_eq!(ledger.admit(Plan::Unlimited, "a", noon(15)), Ok(()));
        }
        for n in 0..3_000 {
            assert_eq!(ledger.admit(Plan::Free, &n.to_string(), noon(15)), Ok(()));
        }
        assert_eq!(ledger.keys.len(), MAX_KEYS);
    }
}
