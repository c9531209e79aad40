//! The pages of lists of dividends and splits. A list is stored when its last page is here.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use super::{Outcomes, Why, included, lists_at};
use crate::db::{DbError, KeptAnswer, RequestEnd};
use crate::model::adjustment::{EventKind, ReportedEvents};
use crate::model::{Answer, ErrorClass, Instrument, Request, RequestId};
use crate::pipeline::consequence::lesson;
use crate::pipeline::exchange::{Exchange, Unanswered};
use crate::pipeline::explain;
use crate::pipeline::learned::{Learned, Lesson};
use crate::pipeline::reading::malformed;
use crate::pipeline::run::Pipeline;
use crate::pipeline::source::{EventAsk, EventPage, EventSource, Refusal};
use crate::pipeline::symbols::problem;

/// The most pages of an answer: far more than a provider has.
const MOST_PAGES: u32 = 100;
/// What became of the pages of lists whose process ended before the last one.
const CUT_OFF: &str =
    "the program ended between the pages of these lists; they are asked for again";

/// Lists as far as their pages are here.
#[derive(Default)]
struct Listed {
    lists: BTreeMap<(Instrument, EventKind), ReportedEvents>,
    /// The requests that brought them.
    requests: Vec<RequestId>,
}

/// Why lists did not come.
enum Failed {
    /// The provider refused this request.
    Refused(Request, Refusal),
    /// It was not sent.
    Withheld(ErrorClass, String),
}

impl Exchange<'_> {
    /// Asks for lists, unless it is known that no answer can come. A symbol that the provider does not
    /// accept does not cost the others their lists.
    pub(super) async fn lists(
        &self,
        ask: EventAsk,
        learned: &mut Learned,
    ) -> Result<Outcomes, DbError> {
        let mut left = lists_at(self.lane.id(), ask.lists);
        let mut outcomes = Outcomes::new();
        let mut next = ask.request.map_err(|refusal| (refusal.class, refusal.text));
        loop {
            let asked = match next.and_then(|request| included(request, Some(learned))) {
                Ok(request) => self.walk(request).await?,
                Err(why) => return Ok(without(outcomes, left, &why)),
            };
            match asked {
                Ok(listed) => {
                    outcomes.extend(self.store_lists(listed).await?);
                    return Ok(outcomes);
                }
                Err(Failed::Withheld(class, text)) => {
                    learned.learn(Lesson::Stop(class, text.clone()));
                    return Ok(without(outcomes, left, &(class, text)));
                }
                Err(Failed::Refused(request, refusal)) => {
                    let why = self.refused(&request, &refusal, learned).await?;
                    let rest = self.lane.source.amend(&request, &refusal);
                    let Some(rest) = rest.filter(|_| request.page == 1) else {
                        return Ok(without(outcomes, left, &why));
                    };
                    let is_refused =
                        |(instrument, _): &(Instrument, EventKind)| is_about(&refusal, instrument);
                    let (refused, others) = left.into_iter().partition(is_refused);
                    outcomes = without(outcomes, refused, &why);
                    left = others;
                    next = Ok(rest);
                }
            }
        }
    }

    /// Asks for one page after the other.
    async fn walk(&self, first: Request) -> Result<Result<Listed, Failed>, DbError> {
        let mut listed = Listed::default();
        let mut next = Some(first);
        while let Some(request) = next {
            match self.page(&request, &mut listed).await? {
                Ok(following) => next = following,
                Err(failed) => {
                    let (class, text) = failed.why();
                    for earlier in listed.requests {
                        let end = RequestEnd::Failed(class, text.to_owned());
                        self.settle(earlier, end).await?;
                    }
                    return Ok(Err(failed));
                }
            }
        }
        Ok(Ok(listed))
    }

    /// Asks for a page, adds what it has, and returns the request for the next one.
    async fn page(
        &self,
        request: &Request,
        listed: &mut Listed,
    ) -> Result<Result<Option<Request>, Failed>, DbError> {
        let ticket = match self.reserve(request, 1, Duration::ZERO).await {
            Ok(ticket) => ticket,
            Err(withheld) => {
                let (class, text) = problem(withheld)?;
                return Ok(Err(Failed::Withheld(class, text)));
            }
        };
        let refused = |refusal| Ok(Err(Failed::Refused(request.clone(), refusal)));
        let kept = match self.send(request, ticket).await? {
            Ok(kept) => kept,
            Err(Unanswered { refusal, .. }) => return refused(refusal),
        };
        let Some(source) = self.lane.source.events() else {
            return refused(malformed("this source has no lists"));
        };
        match self
            .read(&kept, |request, answer| page(source, request, answer))
            .await?
        {
            Ok((EventPage { lists, next }, _)) => {
                listed.take_in(kept.id, lists);
                Ok(Ok(next))
            }
            Err(refusal) => refused(refusal),
        }
    }

    /// Stores whole lists, each with what follows from it.
    async fn store_lists(&self, listed: Listed) -> Result<Outcomes, DbError> {
        let (rule, store) = (self.lane.source.rule(), self.store);
        let last = listed.requests.iter().copied().max();
        let mut outcomes = Outcomes::new();
        for (of, reported) in listed.lists {
            outcomes.insert(of, Ok(reported.events.len()));
            if let Some(request) = last {
                let keep = || store.keep_events(request, reported.clone(), rule);
                self.pipeline.write(self.waiting, keep).await?;
            }
        }
        let settle = || store.settle_events(listed.requests.clone());
        self.pipeline.write(self.waiting, settle).await?;
        Ok(outcomes)
    }

    /// What a refusal is in words, and what it teaches.
    async fn refused(
        &self,
        request: &Request,
        refusal: &Refusal,
        learned: &mut Learned,
    ) -> Result<Why, DbError> {
        let text = explain::about_events(self.lane.source.as_ref(), request, refusal);
        let (_, lesson) = lesson(request, refusal, &text);
        if let Lesson::Refused(refused) = &lesson {
            let store = &self.pipeline.store;
            let learn = || store.learn_refusal(self.lane.credential.clone(), refused.clone());
            self.pipeline.write(self.waiting, learn).await?;
        }
        learned.learn(lesson);
        Ok((refusal.class, text))
    }

    /// Stores lists that a dead process had kept, if all of them are in this answer.
    async fn recover_lists(
        &self,
        source: &dyn EventSource,
        kept: &KeptAnswer,
    ) -> Result<(), DbError> {
        let read = self.read(kept, |request, answer| page(source, request, answer));
        let Ok((EventPage { lists, next }, _)) = read.await? else {
            return Ok(());
        };
        if kept.request.page > 1 || next.is_some() {
            let end = RequestEnd::Failed(ErrorClass::Cancelled, CUT_OFF.to_owned());
            return self.settle(kept.id, end).await;
        }
        let mut listed = Listed::default();
        listed.take_in(kept.id, lists);
        let lists = self.store_lists(listed).await?.len();
        tracing::info!(run = kept.run.0, lists, "lists of events were recovered");
        Ok(())
    }
}

impl Pipeline {
    /// Stores what a dead process had kept of lists; `None`: the answer is about something else.
    pub(in crate::pipeline) async fn recover_events(
        &self,
        kept: &KeptAnswer,
        exchange: Exchange<'_>,
    ) -> Result<Option<()>, DbError> {
        let source = exchange.lane.source.events();
        match source.filter(|source| source.is_about_events(&kept.request)) {
            None => Ok(None),
            Some(source) => exchange.recover_lists(source, kept).await.map(Some),
        }
    }
}

impl Listed {
    fn take_in(&mut self, request: RequestId, page: Vec<ReportedEvents>) {
        self.requests.push(request);
        for list in page {
            let of = (list.instrument.clone(), list.kind);
            match self.lists.entry(of) {
                Entry::Vacant(new) => drop(new.insert(list)),
                Entry::Occupied(mut there) => there.get_mut().take_in(list),
            }
        }
    }
}

impl Failed {
    fn why(&self) -> (ErrorClass, &str) {
        match self {
            Self::Refused(_, refusal) => (refusal.class, &refusal.text),
            Self::Withheld(class, text) => (*class, text),
        }
    }
}

/// Reads a page, which names another next one, and not too many of them.
fn page(
    source: &dyn EventSource,
    request: &Request,
    answer: &Answer,
) -> Result<EventPage, Refusal> {
    let page = source.read_events(request, answer)?;
    if let Some(next) = &page.next
        && (next.parameters == request.parameters || next.page > MOST_PAGES)
    {
        return Err(malformed("the pages of the list do not end"));
    }
    Ok(page)
}

/// Whether a refusal is about a symbol, of those that were asked for together.
fn is_about(refusal: &Refusal, instrument: &Instrument) -> bool {
    let parameter = refusal.parameter.as_deref();
    let value = parameter.and_then(|parameter| parameter.split_once('='));
    value.is_some_and(|(_, value)| value.eq_ignore_ascii_case(instrument.symbol.as_str()))
}

/// The outcomes with these lists, which did not come.
fn without(mut outcomes: Outcomes, lists: Vec<(Instrument, EventKind)>, why: &Why) -> Outcomes {
    outcomes.extend(lists.into_iter().map(|list| (list, Err(why.clone()))));
    outcomes
}
