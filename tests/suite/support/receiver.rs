//! Somebody on loopback who is told something: takes JSON over HTTP/1.1, one message a connection.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub struct Receiver {
    pub address: String,
    taken: Arc<Mutex<Vec<serde_json::Value>>>,
    status: Arc<AtomicU16>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn on(listener: TcpListener) -> Self {
        let address = format!("http://{}/hook", listener.local_addr().unwrap());
        let taken = Arc::new(Mutex::new(vec![]));
        let status = Arc::new(AtomicU16::new(204));
        let (told, says) = (Arc::clone(&taken), Arc::clone(&status));
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (told, says) = (Arc::clone(&told), Arc::clone(&says));
                tokio::spawn(async move { take(socket, &told, &says).await });
            }
        });
        Self {
            address,
            taken,
            status,
            task,
        }
    }

    /// Answers with this status from now on; 0: takes messages and never answers.
    pub fn says(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// The messages so far, of which some may have been refused.
    pub fn taken(&self) -> Vec<serde_json::Value> {
        self.taken.lock().unwrap().clone()
    }

    /// Waits for so many messages.
    pub async fn until(&self, messages: usize) -> Vec<serde_json::Value> {
        let enough = async {
            while self.taken().len() < messages {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), enough)
            .await
            .unwrap_or_else(|_| panic!("{:?}", self.taken()));
        self.taken()
    }
}

async fn take(mut socket: TcpStream, told: &Mutex<Vec<serde_json::Value>>, says: &AtomicU16) {
    let mut bytes = vec![];
    let (head, body) = loop {
        let mut piece = [0; 4_096];
        let read = socket.read(&mut piece).await.unwrap_or(0);
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(read > 0, "{text}");
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_it = name.eq_ignore_ascii_case("content-length");
            is_it.then(|| value.trim().parse::<usize>().unwrap())
        });
        if body.len() >= length.unwrap() {
            break (head.to_owned(), body.to_owned());
        }
    };
    told.lock()
        .unwrap()
        .push(serde_json::from_str(&body).unwrap());
    match says.load(Ordering::SeqCst) {
        0 => std::future::pending().await,
        status => {
            // An unfriendly server repeats what it was sent.
            let reply = format!(
                "HTTP/1.1 {status} x\r\nLocation: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{head}",
                head.lines().next().unwrap_or_default(),
                head.len()
            );
            let _ = socket.write_all(reply.as_bytes()).await;
        }
    }
}
