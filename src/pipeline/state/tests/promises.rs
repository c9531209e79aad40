//! What holds between any two steps, for inputs in any order, and that a breach would be noticed.

use std::time::Duration;

use proptest::prelude::*;

use super::super::queue::{MOST_QUEUED, QueuedRun};
use super::*;

const SYMBOLS: [&str; 4] = ["IBM", "AAPL", "MSFT", "NVDA"];

fn some_series() -> impl Strategy<Value = Vec<SeriesKey>> {
    proptest::sample::subsequence(SYMBOLS.as_slice(), 0..=4)
        .prop_map(|symbols| symbols.into_iter().map(key).collect())
}

fn a_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => some_series().prop_map(Command::Fetch),
        2 => (proptest::sample::select(SYMBOLS.as_slice()), 0..2_i64).prop_map(|(symbol, day)| {
            let within = crate::model::Span::new(at(NOON) - TimeDelta::days(9 + day), at(NOON));
            Command::Backfill(key(symbol), within)
        }),
        2 => Just(Command::FetchDue),
        1 => Just(Command::CancelRun),
        1 => Just(Command::Pause),
        1 => Just(Command::LoadListings),
        1 => Just(Command::Search { text: "ib".into(), from_provider: true }),
    ]
}

fn an_event() -> impl Strategy<Value = Event> {
    let series = || proptest::sample::select(SYMBOLS.as_slice()).prop_map(key);
    prop_oneof![
        (1..30_i64).prop_map(|run| Event::Started {
            run: RunId(run),
            series: 2
        }),
        series().prop_map(|series| Event::Sending {
            series: vec![series],
            attempt: 1
        }),
        series().prop_map(|series| Event::Retrying {
            series: vec![series],
            class: ErrorClass::Outage,
            said: "down".into(),
            attempt: 2,
            wait: Duration::from_secs(1),
        }),
        series().prop_map(|series| Event::Done(SeriesReport::new(series, Ended::Succeeded))),
        Just(Event::StoreAway(DbError::for_test("gone"))),
        Just(Event::StoreBack),
        Just(Event::Spooled("IBM daily".into())),
    ]
}

fn a_list() -> impl Strategy<Value = List> {
    (0..9_u64, some_series()).prop_map(|(reading, series)| List {
        reading,
        mark: None,
        entries: series
            .iter()
            .map(|series| entry(series.symbol.as_str(), None))
            .collect(),
    })
}

/// The lanes that are won and lost.
const LANES: [&str; 3] = ["alpha_vantage", "coinbase", "upkeep"];

fn an_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        3 => Just(()).prop_map(|()| Input::Tick),
        6 => a_command().prop_map(Input::Command),
        6 => an_event().prop_map(Input::Run),
        2 => Just(()).prop_map(|()| Input::RunEnded(Ok(report(vec![])))),
        1 => Just(()).prop_map(|()| Input::RunEnded(Err(DbError::for_test("gone")))),
        1 => Just(()).prop_map(|()| Input::RunCrashed("broke".into())),
        1 => Just(()).prop_map(|()| Input::StoreFailed(DbError::for_test("gone"))),
        1 => Just(()).prop_map(|()| Input::TrustOver),
        1 => Just(()).prop_map(|()| Input::Loaded(Loaded::Newest(vec![]))),
        1 => Just(()).prop_map(|()| Input::BeatFailed(DbError::for_test("gone"))),
        3 => a_list().prop_map(|list| Input::Loaded(Loaded::Series(list))),
        2 => (a_list(), proptest::sample::subsequence(LANES.to_vec(), 0..=LANES.len()), 1..3_i64)
            .prop_map(|(list, lanes, epoch)| {
                let lanes = lanes.into_iter();
                let lanes = lanes.map(|name| lane(name, epoch, Some("2026-11-18T12:00:00Z")));
                let mut handover = handover(lanes.collect(), list);
                handover.read.due_ticks = vec![(at("2026-11-18T11:00:00Z"), SourceId::DEFAULT)];
                won(handover)
            }),
        1 => Just(()).prop_map(|()| Input::Command(Command::Shutdown)),
    ]
}

proptest! {
    #[test]
    fn every_promise_outlives_inputs_in_any_order(
        inputs in proptest::collection::vec(an_input(), 1..60),
    ) {
        let mut state = state();
        let mut now = at(NOON);
        for input in inputs {
            now += TimeDelta::minutes(7);
            state.step(input, now);
            prop_assert_eq!(state.broken_promise(), None);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_change_is_shown_whatever_brings_it(
        inputs in proptest::collection::vec(an_input(), 1..40),
    ) {
        let mut state = state();
        let mut now = at(NOON);
        for input in inputs {
            now += TimeDelta::minutes(7);
            shown(&mut state, input, now);
        }
    }
}

#[test]
fn a_report_after_the_end_of_its_run_changes_no_series() {
    let mut state = state();
    let late = Event::Sending {
        series: vec![key("IBM")],
        attempt: 1,
    };
    state.step(Input::Run(late), at(NOON));
    let shown = state.snapshot(0, at(NOON));
    assert!(
        shown
            .series
            .iter()
            .all(|series| series.state != SeriesState::Fetching),
        "{:?}",
        shown.series
    );
}

fn queued() -> QueuedRun {
    QueuedRun {
        trigger: "fetch",
        series: Some(vec![key("IBM")]),
        whose: Whose::All,
        asker: Asker::Person,
        most: BTreeMap::new(),
        within: None,
    }
}

/// How a promise is broken, and words of it.
type Breach = (fn(&mut State), &'static str);

#[test]
fn a_broken_promise_is_noticed() {
    let breaches: [Breach; 8] = [
        (
            |state| state.entries.push(entry("IBM", None)),
            "listed once",
        ),
        (
            |state| state.entries[0].live.state = Some(SeriesState::Fetching),
            "only in a run",
        ),
        (
            |state| state.queue.extend([queued(), queued()]),
            "would do the same",
        ),
        (|state| state.queue.push_back(queued()), "for another"),
        (
            |state| {
                state.is_ending = true;
                let run = |symbol: usize| QueuedRun {
                    series: Some(vec![key(&format!("S{symbol}"))]),
                    ..queued()
                };
                state.queue = (0..=MOST_QUEUED).map(run).collect();
            },
            "few runs",
        ),
        (
            |state| {
                (state.read_only, state.is_ending) = (true, true);
                state.queue.push_back(queued());
            },
            "sends no request",
        ),
        (
            |state| {
                own(state, NOON);
                state.queue.clear();
                (state.run, state.read_only) = (None, true);
                for entry in &mut state.entries {
                    entry.live.state = None;
                }
            },
            "has no lane",
        ),
        (
            |state| state.own_runs = (0..=i64::from(NEWEST)).map(RunId).collect(),
            "own runs",
        ),
    ];
    for (break_it, promise) in breaches {
        let mut state = state();
        assert_eq!(state.broken_promise(), None);
        break_it(&mut state);
        let broken = state.broken_promise().unwrap();
        assert!(broken.contains(promise), "{broken}, not {promise}");
    }
}
