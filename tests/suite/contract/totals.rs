//! The totals of the series agree with their bars, whoever changes them.

use super::*;
use pipeline_tui::db::SeriesFacts;
use pipeline_tui::model::{Close, Known, Segment, Span};

contract! {
    totals_follow_what_is_stored,
    facts_of_many_series_are_those_of_each,
    totals_follow_what_is_deleted_by_hand,
    a_moved_label_adds_no_bar,
    a_label_moves_once_for_two_bars_of_a_week,
    a_store_of_the_first_schema_is_brought_up_to_date,
}

/// Totals from the table and by counting.
async fn totals(place: &Place) -> [Vec<String>; 2] {
    let adjusted = if place.is_postgres() {
        "adjusted::int"
    } else {
        "adjusted"
    };
    [
        format!(
            "SELECT symbol, interval, {adjusted}, bars FROM series_totals WHERE bars <> 0 ORDER BY 1, 2, 3"
        ),
        format!(
            "SELECT symbol, interval, {adjusted}, count(*) FROM stock_data GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ),
    ]
    .map(|sql| async move { place.sql(&sql).await })
    .into_iter()
    .collect::<futures_util::future::JoinAll<_>>()
    .await
    .try_into()
    .unwrap()
}

async fn assert_agreement(place: &Place) {
    let [kept, counted] = totals(place).await;
    assert_eq!(kept, counted);
}

fn some(count: i64) -> Vec<Bar> {
    (0..count)
        .map(|i| {
            let mut bar = bar("2026-05-15T13:30:00Z", 28_300 + i);
            bar.timestamp += TimeDelta::minutes(5 * i);
            bar
        })
        .collect()
}

async fn totals_follow_what_is_stored(place: Place) {
    let store = place.open().await;
    store_bars(&store, &ibm(), &some(7)).await;
    store_bars(&store, &ibm(), &some(9)).await;
    store_bars(&store, &ibm(), &some(9)).await;
    store_bars(&store, &series("MSFT", Interval::Daily), &some(3)).await;
    assert_agreement(&place).await;
    let facts = store.facts(ibm()).await.unwrap();
    assert_eq!(
        (facts.bars, facts.oldest, facts.newest.as_ref()),
        (9, Some(some(1)[0].timestamp), some(9).last())
    );
    assert_eq!(store.health().await.unwrap().bars, 12);
    let nothing = store.facts(series("NONE", Interval::Daily)).await.unwrap();
    assert_eq!((nothing.bars, nothing.oldest), (0, None));
}

async fn a_label_moves_once_for_two_bars_of_a_week(place: Place) {
    let store = place.open().await;
    let weekly = series("IBM", Interval::Weekly);
    let on = |day: &str, close| bar(&format!("2026-05-{day}T04:00:00Z"), close);
    store_bars(&store, &weekly, &[on("13", 110)]).await;
    let both = [on("14", 115), on("15", 120)];
    assert_eq!(
        store_bars(&store, &weekly, &both).await,
        counts(1, 1, 0),
        "what was offered, and no more"
    );
    assert_agreement(&place).await;
}

async fn totals_follow_what_is_deleted_by_hand(place: Place) {
    let store = place.open().await;
    store_bars(&store, &ibm(), &some(9)).await;
    store_bars(&store, &series("MSFT", Interval::Min5), &some(4)).await;
    let table = if place.is_postgres() {
        "stock_data"
    } else {
        "bars"
    };
    place
        .sql(&format!("DELETE FROM {table} WHERE volume < 0"))
        .await;
    let series = if place.is_postgres() {
        "symbol"
    } else {
        "series_id"
    };
    place
        .sql(&format!("DELETE FROM {table} WHERE close_price IN (SELECT max(close_price) FROM {table} GROUP BY {series})"))
        .await;
    assert_agreement(&place).await;
    assert_eq!(store.facts(ibm()).await.unwrap().bars, 7);
    let all = if place.is_postgres() {
        "TRUNCATE stock_data"
    } else {
        "DELETE FROM bars"
    };
    place.sql(all).await;
    assert_eq!(store.health().await.unwrap().bars, 0);
    assert_eq!(store_bars(&store, &ibm(), &some(2)).await, counts(2, 0, 0));
    assert_agreement(&place).await;
}

async fn a_moved_label_adds_no_bar(place: Place) {
    let store = place.open().await;
    let weekly = series("IBM", Interval::Weekly);
    let wednesday = bar("2026-05-13T04:00:00Z", 110);
    let (friday, next) = (
        bar("2026-05-15T04:00:00Z", 120),
        bar("2026-05-20T04:00:00Z", 130),
    );
    store_bars(&store, &weekly, &[wednesday]).await;
    assert_eq!(
        store_bars(&store, &weekly, &[friday, next]).await,
        counts(1, 1, 0)
    );
    assert_agreement(&place).await;
    assert_eq!(store.facts(weekly).await.unwrap().bars, 2);
}

async fn a_store_of_the_first_schema_is_brought_up_to_date(place: Place) {
    use sqlx::Connection;
    use sqlx::migrate::Migrator;
    let of_version_1 = |all: Migrator| {
        let first = all.iter().filter(|migration| migration.version == 1);
        Migrator::with_migrations(first.cloned().collect())
    };
    match &place {
        Place::Sqlite(path) => {
            let options = sqlx::sqlite::SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(true);
            let mut connection = sqlx::SqliteConnection::connect_with(&options)
                .await
                .unwrap();
            let first = of_version_1(sqlx::migrate!("migrations/sqlite"));
            first
                .run_direct(None, &mut connection, false)
                .await
                .unwrap();
        }
        Place::Postgres(url) => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            let first = of_version_1(sqlx::migrate!("migrations/postgres"));
            first
                .run_direct(None, &mut connection, false)
                .await
                .unwrap();
        }
    }
    let insert = if place.is_postgres() {
        "INSERT INTO stock_data (symbol, interval, timestamp, trading_date, open_price, high_price, low_price, \
         close_price, volume) \
         SELECT s, 'daily', '2026-05-01'::timestamptz + n * interval '1 day', '2026-05-01', 1, 1, 1, 1, 0 \
         FROM (VALUES ('IBM', 3), ('MSFT', 2)) AS v (s, many), generate_series(1, many) AS n"
    } else {
        "INSERT INTO bars (symbol, interval, timestamp, trading_day, open_price, high_price, low_price, close_price, \
         volume) VALUES ('IBM', 'daily', 1, 1, 1, 1, 1, 1, 0), ('IBM', 'daily', 2, 1, 1, 1, 1, 1, 0), \
         ('IBM', 'daily', 3, 1, 1, 1, 1, 1, 0), ('MSFT', 'daily', 1, 1, 1, 1, 1, 1, 0), \
         ('MSFT', 'daily', 2, 1, 1, 1, 1, 1, 0)"
    };
    place.sql(insert).await;
    let refused = place.try_open(Access::ReadOnly).await.unwrap_err();
    assert_eq!(refused.kind, DbErrorKind::ReadOnly);
    let store = place.open().await;
    assert_agreement(&place).await;
    let health = store.health().await.unwrap();
    let newest = crate::support::first_release::newest();
    assert_eq!((health.bars, health.schema), (5, newest));
    let facts = store.facts(series("IBM", Interval::Daily)).await.unwrap();
    assert_eq!((facts.bars, facts.recent.len()), (3, 3));
}

async fn facts_of_many_series_are_those_of_each(place: Place) {
    let store = place.open().await;
    let (daily, minutes, asked) = (
        series("MSFT", Interval::Daily),
        series("MSFT", Interval::Min1),
        series("ASKED", Interval::Min5),
    );
    store_bars(&store, &ibm(), &some(9)).await;
    let minute = |i: i64| Bar {
        timestamp: some(1)[0].timestamp + TimeDelta::minutes(i),
        is_final: i < 249,
        ..bar("2026-05-15T13:30:00Z", 100 + i)
    };
    let many: Vec<Bar> = (0..250).map(minute).collect();
    store_bars(&store, &minutes, &many).await;
    let day = |i: i64| Bar {
        trading_date: many[0].trading_date - TimeDelta::days(150 - i),
        timestamp: many[0].timestamp - TimeDelta::days(150 - i),
        ..bar("2026-05-15T13:30:00Z", 100 + i)
    };
    let days: Vec<Bar> = (0..150).map(day).collect();
    store_bars(&store, &daily, &days).await;
    let span = Span::new(many[0].timestamp, many[9].timestamp);
    let known = Known::Settled;
    let segments = vec![Segment { span, known }];
    store.record(asked.clone(), segments.clone()).await.unwrap();

    let nothing = series("NONE", Interval::Daily);
    let all = [&minutes, &nothing, &daily, &ibm(), &asked, &daily];
    let facts = store.facts_of(all.map(Clone::clone).into()).await.unwrap();
    for (series, facts) in all.iter().zip(&facts) {
        assert_eq!(
            *facts,
            store.facts((*series).clone()).await.unwrap(),
            "{series}"
        );
    }
    let closes = |bars: &[Bar], count| -> Vec<Close> {
        bars.iter().rev().take(count).map(Close::from).collect()
    };
    assert_eq!(facts[0].recent, closes(&many, 200));
    assert_eq!(facts[1], SeriesFacts::default());
    assert_eq!(facts[2].recent, closes(&days, 100));
    assert_eq!(facts[2].newest, days.last().copied());
    assert_eq!(
        (facts[2].bars, facts[2].oldest),
        (150, Some(days[0].timestamp))
    );
    assert_eq!(facts[4].coverage.segments(), segments);
    assert!(facts[3].fetched_at.is_some() && facts[4].fetched_at.is_none());
    assert_eq!(store.facts_of(vec![]).await.unwrap(), []);
}
