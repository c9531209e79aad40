//! Forgetting history: bounded by age and by size, and never what is still needed.

use super::*;
use pipeline_tui::model::Retention;

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

/// `YEAR_SERIES=10000` measures a year of as many series; a smaller one shows the same.
async fn a_year_of_many_series_stays_bounded(place: Place) {
    let number = std::env::var("YEAR_SERIES").map_or(200, |text| text.parse().unwrap());
    let rows = number * 120;
    let store = place.open().await;
    let kept = Retention { days: 400, rows };
    let (now, no) = match place {
        Place::Sqlite(_) => ("strftime('%Y-%m-%d %H:%M:%f', 'now', '-30 days')", "0"),
        Place::Postgres(_) => ("now() - interval '30 days'", "false"),
    };
    let mut most = 0;
    for quarter in 0..5 {
        let runs = format!(
            "WITH RECURSIVE runs (n) AS (SELECT {} UNION ALL SELECT n + 1 FROM runs WHERE n < {})",
            quarter * 50 + 1,
            quarter * 50 + 50
        );
        let both = format!(
            "{runs}, series (s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM series WHERE s < {number})"
        );
        for made in [
            format!(
                "INSERT INTO runs (id, status, trigger, lock_key, started_at, finished_at) {runs} SELECT n, 'succeeded', 'schedule', 1, {now}, {now} FROM runs"
            ),
            format!(
                "INSERT INTO run_series (run_id, source, symbol, interval, adjusted, status, finished_at) {both} SELECT n, 'alpha_vantage', 'S' || s, 'daily', {no}, 'succeeded', {now} FROM runs, series"
            ),
            format!(
                "INSERT INTO requests (attempt_id, run_id, source, endpoint, parameters, key_fingerprint, plan, attempt, state, reserved_at) {both} SELECT {}, n, 'alpha_vantage', 'daily', 'symbol=S' || s, 'f', 'free', 1, 'stored', {now} FROM runs, series",
                match place {
                    Place::Sqlite(_) => "n || '-' || s",
                    Place::Postgres(_) => "gen_random_uuid()",
                }
            ),
        ] {
            place.sql(&made).await;
        }
        let began = std::time::Instant::now();
        let gone = forget(&store, kept, 1_000).await;
        for table in ["run_series", "requests"] {
            most = most.max(count(&place, table).await);
        }
        crate::support::cluster::notice(&format!(
            "{gone} rows forgotten in {:?}; {:?}",
            began.elapsed(),
            store.size().await.unwrap()
        ));
    }
    // Rows of a run stay or go together, and the last success of each series stays.
    assert!(most <= u64::from(rows + 2 * number), "{most} rows");
    assert!(count(&place, "requests").await >= u64::from(rows));
}
