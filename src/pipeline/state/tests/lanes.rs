//! Lanes are won and lost one by one: the schedule of each is followed by whoever has it.

use super::*;
use crate::model::{Engines, LaneName};

const ALPHA: &str = "alpha_vantage";
const COINBASE: &str = "coinbase";
/// Friday's instant.
const CLOSE: &str = "2026-11-20T21:20:00Z";

fn at_coinbase(symbol: &str) -> Entry {
    let key = SeriesKey {
        source: COINBASE.parse().unwrap(),
        ..key(symbol)
    };
    Entry {
        key: key.clone(),
        subject: subject(key),
        ..entry(symbol, None)
    }
}

/// A series of each of two sources, both due.
fn both() -> List {
    List {
        entries: vec![entry("AAPL", None), at_coinbase("MSFT")],
        ..entries()
    }
}

fn two_sources() -> State {
    let mut state = state();
    let mut known = sources("free key");
    known.extend(sources("free"));
    known[1].id = COINBASE.parse().unwrap();
    state.sources = known;
    state.step(Input::Loaded(Loaded::Series(both())), at(NOON));
    state
}

fn lease(name: &str, epoch: i64) -> Lease {
    lane(name, epoch, None).lease
}

/// A beat that has brought nothing new.
fn still(leases: &[Lease]) -> Input {
    Input::Beat(Box::new(Pulse {
        leases: leases.to_vec(),
        won: None,
        engines: None,
    }))
}

/// A beat that has brought a lane beside others.
fn wins(new: LeasedLane, others: &[Lease]) -> Input {
    Input::Beat(Box::new(Pulse {
        leases: others.iter().cloned().chain([new.lease.clone()]).collect(),
        won: Some(handover(vec![new], both())),
        engines: None,
    }))
}

/// The series that the runs of these jobs fetch, and under how many leases.
fn fetched(jobs: &[Job]) -> Vec<(&'static str, Vec<&str>, Vec<Lease>)> {
    let runs = jobs.iter().filter_map(|job| match job {
        Job::Run(run) => Some(run),
        _ => None,
    });
    runs.map(|run| {
        let symbols = run.series.iter().map(|key| key.symbol.as_str());
        (run.trigger, symbols.collect(), run.leases.clone())
    })
    .collect()
}

fn told(jobs: &[Job]) -> Vec<&What> {
    let told = jobs.iter().filter_map(|job| match job {
        Job::Tell(notice) => Some(&notice.what),
        _ => None,
    });
    told.collect()
}

/// What starts at the close.
fn close(state: &mut State) -> Vec<Job> {
    let mut jobs = shown(state, Input::Tick, at(CLOSE));
    let list = Input::Loaded(Loaded::Series(both()));
    jobs.extend(shown(state, list, at(CLOSE)));
    jobs
}

#[test]
fn the_sources_of_the_watch_list_are_wanted_and_the_upkeep() {
    let mut state = two_sources();
    let named = |names: &[&str]| -> Option<Vec<LaneName>> {
        Some(names.iter().map(|name| name.parse().unwrap()).collect())
    };
    assert_eq!(state.wanted_lanes(), named(&["upkeep", ALPHA, COINBASE]));
    let mut list = both();
    list.entries.truncate(1);
    list.entries[0].key.source = "newer".parse().unwrap();
    shown(&mut state, Input::Loaded(Loaded::Series(list)), at(NOON));
    assert_eq!(
        state.wanted_lanes(),
        named(&["upkeep"]),
        "it does not know that source"
    );
}

#[test]
fn only_the_series_of_its_lanes_are_fetched_on_schedule() {
    let mut state = two_sources();
    shown(
        &mut state,
        wins(lane(COINBASE, 4, Some(NOON)), &[]),
        at(NOON),
    );
    let jobs = close(&mut state);
    assert_eq!(
        fetched(&jobs),
        [("schedule", vec!["MSFT"], vec![lease(COINBASE, 4)])]
    );
    let acted = |job: &Job| matches!(job, Job::ActedOn(source, _) if source.as_str() != COINBASE);
    assert!(!jobs.iter().any(acted), "{jobs:?}");
    let noted = jobs.iter().filter_map(|job| match job {
        Job::NoteTicks(ticks) => Some(ticks),
        _ => None,
    });
    assert!(noted.flatten().all(|tick| tick.source.as_str() == COINBASE));
    let person = shown(&mut state, Input::Command(Command::FetchDue), at(CLOSE));
    assert_eq!(fetched(&person), []);
    shown(&mut state, Input::RunEnded(Ok(report(vec![]))), at(CLOSE));
    let person = shown(&mut state, Input::Loaded(Loaded::Series(both())), at(CLOSE));
    assert_eq!(
        fetched(&person),
        [("due", vec!["AAPL", "MSFT"], vec![])],
        "a person needs no lane"
    );
}

#[test]
fn lanes_that_are_won_one_by_one_are_caught_up_one_by_one() {
    let mut state = two_sources();
    let missed = Some("2026-11-19T20:00:00Z");
    let first = shown(&mut state, wins(lane(ALPHA, 1, missed), &[]), at(NOON));
    assert_eq!(
        fetched(&first),
        [("missed", vec!["AAPL"], vec![lease(ALPHA, 1)])]
    );
    let second = wins(lane(COINBASE, 1, missed), &[lease(ALPHA, 1)]);
    let second = shown(&mut state, second, at(NOON));
    assert_eq!(fetched(&second), [], "one run after the other");
    shown(&mut state, Input::RunEnded(Ok(report(vec![]))), at(NOON));
    let next = shown(&mut state, Input::Loaded(Loaded::Series(both())), at(NOON));
    assert_eq!(
        fetched(&next),
        [("missed", vec!["MSFT"], vec![lease(COINBASE, 1)])]
    );
    let never = wins(lane(ALPHA, 1, None), &[]);
    assert_eq!(
        fetched(&shown(&mut two_sources(), never, at(NOON)))[0].0,
        "start",
        "the schedule never ran on this store"
    );
}

#[test]
fn a_lost_lane_stops_and_the_others_go_on() {
    let mut state = two_sources();
    shown(&mut state, wins(lane(ALPHA, 1, Some(NOON)), &[]), at(NOON));
    let coinbase = wins(lane(COINBASE, 1, Some(NOON)), &[lease(ALPHA, 1)]);
    shown(&mut state, coinbase, at(NOON));
    assert_eq!(fetched(&close(&mut state))[0].1, ["AAPL", "MSFT"]);
    let lost = shown(&mut state, still(&[lease(COINBASE, 1)]), at(CLOSE));
    let alpha = vec![ALPHA.parse().unwrap()];
    assert_eq!(lost[0], Job::CancelLanes(alpha.clone()));
    assert_eq!(told(&lost), [&What::LanesLost(alpha)]);
    assert_eq!(
        shown(&mut state, still(&[lease(COINBASE, 1)]), at(CLOSE)),
        []
    );
    assert!(state.snapshot(0, at(CLOSE)).schedule.is_owner, "of one");
    let begun = Event::Started {
        run: RunId(7),
        series: 2,
    };
    let begun = shown(&mut state, Input::Run(begun), at(CLOSE));
    let noted = begun.iter().find_map(|job| match job {
        Job::NoteTicks(ticks) => Some(ticks.iter().map(|tick| tick.source.as_str()).collect()),
        _ => None,
    });
    assert_eq!(noted, Some(vec![COINBASE]), "the other is its new owner's");
}

#[test]
fn a_lane_that_was_won_back_is_another_lease() {
    let mut state = two_sources();
    shown(&mut state, wins(lane(ALPHA, 1, Some(NOON)), &[]), at(NOON));
    let back = shown(&mut state, wins(lane(ALPHA, 3, Some(NOON)), &[]), at(NOON));
    let alpha = || vec![ALPHA.parse().unwrap()];
    assert_eq!(
        told(&back)[..2],
        [&What::LanesLost(alpha()), &What::LanesWon(alpha())]
    );
    assert_eq!(state.leases(), [lease(ALPHA, 3)]);
    assert_eq!(fetched(&close(&mut state))[0].2, [lease(ALPHA, 3)]);
}

#[test]
fn what_was_not_renewed_in_time_is_lost_and_queued_runs_of_it_start_nothing() {
    let mut state = two_sources();
    let missed = Some("2026-11-19T20:00:00Z");
    shown(
        &mut state,
        Input::Command(Command::Fetch(vec![key("AAPL")])),
        at(NOON),
    );
    shown(&mut state, wins(lane(ALPHA, 1, missed), &[]), at(NOON));
    let over = shown(&mut state, Input::TrustOver, at(NOON));
    assert_eq!(told(&over).len(), 1);
    assert_eq!(state.leases(), []);
    assert!(!state.snapshot(0, at(NOON)).schedule.is_owner);
    for input in [
        Input::RunEnded(Ok(report(vec![]))),
        Input::Loaded(Loaded::Series(both())),
    ] {
        assert_eq!(fetched(&shown(&mut state, input, at(NOON))), []);
    }
    assert_eq!(fetched(&close(&mut state)), []);
}

#[test]
fn that_another_engine_has_the_lanes_is_told_once() {
    let mut state = two_sources();
    assert_eq!(
        told(&shown(&mut state, still(&[]), at(NOON))),
        [&What::Waits]
    );
    assert_eq!(shown(&mut state, still(&[]), at(NOON)), []);
    let mut alone = two_sources();
    let nobody = |state: &mut State| {
        let pulse = Pulse {
            leases: vec![],
            won: None,
            engines: Some(Engines {
                now: at(NOON),
                all: vec![],
            }),
        };
        shown(state, Input::Beat(Box::new(pulse)), at(NOON))
    };
    assert_eq!(nobody(&mut alone), [], "nobody has them");
    assert!(alone.snapshot(0, at(NOON)).schedule.no_engine);
    shown(&mut alone, wins(lane(ALPHA, 1, Some(NOON)), &[]), at(NOON));
    assert!(!alone.snapshot(0, at(NOON)).schedule.no_engine);
}

#[test]
fn a_beat_that_does_not_reach_the_store_tells_that_it_is_away_and_keeps_the_lanes() {
    let mut state = two_sources();
    shown(&mut state, wins(lane(ALPHA, 1, Some(NOON)), &[]), at(NOON));
    let failed = || Input::BeatFailed(DbError::for_test("away"));
    let away = shown(&mut state, failed(), at(NOON));
    assert_eq!(told(&away), [&What::StoreLost("away".into())]);
    let revision = state.revision();
    assert_eq!(shown(&mut state, failed(), at(NOON)), []);
    assert_eq!(state.revision(), revision, "nothing has changed");
    assert_eq!(state.leases(), [lease(ALPHA, 1)]);
}

#[test]
fn what_a_beat_brings_is_shown() {
    let mut state = two_sources();
    assert!(!state.shows_engines());
    shown(&mut state, Input::Command(Command::ShowSystem), at(NOON));
    assert!(state.shows_engines());
    let engines = |second| Engines {
        now: at(NOON) + TimeDelta::seconds(second),
        all: vec![],
    };
    for second in 1..3 {
        let pulse = Pulse {
            leases: vec![],
            won: None,
            engines: Some(engines(second)),
        };
        shown(&mut state, Input::Beat(Box::new(pulse)), at(NOON));
        let view = state.snapshot(0, at(NOON)).engines;
        assert_eq!(view.as_deref(), Some(&engines(second)));
    }
    shown(&mut state, wins(lane(ALPHA, 1, Some(NOON)), &[]), at(NOON));
    assert!(state.snapshot(0, at(NOON)).engines.is_some(), "as it was");
}

#[test]
fn an_engine_knows_the_lease_of_each_lane_that_it_has() {
    let mut state = two_sources();
    shown(&mut state, wins(lane(ALPHA, 3, Some(NOON)), &[]), at(NOON));
    let of = |name: &str| state.lease(&name.parse().unwrap());
    assert_eq!(of(ALPHA), Some(lease(ALPHA, 3)));
    assert_eq!(of(COINBASE), None);
    assert_eq!(state.last_instant(at(CLOSE)), Some(at(CLOSE)));
}

#[test]
fn an_instant_that_was_acted_on_does_not_come_again_when_the_clock_is_set_back() {
    let mut state = two_sources();
    shown(&mut state, wins(lane(ALPHA, 1, Some(NOON)), &[]), at(NOON));
    close(&mut state);
    let before = at(CLOSE) - TimeDelta::minutes(5);
    let next = state.snapshot(0, before).schedule.next_at;
    assert_eq!(next, Some(at("2026-11-23T21:20:00Z")));
}

#[test]
fn instants_of_a_new_schedule_that_had_passed_are_not_acted_on() {
    let mut state = two_sources();
    let this_morning = Some("2026-11-20T12:00:00Z");
    shown(
        &mut state,
        wins(lane(ALPHA, 1, this_morning), &[]),
        at(NOON),
    );
    let every = Command::SetSchedule("every 15".parse().unwrap());
    shown(&mut state, Input::Command(every), at(NOON));
    let acted = |job: &Job| matches!(job, Job::ActedOn(..));
    let soon = shown(&mut state, Input::Tick, at("2026-11-20T17:14:59Z"));
    assert!(!soon.iter().any(acted), "{soon:?}");
    let then = shown(&mut state, Input::Tick, at("2026-11-20T17:15:00Z"));
    assert!(then.iter().any(acted), "{then:?}");
}
