//! When it is looked for what a person should know, and what is known of it here.

use super::super::super::alerts::Round;
use super::*;
use crate::db::Undelivered;
use crate::model::alert::{Channel, Engine, Facts, SpentSource};
use crate::pipeline::snapshot::AlertsView;

/// Whether it is looked at everything or only at what is shown.
#[derive(Debug, PartialEq)]
enum Look {
    Everything(Box<Facts>),
    Shown,
}

fn look(jobs: Vec<Job>) -> Option<Look> {
    let mut looks = jobs.into_iter().filter_map(|job| match job {
        Job::Watch(facts) => Some(Look::Everything(facts)),
        Job::LookAtAlerts(_) => Some(Look::Shown),
        _ => None,
    });
    let look = looks.next();
    assert_eq!(looks.next(), None, "one at a time");
    look
}

fn is_of_everything(look: Option<Look>) -> bool {
    look.is_some_and(|look| matches!(look, Look::Everything(_)))
}

fn after(seconds: i64) -> DateTime<Utc> {
    at(NOON) + TimeDelta::seconds(seconds)
}

fn listed(reading: u64) -> Input {
    let list = List {
        reading,
        ..entries()
    };
    Input::Loaded(Loaded::Series(list))
}

fn tick(state: &mut State, second: i64) -> Option<Look> {
    look(shown(state, Input::Tick, after(second)))
}

fn brought(view: AlertsView) -> Input {
    Input::Alerts(Ok(Round {
        view,
        ..Round::default()
    }))
}

/// The look before is over.
fn over(state: &mut State) {
    shown(state, brought(AlertsView::default()), at(NOON));
}

/// One that looks after the store has looked for the first time, at noon.
fn upkeep() -> State {
    let mut state = state();
    own(&mut state, NOON);
    assert_eq!(tick(&mut state, 0), None, "the list was not read yet");
    let first = look(shown(&mut state, listed(1), at(NOON)));
    assert_eq!(first, Some(Look::Shown), "what is due comes first");
    over(&mut state);
    state
}

fn waiting() -> AlertsView {
    AlertsView {
        undelivered: vec![Undelivered {
            channel: Channel::Webhook,
            attempts: 1,
            next_at: at(NOON),
            outcome: None,
        }],
        ..AlertsView::default()
    }
}

#[test]
fn one_that_looks_after_the_store_looks_each_minute_one_look_after_the_other() {
    let mut state = upkeep();
    assert_eq!(tick(&mut state, 0), None);
    assert_eq!(tick(&mut state, 59), None);
    assert!(is_of_everything(tick(&mut state, 60)));
    assert_eq!(tick(&mut state, 120), None, "the one before is not over");
    over(&mut state);
    assert!(is_of_everything(tick(&mut state, 121)));
    over(&mut state);
    assert!(
        is_of_everything(tick(&mut state, 120)),
        "by a clock set back"
    );
    shown(&mut state, Input::Crashed("broke".into()), after(120));
    assert!(is_of_everything(tick(&mut state, 180)), "that one is over");
}

#[test]
fn one_that_only_shows_alerts_and_one_with_messages_that_wait_look_every_ten_seconds() {
    let mut viewer = state();
    let first = look(shown(&mut viewer, listed(1), at(NOON)));
    assert_eq!(first, Some(Look::Shown));
    over(&mut viewer);
    assert_eq!(tick(&mut viewer, 9), None);
    assert_eq!(tick(&mut viewer, 10), Some(Look::Shown));
    let mut state = upkeep();
    shown(&mut state, brought(waiting()), at(NOON));
    assert_eq!(tick(&mut state, 9), None);
    assert!(is_of_everything(tick(&mut state, 10)));
}

#[test]
fn after_a_run_everything_is_looked_at_once_the_list_is_read_again() {
    let mut state = upkeep();
    shown(&mut state, Input::Command(Command::FetchDue), after(1));
    let begun = shown(&mut state, listed(2), after(1));
    assert_eq!(runs(&begun).len(), 1);
    let Some(Look::Everything(facts)) = tick(&mut state, 60) else {
        panic!("it is time");
    };
    assert_eq!(facts.series, None, "the run changes how they stand");
    let end = Input::RunEnded(Ok(report(vec![])));
    assert_eq!(look(shown(&mut state, end, after(61))), None);
    assert_eq!(tick(&mut state, 62), None);
    assert_eq!(look(shown(&mut state, listed(3), after(63))), None);
    over(&mut state);
    let Some(Look::Everything(facts)) = tick(&mut state, 64) else {
        panic!("it was wanted while the look before was not over");
    };
    assert_eq!(facts.series.unwrap().len(), 2);
    assert_eq!(facts.engine, Some(Engine::Works), "it follows the schedule");
    over(&mut state);
    assert_eq!(look(shown(&mut state, listed(4), after(65))), None, "once");
}

#[test]
fn a_list_that_is_read_while_another_run_goes_on_is_not_the_one_after_a_run() {
    let mut state = upkeep();
    let fetch = |symbol| Input::Command(Command::Fetch(vec![key(symbol)]));
    shown(&mut state, fetch("IBM"), after(1));
    shown(&mut state, fetch("AAPL"), after(1));
    let next = shown(&mut state, Input::RunEnded(Ok(report(vec![]))), after(2));
    assert_eq!(runs(&next), [("fetch", vec!["AAPL".into()])]);
    assert_eq!(look(shown(&mut state, listed(2), after(3))), None);
    shown(&mut state, Input::RunEnded(Ok(report(vec![]))), after(4));
    assert!(is_of_everything(look(shown(
        &mut state,
        listed(3),
        after(5)
    ))));
}

#[test]
fn a_run_that_ended_before_the_first_look_is_judged_by_it() {
    let mut state = state();
    own(&mut state, NOON);
    let fetch = Input::Command(Command::Fetch(vec![key("IBM")]));
    shown(&mut state, fetch, at(NOON));
    shown(&mut state, Input::RunEnded(Ok(report(vec![]))), at(NOON));
    assert!(is_of_everything(look(shown(
        &mut state,
        listed(1),
        at(NOON)
    ))));
}

#[test]
fn without_the_store_and_at_the_end_it_is_not_looked() {
    let mut lost = upkeep();
    let error = || DbError::for_test("away");
    shown(&mut lost, Input::StoreFailed(error()), after(60));
    assert_eq!(tick(&mut lost, 60), None);
    let mut failed = upkeep();
    tick(&mut failed, 60);
    let told = shown(&mut failed, Input::Alerts(Err(error())), after(61));
    assert!(matches!(told.as_slice(), [Job::Tell(notice)]
        if notice.what == What::StoreLost("away".into())));
    let mut ending = upkeep();
    shown(&mut ending, Input::Command(Command::Shutdown), after(60));
    assert_eq!(tick(&mut ending, 60), None);
}

#[test]
fn a_source_without_requests_is_told_with_what_is_due_of_it() {
    let mut state = upkeep();
    let spent = |state: &mut State, second| match tick(state, second) {
        Some(Look::Everything(facts)) => facts.spent,
        look => panic!("{look:?}"),
    };
    assert_eq!(spent(&mut state, 60), Some(vec![]));
    over(&mut state);
    let ledger = Ledger {
        today: 25,
        ..Ledger::default()
    };
    let read = Loaded::Ledgers(vec![(SourceId::DEFAULT, ledger)]);
    shown(&mut state, Input::Loaded(read), after(61));
    let alpha = SpentSource {
        name: "alpha_vantage".into(),
        limit: 25,
        due: 1,
        renews_at: at("2026-11-21T05:00:00Z"),
    };
    assert_eq!(spent(&mut state, 120), Some(vec![alpha]));
}

#[test]
fn what_a_look_has_brought_is_shown_and_told() {
    let mut state = upkeep();
    let before = state.revision();
    shown(&mut state, brought(waiting()), at(NOON));
    assert_eq!(*state.snapshot(0, at(NOON)).alerts, waiting());
    assert_eq!(state.revision(), before + 1);
    shown(&mut state, brought(waiting()), at(NOON));
    assert_eq!(state.revision(), before + 1, "nothing is new");
    let round = Round {
        view: waiting(),
        not_sent: vec!["refused".into()],
        ..Round::default()
    };
    let told = shown(&mut state, Input::Alerts(Ok(round)), at(NOON));
    assert!(matches!(told.as_slice(), [Job::Tell(notice)]
        if notice.what == What::AlertNotSent("refused".into())));
}

#[test]
fn what_time_and_reads_alone_change_is_shown() {
    let mut state = upkeep();
    shown(
        &mut state,
        Input::Run(Event::StoreAway(DbError::for_test("away"))),
        at(NOON),
    );
    shown(
        &mut state,
        Input::Run(Event::Spooled("IBM daily".into())),
        at(NOON),
    );
    shown(&mut state, Input::Command(Command::LoadListings), at(NOON));
    let failed = || Input::BeatFailed(DbError::for_test("still away"));
    for is_new in [true, false] {
        let before = state.revision();
        shown(&mut state, failed(), at(NOON));
        assert_eq!(state.revision() > before, is_new);
    }
    let newest = || Input::Loaded(Loaded::Newest(vec![]));
    shown(&mut state, Input::Run(Event::StoreBack), at(NOON));
    shown(
        &mut state,
        Input::Run(Event::Spooled("IBM daily".into())),
        at(NOON),
    );
    for is_new in [true, false] {
        let before = state.revision();
        shown(&mut state, newest(), at(NOON));
        assert_eq!(state.revision() > before, is_new);
    }
}
