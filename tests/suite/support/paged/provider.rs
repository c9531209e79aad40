//! The provider's side: HTTP/1.1 on loopback, one answer a connection.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// So many pages of each request.
    Pages(u32),
    /// Pages without end, each with a token of its own.
    Endless,
    /// The second page names itself as the next.
    Circle,
    /// So many pages; the first attempt at this one fails.
    FailsOnce(u32, u32),
    /// So many pages; this one is never answered.
    SilentAt(u32, u32),
}

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The page it asked for.
    pub page: u32,
    /// Its first line and its headers.
    pub head: String,
}

pub struct Provider {
    pub base_url: String,
    arrived: watch::Receiver<Vec<Arrived>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Provider {
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/", listener.local_addr().unwrap());
        let (tell, arrived) = watch::channel(vec![]);
        let tell = Arc::new(Mutex::new(tell));
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let tell = Arc::clone(&tell);
                tokio::spawn(async move {
                    let _ = answer(socket, script, &tell).await;
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

    /// The pages that were asked for.
    pub fn pages(&self) -> Vec<u32> {
        self.journal().iter().map(|arrived| arrived.page).collect()
    }

    /// Waits until a page was asked for.
    pub async fn asked_for(&self, page: u32) {
        let mut arrived = self.arrived.clone();
        let is_there = |all: &Vec<Arrived>| all.iter().any(|one| one.page == page);
        let waiting = arrived.wait_for(is_there);
        let limit = std::time::Duration::from_mins(1);
        tokio::time::timeout(limit, waiting).await.unwrap().unwrap();
    }
}

async fn answer(
    mut socket: TcpStream,
    script: Script,
    tell: &Mutex<watch::Sender<Vec<Arrived>>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut chunk = [0; 1024];
        match socket.read(&mut chunk).await? {
            0 => return Ok(()),
            read => head.extend_from_slice(&chunk[..read]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default();
    let url = url::Url::parse(&format!("http://x{target}")).unwrap();
    let get = |name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, v)| v.into_owned())
    };
    let page = get("page_token").map_or(1, |token| {
        token.trim_start_matches("page-").parse().unwrap()
    });
    let symbols = get("symbols").unwrap_or_default();
    let mut is_first = false;
    tell.lock().unwrap().send_modify(|all| {
        is_first = all.iter().all(|one| one.page != page);
        all.push(Arrived {
            page,
            head: head.clone(),
        });
    });
    let (last, next) = match script {
        Script::Pages(pages) | Script::FailsOnce(pages, _) | Script::SilentAt(pages, _) => {
            (page >= pages, page + 1)
        }
        Script::Endless => (false, page + 1),
        Script::Circle => (false, 2),
    };
    let status = match script {
        Script::SilentAt(_, at) if at == page => std::future::pending().await,
        Script::FailsOnce(_, at) if at == page && is_first => "503 Unavailable",
        _ if !head.contains(super::KEY_ID) || !head.contains(super::KEY_SECRET) => {
            "401 Unauthorized"
        }
        _ => "200 OK",
    };
    let bars: serde_json::Map<_, _> = symbols
        .split(',')
        .map(|symbol| (symbol.to_owned(), json!([bar(page)])))
        .collect();
    let token = (!last).then(|| format!("page-{next}"));
    let body = json!({ "bars": bars, "next_page_token": token }).to_string();
    let reply = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(reply.as_bytes()).await
}

/// The bar of a page: five minutes after that of the page before.
fn bar(page: u32) -> serde_json::Value {
    let first: DateTime<Utc> = "2026-05-15T13:30:00Z".parse().unwrap();
    let at = first + TimeDelta::minutes(5) * i32::try_from(page - 1).unwrap();
    json!({ "t": at.to_rfc3339(), "o": 10.5, "h": 11, "l": 10, "c": 10.25, "v": 100.5 })
}
