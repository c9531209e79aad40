//! A proxy to a TCP server that can fall silent, break, or break at a chosen COMMIT.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Bytes pass.
    Open,
    /// Nobody reads bytes; connections stay.
    Silent,
    /// A connection falls silent as soon as it is tested.
    Untried,
    /// Connections break, and new ones do too.
    Broken,
}

/// A listener that forwards to a server.
pub struct Proxy {
    address: String,
    way: watch::Sender<Way>,
    commits: Arc<Commits>,
}

/// COMMITs are counted; the connection of the chosen one breaks right after it has been forwarded.
#[derive(Default)]
struct Commits {
    seen: AtomicUsize,
    cut_at: AtomicUsize,
}

/// The simple query by which the driver commits, as its message.
const COMMIT: &[u8] = b"COMMIT\0";
/// The message by which the driver tests a connection: a single Sync.
const PING: &[u8] = b"S\0\0\0\x04";

impl Proxy {
    /// One before the server at `host:port`.
    pub async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (way, mut now) = watch::channel(Way::Open);
        let commits = Arc::new(Commits::default());
        let counted = Arc::clone(&commits);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let way = *now.borrow_and_update();
                if way == Way::Broken {
                    continue;
                }
                tokio::spawn(pass(
                    client,
                    server.clone(),
                    now.clone(),
                    Arc::clone(&counted),
                ));
            }
        });
        Self {
            address,
            way,
            commits,
        }
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Changes what happens to all connections, present and future. A connection that has been silent
    /// once stays so: what it lost does not come back.
    pub fn set(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// Breaks the connection of the COMMIT with this number, counted from the next one as 1.
    pub fn cut_at_commit(&self, number: usize) {
        let seen = self.commits.seen.load(Ordering::SeqCst);
        self.commits.cut_at.store(seen + number, Ordering::SeqCst);
    }

    /// COMMITs so far.
    pub fn commits(&self) -> usize {
        self.commits.seen.load(Ordering::SeqCst)
    }
}

async fn pass(client: TcpStream, server: String, now: watch::Receiver<Way>, commits: Arc<Commits>) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    // So that a cut is a reset and not an orderly end.
    client.set_zero_linger().unwrap();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = copy(from_client, to_server, now.clone(), Some(&commits)) => {}
        () = copy(from_server, to_client, now.clone(), None) => {}
        () = becomes(now, Way::Broken) => {}
    }
}

/// Completes when connections are to behave this way.
async fn becomes(mut now: watch::Receiver<Way>, then: Way) {
    drop(now.wait_for(|way| *way == then).await);
}

/// Forwards bytes while connections pass; returns when the connection is to break.
async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    now: watch::Receiver<Way>,
    commits: Option<&Commits>,
) {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let read = tokio::select! {
            biased;
            () = becomes(now.clone(), Way::Silent) => {
                // Held until the connection breaks: both ends receive nothing.
                becomes(now, Way::Broken).await;
                return;
            }
            read = from.read(&mut bytes) => read,
        };
        let Some(read) = read.ok().filter(|&read| read > 0) else {
            return;
        };
        if commits.is_some() && bytes[..read] == *PING && *now.borrow() == Way::Untried {
            becomes(now, Way::Broken).await;
            return;
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
        if let Some(commits) = commits
            && memchr::memmem::find(&bytes[..read], COMMIT).is_some()
        {
            let number = commits.seen.fetch_add(1, Ordering::SeqCst) + 1;
            if number == commits.cut_at.load(Ordering::SeqCst) {
                return;
            }
        }
    }
}
