//! Instants of the schedule: each once for a source, however often it is noted.

use super::*;
use pipeline_tui::model::Retention;
use pipeline_tui::model::tick::{Tick, TickOutcome, TickWhy};

contract! {
    an_instant_is_noted_once_and_its_first_outcome_stays,
    what_a_clock_that_was_far_ahead_noted_gives_way,
    an_instant_shows_how_its_run_stands,
    a_store_of_the_schema_before_notes_instants,
    old_instants_are_forgotten,
}

fn at(minutes: i64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-11-20T21:20:00Z".parse().unwrap();
    start + TimeDelta::minutes(minutes)
}

fn due(minutes: i64) -> Tick {
    Tick::due(at(minutes), SourceId::DEFAULT, at(minutes))
}

fn ended(tick: Tick, outcome: TickOutcome, why: Option<TickWhy>, run: Option<RunId>) -> Tick {
    Tick {
        outcome,
        why,
        run,
        decided_at: tick.decided_at + TimeDelta::milliseconds(1_500),
        ..tick
    }
}

async fn all(store: &Arc<dyn Store>) -> Vec<Tick> {
    let noted = store.ticks(100, at(10_000)).await.unwrap();
    noted.into_iter().map(|noted| noted.tick).collect()
}

async fn an_instant_is_noted_once_and_its_first_outcome_stays(place: Place) {
    let (store, other) = (place.open().await, place.open().await);
    store.note_ticks(vec![]).await.unwrap();
    store.note_ticks(vec![due(15), due(0)]).await.unwrap();
    let of_another = Tick {
        source: "binance".parse().unwrap(),
        ..due(0)
    };
    other
        .note_ticks(vec![due(0), of_another.clone()])
        .await
        .unwrap();
    let source = |tick: &Tick| tick.source.clone();
    assert_eq!(
        other.due_ticks().await.unwrap(),
        [
            (at(0), source(&due(0))),
            (at(0), source(&of_another)),
            (at(15), source(&due(15)))
        ]
    );
    let done = ended(due(0), TickOutcome::Done, None, Some(RunId(7)));
    let skipped = ended(due(15), TickOutcome::Skipped, Some(TickWhy::NotDue), None);
    store
        .note_ticks(vec![done.clone(), skipped.clone()])
        .await
        .unwrap();
    // Another engine that knew less, and one that was frozen.
    let missed = ended(due(0), TickOutcome::Missed, None, None);
    other.note_ticks(vec![missed, due(15)]).await.unwrap();
    assert_eq!(all(&store).await, [skipped, done, of_another.clone()]);
    assert_eq!(
        store.due_ticks().await.unwrap(),
        [(at(0), source(&of_another))]
    );
    let noted = store.ticks(1, at(14)).await.unwrap();
    assert_eq!(noted[0].tick.at, at(0), "those up to an instant");
    assert_eq!(noted.len(), 1);
}

async fn what_a_clock_that_was_far_ahead_noted_gives_way(place: Place) {
    let store = place.open().await;
    let mut wrong = ended(due(0), TickOutcome::Missed, None, None);
    wrong.decided_at = at(0) + TimeDelta::days(300);
    store.note_ticks(vec![wrong]).await.unwrap();
    let done = ended(due(0), TickOutcome::Done, None, Some(RunId(2)));
    store.note_ticks(vec![due(0)]).await.unwrap();
    store.note_ticks(vec![done.clone()]).await.unwrap();
    assert_eq!(all(&store).await, std::slice::from_ref(&done));
    // Two hours are no reason.
    let mut later = ended(due(0), TickOutcome::Missed, None, None);
    later.decided_at = done.decided_at - TimeDelta::hours(2);
    store.note_ticks(vec![later]).await.unwrap();
    assert_eq!(all(&store).await, [done]);
}

async fn an_instant_shows_how_its_run_stands(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("schedule", vec![ibm()]).await.unwrap();
    let done = ended(due(0), TickOutcome::Done, None, Some(run.id));
    store.note_ticks(vec![done, due(15)]).await.unwrap();
    let status = async || {
        let noted = store.ticks(2, at(15)).await.unwrap();
        (noted[0].run_status, noted[1].run_status)
    };
    assert_eq!(status().await, (None, Some(RunStatus::Running)));
    store.finish_run(run.id, RunStatus::Partial).await.unwrap();
    assert_eq!(status().await, (None, Some(RunStatus::Partial)));
}

async fn a_store_of_the_schema_before_notes_instants(place: Place) {
    drop(place.open().await);
    super::coverage::before_schema_17(&place).await;
    place.sql("DROP TABLE ticks").await;
    place.sql("DROP TABLE stated_left").await;
    super::coverage::before_schema_18(&place).await;
    place
        .sql("DELETE FROM _sqlx_migrations WHERE version > 14")
        .await;
    let store = place.open().await;
    store.note_ticks(vec![due(0)]).await.unwrap();
    assert_eq!(all(&store).await, [due(0)]);
}

async fn old_instants_are_forgotten(place: Place) {
    let store = place.open().await;
    let ticks: Vec<Tick> = (0..1_000).map(|number| due(number * 5)).collect();
    store.note_ticks(ticks).await.unwrap();
    let forget = async |days, rows| {
        let upto = store.forgettable(Retention { days, rows }).await.unwrap();
        while store.forget(upto, 300).await.unwrap() > 0 {}
        all(&store).await.len()
    };
    assert_eq!(forget(36_500, 1_000_000).await, 100, "all that is read");
    assert_eq!(forget(36_500, 50).await, 50);
    assert_eq!(all(&store).await[0].at, at(999 * 5), "the newest stay");
    place.sql("UPDATE ticks SET at = '2020-01-01 00:00:00.000' WHERE id = (SELECT max(id) FROM ticks)").await;
    assert_eq!(forget(400, 1_000_000).await, 0);
}
