//! `PgBouncer` in front of the tests' PostgreSQL.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use url::Url;

use super::cluster;

/// A pooler on its own port. It ends with this process, however that happens.
pub struct Pooler {
    place: SocketAddr,
    _folder: tempfile::TempDir,
    watchdog: Child,
}

impl Pooler {
    /// One with these configuration lines in front of the server of a URL; `None` without
    /// `PgBouncer` (never in CI).
    pub fn start(server: &str, configuration: &str) -> Option<Self> {
        let Some(program) = program() else {
            assert!(
                std::env::var_os("CI").is_none(),
                "CI needs PgBouncer: install the package pgbouncer"
            );
            cluster::notice("skipped: no PgBouncer found; install it to run these tests with it");
            return None;
        };
        let server = Url::parse(server).unwrap();
        let place = cluster::free_place();
        let folder = tempfile::tempdir().unwrap();
        let users = folder.path().join("users");
        let password = server.password().unwrap();
        std::fs::write(
            &users,
            format!("\"{}\" \"{password}\"\n", server.username()),
        )
        .unwrap();
        let ini = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = {}\nlisten_port = {}\nunix_socket_dir =\n\
             auth_type = plain\nauth_file = {}\n{configuration}\n",
            server.host_str().unwrap(),
            server.port().unwrap(),
            place.ip(),
            place.port(),
            users.display()
        );
        std::fs::write(&ini, text).unwrap();
        let mut pooler = Self {
            place,
            watchdog: guarded(&program, &ini, folder.path()),
            _folder: folder,
        };
        pooler.until_it_listens();
        Some(pooler)
    }

    /// The URL of a database through this pooler.
    pub fn way_to(&self, database: &str) -> String {
        let mut url = Url::parse(database).unwrap();
        url.set_ip_host(self.place.ip()).unwrap();
        url.set_port(Some(self.place.port())).unwrap();
        url.into()
    }

    fn until_it_listens(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(self.place).is_err() {
            let ended = self.watchdog.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "{ended:?}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// Debian installs it in a folder that is only on root's `PATH`.
fn program() -> Option<PathBuf> {
    let debian = Some(PathBuf::from("/usr/sbin/pgbouncer")).filter(|path| path.is_file());
    cluster::find("pgbouncer").or(debian)
}

/// Starts it, and ends it once our end of a pipe is closed. It refuses to run as root.
fn guarded(program: &Path, ini: &Path, folder: &Path) -> Child {
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' INT TERM HUP; \"$0\" -q \"$1\" </dev/null >/dev/null 2>&1 & cat >/dev/null; kill $!; wait $!"])
        .arg(program)
        .arg(ini)
        .stdin(Stdio::piped());
    if let Some(user) = cluster::plain_user() {
        let id = |kind: &str| -> u32 {
            let output = Command::new("id").args([kind, &user]).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            text.trim().parse().unwrap()
        };
        let (user, group) = (id("-u"), id("-g"));
        for path in [folder, ini, &folder.join("users")] {
            std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
        }
        command.uid(user).gid(group);
    }
    command.spawn().unwrap()
}
