//! The program itself, in an environment with nothing of the caller's.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pipeline_tui::pipeline::Persistence;
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use uuid::Uuid;

use super::cluster;

/// The key that every run uses: it must appear nowhere.
pub const CANARY: &str = "CANARYKEY7Q2XW9ZL";

/// A folder, a store and a provider for one test.
pub struct Desk {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run printed and returned.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Desk {
    /// A desk with an SQLite store in its own data folder.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let desk = Self {
            folder,
            variables: vec![],
        };
        desk.with("PIPELINE_DATA_DIR", data.to_str().unwrap())
            .with("ALPHA_VANTAGE_API_KEY", CANARY)
            .with("ALPHA_VANTAGE_PLAN", "unlimited")
    }

    /// The same on every available database: SQLite always, PostgreSQL if it is installed.
    pub fn on_each_database() -> Vec<Self> {
        let mut desks = vec![Self::new()];
        desks.extend(cluster::new_database().map(|url| Self::new().with("DATABASE_URL", &url)));
        desks
    }

    /// Sets a variable of the program's environment; the last value counts.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(other, _)| other != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Points the program at a provider.
    pub fn asking(self, server: &Server) -> Self {
        let url = server.base_url();
        self.with("ALPHA_VANTAGE_BASE_URL", &url)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data/pipeline.db")
    }

    pub fn postgres(&self) -> Option<&str> {
        self.variables
            .iter()
            .find(|(name, value)| name == "DATABASE_URL" && value.starts_with("postgres"))
            .map(|(_, url)| url.as_str())
    }

    /// The program with this desk's environment and no other.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_pipeline-tui")), arguments)
    }

    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Done {
        Done::from(self.command(arguments).output().unwrap())
    }

    /// Runs `fetch --format json` with more arguments and returns its exit code and document.
    pub fn fetch(&self, arguments: &[&str]) -> (i32, serde_json::Value) {
        let done = self.run(&[&["fetch", "--format", "json"], arguments].concat());
        let document =
            serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"));
        (done.code, document)
    }

    /// Runs SQL with the database's own client and returns its rows, columns joined by `|`.
    pub fn sql(&self, sql: &str) -> Vec<String> {
        let text = if let Some(url) = self.postgres() {
            cluster::psql(url, sql)
        } else if let Some(program) = cluster::find("sqlite3") {
            let output = Command::new(program)
                .arg(self.database())
                .arg(sql)
                .output()
                .unwrap();
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{complaint}");
            String::from_utf8(output.stdout).unwrap()
        } else {
            return sqlite(&self.database(), sql);
        };
        text.lines().map(str::to_owned).collect()
    }

    /// Every byte the program wrote: its folder, and the dump of its PostgreSQL database.
    pub fn everything_written(&self) -> Vec<u8> {
        let mut bytes = vec![];
        collect(self.folder.path(), &mut bytes);
        if let Some(url) = self.postgres() {
            let dump = cluster::find("pg_dump").expect("pg_dump comes with PostgreSQL");
            bytes.extend(Command::new(dump).arg(url).output().unwrap().stdout);
        }
        bytes
    }
}

/// What the program `sqlite3` prints, for machines without it.
fn sqlite(database: &Path, sql: &str) -> Vec<String> {
    use rusqlite::types::ValueRef;
    let connection = rusqlite::Connection::open(database).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut lines = vec![];
    while let Some(row) = rows.next().unwrap() {
        let cells = (0..columns).map(|column| match row.get_ref(column).unwrap() {
            ValueRef::Null => String::new(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Real(number) => number.to_string(),
            ValueRef::Text(text) | ValueRef::Blob(text) => {
                String::from_utf8_lossy(text).into_owned()
            }
        });
        lines.push(cells.collect::<Vec<_>>().join("|"));
    }
    lines
}

/// Sends a signal to a process of the test.
pub fn signal(name: &str, process: &std::process::Child) {
    let signal = match name {
        "ABRT" => Signal::ABORT,
        "CONT" => Signal::CONT,
        "INT" => Signal::INT,
        "KILL" => Signal::KILL,
        "STOP" => Signal::STOP,
        "TERM" => Signal::TERM,
        other => panic!("{other} is no signal that tests send"),
    };
    kill_process(Pid::from_child(process), signal).unwrap();
}

fn collect(folder: &Path, bytes: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, bytes);
        } else {
            bytes.extend(std::fs::read(&path).unwrap());
        }
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Where a text first occurs in bytes.
pub fn find(bytes: &[u8], text: &str) -> Option<usize> {
    bytes
        .windows(text.len())
        .position(|window| window == text.as_bytes())
}

/// Whether a text occurs anywhere in bytes.
pub fn holds(bytes: &[u8], text: &str) -> bool {
    find(bytes, text).is_some()
}

/// Completes when the provider has received this many requests.
pub async fn seen(server: &Server, requests: usize) {
    let waiting = async {
        while server.journal().len() < requests {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), waiting)
        .await
        .unwrap();
}

/// Waits without limit, and a folder for answers that is created when one comes.
pub fn persistence() -> Persistence {
    Persistence::new(std::env::temp_dir().join(format!("pipeline-tui-spool-{}", Uuid::new_v4())))
}

/// A provider on loopback with these faults. If no limit needs time to pass, its market stands still,
/// so that a repeated request gets the same bars at any time of the day.
pub async fn provider(plan: Plan, faults: &[&str]) -> Server {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    let clock = match plan {
        Plan::Unlimited => Clock::fixed(Clock::system().now()),
        _ => Clock::system(),
    };
    Server::start(Options {
        plan,
        clock,
        faults,
        ..Options::default()
    })
    .await
    .unwrap()
}
