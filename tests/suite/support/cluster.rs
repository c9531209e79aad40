//! A private PostgreSQL cluster for the tests, started from the installed binaries.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The password of the cluster's superuser; used nowhere else, so that tests can look for leaks.
pub const PASSWORD: &str = "cluster-pa55-word";

/// A private server on its own port. Its watchdog ends it when this process ends, however that happens.
pub struct Server {
    bin: PathBuf,
    /// Where its `data` is.
    pub folder: PathBuf,
    /// Its address and port.
    place: SocketAddr,
    /// The user it runs as, if that is not ours.
    user: Option<String>,
    options: String,
    _watchdog: Option<Child>,
}

/// The server that the tests share: its URL, and the server itself if it is ours.
static CLUSTER: OnceLock<Option<(String, Option<Server>)>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Writes past libtest's capture, so that a skip is seen.
pub fn notice(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Says that a test is skipped here; in CI that is a failure.
pub fn skipped(why: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "in CI nothing is skipped: {why}"
    );
    notice(&format!("skipped: {why}"));
}

/// The URL of a new, empty database; `None` if PostgreSQL is not available (never in CI).
pub fn new_database() -> Option<String> {
    let (base_url, _) = CLUSTER.get_or_init(shared).as_ref()?;
    // In a container process ids are reused.
    let name = format!(
        "t{}_{}_{:x}",
        std::process::id(),
        DATABASES.fetch_add(1, Ordering::Relaxed),
        fastrand::u32(..)
    );
    let url = |database: &str| format!("{base_url}/{database}");
    psql(&url("postgres"), &format!("CREATE DATABASE {name}"));
    Some(url(&name))
}

/// Runs SQL through `psql` and returns its unaligned rows.
pub fn psql(url: &str, sql: &str) -> String {
    let program = find("psql").expect("psql comes with PostgreSQL");
    let output = Command::new(program)
        .args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            url,
            "-c",
            sql,
        ])
        .env("PGTZ", "UTC")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "psql: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

fn shared() -> Option<(String, Option<Server>)> {
    if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
        let (base_url, _) = url
            .rsplit_once('/')
            .expect("TEST_DATABASE_URL ends in a database name");
        return Some((base_url.to_owned(), None));
    }
    let server = Server::start("-c fsync=off -c max_connections=300 -c shared_buffers=64MB")?;
    Some((server.base_url(), Some(server)))
}

impl Server {
    /// One with these options; `None` if PostgreSQL is not available (never in CI).
    pub fn start(options: &str) -> Option<Self> {
        let Some(initdb) = find("initdb") else {
            skipped(
                "no PostgreSQL found; install it or set TEST_DATABASE_URL to run these tests on it",
            );
            return None;
        };
        let folder = tempfile::Builder::new()
            .prefix("pipeline-tui-pg-")
            .tempdir()
            .unwrap()
            .keep();
        let user = plain_user();
        if let Some(user) = &user {
            run(Command::new("chown").arg(user).arg(&folder));
        }
        let place = free_place();
        let options = format!(
            "-p {} -c listen_addresses={} -c unix_socket_directories={} {options}",
            place.port(),
            place.ip(),
            folder.display()
        );
        let server = Self {
            bin: initdb.parent().unwrap().to_owned(),
            folder,
            place,
            user,
            options,
            _watchdog: None,
        };
        server.init();
        server.begin();
        let watchdog = server.guarded();
        Some(Self {
            _watchdog: Some(watchdog),
            ..server
        })
    }

    /// Its URL without a database.
    pub fn base_url(&self) -> String {
        format!("postgres://postgres:{PASSWORD}@{}", self.place)
    }

    /// Starts it, and waits until it accepts connections.
    pub fn begin(&self) {
        let log = self.folder.join("log");
        let log = log.to_str().unwrap();
        self.pg_ctl(&["-w", "-s", "-o", &self.options, "-l", log, "start"]);
    }

    /// Runs `pg_ctl` on it.
    pub fn pg_ctl(&self, arguments: &[&str]) {
        let data = self.folder.join("data");
        let mut command = self.as_user(&self.bin.join("pg_ctl"));
        run(command.arg("-D").arg(data).args(arguments));
    }

    fn init(&self) {
        let password = self.folder.join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        run(self
            .as_user(&self.bin.join("initdb"))
            .args([
                "-N",
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--locale=C",
                "--auth-local=trust",
            ])
            .args(["--auth-host=scram-sha-256", "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(self.folder.join("data")));
    }

    fn guarded(&self) -> Child {
        let script = format!(
            "trap '' INT TERM HUP; cat >/dev/null; '{}' -D '{}' -m immediate stop >/dev/null 2>&1; rm -rf '{}'",
            self.bin.join("pg_ctl").display(),
            self.folder.join("data").display(),
            self.folder.display()
        );
        self.as_user(Path::new("sh"))
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn as_user(&self, program: &Path) -> Command {
        let mut command = match &self.user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }
}

/// An address where nobody else listens, even while a server is stopped for a time: on Linux all of
/// 127.0.0.0/8 is this machine.
pub fn free_place() -> SocketAddr {
    let last = if cfg!(target_os = "linux") {
        [(); 3].map(|()| fastrand::u8(2..255))
    } else {
        [0, 0, 1]
    };
    let address = Ipv4Addr::new(127, last[0], last[1], last[2]);
    let free = TcpListener::bind((address, 0)).unwrap();
    free.local_addr().unwrap()
}

fn run(command: &mut Command) {
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// PostgreSQL refuses to run as root: the user to run it as if we are root.
pub fn plain_user() -> Option<String> {
    let id = Command::new("id").arg("-u").output().unwrap();
    if String::from_utf8_lossy(&id.stdout).trim() != "0" {
        return None;
    }
    let known = |user: &str| {
        Command::new("id")
            .arg(user)
            .output()
            .is_ok_and(|found| found.status.success())
    };
    Some(
        if known("postgres") {
            "postgres"
        } else {
            "nobody"
        }
        .to_owned(),
    )
}

/// Finds a program on PATH or among the installed PostgreSQL versions, newest first.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|found| {
            found
                .flatten()
                .map(|entry| entry.path().join("bin"))
                .collect()
        })
        .unwrap_or_default();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders
        .into_iter()
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
