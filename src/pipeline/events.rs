//! Lists of dividends and splits: each a request, in the same order of work as every other one.
//!
//! Such requests are a run without series. They are not retried. A person asks for them, a
//! suspected split, or, where the source keeps them up, new daily bars.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::event::Observer;
use super::exchange::{Exchange, Unanswered};
use super::explain;
use super::fetch;
use super::lane::Lane;
use super::learned::{Learned, Lesson, Verdict};
use super::persist::Waiting;
use super::run::Pipeline;
use super::source::{EventSource, Refusal};
use super::symbols::problem;
use crate::db::{DbError, KeptAnswer};
use crate::model::adjustment::{Adjustments, EventKind, KnownEvents, ReportedEvents, Unknown};
use crate::model::causes::Causes;
use crate::model::text::counted;
use crate::model::{ErrorClass, Instrument, Interval, Request, RunStatus, SeriesReport, SourceId};

/// What became of one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventList {
    /// Of whom.
    pub instrument: Instrument,
    /// Which list.
    pub kind: EventKind,
    /// How many days it names, or the class of failure and a sentence for people.
    pub outcome: Result<usize, (ErrorClass, String)>,
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

/// A list that was read, or why there is none.
type Listed = Result<ReportedEvents, Refusal>;

impl Pipeline {
    /// Asks for these lists, one after the other, and stores them. What the key is known not to
    /// include costs no request. Errors come from the store.
    pub async fn events(
        &self,
        wanted: &[(Instrument, EventKind)],
        observer: &Observer,
        cancel: &CancellationToken,
    ) -> Result<Vec<EventList>, DbError> {
        let waiting = Waiting { cancel, observer };
        self.write(waiting, || self.recover(waiting)).await?;
        let begin = || self.store.begin_run("events", vec![]);
        let active = self.write(waiting, begin).await?;
        let mut learned: BTreeMap<SourceId, Learned> = BTreeMap::new();
        let mut lists = Vec::with_capacity(wanted.len());
        for (instrument, kind) in wanted {
            let outcome = match self.lane(&instrument.source) {
                Some(lane) => {
                    let exchange = Exchange {
                        pipeline: self,
                        lane,
                        run: active.id,
                        waiting,
                    };
                    let known = self.store.entitlements(lane.credential.clone()).await?;
                    let learned = learned
                        .entry(instrument.source.clone())
                        .or_insert_with(|| Learned::new(known));
                    exchange.list(instrument, *kind, learned).await?
                }
                None => Err(no_lists()),
            };
            lists.push(EventList {
                instrument: instrument.clone(),
                kind: *kind,
                outcome,
            });
        }
        let finish = || self.store.finish_run(active.id, status(&lists));
        self.write(waiting, finish).await?;
        Ok(lists)
    }

    /// The request for a list, unless it is known that no answer can come.
    pub(super) fn event_request(
        &self,
        instrument: &Instrument,
        kind: EventKind,
        learned: Option<&Learned>,
    ) -> Result<Request, (ErrorClass, String)> {
        let lane = self.lane(&instrument.source).ok_or_else(no_lists)?;
        let source = lane.source.events().ok_or_else(no_lists)?;
        let asked = match &lane.missing_key {
            None => source.ask_events(&instrument.symbol, kind),
            Some(missing) => Err(missing.clone()),
        };
        let request = asked.map_err(|refusal| (refusal.class, refusal.text))?;
        match learned.map(|learned| learned.verdict(&request, &BTreeSet::new())) {
            Some(Verdict::Refuse(class, text)) => Err((class, text)),
            _ => Ok(request),
        }
    }

    /// Asks for the lists of symbols that have new daily bars, once a day, and only where the day's
    /// requests have no limit: all lists where the source keeps them up, else the splits of symbols
    /// whose bars jumped as by a split that nobody reported. Elsewhere, and for the jumps of a series
    /// that was loaded for the first time, a person decides.
    pub(super) async fn ask_for_lists(&self, reports: &[SeriesReport], waiting: Waiting<'_>) {
        let asked = async {
            let mut wanted = vec![];
            for report in reports.iter().filter(|report| is_new(report)) {
                wanted.extend(self.lists_after(report).await?);
            }
            if wanted.is_empty() || waiting.cancel.is_cancelled() {
                return Ok(vec![]);
            }
            self.events(&wanted, waiting.observer, waiting.cancel).await
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
            let request = |kind| self.event_request(&instrument, kind, Some(&learned));
            wanted.retain(|kind| request(*kind).is_ok());
        }
        Ok(wanted
            .into_iter()
            .map(|kind| (instrument.clone(), kind))
            .collect())
    }

    /// Stores a list that a dead process had kept; `None`: the answer is about something else.
    pub(super) async fn recover_events(
        &self,
        kept: &KeptAnswer,
        exchange: Exchange<'_>,
    ) -> Result<Option<()>, DbError> {
        let Some(source) = about_events(exchange.lane, &kept.request) else {
            return Ok(None);
        };
        if let Ok(reported) = exchange.digest_events(source, kept).await? {
            let (run, kind) = (kept.run.0, reported.kind);
            tracing::info!(run, %kind, "a list of events was recovered");
        }
        Ok(Some(()))
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

/// The lists of the source that a request asks for one of.
fn about_events<'a>(lane: &'a Lane, request: &Request) -> Option<&'a dyn EventSource> {
    let source = lane.source.events()?;
    source.is_about_events(request).then_some(source)
}

fn no_lists() -> (ErrorClass, String) {
    let text = "this source has no lists of dividends and splits";
    (ErrorClass::BadRequest, text.to_owned())
}

impl Exchange<'_> {
    /// Asks for a list, unless it is known that no answer can come.
    async fn list(
        &self,
        instrument: &Instrument,
        kind: EventKind,
        learned: &mut Learned,
    ) -> Result<Result<usize, (ErrorClass, String)>, DbError> {
        let Some(source) = self.lane.source.events() else {
            return Ok(Err(no_lists()));
        };
        let request = self.pipeline.event_request(instrument, kind, Some(learned));
        let request = match request {
            Ok(request) => request,
            Err(why) => return Ok(Err(why)),
        };
        let ticket = match self.reserve(&request, 1, Duration::ZERO).await {
            Ok(ticket) => ticket,
            Err(withheld) => {
                let (class, text) = problem(withheld)?;
                learned.learn(Lesson::Stop(class, text.clone()));
                return Ok(Err((class, text)));
            }
        };
        let listed = match self.send(&request, ticket).await? {
            Ok(kept) => self.digest_events(source, &kept).await?,
            Err(Unanswered { refusal, .. }) => Err(refusal),
        };
        match listed {
            Ok(reported) => Ok(Ok(reported.events.len())),
            Err(refusal) => Ok(Err(self.refused(&request, &refusal, learned).await?)),
        }
    }

    /// Reads a kept answer and stores its list; used by the caller and by the next start after a
    /// crash.
    async fn digest_events(
        &self,
        source: &dyn EventSource,
        kept: &KeptAnswer,
    ) -> Result<Listed, DbError> {
        let read = |request: &Request, answer: &_| source.read_events(request, answer);
        match self.read(kept, read).await? {
            Ok((reported, _)) => {
                let rule = self.lane.source.rule();
                let store = &self.pipeline.store;
                let keep = || store.keep_events(kept.id, reported.clone(), rule);
                self.pipeline.write(self.waiting, keep).await?;
                Ok(Ok(reported))
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// What a refusal is in words, and what it teaches.
    async fn refused(
        &self,
        request: &Request,
        refusal: &Refusal,
        learned: &mut Learned,
    ) -> Result<(ErrorClass, String), DbError> {
        let text = explain::about_events(self.lane.source.as_ref(), request, refusal);
        let (_, lesson) = fetch::lesson(request, refusal, &text);
        if let Lesson::Refused(refused) = &lesson {
            let store = &self.pipeline.store;
            let learn = || store.learn_refusal(self.lane.credential.clone(), refused.clone());
            self.pipeline.write(self.waiting, learn).await?;
        }
        learned.learn(lesson);
        Ok((refusal.class, text))
    }
}

fn status(lists: &[EventList]) -> RunStatus {
    let has = |class| {
        let is = |list: &EventList| matches!(&list.outcome, Err((of, _)) if *of == class);
        lists.iter().any(is)
    };
    let came = lists.iter().filter(|list| list.outcome.is_ok()).count();
    match came {
        _ if has(ErrorClass::Cancelled) => RunStatus::Cancelled,
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
