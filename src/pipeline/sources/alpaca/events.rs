//! Corporate actions: splits and what equals them, cash dividends, changes of symbols. What has no
//! factor that its numbers tell is listed without one: what lies before it has no adjusted price.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::America::New_York;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::describe::Feed;
use super::refusal;
use crate::model::adjustment::{EventKind, ReportedEvents};
use crate::model::{Answer, Instrument, NameChange, Price, Request, Symbol};
use crate::pipeline::reading::{amount, body, malformed, not_json, quoted, text};
use crate::pipeline::source::Refusal;

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

/// The request for a list.
pub(super) fn ask(feed: &Feed, symbol: &Symbol, kind: EventKind, now: DateTime<Utc>) -> Request {
    let today = now.with_timezone(&New_York).date_naive();
    let first = feed.description.publishing.first_day;
    let last = today.checked_add_days(DECLARED).unwrap_or(today);
    let pair = |name: &str, value: String| (name.to_owned(), value);
    Request {
        source: feed.source().clone(),
        endpoint: ENDPOINT.to_owned(),
        parameters: vec![
            pair("symbols", symbol.to_string()),
            pair("types", types(kind).to_owned()),
            pair("start", first.to_string()),
            pair("end", last.to_string()),
            pair("limit", "1000".to_owned()),
        ],
        series: vec![],
        page: 1,
    }
}

/// The list that a request asks for.
pub(super) fn kind(request: &Request) -> Option<EventKind> {
    let asked = request
        .get("types")
        .filter(|_| request.endpoint == ENDPOINT)?;
    EventKind::ALL
        .iter()
        .copied()
        .find(|kind| types(*kind) == asked)
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

/// Reads a list, or the class of refusal.
pub(super) fn read(request: &Request, answer: &Answer) -> Result<ReportedEvents, Refusal> {
    let kind = kind(request).ok_or_else(|| malformed("no list of events was requested"))?;
    let symbol: Symbol = request
        .get("symbols")
        .and_then(|symbol| symbol.parse().ok())
        .ok_or_else(|| malformed("the request names no symbol"))?;
    if let Some(refusal) = refusal::of(request, answer) {
        return Err(refusal);
    }
    let text = text(body(answer))?;
    let actions: Actions<'_> =
        serde_json::from_str(text).map_err(|error| not_json(&error, text.len()))?;
    if actions
        .next_page_token
        .is_some_and(|token| !token.is_empty())
    {
        return Err(malformed("the list has more rows than one answer holds"));
    }
    let today = answer.received_at.with_timezone(&New_York).date_naive();
    let mut days = BTreeMap::new();
    let mut renames = vec![];
    for (group, rows) in &actions.corporate_actions {
        for row in rows.iter().flatten() {
            if group == "name_changes" {
                renames.extend(rename(row)?.filter(|change| change.date <= today));
                continue;
            }
            if !is_of_list(kind, group) || !row.is_of(&symbol) {
                continue;
            }
            let date = row.date()?;
            // What is declared has not happened yet.
            if date <= today {
                add(&mut days, kind, date, factor(group, row));
            }
        }
    }
    Ok(ReportedEvents {
        instrument: Instrument {
            source: request.source.clone(),
            symbol,
        },
        kind,
        // What happens on the day itself may be listed in the evening.
        through: today - TimeDelta::days(1),
        events: days
            .into_iter()
            .map(|(date, amount)| (date, amount.and_then(price)))
            .collect(),
        renames,
    })
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
