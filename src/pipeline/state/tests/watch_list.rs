//! Changes of the watch list: this process's own, and those of others.

use super::*;

#[test]
fn the_list_is_edited_unless_it_is_this_processs_own() {
    let mut state = state();
    let edit = WatchEdit::Replace(vec![(key("IBM"), key("MSFT"))]);
    let wish = Command::EditList(edit.clone());
    let jobs = state.step(Input::Command(wish.clone()), at(NOON));
    assert_eq!(jobs, [Job::EditList(edit.clone())]);
    let jobs = state.step(Input::ListEdited, at(NOON));
    assert_eq!(jobs, [Job::Load(Load::Series)]);
    state.own_list = true;
    let jobs = state.step(Input::Command(wish), at(NOON));
    assert!(
        refusal(&jobs).is_some_and(|why| why.contains("PIPELINE_SYMBOLS")),
        "{jobs:?}"
    );
}

#[test]
fn a_list_that_another_process_changed_is_read_again_and_only_then() {
    let mut state = state();
    let look = |state: &mut State, mark: Option<&str>| {
        let remembered = Remembered {
            list: mark.map(str::to_owned),
            ..Remembered::default()
        };
        // Whatever this process did to the schedule in between.
        state.step(Input::Loaded(Loaded::Settings(7, remembered)), at(NOON))
    };
    let load = [Job::Load(Load::Series)];
    assert_eq!(look(&mut state, None), [], "nobody changed it yet");
    assert_eq!(look(&mut state, Some("a")), load);
    assert_eq!(look(&mut state, Some("a")), [], "it is being read");
    let list = List {
        mark: Some("b".to_owned()),
        ..entries()
    };
    state.step(Input::Loaded(Loaded::Series(list)), at(NOON));
    assert_eq!(look(&mut state, Some("b")), []);
    assert_eq!(look(&mut state, Some("c")), load);
    state.own_list = true;
    assert_eq!(look(&mut state, Some("d")), []);
}
