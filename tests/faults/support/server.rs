//! A PostgreSQL server that can crash, come back, and be frozen.

use std::process::Command;

use super::cluster::{Server, notice};

/// As people run it: what is committed is on disk.
const DURABLE: &str = "-c fsync=on -c shared_buffers=32MB -c log_min_messages=fatal";

/// A server that keeps its promises through a crash; `None` if PostgreSQL is not available, or the
/// tests were given one that they must not stop.
pub fn durable() -> Option<Server> {
    if std::env::var_os("TEST_DATABASE_URL").is_some() {
        notice("skipped: the server of TEST_DATABASE_URL is not stopped by tests");
        return None;
    }
    Server::start(DURABLE)
}

/// Its database for one test.
pub fn database(server: &Server) -> String {
    format!("{}/postgres", server.base_url())
}

/// Stops it as a crash does: clients are cut off, and the next start recovers from the log.
pub fn crash(server: &Server) {
    server.pg_ctl(&["-s", "-w", "-m", "immediate", "stop"]);
}

/// Suspends all of its processes, or resumes them.
pub fn signal(server: &Server, name: &str) {
    let file = server.folder.join("data/postmaster.pid");
    let file = std::fs::read_to_string(file).unwrap();
    let postmaster: u32 = file.lines().next().unwrap().parse().unwrap();
    // One of them may end meanwhile; the first does not.
    let order =
        format!("kill -s {name} $(pgrep -P {postmaster}) 2>/dev/null; kill -s {name} {postmaster}");
    let done = Command::new("sh").args(["-c", &order]).status().unwrap();
    assert!(done.success(), "{order}");
}
