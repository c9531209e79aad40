//! What is known when a run is over, and what that decides.

use super::*;
use crate::db::LastFailure;
use crate::model::{SeriesError, Span};
use crate::pipeline::snapshot::WatchedSeries;

#[test]
fn what_a_run_has_asked_for_is_known_when_it_is_over_even_if_no_end_was_heard() {
    let mut state = state();
    own(&mut state, NOON);
    let close = at("2026-11-20T21:20:00Z");
    state.step(Input::Tick, close);
    let jobs = state.step(Input::Loaded(Loaded::Series(entries())), close);
    assert_eq!(runs(&jobs)[0].1, ["AAPL", "IBM"]);
    let ended = [
        SeriesReport::new(key("AAPL"), Ended::Succeeded),
        SeriesReport::new(key("IBM"), Ended::Failed),
    ];
    state.step(Input::RunEnded(Ok(report(ended.into()))), close);
    let series = state.snapshot(0, close).series;
    let failed = series.iter().find(|one| one.key == key("IBM")).unwrap();
    assert_eq!(failed.state, SeriesState::Failed);
}

#[test]
fn what_is_due_after_a_run_is_decided_by_what_the_store_has_then() {
    let close = at("2026-11-20T21:20:00Z");
    for (fetched, again) in [("2026-11-20T21:20:30Z", 0), (NOON, 1)] {
        let mut state = state();
        own(&mut state, NOON);
        state.step(Input::Tick, close);
        let jobs = state.step(Input::Loaded(Loaded::Series(entries())), close);
        assert_eq!(runs(&jobs).len(), 1);
        state.step(Input::Command(Command::FetchDue), close);
        state.step(Input::Loaded(Loaded::Series(entries())), close);
        let jobs = state.step(Input::RunEnded(Ok(report(vec![]))), close);
        assert_eq!(runs(&jobs), [], "what it brought is being read");
        assert!(jobs.contains(&Job::Load(Load::Series)));
        let list = List {
            reading: 9,
            entries: vec![entry("IBM", Some(fetched)), entry("AAPL", Some(fetched))],
            ..entries()
        };
        let later = at("2026-11-20T21:21:00Z");
        let jobs = state.step(Input::Loaded(Loaded::Series(list)), later);
        assert_eq!(runs(&jobs).len(), again, "{fetched}: {jobs:?}");
    }
}

/// The list with a failure of IBM that the store knows.
fn failed_before(class: ErrorClass, failed_at: &str) -> List {
    let mut list = entries();
    list.reading = 9;
    for entry in &mut list.entries {
        if entry.key == key("IBM") {
            entry.facts.failure = Some(LastFailure {
                at: at(failed_at),
                requests: 2,
                error: SeriesError {
                    class,
                    message: "no such symbol".into(),
                },
            });
        }
    }
    list
}

/// The line of IBM.
fn ibm(state: &State, now: DateTime<Utc>) -> WatchedSeries {
    let series = state.snapshot(0, now).series;
    let ibm = series.iter().find(|one| one.key == key("IBM"));
    ibm.unwrap().clone()
}

/// The list with IBM alone, which was never fetched.
fn never_fetched(reading: u64) -> List {
    List {
        reading,
        entries: vec![entry("IBM", None)],
        ..entries()
    }
}

#[test]
fn how_another_process_failed_is_shown_and_decides_what_is_asked() {
    use ErrorClass::{BadRequest, Day, Malformed, Outage};
    let close = at("2026-11-20T21:20:00Z");
    let both = || vec!["AAPL", "IBM"];
    for (class, fetched_at, shown, asks) in [
        (BadRequest, None, SeriesState::Blocked, vec!["AAPL"]),
        (Malformed, None, SeriesState::Failed, vec!["AAPL"]),
        // A week ago it was there.
        (
            BadRequest,
            Some("2026-11-13T20:59:00Z"),
            SeriesState::Blocked,
            vec!["AAPL"],
        ),
        (
            BadRequest,
            Some("2026-11-13T21:01:00Z"),
            SeriesState::Failed,
            both(),
        ),
        (
            Malformed,
            Some("2026-11-20T16:00:00Z"),
            SeriesState::Failed,
            both(),
        ),
        (Outage, None, SeriesState::Failed, both()),
        // It says nothing about the series.
        (Day, Some("2026-11-20T16:00:00Z"), SeriesState::Due, both()),
    ] {
        let mut state = state();
        own(&mut state, NOON);
        let list = || {
            let mut list = failed_before(class, "2026-11-20T21:00:00Z");
            for entry in list
                .entries
                .iter_mut()
                .filter(|entry| entry.key == key("IBM"))
            {
                entry.facts.fetched_at = fetched_at.map(at);
            }
            list
        };
        state.step(Input::Loaded(Loaded::Series(list())), close);
        let ibm = ibm(&state, close);
        assert_eq!(ibm.state, shown);
        let is_told = class != Day;
        let problem = (class, "no such symbol".to_owned());
        assert_eq!(ibm.problem, is_told.then_some(problem));
        assert_eq!(ibm.requests, if is_told { 2 } else { 0 });
        state.step(Input::Tick, close);
        let jobs = state.step(Input::Loaded(Loaded::Series(list())), close);
        assert_eq!(runs(&jobs)[0].1, asks, "{class}");
    }
}

#[test]
fn a_failure_ends_with_what_another_process_fetched_since() {
    let mut state = state();
    own(&mut state, NOON);
    let close = at("2026-11-20T21:20:00Z");
    let shown = |state: &State| {
        let ibm = ibm(state, close);
        (ibm.state, ibm.problem.clone().map(|(class, _)| class))
    };
    state.step(Input::Loaded(Loaded::Series(never_fetched(5))), close);
    state.step(Input::Command(Command::Fetch(vec![key("IBM")])), close);
    let failed = SeriesReport::new(key("IBM"), Ended::Failed).with_error(
        Ended::Failed,
        ErrorClass::BadRequest,
        "no such symbol",
    );
    state.step(Input::Run(Event::Done(failed)), close);
    state.step(Input::RunEnded(Ok(report(vec![]))), close);
    let blocked = (SeriesState::Blocked, Some(ErrorClass::BadRequest));
    assert_eq!(shown(&state), blocked);
    let list = List {
        reading: 9,
        entries: vec![entry("IBM", Some("2026-11-20T21:20:30Z"))],
        ..entries()
    };
    state.step(Input::Loaded(Loaded::Series(list)), close);
    assert_eq!(shown(&state), (SeriesState::Fresh, None));
}

#[test]
fn a_failed_attempt_changes_nothing_where_nothing_is_missing() {
    let mut state = state();
    own(&mut state, NOON);
    let noon = at(NOON);
    state.step(Input::Command(Command::Fetch(vec![key("IBM")])), noon);
    let failed = SeriesReport::new(key("IBM"), Ended::Failed).with_error(
        Ended::Failed,
        ErrorClass::Outage,
        "gone",
    );
    state.step(Input::Run(Event::Done(failed)), noon);
    let ibm = ibm(&state, noon);
    assert_eq!(ibm.state, SeriesState::Fresh);
}

#[test]
fn an_attempt_for_older_bars_does_not_tell_that_a_source_has_none() {
    for (command, shown) in [
        (Command::Fetch(vec![key("IBM")]), SeriesState::Blocked),
        (
            Command::Backfill(key("IBM"), Span::new(at("2020-01-01T00:00:00Z"), at(NOON))),
            SeriesState::Failed,
        ),
    ] {
        let mut state = state();
        own(&mut state, NOON);
        let close = at("2026-11-20T21:10:00Z");
        state.step(Input::Loaded(Loaded::Series(never_fetched(5))), close);
        state.step(Input::Command(command), close);
        let failed = SeriesReport::new(key("IBM"), Ended::Failed).with_error(
            Ended::Failed,
            ErrorClass::BadRequest,
            "no such bars",
        );
        state.step(Input::Run(Event::Done(failed)), close);
        let jobs = state.step(Input::RunEnded(Ok(report(vec![]))), close);
        assert_eq!(runs(&jobs), []);
        let ibm = ibm(&state, close);
        assert_eq!(ibm.state, shown);
        let next = at("2026-11-20T21:20:00Z");
        state.step(Input::Tick, next);
        let jobs = state.step(Input::Loaded(Loaded::Series(never_fetched(9))), next);
        assert_eq!(runs(&jobs).len(), usize::from(shown == SeriesState::Failed));
    }
}

#[test]
fn a_known_failure_ends_with_a_success_at_once() {
    let mut state = state();
    own(&mut state, NOON);
    let close = at("2026-11-20T21:20:00Z");
    let list = failed_before(ErrorClass::Outage, "2026-11-20T21:00:00Z");
    state.step(Input::Loaded(Loaded::Series(list)), close);
    state.step(Input::Command(Command::Fetch(vec![key("IBM")])), close);
    let done = SeriesReport::new(key("IBM"), Ended::Succeeded);
    state.step(Input::Run(Event::Done(done)), close);
    let ibm = ibm(&state, close);
    assert_eq!((ibm.state, &ibm.problem), (SeriesState::Due, &None));
}
