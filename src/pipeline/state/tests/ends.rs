//! What is known when a run is over, and what that decides.

use super::*;

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
