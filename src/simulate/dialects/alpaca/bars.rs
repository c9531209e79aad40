//! Bars: the parameters of a request, and the page that answers it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::name::{self, AsOf};
use super::page::{Page, Place};
use super::parameters::{date, limit, time, words};
use super::refusal::Refusal;
use super::tape::{Bar, Feed};
use super::timeframe::Timeframe;
use crate::simulate::actions::{Action, Adjustment, Factors};
use crate::simulate::calendar::{MINUTE, from_seconds, instant, midnight, wall_seconds, wall_time};
use crate::simulate::candles::{self, View};
use crate::simulate::company::Company;
use crate::simulate::dialect::Twist;
use crate::simulate::market::Market;
use crate::simulate::query::Query;

/// Bars of a page, where no number is asked for and at most.
const USUAL: usize = 1_000;
const MOST: usize = 10_000;
/// What a free plan does not see of the consolidated tape.
const WITHHELD: TimeDelta = TimeDelta::minutes(15);
/// Late trades arrive for half a minute.
const SETTLES_AFTER: i64 = MINUTE / 2;

/// What is taken out of earlier prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Adjusts {
    splits: bool,
    dividends: bool,
}

/// Which bars are asked for.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    /// Sorted, each once.
    symbols: Vec<String>,
    timeframe: Timeframe,
    feed: Feed,
    start: DateTime<Utc>,
    /// `None` for now.
    end: Option<DateTime<Utc>>,
    limit: usize,
    adjusts: Adjusts,
    as_of: AsOf,
    after: Option<Place>,
}

impl Ask {
    /// Reads the parameters.
    pub(super) fn read(query: &Query, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let needed = |name| {
            let text = query.get(name);
            if text.is_empty() {
                Err(Refusal::Required(name))
            } else {
                Ok(text)
            }
        };
        let symbols = words(needed("symbols")?);
        for symbol in &symbols {
            name::check(symbol)?;
        }
        let timeframe = needed("timeframe")?;
        let timeframe = timeframe
            .parse()
            .map_err(|()| Refusal::Timeframe(timeframe.to_owned()))?;
        let today = wall_time(now).date();
        let start = time(query, "start")?.unwrap_or_else(|| instant(midnight(today)));
        let end = time(query, "end")?;
        if end.unwrap_or(now.max(start)) < start {
            return Err(Refusal::Order);
        }
        let as_of = match query.get("asof") {
            "-" => AsOf::Traded,
            _ => AsOf::Day(date(query, "asof")?.unwrap_or(today)),
        };
        // Newest first is not served here.
        if !["", "asc"].contains(&query.get("sort")) {
            return Err(Refusal::Value("sort", query.get("sort").to_owned()));
        }
        let feed = match query.get("feed") {
            "" => Feed::Sip,
            text => text
                .parse()
                .map_err(|_| Refusal::Value("feed", text.to_owned()))?,
        };
        let after = match query.get("page_token") {
            "" => None,
            token => {
                let place = Place::read(token).filter(|place| symbols.contains(&place.symbol));
                let wrong = || Refusal::Value("page_token", token.to_owned());
                Some(place.ok_or_else(wrong)?)
            }
        };
        Ok(Self {
            symbols,
            timeframe,
            feed,
            start,
            end,
            limit: limit(query, USUAL, MOST)?,
            adjusts: adjusts(query.get("adjustment"))?,
            as_of,
            after,
        })
    }

    /// Whether it needs what a free plan does not see.
    pub(super) fn is_recent(&self, now: DateTime<Utc>) -> bool {
        let newest = now - WITHHELD;
        self.feed == Feed::Sip && self.end.is_none_or(|end| end > newest)
    }

    /// What is answered instead, with a fault.
    pub(super) fn twisted(mut self, twist: Option<Twist>) -> Self {
        if twist == Some(Twist::WrongInterval) {
            self.timeframe = self.timeframe.other();
        }
        self
    }

    /// The page.
    pub(super) fn page(&self, market: &Market, now: DateTime<Utc>) -> Page {
        let kind = if self.timeframe.is_intraday() {
            'M'
        } else {
            'D'
        };
        let mut page = Page {
            bars: Vec::new(),
            kind,
            is_last: true,
        };
        let mut left = self.limit;
        let done = self.after.as_ref();
        let rest = self.symbols.iter();
        for symbol in rest.filter(|symbol| done.is_none_or(|place| **symbol >= place.symbol)) {
            let Some(mut rows) = self.rows(market, now, symbol) else {
                continue;
            };
            // One more than fits tells whether there is another page.
            let mut bars: Vec<Bar> = rows.by_ref().take(left + 1).collect();
            if bars.len() > left {
                bars.truncate(left);
                page.is_last = false;
            }
            left -= bars.len();
            if !bars.is_empty() {
                page.bars.push((symbol.clone(), bars));
            }
            if !page.is_last {
                break;
            }
        }
        page
    }

    /// The bars of a symbol that are not on an earlier page, oldest first.
    fn rows(
        &self,
        market: &Market,
        now: DateTime<Utc>,
        symbol: &str,
    ) -> Option<impl Iterator<Item = Bar>> {
        let meant = name::meant(symbol, self.as_of)?;
        let known_at = wall_seconds(market.known_at(&meant.company, now));
        let sight = Sight {
            company: market.company(&meant.company),
            view: View {
                now: known_at,
                unfinished: true,
                settles_after: SETTLES_AFTER,
            },
            feed: self.feed,
            timeframe: self.timeframe,
        };
        let adjustment = sight.adjustment(self.adjusts);
        let end = self.end.map_or(known_at, wall_seconds).min(known_at);
        let mut start = wall_seconds(self.start);
        // The part of a second counts.
        if instant(start) < self.start {
            start += 1;
        }
        if let Some(place) = self.after.as_ref().filter(|place| place.symbol == symbol) {
            let after = DateTime::from_timestamp(place.at, 0)?;
            start = start.max(wall_seconds(after) + 1);
        }
        let first = sight
            .company
            .listed()
            .max(self.feed.first_day())
            .max(meant.days.start);
        let from = from_seconds(self.timeframe.label(start)).date().max(first);
        let last = from_seconds(end).date();
        let days = from.iter_days().take_while(move |date| *date <= last);
        let days = days.take_while(move |date| *date < meant.days.end);
        let bars = sight.bars(days);
        let bars = bars.skip_while(move |bar| bar.start < start);
        let bars = bars.take_while(move |bar| bar.start <= end);
        Some(bars.map(move |bar| match &adjustment {
            Some(adjustment) => bar.adjusted(adjustment.of(from_seconds(bar.start).date())),
            None => bar,
        }))
    }
}

/// What a list of adjustments takes out; a spin-off takes out nothing, as there are none here.
fn adjusts(text: &str) -> Result<Adjusts, Refusal> {
    let mut adjusts = Adjusts {
        splits: false,
        dividends: false,
    };
    for word in text.split(',') {
        match word {
            "" | "raw" | "spin-off" => {}
            "split" => adjusts.splits = true,
            "dividend" => adjusts.dividends = true,
            "all" => (adjusts.splits, adjusts.dividends) = (true, true),
            _ => return Err(Refusal::Value("adjustment", text.to_owned())),
        }
    }
    Ok(adjusts)
}

/// One company as it is seen.
struct Sight {
    company: Company,
    view: View,
    feed: Feed,
    timeframe: Timeframe,
}

impl Sight {
    /// The bars of some days, oldest first.
    fn bars(self, days: impl Iterator<Item = NaiveDate>) -> impl Iterator<Item = Bar> {
        let timeframe = self.timeframe;
        let parts = days.flat_map(move |date| {
            if timeframe.is_intraday() {
                self.feed.minutes(&self.company, self.view, date)
            } else {
                self.feed
                    .day(&self.company, self.view, date)
                    .into_iter()
                    .collect()
            }
        });
        let mut parts = parts.peekable();
        std::iter::from_fn(move || {
            let mut bar = parts.next()?;
            let start = timeframe.label(bar.start);
            bar.start = start;
            while let Some(part) = parts.next_if(|part| timeframe.label(part.start) == start) {
                bar = bar.then(part);
            }
            Some(bar)
        })
    }

    /// What earlier prices and volumes are multiplied by; `None` for nothing.
    fn adjustment(&self, adjusts: Adjusts) -> Option<Adjustment> {
        if !adjusts.splits && !adjusts.dividends {
            return None;
        }
        let company = &self.company;
        let close_before = |date: NaiveDate| {
            let eve = company
                .days_back(company.listed(), date.pred_opt()?)
                .next()?;
            candles::day(company, self.view, eve).map(|day| day.close)
        };
        Some(Adjustment::new(&company.actions(self.view.now), |action| {
            let close = close_before(action.date).filter(|_| adjusts.dividends);
            let whole = action.factors_before(close);
            if adjusts.splits {
                whole
            } else {
                without_split(action, whole)
            }
        }))
    }
}

/// The same without its split.
fn without_split(action: &Action, whole: Factors) -> Factors {
    Factors {
        price: whole.price * action.split,
        volume: whole.volume / action.split,
    }
}
