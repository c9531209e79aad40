//! A lane: one source with one key. It works through its requests at its own pace, and its waits
//! hold up no other lane.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::credential::credential;
use super::event::{Event, Observer};
use super::explain;
use super::fetch::{Fetch, Fetched};
use super::hold::Holds;
use super::learned::{Learned, Lesson, Verdict};
use super::persist::Waiting;
use super::retry::Budget;
use super::run::Pipeline;
use super::source::{Planned, Policy, Refusal, Source, Wish};
use super::source_status::{KeyUse, QuotaStatus, SourceStatus};
use crate::config::SourceAccess;
use crate::db::{Credential, DbError, Store};
use crate::model::{ErrorClass, Request, RunId, SeriesKey, SeriesReport, SeriesStatus, SourceId};

/// A source and the key it is asked with.
#[derive(Debug, Clone)]
pub struct Lane {
    /// The source.
    pub source: Arc<dyn Source>,
    /// The key's fingerprint and plan.
    pub credential: Credential,
    /// How fast it is asked, and when again.
    pub policy: Policy,
    /// What a person has of it: `free key`.
    pub plan: String,
    /// Which key it is asked with.
    pub key: KeyUse,
    /// Whether the plan includes intraday bars.
    pub has_intraday: bool,
    /// Why it is asked nothing: its key is missing. Kept answers are read nevertheless.
    pub missing_key: Option<Refusal>,
}

impl Lane {
    /// The lane of a source, at the source's own pace.
    #[must_use]
    pub fn of(source: Arc<dyn Source>, credential: Credential) -> Self {
        let key = if source.describe().settings.key.is_empty() {
            KeyUse::Unneeded
        } else {
            KeyUse::Own
        };
        Self {
            policy: source.policy().clone(),
            plan: credential.plan.clone(),
            key,
            has_intraday: true,
            credential,
            source,
            missing_key: None,
        }
    }

    /// The lane of a source with the configured key, which may be missing.
    #[must_use]
    pub fn open(source: impl Source + 'static, access: &SourceAccess) -> Self {
        let missing = || Refusal::new(ErrorClass::BadKey, access.settings.key_advice());
        let lane = Self::of(Arc::new(source), credential(access));
        Self {
            missing_key: access.lacks_key().then(missing),
            plan: access.plan_words(),
            key: match lane.key {
                KeyUse::Own if access.lacks_key() => KeyUse::Missing,
                KeyUse::Own if !access.key.is_own => KeyUse::Public,
                key => key,
            },
            has_intraday: access.plan.has_intraday,
            ..lane
        }
    }

    /// How its source stands, before anything is known of its requests.
    #[must_use]
    pub fn status(&self) -> SourceStatus {
        SourceStatus {
            id: self.id().clone(),
            plan: self.plan.clone(),
            key: self.key,
            has_intraday: self.has_intraday,
            quota: QuotaStatus::default(),
            sendable: 0,
            pause: None,
        }
    }

    /// Plans the fewest requests that bring what is wanted, without sending any.
    #[must_use]
    pub fn plan(&self, wishes: &[Wish]) -> Planned {
        match &self.missing_key {
            None => self.source.plan(wishes),
            Some(missing) => Planned::each(wishes, |_| Err(missing.clone())),
        }
    }

    /// The word for its source.
    #[must_use]
    pub fn id(&self) -> &SourceId {
        self.source.describe().id()
    }
}

/// What a lane does in one run.
pub(super) struct LaneRun {
    pub pipeline: Arc<Pipeline>,
    pub lane: Lane,
    pub run: RunId,
    /// The requests; those about the same series follow each other.
    pub requests: Vec<Request>,
    pub learned: Learned,
    /// What the requests of the lane have left together.
    pub budget: Arc<Budget>,
    pub cancel: CancellationToken,
    pub observer: Observer,
    /// The lanes of the run.
    pub holds: Holds,
}

/// How it went: a report for each series, and whether all could be recorded.
pub(super) type Worked = (Vec<SeriesReport>, Result<(), DbError>);

impl LaneRun {
    /// Works through the requests, several at once if the policy allows.
    pub async fn run(mut self) -> Worked {
        let mut fetches: JoinSet<(usize, Fetched)> = JoinSet::new();
        let mut busy: BTreeMap<usize, String> = BTreeMap::new();
        let requests = std::mem::take(&mut self.requests);
        let same = |one: &Request, next: &Request| one.series == next.series;
        let mut open: BTreeMap<usize, Vec<Request>> = requests
            .chunk_by(same)
            .map(<[Request]>::to_vec)
            .enumerate()
            .collect();
        let (mut reports, mut outcome) = (vec![], Ok(()));
        loop {
            let mut unasked = vec![];
            for (index, requests) in std::mem::take(&mut open) {
                let Some(request) = requests.first() else {
                    continue;
                };
                match self.verdict(request, &busy) {
                    Verdict::Refuse(class, text) => {
                        for series in request.filled() {
                            unasked.push((text.clone(), not_asked(series, class, &text)));
                        }
                    }
                    Verdict::Go if fetches.len() < self.lane.policy.in_flight.max(1) => {
                        busy.insert(index, request.endpoint.clone());
                        let fetch = self.fetch(requests);
                        fetches.spawn(async move { (index, fetch.run().await) });
                    }
                    Verdict::Go | Verdict::Wait => {
                        open.insert(index, requests);
                    }
                }
            }
            reports.extend(unasked.iter().map(|(_, report)| report.clone()));
            if outcome.is_ok() {
                outcome = self
                    .pipeline
                    .record_unasked((self.run, &self.holds), unasked, self.waiting())
                    .await;
            }
            let Some(ended) = fetches.join_next().await else {
                return (reports, outcome);
            };
            match ended {
                Ok((index, ended)) => {
                    busy.remove(&index);
                    if outcome.is_ok() {
                        outcome = self.take_in(&ended).await;
                    }
                    self.learned.learn(ended.lesson);
                    reports.extend(ended.reports);
                }
                Err(crashed) => std::panic::resume_unwind(crashed.into_panic()),
            }
        }
    }

    fn verdict(&self, request: &Request, busy: &BTreeMap<usize, String>) -> Verdict {
        let hold = self.holds.of(self.lane.id());
        if hold.is_some_and(|hold| !hold.is_good()) {
            return Verdict::Refuse(ErrorClass::Superseded, explain::LANE_LOST.to_owned());
        }
        if self.cancel.is_cancelled() {
            return Verdict::Refuse(ErrorClass::Cancelled, "stopped on request".to_owned());
        }
        let endpoints: BTreeSet<&str> = busy.values().map(String::as_str).collect();
        self.learned.verdict(request, &endpoints)
    }

    fn fetch(&self, requests: Vec<Request>) -> Fetch {
        let source = &self.lane.source;
        let fitted = requests.into_iter().map(|request| source.fitted(request));
        let requests = fitted.collect();
        Fetch {
            pipeline: Arc::clone(&self.pipeline),
            lane: self.lane.clone(),
            run: self.run,
            requests,
            cancel: self.cancel.clone(),
            observer: Arc::clone(&self.observer),
            holds: self.holds.clone(),
            store: self.store(),
            budget: Arc::clone(&self.budget),
        }
    }

    /// Records how a request ended and what it taught.
    async fn take_in(&self, fetched: &Fetched) -> Result<(), DbError> {
        let (pipeline, waiting) = (&self.pipeline, self.waiting());
        if let Lesson::Refused(refused) = &fetched.lesson {
            let credential = &self.lane.credential;
            let learn = || {
                pipeline
                    .store
                    .learn_refusal(credential.clone(), refused.clone())
            };
            pipeline.write(waiting, learn).await?;
        }
        for report in &fetched.reports {
            (self.observer)(Event::Done(report.clone()));
            pipeline
                .write_down((self.run, &self.holds), report, waiting)
                .await?;
        }
        Ok(())
    }

    /// The store, under the lease of this lane if the schedule asks.
    fn store(&self) -> Arc<dyn Store> {
        let store = &self.pipeline.store;
        let hold = self.holds.of(self.lane.id());
        hold.map_or_else(|| Arc::clone(store), |hold| hold.store(store))
    }

    const fn waiting(&self) -> Waiting<'_> {
        Waiting {
            cancel: &self.cancel,
            observer: &self.observer,
        }
    }
}

/// A series that is not fetched because of what others taught.
fn not_asked(series: &SeriesKey, class: ErrorClass, text: &str) -> SeriesReport {
    let status = match class {
        ErrorClass::Cancelled => SeriesStatus::Cancelled,
        ErrorClass::Superseded => SeriesStatus::Interrupted,
        ErrorClass::Database | ErrorClass::Network | ErrorClass::Outage => SeriesStatus::Failed,
        _ => SeriesStatus::Refused,
    };
    SeriesReport::new(series.clone(), status).with_error(status, class, explain::not_asked(text))
}
