//! The work of other processes.

use super::*;

fn run(id: i64, status: RunStatus, requests: u32) -> RunSummary {
    RunSummary {
        id: RunId(id),
        status,
        trigger: "fetch".into(),
        started_at: at(NOON),
        finished_at: None,
        series: 2,
        succeeded: 0,
        requests,
        retries: 0,
        inserted: 0,
        changed: 0,
    }
}

#[test]
fn the_work_of_other_processes_is_noticed_and_own_work_is_not() {
    let mut state = state();
    own(&mut state, NOON);
    state.step(Input::Tick, at(NOON));
    let (runs, running) = (vec![run(1, RunStatus::Succeeded, 2)], |requests| {
        vec![
            run(2, RunStatus::Running, requests),
            run(1, RunStatus::Succeeded, 2),
        ]
    });
    let newest = |runs| Input::Loaded(Loaded::Newest(runs));
    let everything: Vec<&Load> = EVERYTHING.iter().collect();
    let first = state.step(newest(runs.clone()), at(NOON));
    assert_eq!(reads(&first), everything, "the first look, at the start");
    assert_eq!(state.step(Input::Tick, at("2026-11-20T17:00:09Z")), []);
    let look = state.step(Input::Tick, at("2026-11-20T17:00:10Z"));
    assert_eq!(look, LOOK, "the owner looks as well");
    let before = state.revision();
    assert_eq!(state.step(newest(runs.clone()), at(NOON)), []);
    assert_eq!(state.revision(), before, "nothing has changed");
    for requests in [0, 1] {
        let jobs = state.step(newest(running(requests)), at(NOON));
        assert_eq!(reads(&jobs), everything, "begun, then advanced");
    }
    let deleted = state.step(newest(vec![]), at(NOON));
    assert_eq!(reads(&deleted), everything, "a history that was deleted");
    state.step(newest(runs.clone()), at(NOON));
    state.step(Input::Loaded(Loaded::Runs(running(0))), at(NOON));
    let look = state.step(Input::Tick, at("2026-11-20T17:00:20Z"));
    assert_eq!(
        look,
        [&LOOK[..], &[Job::Rescue]].concat(),
        "its process may have died"
    );

    state.step(Input::Command(Command::Fetch(vec![key("IBM")])), at(NOON));
    let started = Event::Started {
        run: RunId(2),
        series: 1,
    };
    state.step(Input::Run(started), at(NOON));
    assert_eq!(state.step(newest(running(5)), at(NOON)), [], "own work");
    state.step(Input::RunEnded(Ok(report(vec![]))), at(NOON));
    assert_eq!(state.step(newest(running(6)), at(NOON)), [], "own and over");
    let ten = |from: i64| -> Vec<RunSummary> {
        let numbers = (from..from + 10).rev();
        numbers.map(|id| run(id, RunStatus::Succeeded, 1)).collect()
    };
    state.step(newest(ten(11)), at(NOON));
    let started = Event::Started {
        run: RunId(21),
        series: 1,
    };
    state.step(Input::Run(started), at(NOON));
    let pushed_out = state.step(newest(ten(12)), at(NOON));
    assert_eq!(pushed_out, [], "the eleventh is no longer among the ten");
    assert_eq!(reads(&state.step(newest(ten(13)), at(NOON))), everything);
}
