//! `/metrics` and `/health` over HTTP.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Watched;
use super::health::Doctor;
use super::metrics::{self, Totals};

/// Connections served at once; others wait.
const MAX_CONNECTIONS: usize = 16;
/// The most bytes of a request's head.
const MAX_HEAD: usize = 8 << 10;
/// How long a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait when no connection can be accepted, for example without free descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Why the monitor cannot start.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on {address} ({source}); choose another with --metrics, or port 0 for a free one"
)]
pub struct StartError {
    address: SocketAddr,
    source: io::Error,
}

/// A running server of metrics and health; dropping it stops it.
#[derive(Debug)]
pub struct Monitor {
    /// Where it answers.
    pub address: SocketAddr,
    _end: DropGuard,
}

#[derive(Debug)]
struct Shared {
    watched: Watched,
    doctor: Doctor,
    totals: Mutex<Totals>,
}

impl Monitor {
    /// Starts to listen.
    pub async fn start(address: SocketAddr, watched: Watched) -> Result<Self, StartError> {
        let wrong = |source| StartError { address, source };
        let listener = TcpListener::bind(address).await.map_err(wrong)?;
        let bound = listener.local_addr().map_err(wrong)?;
        let shared = Arc::new(Shared {
            watched,
            doctor: Doctor::default(),
            totals: Mutex::default(),
        });
        let end = CancellationToken::new();
        tokio::spawn(accept(listener, shared, end.clone()));
        Ok(Self {
            address: bound,
            _end: end.drop_guard(),
        })
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, end: CancellationToken) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let serve = async {
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let (shared, end) = (Arc::clone(&shared), end.clone());
                    tokio::spawn(async move {
                        end.run_until_cancelled(connection(stream, shared)).await;
                        drop(place);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
            }
        }
    };
    end.run_until_cancelled(serve).await;
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(shared.answer(&request).await) }
    });
    // A client that disconnects or sends nonsense ends its own connection only.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Shared {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".into());
        }
        match request.uri().path() {
            "/health" => self.health().await,
            "/metrics" => self.metrics().await,
            _ => reply(StatusCode::NOT_FOUND, TEXT, "/metrics or /health\n".into()),
        }
    }

    async fn health(&self) -> Response<Full<Bytes>> {
        let health = self.doctor.examine(&self.watched).await;
        let status = if health.is_good() {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        match serde_json::to_string_pretty(&health) {
            Ok(json) => reply(status, JSON, json + "\n"),
            Err(error) => failed(&error),
        }
    }

    async fn metrics(&self) -> Response<Full<Bytes>> {
        let store = &self.watched.store;
        let mut totals = self.totals.lock().await;
        // A store that is away keeps what is known from being read no more than a graph needs it.
        match store.ended_since(totals.counted).await {
            Ok(ended) => totals.add(ended),
            Err(error) => tracing::debug!(%error, "requests and runs are not counted"),
        }
        let bytes = store.size().await.ok().and_then(|size| size.bytes);
        let snapshot = Arc::clone(&self.watched.snapshots.borrow());
        match metrics::text(&totals, &snapshot, bytes, self.watched.silence()) {
            Ok(text) => reply(StatusCode::OK, METRICS, text),
            Err(error) => failed(&error),
        }
    }
}

fn failed(error: &dyn std::error::Error) -> Response<Full<Bytes>> {
    reply(
        StatusCode::INTERNAL_SERVER_ERROR,
        TEXT,
        format!("{error}\n"),
    )
}

fn reply(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
