//! A provider on loopback whose answers a test writes: HTTP/1.1, one answer a connection.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Its first line and its headers.
    pub head: String,
    /// Its path and its query.
    pub url: Url,
}

impl Arrived {
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<String> {
        let mut pairs = self.url.query_pairs();
        pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    }
}

/// What is answered; `None`: nothing, ever.
pub type Reply = Option<(u16, String)>;

pub struct Scripted {
    pub base_url: String,
    arrived: watch::Receiver<Vec<Arrived>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scripted {
    /// Answers each request with what `reply` says, dated by this instant.
    pub async fn start(
        now: DateTime<Utc>,
        reply: impl Fn(&Arrived) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/", listener.local_addr().unwrap());
        let (tell, arrived) = watch::channel(vec![]);
        let shared = Arc::new((Mutex::new(tell), reply));
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let (tell, reply) = shared.as_ref();
                    let _ = answer(socket, now, reply, tell).await;
                });
            }
        });
        Self {
            base_url,
            arrived,
            task,
        }
    }

    /// The requests so far.
    pub fn journal(&self) -> Vec<Arrived> {
        self.arrived.borrow().clone()
    }

    /// The values of a parameter in the requests so far; empty where it is missing.
    pub fn asked(&self, name: &str) -> Vec<String> {
        let journal = self.journal();
        let values = journal.iter().map(|arrived| arrived.get(name));
        values.map(Option::unwrap_or_default).collect()
    }

    /// Waits until so many requests have come.
    pub async fn asked_times(&self, many: usize) {
        let mut arrived = self.arrived.clone();
        let waiting = arrived.wait_for(|all| all.len() >= many);
        let limit = std::time::Duration::from_mins(1);
        tokio::time::timeout(limit, waiting).await.unwrap().unwrap();
    }
}

async fn answer(
    mut socket: TcpStream,
    now: DateTime<Utc>,
    reply: &impl Fn(&Arrived) -> Reply,
    tell: &Mutex<watch::Sender<Vec<Arrived>>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut chunk = [0; 4096];
        match socket.read(&mut chunk).await? {
            0 => return Ok(()),
            read => head.extend_from_slice(&chunk[..read]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default();
    let url = Url::parse(&format!("http://x{target}")).unwrap();
    let arrived = Arrived { head, url };
    let said = reply(&arrived);
    tell.lock().unwrap().send_modify(|all| all.push(arrived));
    let Some((status, body)) = said else {
        return std::future::pending().await;
    };
    let kind = if body.starts_with('<') {
        "text/html"
    } else {
        "application/json"
    };
    let date = httpdate::fmt_http_date(now.into());
    let reply = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nDate: {date}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(reply.as_bytes()).await
}
