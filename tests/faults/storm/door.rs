//! The way to a provider, which can be shut: then nobody listens at its address.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::support::cluster::free_place;

/// A listener that forwards to a server, always at the same address.
pub struct Door {
    /// Where it listens.
    pub place: SocketAddr,
    behind: SocketAddr,
    task: Option<JoinHandle<()>>,
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Door {
    /// An open one before this server.
    pub async fn before(behind: SocketAddr) -> Self {
        let mut door = Self {
            place: free_place(),
            behind,
            task: None,
        };
        door.open().await;
        door
    }

    /// Lets everybody in.
    pub async fn open(&mut self) {
        if self.task.is_some() {
            return;
        }
        let listener = TcpListener::bind(self.place).await.unwrap();
        let behind = self.behind;
        self.task = Some(tokio::spawn(async move {
            // Dropped with this task, and with it all connections.
            let mut inside = JoinSet::new();
            loop {
                let Ok((mut client, _)) = listener.accept().await else {
                    continue;
                };
                inside.spawn(async move {
                    let Ok(mut server) = TcpStream::connect(behind).await else {
                        return;
                    };
                    let _ = client.set_nodelay(true);
                    let _ = server.set_nodelay(true);
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
                while inside.try_join_next().is_some() {}
            }
        }));
    }

    /// Refuses connections from now on, and breaks those that are there.
    pub async fn shut(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }
}
