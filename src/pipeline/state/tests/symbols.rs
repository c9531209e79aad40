//! The decisions about symbol requests.

use super::*;
use crate::pipeline::source::SymbolWish;
use crate::pipeline::symbols::Symbols;

#[test]
fn a_question_about_symbols_is_told_to_stop_and_waited_for() {
    let mut state = state();
    let look = |text: &str| {
        Input::Command(Command::Search {
            text: text.into(),
            from_provider: true,
        })
    };
    let wish = SymbolWish::Search("tesco".into());
    assert_eq!(
        state.step(look("tesco"), at(NOON)),
        [Job::Load(Load::Listings), Job::Ask(wish.clone())]
    );
    assert!(state.snapshot(0, at(NOON)).search.unwrap().busy);
    assert_eq!(
        state.step(Input::Command(Command::Shutdown), at(NOON)),
        [Job::CancelAsk]
    );
    assert_eq!(state.step(look("ibm"), at(NOON)), [], "it is ending");
    let stopped = Ok(Err((ErrorClass::Cancelled, "stopped".to_owned())));
    let jobs = state.step(Input::Symbols(wish, stopped), at(NOON));
    assert_eq!(
        jobs,
        [Job::Load(Load::Runs), Job::Load(Load::Ledger), Job::Finish]
    );
}

#[test]
fn a_search_answers_at_once_and_a_late_answer_is_not_shown() {
    let mut state = state();
    let look = |text: &str, from_provider| {
        let text = text.into();
        Input::Command(Command::Search {
            text,
            from_provider,
        })
    };
    let listing = |symbol: &str| crate::model::Offer {
        source: SourceId::DEFAULT,
        listing: crate::model::Listing::of(symbol.parse().unwrap()),
    };
    let list = Loaded::Listings(Some(at(NOON)), vec![listing("IBM"), listing("AAPL")]);
    state.step(look("tes", true), at(NOON));
    state.step(Input::Loaded(list), at(NOON));
    assert_eq!(state.step(look("ib", false), at(NOON)), []);
    let late = Ok(Ok(Symbols::Found(vec![listing("TSLA")])));
    let wish = SymbolWish::Search("tes".into());
    let jobs = state.step(Input::Symbols(wish, late), at(NOON));
    assert!(
        jobs.contains(&Job::Load(Load::Series)),
        "it may be of a watched series"
    );
    let view = state.snapshot(0, at(NOON)).search.unwrap();
    assert_eq!((view.text.as_str(), view.busy), ("ib", false));
    assert_eq!(view.matches, [listing("IBM")]);
    let failed = Err(DbError::for_test("gone"));
    let jobs = state.step(Input::Symbols(SymbolWish::List, failed), at(NOON));
    assert!(matches!(
        &jobs[0],
        Job::Tell(Notice {
            what: What::StoreLost(_),
            ..
        })
    ));
    let view = state.snapshot(0, at(NOON)).search.unwrap();
    assert!(
        view.problem
            .as_ref()
            .is_some_and(|why| why.contains("gone"))
    );
}

#[test]
fn a_question_that_crashed_is_over_and_another_may_be_asked() {
    let mut state = state();
    let look = |text: &str| {
        Input::Command(Command::Search {
            text: text.into(),
            from_provider: true,
        })
    };
    let wish = |text: &str| SymbolWish::Search(text.into());
    let problem = |state: &State| {
        let view = state.snapshot(0, at(NOON)).search.unwrap();
        (view.busy, view.problem.clone().unwrap_or_default())
    };
    let none = Loaded::Listings(None, vec![]);
    state.step(look("tesco"), at(NOON));
    state.step(Input::Loaded(none), at(NOON));
    state.step(Input::Crashed("pop".into()), at(NOON));
    assert_eq!(
        problem(&state),
        (true, String::new()),
        "the request did not panic"
    );
    let crashed = Input::SymbolsCrashed(wish("tesco"), "boom".into());
    assert_eq!(
        state.step(crashed, at(NOON)),
        [
            tell(at(NOON), What::Crashed("boom".into())),
            Job::Rescue,
            Job::Load(Load::Runs),
            Job::Load(Load::Ledger)
        ]
    );
    let (busy, why) = problem(&state);
    assert!(!busy && why.contains("please report"), "{why}");
    assert_eq!(state.step(look("ibm"), at(NOON)), [Job::Ask(wish("ibm"))]);
    state.step(Input::Command(Command::Shutdown), at(NOON));
    let crashed = Input::SymbolsCrashed(wish("ibm"), "boom".into());
    assert_eq!(state.step(crashed, at(NOON)).last(), Some(&Job::Finish));
}

#[test]
fn a_list_whose_reading_crashed_is_not_waited_for_and_read_again() {
    let mut state = state();
    let look = |text: &str| {
        Input::Command(Command::Search {
            text: text.into(),
            from_provider: false,
        })
    };
    state.step(look("ibm"), at(NOON));
    state.step(Input::Crashed("pop".into()), at(NOON));
    let view = state.snapshot(0, at(NOON)).search.unwrap();
    assert!(!view.busy && view.problem.is_some());
    assert_eq!(
        state.step(look("ib"), at(NOON)),
        [Job::Load(Load::Listings)]
    );
}

#[test]
fn a_process_that_only_reads_searches_the_list_and_asks_nothing() {
    let mut state = state();
    state.read_only = true;
    let look = |from_provider| Command::Search {
        text: "ibm".into(),
        from_provider,
    };
    for spends in [look(true), Command::LoadListings] {
        let jobs = state.step(Input::Command(spends), at(NOON));
        assert!(refusal(&jobs).is_some_and(|why| why.contains("read-only")));
        assert_eq!(jobs.len(), 1);
    }
    assert_eq!(
        state.step(Input::Command(look(false)), at(NOON)),
        [Job::Load(Load::Listings)]
    );
}
