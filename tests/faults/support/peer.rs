//! A provider on raw TCP that keeps a journal: for what no HTTP library can be made to send.

mod bytes;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::bytes::{answer, bars, bomb, chunked, gzip, head};

const PATIENCE: Duration = Duration::from_secs(30);

/// What is done on a connection, one after the other; then it is closed.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes this many times, as long as someone reads them.
    Repeat(Vec<u8>, u64),
    /// Sends these bytes one by one, with a pause before each.
    Drip(Vec<u8>, Duration),
    /// Sends nothing until the other side closes.
    Hold,
    /// Sends nothing until the test releases it.
    Gate,
    /// Resets the connection.
    Reset,
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When its last header had arrived.
    pub at: Instant,
    /// Its header `X-Request-Id`; empty if it has none.
    pub id: String,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    connections: usize,
    requests: usize,
    open: usize,
}

struct Shared {
    journal: Mutex<Vec<Seen>>,
    counts: watch::Sender<Counts>,
    gate: watch::Sender<bool>,
}

/// A server that does what a script says with each request, counted from 0, of this symbol.
pub struct Peer {
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
    port: u16,
}

impl Peer {
    pub async fn start(script: impl Fn(usize, &str) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::listen(true, script).await
    }

    /// One that waits not for a request but for the first bytes of a client's hello.
    pub async fn greeting(script: Vec<Step>) -> Self {
        Self::listen(false, move |_, _| script.clone()).await
    }

    async fn listen(
        asked: bool,
        script: impl Fn(usize, &str) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            journal: Mutex::default(),
            counts: watch::Sender::default(),
            gate: watch::Sender::default(),
        });
        let (theirs, script) = (Arc::clone(&shared), Arc::new(script));
        let accepting = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (shared, script) = (Arc::clone(&theirs), Arc::clone(&script));
                shared.counts.send_modify(|counts| {
                    counts.connections += 1;
                    counts.open += 1;
                });
                tokio::spawn(async move {
                    serve(socket, asked, &shared, &*script).await;
                    shared.counts.send_modify(|counts| counts.open -= 1);
                });
            }
        });
        Self {
            shared,
            accepting,
            port,
        }
    }

    /// One that does the same with every request.
    pub async fn always(script: Vec<Step>) -> Self {
        Self::start(move |_, _| script.clone()).await
    }

    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/query", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn journal(&self) -> Vec<Seen> {
        self.shared.journal.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.shared.counts.borrow().connections
    }

    /// Waits until this many requests have come.
    pub async fn seen(&self, requests: usize) {
        self.until(|counts| counts.requests >= requests).await;
    }

    /// Waits until every connection is closed.
    pub async fn alone(&self) {
        self.until(|counts| counts.open == 0).await;
    }

    async fn until(&self, reached: impl FnMut(&Counts) -> bool) {
        let mut counts = self.shared.counts.subscribe();
        let waiting = tokio::time::timeout(PATIENCE, counts.wait_for(reached));
        waiting.await.expect("it does not come").unwrap();
    }

    /// Releases every script that waits at a gate, now and later.
    pub fn open_gate(&self) {
        self.shared.gate.send_replace(true);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    mut socket: TcpStream,
    asked: bool,
    shared: &Shared,
    script: &(impl Fn(usize, &str) -> Vec<Step> + ?Sized),
) {
    let Some(text) = request(&mut socket, asked).await else {
        return;
    };
    let symbol = symbol(&text);
    let number = {
        let mut journal = shared.journal.lock().unwrap();
        journal.push(Seen {
            at: Instant::now(),
            id: header(&text, "x-request-id"),
        });
        journal.len() - 1
    };
    shared.counts.send_modify(|counts| counts.requests += 1);
    for step in script(number, &symbol) {
        // A client that gives up closes its side; the journal has its request.
        if play(step, &mut socket, shared).await.is_err() {
            break;
        }
    }
}

/// The head of a request, or whatever comes first; `None` if the connection ends before that.
async fn request(socket: &mut TcpStream, whole: bool) -> Option<String> {
    let mut head = Vec::new();
    while head.is_empty() || (whole && !head.ends_with(b"\r\n\r\n")) {
        match socket.read_buf(&mut head).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// The symbol of a request; empty if it has none.
fn symbol(request: &str) -> String {
    let after = request.split("symbol=").nth(1).unwrap_or_default();
    after
        .chars()
        .take_while(|next| !"& ".contains(*next))
        .collect()
}

fn header(request: &str, name: &str) -> String {
    let lines = request.lines().filter_map(|line| line.split_once(": "));
    let mut values = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    values
        .next()
        .map(|(_, value)| value.to_owned())
        .unwrap_or_default()
}

async fn play(step: Step, socket: &mut TcpStream, shared: &Shared) -> std::io::Result<()> {
    match step {
        Step::Send(bytes) => socket.write_all(&bytes).await,
        Step::Repeat(bytes, times) => {
            for _ in 0..times {
                socket.write_all(&bytes).await?;
            }
            Ok(())
        }
        Step::Drip(bytes, pause) => {
            for byte in bytes {
                // The fault itself: a slow answer.
                tokio::time::sleep(pause).await;
                socket.write_all(&[byte]).await?;
            }
            Ok(())
        }
        Step::Hold => {
            while socket.read(&mut [0; 64]).await? > 0 {}
            Ok(())
        }
        Step::Gate => {
            let mut gate = shared.gate.subscribe();
            tokio::select! {
                opened = gate.wait_for(|open| *open) => { opened.unwrap(); }
                _ = socket.readable() => {}
            }
            Ok(())
        }
        Step::Reset => socket.set_zero_linger(),
    }
}
