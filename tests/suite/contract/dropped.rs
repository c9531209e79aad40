//! Callers that go away: a write that has begun is completed, and no session is left inside a transaction.

use std::time::Duration;

use super::*;

contract! {
    a_write_that_nobody_waits_for_is_done_to_its_end,
}

/// Each time as many as there are connections, so that none of them waits for one until it gives up.
const TIMES: usize = 125;
const CALLERS: usize = 8;
const LIMIT: Duration = Duration::from_mins(1);

async fn a_write_that_nobody_waits_for_is_done_to_its_end(place: Place) {
    let store = place.open().await;
    for time in 1..=TIMES {
        for caller in 0..CALLERS {
            let write = store.edit_watch_list(WatchEdit::Add(vec![series(
                &format!("S{time}N{caller}"),
                Interval::Min5,
            )]));
            // It is polled once, which begins it, and dropped.
            tokio::select! {
                biased;
                outcome = write => drop(outcome.unwrap()),
                () = std::future::ready(()) => {}
            }
        }
        let done = async { while store.watch_list().await.unwrap().len() < time * CALLERS {} };
        tokio::time::timeout(LIMIT, done).await.unwrap();
    }
    let watched = place.sql("SELECT count(*) FROM series").await;
    assert_eq!(watched, [(TIMES * CALLERS).to_string()]);
    if place.is_postgres() {
        let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                    AND state LIKE 'idle in transaction%'";
        assert_eq!(place.sql(left).await, ["0"]);
    }
    store.close().await;
}
