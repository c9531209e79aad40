//! How changes of the schedule and the watch list are reported.

use super::*;

fn whats(jobs: &[Job]) -> Vec<What> {
    let told = jobs.iter().filter_map(|job| match job {
        Job::Tell(notice) => Some(notice.what.clone()),
        _ => None,
    });
    told.collect()
}

fn read(state: &mut State, reading: u64, symbols: &[&str]) -> Vec<What> {
    let entries = symbols.iter().map(|symbol| entry(symbol, None));
    let list = List {
        reading,
        mark: None,
        entries: entries.collect(),
    };
    whats(&state.step(Input::Loaded(Loaded::Series(list)), at(NOON)))
}

fn keys(symbols: &[&str]) -> Vec<SeriesKey> {
    symbols.iter().map(|symbol| key(symbol)).collect()
}

#[test]
fn each_change_of_the_watch_list_is_told_once_whoever_made_it() {
    let mut state = state();
    assert_eq!(
        read(&mut state, 1, &["IBM", "AAPL"]),
        [],
        "what it starts with"
    );
    assert_eq!(read(&mut state, 2, &["IBM", "AAPL"]), []);
    assert_eq!(
        read(&mut state, 3, &["IBM", "AAPL", "A", "B"]),
        [What::Watched {
            added: keys(&["A", "B"]),
            removed: vec![]
        }]
    );
    assert_eq!(
        read(&mut state, 4, &["IBM", "C", "D", "B"]),
        [What::Replaced(vec![
            (key("AAPL"), key("C")),
            (key("A"), key("D"))
        ])]
    );
    assert_eq!(read(&mut state, 2, &["IBM"]), [], "an older reading");
    assert_eq!(
        read(&mut state, 5, &["B", "NEW"]),
        [What::Watched {
            added: keys(&["NEW"]),
            removed: keys(&["IBM", "C", "D"])
        }]
    );
}

#[test]
fn a_pause_and_a_schedule_are_told_where_they_change_whoever_changed_them() {
    let mut state = state();
    let mut after = |input| whats(&state.step(input, at(NOON)));
    let every: Schedule = "every 15".parse().unwrap();
    assert_eq!(after(Input::Command(Command::Pause)), [What::Paused(true)]);
    assert_eq!(after(Input::Command(Command::Pause)), []);
    assert_eq!(
        after(Input::Command(Command::SetSchedule(every.clone()))),
        [What::Scheduled(every.clone())]
    );
    let read = |schedule, paused| {
        Input::Loaded(Loaded::Settings(
            3,
            Remembered {
                schedule: Some(schedule),
                is_paused: paused,
                ..Remembered::default()
            },
        ))
    };
    assert_eq!(after(read(every.clone(), true)), [], "its own changes");
    let close = Schedule::after_close();
    assert_eq!(
        after(read(close.clone(), false)),
        [What::Scheduled(close), What::Paused(false)]
    );
}
