//! The decisions, one input at a time.

mod alerts;
mod around;
mod begin;
mod due;
mod ends;
mod events;
mod export;
mod keys;
mod lanes;
mod others;
mod promises;
mod prune;
mod reads;
mod sessions;
mod simulation;
mod spare;
mod symbols;
mod ticks;
mod told;
mod watch_list;

use std::collections::BTreeMap;

use crate::model::calendar::CalendarId;
use chrono_tz::America::New_York;

use super::super::command::Command;
use super::super::settings::Remembered;
use super::super::snapshot::{KeyUse, QuotaStatus, Snapshot, Subject};
use super::*;
use crate::db::{Backend, LeasedLane, SeriesFacts};
use crate::model::ErrorClass;
use crate::model::quota::Ledger;
use crate::model::{
    Bar, Coverage, Declared, EngineId, Grid, Interval, Lease, Price, Publishing, RunStatus, Span,
    Spoken, WatchEdit,
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A Friday noon in New York.
const NOON: &str = "2026-11-20T17:00:00Z";

/// What is read to notice what others do.
const LOOK: [Job; 2] = [Job::Load(Load::Newest), Job::Recall(0)];

fn key(symbol: &str) -> SeriesKey {
    SeriesKey::raw(symbol.parse().unwrap(), Interval::Daily)
}

fn grid() -> Grid {
    Grid {
        interval: Interval::Daily,
        calendar: CalendarId::Xnys.into(),
        publishing: Publishing {
            zone: New_York,
            ..Publishing::UNKNOWN
        },
    }
}

fn bar(timestamp: DateTime<Utc>) -> Bar {
    let price = Price::from_units(1);
    Bar {
        timestamp,
        trading_date: timestamp.date_naive(),
        open: price,
        high: price,
        low: price,
        close: price,
        volume: 1.into(),
        is_final: true,
        adjusted_close: None,
        dividend_amount: None,
        split_coefficient: None,
    }
}

fn entry(symbol: &str, fetched_at: Option<&str>) -> Entry {
    let grid = grid();
    let fetched_at = fetched_at.map(at);
    let newest = fetched_at.and_then(|at| grid.newest_due(at));
    let mut coverage = Coverage::default();
    if let Some((slot, newest_at)) = newest.zip(fetched_at) {
        coverage.hear(
            &Spoken {
                asked: slot.span,
                settled_to: slot.span.to,
                complete_to: slot.span.to,
                newest_at: Some(newest_at),
            },
            None,
        );
    }
    Entry {
        key: key(symbol),
        subject: subject(key(symbol)),
        grid,
        since: None,
        reach: None,
        closing_price: 0,
        fetch_price: 1,
        rides: None,
        declared: Declared::default(),
        safe_until: None,
        outlook: None,
        facts: SeriesFacts {
            failure: None,
            listing: None,
            coverage,
            fetched_at,
            bars: 0,
            oldest: None,
            newest: newest.map(|slot| bar(slot.span.from)),
            recent: newest
                .iter()
                .map(|slot| (&bar(slot.span.from)).into())
                .collect(),
        },
        parked: None,
        reading: 0,
        live: Live::default(),
    }
}

fn subject(series: SeriesKey) -> Arc<Subject> {
    Arc::new(Subject {
        series,
        currency: None,
        derived_from: None,
    })
}

fn state() -> State {
    let mut state = State::new(Start {
        sources: sources("free key"),
        store: StoreStatus {
            backend: Backend::Sqlite,
            location: "test".into(),
            bars: 0,
            lost: None,
            spooled: 0,
        },
        quotas: quotas(Some(25)),
        calendars: Calendars::default(),
        schedule: Schedule::after_close(),
        read_only: false,
        own_list: false,
        paused: false,
    });
    state.step(Input::Loaded(Loaded::Series(entries())), at(NOON));
    state
}

/// The usual source, with a key of this plan.
fn sources(plan: &str) -> Vec<SourceStatus> {
    vec![SourceStatus {
        id: SourceId::DEFAULT,
        plan: plan.to_owned(),
        key: KeyUse::Own,
        has_intraday: false,
        quota: QuotaStatus::default(),
        sendable: 0,
        pause: None,
    }]
}

fn quotas(per_day: Option<u32>) -> Vec<(SourceId, Quota)> {
    let quota = Quota::daily(TimeDelta::zero(), per_day, New_York);
    vec![(SourceId::DEFAULT, quota)]
}

fn entries() -> List {
    List {
        reading: 0,
        mark: None,
        entries: vec![
            entry("IBM", Some("2026-11-19T22:00:00Z")),
            entry("AAPL", None),
        ],
    }
}

/// All lanes of these tests, taken for the first time; their schedule was last acted on then.
fn leased(last_tick: Option<&str>) -> Vec<LeasedLane> {
    let sources = ["alpha_vantage", "coinbase", "other", "upkeep"];
    let lanes = sources.map(|source| lane(source, 1, last_tick));
    lanes.into()
}

/// A lane of this engine.
fn lane(name: &str, epoch: i64, last_tick: Option<&str>) -> LeasedLane {
    LeasedLane {
        lease: Lease {
            lane: name.parse().unwrap(),
            engine: EngineId(uuid::Uuid::nil()),
            epoch,
        },
        last_tick: last_tick.map(at),
    }
}

/// The end of a beat that has won lanes, and no others.
fn won(handover: Handover) -> Input {
    let leases = handover.lanes.iter().map(|leased| leased.lease.clone());
    Input::Beat(Box::new(Pulse {
        leases: leases.collect(),
        won: Some(handover),
        engines: None,
    }))
}

fn handover(lanes: Vec<LeasedLane>, list: List) -> Handover {
    Handover {
        lanes,
        read: Read {
            due_ticks: vec![],
            cut_short: vec![],
            list,
            ledgers: vec![],
        },
        sent_by_starts: BTreeMap::new(),
    }
}

fn own(state: &mut State, last_tick: &str) -> Vec<Job> {
    let handover = handover(leased(Some(last_tick)), entries());
    state.step(won(handover), at(NOON))
}

fn runs(jobs: &[Job]) -> Vec<(&'static str, Vec<String>)> {
    jobs.iter()
        .filter_map(|job| match job {
            Job::Run(run) => Some((
                run.trigger,
                run.series
                    .iter()
                    .map(|key| key.symbol.to_string())
                    .collect(),
            )),
            _ => None,
        })
        .collect()
}

/// A step whose changes are shown: what the snapshot says changes only with its number, which only grows.
fn shown(state: &mut State, input: Input, now: DateTime<Utc>) -> Vec<Job> {
    let look = |state: &State| {
        let revision = state.revision();
        let snapshot = Snapshot {
            revision: 0,
            ..state.snapshot(0, now)
        };
        (revision, format!("{snapshot:?}"))
    };
    let before = look(state);
    let jobs = state.step(input, now);
    let after = look(state);
    assert!(
        after.0 > before.0 || after == before,
        "{before:?}, then {after:?}"
    );
    jobs
}

fn report(series: Vec<SeriesReport>) -> RunReport {
    RunReport {
        run: RunId(1),
        status: RunStatus::Succeeded,
        requests: 0,
        series,
        unrecorded: None,
    }
}

#[test]
fn a_backfill_waits_for_the_run_before_it_and_keeps_its_time() {
    let mut state = state();
    let within = |days| Span::new(at(NOON) - TimeDelta::days(days), at(NOON));
    let backfill = |days| Input::Command(Command::Backfill(key("IBM"), within(days)));
    let jobs = state.step(backfill(90), at(NOON));
    let run = |days| {
        Job::Run(StartRun {
            trigger: "backfill",
            series: vec![key("IBM")],
            leases: vec![],
            most: BTreeMap::new(),
            within: Some(within(days).into()),
        })
    };
    assert_eq!(jobs, [run(90)]);
    // Another time is another run; the same is not done twice.
    for days in [30, 30] {
        assert_eq!(runs(&state.step(backfill(days), at(NOON))), []);
    }
    let jobs = state.step(Input::RunEnded(Ok(report(vec![]))), at(NOON));
    assert!(jobs.contains(&run(30)), "{jobs:?}");
    let jobs = state.step(Input::RunEnded(Ok(report(vec![]))), at(NOON));
    assert_eq!(runs(&jobs), []);
}

#[test]
fn the_owner_fetches_what_is_due_at_the_scheduled_instant_and_once() {
    let mut state = state();
    assert_eq!(state.step(Input::Tick, at(NOON)), [Job::Rescue]);
    own(&mut state, NOON);
    assert_eq!(state.step(Input::Tick, at("2026-11-20T21:19:59Z")), LOOK);
    let instant = at("2026-11-20T21:20:00Z");
    let jobs = state.step(Input::Tick, instant);
    assert!(
        jobs.contains(&Job::Load(Load::Series)),
        "others may have fetched: {jobs:?}"
    );
    assert!(jobs.iter().any(|job| matches!(job, Job::ActedOn(..))));
    let jobs = state.step(Input::Loaded(Loaded::Series(entries())), instant);
    assert_eq!(
        runs(&jobs),
        [("schedule", vec!["AAPL".into(), "IBM".into()])]
    );
    assert_eq!(state.step(Input::Tick, at("2026-11-20T21:20:01Z")), []);
}

#[test]
fn without_the_lock_or_while_paused_the_schedule_starts_nothing() {
    let due = at("2026-11-20T21:20:00Z");
    let mut other = state();
    assert!(runs(&other.step(Input::Tick, due)).is_empty());
    let mut paused = state();
    own(&mut paused, NOON);
    let saved = paused.step(Input::Command(Command::Pause), at(NOON));
    assert!(saved.contains(&Job::Save("paused", "true".into())));
    assert!(runs(&paused.step(Input::Tick, due)).is_empty());
    assert!(paused.snapshot(0, due).schedule.paused);
}

#[test]
fn missed_instants_are_made_up_once() {
    let mut state = state();
    let jobs = own(&mut state, "2026-11-16T22:00:00Z");
    assert_eq!(
        runs(&jobs),
        [("missed", vec!["AAPL".into()])],
        "IBM is fresh until Friday's close"
    );
    assert_eq!(state.snapshot(0, at(NOON)).schedule.missed, 3);
}

#[test]
fn wishes_wait_behind_the_run_at_work_and_are_refused_with_a_reason() {
    let mut state = state();
    let fetch = |symbol: &str| Input::Command(Command::Fetch(vec![key(symbol)]));
    assert_eq!(
        runs(&state.step(fetch("IBM"), at(NOON))),
        [("fetch", vec!["IBM".into()])]
    );
    assert!(runs(&state.step(fetch("AAPL"), at(NOON))).is_empty());
    let jobs = state.step(Input::RunEnded(Ok(report(vec![]))), at(NOON));
    assert_eq!(runs(&jobs), [("fetch", vec!["AAPL".into()])]);
    let refused = state.step(Input::Command(Command::Fetch(vec![])), at(NOON));
    assert!(
        matches!(
            &refused[..],
            [Job::Tell(Notice {
                what: What::Refused(..),
                ..
            })]
        ),
        "{refused:?}"
    );
}

#[test]
fn a_series_shows_what_happens_to_it() {
    let mut state = state();
    let shown = |state: &State| state.snapshot(0, at(NOON)).series[0].state;
    state.step(Input::Command(Command::Fetch(vec![key("IBM")])), at(NOON));
    assert_eq!(shown(&state), SeriesState::Waiting);
    state.step(
        Input::Run(Event::Sending {
            series: vec![key("IBM")],
            attempt: 1,
        }),
        at(NOON),
    );
    assert_eq!(shown(&state), SeriesState::Fetching);
    let ended = SeriesReport::new(key("IBM"), Ended::Succeeded).with_error(
        Ended::Refused,
        ErrorClass::NotEntitled,
        "not in plan",
    );
    state.step(Input::Run(Event::Done(ended)), at(NOON));
    let snapshot = state.snapshot(0, at(NOON));
    assert_eq!(snapshot.series[0].state, SeriesState::Blocked);
    assert_eq!(
        snapshot.series[0].problem,
        Some((ErrorClass::NotEntitled, "not in plan".into()))
    );
}

#[test]
fn it_ends_only_when_nothing_is_at_work() {
    let mut state = state();
    state.step(Input::Command(Command::Fetch(vec![key("IBM")])), at(NOON));
    assert_eq!(
        state.step(Input::Command(Command::Shutdown), at(NOON)),
        [Job::CancelRun]
    );
    let jobs = state.step(Input::RunEnded(Ok(report(vec![]))), at(NOON));
    assert_eq!(jobs.last(), Some(&Job::Finish));
}

#[test]
fn a_lost_store_is_told_once_and_the_schedule_waits_for_it() {
    let mut state = state();
    own(&mut state, NOON);
    let gone = || Input::RunEnded(Err(DbError::for_test("gone")));
    let jobs = state.step(gone(), at(NOON));
    let instant = at("2026-11-20T21:20:00Z");
    let reads_list = |jobs: &[Job]| jobs.contains(&Job::Load(Load::Series));
    assert!(!reads_list(&state.step(Input::Tick, instant)));
    let told = |jobs: &[Job]| {
        jobs.iter()
            .filter(|job| {
                matches!(
                    job,
                    Job::Tell(Notice {
                        what: What::StoreLost(_),
                        ..
                    })
                )
            })
            .count()
    };
    assert_eq!((told(&jobs), told(&state.step(gone(), at(NOON)))), (1, 0));
    let back = state.step(Input::Loaded(Loaded::Runs(vec![])), at(NOON));
    assert_eq!(back[0], tell(at(NOON), What::StoreBack));
    assert_eq!(
        back[1..],
        EVERYTHING.map(Job::Load),
        "others may have worked"
    );
    assert!(reads_list(&state.step(Input::Tick, instant)));
}

fn reads(jobs: &[Job]) -> Vec<&Load> {
    jobs.iter()
        .filter_map(|job| match job {
            Job::Load(load) => Some(load),
            _ => None,
        })
        .collect()
}

fn refusal(jobs: &[Job]) -> Option<&str> {
    jobs.iter().find_map(|job| match job {
        Job::Tell(Notice {
            what: What::Refused(_, why),
            ..
        }) => Some(why.as_str()),
        _ => None,
    })
}

#[test]
fn a_snapshot_follows_the_time_even_when_nothing_happens() {
    let mut state = state();
    own(&mut state, NOON);
    state.step(Input::Tick, at(NOON));
    state.step(Input::Tick, at("2026-11-20T17:00:10Z"));
    let before = state.revision();
    state.step(Input::Tick, at("2026-11-20T17:00:20Z"));
    assert_eq!(state.revision(), before);
    state.step(Input::Tick, at("2026-11-20T21:01:00Z"));
    assert!(state.revision() > before, "IBM has become due");
    let jobs = state.step(
        Input::Loaded(Loaded::Ledgers(vec![(
            SourceId::DEFAULT,
            Ledger::default(),
        )])),
        at(NOON),
    );
    assert_eq!(jobs, []);
    state.step(Input::Command(Command::Pause), at(NOON));
    let tomorrow = state.step(Input::Tick, at("2026-11-21T17:00:00Z"));
    assert!(reads(&tomorrow).contains(&&Load::Ledger), "{tomorrow:?}");
}

#[test]
fn a_crashed_run_makes_room_for_the_next() {
    let mut state = state();
    let fetch = |symbol: &str| Input::Command(Command::Fetch(vec![key(symbol)]));
    state.step(fetch("IBM"), at(NOON));
    state.step(fetch("AAPL"), at(NOON));
    let jobs = state.step(Input::RunCrashed("boom".into()), at(NOON));
    assert_eq!(jobs[0], tell(at(NOON), What::Crashed("boom".into())));
    assert!(jobs.contains(&Job::Rescue), "{jobs:?}");
    assert_eq!(runs(&jobs), [("fetch", vec!["AAPL".into()])]);
    let other = state.step(Input::Crashed("pop".into()), at(NOON));
    assert_eq!(other, [tell(at(NOON), What::Crashed("pop".into()))]);
    assert!(state.snapshot(0, at(NOON)).run.is_some());
}

#[test]
fn a_process_that_only_reads_says_so_to_every_other_wish() {
    let mut state = state();
    state.read_only = true;
    for wish in [
        Command::Fetch(vec![key("IBM")]),
        Command::FetchDue,
        Command::Pause,
        Command::SetSchedule(Schedule::after_close()),
        Command::EditList(WatchEdit::Add(vec![key("NEW")])),
        Command::SetKey(keys::entered()),
    ] {
        let jobs = state.step(Input::Command(wish.clone()), at(NOON));
        let why = refusal(&jobs).unwrap_or_else(|| panic!("{wish:?}: {jobs:?}"));
        assert!(why.contains("read-only"), "{why}");
    }
    assert_eq!(state.step(Input::Tick, at(NOON)), []);
    assert_eq!(state.step(Input::Tick, at("2026-11-23T17:00:00Z")), LOOK);
    let shown = state.step(Input::Command(Command::ShowRun(RunId(1))), at(NOON));
    assert_eq!(shown, [Job::Load(Load::Run(RunId(1)))]);
    assert!(state.snapshot(0, at(NOON)).read_only);
}

/// The schedule would otherwise spend twenty-five requests a day in vain.
#[test]
fn a_series_that_the_provider_does_not_know_is_left_alone_for_a_day() {
    let mut state = state();
    let unknown = state.due(at(NOON)).next().unwrap().clone();
    state.step(
        Input::Command(Command::Fetch(vec![unknown.clone()])),
        at(NOON),
    );
    let report = SeriesReport::new(unknown.clone(), Ended::Failed).with_error(
        Ended::Failed,
        ErrorClass::BadRequest,
        "unknown",
    );
    state.step(Input::Run(Event::Done(report)), at(NOON));
    let due = |state: &State, when: &str| state.due(at(when)).any(|series| *series == unknown);
    assert!(!due(&state, "2026-11-20T23:00:00Z"));
    assert!(due(&state, "2026-11-21T17:00:01Z"));
}

/// A panel changes the schedule of the engine that runs beside it.
#[test]
fn the_owner_follows_a_schedule_that_another_process_changed() {
    let mut state = state();
    own(&mut state, NOON);
    let every: Schedule = "every 1".parse().unwrap();
    let read = |changed, is_paused| {
        let remembered = Remembered {
            schedule: Some(every.clone()),
            is_paused,
            ..Remembered::default()
        };
        Input::Loaded(Loaded::Settings(changed, remembered))
    };
    state.step(read(0, false), at(NOON));
    let jobs = state.step(Input::Tick, at("2026-11-20T17:01:00Z"));
    assert!(jobs.contains(&Job::Load(Load::Series)), "{jobs:?}");
    state.step(read(0, true), at("2026-11-20T17:01:10Z"));
    let jobs = state.step(Input::Tick, at("2026-11-20T17:02:00Z"));
    assert!(!jobs.contains(&Job::Load(Load::Series)), "paused: {jobs:?}");
    // What was read before a change of this process says nothing about it.
    state.step(Input::Command(Command::Resume), at(NOON));
    state.step(read(0, true), at(NOON));
    assert!(!state.snapshot(0, at(NOON)).schedule.paused);
}
