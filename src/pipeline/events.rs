//! Lists of dividends and splits: each a request, in the same order of work as every other one.
//!
//! Such requests are a run without series. They are not retried. A person asks for them, a
//! suspected split, or, where the source keeps them up, new daily bars.

mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::event::Observer;
use super::exchange::Exchange;
use super::hold::Holds;
use super::lane::Lane;
use super::learned::{Learned, Verdict};
use super::persist::Waiting;
use super::run::Pipeline;
use super::source::{EventAsk, EventSource, Refusal};
use crate::db::{DbError, Store};
use crate::model::adjustment::{Adjustments, EventKind, KnownEvents, Unknown};
use crate::model::causes::Causes;
use crate::model::text::counted;
use crate::model::{
    ErrorClass, Instrument, Interval, Request, RunStatus, SeriesReport, SourceId, Symbol,
};

/// What became of one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventList {
    /// Of whom.
    pub instrument: Instrument,
    /// Which list.
    pub kind: EventKind,
    /// How many days it names, or the class of failure and a sentence for people.
    pub outcome: Result<usize, Why>,
}

impl fmt::Display for EventList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.instrument, self.kind)?;
        match &self.outcome {
            Ok(days) => f.write_str(&counted(*days as u64, "day")),
            Err((_, text)) => f.write_str(text),
        }
    }
}

/// What became of lists, in one sentence: each, or the first of many.
#[must_use]
pub fn told(lists: &[EventList]) -> String {
    let first: Vec<String> = lists.iter().take(TOLD).map(EventList::to_string).collect();
    let more = lists.len().saturating_sub(TOLD) as u64;
    let more = match more {
        0 => String::new(),
        more => format!("; {} more", counted(more, "list")),
    };
    format!("{}{more}", first.join("; "))
}

/// Both lists of each symbol.
#[must_use]
pub fn both(instruments: &[Instrument]) -> Vec<(Instrument, EventKind)> {
    let both = |instrument: &Instrument| {
        let instrument = instrument.clone();
        EventKind::ALL
            .iter()
            .map(move |kind| (instrument.clone(), *kind))
    };
    instruments.iter().flat_map(both).collect()
}

/// The most lists that a sentence names: those of two symbols.
const TOLD: usize = 4;

/// A jump is new for a week: longer than a run is usually away.
const NEW: TimeDelta = TimeDelta::days(7);

/// Why there is no list: the class of failure and a sentence for people.
type Why = (ErrorClass, String);

/// Lists that one request asks for, and why it is not sent, if that is known.
pub(super) struct EventRequest {
    pub lists: Vec<(Instrument, EventKind)>,
    pub request: Result<Request, Why>,
}

/// What became of each list: how many days it names, or why there is none.
type Outcomes = BTreeMap<(Instrument, EventKind), Result<usize, Why>>;

impl Pipeline {
    /// Asks for these lists, in as few requests as their sources need, and stores them. What the key is
    /// known not to include costs no request. Errors come from the store.
    pub async fn events(
        &self,
        wanted: &[(Instrument, EventKind)],
        observer: &Observer,
        cancel: &CancellationToken,
    ) -> Result<Vec<EventList>, DbError> {
        let waiting = Waiting { cancel, observer };
        self.events_within(wanted, waiting, &Holds::default()).await
    }

    /// The same in these lanes; none: a person asks.
    async fn events_within(
        &self,
        wanted: &[(Instrument, EventKind)],
        waiting: Waiting<'_>,
        holds: &Holds,
    ) -> Result<Vec<EventList>, DbError> {
        self.write(waiting, || self.recover(waiting)).await?;
        let begin = || self.store.begin_run("events", vec![]);
        let active = self.write(waiting, begin).await?;
        let mut outcomes = Outcomes::new();
        for (source, wanted) in by_source(wanted) {
            let Some(lane) = self.lane(&source) else {
                continue;
            };
            let hold = holds.of(&source);
            let exchange = Exchange {
                pipeline: self,
                lane,
                run: active.id,
                waiting,
                store: &hold
                    .map_or_else(|| Arc::clone(&self.store), |hold| hold.store(&self.store)),
                hold,
            };
            let known = self.store.entitlements(lane.credential.clone()).await?;
            let mut learned = Learned::new(known);
            for ask in event_asks(lane, &wanted) {
                outcomes.extend(exchange.lists(ask, &mut learned).await?);
            }
        }
        let list = |(instrument, kind): &(Instrument, EventKind)| EventList {
            instrument: instrument.clone(),
            kind: *kind,
            outcome: outcomes
                .get(&(instrument.clone(), *kind))
                .cloned()
                .unwrap_or_else(|| Err(no_lists())),
        };
        let lists: Vec<EventList> = wanted.iter().map(list).collect();
        let (run, status) = (active.id, status(&lists));
        let finish = |store: Arc<dyn Store>| async move { store.finish_run(run, status).await };
        self.note(waiting, holds, finish).await?;
        Ok(lists)
    }

    /// The requests for lists, each with those that it asks for, unless it is known that no answer can
    /// come.
    pub(super) fn event_requests<'a>(
        &self,
        wanted: &[(Instrument, EventKind)],
        learned: impl Fn(&SourceId) -> Option<&'a Learned>,
    ) -> Vec<EventRequest> {
        let mut requests = vec![];
        for (source, wanted) in by_source(wanted) {
            let asks = self.lane(&source).map_or_else(
                || refused_all(&wanted, &no_lists()),
                |lane| event_asks(lane, &wanted),
            );
            for EventAsk { lists, request } in asks {
                let request = request.map_err(|refusal| (refusal.class, refusal.text));
                let request = request.and_then(|request| included(request, learned(&source)));
                let lists = lists_at(&source, lists);
                requests.push(EventRequest { lists, request });
            }
        }
        requests
    }

    /// Asks for the lists of symbols that have new daily bars, once a day, and only where the day's
    /// requests have no limit: all lists where the source keeps them up, else the splits of symbols
    /// whose bars jumped as by a split that nobody reported. Elsewhere, and for the jumps of a series
    /// that was loaded for the first time, a person decides.
    pub(super) async fn ask_for_lists(
        &self,
        reports: &[SeriesReport],
        waiting: Waiting<'_>,
        holds: &Holds,
    ) {
        let asked = async {
            let mut wanted = vec![];
            for report in reports.iter().filter(|report| is_new(report)) {
                wanted.extend(self.lists_after(report).await?);
            }
            if wanted.is_empty() || waiting.cancel.is_cancelled() {
                return Ok(vec![]);
            }
            self.events_within(&wanted, waiting, holds).await
        };
        match asked.await {
            Ok(lists) => {
                for EventList {
                    instrument,
                    kind,
                    outcome,
                } in lists
                {
                    tracing::info!(%instrument, %kind, ?outcome, "asked for a list after new daily bars");
                }
            }
            Err(error) => {
                let error: DbError = error;
                tracing::warn!(error = %Causes(&error), "lists of events could not be asked for");
            }
        }
    }

    /// The lists that may be asked for after a symbol has new daily bars.
    async fn lists_after(
        &self,
        report: &SeriesReport,
    ) -> Result<Vec<(Instrument, EventKind)>, DbError> {
        let instrument = report.series.instrument();
        let lane = self.lane(&instrument.source);
        let Some(lane) = lane.filter(|lane| lane.policy.quota.per_day().is_none()) else {
            return Ok(vec![]);
        };
        let (adjustments, known) = self.store.adjustments(instrument.clone()).await?;
        let today = self.clock.now().with_timezone(&lane.policy.quota.zone);
        let yesterday = today.date_naive() - TimeDelta::days(1);
        let keeps_up = lane.source.events().is_some_and(EventSource::keeps_up);
        let is_wanted = |kind: &EventKind| match kind {
            _ if known
                .through(*kind)
                .is_some_and(|through| through >= yesterday) =>
            {
                false
            }
            _ if keeps_up => true,
            EventKind::Splits => is_continued(report) && has_new_jump(&adjustments, &known),
            EventKind::Dividends => false,
        };
        let mut wanted: Vec<EventKind> = EventKind::ALL.iter().copied().filter(is_wanted).collect();
        if !wanted.is_empty() {
            let learned = Learned::new(self.store.entitlements(lane.credential.clone()).await?);
            let may_be_asked = |kind| {
                let wanted = [(instrument.clone(), kind)];
                let requests = self.event_requests(&wanted, |_| Some(&learned));
                requests.iter().all(|asking| asking.request.is_ok())
            };
            wanted.retain(|kind| may_be_asked(*kind));
        }
        Ok(wanted
            .into_iter()
            .map(|kind| (instrument.clone(), kind))
            .collect())
    }
}

/// Whether a run added daily bars.
fn is_new(report: &SeriesReport) -> bool {
    report.series.interval == Interval::Daily && report.counts.inserted > 0
}

/// Whether it added them to others that were there.
const fn is_continued(report: &SeriesReport) -> bool {
    report.counts.unchanged > 0
}

/// Whether one of the newest bars jumped.
fn has_new_jump(adjustments: &Adjustments, known: &KnownEvents) -> bool {
    known.bars.is_some_and(|newest| {
        let mut marks = adjustments.marks(newest - NEW, newest);
        marks.any(|(_, unknown)| matches!(unknown, Unknown::LooksLikeSplit(_)))
    })
}

/// What is wanted of each source.
fn by_source(wanted: &[(Instrument, EventKind)]) -> BTreeMap<SourceId, Vec<(Symbol, EventKind)>> {
    let mut by_source: BTreeMap<SourceId, Vec<(Symbol, EventKind)>> = BTreeMap::new();
    for (Instrument { source, symbol }, kind) in wanted {
        let lists = by_source.entry(source.clone()).or_default();
        lists.push((symbol.clone(), *kind));
    }
    by_source
}

/// The same lists with their source.
fn lists_at(source: &SourceId, lists: Vec<(Symbol, EventKind)>) -> Vec<(Instrument, EventKind)> {
    let at = |(symbol, kind)| {
        let source = source.clone();
        (Instrument { source, symbol }, kind)
    };
    lists.into_iter().map(at).collect()
}

/// How a lane asks for lists.
fn event_asks(lane: &Lane, wanted: &[(Symbol, EventKind)]) -> Vec<EventAsk> {
    match (lane.source.events(), &lane.missing_key) {
        (None, _) => refused_all(wanted, &no_lists()),
        (_, Some(missing)) => refused_all(wanted, &(missing.class, missing.text.clone())),
        (Some(source), None) => source.ask_events(wanted),
    }
}

fn refused_all(wanted: &[(Symbol, EventKind)], (class, text): &Why) -> Vec<EventAsk> {
    vec![EventAsk {
        lists: wanted.to_vec(),
        request: Err(Refusal::new(*class, text.clone())),
    }]
}

/// A request that the key is not known not to include.
fn included(request: Request, learned: Option<&Learned>) -> Result<Request, Why> {
    match learned.map(|learned| learned.verdict(&request, &BTreeSet::new())) {
        Some(Verdict::Refuse(class, text)) => Err((class, text)),
        _ => Ok(request),
    }
}

fn no_lists() -> Why {
    let text = "this source has no lists of dividends and splits";
    (ErrorClass::BadRequest, text.to_owned())
}

fn status(lists: &[EventList]) -> RunStatus {
    let has = |class| {
        let is = |list: &EventList| matches!(&list.outcome, Err((of, _)) if *of == class);
        lists.iter().any(is)
    };
    let came = lists.iter().filter(|list| list.outcome.is_ok()).count();
    match came {
        _ if has(ErrorClass::Cancelled) => RunStatus::Cancelled,
        _ if has(ErrorClass::Superseded) => RunStatus::Interrupted,
        came if came == lists.len() => RunStatus::Succeeded,
        0 => RunStatus::Failed,
        _ => RunStatus::Partial,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_each_list_or_the_first_of_many() {
        let list = |outcome| EventList {
            instrument: Instrument {
                source: SourceId::DEFAULT,
                symbol: "IBM".parse().unwrap(),
            },
            kind: EventKind::Splits,
            outcome,
        };
        let refused = list(Err((ErrorClass::Day, "spent".to_owned())));
        assert_eq!(
            told(&[list(Ok(1)), list(Ok(1_204)), refused]),
            "IBM splits: 1 day; IBM splits: 1,204 days; IBM splits: spent"
        );
        let many = vec![list(Ok(0)); 9];
        assert!(told(&many).ends_with("IBM splits: 0 days; 5 lists more"));
    }
}
