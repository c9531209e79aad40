//! What is due when, and what is planned of it.

use super::super::super::planner::{Why, WhyNot};
use super::*;

fn list(entries: Vec<Entry>) -> Input {
    Input::Loaded(Loaded::Series(List {
        reading: 1,
        mark: None,
        entries,
    }))
}

/// An owner of this schedule and these series.
fn with(schedule: &str, entries: Vec<Entry>) -> State {
    let mut state = state();
    own(&mut state, NOON);
    state.schedule = schedule.parse().unwrap();
    shown(&mut state, list(entries), at(NOON));
    state
}

/// Fresh until Friday's close.
fn fresh() -> Entry {
    entry("IBM", Some("2026-11-19T22:00:00Z"))
}

fn refused() -> Entry {
    Entry {
        parked: Some((ErrorClass::NotEntitled, "needs a paid plan".into())),
        ..entry("AAPL", None)
    }
}

#[test]
fn a_series_is_planned_at_the_first_instant_at_which_its_bar_is_due() {
    // One is due now, and its instant comes before the other's.
    let state = with("every 15", vec![fresh(), entry("AAPL", None)]);
    let plan = state.planned(at(NOON));
    let planned = |symbol| plan.line(&key(symbol)).unwrap().at;
    assert_eq!(planned("AAPL"), Some(at("2026-11-20T17:15:00Z")));
    let due = fresh().due_from(at(NOON)).unwrap();
    assert_eq!(
        due.timestamp() % 900,
        0,
        "an instant of the schedule: {due}"
    );
    assert_eq!(planned("IBM"), Some(due));
}

#[test]
fn what_is_refused_makes_no_instant_one_at_which_something_is_sent() {
    let state = with("every 15", vec![refused()]);
    assert_eq!(state.due_from(Whose::Scheduled, at(NOON)), None);
    let state = with("every 15", vec![refused(), fresh()]);
    let due = fresh().due_from(at(NOON));
    assert_eq!(state.due_from(Whose::Scheduled, at(NOON)), due);
}

#[test]
fn while_the_schedule_is_paused_the_plan_says_so_unless_the_source_refuses() {
    let mut state = with("every 15", vec![entry("IBM", None), refused()]);
    shown(&mut state, Input::Command(Command::Pause), at(NOON));
    let plan = state.planned(at(NOON));
    let why_not = |symbol| plan.line(&key(symbol)).unwrap().why_not_now.clone();
    assert_eq!(why_not("IBM"), Some(WhyNot::Paused));
    assert!(matches!(why_not("AAPL"), Some(WhyNot::Refused { .. })));
}

#[test]
fn a_target_of_freshness_is_counted_from_what_is_known() {
    let aimed = Entry {
        declared: Declared {
            fresh_within: Some("2h".parse().unwrap()),
            ..Declared::default()
        },
        ..fresh()
    };
    let known_to = aimed.known_to().unwrap();
    let state = with("every 15", vec![aimed]);
    let plan = state.planned(at(NOON));
    let why = plan.line(&key("IBM")).unwrap().why.clone();
    let until = known_to + TimeDelta::hours(2);
    let within = "2h".parse().unwrap();
    assert_eq!(why, Some(Why::Target { within, until }));
}

#[test]
fn the_request_that_is_kept_for_a_person_is_sent_for_a_person_alone() {
    let ledger = Ledger {
        today: 24,
        ..Ledger::default()
    };
    let read = || Input::Loaded(Loaded::Ledgers(vec![(SourceId::DEFAULT, ledger)]));
    let mut state = with("every 15", vec![entry("IBM", None), entry("AAPL", None)]);
    shown(&mut state, read(), at(NOON));
    let instant = at("2026-11-20T17:15:00Z");
    shown(&mut state, Input::Tick, instant);
    let both = || list(vec![entry("IBM", None), entry("AAPL", None)]);
    assert_eq!(runs(&shown(&mut state, both(), instant)), []);
    shown(&mut state, Input::Command(Command::FetchDue), instant);
    assert_eq!(
        runs(&shown(&mut state, both(), instant)),
        [("due", vec!["IBM".into()])]
    );
}

#[test]
fn a_series_whose_day_is_over_is_not_sent_before_it_renews() {
    let mut state = with("every 15", vec![entry("IBM", None)]);
    assert!(!state.is_spent(&key("IBM"), at(NOON)));
    let ledger = Ledger {
        today: 25,
        ..Ledger::default()
    };
    let read = Loaded::Ledgers(vec![(SourceId::DEFAULT, ledger)]);
    shown(&mut state, Input::Loaded(read), at(NOON));
    assert!(state.is_spent(&key("IBM"), at("2026-11-21T04:59:59Z")));
    assert!(!state.is_spent(&key("IBM"), at("2026-11-21T05:00:00Z")));
}
