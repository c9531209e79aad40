//! Storing bars as the pipeline does, and what that costs this process and the database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono_tz::America::New_York;
use pipeline_tui::db::{Credential, Reservation, Reserved, Store};
use pipeline_tui::model::adjustment::Rule;
use pipeline_tui::model::quota::Quota;
use pipeline_tui::model::{Answer, Bar, Batch, Counts, Request, RunStatus, SeriesKey, SourceId};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::month::ask;

/// Bytes of kept answers, as configured by default.
const KEPT: u64 = 256 << 20;

/// What a piece of work cost, in milliseconds and bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    pub(crate) client: f64,
    pub(crate) server: f64,
    pub(crate) wal: f64,
    /// Wall time of the run around the work: its records, the reservation, the kept answer.
    pub(crate) run: f64,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.wall += other.wall;
        self.client += other.client;
        self.server += other.server;
        self.wal += other.wal;
        self.run += other.run;
    }
}

/// Measures the cost of work, on the server too if there is one.
pub(crate) struct Gauge(pub(crate) Option<PgConnection>);

impl Gauge {
    pub(crate) async fn measure<T>(&mut self, work: impl Future<Output = T>) -> (T, Cost) {
        let (server, wal) = self.server().await;
        let (client, start) = (own_cpu(), Instant::now());
        let value = work.await;
        let wall = start.elapsed().as_secs_f64() * 1e3;
        let client = own_cpu() - client;
        let (server_after, wal_after) = self.server().await;
        let cost = Cost {
            wall,
            client,
            server: server_after - server,
            wal: wal_after - wal,
            run: wall,
        };
        (value, cost)
    }

    /// CPU milliseconds of the database's other sessions, and the bytes of WAL so far.
    async fn server(&mut self) -> (f64, f64) {
        let Some(connection) = &mut self.0 else {
            return (0.0, 0.0);
        };
        let (pids, wal): (Vec<i32>, f64) = sqlx::query_as(
            "SELECT array_agg(pid), (pg_current_wal_insert_lsn() - '0/0')::float8 FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .fetch_one(connection)
        .await
        .unwrap();
        (pids.into_iter().map(cpu).sum(), wal)
    }

    pub(crate) async fn sql(&mut self, sql: &str) {
        if let Some(connection) = &mut self.0 {
            let sql = AssertSqlSafe(sql.to_owned());
            sqlx::raw_sql(sql).execute(connection).await.unwrap();
        }
    }

    pub(crate) async fn number(&mut self, sql: &'static str) -> i64 {
        match &mut self.0 {
            Some(connection) => sqlx::query_scalar(sql).fetch_one(connection).await.unwrap(),
            None => 0,
        }
    }
}

/// CPU milliseconds of this process.
pub(crate) fn own_cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap().as_secs_f64() * 1e3
}

/// CPU milliseconds of another process; NaN if the system does not report them.
fn cpu(pid: i32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|first| first.parse::<f64>().ok());
    nanoseconds.map_or(f64::NAN, |nanoseconds| nanoseconds / 1e6)
}

/// Stores bars as a run of the pipeline does; the cost is that of storing them.
pub(crate) async fn store(
    store: &Arc<dyn Store>,
    series: &SeriesKey,
    answer: &Answer,
    bars: &[Bar],
    gauge: &mut Gauge,
) -> (Counts, Cost) {
    let asked = Request {
        series: vec![series.clone()],
        ..ask("json")
    };
    let start = Instant::now();
    let run = store
        .begin_run("bench", vec![series.clone()])
        .await
        .unwrap();
    let reservation = Reservation {
        attempt_id: Uuid::new_v4(),
        run: run.id,
        request: asked,
        credential: credential(),
        attempt: 1,
        quota: Quota::unlimited(New_York),
    };
    let Reserved::Granted(request) = store.reserve(reservation).await.unwrap() else {
        return (Counts::default(), gauge.measure(async {}).await.1);
    };
    store.keep(request, answer.clone(), KEPT).await.unwrap();
    let batch = Batch {
        request,
        run: run.id,
        series: series.clone(),
        rule: Rule::CloseOfExDate,
        bars: bars.into(),
        rejected: Vec::new(),
        received: u32::try_from(bars.len()).unwrap(),
        rounded: 0,
        set_aside: 0,
        parse_ms: 0,
        is_last: true,
        spoken: None,
        is_rolled_up: false,
    };
    let before = start.elapsed();
    let (counts, mut cost) = gauge.measure(store.apply(vec![batch], credential())).await;
    let start = Instant::now();
    store
        .finish_run(run.id, RunStatus::Succeeded)
        .await
        .unwrap();
    cost.run += (before + start.elapsed()).as_secs_f64() * 1e3;
    (counts.unwrap().remove(0), cost)
}

fn credential() -> Credential {
    Credential {
        source: SourceId::DEFAULT,
        fingerprint: "bench".to_owned(),
        plan: "free".to_owned(),
    }
}
