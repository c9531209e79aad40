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
use super::snapshot::SearchView;
use super::source::{Refusal, SymbolReading, SymbolSource, SymbolWish};
use crate::db::{DbError, KeptAnswer, RequestEnd};
use crate::model::{ErrorClass, Learnt, Listing, Offer, Request, RunId, RunStatus};

/// The result of a symbol request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Symbols {
    /// All lists, which are now stored, and when the oldest of them was sent; `None`: one is missing.
    Listed(Option<DateTime<Utc>>, Vec<Offer>),
    /// The matches of a search, best first.
    Found(Vec<Offer>),
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
        let silent: Observer = Arc::new(|_| {});
        let waiting = Waiting {
            cancel: &cancel,
            observer: &silent,
        };
        if let Err(refusal) = self.about_symbols(wish) {
            return Ok(Err((refusal.class, refusal.text)));
        }
        // The first thing every run does; it may recover the very list that is wanted.
        self.write(waiting, || self.recover(waiting)).await?;
        let mut asked = self.about_symbols(wish).unwrap_or_default();
        if *wish == SymbolWish::List {
            let mut wanted = vec![];
            for (lane, request) in asked {
                let (sent_at, _) = self.store.listings(lane.id().clone()).await?;
                if is_old(sent_at, self.clock.now()) {
                    wanted.push((lane, request));
                }
            }
            asked = wanted;
            if asked.is_empty() {
                return Ok(Ok(self.listed().await?));
            }
        }
        let trigger = match wish {
            SymbolWish::List => "listing",
            SymbolWish::Search(_) => "search",
        };
        let begin = || self.store.begin_run(trigger, vec![]);
        let active = self.write(waiting, begin).await?;
        let answered = self.ask_each(asked, active.id, waiting).await;
        let status = match &answered {
            Ok((Ok(_), 0)) => RunStatus::Succeeded,
            Ok((Ok(_), _)) => RunStatus::Partial,
            Ok((Err((ErrorClass::Cancelled, _)), _)) => RunStatus::Cancelled,
            Ok((Err((ErrorClass::Superseded, _)), _)) => RunStatus::Interrupted,
            _ => RunStatus::Failed,
        };
        let finish = || self.store.finish_run(active.id, status);
        let finished = self.write(waiting, finish).await;
        let (outcome, _) = answered?;
        finished?;
        Ok(outcome)
    }

    /// Asks one source after the other; it is enough that one of them answers. Also returns how many
    /// do not: the ledger says which, and why.
    async fn ask_each(
        &self,
        asked: Vec<(&Lane, Request)>,
        run: RunId,
        waiting: Waiting<'_>,
    ) -> Result<(Result<Symbols, WhyNoSymbols>, usize), DbError> {
        let mut best: Option<Result<Symbols, WhyNoSymbols>> = None;
        let mut failed = 0;
        for (lane, request) in asked {
            let exchange = Exchange {
                pipeline: self,
                lane,
                run,
                waiting,
                store: &self.store,
                hold: None,
            };
            let outcome = exchange.symbols(&request).await?;
            if let Err((class, why)) = &outcome {
                failed += 1;
                tracing::warn!(source = %lane.id(), %class, why, "no symbols");
            }
            if outcome.is_ok() || best.is_none() {
                best = Some(outcome);
            }
        }
        let outcome = match best {
            None | Some(Ok(Symbols::Listed(..))) => Ok(self.listed().await?),
            Some(other) => other,
        };
        Ok((outcome, failed))
    }

    /// The lanes that are asked, each with its request: for a list all that have one, for a search the
    /// first that searches. A refusal is that of the first lane that knows symbols.
    fn about_symbols(&self, wish: &SymbolWish) -> Result<Vec<(&Lane, Request)>, Refusal> {
        let ask = |lane: &Lane| {
            let source = lane.source.symbols()?;
            Some(match &lane.missing_key {
                None => source.ask_symbols(wish),
                Some(missing) => Err(missing.clone()),
            })
        };
        let most = match wish {
            SymbolWish::List => usize::MAX,
            SymbolWish::Search(_) => 1,
        };
        let mut refusal = None;
        let mut asked = vec![];
        for lane in &self.lanes {
            match ask(lane) {
                Some(Ok(request)) => asked.push((lane, request)),
                Some(Err(refused)) => refusal = refusal.or(Some(refused)),
                None => {}
            }
        }
        asked.truncate(most);
        if asked.is_empty() {
            let none = || Refusal::new(ErrorClass::BadRequest, "no source has a list of symbols");
            return Err(refusal.unwrap_or_else(none));
        }
        Ok(asked)
    }

    async fn listed(&self) -> Result<Symbols, DbError> {
        let (sent_at, offers) = self.listings().await?;
        Ok(Symbols::Listed(sent_at, offers))
    }

    /// What is known of the symbols of all sources, and when the oldest list of those that can be asked
    /// was sent; `None`: one of them is missing.
    pub(super) async fn listings(&self) -> Result<(Option<DateTime<Utc>>, Vec<Offer>), DbError> {
        let mut all = vec![];
        let mut oldest: Option<Option<DateTime<Utc>>> = None;
        for lane in self
            .lanes
            .iter()
            .filter(|lane| lane.source.symbols().is_some())
        {
            let (sent_at, listings) = self.store.listings(lane.id().clone()).await?;
            if lane.missing_key.is_none() {
                oldest = Some(oldest.map_or(sent_at, |oldest| oldest.min(sent_at)));
            }
            all.extend(listings.into_iter().map(|listing| Offer {
                source: lane.id().clone(),
                listing,
            }));
        }
        Ok((oldest.flatten(), all))
    }

    /// Stores an answer about symbols that a dead process had kept.
    pub(super) async fn recover_symbols(
        &self,
        kept: &KeptAnswer,
        exchange: Exchange<'_>,
    ) -> Result<(), DbError> {
        let outcome = exchange.digest_symbols(kept).await?;
        if let Ok(Symbols::Listed(..)) = outcome {
            tracing::info!(run = kept.run.0, source = %kept.request.source, "a list of symbols was recovered");
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
        let offers = |listings: Vec<Listing>| {
            let source = &kept.request.source;
            let offer = |listing| Offer {
                source: source.clone(),
                listing,
            };
            listings.into_iter().map(offer).collect()
        };
        match self.read(kept, read).await? {
            Ok((SymbolReading::Listed(listings), _)) => {
                let at = kept.answer.received_at;
                let store = &self.pipeline.store;
                let keep = || store.keep_listings(kept.id, at, listings.clone(), Learnt::List);
                self.pipeline.write(self.waiting, keep).await?;
                Ok(Ok(Symbols::Listed(Some(at), offers(listings))))
            }
            Ok((SymbolReading::Found(listings), _)) => {
                let at = kept.answer.received_at;
                let store = &self.pipeline.store;
                let keep = || store.keep_listings(kept.id, at, listings.clone(), Learnt::Search);
                self.pipeline.write(self.waiting, keep).await?;
                Ok(Ok(Symbols::Found(offers(listings))))
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

/// Whether a list is worth a request.
fn is_old(sent_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    sent_at.is_none_or(|at| now - at > SearchView::LIST_LASTS)
}

/// Why nothing was sent; an error of the store stays one.
pub(super) fn problem(withheld: Withheld) -> Result<WhyNoSymbols, DbError> {
    Ok(match withheld {
        Withheld::Paused(class, text) => (class, text),
        Withheld::DaySpent(until) => (ErrorClass::Day, explain::day(&until)),
        Withheld::LaneLost => (ErrorClass::Superseded, explain::LANE_LOST.to_owned()),
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
