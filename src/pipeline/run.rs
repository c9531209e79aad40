//! A run: which series, in which order, how many at once, and how they ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::event::{Event, Observer, RunReport};
use super::explain;
use super::freshness::is_recent;
use super::job::{self, Job, JobEnd};
use super::learned::{Learned, Lesson, Verdict};
use super::persist::{Persistence, Waiting};
use super::retry::{Budget, Waits};
use super::source::{BarSource, FetchOptions, Refusal};
use super::spool::SpoolError;
use crate::db::{Credential, DbError, KeptAnswer, Store};
use crate::model::causes::Causes;
use crate::model::quota::Limits;
use crate::model::run::run_status;
use crate::model::{Ask, ErrorClass, Question, RunId, SeriesKey, SeriesReport, SeriesStatus};
use crate::time::Clock;

/// Everything a run works with.
#[derive(Debug)]
pub struct Pipeline {
    /// Where bars, runs and the ledger are.
    pub store: Arc<dyn Store>,
    /// The provider.
    pub source: Arc<dyn BarSource>,
    /// The key's fingerprint and plan.
    pub credential: Credential,
    /// What the plan allows.
    pub limits: Limits,
    /// Requests that may be in flight together.
    pub in_flight: usize,
    /// Bytes of answers that are kept.
    pub answers_limit: u64,
    /// Waits before retries.
    pub waits: Waits,
    /// How paid-for answers survive while the store is away.
    pub persistence: Persistence,
    /// The clock.
    pub clock: Clock,
}

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// What started it, in one word.
    pub trigger: &'static str,
    /// The series, in the order in which they are tried.
    pub series: Vec<SeriesKey>,
    /// How they are fetched.
    pub options: FetchOptions,
    /// A series fetched within this time costs no request.
    pub max_age: Option<TimeDelta>,
}

/// A series of the run and its state.
struct Slot {
    key: SeriesKey,
    ask: Option<Ask>,
    report: Option<SeriesReport>,
}

impl Pipeline {
    /// Runs once over the series of `request`. Errors are those of the store before any request;
    /// whatever goes wrong later is in the report.
    pub async fn run(
        self: &Arc<Self>,
        request: RunRequest,
        observer: Observer,
        cancel: CancellationToken,
    ) -> Result<RunReport, DbError> {
        self.run_within(request, None, observer, cancel).await
    }

    /// The same with at most this many requests, retries included.
    pub async fn run_within(
        self: &Arc<Self>,
        request: RunRequest,
        most_requests: Option<u32>,
        observer: Observer,
        cancel: CancellationToken,
    ) -> Result<RunReport, DbError> {
        let waiting = Waiting {
            cancel: &cancel,
            observer: &observer,
        };
        self.write(waiting, || self.recover(waiting)).await?;
        let mut slots = self.plan(&request);
        let keys = slots
            .iter()
            .map(|slot| slot.key.clone())
            .collect::<Vec<_>>();
        let learned = Learned::new(self.store.entitlements(self.credential.clone()).await?);
        self.skip_fresh(&mut slots, request.max_age).await?;
        let begin = || self.store.begin_run(request.trigger, keys.clone());
        let active = self.write(waiting, begin).await?;
        observer(Event::Started {
            run: active.id,
            series: slots.len(),
        });
        let unasked = slots.iter().filter_map(|slot| slot.report.clone());
        let reason = |report: SeriesReport| {
            let error = report.error.as_ref();
            let why = error.map_or_else(String::new, |error| error.message.clone());
            (why, report)
        };
        let unasked = unasked.map(reason).collect();
        let mut unrecorded = self.record_unasked(active.id, unasked, waiting).await.err();
        let budget = Arc::new(Budget::new(slots.len(), most_requests));
        let fetched = self
            .fetch_all(active.id, &mut slots, (learned, budget), waiting)
            .await;
        let series: Vec<SeriesReport> = slots.into_iter().filter_map(|slot| slot.report).collect();
        let status = run_status(&series);
        let finish = || self.store.finish_run(active.id, status);
        let finished = self.write(waiting, finish).await;
        unrecorded = fetched.err().or(finished.err()).or(unrecorded);
        Ok(RunReport {
            run: active.id,
            status,
            series,
            unrecorded,
        })
    }

    /// The same outside a run: what dead processes left must not wait for the next one.
    pub async fn rescue(
        &self,
        observer: &Observer,
        cancel: &CancellationToken,
    ) -> Result<(), DbError> {
        self.recover(Waiting { cancel, observer }).await
    }

    /// Marks runs of dead processes and stores the answers that they had paid for and kept.
    pub(super) async fn recover(&self, waiting: Waiting<'_>) -> Result<(), DbError> {
        let observer = waiting.observer;
        let interrupted = self.store.sweep().await?;
        if !interrupted.is_empty() {
            observer(Event::Interrupted(interrupted));
        }
        self.take_in_spooled(waiting).await?;
        for kept in self.store.unapplied().await? {
            let ask = match &kept.ask {
                Question::Bars(ask) => ask,
                Question::Symbols(ask) => {
                    self.recover_symbols(&kept, ask, waiting).await?;
                    continue;
                }
            };
            let report = match self.digest(&kept, ask, false, waiting).await? {
                Ok(stored) => stored,
                Err(refusal) => self.recover_refusal(&kept, ask, &refusal).await?,
            };
            observer(Event::Recovered(report));
        }
        Ok(())
    }

    /// Stores answers that a process kept on disk while the store was away. Those of another store
    /// stay for it.
    async fn take_in_spooled(&self, waiting: Waiting<'_>) -> Result<(), DbError> {
        let spool = &self.persistence.spool;
        let told = |error: SpoolError| tracing::warn!(error = %Causes(&error), "answers kept on disk cannot be read");
        for attempt in spool.waiting().await.map_err(told).unwrap_or_default() {
            let Some(answer) = spool.get(attempt).await.map_err(told).unwrap_or_default() else {
                continue;
            };
            if let Some(request) = self.store.attempt(attempt).await? {
                self.move_in(request, attempt, &answer, waiting).await?;
            } else {
                tracing::warn!(%attempt, "an answer kept on disk belongs to another store");
            }
        }
        Ok(())
    }

    /// Records a refusal that was kept but not read before its process died.
    async fn recover_refusal(
        &self,
        kept: &KeptAnswer,
        ask: &Ask,
        refusal: &Refusal,
    ) -> Result<SeriesReport, DbError> {
        let text = explain::sentence(refusal.class, ask, &refusal.text);
        let (status, lesson) = job::consequence(ask, refusal, &text);
        let mut report = SeriesReport::new(ask.series.clone(), status);
        (report.attempts, report.requests) = (1, 1);
        let report = report.with_error(status, refusal.class, text);
        if let Lesson::Refused(refused) = lesson {
            self.store
                .learn_refusal(kept.credential.clone(), refused)
                .await?;
        }
        self.store.finish_series(kept.run, report.clone()).await?;
        Ok(report)
    }

    /// The series that is fetched for a watched one: with the key `demo` intraday bars are adjusted.
    #[must_use]
    pub fn stored_as(&self, series: &SeriesKey) -> SeriesKey {
        let ask = self.source.ask(series, &FetchOptions::default());
        ask.map_or_else(|_| series.clone(), |ask| ask.series)
    }

    /// For each series, why it cannot be fetched, if known without a request.
    pub async fn parked(
        &self,
        series: &[SeriesKey],
    ) -> Result<Vec<Option<(ErrorClass, String)>>, DbError> {
        let learned = Learned::new(self.store.entitlements(self.credential.clone()).await?);
        let reason = |series: &SeriesKey| match self.source.ask(series, &FetchOptions::default()) {
            Err(refusal) => Some((refusal.class, refusal.text)),
            Ok(ask) => match learned.verdict(&ask, &BTreeSet::new()) {
                Verdict::Refuse(class, text) => Some((class, text)),
                Verdict::Go | Verdict::Wait => None,
            },
        };
        Ok(series.iter().map(reason).collect())
    }

    /// Turns series into requests. What cannot be requested is refused here, without sending anything.
    fn plan(&self, request: &RunRequest) -> Vec<Slot> {
        let mut slots: Vec<Slot> = Vec::with_capacity(request.series.len());
        for wanted in &request.series {
            let slot = match self.source.ask(wanted, &request.options) {
                Ok(ask) => Slot {
                    key: ask.series.clone(),
                    ask: Some(ask),
                    report: None,
                },
                Err(refusal) => Slot {
                    key: wanted.clone(),
                    ask: None,
                    report: Some(refused(wanted, refusal)),
                },
            };
            if !slots.iter().any(|other| other.key == slot.key) {
                slots.push(slot);
            }
        }
        slots
    }

    async fn skip_fresh(
        &self,
        slots: &mut [Slot],
        max_age: Option<TimeDelta>,
    ) -> Result<(), DbError> {
        let Some(max_age) = max_age else {
            return Ok(());
        };
        for slot in slots.iter_mut().filter(|slot| slot.report.is_none()) {
            let fetched = self.store.last_fetch(slot.key.clone()).await?;
            if fetched.is_some_and(|at| is_recent(at, max_age, self.clock.now())) {
                slot.report = Some(SeriesReport::new(slot.key.clone(), SeriesStatus::Skipped));
            }
        }
        Ok(())
    }

    /// Works through the open slots, several at once if the plan allows.
    async fn fetch_all(
        self: &Arc<Self>,
        run: RunId,
        slots: &mut [Slot],
        (mut learned, budget): (Learned, Arc<Budget>),
        waiting: Waiting<'_>,
    ) -> Result<(), DbError> {
        let Waiting { cancel, observer } = waiting;
        let mut jobs: JoinSet<(usize, JobEnd)> = JoinSet::new();
        let mut busy: BTreeMap<usize, String> = BTreeMap::new();
        let mut outcome = Ok(());
        loop {
            let mut unasked = vec![];
            for (index, slot) in slots.iter_mut().enumerate() {
                let Some(ask) = slot
                    .ask
                    .as_ref()
                    .filter(|_| slot.report.is_none() && !busy.contains_key(&index))
                else {
                    continue;
                };
                let functions: BTreeSet<String> = busy.values().cloned().collect();
                let verdict = if cancel.is_cancelled() {
                    Verdict::Refuse(ErrorClass::Cancelled, "stopped on request".to_owned())
                } else {
                    learned.verdict(ask, &functions)
                };
                match verdict {
                    Verdict::Refuse(class, text) => {
                        let report = not_asked(&slot.key, class, &text);
                        slot.report = Some(report.clone());
                        unasked.push((text, report));
                    }
                    Verdict::Go if jobs.len() < self.in_flight.max(1) => {
                        busy.insert(index, ask.function().to_owned());
                        let job = Job {
                            pipeline: Arc::clone(self),
                            run,
                            ask: ask.clone(),
                            cancel: cancel.clone(),
                            observer: Arc::clone(observer),
                            budget: Arc::clone(&budget),
                        };
                        jobs.spawn(async move { (index, job.run().await) });
                    }
                    Verdict::Go | Verdict::Wait => {}
                }
            }
            if outcome.is_ok() {
                outcome = self.record_unasked(run, unasked, waiting).await;
            }
            let Some(ended) = jobs.join_next().await else {
                return outcome;
            };
            match ended {
                Ok((index, JobEnd { report, lesson })) => {
                    busy.remove(&index);
                    if outcome.is_ok() {
                        outcome = self.take_in(run, &report, &lesson, waiting).await;
                    }
                    learned.learn(lesson);
                    if let Some(slot) = slots.get_mut(index) {
                        slot.report = Some(report);
                    }
                }
                Err(crashed) => std::panic::resume_unwind(crashed.into_panic()),
            }
        }
    }

    /// Records how a series ended and what it taught.
    async fn take_in(
        &self,
        run: RunId,
        report: &SeriesReport,
        lesson: &Lesson,
        waiting: Waiting<'_>,
    ) -> Result<(), DbError> {
        if let Lesson::Refused(refused) = lesson {
            let learn = || {
                self.store
                    .learn_refusal(self.credential.clone(), refused.clone())
            };
            self.write(waiting, learn).await?;
        }
        self.record(run, report, waiting).await
    }

    async fn record(
        &self,
        run: RunId,
        report: &SeriesReport,
        waiting: Waiting<'_>,
    ) -> Result<(), DbError> {
        (waiting.observer)(Event::Done(report.clone()));
        self.write_down(run, report, waiting).await
    }

    /// The same for series that ended without a request, each with its reason: a shared reason is
    /// reported once.
    async fn record_unasked(
        &self,
        run: RunId,
        unasked: Vec<(String, SeriesReport)>,
        waiting: Waiting<'_>,
    ) -> Result<(), DbError> {
        let mut by_reason: BTreeMap<String, Vec<SeriesReport>> = BTreeMap::new();
        for (why, report) in unasked {
            by_reason.entry(why).or_default().push(report);
        }
        for (why, reports) in by_reason {
            let event = match reports.as_slice() {
                [report] => Event::Done(report.clone()),
                _ => Event::NotAsked {
                    series: reports.clone(),
                    why,
                },
            };
            (waiting.observer)(event);
            for report in &reports {
                self.write_down(run, report, waiting).await?;
            }
        }
        Ok(())
    }

    async fn write_down(
        &self,
        run: RunId,
        report: &SeriesReport,
        waiting: Waiting<'_>,
    ) -> Result<(), DbError> {
        if report.status == SeriesStatus::Succeeded {
            return Ok(());
        }
        let finish = || self.store.finish_series(run, report.clone());
        self.write(waiting, finish).await
    }
}

/// A series that was refused before anything was sent.
fn refused(series: &SeriesKey, refusal: Refusal) -> SeriesReport {
    let status = match refusal.class {
        ErrorClass::BadRequest => SeriesStatus::Failed,
        _ => SeriesStatus::Refused,
    };
    SeriesReport::new(series.clone(), status).with_error(status, refusal.class, refusal.text)
}

/// A series that is not fetched because of what others taught.
fn not_asked(series: &SeriesKey, class: ErrorClass, text: &str) -> SeriesReport {
    let status = match class {
        ErrorClass::Cancelled => SeriesStatus::Cancelled,
        ErrorClass::Database | ErrorClass::Network | ErrorClass::Outage => SeriesStatus::Failed,
        _ => SeriesStatus::Refused,
    };
    SeriesReport::new(series.clone(), status).with_error(status, class, explain::not_asked(text))
}
