//! A run: which series, which lane works for each, and how they ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::event::{Event, Observer, RunReport};
use super::freshness::is_recent;
use super::hold::Holds;
use super::lane::{Lane, LaneRun, Worked};
use super::learned::{Learned, Verdict};
use super::once::Once;
use super::persist::{Persistence, Waiting};
use super::recover::Unreadable;
use super::retry::{Allowance, Budget};
use super::riders::{Lacking, riders};
use super::source::{FetchOptions, Planned, Range, Refusal, Wish};
use crate::db::{DbError, Store};
use crate::model::calendar::Calendars;
use crate::model::quota::{Ledger, Quota};
use crate::model::run::run_status;
use crate::model::{
    ErrorClass, Fill, Request, RunId, SeriesKey, SeriesReport, SeriesStatus, SourceId,
};
use crate::time::Clock;

/// Everything a run works with.
#[derive(Debug)]
pub struct Pipeline {
    /// Where bars, runs and the ledger are.
    pub store: Arc<dyn Store>,
    /// The sources and their keys, the default first.
    pub lanes: Vec<Lane>,
    /// Bytes of answers that are kept.
    pub answers_limit: u64,
    /// How paid-for answers survive while the store is away.
    pub persistence: Persistence,
    /// When the exchanges of the series trade.
    pub calendars: Calendars,
    /// The clock.
    pub clock: Clock,
    /// Kept answers that no lane can read.
    pub unreadable: Unreadable,
    /// Whether stock was taken of bars that an older version stored.
    pub stocktaking: Once,
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
    /// Ask only for what is missing in this time; a series that lacks nothing costs no request.
    pub within: Option<Fill>,
}

/// The series of a run in their order, those that have ended with their reports.
#[derive(Default)]
struct Roll {
    series: Vec<SeriesKey>,
    reports: HashMap<SeriesKey, SeriesReport>,
}

/// What each lane is to ask, by its place among the lanes.
type Work = BTreeMap<usize, Vec<Request>>;

impl Pipeline {
    /// The lane of a source; `None`: this version does not know it.
    #[must_use]
    pub fn lane(&self, source: &SourceId) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.id() == source)
    }

    /// What is said of what the key of a source cannot be asked for.
    #[must_use]
    pub fn beyond(&self, source: &SourceId) -> String {
        let lane = self.lane(source);
        let words = lane.map(|lane| lane.source.describe().settings.words.beyond());
        words.unwrap_or_else(|| format!("is of the unknown source {source}"))
    }

    /// What each source may be sent.
    #[must_use]
    pub fn quotas(&self) -> Vec<(SourceId, Quota)> {
        let quota = |lane: &Lane| (lane.id().clone(), lane.policy.quota);
        self.lanes.iter().map(quota).collect()
    }

    /// The requests to each source.
    pub async fn ledgers(&self) -> Result<Vec<(SourceId, Ledger)>, DbError> {
        let mut ledgers = Vec::with_capacity(self.lanes.len());
        for lane in &self.lanes {
            let (credential, quota) = (lane.credential.clone(), lane.policy.quota);
            ledgers.push((
                lane.id().clone(),
                self.store.ledger(credential, quota).await?,
            ));
        }
        Ok(ledgers)
    }

    /// Requests that starts have sent since an instant to each source with a limited day.
    pub(super) async fn sent_by_starts(
        &self,
        triggers: &'static [&'static str],
        since: DateTime<Utc>,
    ) -> Result<BTreeMap<SourceId, u32>, DbError> {
        let mut all = BTreeMap::new();
        for lane in self
            .lanes
            .iter()
            .filter(|lane| lane.policy.quota.per_day().is_some())
        {
            let credential = lane.credential.clone();
            let sent = self.store.sent_since(credential, triggers, since).await?;
            all.insert(lane.id().clone(), sent);
        }
        Ok(all)
    }

    /// Runs once over the series of `request`. Errors are those of the store before any request;
    /// whatever goes wrong later is in the report.
    pub async fn run(
        self: &Arc<Self>,
        request: RunRequest,
        observer: Observer,
        cancel: CancellationToken,
    ) -> Result<RunReport, DbError> {
        let none = (&BTreeMap::new(), Holds::default());
        self.run_within(request, none, observer, cancel).await
    }

    /// The same with at most this many requests, retries included, to each of these sources, in these lanes;
    /// none: a person asks.
    pub async fn run_within(
        self: &Arc<Self>,
        request: RunRequest,
        (most_requests, holds): (&BTreeMap<SourceId, u32>, Holds),
        observer: Observer,
        cancel: CancellationToken,
    ) -> Result<RunReport, DbError> {
        let waiting = Waiting {
            cancel: &cancel,
            observer: &observer,
        };
        self.write(waiting, || self.recover(waiting)).await?;
        let learned = self.learned(&self.places()).await?;
        let missing = self.lacking(&request).await?;
        let (mut roll, mut work) = self.plan(&request, &missing, &learned);
        self.skip_fresh(&mut roll, &mut work, request.max_age)
            .await?;
        for (place, requests) in &mut work {
            if let Some(lane) = self.lanes.get(*place) {
                self.go_on(lane, requests).await?;
            }
        }
        for (place, requests) in &mut work {
            if let (Some(lane), Some(learned)) = (self.lanes.get(*place), learned.get(place)) {
                fall_back(lane, requests, learned);
            }
        }
        let begin = || self.store.begin_run(request.trigger, roll.series.clone());
        let active = self.write(waiting, begin).await?;
        observer(Event::Started {
            run: active.id,
            series: roll.series.len(),
        });
        let unasked = roll.unasked();
        let mut unrecorded = self
            .record_unasked((active.id, &holds), unasked, waiting)
            .await
            .err();
        let lane_run = |place: usize, requests: Vec<Request>| {
            let lane = self.lanes.get(place)?.clone();
            let series = requests.iter().map(|request| request.series.len()).sum();
            let most = most_requests.get(lane.id()).copied().map(Allowance::of);
            Some(LaneRun {
                pipeline: Arc::clone(self),
                run: active.id,
                requests,
                learned: learned.get(&place).cloned().unwrap_or_default(),
                budget: Arc::new(Budget::new(series, most)),
                cancel: holds
                    .of(lane.id())
                    .map_or_else(|| cancel.clone(), |hold| hold.cancel.clone()),
                holds: holds.clone(),
                observer: Arc::clone(&observer),
                lane,
            })
        };
        let lanes: Vec<LaneRun> = work
            .into_iter()
            .filter_map(|(place, requests)| lane_run(place, requests))
            .collect();
        let budgets: Vec<Arc<Budget>> = lanes.iter().map(|lane| Arc::clone(&lane.budget)).collect();
        let (reports, recorded) = side_by_side(lanes).await;
        let requests = budgets.iter().map(|budget| budget.sent()).sum();
        let series = roll.ended_with(reports);
        let status = run_status(&series);
        let run = active.id;
        let finish = |store: Arc<dyn Store>| async move { store.finish_run(run, status).await };
        let finished = self.note(waiting, &holds, finish).await;
        unrecorded = recorded.err().or(finished.err()).or(unrecorded);
        self.ask_for_lists(&series, waiting, &holds).await;
        Ok(RunReport {
            run: active.id,
            status,
            series,
            requests,
            unrecorded,
        })
    }

    /// The series that is fetched for a watched one.
    #[must_use]
    pub fn stored_as(&self, series: &SeriesKey) -> SeriesKey {
        let lane = self.lane(&series.source);
        lane.map_or_else(|| series.clone(), |lane| lane.source.stored_as(series))
    }

    /// For each series, why it cannot be fetched, if known without a request.
    pub async fn parked(
        &self,
        series: &[SeriesKey],
    ) -> Result<Vec<Option<(ErrorClass, String)>>, DbError> {
        let learned = self.learned(&self.places()).await?;
        let reason = |series: &SeriesKey| {
            let place = self
                .lanes
                .iter()
                .position(|lane| *lane.id() == series.source);
            let planned = self.asked_of(place, vec![Wish::newest(series.clone())], &learned);
            if let Some((_, refusal)) = planned.refused.into_iter().next() {
                return Some((refusal.class, refusal.text));
            }
            let request = planned.requests.first()?;
            match learned.get(&place?)?.verdict(request, &BTreeSet::new()) {
                Verdict::Refuse(class, text) => Some((class, text)),
                Verdict::Go | Verdict::Wait => None,
            }
        };
        Ok(series.iter().map(reason).collect())
    }

    /// Whether any of these series can be fetched with these options; otherwise why not.
    pub fn can_ask(&self, request: &RunRequest) -> Result<(), String> {
        let (roll, work) = self.plan(request, &HashMap::new(), &BTreeMap::new());
        if !work.is_empty() {
            return Ok(());
        }
        let mut errors = roll
            .series
            .iter()
            .filter_map(|key| roll.reports.get(key)?.error.as_ref());
        match errors
            .clone()
            .find(|error| error.class != ErrorClass::BadRequest)
        {
            Some(_) => Ok(()),
            None => errors
                .next_back()
                .map_or(Ok(()), |error| Err(error.message.clone())),
        }
    }

    /// The places of all lanes.
    fn places(&self) -> Vec<usize> {
        (0..self.lanes.len()).collect()
    }

    /// What the plans of the keys are known to include, for the lanes at these places; their sources
    /// know it then, too.
    async fn learned(
        &self,
        places: impl IntoIterator<Item = &usize>,
    ) -> Result<BTreeMap<usize, Learned>, DbError> {
        let mut learned = BTreeMap::new();
        for place in places {
            if let Some(lane) = self.lanes.get(*place) {
                let known = self.store.entitlements(lane.credential.clone()).await?;
                lane.source.know(&known);
                learned.insert(*place, Learned::new(known));
            }
        }
        Ok(learned)
    }

    /// Turns series into requests for each lane. What cannot be requested is refused here, without
    /// sending anything.
    fn plan(
        &self,
        request: &RunRequest,
        lacking: &HashMap<SeriesKey, Lacking>,
        learned: &BTreeMap<usize, Learned>,
    ) -> (Roll, Work) {
        let mut wishes: BTreeMap<Option<usize>, Vec<Wish>> = BTreeMap::new();
        let mut roll = Roll::default();
        for wanted in &request.series {
            let key = self.stored_as(wanted);
            if roll.series.contains(&key) {
                continue;
            }
            let place = self.lanes.iter().position(|lane| *lane.id() == key.source);
            let mut wish = request.options.wish(&key);
            if let Some(Lacking {
                wanted: missing, ..
            }) = lacking.get(&self.kept_as(wanted))
            {
                if missing.is_empty() && request.within.is_some() {
                    let report = SeriesReport::new(key.clone(), SeriesStatus::Skipped);
                    roll.reports.insert(key.clone(), report);
                    roll.series.push(key);
                    continue;
                }
                wish.range = Range::Missing(missing.clone());
            }
            wishes.entry(place).or_default().push(wish);
            roll.series.push(key);
        }
        let mut work = Work::new();
        for (place, wishes) in wishes {
            let planned = self.with_riders(place, wishes, lacking, learned);
            for (series, refusal) in planned.refused {
                let report = refused(&series, refusal);
                roll.reports.insert(series, report);
            }
            if let Some(place) = place.filter(|_| !planned.requests.is_empty()) {
                work.insert(place, planned.requests);
            }
        }
        (roll, work)
    }

    /// What is asked of the lane at a place, where series that ride along with others ask for nothing.
    fn with_riders(
        &self,
        place: Option<usize>,
        wishes: Vec<Wish>,
        lacking: &HashMap<SeriesKey, Lacking>,
        learned: &BTreeMap<usize, Learned>,
    ) -> Planned {
        let known = wishes.iter().filter_map(|wish| {
            let lacking = lacking.get(&self.kept_as(&wish.series))?;
            Some((&wish.series, lacking))
        });
        let riding = riders(known, |source, finer, coarser| {
            self.rolls_up(source, finer, coarser)
        });
        let (with, asked): (Vec<Wish>, Vec<Wish>) = wishes
            .into_iter()
            .partition(|wish| riding.contains_key(&wish.series));
        let mut planned = self.asked_of(place, asked, learned);
        let mut alone = vec![];
        for wish in with {
            let base = riding.get(&wish.series);
            let carries = |request: &Request| request.series.iter().any(|key| Some(key) == base);
            let carrying = planned.requests.iter().filter(|request| carries(request));
            let pages: Vec<u32> = carrying.map(|request| self.pages(request)).collect();
            if pages.is_empty() || pages.iter().any(|pages| *pages > 1) {
                alone.push(wish);
                continue;
            }
            let carrying = planned.requests.iter_mut();
            for request in carrying.filter(|request| carries(request)) {
                request.riders.push(wish.series.clone());
            }
        }
        // What its base cannot be asked for, or not in one page, it is asked for itself.
        if !alone.is_empty() {
            let more = self.asked_of(place, alone, learned);
            planned.requests.extend(more.requests);
            planned.refused.extend(more.refused);
        }
        planned
    }

    /// The most pages that the answer to a request can have.
    fn pages(&self, request: &Request) -> u32 {
        let lane = self.lane(&request.source);
        lane.map_or(1, |lane| lane.source.pages(request))
    }

    /// What is asked of the lane at a place; `None` is a source that this version does not know.
    fn asked_of(
        &self,
        place: Option<usize>,
        mut wishes: Vec<Wish>,
        learned: &BTreeMap<usize, Learned>,
    ) -> Planned {
        let Some((place, lane)) = place.and_then(|at| Some((at, self.lanes.get(at)?))) else {
            return Planned::each(&wishes, |wish| {
                let text = format!(
                    "this version does not know the source {}; the series stays as it is",
                    wish.series.source
                );
                Err(Refusal::new(ErrorClass::BadRequest, text))
            });
        };
        let unaccepted = |wish: &Wish| learned.get(&place)?.unaccepted(&wish.series.symbol);
        let without = wishes
            .extract_if(.., |wish| unaccepted(wish).is_some())
            .filter_map(|wish| unaccepted(&wish).map(|refusal| (wish.series, refusal)));
        let refused: Vec<(SeriesKey, Refusal)> = without.collect();
        let mut planned = lane.plan(&wishes);
        planned.refused.extend(refused);
        planned
    }

    /// Leaves out requests of which every series is fresh.
    async fn skip_fresh(
        &self,
        roll: &mut Roll,
        work: &mut Work,
        max_age: Option<TimeDelta>,
    ) -> Result<(), DbError> {
        let Some(max_age) = max_age else {
            return Ok(());
        };
        let now = self.clock.now();
        let mut fresh = BTreeSet::new();
        for series in work.values().flatten().flat_map(|request| &request.series) {
            let fetched = self.store.last_fetch(series.clone()).await?;
            if fetched.is_some_and(|at| is_recent(at, max_age, now)) {
                fresh.insert(series.clone());
            }
        }
        for requests in work.values_mut() {
            requests.retain(|request| {
                let is_wanted = request.series.iter().any(|series| !fresh.contains(series));
                if !is_wanted {
                    for series in request.filled() {
                        let report = SeriesReport::new(series.clone(), SeriesStatus::Skipped);
                        roll.reports.insert(series.clone(), report);
                    }
                }
                is_wanted
            });
        }
        work.retain(|_, requests| !requests.is_empty());
        Ok(())
    }

    /// Records series that ended without a request, each with its reason: a shared reason is
    /// reported once.
    pub(super) async fn record_unasked(
        &self,
        (run, holds): (RunId, &Holds),
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
                self.write_down((run, holds), report, waiting).await?;
            }
        }
        Ok(())
    }

    /// Records how a series ended; one that succeeded was recorded with its bars.
    pub(super) async fn write_down(
        &self,
        of: (RunId, &Holds),
        report: &SeriesReport,
        waiting: Waiting<'_>,
    ) -> Result<(), DbError> {
        if report.status == SeriesStatus::Succeeded {
            return Ok(());
        }
        self.finish_series(of, report, waiting).await
    }

    /// Records how a series ended.
    pub(super) async fn finish_series(
        &self,
        (run, holds): (RunId, &Holds),
        report: &SeriesReport,
        waiting: Waiting<'_>,
    ) -> Result<(), DbError> {
        let finish = |store: Arc<dyn Store>| {
            let report = report.clone();
            async move { store.finish_series(run, report).await }
        };
        self.note(waiting, holds, finish).await
    }
}

impl Roll {
    /// The series that have ended already, each with the reason.
    fn unasked(&self) -> Vec<(String, SeriesReport)> {
        let ended = self
            .series
            .iter()
            .filter_map(|series| self.reports.get(series));
        let reason = |report: &SeriesReport| {
            let error = report.error.as_ref();
            let why = error.map_or_else(String::new, |error| error.message.clone());
            (why, report.clone())
        };
        ended.map(reason).collect()
    }

    /// All reports, in the order of the series.
    fn ended_with(mut self, reports: Vec<SeriesReport>) -> Vec<SeriesReport> {
        let ended = reports
            .into_iter()
            .map(|report| (report.series.clone(), report));
        self.reports.extend(ended);
        let reports = &mut self.reports;
        self.series
            .iter()
            .filter_map(|series| reports.remove(series))
            .collect()
    }
}

/// Where the plan does not include the older bars of a series, its newest are asked for.
fn fall_back(lane: &Lane, requests: &mut Vec<Request>, learned: &Learned) {
    let mut left = Vec::with_capacity(requests.len());
    for chain in requests.chunk_by(|one, next| one.series == next.series) {
        let can_be_sent =
            |request: &&Request| learned.verdict(request, &BTreeSet::new()) == Verdict::Go;
        let some: Vec<Request> = chain.iter().filter(can_be_sent).cloned().collect();
        if !some.is_empty() || chain.iter().all(Request::is_about_symbols) {
            left.extend(some);
            continue;
        }
        let series = chain.iter().take(1).flat_map(|first| first.series.clone());
        let newest: Vec<Wish> = series.map(Wish::newest).collect();
        let mut instead = lane.plan(&newest).requests;
        let riders = chain.iter().take(1).flat_map(|first| &first.riders);
        for request in &mut instead {
            request.riders = riders.clone().cloned().collect();
        }
        // Where even the newest are not included, the refusal says so.
        let is_included = instead.iter().all(|request| can_be_sent(&request));
        left.extend(if is_included { instead } else { chain.to_vec() });
    }
    *requests = left;
}

/// Lets every lane work by itself, and waits for all.
async fn side_by_side(lanes: impl IntoIterator<Item = LaneRun>) -> Worked {
    let mut lanes: JoinSet<Worked> = lanes.into_iter().map(LaneRun::run).collect();
    let (mut reports, mut recorded) = (vec![], Ok(()));
    while let Some(ended) = lanes.join_next().await {
        match ended {
            Ok((ended, outcome)) => {
                reports.extend(ended);
                recorded = recorded.and(outcome);
            }
            Err(crashed) => std::panic::resume_unwind(crashed.into_panic()),
        }
    }
    (reports, recorded)
}

/// A series that was refused before anything was sent.
fn refused(series: &SeriesKey, refusal: Refusal) -> SeriesReport {
    let status = match refusal.class {
        ErrorClass::BadRequest => SeriesStatus::Failed,
        _ => SeriesStatus::Refused,
    };
    SeriesReport::new(series.clone(), status).with_error(status, refusal.class, refusal.text)
}
