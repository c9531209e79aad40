//! A program that takes messages on its standard input. It runs without a shell and sees none of our
//! variables but those that any program needs.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::deliver::{Failed, PATIENCE};

/// What it may see of our environment.
const SEEN: [&str; 8] = [
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR",
];
/// Bytes that are kept of what it says on stderr.
const KEPT: u64 = 4_096;

/// The program and its arguments.
#[derive(Debug)]
pub(super) struct Program {
    path: String,
    arguments: Vec<String>,
}

impl Program {
    /// `None`: there is none.
    pub(super) fn new(command: &[String]) -> Option<Self> {
        let (path, arguments) = command.split_first()?;
        Some(Self {
            path: path.clone(),
            arguments: arguments.to_vec(),
        })
    }

    /// Runs it once with a message; it is killed if it takes too long.
    pub(super) async fn run(&self, payload: &str) -> Result<String, Failed> {
        let seen = SEEN
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        let child = Command::new(&self.path)
            .args(&self.arguments)
            .env_clear()
            .envs(seen)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let child =
            child.map_err(|error| Failed::ForNow(format!("it cannot be started: {error}")))?;
        match tokio::time::timeout(PATIENCE, fed(child, payload)).await {
            Err(_) => Err(Failed::ForNow(format!(
                "it did not end within {} s and was stopped",
                PATIENCE.as_secs()
            ))),
            Ok(Err(error)) => Err(Failed::ForNow(error.to_string())),
            Ok(Ok((status, said))) => judged(status, &said),
        }
    }
}

/// Gives a program its input and waits for its end. It need not read all of it.
async fn fed(mut child: Child, payload: &str) -> io::Result<(ExitStatus, Vec<u8>)> {
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(payload.as_bytes()).await;
            let _ = stdin.write_all(b"\n").await;
        }
    };
    let hear = async {
        let mut said = vec![];
        if let Some(mut stderr) = stderr {
            let _ = (&mut stderr).take(KEPT).read_to_end(&mut said).await;
            // It must not block on a full pipe.
            let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
        }
        said
    };
    let (ended, (), said) = tokio::join!(child.wait(), feed, hear);
    Ok((ended?, said))
}

fn judged(status: ExitStatus, said: &[u8]) -> Result<String, Failed> {
    if status.success() {
        return Ok("exit code 0".to_owned());
    }
    let ended = status.code().map_or_else(
        || "it was stopped by a signal".to_owned(),
        |code| format!("exit code {code}"),
    );
    let said = String::from_utf8_lossy(said);
    let said = said.lines().next().unwrap_or_default().trim();
    Err(Failed::ForNow(if said.is_empty() {
        ended
    } else {
        format!("{ended}: {said}")
    }))
}
