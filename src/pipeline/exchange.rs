//! One request and its answer, in the one order that everything rests on: reserve, send once, keep,
//! read, settle.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::event::Event;
use super::explain;
use super::hold::{Holds, LaneHold};
use super::lane::Lane;
use super::persist::Waiting;
use super::run::Pipeline;
use super::source::{Pause, Refusal, SendError};
use crate::db::{DbError, DbErrorKind, KeptAnswer, RequestEnd, Reservation, Reserved, Store};
use crate::model::causes::Causes;
use crate::model::{Answer, ErrorClass, Request, RequestId, RunId};

/// How long a request in flight may continue after the run was stopped.
const GRACE: Duration = Duration::from_secs(3);
/// Why nothing is sent, where the provider counts.
const NOTHING_LEFT: &str = "the provider says that no requests are left";
/// An answer that has not reached the store after this long goes to disk.
const PROMPTLY: Duration = Duration::from_secs(1);

/// The requests of one lane in one run.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub pipeline: &'a Pipeline,
    pub lane: &'a Lane,
    pub run: RunId,
    pub waiting: Waiting<'a>,
    /// The store, under the lease of the lane if the schedule asks.
    pub store: &'a Arc<dyn Store>,
    /// That lane; `None`: a person asks.
    pub hold: Option<&'a LaneHold>,
}

/// How an answer is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judging {
    /// Whether a refusal that names the minute means the day.
    pub minute_means_day: bool,
    /// Whether nothing else is asked for the same series.
    pub is_last: bool,
}

/// A request that is in the ledger and may be sent, once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    id: RequestId,
    attempt: Uuid,
}

/// Why a request is not sent.
#[derive(Debug)]
pub(super) enum Withheld {
    /// The provider asked for a longer pause than anyone waits here; the sentence says until when.
    Paused(ErrorClass, String),
    /// The day's requests are used up; the words say until when.
    DaySpent(String),
    /// The day's retries are used up.
    RetriesSpent,
    /// The requests that this run may send are used up.
    RunSpent,
    /// Stopped.
    Cancelled,
    /// Another engine has the lane, or may have it.
    LaneLost,
    /// The store failed.
    Store(DbError),
}

impl From<DbError> for Withheld {
    fn from(error: DbError) -> Self {
        if error.kind == DbErrorKind::Superseded {
            return Self::LaneLost;
        }
        Self::Store(error)
    }
}

/// A request to which no usable answer came.
#[derive(Debug)]
pub(super) struct Unanswered {
    /// Why.
    pub refusal: Refusal,
    /// Whether it may have arrived, and so counts.
    pub is_spent: bool,
    /// Whether sending it again may help.
    pub is_passing: bool,
}

impl Exchange<'_> {
    /// Whether the schedule asks, and its lane is no longer known to be this engine's.
    pub fn is_lost(&self) -> bool {
        self.hold.is_some_and(|hold| !hold.is_good())
    }

    /// Records a request in the ledger, waiting as long as the pace requires, and at most `patience`
    /// for the end of a pause.
    pub async fn reserve(
        &self,
        request: &Request,
        attempt: u32,
        patience: Duration,
    ) -> Result<Ticket, Withheld> {
        let attempt_id = Uuid::new_v4();
        let wish = Reservation {
            attempt_id,
            run: self.run,
            request: request.clone(),
            credential: self.lane.credential.clone(),
            attempt,
            quota: self.lane.policy.quota,
        };
        loop {
            if self.is_lost() {
                return Err(Withheld::LaneLost);
            }
            if self.waiting.cancel.is_cancelled() {
                return Err(Withheld::Cancelled);
            }
            let pause = self.pause(patience)?;
            if !pause.is_zero() {
                sleep(pause, self.waiting.cancel).await?;
                continue;
            }
            let reserve = || self.store.reserve(wish.clone());
            match self.pipeline.write(self.waiting, reserve).await? {
                Reserved::Granted(id) => {
                    let attempt = attempt_id;
                    return Ok(Ticket { id, attempt });
                }
                Reserved::Wait(wait) => {
                    let wait_ms = wait.num_milliseconds();
                    tracing::debug!(source = %request.source, wait_ms, "waiting for the pace");
                    sleep(wait.to_std().unwrap_or_default(), self.waiting.cancel).await?;
                }
                Reserved::Held(wait) => {
                    let wait = wait.to_std().unwrap_or_default();
                    if wait > patience {
                        let until = self.pipeline.clock.now() + wait;
                        let zone = self.lane.policy.quota.zone;
                        let text = explain::paused(NOTHING_LEFT, until, zone);
                        return Err(Withheld::Paused(ErrorClass::Minute, text));
                    }
                    sleep(wait, self.waiting.cancel).await?;
                }
                Reserved::DaySpent(until) => {
                    let zone = self.lane.policy.quota.zone;
                    return Err(Withheld::DaySpent(explain::day_spent(until, zone)));
                }
                Reserved::RetriesSpent => return Err(Withheld::RetriesSpent),
            }
        }
    }

    /// The rest of a pause that the provider asked for, if it is no longer than `patience`.
    pub fn pause(&self, patience: Duration) -> Result<Duration, Withheld> {
        let Some(Pause { why, left }) = self.lane.source.pause() else {
            return Ok(Duration::ZERO);
        };
        if left <= patience {
            return Ok(left);
        }
        let until = self.pipeline.clock.now() + left;
        let zone = self.lane.policy.quota.zone;
        let text = explain::paused(&why.text, until, zone);
        Err(Withheld::Paused(why.class, text))
    }

    /// Sends a reserved request once, and keeps its answer before anything reads it.
    pub async fn send(
        &self,
        request: &Request,
        ticket: Ticket,
    ) -> Result<Result<KeptAnswer, Unanswered>, DbError> {
        // This process may have been frozen since it reserved.
        if self.is_lost() {
            let text = explain::LANE_LOST.to_owned();
            let end = RequestEnd::NotSent(text.clone());
            self.settle(ticket.id, end).await?;
            return Ok(Err(Unanswered {
                refusal: Refusal::new(ErrorClass::Superseded, text),
                is_spent: false,
                is_passing: false,
            }));
        }
        let answer = match self.sent(request, ticket.attempt).await {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => return Ok(Err(self.unanswered(ticket, error).await?)),
            None => {
                let text = "stopped while waiting for the answer";
                let refusal = Refusal::new(ErrorClass::Cancelled, text);
                return Ok(Err(self.failed(ticket, refusal, false).await?));
            }
        };
        self.pipeline
            .keep(ticket, &answer, (&request.subject(), self.waiting))
            .await?;
        let keep_pause = || self.pipeline.keep_pause(self.lane);
        self.pipeline.write(self.waiting, keep_pause).await?;
        Ok(Ok(KeptAnswer {
            id: ticket.id,
            run: self.run,
            request: request.clone(),
            answer,
            credential: self.lane.credential.clone(),
        }))
    }

    /// Sends; `None` if the run was stopped and no answer came within the grace period.
    async fn sent(&self, request: &Request, attempt: Uuid) -> Option<Result<Answer, SendError>> {
        let cancel = self.waiting.cancel;
        let grace_over = async {
            cancel.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        let Request {
            source,
            endpoint,
            parameters,
            page,
            ..
        } = request;
        tracing::debug!(%attempt, %source, endpoint, ?parameters, page, "sending a request");
        let sent = tokio::select! {
            sent = self.lane.source.send(request, attempt) => Some(sent),
            () = grace_over => None,
        };
        if let Some(Ok(answer)) = &sent {
            let (status, bytes) = (answer.status, answer.body.len());
            tracing::debug!(%attempt, status, bytes, elapsed_ms = answer.elapsed_ms, "answered");
        }
        sent
    }

    async fn unanswered(&self, ticket: Ticket, error: SendError) -> Result<Unanswered, DbError> {
        use ErrorClass::{Malformed, Network};
        let is_passing = matches!(error, SendError::NeverSent(_) | SendError::Broken(_));
        match error {
            SendError::NeverSent(text) | SendError::Untrusted(text) => {
                self.settle(ticket.id, RequestEnd::NotSent(text.clone()))
                    .await?;
                Ok(Unanswered {
                    refusal: Refusal::new(Network, text),
                    is_spent: false,
                    is_passing,
                })
            }
            SendError::Broken(text) | SendError::Redirected(text) => {
                self.failed(ticket, Refusal::new(Network, text), is_passing)
                    .await
            }
            SendError::TooLarge(text) => {
                self.failed(ticket, Refusal::new(Malformed, text), is_passing)
                    .await
            }
        }
    }

    async fn failed(
        &self,
        ticket: Ticket,
        refusal: Refusal,
        is_passing: bool,
    ) -> Result<Unanswered, DbError> {
        let end = RequestEnd::Failed(refusal.class, refusal.text.clone());
        self.settle(ticket.id, end).await?;
        Ok(Unanswered {
            refusal,
            is_spent: true,
            is_passing,
        })
    }

    /// Reads a kept answer, and settles its request if that is a refusal. Returns what was read and
    /// how many milliseconds it took.
    pub async fn read<T>(
        &self,
        kept: &KeptAnswer,
        read: impl FnOnce(&Request, &Answer) -> Result<T, Refusal>,
    ) -> Result<Result<(T, u32), Refusal>, DbError> {
        let began = Instant::now();
        let outcome = unbroken(|| read(&kept.request, &kept.answer));
        let took = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
        match outcome {
            Ok(content) => Ok(Ok((content, took))),
            Err(refusal) => {
                let end = RequestEnd::Refused(refusal.class, refusal.text.clone());
                self.settle(kept.id, end).await?;
                Ok(Err(refusal))
            }
        }
    }

    /// Records how a request ended that brought nothing to store.
    pub async fn settle(&self, request: RequestId, end: RequestEnd) -> Result<(), DbError> {
        let settle = || self.store.settle(request, end.clone());
        self.pipeline.write(self.waiting, settle).await
    }
}

/// Waits, unless stopped.
pub(super) async fn sleep(wait: Duration, cancel: &CancellationToken) -> Result<(), Withheld> {
    tokio::select! {
        () = tokio::time::sleep(wait) => Ok(()),
        () = cancel.cancelled() => Err(Withheld::Cancelled),
    }
}

/// Reads an answer; a reader that panics on it must not stop the other series of the run, nor every
/// later run that finds the kept answer.
fn unbroken<T>(read: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let text = "internal error while reading the answer; please report this";
        Err(Refusal::new(ErrorClass::Malformed, text))
    })
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

    /// Writes what became of a run, under the first of its leases that is still good. Where none is, nothing
    /// is written: the engines that have its lanes now mark it as interrupted once its lock is free.
    pub(super) async fn note<F: Future<Output = Result<(), DbError>>>(
        &self,
        waiting: Waiting<'_>,
        holds: &Holds,
        write: impl Fn(Arc<dyn Store>) -> F,
    ) -> Result<(), DbError> {
        if holds.is_empty() {
            return self.write(waiting, || write(Arc::clone(&self.store))).await;
        }
        for hold in holds.all() {
            let store = hold.store(&self.store);
            match self.write(waiting, || write(Arc::clone(&store))).await {
                Err(error) if error.kind == DbErrorKind::Superseded => {}
                written => return written,
            }
        }
        Ok(())
    }

    /// Keeps a paid-for answer: in the store, or on disk while the store is away.
    async fn keep(
        &self,
        ticket: Ticket,
        answer: &Answer,
        (what, waiting): (&str, Waiting<'_>),
    ) -> Result<(), DbError> {
        let Ticket { id, attempt } = ticket;
        let kept = self.store.keep(id, answer.clone(), self.answers_limit);
        if let Ok(Ok(())) = tokio::time::timeout(PROMPTLY, kept).await {
            return Ok(());
        }
        match self.persistence.spool.put(attempt, answer).await {
            Ok(()) => (waiting.observer)(Event::Spooled(what.to_owned())),
            Err(error) => {
                tracing::error!(error = %Causes(&error), "an answer waits for the store in memory only");
            }
        }
        self.move_in(id, attempt, answer, waiting).await
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
}
