//! One suite over the trait, run on both databases.

#[path = "support/harness.rs"]
mod harness;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use pipeline_tui::config::Secret;
use pipeline_tui::db::{
    self, Access, ActiveRun, BarQuery, Credential, DbErrorKind, Entitlement, PgTarget, RequestEnd,
    Reservation, Reserved, Store,
};
use pipeline_tui::model::quota::Limits;
use pipeline_tui::model::{
    Answer, Ask, Bar, Batch, Counts, ErrorClass, Interval, Price, RejectedRow, RequestId,
    RunStatus, SeriesKey, SeriesReport, SeriesStatus,
};
use uuid::Uuid;

const NO_LIMITS: Limits = Limits {
    gap: TimeDelta::zero(),
    per_day: None,
};

/// A database under test, and a second way into it that shares no code with the store.
#[derive(Clone)]
enum Place {
    Sqlite(std::path::PathBuf),
    Postgres(String),
}

impl Place {
    async fn try_open(&self, access: Access) -> db::Result<Arc<dyn Store>> {
        match self {
            Self::Sqlite(path) => db::open_sqlite(path, access).await,
            Self::Postgres(url) => {
                let target = PgTarget {
                    url: Secret::new(url.clone()),
                    shown: "test cluster".into(),
                };
                db::open_postgres(target, access).await
            }
        }
    }

    async fn open(&self) -> Arc<dyn Store> {
        self.try_open(Access::ReadWrite).await.unwrap()
    }

    /// Runs SQL with the database's own client library and returns rows joined by `|`.
    async fn sql(&self, sql: &str) -> Vec<String> {
        use sqlx::{Column, Connection, Row, TypeInfo, ValueRef};
        match self {
            Self::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut connection = sqlx::sqlite::SqliteConnection::connect_with(&options)
                    .await
                    .unwrap();
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
                    .fetch_all(&mut connection)
                    .await
                    .unwrap();
                rows.iter()
                    .map(|row| {
                        (0..row.columns().len())
                            .map(|i| {
                                let value = row.try_get_raw(i).unwrap();
                                match value.type_info().name() {
                                    "INTEGER" => row.get::<i64, _>(i).to_string(),
                                    "REAL" => row.get::<f64, _>(i).to_string(),
                                    "NULL" => String::new(),
                                    _ => row.get::<String, _>(i),
                                }
                            })
                            .collect::<Vec<_>>()
                            .join("|")
                    })
                    .collect()
            }
            Self::Postgres(url) => harness::psql(url, sql).lines().map(str::to_owned).collect(),
        }
    }

    fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

macro_rules! contract {
    ($($case:ident,)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let folder = tempfile::tempdir().unwrap();
                super::$case(super::Place::Sqlite(folder.path().join("bars.db"))).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let Some(url) = super::harness::new_database() else { return };
                super::$case(super::Place::Postgres(url)).await;
            })+
        }
    };
}

contract! {
    a_second_upsert_of_the_same_bars_touches_nothing,
    a_changed_bar_is_changed_and_says_when,
    a_change_by_hand_moves_updated_at,
    bars_of_other_intervals_and_adjustments_do_not_collide,
    a_newer_label_of_an_unfinished_week_replaces_the_older_one,
    a_plain_fetch_leaves_adjustments_alone,
    applying_an_answer_again_returns_the_same_counts,
    the_originals_query_is_answered_from_its_index,
    bars_come_newest_first_within_their_bounds,
    rejected_rows_are_kept_with_their_reason,
    prices_and_volumes_round_trip_at_their_limits,
    the_store_itself_refuses_impossible_bars,
    starts_keep_their_gap_across_processes,
    the_day_is_counted_across_processes_and_ends,
    a_request_that_was_never_sent_is_not_spent,
    a_refused_day_stops_everyone,
    a_reservation_is_made_once,
    racing_reservations_never_overspend,
    kept_answers_are_bounded_but_never_before_they_are_stored,
    a_dead_run_is_swept_and_a_live_one_is_not,
    a_kept_answer_survives_its_process,
    entitlements_are_remembered_per_key_and_plan,
    the_watch_list_is_filled_once,
    runs_are_listed_and_explained,
    many_processes_may_start_at_once,
    a_newer_schema_is_refused_and_leaves_no_lock,
    reading_only_writes_nothing,
}

fn series(symbol: &str, interval: Interval) -> SeriesKey {
    SeriesKey::raw(symbol.parse().unwrap(), interval)
}

fn ibm() -> SeriesKey {
    series("IBM", Interval::Min5)
}

fn bar(at: &str, close: i64) -> Bar {
    let timestamp: DateTime<Utc> = at.parse().unwrap();
    let price = |cents: i64| Price::from_units(cents * Price::ONE / 100);
    Bar {
        timestamp,
        trading_date: timestamp.with_timezone(&New_York).date_naive(),
        open: price(close),
        high: price(close + 10),
        low: price(close - 10),
        close: price(close),
        volume: 1_000,
        adjusted_close: None,
        dividend_amount: None,
        split_coefficient: None,
    }
}

fn ask(series: &SeriesKey) -> Ask {
    let query = [
        ("function", "TIME_SERIES_INTRADAY"),
        ("symbol", series.symbol.as_str()),
        ("datatype", "json"),
    ];
    Ask {
        series: series.clone(),
        query: query.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    }
}

fn answer(body: &[u8]) -> Answer {
    Answer {
        status: 200,
        content_type: Some("application/json".into()),
        body: bytes::Bytes::copy_from_slice(body),
        received_at: "2026-05-15T20:00:00Z".parse().unwrap(),
        elapsed_ms: 12,
    }
}

fn credential() -> Credential {
    Credential {
        fingerprint: "f00d".into(),
        plan: "free".into(),
    }
}

fn reservation(run: &ActiveRun, series: &SeriesKey, limits: Limits, attempt: u32) -> Reservation {
    Reservation {
        attempt_id: Uuid::new_v4(),
        run: run.id,
        ask: ask(series),
        key: "f00d".into(),
        attempt,
        limits,
    }
}

async fn granted(store: &Arc<dyn Store>, run: &ActiveRun, series: &SeriesKey) -> RequestId {
    match store
        .reserve(reservation(run, series, NO_LIMITS, 1))
        .await
        .unwrap()
    {
        Reserved::Granted(id) => id,
        other => panic!("{other:?}"),
    }
}

fn batch(run: &ActiveRun, request: RequestId, series: &SeriesKey, bars: &[Bar]) -> Batch {
    Batch {
        request,
        run: run.id,
        series: series.clone(),
        bars: bars.to_vec(),
        rejected: vec![],
        received: u32::try_from(bars.len()).unwrap(),
        rounded: 0,
    }
}

/// One whole run that stores these bars.
async fn store_bars(store: &Arc<dyn Store>, series: &SeriesKey, bars: &[Bar]) -> Counts {
    let run = store.begin_run("test", vec![series.clone()]).await.unwrap();
    let request = granted(store, &run, series).await;
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let counts = store
        .apply(batch(&run, request, series, bars), credential())
        .await
        .unwrap();
    store
        .finish_run(run.id, RunStatus::Succeeded)
        .await
        .unwrap();
    counts
}

fn counts(inserted: u32, changed: u32, unchanged: u32) -> Counts {
    Counts {
        inserted,
        changed,
        unchanged,
    }
}

async fn a_second_upsert_of_the_same_bars_touches_nothing(place: Place) {
    let store = place.open().await;
    let bars: Vec<Bar> = (0..2_500)
        .map(|i| {
            let mut bar = bar("2026-05-11T08:00:00Z", 20_000 + i % 97);
            bar.timestamp += TimeDelta::minutes(5 * i);
            bar
        })
        .collect();
    assert_eq!(store_bars(&store, &ibm(), &bars).await, counts(2_500, 0, 0));
    let versions = if place.is_postgres() {
        "SELECT md5(string_agg(xmin::text || ctid::text || updated_at::text, ',' ORDER BY id)) FROM stock_data"
    } else {
        "SELECT group_concat(id || ':' || updated_at || ':' || close_price) FROM bars"
    };
    let before = place.sql(versions).await;
    assert_eq!(store_bars(&store, &ibm(), &bars).await, counts(0, 0, 2_500));
    assert_eq!(place.sql(versions).await, before);
}

async fn a_changed_bar_is_changed_and_says_when(place: Place) {
    let store = place.open().await;
    let before = [
        bar("2026-05-15T13:30:00Z", 28_300),
        bar("2026-05-15T13:35:00Z", 28_310),
    ];
    store_bars(&store, &ibm(), &before).await;
    age(&place).await;
    let mut after = before;
    after[1].volume += 1;
    let more = [after[0], after[1], bar("2026-05-15T13:40:00Z", 28_320)];
    assert_eq!(store_bars(&store, &ibm(), &more).await, counts(1, 1, 1));
    assert_eq!(touched(&place).await, ["0", "1", "0"]);
}

/// Sets both times of every bar back, so that a change shows without waiting for the clock.
async fn age(place: &Place) {
    if place.is_postgres() {
        place
            .sql(
                "ALTER TABLE stock_data DISABLE TRIGGER stock_data_touch; \
                  UPDATE stock_data SET created_at = created_at - interval '1 hour', updated_at = updated_at - interval '1 hour'; \
                  ALTER TABLE stock_data ENABLE TRIGGER stock_data_touch",
            )
            .await;
    } else {
        place
            .sql("UPDATE bars SET created_at = created_at - 3600, updated_at = updated_at - 3600")
            .await;
    }
}

/// For each bar, oldest first, whether it was updated after it was created.
async fn touched(place: &Place) -> Vec<String> {
    place.sql("SELECT CASE WHEN updated_at > created_at THEN 1 ELSE 0 END FROM stock_data ORDER BY timestamp").await
}

async fn a_change_by_hand_moves_updated_at(place: Place) {
    let store = place.open().await;
    store_bars(&store, &ibm(), &[bar("2026-05-15T13:30:00Z", 28_300)]).await;
    age(&place).await;
    let table = if place.is_postgres() {
        "stock_data"
    } else {
        "bars"
    };
    place
        .sql(&format!("UPDATE {table} SET volume = volume"))
        .await;
    assert_eq!(touched(&place).await, ["0"]);
    place.sql(&format!("UPDATE {table} SET volume = 7")).await;
    assert_eq!(touched(&place).await, ["1"]);
}

async fn bars_of_other_intervals_and_adjustments_do_not_collide(place: Place) {
    let store = place.open().await;
    let at = "2026-05-15T14:00:00Z";
    let adjusted = SeriesKey {
        adjusted: true,
        ..ibm()
    };
    for (key, close) in [
        (ibm(), 100),
        (series("IBM", Interval::Min60), 200),
        (adjusted.clone(), 300),
    ] {
        assert_eq!(
            store_bars(&store, &key, &[bar(at, close)]).await,
            counts(1, 0, 0)
        );
    }
    let query = |series| BarQuery {
        series,
        from: None,
        to: None,
        limit: 9,
    };
    assert_eq!(store.bars(query(ibm())).await.unwrap(), [bar(at, 100)]);
    assert_eq!(store.bars(query(adjusted)).await.unwrap(), [bar(at, 300)]);
}

async fn a_newer_label_of_an_unfinished_week_replaces_the_older_one(place: Place) {
    let store = place.open().await;
    let weekly = series("IBM", Interval::Weekly);
    let (last_week, wednesday, friday) = (
        bar("2026-05-08T04:00:00Z", 100),
        bar("2026-05-13T04:00:00Z", 110),
        bar("2026-05-15T04:00:00Z", 120),
    );
    assert_eq!(
        store_bars(&store, &weekly, &[last_week, wednesday]).await,
        counts(2, 0, 0)
    );
    assert_eq!(
        store_bars(&store, &weekly, &[last_week, friday]).await,
        counts(0, 1, 1)
    );
    let query = BarQuery {
        series: weekly.clone(),
        from: None,
        to: None,
        limit: 9,
    };
    assert_eq!(
        store.bars(query.clone()).await.unwrap(),
        [friday, last_week]
    );
    assert_eq!(
        store_bars(&store, &weekly, &[last_week, wednesday]).await,
        counts(0, 0, 2)
    );
    assert_eq!(store.bars(query).await.unwrap(), [friday, last_week]);
}

async fn a_plain_fetch_leaves_adjustments_alone(place: Place) {
    let store = place.open().await;
    let daily = series("IBM", Interval::Daily);
    let plain = bar("2026-05-15T04:00:00Z", 28_300);
    let full = Bar {
        adjusted_close: Some(Price::from_units(28_212_345_678)),
        dividend_amount: Some(Price::from_units(0)),
        split_coefficient: Some(Price::from_units(Price::ONE)),
        ..plain
    };
    assert_eq!(store_bars(&store, &daily, &[plain]).await, counts(1, 0, 0));
    assert_eq!(store_bars(&store, &daily, &[full]).await, counts(0, 1, 0));
    assert_eq!(store_bars(&store, &daily, &[plain]).await, counts(0, 0, 1));
    assert_eq!(store_bars(&store, &daily, &[full]).await, counts(0, 0, 1));
    let without_split = Bar {
        split_coefficient: None,
        dividend_amount: Some(Price::from_units(5)),
        ..full
    };
    assert_eq!(
        store_bars(&store, &daily, &[without_split]).await,
        counts(0, 1, 0)
    );
    let stored = store
        .bars(BarQuery {
            series: daily,
            from: None,
            to: None,
            limit: 1,
        })
        .await
        .unwrap();
    assert_eq!(
        stored,
        [Bar {
            dividend_amount: Some(Price::from_units(5)),
            ..full
        }]
    );
}

async fn applying_an_answer_again_returns_the_same_counts(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let request = granted(&store, &run, &ibm()).await;
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let once = batch(
        &run,
        request,
        &ibm(),
        &[bar("2026-05-15T13:30:00Z", 28_300)],
    );
    assert_eq!(
        store.apply(once.clone(), credential()).await.unwrap(),
        counts(1, 0, 0)
    );
    assert_eq!(
        store.apply(once, credential()).await.unwrap(),
        counts(1, 0, 0)
    );
}

async fn the_originals_query_is_answered_from_its_index(place: Place) {
    let store = place.open().await;
    let bars: Vec<Bar> = (0..20_000)
        .map(|i| {
            let mut bar = bar("2026-05-15T13:30:00Z", 28_300);
            bar.timestamp += TimeDelta::minutes(i);
            bar
        })
        .collect();
    store_bars(&store, &series("IBM", Interval::Min1), &bars[..12]).await;
    store_bars(&store, &series("MSFT", Interval::Min1), &bars).await;
    let query = "SELECT symbol, timestamp, close_price, volume FROM stock_data \
                 WHERE symbol = 'IBM' ORDER BY timestamp DESC LIMIT 10";
    let rows = place.sql(&format!("{query};")).await;
    let expected = if place.is_postgres() {
        "IBM|2026-05-15 13:41:00+00|283.00000000|1000"
    } else {
        "IBM|2026-05-15 13:41:00|283|1000"
    };
    assert_eq!((rows.len(), rows[0].as_str()), (10, expected));
    let plan = if place.is_postgres() {
        place.sql("ANALYZE stock_data").await;
        place.sql(&format!("EXPLAIN {query}")).await
    } else {
        place.sql(&format!("EXPLAIN QUERY PLAN {query}")).await
    }
    .join("\n");
    assert!(plan.contains("idx_stock_data_symbol_timestamp"), "{plan}");
    assert!(
        !plan.contains("Sort") && !plan.contains("TEMP B-TREE"),
        "{plan}"
    );
}

async fn bars_come_newest_first_within_their_bounds(place: Place) {
    let store = place.open().await;
    let bars = [
        "2026-05-15T13:30:00Z",
        "2026-05-15T13:35:00Z",
        "2026-05-15T13:40:00Z",
    ]
    .map(|at| bar(at, 28_300));
    store_bars(&store, &ibm(), &bars).await;
    let query = BarQuery {
        series: ibm(),
        from: Some(bars[1].timestamp),
        to: None,
        limit: 9,
    };
    assert_eq!(store.bars(query.clone()).await.unwrap(), [bars[2], bars[1]]);
    assert_eq!(
        store
            .bars(BarQuery {
                limit: 1,
                ..query.clone()
            })
            .await
            .unwrap(),
        [bars[2]]
    );
    let older = BarQuery {
        from: None,
        to: Some(bars[0].timestamp),
        ..query
    };
    assert_eq!(store.bars(older).await.unwrap(), [bars[0]]);
}

async fn rejected_rows_are_kept_with_their_reason(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let request = granted(&store, &run, &ibm()).await;
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let mut with_rejected = batch(
        &run,
        request,
        &ibm(),
        &[bar("2026-05-15T13:30:00Z", 28_300)],
    );
    with_rejected.received = 2;
    with_rejected.rejected = vec![RejectedRow {
        label: "2026-02-30".into(),
        content: "a,b'c".into(),
        reason: "no such date".into(),
    }];
    store.apply(with_rejected, credential()).await.unwrap();
    let rows = place
        .sql("SELECT symbol, label, content, reason FROM rejected_rows")
        .await;
    assert_eq!(rows, ["IBM|2026-02-30|a,b'c|no such date"]);
    let detail = store.run(run.id).await.unwrap().unwrap();
    assert_eq!(
        (detail.series[0].received, detail.series[0].rejected),
        (2, 1)
    );
}

async fn prices_and_volumes_round_trip_at_their_limits(place: Place) {
    let store = place.open().await;
    let mut largest = bar("2026-05-15T13:30:00Z", 28_300);
    let top = Price::parse("89999999999.99999999").unwrap().0;
    (largest.open, largest.high, largest.close) = (top, top, top);
    (largest.low, largest.volume) = (Price::from_units(1), i64::MAX);
    store_bars(&store, &ibm(), &[largest]).await;
    let query = BarQuery {
        series: ibm(),
        from: None,
        to: None,
        limit: 1,
    };
    assert_eq!(store.bars(query).await.unwrap(), [largest]);
}

async fn the_store_itself_refuses_impossible_bars(place: Place) {
    let store = place.open().await;
    let good = bar("2026-05-15T13:30:00Z", 28_300);
    let free = Price::from_units(0);
    for bad in [
        Bar {
            high: good.low,
            ..good
        },
        Bar { volume: -1, ..good },
        Bar { low: free, ..good },
    ] {
        let run = store.begin_run("test", vec![ibm()]).await.unwrap();
        let request = granted(&store, &run, &ibm()).await;
        store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
        let mixed = batch(
            &run,
            request,
            &ibm(),
            &[
                Bar {
                    timestamp: good.timestamp - TimeDelta::days(1),
                    ..good
                },
                bad,
            ],
        );
        assert_eq!(
            store.apply(mixed, credential()).await.unwrap_err().kind,
            DbErrorKind::Other
        );
    }
    assert_eq!(
        place.sql("SELECT count(*) FROM stock_data").await,
        ["0"],
        "all of an answer or nothing"
    );
    if place.is_postgres() {
        let nan = "INSERT INTO stock_data (symbol, interval, timestamp, trading_date, open_price, high_price, \
                   low_price, close_price, volume) VALUES ('X', 'daily', now(), now(), 'NaN', 'NaN', 'NaN', 'NaN', 1) \
                   ON CONFLICT DO NOTHING";
        let place = place.clone();
        assert!(
            tokio::spawn(async move { place.sql(nan).await })
                .await
                .is_err()
        );
    }
}

async fn starts_keep_their_gap_across_processes(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let limits = Limits {
        gap: TimeDelta::hours(1),
        per_day: None,
    };
    let run = here.begin_run("test", vec![ibm()]).await.unwrap();
    assert!(matches!(
        here.reserve(reservation(&run, &ibm(), limits, 1))
            .await
            .unwrap(),
        Reserved::Granted(_)
    ));
    let Reserved::Wait(wait) = there
        .reserve(reservation(&run, &ibm(), limits, 1))
        .await
        .unwrap()
    else {
        panic!()
    };
    assert!(
        wait > TimeDelta::minutes(59) && wait <= limits.gap,
        "{wait}"
    );
    let other_key = Reservation {
        key: "beef".into(),
        ..reservation(&run, &ibm(), limits, 1)
    };
    assert!(matches!(
        there.reserve(other_key).await.unwrap(),
        Reserved::Granted(_)
    ));
}

async fn the_day_is_counted_across_processes_and_ends(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let limits = Limits {
        gap: TimeDelta::zero(),
        per_day: Some(4),
    };
    let run = here.begin_run("test", vec![ibm()]).await.unwrap();
    for (store, attempt) in [(&here, 1), (&there, 2), (&here, 3)] {
        let reserved = store
            .reserve(reservation(&run, &ibm(), limits, attempt))
            .await
            .unwrap();
        assert!(matches!(reserved, Reserved::Granted(_)), "{reserved:?}");
    }
    assert_eq!(
        there
            .reserve(reservation(&run, &ibm(), limits, 4))
            .await
            .unwrap(),
        Reserved::RetriesSpent
    );
    assert!(matches!(
        there
            .reserve(reservation(&run, &ibm(), limits, 1))
            .await
            .unwrap(),
        Reserved::Granted(_)
    ));
    let spent = here
        .reserve(reservation(&run, &ibm(), limits, 1))
        .await
        .unwrap();
    assert!(
        matches!(spent, Reserved::DaySpent(until) if until > here_now(&here).await),
        "{spent:?}"
    );
}

async fn here_now(store: &Arc<dyn Store>) -> DateTime<Utc> {
    store.health().await.unwrap().now
}

async fn a_request_that_was_never_sent_is_not_spent(place: Place) {
    let store = place.open().await;
    let limits = Limits {
        gap: TimeDelta::hours(1),
        per_day: Some(1),
    };
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    for _ in 0..3 {
        let Reserved::Granted(id) = store
            .reserve(reservation(&run, &ibm(), limits, 1))
            .await
            .unwrap()
        else {
            panic!()
        };
        store
            .settle(id, RequestEnd::NotSent("connection refused".into()))
            .await
            .unwrap();
    }
}

async fn a_refused_day_stops_everyone(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let run = here.begin_run("test", vec![ibm()]).await.unwrap();
    let request = granted(&here, &run, &ibm()).await;
    here.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    here.settle(
        request,
        RequestEnd::Refused(ErrorClass::Day, "25 requests per day".into()),
    )
    .await
    .unwrap();
    let reserved = there
        .reserve(reservation(&run, &ibm(), NO_LIMITS, 1))
        .await
        .unwrap();
    assert!(matches!(reserved, Reserved::DaySpent(_)), "{reserved:?}");
}

async fn a_reservation_is_made_once(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let wish = reservation(
        &run,
        &ibm(),
        Limits {
            gap: TimeDelta::hours(1),
            per_day: Some(1),
        },
        1,
    );
    let first = store.reserve(wish.clone()).await.unwrap();
    assert!(matches!(first, Reserved::Granted(_)));
    assert_eq!(
        store.reserve(wish).await.unwrap(),
        first,
        "asking again after an unknown outcome finds the row"
    );
}

async fn racing_reservations_never_overspend(place: Place) {
    let limits = Limits {
        gap: TimeDelta::zero(),
        per_day: Some(10),
    };
    let store = place.open().await;
    let run = Arc::new(store.begin_run("test", vec![ibm()]).await.unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (store, run) = (place.open().await, Arc::clone(&run));
        tasks.spawn(async move {
            let mut won = 0;
            for _ in 0..8 {
                if let Reserved::Granted(_) = store
                    .reserve(reservation(&run, &ibm(), limits, 1))
                    .await
                    .unwrap()
                {
                    won += 1;
                }
            }
            won
        });
    }
    assert_eq!(tasks.join_all().await.iter().sum::<u32>(), 10);
}

async fn kept_answers_are_bounded_but_never_before_they_are_stored(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    // Bytes that do not compress, so that three are over the bound and two are not.
    let mut random = fastrand::Rng::with_seed(7);
    let noise: Vec<u8> = (0..40_000).map(|_| random.u8(..)).collect();
    let mut requests = vec![];
    for _ in 0..3 {
        let request = granted(&store, &run, &ibm()).await;
        store.keep(request, answer(&noise), 1).await.unwrap();
        requests.push(request);
    }
    assert_eq!(
        place.sql("SELECT count(*) FROM answers").await,
        ["3"],
        "not yet stored"
    );
    for request in requests {
        store
            .apply(batch(&run, request, &ibm(), &[]), credential())
            .await
            .unwrap();
    }
    let last = granted(&store, &run, &ibm()).await;
    store.keep(last, answer(&noise), 100_000).await.unwrap();
    let left = place
        .sql("SELECT request_id FROM answers ORDER BY request_id")
        .await;
    assert_eq!(
        left,
        [(last.0 - 1).to_string(), last.0.to_string()],
        "the oldest went first"
    );
}

async fn a_dead_run_is_swept_and_a_live_one_is_not(place: Place) {
    let store = place.open().await;
    let live = store.begin_run("test", vec![ibm()]).await.unwrap();
    let dead = store.begin_run("test", vec![ibm()]).await.unwrap();
    granted(&store, &dead, &ibm()).await;
    let id = dead.id;
    drop(dead);
    let other = place.open().await;
    // PostgreSQL releases a session's lock when it notices that the connection is closed.
    let swept = tokio::time::timeout(std::time::Duration::from_secs(10), async {
        loop {
            let swept = other.sweep().await.unwrap();
            if !swept.is_empty() {
                break swept;
            }
        }
    })
    .await
    .unwrap();
    assert_eq!(swept, [id]);
    assert_eq!(other.sweep().await.unwrap(), []);
    let rows = place.sql("SELECT status FROM runs ORDER BY id").await;
    assert_eq!(rows, ["running", "interrupted"]);
    assert_eq!(place.sql("SELECT state FROM requests").await, ["in_doubt"]);
    let detail = other.run(id).await.unwrap().unwrap();
    assert_eq!(detail.series[0].status, SeriesStatus::Interrupted);
    drop(live);
}

async fn a_kept_answer_survives_its_process(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let request = granted(&store, &run, &ibm()).await;
    store
        .keep(request, answer(b"paid for"), u64::MAX)
        .await
        .unwrap();
    assert!(
        store.unapplied().await.unwrap().is_empty(),
        "its run is at work"
    );
    let id = run.id;
    store.finish_run(id, RunStatus::Interrupted).await.unwrap();
    let kept = place.open().await.unapplied().await.unwrap();
    assert_eq!(
        (kept.len(), kept[0].run, &kept[0].ask),
        (1, id, &ask(&ibm()))
    );
    assert_eq!(kept[0].answer, answer(b"paid for"));
    let found = batch(
        &run,
        request,
        &ibm(),
        &[bar("2026-05-15T13:30:00Z", 28_300)],
    );
    store.apply(found, credential()).await.unwrap();
    assert!(store.unapplied().await.unwrap().is_empty());
    let report = store.run(id).await.unwrap().unwrap().series.remove(0);
    assert_eq!(
        (report.status, report.attempts, report.requests),
        (SeriesStatus::Succeeded, 1, 1)
    );
}

async fn entitlements_are_remembered_per_key_and_plan(place: Place) {
    let store = place.open().await;
    let refused = Entitlement {
        function: "TIME_SERIES_INTRADAY".into(),
        parameter: String::new(),
        granted: false,
        message: Some("premium".into()),
    };
    store
        .learn_refusal(credential(), refused.clone())
        .await
        .unwrap();
    assert_eq!(
        store.entitlements(credential()).await.unwrap(),
        [refused.clone()]
    );
    let upgraded = Credential {
        plan: "75".into(),
        ..credential()
    };
    assert_eq!(store.entitlements(upgraded).await.unwrap(), []);
    store_bars(&store, &ibm(), &[bar("2026-05-15T13:30:00Z", 28_300)]).await;
    let granted = Entitlement {
        granted: true,
        message: None,
        ..refused.clone()
    };
    assert_eq!(
        store.entitlements(credential()).await.unwrap(),
        [granted.clone()]
    );
    store.learn_refusal(credential(), refused).await.unwrap();
    assert_eq!(
        store.entitlements(credential()).await.unwrap(),
        [granted],
        "what once worked is not parked"
    );
}

async fn the_watch_list_is_filled_once(place: Place) {
    let store = place.open().await;
    let wanted = vec![
        series("MSFT", Interval::Daily),
        ibm(),
        series("AAPL", Interval::Min5),
    ];
    assert_eq!(store.fill_watch_list(wanted.clone()).await.unwrap(), wanted);
    assert_eq!(
        store
            .fill_watch_list(vec![series("NEW", Interval::Daily)])
            .await
            .unwrap(),
        wanted
    );
    assert_eq!(place.open().await.watch_list().await.unwrap(), wanted);
}

async fn runs_are_listed_and_explained(place: Place) {
    let store = place.open().await;
    store_bars(&store, &ibm(), &[bar("2026-05-15T13:30:00Z", 28_300)]).await;
    let run = store
        .begin_run("fetch", vec![ibm(), series("NOPE", Interval::Min5)])
        .await
        .unwrap();
    let request = granted(&store, &run, &ibm()).await;
    store
        .settle(
            request,
            RequestEnd::Failed(ErrorClass::Network, "cut off".into()),
        )
        .await
        .unwrap();
    let mut report = SeriesReport::new(ibm(), SeriesStatus::Failed);
    (report.attempts, report.requests) = (1, 1);
    let report = report.with_error(
        SeriesStatus::Failed,
        ErrorClass::Network,
        "cut off; run it again",
    );
    store.finish_series(run.id, report.clone()).await.unwrap();
    store.finish_run(run.id, RunStatus::Failed).await.unwrap();
    let runs = store.runs(10).await.unwrap();
    assert_eq!(
        runs.iter().map(|run| run.status).collect::<Vec<_>>(),
        [RunStatus::Failed, RunStatus::Succeeded]
    );
    assert_eq!(
        (runs[0].series, runs[0].succeeded, runs[0].requests),
        (2, 0, 1)
    );
    assert_eq!((runs[1].succeeded, runs[1].inserted), (1, 1));
    assert!(runs[1].finished_at >= Some(runs[1].started_at));
    let detail = store.run(run.id).await.unwrap().unwrap();
    assert_eq!(detail.series[0], report);
    assert_eq!(detail.requests[0].class.as_deref(), Some("network"));
    assert!(
        store
            .run(pipeline_tui::model::RunId(999))
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.last_fetch(ibm()).await.unwrap().is_some());
    assert_eq!(
        store
            .last_fetch(series("NOPE", Interval::Min5))
            .await
            .unwrap(),
        None
    );
}

async fn many_processes_may_start_at_once(place: Place) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let place = place.clone();
        tasks.spawn(async move { place.try_open(Access::ReadWrite).await.map(|_| ()) });
    }
    for outcome in tasks.join_all().await {
        outcome.unwrap();
    }
}

async fn a_newer_schema_is_refused_and_leaves_no_lock(place: Place) {
    place.open().await.close().await;
    let now = if place.is_postgres() {
        "now()"
    } else {
        "datetime('now')"
    };
    place
        .sql(&format!(
            "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
             VALUES (9999, 'from the future', {now}, true, '', 0)"
        ))
        .await;
    for _ in 0..3 {
        let error = place.try_open(Access::ReadWrite).await.unwrap_err();
        assert_eq!(error.kind, DbErrorKind::NewerSchema);
        assert!(
            error.to_string().contains("9999") && error.to_string().contains("newer pipeline-tui"),
            "{error}"
        );
    }
    place
        .sql("DELETE FROM _sqlx_migrations WHERE version = 9999")
        .await;
    place.open().await;
    if place.is_postgres() {
        let locks = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                     WHERE d.datname = current_database() AND l.locktype = 'advisory'";
        assert_eq!(place.sql(locks).await, ["0"]);
    }
}

async fn reading_only_writes_nothing(place: Place) {
    let error = place.try_open(Access::ReadOnly).await.unwrap_err();
    assert!(error.to_string().contains("without --read-only"), "{error}");
    let store = place.open().await;
    store_bars(&store, &ibm(), &[bar("2026-05-15T13:30:00Z", 28_300)]).await;
    let reader = place.try_open(Access::ReadOnly).await.unwrap();
    let query = BarQuery {
        series: ibm(),
        from: None,
        to: None,
        limit: 9,
    };
    assert_eq!(reader.bars(query).await.unwrap().len(), 1);
    let refused = reader.fill_watch_list(vec![ibm()]).await.unwrap_err();
    assert_eq!(refused.kind, DbErrorKind::ReadOnly, "{refused}");
}
