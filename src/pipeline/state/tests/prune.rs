//! History is deleted by the owner of the schedule, after runs, once an hour.

use super::*;

#[test]
fn the_owner_deletes_history_after_a_run_and_not_after_each() {
    let mut state = state();
    let prunes = |state: &mut State, now| {
        let jobs = state.step(Input::RunEnded(Ok(report(vec![]))), now);
        jobs.contains(&Job::Prune)
    };
    assert!(
        !prunes(&mut state, at(NOON)),
        "another may own the schedule"
    );
    own(&mut state, NOON);
    assert!(prunes(&mut state, at(NOON)));
    assert!(!prunes(&mut state, at(NOON) + TimeDelta::minutes(59)));
    assert!(prunes(&mut state, at(NOON) + TimeDelta::minutes(60)));
}
