//! The decisions, one input at a time.

use super::*;
use crate::db::SeriesFacts;
use crate::model::{ErrorClass, RunId};
use crate::model::{Interval, RunStatus};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A Friday noon in New York.
const NOON: &str = "2026-11-20T17:00:00Z";

fn key(symbol: &str) -> SeriesKey {
    SeriesKey::raw(symbol.parse().unwrap(), Interval::Daily)
}

fn entry(symbol: &str, fetched_at: Option<&str>) -> Entry {
    Entry {
        key: key(symbol),
        stored: key(symbol),
        facts: SeriesFacts {
            fetched_at: fetched_at.map(at),
            bars: 0,
            oldest: None,
            recent: vec![],
        },
        parked: None,
        live: Live::default(),
    }
}

fn state(last_tick: Option<&str>) -> State {
    let mut state = State::new(Start {
        provider: ProviderStatus {
            name: "test".into(),
            plan: "free key".into(),
            key_is_demo: false,
            is_simulated: true,
        },
        store: StoreStatus {
            name: "test".into(),
            bars: 0,
            lost: None,
        },
        per_day: Some(25),
        schedule: Schedule::after_close(),
        paused: false,
        last_tick: last_tick.map(at),
    });
    state.step(Input::Loaded(Loaded::Series(entries())), at(NOON));
    state
}

fn entries() -> Vec<Entry> {
    vec![
        entry("IBM", Some("2026-11-19T22:00:00Z")),
        entry("AAPL", None),
    ]
}

fn own(state: &mut State, last_tick: &str) -> Vec<Job> {
    let handover = Handover {
        last_tick: Some(at(last_tick)),
        entries: entries(),
    };
    state.step(Input::Owner(Some(handover)), at(NOON))
}

fn runs(jobs: &[Job]) -> Vec<(&'static str, Vec<String>)> {
    jobs.iter()
        .filter_map(|job| match job {
            Job::Run(trigger, series) => Some((
                *trigger,
                series.iter().map(|key| key.symbol.to_string()).collect(),
            )),
            _ => None,
        })
        .collect()
}

fn report(series: Vec<SeriesReport>) -> RunReport {
    RunReport {
        run: RunId(1),
        status: RunStatus::Succeeded,
        series,
        unrecorded: None,
    }
}

#[test]
fn the_owner_fetches_what_is_due_at_the_scheduled_instant_and_once() {
    let mut state = state(Some(NOON));
    assert_eq!(state.step(Input::Tick, at(NOON)), [Job::TryOwn]);
    own(&mut state, NOON);
    assert_eq!(state.step(Input::Tick, at("2026-11-20T21:19:59Z")), []);
    let instant = at("2026-11-20T21:20:00Z");
    let jobs = state.step(Input::Tick, instant);
    assert!(
        jobs.contains(&Job::Load(Load::Series)),
        "others may have fetched: {jobs:?}"
    );
    assert!(
        jobs.iter()
            .any(|job| matches!(job, Job::Save("last_tick", _)))
    );
    let jobs = state.step(Input::Loaded(Loaded::Series(entries())), instant);
    assert_eq!(
        runs(&jobs),
        [("schedule", vec!["IBM".into(), "AAPL".into()])]
    );
    assert_eq!(state.step(Input::Tick, at("2026-11-20T21:20:01Z")), []);
}

#[test]
fn without_the_lock_or_while_paused_the_schedule_starts_nothing() {
    let due = at("2026-11-20T21:20:00Z");
    let mut other = state(Some(NOON));
    assert!(runs(&other.step(Input::Tick, due)).is_empty());
    let mut paused = state(Some(NOON));
    own(&mut paused, NOON);
    let saved = paused.step(Input::Command(Command::Pause), at(NOON));
    assert_eq!(saved, [Job::Save("paused", "true".into())]);
    assert!(runs(&paused.step(Input::Tick, due)).is_empty());
    assert!(paused.snapshot(0, due).schedule.paused);
}

#[test]
fn missed_instants_are_made_up_once() {
    let mut state = state(Some("2026-11-16T22:00:00Z"));
    let jobs = own(&mut state, "2026-11-16T22:00:00Z");
    assert_eq!(
        runs(&jobs),
        [("missed", vec!["AAPL".into()])],
        "IBM is fresh until Friday's close"
    );
    assert_eq!(state.snapshot(0, at(NOON)).schedule.missed, 3);
}

#[test]
fn wishes_wait_behind_the_run_at_work_and_are_refused_with_a_reason() {
    let mut state = state(Some(NOON));
    let fetch = |symbol: &str| Input::Command(Command::Fetch(vec![key(symbol)]));
    assert_eq!(
        runs(&state.step(fetch("IBM"), at(NOON))),
        [("fetch", vec!["IBM".into()])]
    );
    assert!(runs(&state.step(fetch("AAPL"), at(NOON))).is_empty());
    let jobs = state.step(Input::RunEnded(Ok(report(vec![]))), at(NOON));
    assert_eq!(runs(&jobs), [("fetch", vec!["AAPL".into()])]);
    let refused = state.step(Input::Command(Command::Fetch(vec![])), at(NOON));
    assert!(
        matches!(
            &refused[..],
            [Job::Tell(Notice {
                what: What::Refused(..),
                ..
            })]
        ),
        "{refused:?}"
    );
}

#[test]
fn a_series_shows_what_happens_to_it() {
    let mut state = state(Some(NOON));
    let shown = |state: &State| state.snapshot(0, at(NOON)).series[0].state;
    state.step(Input::Command(Command::Fetch(vec![key("IBM")])), at(NOON));
    assert_eq!(shown(&state), SeriesState::Waiting);
    state.step(
        Input::Run(Event::Sending {
            series: key("IBM"),
            attempt: 1,
        }),
        at(NOON),
    );
    assert_eq!(shown(&state), SeriesState::Fetching);
    let ended = SeriesReport::new(key("IBM"), Ended::Succeeded).with_error(
        Ended::Refused,
        ErrorClass::NotEntitled,
        "not in plan",
    );
    state.step(Input::Run(Event::Done(ended)), at(NOON));
    let snapshot = state.snapshot(0, at(NOON));
    assert_eq!(snapshot.series[0].state, SeriesState::Parked);
    assert_eq!(
        snapshot.series[0].problem,
        Some((ErrorClass::NotEntitled, "not in plan".into()))
    );
}

#[test]
fn it_ends_only_when_nothing_is_at_work() {
    let mut state = state(Some(NOON));
    state.step(Input::Command(Command::Fetch(vec![key("IBM")])), at(NOON));
    assert_eq!(
        state.step(Input::Command(Command::Shutdown), at(NOON)),
        [Job::CancelRun]
    );
    let jobs = state.step(Input::RunEnded(Ok(report(vec![]))), at(NOON));
    assert_eq!(jobs.last(), Some(&Job::Finish));
}

#[test]
fn a_question_about_symbols_is_told_to_stop_and_waited_for() {
    let mut state = state(Some(NOON));
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
    let mut state = state(Some(NOON));
    let look = |text: &str, from_provider| {
        let text = text.into();
        Input::Command(Command::Search {
            text,
            from_provider,
        })
    };
    let listing = |symbol: &str| crate::model::Listing {
        symbol: symbol.parse().unwrap(),
        name: String::new(),
        exchange: String::new(),
        kind: String::new(),
    };
    let list = Loaded::Listings(Some(at(NOON)), vec![listing("IBM"), listing("AAPL")]);
    state.step(look("tes", true), at(NOON));
    state.step(Input::Loaded(list), at(NOON));
    assert_eq!(state.step(look("ib", false), at(NOON)), []);
    let late = Ok(Ok(Symbols::Found(vec![listing("TSLA")])));
    let wish = SymbolWish::Search("tes".into());
    state.step(Input::Symbols(wish, late), at(NOON));
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
fn a_lost_store_gives_the_schedule_up_and_is_told_once() {
    let mut state = state(Some(NOON));
    own(&mut state, NOON);
    let gone = || Input::RunEnded(Err(DbError::for_test("gone")));
    let jobs = state.step(gone(), at(NOON));
    assert!(jobs.contains(&Job::Disown), "{jobs:?}");
    assert!(!state.snapshot(0, at(NOON)).schedule.is_owner);
    let told = |jobs: &[Job]| {
        jobs.iter()
            .filter(|job| {
                matches!(
                    job,
                    Job::Tell(Notice {
                        what: What::StoreLost(_),
                        ..
                    })
                )
            })
            .count()
    };
    assert_eq!((told(&jobs), told(&state.step(gone(), at(NOON)))), (1, 0));
    let back = state.step(Input::Loaded(Loaded::Runs(vec![])), at(NOON));
    assert!(
        matches!(
            &back[..],
            [Job::Tell(Notice {
                what: What::StoreBack,
                ..
            })]
        ),
        "{back:?}"
    );
}
