//! Holidays and half days: nothing is due that cannot have changed, and the countdown says so.

use super::*;

/// Two series that were fetched then, on this schedule.
fn watching(schedule: &str, fetched_at: &str) -> State {
    let mut state = state();
    let schedule = Command::SetSchedule(schedule.parse().unwrap());
    state.step(Input::Command(schedule), at(fetched_at));
    state.step(
        Input::Loaded(Loaded::Series(list(fetched_at))),
        at(fetched_at),
    );
    let handover = handover(leased(Some(fetched_at)), list(fetched_at));
    state.step(won(handover), at(fetched_at));
    state
}

fn list(fetched_at: &str) -> List {
    List {
        reading: 0,
        mark: None,
        entries: ["IBM", "AAPL"]
            .map(|symbol| entry(symbol, Some(fetched_at)))
            .into(),
    }
}

/// How many series the schedule fetches at an instant.
fn fetched(state: &mut State, fetched_at: &str, now: &str) -> usize {
    state.step(Input::Tick, at(now));
    let jobs = state.step(Input::Loaded(Loaded::Series(list(fetched_at))), at(now));
    runs(&jobs).iter().map(|(_, series)| series.len()).sum()
}

const WEDNESDAY: &str = "2026-11-25T21:20:30Z";
const HALF_DAY: &str = "2026-11-27T18:20:30Z";
const CHRISTMAS_EVE: &str = "2026-12-24T18:20:30Z";
const BY_WEEKDAY: &str = "20 16 * * 1-5";
const BY_SESSION: &str = "close +20";

#[test]
fn a_holiday_sends_nothing_and_the_countdown_leads_past_it() {
    for (schedule, since, now, next) in [
        // Thanksgiving at 10:00, after its own 16:20, and the half day after it.
        (
            BY_WEEKDAY,
            WEDNESDAY,
            "2026-11-26T15:00:00Z",
            "2026-11-27T21:20:00Z",
        ),
        (
            BY_WEEKDAY,
            WEDNESDAY,
            "2026-11-26T21:20:00Z",
            "2026-11-27T21:20:00Z",
        ),
        (
            BY_SESSION,
            WEDNESDAY,
            "2026-11-26T15:00:00Z",
            "2026-11-27T18:20:00Z",
        ),
        (
            BY_SESSION,
            WEDNESDAY,
            "2026-11-26T21:20:00Z",
            "2026-11-27T18:20:00Z",
        ),
        // The half day at 14:30, fetched after its close at 13:00.
        (
            BY_WEEKDAY,
            HALF_DAY,
            "2026-11-27T19:30:00Z",
            "2026-11-30T21:20:00Z",
        ),
        (
            BY_SESSION,
            HALF_DAY,
            "2026-11-27T19:30:00Z",
            "2026-11-30T21:20:00Z",
        ),
        (
            BY_WEEKDAY,
            CHRISTMAS_EVE,
            "2026-12-25T21:20:00Z",
            "2026-12-28T21:20:00Z",
        ),
        (
            BY_SESSION,
            CHRISTMAS_EVE,
            "2026-12-25T15:00:00Z",
            "2026-12-28T21:20:00Z",
        ),
    ] {
        let mut state = watching(schedule, since);
        assert_eq!(fetched(&mut state, since, now), 0, "{schedule} at {now}");
        let snapshot = state.snapshot(0, at(now));
        let told = &snapshot.schedule;
        assert_eq!(
            (told.due, told.next_at),
            (0, Some(at(next))),
            "{schedule} at {now}"
        );
        assert_eq!(told.due_next, 2, "{schedule} at {now}");
        for series in snapshot.series.iter() {
            let is = (series.state, series.next_at);
            assert_eq!(
                is,
                (SeriesState::Fresh, Some(at(next))),
                "{schedule} at {now}"
            );
        }
    }
}

#[test]
fn a_half_day_is_due_after_its_own_close() {
    let mut state = watching(BY_SESSION, WEDNESDAY);
    let early = "2026-11-27T18:20:00Z";
    assert_eq!(fetched(&mut state, WEDNESDAY, "2026-11-27T18:19:59Z"), 0);
    assert_eq!(fetched(&mut state, WEDNESDAY, early), 2);
    let mut before_the_close = watching("every 5", WEDNESDAY);
    assert_eq!(
        fetched(&mut before_the_close, WEDNESDAY, "2026-11-27T17:55:00Z"),
        0
    );
    assert_eq!(
        fetched(&mut before_the_close, WEDNESDAY, "2026-11-27T18:00:00Z"),
        2
    );
}
