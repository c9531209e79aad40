//! What was read of a series, and when it counts.

use super::*;

#[test]
fn a_series_that_ends_is_read_again_alone() {
    let mut state = state();
    state.step(Input::Command(Command::FetchDue), at(NOON));
    let done = SeriesReport::new(key("IBM"), Ended::Succeeded);
    let jobs = state.step(Input::Run(Event::Done(done)), at(NOON));
    assert_eq!(reads(&jobs), [&Load::Ledger, &Load::One(key("IBM"))]);
    let mut read = entry("IBM", Some(NOON));
    read.facts.bars = 7;
    state.step(Input::Loaded(Loaded::One(read.into())), at(NOON));
    let bars: Vec<u64> = state
        .snapshot(0, at(NOON))
        .series
        .iter()
        .map(|series| series.bars)
        .collect();
    assert_eq!(bars, [7, 0]);
}

#[test]
fn what_this_process_fetched_is_fresh_by_its_own_clock() {
    let mut state = state();
    let later = at("2026-12-20T17:00:00Z");
    state.step(Input::Command(Command::Fetch(vec![key("IBM")])), later);
    let done = SeriesReport::new(key("IBM"), Ended::Succeeded);
    state.step(Input::Run(Event::Done(done)), later);
    // The store's clock is behind; the answer is dated by this process.
    let mut read = entry("IBM", Some("2026-12-20T17:00:00Z"));
    read.facts.fetched_at = Some(at("2026-11-20T17:00:00Z"));
    state.step(Input::Loaded(Loaded::One(read.into())), later);
    state.step(Input::RunEnded(Ok(report(vec![]))), later);
    let series = state.snapshot(0, later).series[0].clone();
    assert_eq!(
        (series.fetched_at, series.state),
        (Some(later), SeriesState::Fresh)
    );
}

#[test]
fn an_older_reading_does_not_undo_a_newer_one() {
    let mut state = state();
    let list = |reading, symbols: &[&str], bars| {
        let entries = symbols.iter().map(|symbol| {
            let mut entry = entry(symbol, None);
            (entry.reading, entry.facts.bars) = (reading, bars);
            entry
        });
        Loaded::Series(List {
            reading,
            mark: None,
            entries: entries.collect(),
        })
    };
    let shown = |state: &State| -> Vec<(String, u64)> {
        let snapshot = state.snapshot(0, at(NOON));
        let series = snapshot.series.iter();
        series
            .map(|series| (series.key.symbol.to_string(), series.bars))
            .collect()
    };
    state.step(Input::Loaded(list(2, &["IBM"], 20)), at(NOON));
    state.step(Input::Loaded(list(1, &["IBM", "AAPL"], 10)), at(NOON));
    assert_eq!(shown(&state), [("IBM".into(), 20)]);
    let mut one = entry("IBM", None);
    (one.reading, one.facts.bars) = (4, 40);
    state.step(Input::Loaded(Loaded::One(one.clone().into())), at(NOON));
    state.step(Input::Loaded(list(3, &["MSFT", "IBM"], 30)), at(NOON));
    assert_eq!(shown(&state), [("MSFT".into(), 30), ("IBM".into(), 40)]);
    one.reading = 2;
    one.facts.bars = 2;
    state.step(Input::Loaded(Loaded::One(one.into())), at(NOON));
    assert_eq!(shown(&state)[1].1, 40);
}
