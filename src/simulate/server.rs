//! The HTTP server: loopback, one task per connection, every answer in the journal before it is sent.

use std::fs::OpenOptions;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, DATE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::Options;
use super::dialect::Dialect;
use super::dialects;
use super::faults::Fault;
use super::journal::{Journal, JournalEntry, without_key};
use super::provider::Provider;
use super::query::Query;
use super::reply::Reply;
use super::speak::Asked;
use super::wire::{self, Dropped};
use super::witness::Witness;

/// The most bytes of a path that the journal keeps; a longer one is no path of ours.
const MAX_PATH: usize = 200;
/// Connections served at once; others wait.
const MAX_CONNECTIONS: usize = 256;
/// The most bytes of a request's head.
const MAX_HEAD: usize = 64 << 10;
/// The most bytes of a query string; the journal keeps all of it.
const MAX_QUERY: usize = 4 << 10;
/// Letters of a request's id that the journal keeps.
const MAX_ID: usize = 100;
/// How long a client may take over a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait when no connection can be accepted, for example without free descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// A running simulator; dropping it stops it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    end: DropGuard,
}

/// Why the simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something else listens on the address.
    #[error("{0} is in use; choose another with --listen, or port 0 for a free one")]
    Taken(SocketAddr),
    /// The address cannot be used.
    #[error("cannot listen on {address} ({source}); choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The journal's file cannot be written.
    #[error("cannot write the journal {} ({source}); choose another file", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Server {
    /// Starts to listen; the first request may come as soon as this returns.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let file = options.journal.as_ref().map(|path| {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.map_err(|source| StartError::Journal {
                path: path.clone(),
                source,
            })
        });
        let journal = Journal::new(file.transpose()?);
        let address = options.listen;
        let listen = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::Taken(address),
            _ => StartError::Listen { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let shared = Arc::new(Shared {
            journal,
            provider: Provider::new(options),
        });
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        let accept = accept(listener, Arc::clone(&shared), tasks.clone(), end.clone());
        tasks.spawn(accept);
        Ok(Self {
            address,
            shared,
            tasks,
            end: end.drop_guard(),
        })
    }

    /// Where the simulator answers, as a client's base URL; never a wildcard address.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.url(Dialect::AlphaVantage)
    }

    /// The same of the dialect of a source; `None` if it is not spoken.
    #[must_use]
    pub fn base_url_of(&self, source: &str) -> Option<String> {
        let dialect = Dialect::of_source(source)?;
        let is_spoken = self.shared.provider.speaks(dialect);
        is_spoken.then(|| self.url(dialect))
    }

    fn url(&self, dialect: Dialect) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        format!("http://{address}{}", dialects::path(dialect))
    }

    /// The requests seen so far, oldest first; the newest 20,000 at most.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.shared.journal.entries()
    }

    /// What a store can find out about the market in the first dialect, by the simulator's clock.
    #[must_use]
    pub fn witness(&self) -> Witness {
        let provider = &self.shared.provider;
        Witness::new(provider.market(Dialect::AlphaVantage), provider.clock.now())
    }

    /// Replaces the faults; each counts its requests from 1 again.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.shared.provider.set_faults(faults);
    }

    /// Closes all connections and waits until they are closed.
    pub async fn stop(self) {
        drop(self.end);
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    provider: Provider,
    journal: Journal,
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    end: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let serve = async {
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let connection = connection(stream, Arc::clone(&shared), place);
                    let end = end.clone();
                    tasks.spawn(async move { end.run_until_cancelled(connection).await });
                }
                Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
            }
        }
    };
    end.run_until_cancelled(serve).await;
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, _place: OwnedSemaphorePermit) {
    // Small pieces of a dripping body are sent at once.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| respond(Arc::clone(&shared), request));
    // A client that disconnects or sends nonsense ends its own connection only.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<hyper::Response<wire::WireBody>, Dropped> {
    let received = Received::read(&request);
    let now = shared.provider.clock.now();
    let reply = tokio::task::spawn_blocking(move || shared.answer(&received)).await;
    let mut response = wire::deliver(reply.map_err(|_| Dropped)?).await?;
    let date = httpdate::fmt_http_date(now.into());
    let date = HeaderValue::from_str(&date).map_err(|_| Dropped)?;
    response.headers_mut().insert(DATE, date);
    Ok(response)
}

/// The relevant parts of a request.
struct Received {
    /// In which dialect it asks for what, or the status that says it does not.
    known: Result<(Dialect, Asked), StatusCode>,
    path: String,
    request_id: Option<String>,
    gzip: bool,
}

impl Received {
    fn read(request: &Request<Incoming>) -> Self {
        let request_id = request.headers().get("x-request-id");
        let request_id = request_id.map(|id| String::from_utf8_lossy(id.as_bytes()));
        Self {
            known: asked(request),
            path: request.uri().path().chars().take(MAX_PATH).collect(),
            request_id: request_id.map(|id| id.chars().take(MAX_ID).collect()),
            gzip: takes_gzip(request.headers()),
        }
    }
}

/// What a request asks for, or the status that says it asks for nothing.
fn asked(request: &Request<Incoming>) -> Result<(Dialect, Asked), StatusCode> {
    let (path, query) = (request.uri().path(), request.uri().query());
    let query = query.unwrap_or_default();
    if query.len() > MAX_QUERY {
        return Err(StatusCode::URI_TOO_LONG);
    }
    let is_short = path.len() <= MAX_PATH;
    let known = dialects::of_path(path).filter(|_| is_short);
    let (dialect, path) = known.ok_or(StatusCode::NOT_FOUND)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let asked = Asked {
        path: path.to_owned(),
        query: Query::decode(query),
        headers: request.headers().clone(),
    };
    Ok((dialect, asked))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
            let refused = quality.trim().trim_start_matches("q=").parse() == Ok(0.0);
            name.trim().eq_ignore_ascii_case("gzip") && !refused
        })
}

impl Shared {
    /// Answers a request; when this returns, the journal has it.
    fn answer(&self, received: &Received) -> Reply {
        let known = received.known.as_ref().ok();
        let reply =
            known.and_then(|(dialect, asked)| self.provider.reply(*dialect, asked, received.gzip));
        let status = received.known.as_ref().err();
        let reply = reply.unwrap_or_else(|| self.lost(*status.unwrap_or(&StatusCode::NOT_FOUND)));
        let written = self.journal.add(JournalEntry {
            at: self.provider.clock.now(),
            dialect: known.map(|(dialect, _)| *dialect),
            path: received.path.clone(),
            request_id: received.request_id.clone(),
            query: known.map_or_else(Vec::new, |(_, asked)| without_key(&asked.query)),
            outcome: reply.outcome.clone(),
            bytes: reply.size,
            served: reply.served.clone(),
        });
        match written {
            Ok(()) => reply,
            Err(_) => Reply::new(
                "unwritten",
                StatusCode::INTERNAL_SERVER_ERROR,
                "text/plain",
                "the journal cannot be written\n",
            ),
        }
    }
    /// The answer to what no dialect is asked.
    fn lost(&self, status: StatusCode) -> Reply {
        let spoken = Dialect::ALL
            .iter()
            .filter(|one| self.provider.speaks(**one));
        let paths: Vec<&str> = spoken.map(|one| dialects::path(*one)).collect();
        let text = format!("try GET {}\n", paths.join(", "));
        Reply::new(status.as_str(), status, "text/plain", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(
            ACCEPT_ENCODING,
            hyper::header::HeaderValue::from_static(value),
        );
        takes_gzip(&headers)
    }

    #[test]
    fn gzip_is_used_only_when_asked_for() {
        assert!(gzip("gzip") && gzip("br, GZIP;q=0.5") && gzip("deflate,gzip"));
        assert!(!gzip("br") && !gzip("gzip;q=0") && !gzip("gzip; q=0.0"));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
