//! What a start fetches by itself, and what it reports about the rest.

use super::*;

/// A state whose schedule was last acted on at this instant, and a handover over seven due series.
fn handed_over(last_tick: Option<&str>, sent_by_starts: u32) -> (State, Handover) {
    let entries = (0..7).map(|number| entry(&format!("S{number}"), None));
    let list = List {
        reading: 1,
        mark: None,
        entries: entries.collect(),
    };
    let handover = Handover {
        sent_by_starts: BTreeMap::from([(SourceId::DEFAULT, sent_by_starts)]),
        ..handover(leased(last_tick), list)
    };
    (state(), handover)
}

fn used(today: u32) -> Vec<(SourceId, Ledger)> {
    let ledger = Ledger {
        today,
        ..Ledger::default()
    };
    vec![(SourceId::DEFAULT, ledger)]
}

/// The run that was started: its trigger, its series and its most requests.
fn run(jobs: &[Job]) -> Option<(&'static str, usize, Option<u32>)> {
    jobs.iter().find_map(|job| match job {
        Job::Run(run) => {
            let most = run.most.get(&SourceId::DEFAULT).copied();
            Some((run.trigger, run.series.len(), most))
        }
        _ => None,
    })
}

/// What is reported about waiting series and requests left.
fn rest(jobs: &[Job]) -> Option<(u32, u32)> {
    jobs.iter().find_map(|job| match job {
        Job::Tell(Notice {
            what: What::Rest { series, left, .. },
            ..
        }) => Some((*series, *left)),
        _ => None,
    })
}

const DAYS_AGO: &str = "2026-11-16T22:00:00Z";

#[test]
fn a_start_and_a_catch_up_send_five_at_most_together() {
    for (last_tick, sent, expected_run, expected_rest) in [
        (None, 0, Some(("start", 5, Some(5))), Some((2, 20))),
        (
            Some(DAYS_AGO),
            0,
            Some(("missed", 5, Some(5))),
            Some((2, 20)),
        ),
        (
            Some(DAYS_AGO),
            3,
            Some(("missed", 2, Some(2))),
            Some((5, 23)),
        ),
        (Some(DAYS_AGO), 5, None, Some((7, 25))),
        (Some(NOON), 0, None, Some((7, 25))),
    ] {
        let (mut state, handover) = handed_over(last_tick, sent);
        let jobs = state.step(won(handover), at(NOON));
        assert_eq!(run(&jobs), expected_run, "{last_tick:?}, {sent} sent");
        assert_eq!(rest(&jobs), expected_rest, "{last_tick:?}, {sent} sent");
    }
}

#[test]
fn a_start_spends_no_more_than_the_day_has_left() {
    let (mut state, mut handover) = handed_over(Some(DAYS_AGO), 0);
    handover.read.ledgers = used(22);
    let jobs = state.step(won(handover), at(NOON));
    assert_eq!(run(&jobs), Some(("missed", 2, Some(2))), "one is kept");
    assert_eq!(rest(&jobs), Some((5, 1)));
    let (mut spent, mut handover) = handed_over(Some(DAYS_AGO), 0);
    handover.read.ledgers = used(25);
    let jobs = spent.step(won(handover), at(NOON));
    assert_eq!((run(&jobs), rest(&jobs)), (None, Some((7, 0))));
}

#[test]
fn a_plan_without_a_days_limit_and_a_pause_know_no_rest() {
    let (mut unlimited, handover) = handed_over(Some(DAYS_AGO), 9);
    unlimited.quotas = Quotas::new(quotas(None));
    let jobs = unlimited.step(won(handover), at(NOON));
    assert_eq!((run(&jobs), rest(&jobs)), (Some(("missed", 7, None)), None));
    let (mut paused, handover) = handed_over(Some(DAYS_AGO), 0);
    paused.paused = true;
    let jobs = paused.step(won(handover), at(NOON));
    assert_eq!((run(&jobs), rest(&jobs)), (None, None));
}

#[test]
fn what_waits_is_told_once_where_nothing_new_starts() {
    let (mut state, handover) = handed_over(Some(NOON), 0);
    let first = state.step(won(handover), at(NOON));
    assert_eq!(rest(&first), Some((7, 25)));
    let (_, handover) = handed_over(Some(NOON), 0);
    let again = state.step(won(handover), at(NOON));
    assert_eq!(rest(&again), None);
}

#[test]
fn what_a_run_left_that_was_cut_short_is_fetched_at_once_in_its_lane() {
    let (mut state, mut handover) = handed_over(Some(NOON), 0);
    handover.read.cut_short = vec![SourceId::DEFAULT];
    let jobs = state.step(won(handover), at(NOON));
    assert_eq!(run(&jobs), Some(("missed", 5, Some(5))));
    let (mut state, mut handover) = handed_over(Some(NOON), 0);
    handover.read.cut_short = vec![SourceId::known("nobodys")];
    let jobs = state.step(won(handover), at(NOON));
    assert_eq!(run(&jobs), None);
}

#[test]
fn a_limited_start_takes_the_series_that_waited_longest() {
    let (mut state, mut handover) = handed_over(Some(DAYS_AGO), 0);
    for (entry, fetched) in handover.read.list.entries.iter_mut().zip([
        Some("2026-11-18T22:00:00Z"),
        Some("2026-11-17T22:00:00Z"),
        None,
        Some("2026-11-16T22:00:00Z"),
        None,
        Some("2026-11-19T22:00:00Z"),
        Some("2026-11-15T22:00:00Z"),
    ]) {
        entry.facts.fetched_at = fetched.map(at);
    }
    let jobs = state.step(won(handover), at(NOON));
    let series = jobs.iter().find_map(|job| match job {
        Job::Run(run) => Some(&run.series),
        _ => None,
    });
    let symbols: Vec<&str> = series
        .unwrap()
        .iter()
        .map(|key| key.symbol.as_str())
        .collect();
    assert_eq!(symbols, ["S2", "S4", "S6", "S3", "S1"]);
}

#[test]
fn a_source_whose_day_is_over_holds_up_no_other() {
    const OTHER: SourceId = SourceId::known("other");
    let (mut state, mut handover) = handed_over(Some(DAYS_AGO), 5);
    let quota = quotas(Some(25)).remove(0).1;
    state.quotas = Quotas::new(vec![(SourceId::DEFAULT, quota), (OTHER, quota)]);
    for entry in handover.read.list.entries.iter_mut().skip(4) {
        entry.key.source = OTHER;
    }
    handover.read.ledgers = used(25);
    let jobs = state.step(won(handover), at(NOON));
    let sources = jobs.iter().find_map(|job| match job {
        Job::Run(run) => Some(run.series.iter().map(|key| key.source.clone()).collect()),
        _ => None,
    });
    let sources: Vec<SourceId> = sources.unwrap();
    assert_eq!(sources, [OTHER, OTHER, OTHER]);
    assert_eq!(rest(&jobs), Some((4, 0)));
}
