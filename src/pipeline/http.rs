//! Sends one request over HTTP, for every source. Holds the key and never reveals any part of it.
//!
//! Nothing is retried here: a request that may have arrived is spent.

mod brake;
mod failure;
mod pause;
mod server_clock;
mod status;

use std::fmt;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use flate2::bufread::MultiGzDecoder;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use reqwest::{Response, redirect};
use url::{Host, Url};
use uuid::Uuid;

use self::brake::Brake;
pub use self::brake::Meter;
use self::failure::{
    cause, cut_off_after, grouped, is_cut, is_refused_by_tls, safe, seconds, size, unreadable_after,
};
use self::server_clock::{ServerClock, date};
pub use self::status::{blocked, by_status};
use super::source::{Pause, SendError};
use crate::config::secret::{redact, redact_bytes};
use crate::config::{Route, Secret};
use crate::model::Answer;
use crate::model::causes::Causes;
use crate::model::text::clean;
use crate::time::Clock;

/// The first bytes of a gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How long to wait and how much to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Until a connection is made.
    pub connect: Duration,
    /// Without a byte from the provider, before and within the answer.
    pub read: Duration,
    /// Until the last byte.
    pub total: Duration,
    /// Bytes of a decoded answer.
    pub body: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(10),
            total: Duration::from_mins(1),
            body: 8 << 20,
        }
    }
}

/// How a source wants to see the key.
#[derive(Debug)]
pub enum Auth {
    /// Not at all.
    None,
    /// As the last parameter of the URL.
    Query(&'static str, Secret),
    /// As headers, one for each part of the key.
    Headers(Vec<(HeaderName, Secret)>),
}

/// The HTTP client could not be prepared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the HTTP client cannot be prepared: {0}")]
pub struct ClientError(String);

/// A connection pool, an address and a key, and until when nothing may be sent.
pub struct Client {
    http: reqwest::Client,
    base_url: Url,
    auth: Auth,
    clock: ServerClock,
    bounds: Bounds,
    brake: Brake,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Prepares a client of the server at this address; nothing is sent yet.
    pub fn new(
        base_url: Url,
        auth: Auth,
        clock: Clock,
        bounds: Bounds,
    ) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("pipeline-tui/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([
                (ACCEPT, HeaderValue::from_static("*/*")),
                (ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
            ]))
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(bounds.connect)
            .read_timeout(bounds.read)
            .timeout(bounds.total);
        if is_loopback(&base_url) {
            builder = builder.no_proxy();
        }
        if base_url.scheme() == "http" {
            // Certificates are not needed, and loading them fails where none are installed.
            builder = builder.tls_certs_only([]);
        }
        let http = builder
            .build()
            .map_err(|error| ClientError(safe(&error.without_url())))?;
        Ok(Self {
            http,
            base_url,
            auth,
            clock: ServerClock::new(clock),
            bounds,
            brake: Brake::default(),
        })
    }

    /// The same where answers count what was asked.
    #[must_use]
    pub fn metered(self, meter: Meter) -> Self {
        Self {
            brake: Brake::with(meter),
            ..self
        }
    }

    /// Gets what is at this route below the client's address once, and reads the whole answer.
    /// `attempt` goes along as `X-Request-Id`.
    pub async fn get(&self, route: &Route, attempt: Uuid) -> Result<Answer, SendError> {
        if let Some(pause) = self.pause() {
            return Err(SendError::NeverSent(format!(
                "the provider asks for a pause of another {}",
                seconds(Duration::from_secs(pause.left.as_secs() + 1))
            )));
        }
        let started = Instant::now();
        let response = self
            .request(route)?
            .header("X-Request-Id", attempt.to_string())
            .send()
            .await
            .map_err(|error| self.not_answered(error, started.elapsed()))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(SendError::Redirected(format!(
                "the provider redirects to another address (HTTP {}); not followed, because the \
                key would be sent there",
                status.as_u16()
            )));
        }
        let date = date(response.headers());
        // A date means the server's clock; ours may differ.
        let now = date.unwrap_or_else(|| self.clock.now());
        self.brake.heed(status.as_u16(), response.headers(), now);
        let says = self.brake.stated(status.as_u16(), response.headers(), now);
        let content_type = response
            .headers()
            .get(CONTENT_TYPE)
            .map(|value| clean(&redact(&String::from_utf8_lossy(value.as_bytes()))));
        let body = self.body(response, started).await?;
        Ok(Answer {
            stated: says,
            status: status.as_u16(),
            content_type,
            body: redact_bytes(body),
            received_at: self.clock.dated(date),
            elapsed_ms: u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX),
        })
    }

    /// The pause that the provider asked for, while it lasts.
    pub fn pause(&self) -> Option<Pause> {
        self.brake.pause()
    }

    /// Sends nothing during a pause.
    pub fn hold(&self, pause: Pause) {
        self.brake.hold(pause);
    }

    /// The time: by our clock, unless the last answer showed that it is wrong.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn request(&self, route: &Route) -> Result<reqwest::RequestBuilder, SendError> {
        let mut url = route.url(&self.base_url);
        match &self.auth {
            Auth::None => Ok(self.http.get(url)),
            Auth::Query(name, key) => {
                url.query_pairs_mut().append_pair(name, key.expose());
                Ok(self.http.get(url))
            }
            Auth::Headers(parts) => {
                let mut headers = HeaderMap::with_capacity(parts.len());
                for (name, part) in parts {
                    let mut value = HeaderValue::from_str(part.expose()).map_err(|_| {
                        let text = "the key contains characters that cannot be sent in a header";
                        SendError::NeverSent(text.to_owned())
                    })?;
                    value.set_sensitive(true);
                    headers.insert(name.clone(), value);
                }
                Ok(self.http.get(url).headers(headers))
            }
        }
    }

    async fn body(&self, mut response: Response, started: Instant) -> Result<Bytes, SendError> {
        let is_gzip = is_gzip(&response);
        // A body that grows as it comes leaves holes of every size behind.
        let announced = response.content_length().unwrap_or_default();
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        let mut body = BytesMut::with_capacity(announced.min(self.bounds.body));
        loop {
            let chunk = response
                .chunk()
                .await
                .map_err(|error| self.cut_off(error, body.len(), started.elapsed()))?;
            let Some(chunk) = chunk else {
                return if is_gzip {
                    self.decompressed(&body)
                } else {
                    Ok(body.freeze())
                };
            };
            if body.len() + chunk.len() > self.bounds.body {
                return Err(self.too_large());
            }
            body.extend_from_slice(&chunk);
        }
    }

    /// The content of a gzip file. It may have several members, one after another; the limit is for all
    /// of them together.
    fn decompressed(&self, file: &[u8]) -> Result<Bytes, SendError> {
        let mut body = Vec::new();
        if file.is_empty() {
            return Ok(body.into());
        }
        let most = u64::try_from(self.bounds.body).unwrap_or(u64::MAX);
        let read = MultiGzDecoder::new(file)
            .take(most.saturating_add(1))
            .read_to_end(&mut body);
        match read {
            Ok(_) if body.len() > self.bounds.body => Err(self.too_large()),
            Ok(_) => Ok(body.into()),
            Err(error) => Err(SendError::Broken(
                if error.kind() == io::ErrorKind::UnexpectedEof && file.starts_with(&GZIP) {
                    cut_off_after(body.len())
                } else {
                    unreadable_after(body.len())
                },
            )),
        }
    }

    fn too_large(&self) -> SendError {
        SendError::TooLarge(format!(
            "the answer is larger than {}, more than any real answer",
            size(self.bounds.body)
        ))
    }

    /// Says why no answer began.
    fn not_answered(&self, error: reqwest::Error, elapsed: Duration) -> SendError {
        let error = error.without_url();
        tracing::debug!(error = %Causes(&error), "the request failed");
        if is_refused_by_tls(&error) {
            return SendError::Untrusted(format!(
                "there is a problem with the certificate of {}: {}",
                self.host(),
                cause(&error)
            ));
        }
        if error.is_connect() {
            return SendError::NeverSent(if error.is_timeout() {
                format!(
                    "{} does not accept a connection within {}",
                    self.host(),
                    seconds(self.bounds.connect)
                )
            } else {
                format!("{} cannot be reached: {}", self.host(), cause(&error))
            });
        }
        if error.is_builder() {
            return SendError::NeverSent(format!(
                "the request cannot be written: {}",
                cause(&error)
            ));
        }
        SendError::Broken(if error.is_timeout() {
            format!("no answer within {}", seconds(self.silence(elapsed)))
        } else {
            format!(
                "the connection broke before an answer came: {}",
                cause(&error)
            )
        })
    }

    /// Says why an answer did not end.
    fn cut_off(&self, error: reqwest::Error, bytes: usize, elapsed: Duration) -> SendError {
        let error = error.without_url();
        tracing::debug!(error = %Causes(&error), "the request failed");
        SendError::Broken(if error.is_timeout() && elapsed >= self.bounds.total {
            format!(
                "the answer was not complete within {}",
                seconds(self.bounds.total)
            )
        } else if error.is_timeout() {
            format!(
                "the answer stopped after {} bytes and stayed silent for {}",
                grouped(bytes),
                seconds(self.bounds.read)
            )
        } else if error.is_decode() && !is_cut(&error) {
            unreadable_after(bytes)
        } else {
            cut_off_after(bytes)
        })
    }

    /// The limit that a silent provider has passed.
    fn silence(&self, elapsed: Duration) -> Duration {
        if elapsed >= self.bounds.total {
            self.bounds.total
        } else {
            self.bounds.read
        }
    }

    fn host(&self) -> String {
        clean(self.base_url.host_str().unwrap_or("the provider"))
    }
}

fn is_gzip(response: &Response) -> bool {
    let encoding = response.headers().get(CONTENT_ENCODING);
    encoding.is_some_and(|value| {
        let value = value.as_bytes().trim_ascii();
        value.eq_ignore_ascii_case(b"gzip") || value.eq_ignore_ascii_case(b"x-gzip")
    })
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
