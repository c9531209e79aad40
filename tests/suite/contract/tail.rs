//! What has happened, for readers that follow the store.

use super::*;
use pipeline_tui::db::{CountedTo, EventCursor, Happened};

contract! {
    events_are_read_once_and_in_order,
    ended_requests_and_runs_are_counted_once,
}

/// The events behind a cursor, once they are old enough to be seen.
async fn events(store: &Arc<dyn Store>, cursor: EventCursor, number: usize) -> Vec<Happened> {
    let seen = async {
        loop {
            let events = store.events_after(cursor, 100).await.unwrap();
            if events.len() >= number {
                break events;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), seen)
        .await
        .unwrap()
}

async fn events_are_read_once_and_in_order(place: Place) {
    let (store, other) = (place.open().await, place.open().await);
    assert_eq!(store.newest_event().await.unwrap(), EventCursor::default());
    let run = store.begin_run("schedule", vec![ibm()]).await.unwrap();
    let failed = SeriesReport::new(ibm(), SeriesStatus::Running).with_error(
        SeriesStatus::Failed,
        ErrorClass::Outage,
        "it \"was\" away",
    );
    store.finish_series(run.id, failed).await.unwrap();
    store.finish_run(run.id, RunStatus::Failed).await.unwrap();
    store.finish_run(run.id, RunStatus::Failed).await.unwrap();

    let all = events(&other, EventCursor::default(), 3).await;
    let names: Vec<&str> = all.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(names, ["run_started", "series_ended", "run_ended"]);
    let detail =
        |at: usize| -> serde_json::Value { serde_json::from_str(all[at].detail.get()).unwrap() };
    assert_eq!(detail(0)["trigger"], "schedule");
    let ended = detail(1);
    assert_eq!(
        (&ended["symbol"], &ended["adjusted"], &ended["class"]),
        (&"IBM".into(), &false.into(), &"outage".into())
    );
    assert_eq!(ended["message"], "it \"was\" away");
    assert_eq!(detail(2)["status"], "failed");
    assert_eq!(events(&store, all[0].cursor, 2).await.len(), 2);
    assert_eq!(store.newest_event().await.unwrap(), all[2].cursor);
    assert!(events(&store, all[2].cursor, 0).await.is_empty());
}

async fn ended_requests_and_runs_are_counted_once(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("schedule", vec![ibm()]).await.unwrap();
    let first = granted(&store, &run, &ibm()).await;
    let refused = RequestEnd::Refused(ErrorClass::BadRequest, "no".into());
    store.settle(first, refused).await.unwrap();
    let second = granted(&store, &run, &ibm()).await;
    let ended = async |counted: CountedTo, number: u64| {
        let seen = async {
            loop {
                let ended = store.ended_since(counted).await.unwrap();
                let requests: u64 = ended.requests.iter().map(|row| row.2).sum();
                if requests == number {
                    break ended;
                }
            }
        };
        let limit = std::time::Duration::from_secs(30);
        tokio::time::timeout(limit, seen).await.unwrap()
    };
    let seen = ended(CountedTo::default(), 1).await;
    assert_eq!(
        seen.requests,
        [("alpha_vantage".to_owned(), "bad_request".to_owned(), 1)]
    );
    assert_eq!((seen.runs, seen.counted.request), (vec![], first.0));
    let failed = RequestEnd::Failed(ErrorClass::Network, "cut".into());
    store.settle(second, failed).await.unwrap();
    store.finish_run(run.id, RunStatus::Failed).await.unwrap();
    let seen = ended(seen.counted, 1).await;
    assert_eq!(
        seen.requests,
        [("alpha_vantage".to_owned(), "network".to_owned(), 1)]
    );
    assert_eq!(seen.runs, [("failed".to_owned(), 1)]);
    let seen = ended(seen.counted, 0).await;
    assert_eq!((seen.requests, seen.runs), (vec![], vec![]));
}
