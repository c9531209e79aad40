//! A private PostgreSQL cluster for the tests, started from the installed binaries.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The password of the cluster's superuser; in no other place, so that tests may look for leaks.
pub const PASSWORD: &str = "cluster-pa55-word";

/// A private cluster of this test process. Its watchdog ends it when the process ends, however that happens.
pub struct Cluster {
    base_url: String,
    _watchdog: Option<Child>,
}

static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Writes past libtest's capture, so that a skip is seen.
pub fn notice(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The URL of a new, empty database; `None` where no PostgreSQL is to be had (never in CI).
pub fn new_database() -> Option<String> {
    let cluster = CLUSTER.get_or_init(start).as_ref()?;
    let name = format!(
        "t{}_{}",
        std::process::id(),
        DATABASES.fetch_add(1, Ordering::Relaxed)
    );
    let url = |database: &str| format!("{}/{database}", cluster.base_url);
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

fn start() -> Option<Cluster> {
    if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
        let (base_url, _) = url
            .rsplit_once('/')
            .expect("TEST_DATABASE_URL ends in a database name");
        return Some(Cluster {
            base_url: base_url.to_owned(),
            _watchdog: None,
        });
    }
    let Some(initdb) = find("initdb") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI needs PostgreSQL: install it, or set TEST_DATABASE_URL"
        );
        notice(
            "skipped: no PostgreSQL found; install it or set TEST_DATABASE_URL to run these tests on it",
        );
        return None;
    };
    let bin = initdb.parent().unwrap().to_owned();
    let folder = tempfile::Builder::new()
        .prefix("pipeline-tui-pg-")
        .tempdir()
        .unwrap()
        .keep();
    let user = plain_user();
    if let Some(user) = &user {
        run(Command::new("chown").arg(user).arg(&folder));
    }
    let as_user = |program: &Path| {
        let mut command = match &user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.current_dir(&folder).stdin(Stdio::null());
        command
    };
    let data = folder.join("data");
    let password = folder.join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    run(as_user(&initdb)
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
        .arg(&data));
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let options = format!(
        "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off \
         -c max_connections=300 -c shared_buffers=64MB",
        folder.display()
    );
    run(as_user(&bin.join("pg_ctl"))
        .args(["-w", "-s", "-o", &options, "-l"])
        .arg(folder.join("log"))
        .arg("-D")
        .arg(&data)
        .arg("start"));
    let script = format!(
        "trap '' INT TERM HUP; cat >/dev/null; '{}' -D '{}' -m immediate stop >/dev/null 2>&1; rm -rf '{}'",
        bin.join("pg_ctl").display(),
        data.display(),
        folder.display()
    );
    let watchdog = as_user(Path::new("sh"))
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let base_url = format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}");
    Some(Cluster {
        base_url,
        _watchdog: Some(watchdog),
    })
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

/// PostgreSQL refuses to run as root: the user to run it as, when we are root.
fn plain_user() -> Option<String> {
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
