//! A proxy to the provider that can hold requests.

use pipeline_tui::simulate::Server;
use tokio::net::{TcpListener, TcpStream};

use super::process::PATIENCE;

/// A provider that accepts requests and holds them until it is released.
pub struct Gate {
    listener: TcpListener,
    behind: String,
}

impl Gate {
    pub async fn before(server: &Server) -> Self {
        let url = url::Url::parse(&server.base_url()).unwrap();
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            behind: format!("127.0.0.1:{}", url.port().unwrap()),
        }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/query", self.listener.local_addr().unwrap())
    }

    /// Waits until a process has sent its request.
    pub async fn arrival(&self) -> TcpStream {
        let arrived = async {
            let (stream, _) = self.listener.accept().await.unwrap();
            stream.readable().await.unwrap();
            stream
        };
        tokio::time::timeout(PATIENCE, arrived).await.unwrap()
    }

    /// Lets a request through.
    pub async fn release(&self, mut request: TcpStream) {
        let mut server = TcpStream::connect(&self.behind).await.unwrap();
        tokio::spawn(async move {
            let _ = tokio::io::copy_bidirectional(&mut request, &mut server).await;
        });
    }

    /// Lets every further request through.
    pub fn open(self) {
        tokio::spawn(async move {
            while let Ok((request, _)) = self.listener.accept().await {
                self.release(request).await;
            }
        });
    }
}
