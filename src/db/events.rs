//! Dividends and splits, and the factors that follow from them.

use std::fmt;

use async_trait::async_trait;
use chrono::NaiveDate;

use super::error::{DbError, Result};
use crate::model::adjustment::{
    Adjustment, Adjustments, CorporateEvent, DailyCandidate, EventKind, KnownEvents,
    ReportedEvents, Rule, adjustments, revised,
};
use crate::model::{Instrument, RequestId, SourceId};

/// What a store does with corporate events. Those that daily bars carry, and the factors, are written
/// with the bars.
#[async_trait]
pub trait EventStore: fmt::Debug + Send + Sync {
    /// Replaces a list of a symbol's events by a newer one, which a request brought, and its factors by
    /// what follows from it.
    async fn keep_events(
        &self,
        request: RequestId,
        reported: ReportedEvents,
        rule: Rule,
    ) -> Result<()>;

    /// Says that all that these requests brought is stored.
    async fn settle_events(&self, requests: Vec<RequestId>) -> Result<()>;

    /// The factors of a symbol's raw bars, and up to when its events are known.
    async fn adjustments(&self, instrument: Instrument) -> Result<(Adjustments, KnownEvents)>;

    /// Of which symbols of a source lists of events were asked for.
    async fn events_asked(&self, source: SourceId) -> Result<EventsAsked>;
}

/// Of which symbols lists of events were asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventsAsked {
    /// How many symbols.
    pub symbols: u32,
    /// When one of them was last asked for.
    pub last: Option<NaiveDate>,
}

/// What the store has of a symbol.
#[derive(Debug, Default)]
pub struct Stored {
    /// Its events.
    pub events: Vec<CorporateEvent>,
    /// Up to when they are known.
    pub known: KnownEvents,
    /// Its factors, newest first.
    pub adjustments: Vec<Adjustment>,
}

/// Daily bars that changed.
#[derive(Debug)]
pub struct DailyWindow {
    /// The first and the last day of them, and of the bar after them, which may have jumped.
    pub days: (NaiveDate, NaiveDate),
    /// Those that may be events.
    pub candidates: Vec<DailyCandidate>,
}

/// What must be written; `None`: it is as it was.
#[derive(Debug)]
pub struct Changes {
    /// All events of the symbol.
    pub events: Option<Vec<CorporateEvent>>,
    /// All its factors.
    pub adjustments: Option<Vec<Adjustment>>,
}

/// What follows for a symbol from daily bars that changed, or from another list of events.
pub fn changes(stored: &Stored, window: Option<&DailyWindow>, rule: Rule) -> Changes {
    let events = window.map(|window| revised(&stored.events, window.days, &window.candidates));
    let events = events.filter(|events| *events != stored.events);
    let current = events.as_ref().unwrap_or(&stored.events);
    let adjustments = adjustments(current, &stored.known, rule);
    let is_new = adjustments != stored.adjustments;
    Changes {
        events,
        adjustments: is_new.then_some(adjustments),
    }
}

/// Up to when each list is complete.
pub fn known(bars: Option<NaiveDate>, lists: &[(String, NaiveDate)]) -> KnownEvents {
    let through = |kind: EventKind| {
        let mut lists = lists.iter();
        lists.find_map(|(word, through)| (word == kind.as_str()).then_some(*through))
    };
    KnownEvents {
        bars,
        splits: through(EventKind::Splits),
        dividends: through(EventKind::Dividends),
    }
}

/// The value that a word stands for.
pub fn word<T: std::str::FromStr>(word: &str) -> Result<T> {
    word.parse().map_err(|_| {
        DbError::other(format!(
            "the store holds {word:?}, which is no word of its events"
        ))
    })
}
