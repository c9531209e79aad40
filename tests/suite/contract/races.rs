//! Bars that another process stores at the same moment. SQLite has one writer at a time; PostgreSQL
//! has many, and the first load of many bars of a series goes by a COPY, which cannot merge.

use sqlx::{Connection, PgConnection};

use super::*;

const INSERT: &str = "INSERT INTO stock_data (symbol, interval, adjusted, timestamp, trading_date, \
    open_price, high_price, low_price, close_price, volume) \
    VALUES ('IBM', '5min', false, '2026-05-15T13:35:00Z', '2026-05-15', 283.10, 283.20, 283.00, 283.10, 7)";

/// This many are stored by a COPY.
const BARS: u32 = 1_500;

/// Applies bars while another session has stored the second of them and not yet committed, and lets it
/// end once the COPY waits for it. Returns the counts and the distinct stored volumes.
async fn beside(url: &str, end: &str) -> (Counts, Vec<String>) {
    let place = Place::Postgres(url.to_owned());
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let request = granted(&store, &run, &ibm()).await;
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let mut other = PgConnection::connect(url).await.unwrap();
    for sql in ["BEGIN", INSERT] {
        sqlx::query(sql).execute(&mut other).await.unwrap();
    }
    let first = bar("2026-05-15T13:30:00Z", 28_300);
    let bars: Vec<Bar> = (0..BARS)
        .map(|number| Bar {
            timestamp: first.timestamp + chrono::TimeDelta::minutes(5) * number.cast_signed(),
            ..first
        })
        .collect();
    let batch = batch(&run, request, &ibm(), &bars);
    let applying = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.apply(vec![batch], credential()).await }
    });
    let mut watch = PgConnection::connect(url).await.unwrap();
    let waits = async {
        let waiting = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                       AND wait_event_type = 'Lock' AND query LIKE 'COPY stock_data%')";
        while !sqlx::query_scalar::<_, bool>(waiting)
            .fetch_one(&mut watch)
            .await
            .unwrap()
        {
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_secs(30);
    tokio::time::timeout(limit, waits).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(end.to_owned()))
        .execute(&mut other)
        .await
        .unwrap();
    let counts = applying.await.unwrap().unwrap().remove(0);
    let state = place.sql("SELECT state FROM requests").await;
    assert_eq!(state, ["stored"]);
    let volumes = place
        .sql("SELECT count(*) || ' of ' || volume FROM stock_data GROUP BY volume")
        .await;
    (counts, volumes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bar_that_another_process_stores_meanwhile_is_merged() {
    let Some(url) = crate::support::cluster::new_database() else {
        return;
    };
    let (merged, volumes) = beside(&url, "COMMIT").await;
    assert_eq!(merged, counts(BARS - 1, 1, 0));
    assert_eq!(volumes, ["1500 of 1000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bar_that_another_process_takes_back_is_inserted() {
    let Some(url) = crate::support::cluster::new_database() else {
        return;
    };
    let (inserted, volumes) = beside(&url, "ROLLBACK").await;
    assert_eq!(inserted, counts(BARS, 0, 0));
    assert_eq!(volumes, ["1500 of 1000"]);
}
