//! What becomes of the instants of the schedule.

use super::*;
use crate::model::tick::{NotedTick, Tick, TickOutcome, TickWhy};
use TickOutcome::{Done, Due, Missed as Passed, Refused, Skipped};

/// Friday's instant.
const CLOSE: &str = "2026-11-20T21:20:00Z";

type Said = (TickOutcome, Option<TickWhy>, Option<i64>, String);

/// What is noted, each with the day of its instant.
fn noted(jobs: &[Job]) -> Vec<Said> {
    let notes = jobs.iter().filter_map(|job| match job {
        Job::NoteTicks(ticks) => Some(ticks),
        _ => None,
    });
    let said = |tick: &Tick| {
        let day = tick.at.format("%d").to_string();
        (tick.outcome, tick.why, tick.run.map(|run| run.0), day)
    };
    notes.flatten().map(said).collect()
}

fn said(outcome: TickOutcome, why: Option<TickWhy>, run: Option<i64>, day: &str) -> Said {
    (outcome, why, run, day.to_owned())
}

fn began(state: &mut State, run: i64, now: &str) -> Vec<Job> {
    let run = RunId(run);
    state.step(Input::Run(Event::Started { run, series: 1 }), at(now))
}

/// The owner at an instant, once the watch list is read again.
fn at_the_close(state: &mut State, list: List) -> (Vec<Job>, Vec<Job>) {
    let seen = state.step(Input::Tick, at(CLOSE));
    let read = state.step(Input::Loaded(Loaded::Series(list)), at(CLOSE));
    (seen, read)
}

#[test]
fn an_instant_is_noted_when_it_comes_and_again_when_its_run_has_begun() {
    let mut state = state();
    own(&mut state, NOON);
    let (seen, read) = at_the_close(&mut state, entries());
    assert_eq!(noted(&seen), [said(Due, None, None, "20")]);
    let place = |wanted: fn(&Job) -> bool| seen.iter().position(wanted).unwrap();
    assert!(
        place(|job| matches!(job, Job::NoteTicks(_)))
            < place(|job| matches!(job, Job::ActedOn(..))),
        "whoever finds the schedule acted on finds the instant, too"
    );
    assert_eq!(noted(&read), []);
    let begun = began(&mut state, 7, CLOSE);
    assert_eq!(noted(&begun), [said(Done, None, Some(7), "20")]);
    assert_eq!(noted(&began(&mut state, 7, CLOSE)), [], "once");
}

#[test]
fn that_a_run_began_shows_at_its_end_if_its_beginning_was_not_heard() {
    let mut state = state();
    own(&mut state, NOON);
    at_the_close(&mut state, entries());
    let jobs = state.step(Input::RunEnded(Ok(report(vec![]))), at(CLOSE));
    assert_eq!(noted(&jobs), [said(Done, None, Some(1), "20")]);
}

#[test]
fn an_instant_without_a_run_says_why() {
    let fresh = || List {
        entries: vec![entry("IBM", Some("2026-11-20T22:00:00Z"))],
        ..entries()
    };
    let old = || List {
        entries: vec![entry("IBM", Some("2026-11-19T22:00:00Z"))],
        ..entries()
    };
    let blocked = || {
        let mut list = entries();
        for entry in &mut list.entries {
            entry.parked = Some((ErrorClass::NotEntitled, "not in this plan".to_owned()));
        }
        list
    };
    let ledgers = |today| {
        let ledger = Ledger {
            today,
            ..Ledger::default()
        };
        Input::Loaded(Loaded::Ledgers(vec![(SourceId::DEFAULT, ledger)]))
    };
    for (list, used, outcome, why) in [
        (fresh(), 0, Skipped, TickWhy::NotDue),
        (blocked(), 0, Skipped, TickWhy::Blocked),
        (entries(), 25, Refused, TickWhy::DaySpent),
        (old(), 24, Refused, TickWhy::NoRoom),
    ] {
        let mut state = state();
        own(&mut state, NOON);
        state.step(ledgers(used), at(NOON));
        let (seen, read) = at_the_close(&mut state, list);
        assert_eq!(noted(&seen), [said(Due, None, None, "20")]);
        assert_eq!(noted(&read), [said(outcome, Some(why), None, "20")]);
        assert_eq!(runs(&read), [], "{why}");
    }
    let mut paused = state();
    own(&mut paused, NOON);
    paused.step(Input::Command(Command::Pause), at(NOON));
    let seen = paused.step(Input::Tick, at(CLOSE));
    let why = Some(TickWhy::Paused);
    assert_eq!(
        noted(&seen),
        [said(Due, None, None, "20"), said(Skipped, why, None, "20")]
    );
}

#[test]
fn one_run_makes_up_for_instants_that_were_missed() {
    let mut state = state();
    let jobs = own(&mut state, "2026-11-16T22:00:00Z");
    let due = |day| said(Due, None, None, day);
    assert_eq!(noted(&jobs), [due("19"), due("18"), due("17")]);
    assert_eq!(runs(&jobs), [("missed", vec!["AAPL".into()])]);
    let jobs = began(&mut state, 3, NOON);
    let missed = |day| said(Passed, None, Some(3), day);
    assert_eq!(
        noted(&jobs),
        [said(Done, None, Some(3), "19"), missed("18"), missed("17")]
    );
}

#[test]
fn an_instant_that_another_engine_saw_and_did_not_live_to_act_on_is_made_up() {
    let mut state = state();
    let mut handover = handover(leased(Some("2026-11-19T21:20:01Z")), entries());
    handover.read.due_ticks = vec![(at("2026-11-19T21:20:00Z"), SourceId::DEFAULT)];
    let jobs = state.step(won(handover), at(NOON));
    assert_eq!(runs(&jobs), [("missed", vec!["AAPL".into()])]);
    assert_eq!(state.snapshot(0, at(NOON)).schedule.missed, 1);
    let jobs = began(&mut state, 9, NOON);
    assert_eq!(noted(&jobs), [said(Done, None, Some(9), "19")]);
}

#[test]
fn a_machine_that_slept_makes_up_with_one_run() {
    let mut state = state();
    own(&mut state, NOON);
    let woke = "2026-11-24T22:00:00Z";
    let seen = state.step(Input::Tick, at(woke));
    assert_eq!(noted(&seen).len(), 3, "Friday, Monday and Tuesday");
    let read = state.step(Input::Loaded(Loaded::Series(entries())), at(woke));
    assert_eq!(runs(&read).len(), 1);
    let outcomes: Vec<TickOutcome> = noted(&began(&mut state, 4, woke))
        .into_iter()
        .map(|said| said.0)
        .collect();
    assert_eq!(outcomes, [Done, Passed, Passed]);
    assert_eq!(state.snapshot(0, at(woke)).schedule.missed, 3);
    assert_eq!(noted(&state.step(Input::Tick, at(woke))), []);
}

#[test]
fn a_clock_that_goes_back_sees_no_instant_twice() {
    let mut state = state();
    own(&mut state, NOON);
    at_the_close(&mut state, entries());
    for now in [NOON, "2026-11-20T21:19:59Z", CLOSE, "2026-11-20T21:20:05Z"] {
        assert_eq!(noted(&state.step(Input::Tick, at(now))), [], "{now}");
    }
}

#[test]
fn what_could_not_be_noted_is_noted_once_the_store_is_back() {
    let mut state = state();
    own(&mut state, NOON);
    let (seen, _) = at_the_close(&mut state, entries());
    let Some(Job::NoteTicks(ticks)) = seen
        .into_iter()
        .find(|job| matches!(job, Job::NoteTicks(_)))
    else {
        panic!("nothing is noted");
    };
    let away = DbError::for_test("away");
    state.step(Input::TicksUnnoted(ticks, away), at(CLOSE));
    let back = state.step(Input::Loaded(Loaded::Total(1)), at(CLOSE));
    assert_eq!(noted(&back), [said(Due, None, None, "20")]);
}

#[test]
fn the_next_instants_show_what_is_planned_for_them() {
    let mut state = state();
    own(&mut state, NOON);
    let noted: Vec<NotedTick> = vec![];
    state.step(Input::Loaded(Loaded::Ticks(noted)), at(NOON));
    let next = state.snapshot(0, at(NOON)).next_ticks;
    let days = next
        .iter()
        .map(|tick| (tick.at.format("%d").to_string(), tick.requests));
    let days: Vec<(String, u32)> = days.collect();
    let day = |day: &str, requests| (day.to_owned(), requests);
    assert_eq!(
        days,
        [
            day("20", 2),
            day("23", 0),
            day("24", 0),
            day("25", 0),
            day("27", 0)
        ],
        "Thanksgiving has none"
    );
}
