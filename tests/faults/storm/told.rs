//! Whoever takes alerts, and may refuse them for a while.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Takes a message a connection.
pub struct Told {
    /// Where to.
    pub address: String,
    /// The messages that were taken with a good status, as they came.
    taken: Arc<Mutex<Vec<String>>>,
    status: Arc<AtomicU16>,
}

impl Told {
    /// One that takes everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook", listener.local_addr().unwrap());
        let taken: Arc<Mutex<Vec<String>>> = Arc::default();
        let status = Arc::new(AtomicU16::new(204));
        let (theirs, says) = (Arc::clone(&taken), Arc::clone(&status));
        tokio::spawn(async move {
            loop {
                let Ok((socket, _)) = listener.accept().await else {
                    continue;
                };
                let (taken, says) = (Arc::clone(&theirs), Arc::clone(&says));
                tokio::spawn(async move { take(socket, &taken, &says).await });
            }
        });
        Self {
            address,
            taken,
            status,
        }
    }

    /// Answers with this status from now on; 0: not at all.
    pub fn says(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What was taken.
    pub fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}

async fn take(mut socket: TcpStream, taken: &Mutex<Vec<String>>, says: &AtomicU16) {
    let Some(body) = body(&mut socket).await else {
        return;
    };
    match says.load(Ordering::SeqCst) {
        0 => std::future::pending().await,
        status => {
            if status == 204 {
                taken.lock().unwrap().push(body);
            }
            let reply =
                format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = socket.write_all(reply.as_bytes()).await;
        }
    }
}

/// What a client posts; `None` if it goes away before the end.
async fn body(socket: &mut TcpStream) -> Option<String> {
    let mut bytes = vec![];
    loop {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let (_, length) = head.split_once("content-length:")?;
        let length: usize = length.lines().next()?.trim().parse().ok()?;
        if body.len() >= length {
            return Some(body.to_owned());
        }
    }
}
