//! What trades around the clock beside a schedule that follows an exchange.

use super::*;

const COINBASE: SourceId = SourceId::known("coinbase");

/// Five-minute bars around the clock, up to the last that was due at an instant.
fn pair(fetched_at: &str) -> Entry {
    let grid = Grid {
        interval: Interval::Min5,
        calendar: CalendarId::Always.into(),
        publishing: Publishing {
            delay: TimeDelta::seconds(2),
            ..Publishing::UNKNOWN
        },
    };
    let key = SeriesKey {
        source: COINBASE,
        ..SeriesKey::raw("BTC-USD".parse().unwrap(), Interval::Min5)
    };
    let slot = grid.newest_due(at(fetched_at)).unwrap();
    let mut coverage = Coverage::default();
    coverage.hear(
        &Spoken {
            asked: slot.span,
            settled_to: slot.span.to,
            complete_to: slot.span.to,
            newest_at: Some(at(fetched_at)),
        },
        None,
    );
    Entry {
        key: key.clone(),
        subject: subject(key),
        facts: SeriesFacts {
            coverage,
            newest: Some(bar(slot.span.from)),
            recent: vec![(&bar(slot.span.from)).into()],
            ..entry("IBM", Some(fetched_at)).facts
        },
        grid,
        ..entry("IBM", None)
    }
}

fn list(fetched_at: &str) -> Input {
    Input::Loaded(Loaded::Series(List {
        reading: 0,
        mark: None,
        entries: vec![entry("IBM", Some("2026-11-19T22:00:00Z")), pair(fetched_at)],
    }))
}

/// What a tick starts, of a list whose pair was fetched then.
fn started(state: &mut State, instant: &str, fetched_at: &str) -> Vec<(&'static str, Vec<String>)> {
    let jobs = state.step(Input::Tick, at(instant));
    if !jobs.contains(&Job::Load(Load::Series)) {
        return vec![];
    }
    let started = runs(&state.step(list(fetched_at), at(instant)));
    state.step(Input::RunEnded(Ok(report(vec![]))), at(instant));
    started
}

/// At noon, with both series fetched, owned.
fn both() -> State {
    let mut state = state();
    own(&mut state, NOON);
    let after = "2026-11-20T17:00:03Z";
    state.step(list(after), at(after));
    state.step(Input::RunEnded(Ok(report(vec![]))), at(after));
    state
}

#[test]
fn each_bar_of_a_pair_is_fetched_when_it_is_due_and_a_share_after_the_close() {
    let mut state = both();
    let only = |symbol: &str| vec![("schedule", vec![symbol.to_owned()])];
    for (instant, fetched_at, wanted) in [
        ("2026-11-20T17:05:01Z", "2026-11-20T17:00:03Z", vec![]),
        (
            "2026-11-20T17:05:02Z",
            "2026-11-20T17:00:03Z",
            only("BTC-USD"),
        ),
        // It did not come: with the next bar, not each second.
        ("2026-11-20T17:05:03Z", "2026-11-20T17:00:03Z", vec![]),
        ("2026-11-20T17:10:01Z", "2026-11-20T17:00:03Z", vec![]),
        (
            "2026-11-20T17:10:02Z",
            "2026-11-20T17:00:03Z",
            only("BTC-USD"),
        ),
        ("2026-11-20T21:20:00Z", "2026-11-20T21:15:03Z", only("IBM")),
    ] {
        state.step(list(fetched_at), at(instant));
        assert_eq!(
            started(&mut state, instant, fetched_at),
            wanted,
            "{instant}"
        );
    }
}

#[test]
fn on_a_sunday_only_the_pair_is_next() {
    let mut state = both();
    let sunday = "2026-11-22T12:00:10Z";
    state.step(list("2026-11-22T12:00:03Z"), at(sunday));
    let shown = state.snapshot(0, at(sunday));
    let next: Vec<_> = shown.series.iter().map(|series| series.next_at).collect();
    let (monday, soon) = (at("2026-11-23T21:20:00Z"), at("2026-11-22T12:05:02Z"));
    assert_eq!(next, [Some(monday), Some(soon)]);
    assert_eq!(shown.schedule.next_at, Some(soon));
    assert_eq!(shown.schedule.due_next, 1);
}

#[test]
fn a_schedule_of_fixed_instants_speaks_for_all_and_a_pause_stops_all() {
    let mut state = both();
    state.step(Input::Command(Command::Pause), at(NOON));
    let (instant, fetched_at) = ("2026-11-20T17:05:02Z", "2026-11-20T17:00:03Z");
    assert_eq!(started(&mut state, instant, fetched_at), []);
    state.step(Input::Command(Command::Resume), at(NOON));
    let every: Schedule = "every 60".parse().unwrap();
    state.step(Input::Command(Command::SetSchedule(every)), at(NOON));
    assert_eq!(started(&mut state, instant, fetched_at), []);
    let hour = "2026-11-20T18:00:02Z";
    assert_eq!(
        started(&mut state, hour, fetched_at),
        [("schedule", vec!["BTC-USD".to_owned()])]
    );
}

#[test]
fn at_the_next_instant_only_the_series_of_that_instant_are_counted() {
    let mut state = both();
    // A bar of the pair did not come: it is asked for again after the close, which is next.
    state.schedule = "close +0".parse().unwrap();
    let asked = "2026-11-20T20:55:02Z";
    state.step(Input::Tick, at(asked));
    let read = list("2026-11-20T20:50:02Z");
    assert_eq!(runs(&state.step(read, at(asked))).len(), 1);
    state.step(Input::RunEnded(Ok(report(vec![]))), at(asked));
    let other = entry("MSFT", Some("2026-11-19T22:00:00Z"));
    state.entries.push(other);
    let schedule = state.snapshot(0, at("2026-11-20T20:56:00Z")).schedule;
    assert_eq!(schedule.next_at, Some(at("2026-11-20T21:00:00Z")));
    assert_eq!(schedule.due_next, 2, "the pair follows two seconds later");
}

#[test]
fn a_schedule_of_minutes_asks_for_the_bar_that_ended_with_its_instant() {
    let mut state = both();
    state.schedule = "every 5".parse().unwrap();
    state.lanes.acted_everywhere(at("2026-11-20T17:01:00Z"));
    let now = at("2026-11-20T17:04:00Z");
    let instant = at("2026-11-20T17:05:00Z");
    let line = state.planned(now).line(&state.entries[1].key).unwrap().at;
    assert_eq!(line, Some(instant));
    assert_eq!(state.snapshot(0, now).schedule.next_at, Some(instant));
    let fetched_at = "2026-11-20T17:00:03Z";
    for (second, expected) in [
        ("00", vec![]),
        ("01", vec![]),
        ("02", vec![("schedule", vec!["BTC-USD".to_owned()])]),
    ] {
        let tick = format!("2026-11-20T17:05:{second}Z");
        assert_eq!(started(&mut state, &tick, fetched_at), expected, "{tick}");
    }
}
