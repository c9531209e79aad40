//! One suite over the trait, run on both databases.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use pipeline_tui::config::Secret;
use pipeline_tui::db::{
    self, Access, ActiveRun, BarQuery, Credential, DbErrorKind, Entitlement, Holding, Order,
    PgTarget, RequestEnd, Reservation, Reserved, Store,
};
use pipeline_tui::model::adjustment::Rule;
use pipeline_tui::model::quota::{Lately, Quota, Window, WindowSpan};
use pipeline_tui::model::{
    Answer, Bar, Batch, Counts, ErrorClass, Interval, Listing, Price, RejectedRow, Request,
    RequestId, RunId, RunStatus, SeriesKey, SeriesReport, SeriesStatus, SourceId, Stated, Volume,
    WatchEdit,
};
use uuid::Uuid;

macro_rules! contract {
    ($($case:ident,)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let folder = tempfile::tempdir().unwrap();
                super::$case(crate::contract::Place::Sqlite(folder.path().join("bars.db"))).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let Some(url) = crate::support::cluster::new_database() else { return };
                super::$case(crate::contract::Place::Postgres(url)).await;
            })+
        }
    };
}

mod adjusted;
mod alerts;
mod answers;
mod bars;
mod best;
mod coverage;
mod dropped;
mod export;
mod found;
mod history;
mod killed;
mod lanes;
mod ledger;
mod listings;
mod migrated;
mod races;
mod roles;
mod sources;
mod tables;
mod tail;
mod ticks;
mod totals;
mod upkeep;
mod watch_list;

const NO_LIMITS: Quota = Quota::unlimited(New_York);

/// A database under test, and a second client that shares no code with the store.
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
        use sqlx::{Connection, Row, TypeInfo, ValueRef};
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
            Self::Postgres(url) => crate::support::cluster::psql(url, sql)
                .lines()
                .map(str::to_owned)
                .collect(),
        }
    }

    fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
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
        volume: Volume::from(1_000),
        is_final: true,
        adjusted_close: None,
        dividend_amount: None,
        split_coefficient: None,
    }
}

fn asked(series: &SeriesKey) -> Request {
    let parameters = [
        ("function", "TIME_SERIES_INTRADAY"),
        ("symbol", series.symbol.as_str()),
        ("datatype", "json"),
    ];
    Request {
        source: series.source.clone(),
        endpoint: "TIME_SERIES_INTRADAY".to_owned(),
        parameters: parameters.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        series: vec![series.clone()],
        riders: vec![],
        page: 1,
    }
}

fn answer(body: &[u8]) -> Answer {
    Answer {
        status: 200,
        content_type: Some("application/json".into()),
        body: bytes::Bytes::copy_from_slice(body),
        received_at: "2026-05-15T20:00:00Z".parse().unwrap(),
        elapsed_ms: 12,
        stated: None,
    }
}

fn credential() -> Credential {
    Credential {
        source: SourceId::DEFAULT,
        fingerprint: "f00d".into(),
        plan: "free".into(),
    }
}

fn reservation(run: &ActiveRun, series: &SeriesKey, quota: Quota, attempt: u32) -> Reservation {
    Reservation {
        attempt_id: Uuid::new_v4(),
        run: run.id,
        request: asked(series),
        credential: credential(),
        attempt,
        quota,
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
        rule: Rule::CloseOfExDate,
        bars: bars.into(),
        rejected: vec![],
        received: u32::try_from(bars.len()).unwrap(),
        rounded: 0,
        set_aside: 0,
        parse_ms: 3,
        is_last: true,
        spoken: None,
        is_rolled_up: false,
    }
}

/// Stores all that an answer holds, and returns what its run has then done for the series.
async fn applied(store: &Arc<dyn Store>, whole: Batch) -> Counts {
    let counts = store.apply(vec![whole], credential()).await.unwrap();
    let [counts] = counts[..] else {
        panic!("{counts:?}")
    };
    counts
}

async fn store_bars(store: &Arc<dyn Store>, series: &SeriesKey, bars: &[Bar]) -> Counts {
    let run = store.begin_run("test", vec![series.clone()]).await.unwrap();
    let request = granted(store, &run, series).await;
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let counts = applied(store, batch(&run, request, series, bars)).await;
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
