//! Forgetting history: bounded by age and by size, and never what is still needed.

use super::*;
use pipeline_tui::model::alert::AlertChanges;
use pipeline_tui::model::{Retention, StoreTable};
use pipeline_tui::time::Clock;

use super::tables::name;
use crate::support::bookkeeping::Year;

contract! {
    old_history_goes_and_what_is_needed_stays,
    a_year_of_many_series_stays_bounded,
}

/// Runs with one request and one series each, a day apart, the last one of today.
pub async fn history(place: &Place, runs: u32) {
    let (at, adjusted) = match place {
        Place::Sqlite(_) => (
            "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (R - n) || ' days')",
            "0",
        ),
        Place::Postgres(_) => ("now() - (R - n) * interval '1 day'", "false"),
    };
    let at = at.replace('R', &runs.to_string());
    let numbers = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {runs})"
    );
    for rows in [
        format!(
            "INSERT INTO runs (id, status, trigger, lock_key, started_at, finished_at) {numbers} SELECT n, 'partial', 'schedule', 1, {at}, {at} FROM numbers"
        ),
        format!(
            "INSERT INTO run_series (run_id, source, symbol, interval, adjusted, status, finished_at) {numbers} SELECT n, 'alpha_vantage', CASE WHEN n = 1 THEN 'GONE' ELSE 'IBM' END, 'daily', {adjusted}, 'succeeded', {at} FROM numbers"
        ),
        format!(
            "INSERT INTO requests (id, attempt_id, run_id, source, endpoint, parameters, key_fingerprint, plan, attempt, state, reserved_at) {numbers} SELECT n, {}, n, 'alpha_vantage', 'daily', '', 'f', 'free', 1, 'stored', {at} FROM numbers",
            attempt(place)
        ),
        format!(
            "INSERT INTO events (at, name, detail) {numbers} SELECT {at}, 'run_ended', '{{}}' FROM numbers"
        ),
    ] {
        place.sql(&rows).await;
    }
}

fn attempt(place: &Place) -> &'static str {
    match place {
        Place::Sqlite(_) => "'a' || n",
        Place::Postgres(_) => "gen_random_uuid()",
    }
}

async fn forget(store: &Arc<dyn Store>, kept: Retention, most: u32) -> u64 {
    let upto = store.forgettable(kept).await.unwrap();
    let mut all = 0;
    loop {
        match store.forget(upto, most).await.unwrap() {
            0 => break all,
            gone => all += gone,
        }
    }
}

async fn count(place: &Place, table: &str) -> u64 {
    let rows = place
        .sql(&format!("SELECT CAST(count(*) AS text) FROM {table}"))
        .await;
    rows[0].parse().unwrap()
}

async fn old_history_goes_and_what_is_needed_stays(place: Place) {
    let store = place.open().await;
    place.sql("DELETE FROM events").await;
    history(&place, 500).await;
    place.sql("DELETE FROM events WHERE detail <> '{}'").await;
    let kept = Retention {
        days: 400,
        rows: 1_000_000,
    };
    place
        .sql("UPDATE requests SET state = 'answered' WHERE id = 40")
        .await;
    forget(&store, kept, 7).await;
    assert_eq!(
        place
            .sql("SELECT CAST(min(id) AS text) FROM requests")
            .await,
        ["40"],
        "its answer is not stored yet"
    );
    place
        .sql("UPDATE requests SET state = 'stored' WHERE id = 40")
        .await;
    assert!(forget(&store, kept, 7).await > 100);
    for table in ["requests", "events"] {
        let left = count(&place, table).await;
        assert!((399..=401).contains(&left), "{table}: {left}");
    }
    let last = store.last_fetch(series("GONE", Interval::Daily)).await;
    assert!(
        last.unwrap().is_some(),
        "the last success of a series stays, and its run"
    );
    assert_eq!(
        count(&place, "runs").await,
        count(&place, "run_series").await
    );
    assert_eq!(forget(&store, kept, 7).await, 0, "nothing goes twice");

    // By size, but not what quotas count, nor the newest runs.
    let kept = Retention {
        days: 400,
        rows: 150,
    };
    forget(&store, kept, 1_000).await;
    assert_eq!(count(&place, "requests").await, 150);
    assert_eq!(count(&place, "events").await, 150);
    forget(&store, Retention { days: 400, rows: 1 }, 1_000).await;
    assert_eq!(count(&place, "requests").await, 100, "the newest runs stay");
    place
        .sql(&format!(
            "UPDATE runs SET started_at = {}",
            match place {
                Place::Sqlite(_) => "strftime('%Y-%m-%d %H:%M:%f', 'now')",
                Place::Postgres(_) => "now()",
            }
        ))
        .await;
    history_of_today(&place, &store).await;
}

/// However many runs there are, those of the last two days stay: quotas count their requests.
async fn history_of_today(place: &Place, store: &Arc<dyn Store>) {
    let before = count(place, "requests").await;
    forget(store, Retention { days: 7, rows: 1 }, 1_000).await;
    assert_eq!(count(place, "requests").await, before);
}

/// Half of the year is more than is kept of it. `just bench-history` does the same with ten thousand series.
async fn a_year_of_many_series_stays_bounded(place: Place) {
    /// As many sessions go by between two goes.
    const TOGETHER: u32 = 5;
    let year = Year {
        is_postgres: place.is_postgres(),
        sessions: 250,
        series: 12,
    };
    let kept = Retention {
        days: 400,
        rows: 12 * 110,
    };
    let store = place.open().await;
    let mut halves = vec![];
    for last in (TOGETHER..=year.sessions).step_by(TOGETHER as usize) {
        let sessions = last - TOGETHER + 1..=last;
        let statements: Vec<String> = sessions.flat_map(|one| year.session(one)).collect();
        place.sql(&statements.join(";\n")).await;
        forget(&store, kept, 1_000).await;
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a year")]
        let ago = TimeDelta::seconds((year.days_ago(last) * 86_400.0) as i64);
        let changed =
            store.change_alerts(AlertChanges::default(), vec![], Clock::system().now() - ago);
        changed.await.unwrap();
        if last % (year.sessions / 2) == 0 {
            let mut rows = vec![];
            for table in StoreTable::ALL.iter().filter(|table| table.grows()) {
                rows.push((*table, count(&place, name(&place, *table)).await));
            }
            halves.push(rows);
        }
    }
    let [half, all] = halves.as_slice() else {
        unreachable!("a year has two halves")
    };
    for ((table, before), (_, after)) in half.iter().zip(all) {
        // One row a session is kept until it is old.
        let is_small = *after <= u64::from(year.sessions);
        assert!(
            is_small || after * 100 <= before * 105,
            "{table}: {before} rows after six months, {after} after twelve"
        );
    }
    let there = |table| all.iter().any(|(one, rows)| *one == table && *rows > 500);
    let filled = [
        StoreTable::Requests,
        StoreTable::RequestSeries,
        StoreTable::RunSeries,
        StoreTable::Events,
        StoreTable::Alerts,
        StoreTable::AlertDeliveries,
    ];
    assert!(filled.into_iter().all(there), "{all:?}");
}
