//! Looks for a key and a database password wherever the program leaves anything (T17).
//!
//! Every sink is searched for each form of `support::canary`. The terminal's sinks are in `tests/pty`,
//! those of the image in `.ci/container`.

mod echoes;
mod process;
mod slips;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::process::{Child, Stdio};

use pipeline_tui::simulate::{Plan, Server};

use crate::support::canary::{KEY, PASSWORD, assert_no_secret};
use crate::support::cluster;
use crate::support::program::{Desk, Done, provider, seen, signal};
use crate::support::sources::variables;

/// What was searched, by name.
#[derive(Default)]
struct Sinks(BTreeSet<String>);

impl Sinks {
    #[track_caller]
    fn look(&mut self, sink: impl Into<String>, bytes: &[u8]) {
        let sink = sink.into();
        assert_no_secret(&sink, bytes);
        self.0.insert(sink);
    }

    #[track_caller]
    fn said(&mut self, command: &str, done: &Done) {
        assert!(!done.stderr.contains("panicked"), "{command}: {done:?}");
        self.look(format!("stdout of {command}"), done.stdout.as_bytes());
        self.look(format!("stderr of {command}"), done.stderr.as_bytes());
    }

    /// Every file of the data folder, and every kept answer, decompressed.
    #[track_caller]
    fn files(&mut self, desk: &Desk) {
        let folder = std::fs::read_dir(desk.folder().join("data"));
        assert!(folder.is_ok() || desk.postgres().is_some(), "{folder:?}");
        for entry in folder.into_iter().flatten() {
            let path = entry.unwrap().path();
            // Answers that wait there for their store have their own test.
            if path.is_dir() {
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // The number of a run is no kind of file.
            let name = name.split("-run-").next().unwrap().to_owned();
            self.look(name, &std::fs::read(&path).unwrap());
        }
    }

    #[track_caller]
    fn answers(&mut self, desk: &Desk) -> Vec<u8> {
        let sql = match desk.postgres() {
            Some(_) => "SELECT encode(body, 'hex') FROM answers",
            None => "SELECT hex(body) FROM answers",
        };
        let answers = desk.sql(sql);
        let bodies: Vec<u8> = answers.iter().flat_map(|hex| unpacked(hex)).collect();
        self.look("kept answers, unpacked", &bodies);
        bodies
    }
}

fn unpacked(hex: &str) -> Vec<u8> {
    let bytes: Vec<u8> = hex
        .as_bytes()
        .chunks(2)
        .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap())
        .collect();
    let mut body = vec![];
    flate2::read::GzDecoder::new(bytes.as_slice())
        .read_to_end(&mut body)
        .unwrap();
    body
}

/// A desk with the most verbose output, which knows the keys of all sources.
fn talkative(server: &Server) -> Desk {
    let desk = Desk::new()
        .asking(server)
        .with("ALPHA_VANTAGE_API_KEY", KEY)
        .with("RUST_LOG", "trace")
        .with("RUST_BACKTRACE", "full");
    let others = variables(server).into_iter();
    others.fold(desk, |desk, (name, value)| desk.with(name, &value))
}

/// The same with its tables made: what that logs would fill a pipe that nobody reads.
fn prepared(server: &Server) -> Desk {
    let desk = talkative(server);
    let made = desk.run(&["runs"]);
    assert_eq!(made.code, 0, "{made:?}");
    desk
}

fn encoded(text: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}

/// The same on PostgreSQL, as a role with the password to look for.
fn talkative_on_postgres(server: &Server) -> Option<(Desk, String)> {
    let url = cluster::new_database()?;
    let (place, name) = url.rsplit_once('/').unwrap();
    cluster::psql(
        &url,
        &format!(
            "CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'; GRANT ALL ON SCHEMA public TO {name}; \
             ALTER DATABASE {name} OWNER TO {name}"
        ),
    );
    // From here on the server logs each statement.
    cluster::psql(
        &url,
        &format!("ALTER DATABASE {name} SET log_statement = 'all'"),
    );
    let host = place.rsplit_once('@').unwrap().1;
    let ours = format!("postgres://{name}:{}@{host}/{name}", encoded(PASSWORD));
    Some((talkative(server).with("DATABASE_URL", &ours), url))
}

const COMMANDS: &[&[&str]] = &[
    &["fetch", "--symbols", "IBM", "-vv"],
    &["fetch", "--symbols", "AAPL", "--datatype", "csv"],
    &[
        "fetch",
        "--symbols",
        "MSFT",
        "--format",
        "json",
        "--api-key",
        KEY,
    ],
    &["fetch", "--symbols", "alpaca:IBM,alpaca:AAPL", "-vv"],
    &[
        "fetch",
        "--symbols",
        "alpaca_iex:MSFT",
        "--interval",
        "daily",
        "--format",
        "json",
    ],
    &[
        "backfill",
        "--symbols",
        "alpaca:IBM",
        "--from",
        "2026-03-02",
        "--to",
        "2026-03-03",
    ],
    &["fetch", "--symbols", "alpaca:GOOGL"],
    &["sources"],
    &["sources", "--format", "json"],
    &["status", "--format", "json"],
    &[
        "bars",
        "alpaca:IBM",
        "--format",
        "csv",
        "--output",
        "alpaca.csv",
    ],
    &["bars", "alpha_vantage:IBM"],
    &["bars", "alpha_vantage:IBM", "--format", "jsonl"],
    &[
        "bars",
        "alpha_vantage:IBM",
        "--format",
        "csv",
        "--output",
        "bars.csv",
    ],
    &["runs"],
    &["runs", "1"],
    &["runs", "--format", "json"],
    &["doctor"],
    &["doctor", "--online"],
    &["doctor", "--report", "-"],
    &["watch", "export"],
    &["config", "show"],
    &["config", "check"],
    &["config", "path"],
    &["keys"],
    &["man"],
    &["completions", "bash"],
    &["demo"],
    &["--help"],
    &["fetch", "--help"],
    &["--version"],
    &["simulate", "--listen", "nowhere"],
    &["no-such-command"],
];

#[tokio::test(flavor = "multi_thread")]
async fn no_command_lets_a_secret_out() {
    let server = provider(Plan::Unlimited, &["day,symbol=GOOGL"]).await;
    let mut sinks = Sinks::default();
    let mut desks = vec![(talkative(&server), None)];
    desks.extend(talkative_on_postgres(&server).map(|(desk, url)| (desk, Some(url))));
    for (desk, as_superuser) in &desks {
        for arguments in COMMANDS {
            let done = desk.run(arguments);
            sinks.said(&arguments.join(" ").replace(KEY, "KEY"), &done);
        }
        // The provider's refusal quotes the key.
        let (_, document) = desk.fetch(&["--symbols", "GOOGL"]);
        sinks.look("a run's document", document.to_string().as_bytes());
        sinks.files(desk);
        let answers = String::from_utf8_lossy(&sinks.answers(desk)).into_owned();
        assert!(answers.contains("your API key as *** and"), "{answers}");
        for file in ["bars.csv", "alpaca.csv"] {
            let export = std::fs::read(desk.folder().join(file)).unwrap();
            assert!(export.len() > 1_000, "{file}: {} bytes", export.len());
            sinks.look(file, &export);
        }
        if let Some(url) = as_superuser {
            sinks.look("pg_dump", &dump(url));
            sinks.look("the server's log", &server_log(url));
        }
    }
    assert!(sinks.0.len() > 60, "{:?}", sinks.0);
}

fn dump(url: &str) -> Vec<u8> {
    let program = cluster::find("pg_dump").expect("pg_dump comes with PostgreSQL");
    let dump = std::process::Command::new(program)
        .arg(url)
        .output()
        .unwrap();
    assert!(
        dump.status.success() && dump.stdout.len() > 10_000,
        "{dump:?}"
    );
    dump.stdout
}

/// What the tests' cluster logged of our statements; nothing if we may not read it.
fn server_log(url: &str) -> Vec<u8> {
    let folder = cluster::psql(url, "SHOW unix_socket_directories");
    let Ok(log) = std::fs::read(std::path::Path::new(&folder).join("log")) else {
        cluster::notice("skipped: the log of the server of TEST_DATABASE_URL cannot be read");
        return vec![];
    };
    assert!(
        memchr::memmem::find(&log, b"INSERT INTO requests").is_some(),
        "the server logs statements"
    );
    // The harness itself creates the role, before the server logs statements.
    log
}

/// Every fault of the simulated provider except the redirect; those that would be retried for minutes
/// happen once.
const FAULTS: &[&str] = &[
    "day",
    "bad-key",
    "premium",
    "demo-key",
    "invalid",
    "no-function",
    "artificial",
    "empty",
    "no-rows",
    "forbidden",
    "bomb:9",
    "garbage",
    "wrong-symbol",
    "wrong-interval",
    "truncate:300",
    "bad-row",
    "burst@1",
    "internal@1",
    "unknown-text@1",
    "status:503@1",
    "html@1",
    "cut:200@1",
    "reset@1",
    "escape@1",
    "minute",
    "stall",
    "silent",
];

/// The faults that Alpaca has in its own way: its key is in headers.
const ALPACA_FAULTS: &[&str] = &[
    "bad-key",
    "premium",
    "invalid",
    "token-repeats",
    "page-empty",
    "burst@1",
    "internal@1",
    "html@1",
    "escape@1",
    "reset@1",
    "stall",
];

/// Starts the program on a fault of its own provider.
async fn on(symbol: &str, fault: &str) -> (Server, Desk, Child) {
    let server = provider(Plan::Unlimited, &[fault]).await;
    let desk = prepared(&server);
    let child = desk
        .command(&["fetch", "--symbols", symbol, "-vv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    (server, desk, child)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_the_provider_lets_a_secret_out() {
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let redirect = format!("redirect:http://{}/", elsewhere.local_addr().unwrap());
    let mut sinks = Sinks::default();
    let all = [("alpha_vantage:IBM", FAULTS), ("alpaca:IBM", ALPACA_FAULTS)];
    let mut running = vec![];
    for (symbol, faults) in all {
        for fault in faults.iter().copied().chain([redirect.as_str()]) {
            running.push((fault, on(symbol, fault).await));
        }
    }
    for (fault, (server, desk, child)) in running {
        if matches!(fault, "minute" | "stall" | "silent") {
            // It would wait for seconds; when stopped, it says what it knows.
            seen(&server, 1).await;
            signal("INT", &child);
        }
        let done = Done::from(child.wait_with_output().unwrap());
        assert!(!server.journal().is_empty(), "{fault}: {done:?}");
        sinks.said(fault.split('@').next().unwrap(), &done);
        sinks.files(&desk);
        sinks.answers(&desk);
    }
    assert_eq!(
        elsewhere.accept().unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock,
        "the host of the redirect was contacted"
    );
    assert!(sinks.0.len() > 55, "{:?}", sinks.0);
}
