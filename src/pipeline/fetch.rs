//! What a run asks about the same series: one request after the other with all its pages, each page
//! reserved, sent once, kept, read and stored, and retried where that helps.

use std::collections::HashSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::consequence::{consequence, lesson};
use super::event::{Event, Observer};
use super::exchange::{Exchange, Judging, Unanswered, Withheld, sleep};
use super::explain::{self, LANE_LOST, RETRIES_SPENT, START_SPENT, not_asked};
use super::hold::Holds;
use super::lane::Lane;
use super::learned::Lesson;
use super::persist::Waiting;
use super::retry::Budget;
use super::run::Pipeline;
use super::source::{Refusal, Wish};
use crate::db::{DbError, Store};
use crate::model::causes::Causes;
use crate::model::{
    Coverage, ErrorClass, Known, Request, RunId, Segment, SeriesKey, SeriesReport, SeriesStatus,
    Span, quota,
};

/// After so many times in a row that the provider refuses, the older ones are not asked for.
const GIVE_UP: usize = 3;

/// What the same series need.
pub(super) struct Fetch {
    pub pipeline: Arc<Pipeline>,
    pub lane: Lane,
    pub run: RunId,
    /// The requests, newest bars first; each the first page, or the first that is missing.
    pub requests: Vec<Request>,
    pub cancel: CancellationToken,
    pub observer: Observer,
    /// The lanes of the run.
    pub holds: Holds,
    /// The store, under the lease of this lane if the schedule asks.
    pub store: Arc<dyn Store>,
    /// What the requests of the lane have left together.
    pub budget: Arc<Budget>,
}

/// How the series ended, and what that teaches.
pub(super) struct Fetched {
    pub reports: Vec<SeriesReport>,
    pub lesson: Lesson,
}

/// Which of the requests brought the end of the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The last one, whose bars were stored with it.
    Last,
    /// An earlier one: what was to follow has no bars, or was refused.
    Early,
}

/// Why one attempt did not end in stored bars.
enum Setback {
    /// Classified by the provider or by the connection.
    Class(Refusal),
    /// The same, if a retry would not help.
    Final(Refusal),
    /// Nothing is sent.
    Withheld(Withheld),
}

impl From<Withheld> for Setback {
    fn from(withheld: Withheld) -> Self {
        Self::Withheld(withheld)
    }
}

impl From<DbError> for Setback {
    fn from(error: DbError) -> Self {
        Self::Withheld(error.into())
    }
}

impl Fetch {
    pub async fn run(mut self) -> Fetched {
        let mut requests = std::mem::take(&mut self.requests);
        let series = requests.iter().take(1).flat_map(Request::filled);
        let mut reports: Vec<SeriesReport> = series
            .map(|series| SeriesReport::new(series.clone(), SeriesStatus::Running))
            .collect();
        let mut alone = vec![];
        let mut fetched = loop {
            let (request, setback) = match self.all(&mut reports, &requests).await {
                Ok((lesson, end)) => {
                    for report in &mut reports {
                        report.status = SeriesStatus::Succeeded;
                    }
                    if end == End::Early
                        && let Err(error) = self.finish(&reports).await
                    {
                        break self.withheld(reports, Withheld::Store(error));
                    }
                    break Fetched { reports, lesson };
                }
                Err(ended) => ended,
            };
            let Some((rest, refusal)) = self.amended(request, &requests, &setback) else {
                break self.conclude(reports, request, setback);
            };
            self.learn(request, refusal).await;
            alone.extend(self.refused_alone(&mut reports, (request, &rest), refusal));
            requests = rest;
        };
        fetched.reports.append(&mut alone);
        fetched
    }

    /// What can still be asked where a part of a request is refused: the rest of it, and what was to
    /// follow it.
    fn amended<'a>(
        &self,
        refused: &Request,
        requests: &[Request],
        setback: &'a Setback,
    ) -> Option<(Vec<Request>, &'a Refusal)> {
        let (Setback::Class(refusal) | Setback::Final(refusal)) = setback else {
            return None;
        };
        let source = &self.lane.source;
        let first = source.amend(refused, refusal)?;
        let after = requests.iter().skip_while(|request| *request != refused);
        let after = after.skip(1).map(|request| {
            let amended = source.amend(request, refusal);
            amended.unwrap_or_else(|| request.clone())
        });
        Some((std::iter::once(first).chain(after).collect(), refusal))
    }

    /// Keeps what a refusal teaches about the key, although the rest of its request is asked for. Where
    /// the store is away, it is learnt again.
    async fn learn(&self, request: &Request, refusal: &Refusal) {
        if let (_, Lesson::Refused(refused)) = lesson(request, refusal, &refusal.text) {
            let (store, credential) = (&self.pipeline.store, &self.lane.credential);
            let learn = || store.learn_refusal(credential.clone(), refused.clone());
            let learnt = self.pipeline.write(self.exchange().waiting, learn).await;
            learnt.unwrap_or_else(|error| {
                tracing::warn!(error = %Causes(&error), "what a key may not do could not be stored");
            });
        }
    }

    /// Takes out the reports of series that are refused while the others can be asked for.
    fn refused_alone(
        &self,
        reports: &mut Vec<SeriesReport>,
        (request, rest): (&Request, &[Request]),
        refusal: &Refusal,
    ) -> Vec<SeriesReport> {
        let left: Vec<&SeriesKey> = rest.iter().take(1).flat_map(Request::filled).collect();
        let is_refused = |report: &mut SeriesReport| !left.contains(&&report.series);
        let refused = reports.extract_if(.., is_refused);
        refused
            .map(|report| {
                let source = self.lane.source.as_ref();
                let (status, text, _) = consequence(source, request, &report, refusal);
                report.with_error(status, refusal.class, text)
            })
            .collect()
    }

    /// One request after the other. Times that the provider refuses do not end the series if there
    /// are bars of others.
    async fn all<'a>(
        &self,
        reports: &mut [SeriesReport],
        requests: &'a [Request],
    ) -> Result<(Lesson, End), (&'a Request, Setback)> {
        let mut refused: Vec<(&Request, Refusal)> = vec![];
        let mut lesson = Lesson::Nothing;
        let mut end = End::Early;
        for (place, request) in requests.iter().enumerate() {
            let is_last = place + 1 == requests.len();
            let had = offered(reports);
            match self.all_pages(reports, request, is_last).await {
                Ok(()) => {
                    self.record_refused(&refused).await?;
                    refused.clear();
                    lesson = Lesson::Granted(request.endpoint.clone());
                    if is_last {
                        end = End::Last;
                    }
                    let is_empty = offered(reports) == had;
                    if is_empty
                        && self
                            .is_the_beginning(reports, request, requests.len() - place - 1)
                            .await?
                    {
                        break;
                    }
                }
                Err(Setback::Class(refusal) | Setback::Final(refusal))
                    if self.is_about_now(request, &refusal) =>
                {
                    lesson = self
                        .newest_instead(reports, (request, refusal), is_last)
                        .await?;
                }
                Err(Setback::Class(refusal) | Setback::Final(refusal))
                    if self.is_about_one_time(request, &refusal) =>
                {
                    refused.push((request, refusal));
                    if refused.len() == GIVE_UP {
                        break;
                    }
                }
                Err(setback) => return Err((request, setback)),
            }
        }
        self.record_refused(&refused).await?;
        match (&lesson, refused.into_iter().next()) {
            (Lesson::Nothing, Some((request, refusal))) => Err((request, Setback::Final(refusal))),
            _ => Ok((lesson, end)),
        }
    }

    /// Marks the series as ended, where no bars were stored with that.
    async fn finish(&self, reports: &[SeriesReport]) -> Result<(), DbError> {
        let waiting = self.exchange().waiting;
        for report in reports {
            let of = (self.run, &self.holds);
            self.pipeline.finish_series(of, report, waiting).await?;
        }
        Ok(())
    }

    /// Whether there is no bar before those of a request that brought none, asked where that may save
    /// some of the requests that are left.
    async fn is_the_beginning<'a>(
        &self,
        reports: &mut [SeriesReport],
        request: &'a Request,
        left: usize,
    ) -> Result<bool, (&'a Request, Setback)> {
        let search = self.lane.source.before(request);
        let Some(search) = search.filter(|_| left > 1) else {
            return Ok(false);
        };
        let had = offered(reports);
        let searched = self.all_pages(reports, &search, false).await;
        searched.map_err(|setback| (request, setback))?;
        Ok(offered(reports) == had)
    }

    /// Whether the provider refuses the bars of one time, so that others may be had.
    fn is_about_one_time(&self, request: &Request, refusal: &Refusal) -> bool {
        refusal.class == ErrorClass::BadRequest && self.lane.source.names(request).is_some()
    }

    /// Whether the provider refuses the current month: for it, it has not begun.
    fn is_about_now(&self, request: &Request, refusal: &Refusal) -> bool {
        let named = self.lane.source.names(request);
        self.is_about_one_time(request, refusal)
            && named.is_some_and(|time| time.contains(self.pipeline.clock.now()))
    }

    /// Asks for the newest bars where a clock that is ahead asked for a month that has not begun.
    async fn newest_instead<'a>(
        &self,
        reports: &mut [SeriesReport],
        (request, refusal): (&'a Request, Refusal),
        is_last: bool,
    ) -> Result<Lesson, (&'a Request, Setback)> {
        let wishes: Vec<Wish> = request.series.iter().cloned().map(Wish::newest).collect();
        let planned = self.lane.plan(&wishes);
        let [newest] = planned.requests.as_slice() else {
            return Err((request, Setback::Final(refusal)));
        };
        let newest = Request {
            riders: request.riders.clone(),
            ..newest.clone()
        };
        let stored = self.all_pages(reports, &newest, is_last).await;
        stored.map_err(|setback| (request, setback))?;
        Ok(Lesson::Granted(request.endpoint.clone()))
    }

    /// Records times that the provider refuses to answer, so that nothing asks for them again by
    /// itself: where it gave up, all that is older.
    async fn record_refused<'a>(
        &self,
        refused: &[(&'a Request, Refusal)],
    ) -> Result<(), (&'a Request, Setback)> {
        let Some((first, _)) = refused.first() else {
            return Ok(());
        };
        let named = refused
            .iter()
            .filter_map(|(request, _)| self.lane.source.names(request));
        let mut times: Vec<Span> = named.collect();
        if refused.len() == GIVE_UP
            && let Some(oldest) = times.iter_mut().min()
        {
            oldest.from = Coverage::beginning();
        }
        let segment = |span| Segment {
            span,
            known: Known::Refused,
        };
        let segments: Vec<Segment> = times.into_iter().map(segment).collect();
        for series in first.filled() {
            let store = &self.store;
            let record = || store.record(series.clone(), segments.clone());
            let written = self.pipeline.write(self.exchange().waiting, record).await;
            written.map_err(|error| (*first, error.into()))?;
        }
        Ok(())
    }

    /// Page after page until one names no next one. Pages that never end are stopped.
    async fn all_pages(
        &self,
        reports: &mut [SeriesReport],
        first: &Request,
        is_last: bool,
    ) -> Result<(), Setback> {
        let mut request = first.clone();
        let mut sent = HashSet::new();
        while let Some(next) = self.until_stored(reports, &request, is_last).await? {
            sent.insert(std::mem::replace(&mut request, next).parameters);
            let most = self.lane.policy.most_pages;
            if sent.contains(&request.parameters) {
                return Err(Setback::Final(endless(
                    "a page names one as its next that came before",
                )));
            }
            if request.page > most {
                let text =
                    format!("no real answer has more than {most} pages, and more are announced");
                return Err(Setback::Final(endless(&text)));
            }
        }
        Ok(())
    }

    /// Attempts and waits, as long as the class of each setback allows a retry. Returns the request
    /// for the next page.
    async fn until_stored(
        &self,
        reports: &mut [SeriesReport],
        request: &Request,
        is_last: bool,
    ) -> Result<Option<Request>, Setback> {
        let policy = &self.lane.policy;
        let day_is_limited = policy.quota.per_day().is_some();
        let (mut minutes_in_a_row, mut last) = (0_u32, None);
        for retry in 0.. {
            let most = policy.minutes_that_mean_a_day.filter(|_| day_is_limited);
            let minute_means_day = most.is_some_and(|most| minutes_in_a_row >= most);
            let reading = Judging {
                minute_means_day,
                is_last,
            };
            let attempt = self.attempt((reports, request), retry, last.as_ref(), reading);
            let refusal = match attempt.await {
                Err(Setback::Class(refusal)) => refusal,
                ended => return ended,
            };
            let class = refusal.class;
            let is_minute = class == ErrorClass::Minute;
            minutes_in_a_row = if is_minute { minutes_in_a_row + 1 } else { 0 };
            let wait = policy.waits.before(class, retry, fastrand::f64());
            let Some(wait) = wait.filter(|_| self.may_retry(class)) else {
                return Err(Setback::Final(refusal));
            };
            if day_is_limited && self.has_no_retries_left().await {
                return Err(Setback::Final(without_retries(refusal)));
            }
            let wait = wait.max(self.exchange().pause(policy.waits.cap)?);
            (self.observer)(Event::Retrying {
                series: request.filled().cloned().collect(),
                class,
                said: refusal.text.clone(),
                attempt: retry + 2,
                wait,
            });
            last = Some(refusal);
            sleep(wait, &self.cancel).await?;
        }
        Ok(None)
    }

    /// Whether the day's retries are used up, as far as the ledger can be read now; the reservation
    /// decides.
    async fn has_no_retries_left(&self) -> bool {
        let (credential, quota) = (self.lane.credential.clone(), self.lane.policy.quota);
        let ledger = self.pipeline.store.ledger(credential, quota).await;
        ledger.is_ok_and(|ledger| ledger.retries_today >= quota::RETRIES_PER_DAY)
    }

    /// Whether the shared budget allows a retry of this class; only failures draw on it.
    fn may_retry(&self, class: ErrorClass) -> bool {
        let is_failure = matches!(
            class,
            ErrorClass::Network | ErrorClass::Outage | ErrorClass::Unknown
        );
        self.budget.has_request() && (!is_failure || self.budget.take_retry())
    }

    /// One attempt at one page: at most one request. Returns the request for the next page.
    async fn attempt(
        &self,
        (reports, request): (&mut [SeriesReport], &Request),
        retry: u32,
        last: Option<&Refusal>,
        judging: Judging,
    ) -> Result<Option<Request>, Setback> {
        if !self.budget.take_request() {
            let spent = Setback::Withheld(Withheld::RunSpent);
            return Err(last.cloned().map_or(spent, Setback::Final));
        }
        let exchange = self.exchange();
        let patience = self.lane.policy.waits.cap;
        let reserved = exchange.reserve(request, retry + 1, patience).await;
        let ticket = reserved
            .inspect_err(|_| self.budget.put_request_back())
            .map_err(|withheld| match (withheld, last) {
                (Withheld::RetriesSpent, Some(last)) => {
                    Setback::Final(without_retries(last.clone()))
                }
                (withheld, _) => Setback::Withheld(withheld),
            })?;
        self.budget.count_sent();
        for report in reports.iter_mut() {
            report.attempts += 1;
            report.requests += 1;
            report.retries += u32::from(retry > 0);
        }
        (self.observer)(Event::Sending {
            series: request.filled().cloned().collect(),
            attempt: retry + 1,
        });
        let kept = match exchange.send(request, ticket).await? {
            Ok(kept) => kept,
            Err(unanswered) => return Err(self.setback(reports, unanswered, retry)),
        };
        match exchange.digest(&kept, judging).await? {
            Ok(digest) => {
                digest.add_to(reports);
                Ok(digest.next)
            }
            Err(refusal) => Err(Setback::Class(refusal)),
        }
    }

    /// What an unanswered request means; one that never left costs nothing.
    fn setback(&self, reports: &mut [SeriesReport], unanswered: Unanswered, retry: u32) -> Setback {
        let Unanswered {
            refusal,
            is_spent,
            is_passing,
        } = unanswered;
        if !is_spent {
            self.budget.put_request_back();
            self.budget.count_unsent();
            for report in reports {
                report.requests -= 1;
                report.retries -= u32::from(retry > 0);
            }
        }
        match refusal.class {
            ErrorClass::Cancelled if self.exchange().is_lost() => {
                Setback::Withheld(Withheld::LaneLost)
            }
            ErrorClass::Superseded => Setback::Withheld(Withheld::LaneLost),
            ErrorClass::Cancelled => Setback::Withheld(Withheld::Cancelled),
            _ if is_passing => Setback::Class(refusal),
            _ => Setback::Final(refusal),
        }
    }

    /// Puts a setback into the reports and says what it means for the other series.
    fn conclude(&self, reports: Vec<SeriesReport>, request: &Request, setback: Setback) -> Fetched {
        let refusal = match setback {
            Setback::Class(refusal) | Setback::Final(refusal) => refusal,
            Setback::Withheld(withheld) => return self.withheld(reports, withheld),
        };
        let mut lesson = Lesson::Nothing;
        let end = |report: SeriesReport| {
            let source = self.lane.source.as_ref();
            let (status, text, taught) = consequence(source, request, &report, &refusal);
            lesson = taught;
            report.with_error(status, refusal.class, text)
        };
        let reports = reports.into_iter().map(end).collect();
        Fetched { reports, lesson }
    }

    /// The same where nothing was sent.
    fn withheld(&self, reports: Vec<SeriesReport>, withheld: Withheld) -> Fetched {
        use ErrorClass::{Database, Day, Unknown};
        use SeriesStatus::{Failed, Refused};
        let stopped = |text: &str| {
            let (status, class) = (SeriesStatus::Cancelled, ErrorClass::Cancelled);
            (status, class, text.to_owned(), Lesson::Nothing)
        };
        let (status, class, text, lesson) = match withheld {
            Withheld::DaySpent(until) => {
                let text = explain::day(&until);
                (Refused, Day, text.clone(), Lesson::Stop(Day, text))
            }
            Withheld::RunSpent => {
                let lesson = Lesson::Stop(Day, START_SPENT.to_owned());
                (Refused, Day, not_asked(START_SPENT), lesson)
            }
            Withheld::RetriesSpent => (Failed, Unknown, RETRIES_SPENT.to_owned(), Lesson::Nothing),
            Withheld::Paused(class, text) => {
                (Failed, class, text.clone(), Lesson::Stop(class, text))
            }
            Withheld::LaneLost => {
                let (status, class) = (SeriesStatus::Interrupted, ErrorClass::Superseded);
                let lesson = Lesson::Stop(class, LANE_LOST.to_owned());
                (status, class, LANE_LOST.to_owned(), lesson)
            }
            Withheld::Cancelled => stopped("stopped on request; stored data is safe"),
            Withheld::Store(_) if self.cancel.is_cancelled() => stopped(
                "stopped on request while the store was away; the answer already paid for is kept",
            ),
            Withheld::Store(error) => {
                let text = error.to_string();
                (Failed, Database, text.clone(), Lesson::Stop(Database, text))
            }
        };
        let end = |report: SeriesReport| report.with_error(status, class, text.clone());
        let reports = reports.into_iter().map(end).collect();
        Fetched { reports, lesson }
    }

    fn exchange(&self) -> Exchange<'_> {
        Exchange {
            pipeline: &self.pipeline,
            lane: &self.lane,
            run: self.run,
            waiting: Waiting {
                cancel: &self.cancel,
                observer: &self.observer,
            },
            store: &self.store,
            hold: self.holds.of(self.lane.id()),
        }
    }
}

/// The bars that came so far.
fn offered(reports: &[SeriesReport]) -> u64 {
    let counts = reports.iter().map(|report| report.counts.offered());
    counts.map(u64::from).sum()
}

/// An answer without end: what came is stored, and nothing more is asked.
fn endless(why: &str) -> Refusal {
    let text = format!("the pages do not end: {why}; the bars that came are stored");
    Refusal::new(ErrorClass::Endless, text)
}

/// The same refusal, which is not tried again because the day's retries are used up.
fn without_retries(mut refusal: Refusal) -> Refusal {
    refusal.text.push_str("; ");
    refusal.text.push_str(RETRIES_SPENT);
    refusal
}
