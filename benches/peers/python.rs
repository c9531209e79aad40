//! A long-running Python program that takes commands, so that its start is in no figure.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// Where the scripts are.
pub(crate) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}

/// A program of the virtual environment, or what to do if it is missing.
pub(crate) fn program(name: &str) -> Result<PathBuf, String> {
    let folder = std::env::var_os("PEERS_VENV").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers-venv"),
        PathBuf::from,
    );
    let program = folder.join("bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    Err(format!(
        "{} is missing: the peers need Python 3.11 or newer with benches/peers/requirements.txt; \
         `just bench-peers` installs them, or name an environment in PEERS_VENV",
        program.display()
    ))
}

/// A running script. It ends when this is dropped, because its input does.
pub(crate) struct Peer {
    process: Child,
    orders: Option<ChildStdin>,
    reports: BufReader<ChildStdout>,
}

/// What a command took inside the script, in milliseconds, and what it returned.
pub(crate) struct Took {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    pub(crate) value: Value,
}

impl Peer {
    pub(crate) fn start(script: &str) -> Self {
        let mut process = Command::new(program("python").unwrap())
            .arg(script)
            .current_dir(scripts())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = process.stdin.take();
        let reports = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            orders,
            reports,
        }
    }

    /// Runs a task and waits for it.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "an order is written where it is given"
    )]
    pub(crate) fn order(&mut self, order: Value) -> Took {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        let mut line = String::new();
        self.reports.read_line(&mut line).unwrap();
        let report: Value = serde_json::from_str(&line).expect("the script says why on stderr");
        let number = |name: &str| report.get(name).and_then(Value::as_f64).unwrap();
        Took {
            wall: number("wall"),
            cpu: number("cpu"),
            value: report.get("value").cloned().unwrap_or_default(),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}
