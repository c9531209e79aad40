//! The whole thing a person would run: Dagster with one asset, and the program with one series.
//!
//! Both fetch the newest 100 bars of IBM from the simulated provider and upsert them into PostgreSQL.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pipeline_tui::model::{Interval, SeriesKey, WatchEdit};
use pipeline_tui::time::Clock;
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio::runtime::Runtime;

use crate::end_to_end::Simulate;
use crate::program::{Desk, signal};
use crate::table::{cell, head, median, row};
use crate::terminal::Terminal;
use crate::{cluster, gauge, python, tree, worker};

const RUNS: usize = 5;
const STARTS: usize = 3;
const IDLE: Duration = Duration::from_secs(20);
/// By then the first work after a start is done.
const SETTLED: Duration = Duration::from_secs(10);
/// Time between two checks while waiting.
const LOOK: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_mins(2);

/// Figures of one program; missing ones are NaN.
struct Figures {
    start: f64,
    rows: f64,
    ended: f64,
    resident: [f64; 2],
    processes: f64,
    idle: f64,
    written: f64,
    wal: f64,
    written_idle: f64,
    grown: f64,
}

pub(crate) fn run(runtime: &Runtime) {
    let Some(url) = cluster::new_database() else {
        return;
    };
    let simulate = Simulate::start();
    runtime.block_on(async {
        let store = worker::open(&url).await;
        let ibm = SeriesKey::raw("IBM".parse().unwrap(), Interval::Min5);
        store
            .edit_watch_list(WatchEdit::Add(vec![ibm]))
            .await
            .unwrap();
        // The schedule is idle: only requested runs start.
        let now = Clock::system().now().to_rfc3339();
        store.set_setting("last_tick".into(), now).await.unwrap();
        store
            .set_setting("paused".into(), "true".to_owned())
            .await
            .unwrap();
        store.close().await;
    });
    let mut database = Database {
        runtime,
        connection: runtime.block_on(PgConnection::connect(&url)).unwrap(),
    };
    let theirs = dagster(&simulate, &url, &mut database);
    let (panel, steps) = panel(&simulate, &url, &mut database);
    let engine = engine(&simulate, &url);
    println!("\n### The whole thing: Dagster and ours, one series of 100 bars into PostgreSQL");
    head(&[
        "",
        "`dagster dev`",
        "ours, the panel",
        "Dagster ÷ panel",
        "ours, `run`",
        "Dagster ÷ `run`",
    ]);
    let line = |name: &str, of: fn(&Figures) -> f64| {
        let [theirs, panel, engine] = [&theirs, &panel, &engine].map(of);
        row(
            name,
            &[theirs, panel, theirs / panel, engine, theirs / engine].map(cell),
        );
    };
    line("start to ready, ms", |it| it.start);
    line("trigger to rows, ms", |it| it.rows);
    line("trigger to a finished run, ms", |it| it.ended);
    line("resident, MiB", |it| it.resident[0]);
    line("resident, shared pages divided (PSS), MiB", |it| {
        it.resident[1]
    });
    line("processes", |it| it.processes);
    line("idle CPU, ms a second", |it| it.idle);
    line("written to disk a run, KiB", |it| it.written / 1024.0);
    line("growth of its own files a run, KiB", |it| it.grown / 1024.0);
    line("WAL of PostgreSQL a run, KiB", |it| it.wal / 1024.0);
    line("written to disk while idle, KiB a minute", |it| {
        it.written_idle / 1024.0
    });
    println!(
        "\nOf the panel's time the run had begun after {} ms, its request was in the ledger after {} ms, the bars \
         were committed after {} ms, by the database's clock.",
        cell(steps[0]),
        cell(steps[1]),
        cell(steps[2])
    );
    let once = fetches(&simulate, &url, &mut database);
    println!(
        "\nWith nothing running before, `pipeline-tui fetch` has its rows {} ms after its exec.",
        cell(once)
    );
}

/// A second client of the database.
struct Database<'a> {
    runtime: &'a Runtime,
    connection: PgConnection,
}

impl Database<'_> {
    fn empty(&mut self) {
        let work = sqlx::query("TRUNCATE stock_data").execute(&mut self.connection);
        self.runtime.block_on(work).unwrap();
    }

    /// Waits for rows; milliseconds since an instant.
    fn rows_since(&mut self, start: Instant) -> f64 {
        until("rows", || {
            let count = sqlx::query_scalar("SELECT count(*) FROM stock_data");
            let rows: i64 = self
                .runtime
                .block_on(count.fetch_one(&mut self.connection))
                .unwrap();
            rows > 0
        });
        since(start)
    }

    /// The database's clock, in milliseconds.
    fn clock(&mut self) -> f64 {
        let sql = "SELECT extract(epoch FROM clock_timestamp())::float8 * 1000";
        let clock = sqlx::query_scalar(sql).fetch_one(&mut self.connection);
        self.runtime.block_on(clock).unwrap()
    }

    /// When the newest run began, reserved its request and stored its bars, after an instant.
    fn steps_since(&mut self, clock: f64) -> [f64; 3] {
        let sql = "SELECT extract(epoch FROM started_at)::float8 * 1000, extract(epoch FROM reserved_at)::float8 * 1000, \
                   extract(epoch FROM ended_at)::float8 * 1000 \
                   FROM runs JOIN requests ON run_id = runs.id ORDER BY runs.id DESC LIMIT 1";
        let steps = sqlx::query_as(sql).fetch_one(&mut self.connection);
        let (begun, reserved, stored): (f64, f64, f64) = self.runtime.block_on(steps).unwrap();
        [begun, reserved, stored].map(|step| step - clock)
    }

    fn wal(&mut self) -> f64 {
        let sql = "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8";
        let wal = sqlx::query_scalar(sql).fetch_one(&mut self.connection);
        self.runtime.block_on(wal).unwrap()
    }
}

fn since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what} did not come");
        gauge::pause(LOOK);
    }
}

/// `dagster dev`. All its processes are ended when this is dropped.
struct Dagster {
    process: Child,
    address: String,
    home: tempfile::TempDir,
}

impl Dagster {
    fn start(simulate: &Simulate, url: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        // Its defaults, except telemetry.
        std::fs::write(
            home.path().join("dagster.yaml"),
            "telemetry:\n  enabled: false\n",
        )
        .unwrap();
        let program = python::program("dagster").unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        drop(listener);
        let log = || {
            File::options()
                .create(true)
                .append(true)
                .open(home.path().join("log"))
                .unwrap()
        };
        let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
        let process = Command::new(&program)
            .args(["dev", "-f", "assets.py", "-h", "127.0.0.1", "-p", &port])
            .env_clear()
            .env("PATH", path)
            .env("HOME", home.path())
            .env("DAGSTER_HOME", home.path())
            .env("PYTHONPATH", python::scripts())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PEER_BASE_URL", &simulate.base_url)
            .env("PEER_DATABASE_URL", url)
            .current_dir(python::scripts())
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log())
            .spawn()
            .unwrap();
        Self {
            process,
            address: format!("http://127.0.0.1:{port}/graphql"),
            home,
        }
    }

    fn id(&self) -> i32 {
        self.process.id().cast_signed()
    }

    /// Queries its GraphQL interface; nothing while it is not up.
    fn ask(&self, runtime: &Runtime, query: &str, variables: &Value) -> Option<Value> {
        let body = json!({"query": query, "variables": variables}).to_string();
        let answered = async {
            let request = reqwest::Client::new()
                .post(&self.address)
                .header("content-type", "application/json")
                .body(body);
            request.send().await.ok()?.text().await.ok()
        };
        serde_json::from_str(&runtime.block_on(answered)?).ok()
    }

    /// Waits until it knows its job; returns where that is.
    fn job(&self, runtime: &Runtime) -> (Value, Value) {
        let query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { \
                     name location { name } jobs { name } } } } }";
        let mut found = None;
        until("Dagster's job", || {
            let answer = self.ask(runtime, query, &Value::Null);
            let node = answer
                .and_then(|answer| answer.pointer("/data/repositoriesOrError/nodes/0").cloned());
            found = node.filter(|node| node["jobs"].to_string().contains("refresh"));
            found.is_some()
        });
        let node = found.unwrap();
        (node["location"]["name"].clone(), node["name"].clone())
    }
}

impl Drop for Dagster {
    fn drop(&mut self) {
        let all = tree::of(self.id());
        signal("INT", &self.process);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                break;
            }
            gauge::pause(LOOK);
        }
        // Its servers may outlive it. Each is ended by its process id, and only if it is still one of them.
        for process in all {
            let command = std::fs::read_to_string(format!("/proc/{process}/cmdline"));
            if command.unwrap_or_default().contains("dagster") {
                let number = process.to_string();
                let _ = Command::new("kill").args(["-s", "KILL", &number]).status();
            }
        }
        let _ = self.process.wait();
    }
}

fn dagster(simulate: &Simulate, url: &str, database: &mut Database<'_>) -> Figures {
    let runtime = database.runtime;
    let start = Instant::now();
    let dagster = Dagster::start(simulate, url);
    let (location, repository) = dagster.job(runtime);
    let ready = since(start);
    gauge::pause(SETTLED);
    let resident = tree::resident(dagster.id());
    let (cpu, written, start) = (
        tree::cpu(dagster.id()),
        tree::written(dagster.id()),
        Instant::now(),
    );
    gauge::pause(IDLE);
    let seconds = start.elapsed().as_secs_f64();
    let idle = (tree::cpu(dagster.id()) - cpu) / seconds;
    let written_idle = (tree::written(dagster.id()) - written) / seconds * 60.0;
    let processes = tree::of(dagster.id()).len();
    let launch = "mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) { \
                  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }";
    let params = json!({"params": {"selector": {"repositoryLocationName": location,
        "repositoryName": repository, "jobName": "refresh"}, "runConfigData": {}}});
    let (written, home) = (tree::written(dagster.id()), size(dagster.home.path()));
    let (mut rows, mut ended, mut wal) = (vec![], vec![], vec![]);
    for _ in 0..RUNS {
        database.empty();
        let before = database.wal();
        let start = Instant::now();
        let answer = dagster.ask(runtime, launch, &params).unwrap();
        let run = answer["data"]["launchRun"]["run"]["runId"].clone();
        assert!(run.is_string(), "{answer}");
        rows.push(database.rows_since(start));
        let query = "query ($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }";
        until("the end of Dagster's run", || {
            let answer = dagster.ask(runtime, query, &json!({"run": run})).unwrap();
            assert_ne!(answer["data"]["runOrError"]["status"], "FAILURE");
            answer["data"]["runOrError"]["status"] == "SUCCESS"
        });
        ended.push(since(start));
        wal.push(database.wal() - before);
    }
    let runs = crate::table::number(RUNS);
    Figures {
        start: ready,
        rows: median(&rows),
        ended: median(&ended),
        resident,
        processes: crate::table::number(processes),
        idle,
        written: (tree::written(dagster.id()) - written) / runs,
        wal: median(&wal),
        written_idle,
        grown: (size(dagster.home.path()) - home) / runs,
    }
}

/// Bytes of all files below a folder.
fn size(folder: &Path) -> f64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let of_one = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => size(&entry.path()),
        #[expect(clippy::cast_precision_loss, reason = "far below 2 to the power of 53")]
        Ok(found) => found.len() as f64,
        Err(_) => 0.0,
    };
    entries.map(of_one).sum()
}

fn desk(simulate: &Simulate, url: &str) -> Desk {
    Desk::new()
        .with("DATABASE_URL", url)
        .with("ALPHA_VANTAGE_BASE_URL", &simulate.base_url)
}

/// The panel in a terminal, its engine inside.
fn panel(simulate: &Simulate, url: &str, database: &mut Database<'_>) -> (Figures, [f64; 3]) {
    let desk = desk(simulate, url);
    let mut starts = vec![];
    let mut panel = None;
    for start in 0..STARTS {
        let begin = Instant::now();
        let terminal = Terminal::start((36, 120), &desk.command(&[]));
        terminal.see("IBM");
        starts.push(since(begin));
        if start + 1 < STARTS {
            terminal.press("q");
            terminal.wait();
        }
        panel = Some(terminal);
    }
    let panel = panel.unwrap();
    let process = panel.process.as_raw_nonzero().get();
    gauge::pause(SETTLED);
    let resident = tree::resident(process);
    let before = tree::written(process);
    let idle = gauge::rate(process, IDLE).cpu_ms;
    let written_idle = (tree::written(process) - before) / IDLE.as_secs_f64() * 60.0;
    panel.press("2");
    let (written, home) = (tree::written(process), size(desk.folder()));
    let (mut rows, mut ended, mut wal) = (vec![], vec![], vec![]);
    let mut steps: [Vec<f64>; 3] = Default::default();
    for _ in 0..RUNS {
        database.empty();
        let (before, done) = (database.wal(), runs(database));
        let clock = database.clock();
        let start = Instant::now();
        panel.press("f");
        rows.push(database.rows_since(start));
        until("the end of the run", || runs(database) > done);
        ended.push(since(start));
        wal.push(database.wal() - before);
        for (steps, step) in steps.iter_mut().zip(database.steps_since(clock)) {
            steps.push(step);
        }
    }
    let runs = crate::table::number(RUNS);
    let figures = Figures {
        start: median(&starts),
        rows: median(&rows),
        ended: median(&ended),
        resident,
        processes: crate::table::number(tree::of(process).len()),
        idle,
        written: (tree::written(process) - written) / runs,
        wal: median(&wal),
        written_idle,
        grown: (size(desk.folder()) - home) / runs,
    };
    panel.press("q");
    panel.wait();
    (figures, steps.map(|steps| median(&steps)))
}

/// Runs that have succeeded.
fn runs(database: &mut Database<'_>) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM runs WHERE status = 'succeeded'");
    database
        .runtime
        .block_on(count.fetch_one(&mut database.connection))
        .unwrap()
}

/// The engine without a screen; it has no trigger but its schedule.
fn engine(simulate: &Simulate, url: &str) -> Figures {
    let desk = desk(simulate, url);
    let begin = Instant::now();
    let mut engine = desk
        .command(&["run"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(engine.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with("engine started"), "{line}");
    let start = since(begin);
    gauge::pause(SETTLED);
    let process = engine.id().cast_signed();
    let resident = tree::resident(process);
    let before = tree::written(process);
    let idle = gauge::rate(process, IDLE).cpu_ms;
    let written_idle = (tree::written(process) - before) / IDLE.as_secs_f64() * 60.0;
    let processes = crate::table::number(tree::of(process).len());
    signal("TERM", &engine);
    engine.wait().unwrap();
    Figures {
        start,
        rows: f64::NAN,
        ended: f64::NAN,
        resident,
        processes,
        idle,
        written: f64::NAN,
        wal: f64::NAN,
        written_idle,
        grown: f64::NAN,
    }
}

/// One `fetch` after the other, from nothing to rows.
fn fetches(simulate: &Simulate, url: &str, database: &mut Database<'_>) -> f64 {
    let desk = desk(simulate, url);
    let mut times = vec![];
    for _ in 0..RUNS {
        database.empty();
        let start = Instant::now();
        let mut command =
            desk.command(&["fetch", "--quiet", "--symbols", "IBM", "--interval", "5min"]);
        let mut fetch = command.stdout(Stdio::null()).spawn().unwrap();
        times.push(database.rows_since(start));
        assert!(fetch.wait().unwrap().success());
    }
    median(&times)
}
