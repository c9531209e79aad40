//! One series: reserve, send once, keep, read, store in one transaction, and retry where that helps.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::event::{Event, Observer};
use super::explain::{DAY_TURNS, START_SPENT, day_spent, not_asked, paused, sentence};
use super::learned::Lesson;
use super::persist::Waiting;
use super::retry::Budget;
use super::run::Pipeline;
use super::source::{Pause, Refusal, SendError};
use crate::db::{DbError, Entitlement, KeptAnswer, RequestEnd, Reservation, Reserved};
use crate::model::causes::Causes;
use crate::model::{
    Answer, Ask, Batch, ErrorClass, RequestId, RunId, SeriesReport, SeriesStatus, quota,
};

/// How long a request in flight may continue after the run was stopped.
const GRACE: Duration = Duration::from_secs(3);
/// The older free plan had one text for its minute and day limits: after this many in a row it
/// means the day.
const AMBIGUOUS_MINUTES: u32 = 2;
/// An answer that has not reached the store after this long goes to disk.
const PROMPTLY: Duration = Duration::from_secs(1);

/// What a series of a run needs.
pub(super) struct Job {
    pub pipeline: Arc<Pipeline>,
    pub run: RunId,
    pub ask: Ask,
    pub cancel: CancellationToken,
    pub observer: Observer,
    /// What all series of the run have left together.
    pub budget: Arc<Budget>,
}

/// How a series ended, and what that teaches.
pub(super) struct JobEnd {
    pub report: SeriesReport,
    pub lesson: Lesson,
}

/// Why one attempt did not end in stored bars.
enum Setback {
    /// Classified by the provider or by the connection.
    Class(Refusal),
    /// The same, if a retry would not help.
    Final(Refusal),
    /// The day's requests are used up; the sentence says until when.
    DaySpent(String),
    /// The provider asked for a longer pause than a run waits; the sentence says until when.
    Paused(ErrorClass, String),
    /// The requests that this run may send are used up.
    RunSpent,
    /// Stopped.
    Cancelled,
    /// The store failed.
    Store(DbError),
}

impl From<DbError> for Setback {
    fn from(error: DbError) -> Self {
        Self::Store(error)
    }
}

impl Job {
    pub async fn run(self) -> JobEnd {
        let mut report = SeriesReport::new(self.ask.series.clone(), SeriesStatus::Running);
        match self.until_stored(&mut report).await {
            Ok(()) => JobEnd {
                report,
                lesson: Lesson::Granted(self.ask.function().to_owned()),
            },
            Err(setback) => self.conclude(report, setback),
        }
    }

    /// Attempts and waits, as long as the class of each setback allows a retry.
    async fn until_stored(&self, report: &mut SeriesReport) -> Result<(), Setback> {
        let day_is_limited = self.pipeline.limits.per_day.is_some();
        let (mut minutes_in_a_row, mut last) = (0_u32, None);
        loop {
            let retry = report.attempts;
            let minute_means_day = day_is_limited && minutes_in_a_row >= AMBIGUOUS_MINUTES;
            let refusal = match self.attempt(report, last.as_ref(), minute_means_day).await {
                Err(Setback::Class(refusal)) => refusal,
                ended => return ended,
            };
            let class = refusal.class;
            let is_minute = class == ErrorClass::Minute;
            minutes_in_a_row = if is_minute { minutes_in_a_row + 1 } else { 0 };
            let wait = self.pipeline.waits.before(class, retry, fastrand::f64());
            let Some(wait) = wait.filter(|_| self.may_retry(class)) else {
                return Err(Setback::Final(refusal));
            };
            if day_is_limited && self.has_no_retries_left().await {
                return Err(Setback::Final(without_retries(refusal)));
            }
            let wait = wait.max(self.pause()?);
            (self.observer)(Event::Retrying {
                series: self.ask.series.clone(),
                class,
                said: refusal.text.clone(),
                attempt: retry + 2,
                wait,
            });
            last = Some(refusal);
            self.sleep(wait).await?;
        }
    }

    /// Whether the day's retries are used up, as far as the ledger can be read now; the reservation
    /// decides.
    async fn has_no_retries_left(&self) -> bool {
        let pipeline = &self.pipeline;
        let ledger = pipeline.store.ledger(pipeline.credential.clone()).await;
        ledger.is_ok_and(|ledger| ledger.retries_today >= quota::RETRIES_PER_DAY)
    }

    /// The rest of a pause that the provider asked for, if a run can wait that long.
    fn pause(&self) -> Result<Duration, Setback> {
        let Some(Pause { why, left }) = self.pipeline.source.pause() else {
            return Ok(Duration::ZERO);
        };
        if left <= self.pipeline.waits.cap {
            return Ok(left);
        }
        let until = self.pipeline.clock.now() + left;
        Err(Setback::Paused(why.class, paused(&why.text, until)))
    }

    /// Whether the run's shared budget allows a retry of this class; only failures draw on it.
    fn may_retry(&self, class: ErrorClass) -> bool {
        let is_failure = matches!(
            class,
            ErrorClass::Network | ErrorClass::Outage | ErrorClass::Unknown
        );
        self.budget.has_request() && (!is_failure || self.budget.take_retry())
    }

    /// Puts a setback into the report and says what it means for the other series.
    fn conclude(&self, report: SeriesReport, setback: Setback) -> JobEnd {
        let (status, class, text, lesson) = match setback {
            Setback::Class(refusal) | Setback::Final(refusal) => {
                let said = match refusal.class {
                    ErrorClass::Day => DAY_TURNS,
                    _ => &refusal.text,
                };
                let text = sentence(refusal.class, &self.ask, said);
                let (status, lesson) = consequence(&self.ask, &refusal, &text);
                (status, refusal.class, text, lesson)
            }
            Setback::DaySpent(until) => {
                let text = sentence(ErrorClass::Day, &self.ask, &until);
                let lesson = Lesson::Stop(ErrorClass::Day, text.clone());
                (SeriesStatus::Refused, ErrorClass::Day, text, lesson)
            }
            Setback::RunSpent => {
                let lesson = Lesson::Stop(ErrorClass::Day, START_SPENT.to_owned());
                let text = not_asked(START_SPENT);
                (SeriesStatus::Refused, ErrorClass::Day, text, lesson)
            }
            Setback::Paused(class, text) => {
                let lesson = Lesson::Stop(class, text.clone());
                (SeriesStatus::Failed, class, text, lesson)
            }
            Setback::Cancelled => {
                let text = "stopped on request; stored data is safe".to_owned();
                (
                    SeriesStatus::Cancelled,
                    ErrorClass::Cancelled,
                    text,
                    Lesson::Nothing,
                )
            }
            Setback::Store(_) if self.cancel.is_cancelled() => {
                let text = "stopped on request while the store was away; the answer already paid for is kept"
                    .to_owned();
                (
                    SeriesStatus::Cancelled,
                    ErrorClass::Cancelled,
                    text,
                    Lesson::Nothing,
                )
            }
            Setback::Store(error) => {
                let text = error.to_string();
                let lesson = Lesson::Stop(ErrorClass::Database, text.clone());
                (SeriesStatus::Failed, ErrorClass::Database, text, lesson)
            }
        };
        JobEnd {
            report: report.with_error(status, class, text),
            lesson,
        }
    }

    /// One attempt: at most one request.
    async fn attempt(
        &self,
        report: &mut SeriesReport,
        last: Option<&Refusal>,
        minute_means_day: bool,
    ) -> Result<(), Setback> {
        let attempt_id = Uuid::new_v4();
        if !self.budget.take_request() {
            return Err(last.cloned().map_or(Setback::RunSpent, Setback::Final));
        }
        let reserved = self.reserve(attempt_id, report.requests + 1, last).await;
        let request = reserved.inspect_err(|_| self.budget.put_request_back())?;
        report.attempts += 1;
        report.requests += 1;
        (self.observer)(Event::Sending {
            series: self.ask.series.clone(),
            attempt: report.attempts,
        });
        let (pipeline, waiting) = (&self.pipeline, self.waiting());
        let answer = match send(pipeline, &self.ask.query, attempt_id, &self.cancel).await {
            Some(Ok(answer)) => answer,
            Some(Err(SendError::NeverSent(text))) => {
                return Err(Setback::Class(self.unsent(request, report, text).await?));
            }
            Some(Err(SendError::Untrusted(text))) => {
                return Err(Setback::Final(self.unsent(request, report, text).await?));
            }
            Some(Err(SendError::Broken(text))) => {
                return Err(Setback::Class(
                    self.failed(request, ErrorClass::Network, text).await?,
                ));
            }
            Some(Err(SendError::Redirected(text))) => {
                return Err(Setback::Final(
                    self.failed(request, ErrorClass::Network, text).await?,
                ));
            }
            Some(Err(SendError::TooLarge(text))) => {
                return Err(Setback::Final(
                    self.failed(request, ErrorClass::Malformed, text).await?,
                ));
            }
            None => {
                let text = "stopped while waiting for the answer".to_owned();
                self.failed(request, ErrorClass::Cancelled, text).await?;
                return Err(Setback::Cancelled);
            }
        };
        let what = self.ask.series.to_string();
        pipeline
            .keep(request, attempt_id, &answer, (&what, waiting))
            .await?;
        let kept = KeptAnswer {
            request,
            run: self.run,
            ask: self.ask.clone().into(),
            answer,
            credential: pipeline.credential.clone(),
        };
        match pipeline
            .digest(&kept, &self.ask, minute_means_day, waiting)
            .await?
        {
            Ok(stored) => {
                *report = SeriesReport {
                    attempts: report.attempts,
                    requests: report.requests,
                    ..stored
                };
                Ok(())
            }
            Err(refusal) => Err(Setback::Class(refusal)),
        }
    }

    /// Nothing was sent: the request costs nothing.
    async fn unsent(
        &self,
        request: RequestId,
        report: &mut SeriesReport,
        text: String,
    ) -> Result<Refusal, DbError> {
        let end = RequestEnd::NotSent(text.clone());
        let settle = || self.pipeline.store.settle(request, end.clone());
        self.pipeline.write(self.waiting(), settle).await?;
        report.requests -= 1;
        self.budget.put_request_back();
        Ok(Refusal::new(ErrorClass::Network, text))
    }

    async fn failed(
        &self,
        request: RequestId,
        class: ErrorClass,
        text: String,
    ) -> Result<Refusal, DbError> {
        let end = RequestEnd::Failed(class, text.clone());
        let settle = || self.pipeline.store.settle(request, end.clone());
        self.pipeline.write(self.waiting(), settle).await?;
        Ok(Refusal::new(class, text))
    }

    const fn waiting(&self) -> Waiting<'_> {
        Waiting {
            cancel: &self.cancel,
            observer: &self.observer,
        }
    }

    /// Records the request in the ledger, waiting as long as the pace requires.
    async fn reserve(
        &self,
        attempt_id: Uuid,
        attempt: u32,
        last: Option<&Refusal>,
    ) -> Result<RequestId, Setback> {
        let pipeline = &self.pipeline;
        loop {
            if self.cancel.is_cancelled() {
                return Err(Setback::Cancelled);
            }
            let pause = self.pause()?;
            if !pause.is_zero() {
                self.sleep(pause).await?;
                continue;
            }
            let wish = Reservation {
                attempt_id,
                run: self.run,
                ask: self.ask.clone().into(),
                credential: pipeline.credential.clone(),
                attempt,
                limits: pipeline.limits,
            };
            let reserve = || pipeline.store.reserve(wish.clone());
            match pipeline.write(self.waiting(), reserve).await? {
                Reserved::Granted(id) => return Ok(id),
                Reserved::Wait(wait) => {
                    tracing::debug!(
                        wait_ms = wait.num_milliseconds(),
                        "waiting for the plan's pace"
                    );
                    self.sleep(wait.to_std().unwrap_or_default()).await?;
                }
                Reserved::DaySpent(until) => return Err(Setback::DaySpent(day_spent(until))),
                Reserved::RetriesSpent => {
                    let refusal = last
                        .cloned()
                        .unwrap_or_else(|| Refusal::new(ErrorClass::Unknown, ""));
                    let refusal = without_retries(refusal);
                    return Err(Setback::Final(refusal));
                }
            }
        }
    }

    async fn sleep(&self, wait: Duration) -> Result<(), Setback> {
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.cancel.cancelled() => Err(Setback::Cancelled),
        }
    }
}

/// Sends; `None` if the run was stopped and no answer came within the grace period.
pub(super) async fn send(
    pipeline: &Pipeline,
    query: &[(String, String)],
    attempt_id: Uuid,
    cancel: &CancellationToken,
) -> Option<Result<Answer, SendError>> {
    let grace_over = async {
        cancel.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tracing::debug!(attempt = %attempt_id, ?query, "sending a request");
    let sent = tokio::select! {
        sent = pipeline.source.send(query, attempt_id) => Some(sent),
        () = grace_over => None,
    };
    if let Some(Ok(answer)) = &sent {
        let (status, bytes) = (answer.status, answer.body.len());
        tracing::debug!(attempt = %attempt_id, status, bytes, elapsed_ms = answer.elapsed_ms, "answered");
    }
    sent
}

/// The same refusal, which is not tried again because the day's retries are used up.
fn without_retries(mut refusal: Refusal) -> Refusal {
    refusal.text.push_str("; today's retries are used up");
    refusal
}

/// How a refused series ends, and what its refusal teaches about the others.
pub(super) fn consequence(ask: &Ask, refusal: &Refusal, text: &str) -> (SeriesStatus, Lesson) {
    match refusal.class {
        ErrorClass::NotEntitled => {
            let refused = Entitlement {
                function: ask.function().to_owned(),
                parameter: refusal.parameter.clone().unwrap_or_default(),
                granted: false,
                message: Some(text.to_owned()),
            };
            (SeriesStatus::Refused, Lesson::Refused(refused))
        }
        class @ (ErrorClass::BadKey | ErrorClass::Day | ErrorClass::Blocked) => {
            (SeriesStatus::Refused, Lesson::Stop(class, text.to_owned()))
        }
        class @ (ErrorClass::Outage | ErrorClass::Network) => {
            (SeriesStatus::Failed, Lesson::Down(class, text.to_owned()))
        }
        ErrorClass::DemoKey => (SeriesStatus::Refused, Lesson::Nothing),
        _ => (SeriesStatus::Failed, Lesson::Nothing),
    }
}

impl Pipeline {
    /// Writes, even if the store is away for long.
    pub(super) async fn write<T, F: Future<Output = Result<T, DbError>>>(
        &self,
        waiting: Waiting<'_>,
        write: impl FnMut() -> F,
    ) -> Result<T, DbError> {
        self.persistence.write(waiting, write).await
    }

    /// Keeps a paid-for answer: in the store, or on disk while the store is away.
    pub(super) async fn keep(
        &self,
        request: RequestId,
        attempt: Uuid,
        answer: &Answer,
        (what, waiting): (&str, Waiting<'_>),
    ) -> Result<(), DbError> {
        let kept = self.store.keep(request, answer.clone(), self.answers_limit);
        if let Ok(Ok(())) = tokio::time::timeout(PROMPTLY, kept).await {
            return Ok(());
        }
        match self.persistence.spool.put(attempt, answer).await {
            Ok(()) => (waiting.observer)(Event::Spooled(what.to_owned())),
            Err(error) => {
                tracing::error!(error = %Causes(&error), "an answer waits for the store in memory only");
            }
        }
        self.move_in(request, attempt, answer, waiting).await
    }

    /// Moves an answer from the disk into the store.
    pub(super) async fn move_in(
        &self,
        request: RequestId,
        attempt: Uuid,
        answer: &Answer,
        waiting: Waiting<'_>,
    ) -> Result<(), DbError> {
        let keep = || self.store.keep(request, answer.clone(), self.answers_limit);
        self.write(waiting, keep).await?;
        let removed = self.persistence.spool.remove(attempt).await;
        removed.unwrap_or_else(|error| {
            tracing::warn!(error = %Causes(&error), "an answer that is in the store could not be removed from disk");
        });
        Ok(())
    }

    /// Reads a kept answer and stores what it holds; used by the run that requested it and by the
    /// next start after a crash.
    pub(super) async fn digest(
        &self,
        kept: &KeptAnswer,
        ask: &Ask,
        minute_means_day: bool,
        waiting: Waiting<'_>,
    ) -> Result<Result<SeriesReport, Refusal>, DbError> {
        let KeptAnswer {
            request,
            run,
            answer,
            credential,
            ..
        } = kept;
        let began = Instant::now();
        let read = unbroken(|| self.source.read(ask, answer));
        let parse_ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
        let reading = match read {
            Ok(reading) => reading,
            Err(mut refusal) => {
                if minute_means_day && refusal.class == ErrorClass::Minute {
                    refusal.class = ErrorClass::Day;
                }
                let end = RequestEnd::Refused(refusal.class, refusal.text.clone());
                self.write(waiting, || self.store.settle(*request, end.clone()))
                    .await?;
                return Ok(Err(refusal));
            }
        };
        let mut report = SeriesReport::new(ask.series.clone(), SeriesStatus::Succeeded);
        report.received = reading.received;
        report.rounded = reading.rounded;
        report.set_aside = reading.set_aside;
        report.rejected = reading
            .received
            .saturating_sub(u32::try_from(reading.bars.len()).unwrap_or(u32::MAX));
        report.first = reading.bars.first().map(|bar| bar.timestamp);
        report.last = reading.bars.last().map(|bar| bar.timestamp);
        let batch = Batch {
            request: *request,
            run: *run,
            series: ask.series.clone(),
            bars: reading.bars,
            rejected: reading.rejected,
            received: reading.received,
            rounded: reading.rounded,
            set_aside: reading.set_aside,
            parse_ms,
        };
        let apply = || self.store.apply(batch.clone(), credential.clone());
        report.counts = self.write(waiting, apply).await?;
        Ok(Ok(report))
    }
}

/// Reads an answer; a reader that panics on it must not stop the other series of the run, nor every
/// later run that finds the kept answer.
pub(super) fn unbroken<T>(read: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let text = "internal error while reading the answer; please report this";
        Err(Refusal::new(ErrorClass::Malformed, text))
    })
}
