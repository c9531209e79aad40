//! Another key.

use super::*;
use crate::config::{EnteredKey, Secret};

pub fn entered() -> EnteredKey {
    EnteredKey {
        source: SourceId::DEFAULT,
        values: vec![Secret::public("demo")],
    }
}

#[test]
fn another_key_is_not_judged_by_what_the_first_was_refused() {
    let mut state = state();
    let refused = SeriesReport::new(key("IBM"), Ended::Refused).with_error(
        Ended::Refused,
        ErrorClass::BadKey,
        "no such key",
    );
    state.step(Input::Run(Event::Done(refused)), at(NOON));
    let wish = Command::SetKey(entered());
    let jobs = state.step(Input::Command(wish.clone()), at(NOON));
    assert!(matches!(&jobs[..], [Job::Rekey(_)]), "{jobs:?}");
    let refusal_of_it = state.step(Input::Refused(wish, "too short".into()), at(NOON));
    assert_eq!(refusal(&refusal_of_it), Some("too short"));
    let before = state.snapshot(0, at(NOON));
    assert_eq!(before.series[0].state, SeriesState::Blocked);
    let shown = state.step(Input::Command(Command::ShowSystem), at(NOON));
    assert_eq!(shown, [Job::Load(Load::System)]);
    let rekeyed = Input::Rekeyed {
        sources: sources("75 a minute"),
        quotas: quotas(None),
    };
    let jobs = state.step(rekeyed, at(NOON));
    assert_eq!(reads(&jobs), [&Load::Series, &Load::Ledger, &Load::System]);
    let after = state.snapshot(0, at(NOON));
    assert_eq!(
        (after.series[0].state, &after.series[0].problem),
        (SeriesState::Fresh, &None)
    );
    assert_eq!(
        (after.sources[0].plan.as_str(), after.sources[0].quota.limit),
        ("75 a minute", None)
    );
}
