//! The symbol search: the list it searches, the request in flight, what is shown.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::super::search::rank;
use super::super::snapshot::SearchView;
use super::super::source::SymbolWish;
use super::super::symbols::{Symbols, WhyNoSymbols};
use super::{Job, Load};
use crate::model::Offer;

/// Matches that are shown: more than a person reads through.
const MOST_MATCHES: usize = 50;
/// Why a second request is refused before the first is answered.
const ONE_AT_A_TIME: &str =
    "another symbol request is waiting for the provider; try again once it is answered";

/// The list as the store keeps it.
#[derive(Debug)]
struct Kept {
    sent_at: Option<DateTime<Utc>>,
    listings: Arc<[Offer]>,
}

/// What is shown for the last typed text.
#[derive(Debug, Default)]
struct Shown {
    text: String,
    matches: Vec<Offer>,
    from_provider: bool,
    problem: Option<String>,
}

/// The search.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// `None`: not read from the store yet.
    kept: Option<Kept>,
    is_reading: bool,
    asking: Option<SymbolWish>,
    shown: Option<Shown>,
    view: Option<Arc<SearchView>>,
}

impl Search {
    /// Searches for a text: in the list at once, and at the provider if wanted.
    pub fn search(&mut self, text: &str, from_provider: bool) -> Vec<Job> {
        let is_answered = from_provider
            && self
                .shown
                .as_ref()
                .is_some_and(|shown| shown.from_provider && shown.text == text);
        if is_answered {
            // Asking again would cost a request and return the same.
            return vec![];
        }
        self.shown = Some(Shown {
            text: text.to_owned(),
            ..Shown::default()
        });
        let mut jobs = self.read();
        if from_provider {
            jobs.extend(self.ask(SymbolWish::Search(text.to_owned())));
        }
        self.look();
        jobs
    }

    /// Requests the list from the provider.
    pub fn load_list(&mut self) -> Vec<Job> {
        let mut jobs = self.read();
        jobs.extend(self.ask(SymbolWish::List));
        self.look();
        jobs
    }

    /// Reads the list from the store, once.
    fn read(&mut self) -> Vec<Job> {
        if self.kept.is_some() || self.is_reading {
            return vec![];
        }
        self.is_reading = true;
        vec![Job::Load(Load::Listings)]
    }

    fn ask(&mut self, wish: SymbolWish) -> Option<Job> {
        let shown = self.shown.get_or_insert_default();
        match &self.asking {
            None => {
                shown.problem = None;
                self.asking = Some(wish.clone());
                Some(Job::Ask(wish))
            }
            Some(asked) if *asked == wish => None,
            Some(_) => {
                shown.problem = Some(ONE_AT_A_TIME.to_owned());
                None
            }
        }
    }

    /// Whether a request is in flight.
    pub const fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// Takes the list read from the store.
    pub fn loaded(&mut self, sent_at: Option<DateTime<Utc>>, listings: Vec<Offer>) {
        self.is_reading = false;
        self.keep(sent_at, listings);
        self.look();
    }

    /// A list that came from a provider in between is newer, or one more.
    fn keep(&mut self, sent_at: Option<DateTime<Utc>>, listings: Vec<Offer>) {
        if self
            .kept
            .as_ref()
            .is_none_or(|kept| kept.sent_at <= sent_at || kept.listings.len() < listings.len())
        {
            let listings = listings.into();
            self.kept = Some(Kept { sent_at, listings });
        }
    }

    /// The store or a task failed: a list that was being read may not come. Whether one was.
    pub fn store_failed(&mut self, why: &str) -> bool {
        let was_reading = std::mem::take(&mut self.is_reading);
        if was_reading {
            self.say(why);
            self.look();
        }
        was_reading
    }

    /// Takes the result of a request. A result for another text is not shown.
    pub fn answered(&mut self, wish: &SymbolWish, outcome: Result<Symbols, WhyNoSymbols>) {
        if self.asking.as_ref() == Some(wish) {
            self.asking = None;
        }
        let is_for_shown = match (wish, &self.shown) {
            (SymbolWish::List, _) => true,
            (SymbolWish::Search(text), Some(shown)) => *text == shown.text,
            (SymbolWish::Search(_), None) => false,
        };
        match outcome {
            Ok(Symbols::Listed(sent_at, listings)) => self.keep(sent_at, listings),
            Ok(Symbols::Found(mut found)) if is_for_shown => {
                found.truncate(MOST_MATCHES);
                if let Some(shown) = &mut self.shown {
                    (shown.matches, shown.from_provider) = (found, true);
                    shown.problem = None;
                }
            }
            Err((_, why)) if is_for_shown => self.say(&why),
            Ok(Symbols::Found(_)) | Err(_) => {}
        }
        self.look();
    }

    fn say(&mut self, why: &str) {
        self.shown.get_or_insert_default().problem = Some(why.to_owned());
    }

    /// Searches the list for the shown text, unless the provider has answered it, and updates the view.
    fn look(&mut self) {
        let Some(shown) = &mut self.shown else { return };
        if let (Some(kept), false) = (&self.kept, shown.from_provider) {
            shown.matches = rank(&kept.listings, &shown.text, MOST_MATCHES);
        }
        let is_asked = match &self.asking {
            Some(SymbolWish::Search(text)) => *text == shown.text,
            Some(SymbolWish::List) => true,
            None => false,
        };
        self.view = Some(Arc::new(SearchView {
            text: shown.text.clone(),
            matches: shown.matches.clone(),
            from_provider: shown.from_provider,
            listed: self.kept.as_ref().map_or(0, |kept| kept.listings.len()),
            listed_at: self.kept.as_ref().and_then(|kept| kept.sent_at),
            busy: is_asked || self.is_reading,
            problem: shown.problem.clone(),
        }));
    }

    /// What is shown; `None` until somebody searches.
    pub fn view(&self) -> Option<Arc<SearchView>> {
        self.view.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ErrorClass;
    use crate::model::{Listing, SourceId};

    fn listing(symbol: &str, name: &str) -> Offer {
        let listing = Listing {
            name: name.into(),
            exchange: "NYSE".into(),
            kind: "Stock".into(),
            ..Listing::of(symbol.parse().unwrap())
        };
        Offer {
            source: SourceId::DEFAULT,
            listing,
        }
    }

    fn some() -> Vec<Offer> {
        vec![
            listing("AAPL", "Apple Inc"),
            listing("IBM", "International Business Machines Corp"),
        ]
    }

    fn at() -> DateTime<Utc> {
        "2026-11-20T17:00:00Z".parse().unwrap()
    }

    /// A search whose list has been read.
    fn ready() -> Search {
        let mut search = Search::default();
        assert_eq!(search.search("", false), [Job::Load(Load::Listings)]);
        assert!(search.view().unwrap().busy);
        search.loaded(Some(at()), some());
        search
    }

    fn shown(search: &Search) -> (String, Vec<String>, bool) {
        let view = search.view().unwrap();
        let matches = view
            .matches
            .iter()
            .map(|found| found.listing.symbol.to_string());
        (view.text.clone(), matches.collect(), view.from_provider)
    }

    fn wish(text: &str) -> SymbolWish {
        SymbolWish::Search(text.into())
    }

    #[test]
    fn the_list_is_read_once_and_searched_without_asking() {
        let mut search = ready();
        assert_eq!(search.search("apple", false), []);
        assert_eq!(shown(&search), ("apple".into(), vec!["AAPL".into()], false));
        let view = search.view().unwrap();
        assert_eq!(
            (view.listed, view.listed_at, view.busy),
            (2, Some(at()), false)
        );
    }

    #[test]
    fn what_is_typed_before_the_list_is_read_is_found_in_it() {
        let mut search = Search::default();
        search.search("ib", false);
        assert_eq!(search.search("ibm", false), [], "it is being read");
        search.loaded(Some(at()), some());
        assert_eq!(shown(&search), ("ibm".into(), vec!["IBM".into()], false));
    }

    #[test]
    fn an_answer_to_an_older_text_is_not_shown() {
        let mut search = ready();
        assert_eq!(search.search("tes", true), [Job::Ask(wish("tes"))]);
        assert!(search.view().unwrap().busy);
        search.search("apple", false);
        assert!(!search.view().unwrap().busy);
        search.answered(&wish("tes"), Ok(Symbols::Found(vec![listing("TSLA", "")])));
        assert_eq!(shown(&search), ("apple".into(), vec!["AAPL".into()], false));
        let late = Err((ErrorClass::Day, "spent".to_owned()));
        search.answered(&wish("tes"), late);
        assert_eq!(search.view().unwrap().problem, None);
    }

    #[test]
    fn an_answer_takes_the_place_of_the_list_s_matches() {
        let mut search = ready();
        search.search("ibm", true);
        assert_eq!(shown(&search).1, ["IBM"], "until then, the list's");
        let found = vec![listing("IBM.DEX", "IBM in Frankfurt"); 60];
        search.answered(&wish("ibm"), Ok(Symbols::Found(found)));
        let (_, matches, from_provider) = shown(&search);
        assert_eq!((matches.len(), from_provider), (MOST_MATCHES, true));
        assert_eq!(search.search("ibm", true), [], "the answer is there");
        search.search("ibm", false);
        assert_eq!(shown(&search).1, ["IBM"]);
    }

    #[test]
    fn one_question_at_a_time_and_none_twice() {
        let mut search = ready();
        search.search("tes", true);
        assert_eq!(search.search("tes", true), []);
        assert_eq!(search.view().unwrap().problem, None);
        assert_eq!(search.load_list(), []);
        assert_eq!(search.search("tesco", true), []);
        assert_eq!(
            search.view().unwrap().problem.as_deref(),
            Some(ONE_AT_A_TIME)
        );
        search.answered(&wish("tes"), Ok(Symbols::Found(vec![])));
        assert!(!search.is_asking());
        assert_eq!(search.search("tesco", true), [Job::Ask(wish("tesco"))]);
    }

    #[test]
    fn a_list_that_arrives_is_searched_for_the_text_that_stands() {
        let mut search = Search::default();
        search.search("ibm", false);
        search.loaded(None, vec![]);
        let view = search.view().unwrap();
        assert_eq!(
            (view.listed, view.listed_at, view.matches.len()),
            (0, None, 0)
        );
        assert!(view.wants_list(at()));
        assert_eq!(search.load_list(), [Job::Ask(SymbolWish::List)]);
        assert!(search.view().unwrap().busy);
        search.answered(&SymbolWish::List, Ok(Symbols::Listed(Some(at()), some())));
        assert_eq!(shown(&search).1, ["IBM"]);
        let view = search.view().unwrap();
        assert!(!view.busy && !view.wants_list(at()));
        assert!(
            view.wants_list(at() + chrono::TimeDelta::days(32)),
            "a month later"
        );
    }

    #[test]
    fn refusals_are_said_and_the_list_stays() {
        let mut search = ready();
        search.search("ibm", true);
        let refused = (ErrorClass::Day, "today's requests are used up".to_owned());
        search.answered(&wish("ibm"), Err(refused.clone()));
        assert_eq!(shown(&search).1, ["IBM"]);
        assert_eq!(search.view().unwrap().problem, Some(refused.1));
        search.search("ib", false);
        assert_eq!(search.view().unwrap().problem, None);
    }

    #[test]
    fn a_store_that_fails_leaves_nothing_busy_and_the_list_is_read_again() {
        let mut search = Search::default();
        search.search("ibm", false);
        search.store_failed("gone");
        let view = search.view().unwrap();
        assert_eq!((view.busy, view.problem.as_deref()), (false, Some("gone")));
        assert_eq!(search.search("ib", false), [Job::Load(Load::Listings)]);
    }
}
