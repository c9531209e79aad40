//! Corporate actions: splits and what equals them, cash dividends, changes of symbols. What has no
//! factor that its numbers tell is listed without one: what lies before it has no adjusted price.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::America::New_York;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::describe::Feed;
use super::{plan, refusal};
use crate::model::adjustment::{EventKind, ReportedEvents};
use crate::model::{Answer, Instrument, NameChange, Price, Request, Symbol};
use crate::pipeline::reading::{amount, body, malformed, not_json, quoted, text};
use crate::pipeline::source::{EventAsk, EventPage, Refusal};

/// What is asked.
pub(super) const ENDPOINT: &str = "v1/corporate-actions";
/// Days within which a declared dividend is paid; the provider files it under that day.
const DECLARED: Days = Days::new(90);
/// Characters shown of a text that is no date.
const SHOWN: usize = 40;

/// The types of a list, as the provider calls them.
const fn types(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Splits => {
            "forward_split,reverse_split,unit_split,stock_dividend,spin_off,rights_distribution,name_change"
        }
        EventKind::Dividends => "cash_dividend",
    }
}

/// The most symbols of a request: more would only have more pages.
const MOST_SYMBOLS: usize = 100;

/// The requests for lists: one for many symbols, of all types that are wanted of them.
pub(super) fn ask(
    feed: &Feed,
    wanted: &[(Symbol, EventKind)],
    now: DateTime<Utc>,
) -> Vec<EventAsk> {
    let mut kinds: BTreeMap<&Symbol, BTreeSet<EventKind>> = BTreeMap::new();
    for (symbol, kind) in wanted {
        kinds.entry(symbol).or_default().insert(*kind);
    }
    let mut alike: BTreeMap<BTreeSet<EventKind>, Vec<Symbol>> = BTreeMap::new();
    for (symbol, kinds) in kinds {
        alike.entry(kinds).or_default().push(symbol.clone());
    }
    let batches = alike.iter().flat_map(|(kinds, symbols)| {
        plan::batches(symbols, MOST_SYMBOLS, |symbol| symbol)
            .into_iter()
            .map(move |symbols| (kinds, symbols))
    });
    batches
        .map(|(kinds, symbols)| EventAsk {
            request: Ok(request(feed, &symbols, kinds, now)),
            lists: symbols
                .into_iter()
                .flat_map(|symbol| kinds.iter().map(move |kind| (symbol.clone(), *kind)))
                .collect(),
        })
        .collect()
}

fn request(
    feed: &Feed,
    symbols: &[Symbol],
    kinds: &BTreeSet<EventKind>,
    now: DateTime<Utc>,
) -> Request {
    let today = now.with_timezone(&New_York).date_naive();
    let first = feed.description.publishing.first_day;
    let last = today.checked_add_days(DECLARED).unwrap_or(today);
    let symbols: Vec<&str> = symbols.iter().map(Symbol::as_str).collect();
    let types: Vec<&str> = kinds.iter().map(|kind| types(*kind)).collect();
    let pair = |name: &str, value: String| (name.to_owned(), value);
    Request {
        source: feed.source().clone(),
        endpoint: ENDPOINT.to_owned(),
        parameters: vec![
            pair("symbols", symbols.join(",")),
            pair("types", types.join(",")),
            pair("start", first.to_string()),
            pair("end", last.to_string()),
            pair("limit", "1000".to_owned()),
        ],
        series: vec![],
        riders: vec![],
        page: 1,
    }
}

/// The lists that a request asks for, of each of its symbols.
pub(super) fn kinds(request: &Request) -> Vec<EventKind> {
    let asked = match request.get("types") {
        Some(asked) if request.endpoint == ENDPOINT => asked,
        _ => return vec![],
    };
    let is_asked = |kind: &&EventKind| asked.contains(types(**kind));
    EventKind::ALL.iter().filter(is_asked).copied().collect()
}

#[derive(Deserialize)]
struct Actions<'a> {
    #[serde(borrow)]
    corporate_actions: BTreeMap<Cow<'a, str>, Option<Vec<Row<'a>>>>,
    next_page_token: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    symbol: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source_symbol: Option<Cow<'a, str>>,
    #[serde(borrow)]
    old_symbol: Option<Cow<'a, str>>,
    #[serde(borrow)]
    new_symbol: Option<Cow<'a, str>>,
    #[serde(borrow)]
    ex_date: Option<Cow<'a, str>>,
    #[serde(borrow)]
    effective_date: Option<Cow<'a, str>>,
    #[serde(borrow)]
    process_date: Option<Cow<'a, str>>,
    #[serde(borrow)]
    new_rate: Option<&'a RawValue>,
    #[serde(borrow)]
    old_rate: Option<&'a RawValue>,
    #[serde(borrow)]
    rate: Option<&'a RawValue>,
}

impl Row<'_> {
    /// The first day on which it shows in prices.
    fn date(&self) -> Result<NaiveDate, Refusal> {
        let dates = [&self.ex_date, &self.effective_date, &self.process_date];
        let date = dates.into_iter().flatten().next();
        let date = date.map_or("", AsRef::as_ref);
        let unread = || {
            let date = quoted(date, SHOWN);
            malformed(format!("{date:?} is not the date of a corporate action"))
        };
        date.parse().map_err(|_| unread())
    }

    /// Whether it changes the price of a symbol.
    fn is_of(&self, symbol: &Symbol) -> bool {
        let names = [&self.symbol, &self.source_symbol, &self.old_symbol];
        names.into_iter().flatten().any(|name| is(name, symbol))
    }

    /// New shares for an old one.
    fn split(&self) -> Option<Decimal> {
        number(self.new_rate)?.checked_div(number(self.old_rate)?)
    }
}

fn is(name: &str, symbol: &Symbol) -> bool {
    name.eq_ignore_ascii_case(symbol.as_str())
}

/// A number as its text says, never by way of a binary fraction.
fn number(value: Option<&RawValue>) -> Option<Decimal> {
    let number: Decimal = amount::plain(value?.get()).parse().ok()?;
    (number > Decimal::ZERO).then_some(number)
}

/// Reads a page of lists, or the class of refusal.
pub(super) fn read(request: &Request, answer: &Answer) -> Result<EventPage, Refusal> {
    let kinds = kinds(request);
    let symbols: Result<Vec<Symbol>, _> = request
        .get("symbols")
        .unwrap_or_default()
        .split(',')
        .map(str::parse)
        .collect();
    let symbols = symbols.map_err(|_| malformed("the request names no symbol"))?;
    if kinds.is_empty() {
        return Err(malformed("no list of events was requested"));
    }
    if let Some(refusal) = refusal::of(request, answer) {
        return Err(refusal);
    }
    let text = text(body(answer))?;
    let actions: Actions<'_> =
        serde_json::from_str(text).map_err(|error| not_json(&error, text.len()))?;
    let today = answer.received_at.with_timezone(&New_York).date_naive();
    let mut renames = actions.renames(today)?;
    let mut lists = Vec::with_capacity(symbols.len() * kinds.len());
    for symbol in symbols {
        for kind in &kinds {
            lists.push(ReportedEvents {
                events: actions.events(&symbol, *kind, today)?,
                instrument: Instrument {
                    source: request.source.clone(),
                    symbol: symbol.clone(),
                },
                kind: *kind,
                // What happens on the day itself may be listed in the evening.
                through: today - TimeDelta::days(1),
                // Once is enough.
                renames: std::mem::take(&mut renames),
            });
        }
    }
    let next = actions.next_page_token.filter(|token| !token.is_empty());
    let next = next.map(|token| request.next_page([(plan::PAGE, token.as_ref())]));
    Ok(EventPage { lists, next })
}

impl Actions<'_> {
    /// The changes of symbols that have happened.
    fn renames(&self, today: NaiveDate) -> Result<Vec<NameChange>, Refusal> {
        let mut renames = vec![];
        for row in self
            .corporate_actions
            .get("name_changes")
            .into_iter()
            .flatten()
            .flatten()
        {
            renames.extend(rename(row)?.filter(|change| change.date <= today));
        }
        Ok(renames)
    }

    /// The days of a list of a symbol, each with its amount. What is declared has not happened yet.
    fn events(
        &self,
        symbol: &Symbol,
        kind: EventKind,
        today: NaiveDate,
    ) -> Result<Vec<(NaiveDate, Option<Price>)>, Refusal> {
        let mut days = BTreeMap::new();
        for (group, rows) in &self.corporate_actions {
            let rows = rows.iter().flatten().filter(|row| row.is_of(symbol));
            for row in rows.filter(|_| is_of_list(kind, group)) {
                let date = row.date()?;
                if date <= today {
                    add(&mut days, kind, date, factor(group, row));
                }
            }
        }
        let priced = |(date, amount): (NaiveDate, Option<Decimal>)| (date, amount.and_then(price));
        Ok(days.into_iter().map(priced).collect())
    }
}

/// Whether a group of rows belongs to a list.
fn is_of_list(kind: EventKind, group: &str) -> bool {
    match kind {
        EventKind::Dividends => group == "cash_dividends",
        EventKind::Splits => matches!(
            group,
            "forward_splits"
                | "reverse_splits"
                | "stock_dividends"
                | "unit_splits"
                | "spin_offs"
                | "rights_distributions"
        ),
    }
}

/// The dividend of a row, or new shares for an old one; `None`: its numbers do not tell.
fn factor(group: &str, row: &Row<'_>) -> Option<Decimal> {
    match group {
        "cash_dividends" => number(row.rate),
        "forward_splits" | "reverse_splits" => row.split(),
        // So many shares more for each.
        "stock_dividends" => number(row.rate)?.checked_add(Decimal::ONE),
        _ => None,
    }
}

/// Each day once: its dividends added, its splits multiplied.
fn add(
    days: &mut BTreeMap<NaiveDate, Option<Decimal>>,
    kind: EventKind,
    date: NaiveDate,
    amount: Option<Decimal>,
) {
    days.entry(date)
        .and_modify(|there| {
            *there = there.zip(amount).and_then(|(a, b)| match kind {
                EventKind::Splits => a.checked_mul(b),
                EventKind::Dividends => a.checked_add(b),
            });
        })
        .or_insert(amount);
}

fn price(amount: Decimal) -> Option<Price> {
    let nearest = RoundingStrategy::MidpointNearestEven;
    Price::from_decimal(amount.round_dp_with_strategy(Price::SCALE, nearest))
}

/// A change of symbols; one of them may be no symbol to us.
fn rename(row: &Row<'_>) -> Result<Option<NameChange>, Refusal> {
    let symbol = |name: &Option<Cow<'_, str>>| name.as_deref()?.parse::<Symbol>().ok();
    let both = symbol(&row.old_symbol).zip(symbol(&row.new_symbol));
    let Some((from, to)) = both.filter(|(from, to)| from != to) else {
        return Ok(None);
    };
    let date = row.date()?;
    Ok(Some(NameChange { from, to, date }))
}
