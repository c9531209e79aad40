//! Requests about symbols, each in the same order of work as every other request.
//!
//! Such a request is a run without series. It is not retried: the person at the screen can send it
//! again.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::event::Observer;
use super::explain::{self, DAY_TURNS, day_spent};
use super::job::{self, unbroken};
use super::persist::Waiting;
use super::run::Pipeline;
use super::source::{Pause, Refusal, SendError, SymbolReading, SymbolWish};
use crate::db::{DbError, KeptAnswer, RequestEnd, Reservation, Reserved};
use crate::model::{Answer, ErrorClass, Listing, Question, RequestId, RunId, RunStatus, SymbolAsk};

/// The result of a symbol request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Symbols {
    /// The list, which is now stored, and when the provider sent it.
    Listed(DateTime<Utc>, Vec<Listing>),
    /// The matches of a search, best first.
    Found(Vec<Listing>),
}

/// Why it failed: the class, and a sentence for people.
pub type Problem = (ErrorClass, String);

/// The name under which the store remembers when the list was sent.
const LISTINGS_AT: &str = "listings_at";

impl Pipeline {
    /// Sends a symbol request, or none if it is known to be useless. Errors come from the store.
    pub async fn symbols(
        &self,
        wish: &SymbolWish,
        cancel: CancellationToken,
    ) -> Result<Result<Symbols, Problem>, DbError> {
        let ask = match self.source.ask_symbols(wish) {
            Ok(ask) => ask,
            Err(refusal) => return Ok(Err((refusal.class, refusal.text))),
        };
        let silent: Observer = Arc::new(|_| {});
        let waiting = Waiting {
            cancel: &cancel,
            observer: &silent,
        };
        if let Some(recovered) = self.recovered_list(wish, waiting).await? {
            return Ok(Ok(recovered));
        }
        let trigger = match wish {
            SymbolWish::List => "listing",
            SymbolWish::Search(_) => "search",
        };
        let begin = || self.store.begin_run(trigger, vec![]);
        let active = self.write(waiting, begin).await?;
        let outcome = self.ask_once(active.id, &ask, waiting).await;
        let status = match &outcome {
            Ok(Ok(_)) => RunStatus::Succeeded,
            Ok(Err((ErrorClass::Cancelled, _))) => RunStatus::Cancelled,
            _ => RunStatus::Failed,
        };
        let finish = || self.store.finish_run(active.id, status);
        let finished = self.write(waiting, finish).await;
        let outcome = outcome?;
        finished?;
        Ok(outcome)
    }

    /// The first thing every run does; it may recover the very list that is wanted.
    async fn recovered_list(
        &self,
        wish: &SymbolWish,
        waiting: Waiting<'_>,
    ) -> Result<Option<Symbols>, DbError> {
        let before = self.store.setting(LISTINGS_AT).await?;
        self.write(waiting, || self.recover(waiting)).await?;
        if *wish != SymbolWish::List || self.store.setting(LISTINGS_AT).await? == before {
            return Ok(None);
        }
        let (sent_at, listings) = self.store.listings().await?;
        Ok(sent_at.map(|sent_at| Symbols::Listed(sent_at, listings)))
    }

    async fn ask_once(
        &self,
        run: RunId,
        ask: &SymbolAsk,
        waiting: Waiting<'_>,
    ) -> Result<Result<Symbols, Problem>, DbError> {
        let attempt_id = Uuid::new_v4();
        let request = match self.reserve_symbols(attempt_id, run, ask, waiting).await? {
            Ok(request) => request,
            Err(problem) => return Ok(Err(problem)),
        };
        let sent = job::send(self, &ask.query, attempt_id, waiting.cancel).await;
        let answer = match sent {
            Some(Ok(answer)) => answer,
            Some(Err(SendError::NeverSent(text) | SendError::Untrusted(text))) => {
                let end = RequestEnd::NotSent(text.clone());
                return self
                    .unanswered(request, end, ask, (ErrorClass::Network, &text), waiting)
                    .await;
            }
            Some(Err(SendError::Broken(text) | SendError::Redirected(text))) => {
                let end = RequestEnd::Failed(ErrorClass::Network, text.clone());
                return self
                    .unanswered(request, end, ask, (ErrorClass::Network, &text), waiting)
                    .await;
            }
            Some(Err(SendError::TooLarge(text))) => {
                let end = RequestEnd::Failed(ErrorClass::Malformed, text.clone());
                return self
                    .unanswered(request, end, ask, (ErrorClass::Malformed, &text), waiting)
                    .await;
            }
            None => {
                let text = "stopped while waiting for the answer";
                let end = RequestEnd::Failed(ErrorClass::Cancelled, text.to_owned());
                return self
                    .unanswered(request, end, ask, (ErrorClass::Cancelled, text), waiting)
                    .await;
            }
        };
        self.keep(request, attempt_id, &answer, (ask.function(), waiting))
            .await?;
        self.digest_symbols(request, ask, &answer, waiting).await
    }

    /// Records that a request got no answer, and returns why.
    async fn unanswered(
        &self,
        request: RequestId,
        end: RequestEnd,
        ask: &SymbolAsk,
        (class, said): (ErrorClass, &str),
        waiting: Waiting<'_>,
    ) -> Result<Result<Symbols, Problem>, DbError> {
        self.write(waiting, || self.store.settle(request, end.clone()))
            .await?;
        Ok(Err(problem(ask, class, said)))
    }

    /// Records the request in the ledger, waiting as long as the pace requires.
    async fn reserve_symbols(
        &self,
        attempt_id: Uuid,
        run: RunId,
        ask: &SymbolAsk,
        waiting: Waiting<'_>,
    ) -> Result<Result<RequestId, Problem>, DbError> {
        let cancel = waiting.cancel;
        let wish = Reservation {
            attempt_id,
            run,
            ask: Question::Symbols(ask.clone()),
            credential: self.credential.clone(),
            attempt: 1,
            limits: self.limits,
        };
        let stopped = || {
            problem(
                ask,
                ErrorClass::Cancelled,
                "stopped before anything was sent",
            )
        };
        loop {
            if cancel.is_cancelled() {
                return Ok(Err(stopped()));
            }
            if let Some(Pause { why, left }) = self.source.pause() {
                let text = explain::paused(&why.text, self.clock.now() + left);
                return Ok(Err((why.class, text)));
            }
            let reserve = || self.store.reserve(wish.clone());
            let wait = match self.write(waiting, reserve).await? {
                Reserved::Granted(id) => return Ok(Ok(id)),
                Reserved::DaySpent(until) => {
                    return Ok(Err(problem(ask, ErrorClass::Day, &day_spent(until))));
                }
                // Only a second attempt ever gets this.
                Reserved::RetriesSpent => {
                    return Ok(Err(problem(
                        ask,
                        ErrorClass::Unknown,
                        "today's retries are used up",
                    )));
                }
                Reserved::Wait(wait) => wait.to_std().unwrap_or_default(),
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = cancel.cancelled() => {}
            }
        }
    }

    /// Reads a kept answer about symbols and stores what it holds; used by the caller and by the
    /// next start after a crash.
    async fn digest_symbols(
        &self,
        request: RequestId,
        ask: &SymbolAsk,
        answer: &Answer,
        waiting: Waiting<'_>,
    ) -> Result<Result<Symbols, Problem>, DbError> {
        match unbroken(|| self.source.read_symbols(ask, answer)) {
            Ok(SymbolReading::Listed(listings)) => {
                let at = answer.received_at;
                let keep = || self.store.keep_listings(request, at, listings.clone());
                self.write(waiting, keep).await?;
                Ok(Ok(Symbols::Listed(at, listings)))
            }
            Ok(SymbolReading::Found(listings)) => {
                self.write(waiting, || self.store.settle(request, RequestEnd::Read))
                    .await?;
                Ok(Ok(Symbols::Found(listings)))
            }
            Err(Refusal { class, text, .. }) => {
                let end = RequestEnd::Refused(class, text.clone());
                self.write(waiting, || self.store.settle(request, end.clone()))
                    .await?;
                let said = if class == ErrorClass::Day {
                    DAY_TURNS
                } else {
                    &text
                };
                Ok(Err(problem(ask, class, said)))
            }
        }
    }

    /// Stores an answer about symbols that a dead process had kept.
    pub(super) async fn recover_symbols(
        &self,
        kept: &KeptAnswer,
        ask: &SymbolAsk,
        waiting: Waiting<'_>,
    ) -> Result<(), DbError> {
        let outcome = self
            .digest_symbols(kept.request, ask, &kept.answer, waiting)
            .await?;
        if let Ok(Symbols::Listed(_, listings)) = outcome {
            tracing::info!(
                run = kept.run.0,
                rows = listings.len(),
                "a list of symbols was recovered"
            );
        }
        Ok(())
    }
}

fn problem(ask: &SymbolAsk, class: ErrorClass, said: &str) -> Problem {
    (class, explain::about_symbols(class, ask.function(), said))
}
