//! Corporate events: what is known of the dividends and splits of a symbol, and from where.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};

use super::split::Ratio;
use crate::model::words::words;
use crate::model::{Instrument, NameChange, Price};

words! {
    /// Where an event is known from.
    pub enum EventOrigin {
        /// The bar of its day, which carries dividend and split.
        Bars = "bars",
        /// The source's list of splits.
        Splits = "splits",
        /// The source's list of dividends.
        Dividends = "dividends",
        /// Nobody reported it: the price jumped overnight as by a split.
        Jump = "jump",
    }
}

words! {
    /// Which list of a symbol's events a source was asked for.
    pub enum EventKind {
        /// All splits.
        Splits = "splits",
        /// All dividends.
        Dividends = "dividends",
    }
}

impl EventKind {
    /// What two events of one day are together: dividends add up, splits multiply. `None`: one of them
    /// has no amount, or both are more than can be stored.
    fn both(self, one: Option<Price>, other: Option<Price>) -> Option<Price> {
        let (one, other) = (one?.to_decimal(), other?.to_decimal());
        let both: Decimal = match self {
            Self::Splits => one.checked_mul(other),
            Self::Dividends => one.checked_add(other),
        }?;
        let nearest = RoundingStrategy::MidpointNearestEven;
        Price::from_decimal(both.round_dp_with_strategy(Price::SCALE, nearest))
    }
}

impl From<EventKind> for EventOrigin {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Splits => Self::Splits,
            EventKind::Dividends => Self::Dividends,
        }
    }
}

/// A dividend, a split, or both, of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CorporateEvent {
    /// The first day on which shares trade without the dividend, or split.
    pub date: NaiveDate,
    /// Where it is known from.
    pub origin: EventOrigin,
    /// The dividend of a share; 0: none.
    pub dividend: Price,
    /// New shares for one old one; 1: no split, 0: a split by an unknown ratio.
    pub split: Price,
    /// The raw close of its day, if that bar is stored.
    pub close: Option<Price>,
    /// The raw close of the bar before.
    pub close_before: Option<Price>,
}

/// No dividend.
pub(super) const NO_DIVIDEND: Price = Price::from_units(0);
/// A split by an unknown ratio.
const UNKNOWN_SPLIT: Price = Price::from_units(0);
/// No split.
pub(super) const NO_SPLIT: Price = Price::from_units(Price::ONE);
/// Two origins that date one event differently are at most so many days apart.
const NEAR: u64 = 4;

impl CorporateEvent {
    /// An event of a list, which knows no prices. Without an amount it has no factor.
    #[must_use]
    pub fn listed(kind: EventKind, date: NaiveDate, amount: Option<Price>) -> Self {
        let origin = EventOrigin::from(kind);
        let (dividend, split) = match (kind, amount) {
            (_, None) => (NO_DIVIDEND, UNKNOWN_SPLIT),
            (EventKind::Splits, Some(split)) => (NO_DIVIDEND, split),
            (EventKind::Dividends, Some(dividend)) => (dividend, NO_SPLIT),
        };
        Self {
            date,
            origin,
            dividend,
            split,
            close: None,
            close_before: None,
        }
    }

    fn days_from(&self, date: NaiveDate) -> u64 {
        let apart = self.date.signed_duration_since(date);
        apart.num_days().unsigned_abs()
    }

    fn is_near(&self, date: NaiveDate) -> bool {
        self.days_from(date) <= NEAR
    }
}

/// A daily bar that may be an event: one that reports a dividend or split, opened with a jump, or
/// is of a day on which an event is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyCandidate {
    /// The day.
    pub date: NaiveDate,
    /// The raw open.
    pub open: Price,
    /// The raw close.
    pub close: Price,
    /// The raw close of the bar before; `None`: it is the oldest.
    pub close_before: Option<Price>,
    /// The dividend that the bar reports, if it reports any or none.
    pub dividend: Option<Price>,
    /// The split that the bar reports, if it reports any or none.
    pub split: Option<Price>,
}

impl DailyCandidate {
    /// What the bar reports, and what its price tells where it reports no split.
    fn events(&self) -> impl Iterator<Item = CorporateEvent> {
        let event = |origin, dividend, split| CorporateEvent {
            date: self.date,
            origin,
            dividend,
            split,
            close: Some(self.close),
            close_before: self.close_before,
        };
        let (dividend, split) = (
            self.dividend.unwrap_or(NO_DIVIDEND),
            self.split.unwrap_or(NO_SPLIT),
        );
        let is_event = dividend != NO_DIVIDEND || split != NO_SPLIT;
        let reported = is_event.then(|| event(EventOrigin::Bars, dividend, split));
        // A source that reports "no split" means it: the price fell.
        let jump = self.close_before.filter(|_| self.split.is_none());
        let jump = jump
            .and_then(|close| Ratio::of_jump(close, self.open))
            .map(|ratio| event(EventOrigin::Jump, NO_DIVIDEND, ratio.split()));
        reported.into_iter().chain(jump)
    }
}

/// The events of a symbol after the daily bars between two days changed, given those of them that
/// may be events. Sorted, so that equal ones compare equal.
#[must_use]
pub fn revised(
    events: &[CorporateEvent],
    (first, last): (NaiveDate, NaiveDate),
    days: &[DailyCandidate],
) -> Vec<CorporateEvent> {
    let is_here = |date: NaiveDate| (first..=last).contains(&date);
    let is_listed = |event: &CorporateEvent| {
        matches!(event.origin, EventOrigin::Splits | EventOrigin::Dividends)
    };
    let mut revised: Vec<CorporateEvent> = events
        .iter()
        .filter(|event| is_listed(event) || !is_here(event.date))
        .map(|event| {
            if !is_here(event.date) {
                return *event;
            }
            let day = days.iter().find(|day| day.date == event.date);
            CorporateEvent {
                close: day.map(|day| day.close),
                close_before: day.and_then(|day| day.close_before),
                ..*event
            }
        })
        .chain(days.iter().flat_map(DailyCandidate::events))
        .collect();
    revised.sort_by_key(|event| (event.date, event.origin));
    revised
}

/// Up to when the events of a symbol are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KnownEvents {
    /// The newest daily bar.
    pub bars: Option<NaiveDate>,
    /// The last day of the list of splits.
    pub splits: Option<NaiveDate>,
    /// The last day of the list of dividends.
    pub dividends: Option<NaiveDate>,
}

impl KnownEvents {
    /// The last day of a list.
    #[must_use]
    pub const fn through(&self, kind: EventKind) -> Option<NaiveDate> {
        match kind {
            EventKind::Splits => self.splits,
            EventKind::Dividends => self.dividends,
        }
    }

    /// The last day with which later prices share one scale, as far as anybody knows.
    pub(super) fn last(&self) -> Option<NaiveDate> {
        self.bars.max(self.splits)
    }
}

/// A source's whole list of a symbol's dividends or splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedEvents {
    /// Of whom.
    pub instrument: Instrument,
    /// Which list.
    pub kind: EventKind,
    /// The last day up to which it is complete.
    pub through: NaiveDate,
    /// Each day with its amount, if it says one: the dividend, or new shares for an old one.
    pub events: Vec<(NaiveDate, Option<Price>)>,
    /// Changes of symbols that the answer also names.
    pub renames: Vec<NameChange>,
}

impl ReportedEvents {
    /// Takes in what another page has of the same list. What both have of a day happened twice.
    pub fn take_in(&mut self, page: Self) {
        self.through = self.through.min(page.through);
        self.renames.extend(page.renames);
        let mut days: BTreeMap<NaiveDate, Option<Price>> = self.events.drain(..).collect();
        for (date, amount) in page.events {
            days.entry(date)
                .and_modify(|there| *there = self.kind.both(*there, amount))
                .or_insert(amount);
        }
        self.events = days.into_iter().collect();
    }
}

/// What happened on a day, all origins together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merged {
    /// The event.
    pub event: CorporateEvent,
    /// Nobody reported it.
    pub is_suspected: bool,
}

/// The events that count, newest first. What bars report outweighs a list, which may have another
/// date for the same event; a list of splits clears every jump in its time that it does not explain.
pub(super) fn merged(events: &[CorporateEvent], known: &KnownEvents) -> Vec<Merged> {
    let of = |origin| events.iter().filter(move |event| event.origin == origin);
    let mut merged: Vec<Merged> = of(EventOrigin::Bars)
        .copied()
        .map(Merged::reported)
        .collect();
    for listed in of(EventOrigin::Splits).filter(|listed| !is_reported(events, listed)) {
        let jump = of(EventOrigin::Jump)
            .filter(|jump| jump.is_near(listed.date) && is_about(jump.split, listed.split))
            .min_by_key(|jump| jump.days_from(listed.date));
        let split = CorporateEvent {
            split: listed.split,
            ..*jump.unwrap_or(listed)
        };
        add(&mut merged, split);
    }
    for listed in of(EventOrigin::Dividends).filter(|listed| !is_reported(events, listed)) {
        add(&mut merged, *listed);
    }
    for jump in of(EventOrigin::Jump) {
        let is_cleared = known.splits.is_some_and(|through| through >= jump.date);
        let is_explained = merged
            .iter()
            .any(|there| there.event.date == jump.date && there.event.split != NO_SPLIT);
        if !is_cleared && !is_explained {
            merged.push(Merged {
                event: *jump,
                is_suspected: true,
            });
        }
    }
    merged.sort_by_key(|there| std::cmp::Reverse((there.event.date, there.is_suspected)));
    merged
}

impl Merged {
    const fn reported(event: CorporateEvent) -> Self {
        Self {
            event,
            is_suspected: false,
        }
    }
}

/// Whether a bar reports what a list does. A list that says no amount adds nothing to a bar that does.
fn is_reported(events: &[CorporateEvent], listed: &CorporateEvent) -> bool {
    let bars = events
        .iter()
        .filter(|event| event.origin == EventOrigin::Bars);
    let is_same = |bar: &CorporateEvent| match listed.origin {
        _ if listed.split == UNKNOWN_SPLIT => true,
        EventOrigin::Splits => bar.split == listed.split,
        _ => bar.dividend == listed.dividend,
    };
    bars.filter(|bar| bar.is_near(listed.date)).any(is_same)
}

/// Adds a listed event to what is known of its day.
fn add(merged: &mut Vec<Merged>, listed: CorporateEvent) {
    let Some(there) = merged
        .iter_mut()
        .find(|there| there.event.date == listed.date)
    else {
        merged.push(Merged::reported(listed));
        return;
    };
    let event = &mut there.event;
    if event.dividend == NO_DIVIDEND {
        event.dividend = listed.dividend;
    }
    if event.split == NO_SPLIT {
        event.split = listed.split;
    }
}

/// Whether a list's split is the usual ratio of a jump; a list may have four digits of it.
fn is_about(jump: Price, listed: Price) -> bool {
    (jump.units() - listed.units())
        .unsigned_abs()
        .saturating_mul(100)
        <= jump.units().unsigned_abs()
}
