//! Bars since a declared day come after the schedule's run, with what is spare.

use super::*;
use crate::model::Priority;
use crate::model::quota::Ledger;

const INSTANT: &str = "2026-11-20T21:20:00Z";
const FETCHED: &str = "2026-11-20T21:20:30Z";
const AFTER: &str = "2026-11-20T21:21:00Z";

/// A fresh series that lacks 28 requests of history.
fn lacking(symbol: &str, priority: Priority) -> Entry {
    let since = "2026-06-01T04:00:00Z";
    Entry {
        since: Some(at(since)),
        closing_price: 28,
        declared: Declared {
            since: Some(at(since).date_naive()),
            priority,
            ..Declared::default()
        },
        ..entry(symbol, Some(FETCHED))
    }
}

fn list() -> Input {
    Input::Loaded(Loaded::Series(List {
        reading: 9,
        mark: None,
        entries: vec![
            lacking("IBM", Priority::Normal),
            lacking("AAPL", Priority::High),
        ],
    }))
}

fn used(today: u32) -> Input {
    let ledger = Ledger {
        today,
        ..Ledger::default()
    };
    Input::Loaded(Loaded::Ledgers(vec![(SourceId::DEFAULT, ledger)]))
}

/// The schedule's run has ended.
fn after_the_schedule() -> State {
    let mut state = state();
    own(&mut state, NOON);
    state.step(Input::Tick, at(INSTANT));
    let jobs = state.step(Input::Loaded(Loaded::Series(entries())), at(INSTANT));
    assert_eq!(runs(&jobs).len(), 1, "{jobs:?}");
    let jobs = state.step(Input::RunEnded(Ok(report(vec![]))), at(AFTER));
    assert_eq!(runs(&jobs), []);
    state
}

fn started(jobs: &[Job]) -> Option<&StartRun> {
    jobs.iter().find_map(|job| match job {
        Job::Run(run) => Some(run),
        _ => None,
    })
}

#[test]
fn what_matters_more_comes_first_within_what_no_series_needs_and_no_person() {
    let mut state = after_the_schedule();
    assert_eq!(started(&state.step(list(), at(AFTER))), None, "not counted");
    let jobs = state.step(used(10), at(AFTER));
    let run = started(&jobs).unwrap();
    assert_eq!((run.trigger, &run.series), ("history", &vec![key("AAPL")]));
    // Of 25, ten are sent and one is kept; half of the requests bring half of the time.
    assert_eq!(run.most, BTreeMap::from([(SourceId::DEFAULT, 14)]));
    let within = run.within.unwrap();
    let from = within.from.unwrap();
    assert_eq!(from, at("2026-06-01T04:00:00Z"));
    let days = (within.to - from).num_days();
    assert!((80..=90).contains(&days), "{days}");
    // It brought nothing new: the other one is next, as far as there is something to spare.
    state.step(Input::RunEnded(Ok(report(vec![]))), at(AFTER));
    state.step(list(), at(AFTER));
    let jobs = state.step(used(12), at(AFTER));
    let run = started(&jobs).unwrap();
    assert_eq!(run.series, [key("IBM")]);
    assert_eq!(run.most, BTreeMap::from([(SourceId::DEFAULT, 12)]));
    state.step(Input::RunEnded(Ok(report(vec![]))), at(AFTER));
    state.step(list(), at(AFTER));
    assert_eq!(started(&state.step(used(14), at(AFTER))), None);
}

#[test]
fn nothing_comes_where_nothing_is_spare_or_the_schedule_is_paused_or_another_has_it() {
    let mut spent = after_the_schedule();
    spent.step(list(), at(AFTER));
    assert_eq!(
        started(&spent.step(used(24), at(AFTER))),
        None,
        "the reserve"
    );
    let mut paused = after_the_schedule();
    paused.step(Input::Command(Command::Pause), at(AFTER));
    paused.step(list(), at(AFTER));
    assert_eq!(started(&paused.step(used(10), at(AFTER))), None);
    let mut idle = state();
    idle.step(list(), at(AFTER));
    assert_eq!(started(&idle.step(used(10), at(AFTER))), None);
}

#[test]
fn a_plan_says_what_comes_with_what_is_spare() {
    let mut state = after_the_schedule();
    state.step(list(), at(AFTER));
    let plan = state.planned(at(AFTER));
    let clock = |at: DateTime<Utc>| at.format("%d %H:%M").to_string();
    let said = plan.line(&key("IBM")).unwrap().words(&clock);
    assert!(
        said.ends_with("; bars since 2026-06-01 come with what is spare, 28 requests"),
        "{said}"
    );
}

#[test]
fn where_a_day_has_no_limit_history_does_not_wait_for_the_schedule() {
    for (per_day, starts) in [(None, true), (Some(25), false)] {
        let mut state = state();
        state.quotas = Quotas::new(quotas(per_day));
        let won = won(handover(leased(Some(AFTER)), entries()));
        assert_eq!(started(&state.step(won, at(AFTER))), None);
        let mut jobs = state.step(list(), at(AFTER));
        jobs.extend(state.step(used(0), at(AFTER)));
        assert_eq!(started(&jobs).is_some(), starts, "{per_day:?}: {jobs:?}");
    }
}

#[test]
fn a_slice_is_over_ten_seconds_before_the_schedule_sends() {
    for (instant, starts) in [
        ("2026-11-23T20:59:49Z", true),
        ("2026-11-23T20:59:50Z", false),
        ("2026-11-23T20:59:59Z", false),
    ] {
        let mut state = after_the_schedule();
        state.schedule = "close +0".parse().unwrap();
        state.step(list(), at(instant));
        let started = started(&state.step(used(10), at(instant))).is_some();
        assert_eq!(started, starts, "{instant}");
    }
}

#[test]
fn what_is_due_waits_for_the_schedule_and_what_another_engine_has_for_that() {
    let mut state = after_the_schedule();
    let monday = at("2026-11-23T21:10:00Z");
    state.step(list(), monday);
    assert_eq!(started(&state.step(used(10), monday)), None, "both are due");
    let mut lanes = after_the_schedule();
    lanes.step(list(), at(AFTER));
    lanes.entries[1].key.source = SourceId::known("another");
    let jobs = lanes.step(used(10), at(AFTER));
    assert_eq!(started(&jobs).unwrap().series, [key("IBM")]);
}

#[test]
fn what_the_schedule_sends_before_the_day_is_over_is_not_spare() {
    // At half past nine, and at midnight in New York.
    for (schedule, most) in [("every 15", 13), ("0 0 * * *", 14)] {
        let mut state = after_the_schedule();
        state.schedule = schedule.parse().unwrap();
        let entries = vec![lacking("IBM", Priority::Normal), entry("NEW", None)];
        let list = List {
            reading: 9,
            mark: None,
            entries,
        };
        state.step(Input::Loaded(Loaded::Series(list)), at(AFTER));
        let jobs = state.step(used(10), at(AFTER));
        let run = started(&jobs).unwrap();
        assert_eq!(run.most, BTreeMap::from([(SourceId::DEFAULT, most)]));
    }
}

#[test]
fn a_backlog_is_what_costs_something_and_can_be_asked_for() {
    let price = |entry: Entry| entry.backlog(at(AFTER)).map(|backlog| backlog.price);
    let entry = || lacking("IBM", Priority::Normal);
    assert_eq!(price(entry()), Some(28));
    let brought = Entry {
        closing_price: 0,
        ..entry()
    };
    assert_eq!(price(brought), None);
    let refused = Entry {
        parked: Some((ErrorClass::NotEntitled, "needs a paid plan".into())),
        ..entry()
    };
    assert_eq!(price(refused), None);
}
