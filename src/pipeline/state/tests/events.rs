//! Splits and dividends are asked for one errand at a time, and what they change is read again.

use super::super::super::events::EventList;
use super::*;
use crate::model::Instrument;
use crate::model::adjustment::EventKind;
use crate::pipeline::command::{Anchor, BarsWindow};

fn wanted() -> Vec<Instrument> {
    vec![key("IBM").instrument()]
}

fn ask(state: &mut State) -> Vec<Job> {
    let command = Command::FetchEvents(wanted());
    state.step(Input::Command(command), at(NOON))
}

fn lists() -> Vec<EventList> {
    vec![EventList {
        instrument: key("IBM").instrument(),
        kind: EventKind::Splits,
        outcome: Ok(1),
    }]
}

#[test]
fn a_second_errand_waits_for_the_end_of_the_first_and_the_bars_are_read_again() {
    let mut state = state();
    let window = BarsWindow {
        series: key("IBM"),
        anchor: Anchor::Newest,
        newer: 0,
        older: 9,
    };
    let show = Command::ShowBars(window.clone());
    state.step(Input::Command(show), at(NOON));
    assert_eq!(ask(&mut state), [Job::AskEvents(wanted())]);
    let [Job::Tell(refused)] = &ask(&mut state)[..] else {
        panic!("a refusal");
    };
    assert!(matches!(&refused.what, What::Refused(_, why) if why.contains("being asked for")));
    let jobs = state.step(Input::Events(Ok(lists())), at(NOON));
    let ledger_and_bars = [Load::Runs, Load::Ledger, Load::Bars(window)].map(Job::Load);
    assert_eq!(jobs[0], tell(at(NOON), What::Events(lists())));
    assert_eq!(jobs[1..], ledger_and_bars);
    assert_eq!(ask(&mut state), [Job::AskEvents(wanted())]);
    let jobs = state.step(Input::EventsCrashed("boom".into()), at(NOON));
    assert!(jobs.contains(&Job::Rescue), "{jobs:?}");
    assert_eq!(ask(&mut state), [Job::AskEvents(wanted())]);
}

#[test]
fn the_engine_ends_once_the_lists_are_stored_or_given_up() {
    let mut state = state();
    ask(&mut state);
    let jobs = state.step(Input::Command(Command::Shutdown), at(NOON));
    assert_eq!(jobs, [Job::CancelEvents]);
    assert_eq!(ask(&mut state), [], "nothing more is asked for");
    let jobs = state.step(Input::Events(Ok(vec![])), at(NOON));
    assert_eq!(jobs.last(), Some(&Job::Finish));
}
