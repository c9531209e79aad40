//! Requests about symbols, each in the same order of work as every other request.
//!
//! Such a request is a run without series. It is not retried: the person at the screen can send it
//! again.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::event::Observer;
use super::exchange::{Exchange, Unanswered, Withheld};
use super::explain;
use super::lane::Lane;
use super::persist::Waiting;
use super::run::Pipeline;
use super::source::{Refusal, SymbolReading, SymbolSource, SymbolWish};
use crate::db::{DbError, KeptAnswer, RequestEnd};
use crate::model::{ErrorClass, Learnt, Listing, Request, RunStatus};

/// The result of a symbol request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Symbols {
    /// The list, which is now stored, and when the provider sent it.
    Listed(DateTime<Utc>, Vec<Listing>),
    /// The matches of a search, best first.
    Found(Vec<Listing>),
}

/// Why it failed: the class, and a sentence for people.
pub type WhyNoSymbols = (ErrorClass, String);

impl Pipeline {
    /// Sends a symbol request, or none if it is known to be useless. Errors come from the store.
    pub async fn symbols(
        &self,
        wish: &SymbolWish,
        cancel: CancellationToken,
    ) -> Result<Result<Symbols, WhyNoSymbols>, DbError> {
        let (lane, request) = match self.about_symbols(wish) {
            Ok(asked) => asked,
            Err(refusal) => return Ok(Err((refusal.class, refusal.text))),
        };
        let silent: Observer = Arc::new(|_| {});
        let waiting = Waiting {
            cancel: &cancel,
            observer: &silent,
        };
        // The first thing every run does; it may recover the very list that is wanted.
        let before = match wish {
            SymbolWish::List => Some(self.listings().await?.0),
            SymbolWish::Search(_) => None,
        };
        self.write(waiting, || self.recover(waiting)).await?;
        if let Some(before) = before
            && let (Some(sent_at), listings) = self.listings().await?
            && before != Some(sent_at)
        {
            return Ok(Ok(Symbols::Listed(sent_at, listings)));
        }
        let trigger = match wish {
            SymbolWish::List => "listing",
            SymbolWish::Search(_) => "search",
        };
        let begin = || self.store.begin_run(trigger, vec![]);
        let active = self.write(waiting, begin).await?;
        let exchange = Exchange {
            pipeline: self,
            lane,
            run: active.id,
            waiting,
        };
        let outcome = exchange.symbols(&request).await;
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

    /// The first lane that knows symbols, and the request to it.
    fn about_symbols(&self, wish: &SymbolWish) -> Result<(&Lane, Request), Refusal> {
        let ask = |lane: &Lane| {
            let source = lane.source.symbols()?;
            Some(match &lane.missing_key {
                None => source.ask_symbols(wish),
                Some(missing) => Err(missing.clone()),
            })
        };
        let asked = self.lanes.iter().find_map(|lane| Some((lane, ask(lane)?)));
        let none = || Refusal::new(ErrorClass::BadRequest, "no source has a list of symbols");
        let (lane, request) = asked.ok_or_else(none)?;
        Ok((lane, request?))
    }

    /// The stored list of the source that is asked about symbols, and when it was sent.
    pub(super) async fn listings(&self) -> Result<(Option<DateTime<Utc>>, Vec<Listing>), DbError> {
        let mut lanes = self.lanes.iter();
        match lanes.find(|lane| lane.source.symbols().is_some()) {
            Some(lane) => self.store.listings(lane.id().clone()).await,
            None => Ok((None, vec![])),
        }
    }

    /// Stores an answer about symbols that a dead process had kept.
    pub(super) async fn recover_symbols(
        &self,
        kept: &KeptAnswer,
        exchange: Exchange<'_>,
    ) -> Result<(), DbError> {
        let outcome = exchange.digest_symbols(kept).await?;
        if let Ok(Symbols::Listed(_, listings)) = outcome {
            let rows = listings.len();
            tracing::info!(run = kept.run.0, rows, "a list of symbols was recovered");
        }
        Ok(())
    }
}

impl Exchange<'_> {
    /// Sends a request about symbols once.
    async fn symbols(&self, request: &Request) -> Result<Result<Symbols, WhyNoSymbols>, DbError> {
        let ticket = match self.reserve(request, 1, Duration::ZERO).await {
            Ok(ticket) => ticket,
            Err(withheld) => return Ok(Err(problem(withheld)?)),
        };
        match self.send(request, ticket).await? {
            Ok(kept) => self.digest_symbols(&kept).await,
            Err(Unanswered { refusal, .. }) => Ok(Err(self.problem(request, &refusal))),
        }
    }

    /// Reads a kept answer about symbols and stores what it holds; used by the caller and by the
    /// next start after a crash.
    async fn digest_symbols(
        &self,
        kept: &KeptAnswer,
    ) -> Result<Result<Symbols, WhyNoSymbols>, DbError> {
        let Some(source) = self.lane.source.symbols() else {
            let text = "this source has no symbols";
            self.settle(
                kept.id,
                RequestEnd::Refused(ErrorClass::Malformed, text.to_owned()),
            )
            .await?;
            return Ok(Err((ErrorClass::Malformed, text.to_owned())));
        };
        let read =
            |request: &Request, answer: &_| SymbolSource::read_symbols(source, request, answer);
        match self.read(kept, read).await? {
            Ok((SymbolReading::Listed(listings), _)) => {
                let at = kept.answer.received_at;
                let store = &self.pipeline.store;
                let keep = || store.keep_listings(kept.id, at, listings.clone(), Learnt::List);
                self.pipeline.write(self.waiting, keep).await?;
                Ok(Ok(Symbols::Listed(at, listings)))
            }
            Ok((SymbolReading::Found(listings), _)) => {
                let at = kept.answer.received_at;
                let store = &self.pipeline.store;
                let keep = || store.keep_listings(kept.id, at, listings.clone(), Learnt::Search);
                self.pipeline.write(self.waiting, keep).await?;
                Ok(Ok(Symbols::Found(listings)))
            }
            Err(refusal) => Ok(Err(self.problem(&kept.request, &refusal))),
        }
    }

    fn problem(&self, request: &Request, refusal: &Refusal) -> WhyNoSymbols {
        let source = self.lane.source.as_ref();
        (
            refusal.class,
            explain::about_symbols(source, request, refusal),
        )
    }
}

/// Why nothing was sent; an error of the store stays one.
pub(super) fn problem(withheld: Withheld) -> Result<WhyNoSymbols, DbError> {
    Ok(match withheld {
        Withheld::Paused(class, text) => (class, text),
        Withheld::DaySpent(until) => (ErrorClass::Day, explain::day(&until)),
        Withheld::Cancelled => {
            let text = "stopped before anything was sent";
            (ErrorClass::Cancelled, text.to_owned())
        }
        Withheld::Store(error) => return Err(error),
        Withheld::RetriesSpent | Withheld::RunSpent => {
            (ErrorClass::Unknown, explain::RETRIES_SPENT.to_owned())
        }
    })
}
