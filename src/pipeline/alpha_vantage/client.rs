//! Sends one request over HTTP. Holds the key and never reveals any part of it.
//!
//! Nothing is retried here: a request that may have arrived is spent.

use std::fmt;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName,
    HeaderValue, RETRY_AFTER,
};
use reqwest::{Response, redirect};
use url::{Host, Url};
use uuid::Uuid;

use super::{pause, refusal};
use crate::config::Secret;
use crate::config::secret::{redact, redact_bytes};
use crate::model::Answer;
use crate::model::text::clean;
use crate::pipeline::source::{Pause, Refusal, SendError};
use crate::time::Clock;

/// The first bytes of a gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How long to wait and how much to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection is made.
    pub connect: Duration,
    /// Without a byte from the provider, before and within the answer.
    pub read: Duration,
    /// Until the last byte.
    pub total: Duration,
    /// Bytes of a decoded answer.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(10),
            total: Duration::from_mins(1),
            body: 8 << 20,
        }
    }
}

/// The HTTP client could not be prepared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the HTTP client cannot be prepared: {0}")]
pub struct ClientError(String);

/// A connection pool, an address and a key, and until when nothing may be sent.
pub(super) struct Client {
    http: reqwest::Client,
    base_url: Url,
    key: Secret,
    clock: Clock,
    limits: Limits,
    paused: Mutex<Option<(Instant, Refusal)>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn new(
        base_url: Url,
        key: Secret,
        clock: Clock,
        limits: Limits,
    ) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("pipeline-tui/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([
                (ACCEPT, HeaderValue::from_static("*/*")),
                (ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
            ]))
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(limits.connect)
            .read_timeout(limits.read)
            .timeout(limits.total);
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
            key,
            clock,
            limits,
            paused: Mutex::new(None),
        })
    }

    /// Sends the request once and reads the whole answer.
    pub(super) async fn send(
        &self,
        query: &[(String, String)],
        attempt: Uuid,
    ) -> Result<Answer, SendError> {
        if let Some(pause) = self.pause() {
            return Err(SendError::NeverSent(format!(
                "the provider asks for a pause of another {}",
                seconds(Duration::from_secs(pause.left.as_secs() + 1))
            )));
        }
        let started = Instant::now();
        let response = self
            .http
            .get(self.url(query))
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
        self.heed(&response);
        let content_type = response
            .headers()
            .get(CONTENT_TYPE)
            .map(|value| clean(&redact(&String::from_utf8_lossy(value.as_bytes()))));
        let body = self.body(response, started).await?;
        Ok(Answer {
            status: status.as_u16(),
            content_type,
            body: redact_bytes(body),
            received_at: self.clock.now(),
            elapsed_ms: u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX),
        })
    }

    /// The pause that the provider asked for, while it lasts.
    pub(super) fn pause(&self) -> Option<Pause> {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, why) = paused.as_ref()?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| Pause {
            why: why.clone(),
            left,
        })
    }

    /// Remembers the pause that a refusal asks for.
    fn heed(&self, response: &Response) {
        let status = response.status().as_u16();
        let header = |name: HeaderName| response.headers().get(name)?.to_str().ok();
        let (Some(value), 429 | 500..) = (header(RETRY_AFTER), status) else {
            return;
        };
        // A date means the server's clock; ours may differ.
        let now = header(DATE).and_then(pause::date);
        let asked = pause::asked(value, now.unwrap_or_else(|| self.clock.now()));
        let Some((asked, why)) = asked.zip(refusal::by_status(status, b"")) else {
            return;
        };
        let until = Instant::now() + asked;
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if paused.as_ref().is_none_or(|(before, _)| *before < until) {
            *paused = Some((until, why));
        }
    }

    fn url(&self, query: &[(String, String)]) -> Url {
        let mut url = self.base_url.clone();
        url.query_pairs_mut()
            .extend_pairs(query)
            .append_pair("apikey", self.key.expose());
        url
    }

    async fn body(&self, mut response: Response, started: Instant) -> Result<Bytes, SendError> {
        let is_gzip = is_gzip(&response);
        let mut body = BytesMut::new();
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
            if body.len() + chunk.len() > self.limits.body {
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
        let most = u64::try_from(self.limits.body).unwrap_or(u64::MAX);
        let read = MultiGzDecoder::new(file)
            .take(most.saturating_add(1))
            .read_to_end(&mut body);
        match read {
            Ok(_) if body.len() > self.limits.body => Err(self.too_large()),
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
            size(self.limits.body)
        ))
    }

    /// Says why no answer began.
    fn not_answered(&self, error: reqwest::Error, elapsed: Duration) -> SendError {
        let error = error.without_url();
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
                    seconds(self.limits.connect)
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
        SendError::Broken(if error.is_timeout() && elapsed >= self.limits.total {
            format!(
                "the answer was not complete within {}",
                seconds(self.limits.total)
            )
        } else if error.is_timeout() {
            format!(
                "the answer stopped after {} bytes and stayed silent for {}",
                grouped(bytes),
                seconds(self.limits.read)
            )
        } else if error.is_decode() && !is_cut(&error) {
            unreadable_after(bytes)
        } else {
            cut_off_after(bytes)
        })
    }

    /// The limit that a silent provider has passed.
    fn silence(&self, elapsed: Duration) -> Duration {
        if elapsed >= self.limits.total {
            self.limits.total
        } else {
            self.limits.read
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

fn unreadable_after(bytes: usize) -> String {
    format!(
        "the answer became unreadable after {} bytes",
        grouped(bytes)
    )
}

fn cut_off_after(bytes: usize) -> String {
    format!("the answer was cut off after {} bytes", grouped(bytes))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

type Dyn<'a> = &'a (dyn std::error::Error + 'static);

/// An error and all its causes; what an I/O error wraps is not among its sources.
fn causes(error: Dyn<'_>) -> impl Iterator<Item = Dyn<'_>> {
    std::iter::successors(Some(error), |error| {
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Some(wrapped as Dyn<'_>),
            None => error.source(),
        }
    })
}

fn is_io(error: Dyn<'_>, kind: io::ErrorKind) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == kind)
}

/// Whether the TLS layer refused its peer: it reports that, and nothing else, as invalid data while connecting.
fn is_refused_by_tls(error: &reqwest::Error) -> bool {
    error.is_connect() && is_io(error, io::ErrorKind::InvalidData)
}

fn is_cut(error: &reqwest::Error) -> bool {
    is_io(error, io::ErrorKind::UnexpectedEof)
}

/// The innermost cause, which is the one that names the fact.
fn cause(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(String::new, safe)
}

fn safe(error: &(impl fmt::Display + ?Sized)) -> String {
    clean(&redact(&error.to_string()))
}

fn seconds(limit: Duration) -> String {
    if limit.subsec_millis() == 0 {
        format!("{} s", limit.as_secs())
    } else {
        format!("{} ms", limit.as_millis())
    }
}

fn size(bytes: usize) -> String {
    if bytes.is_multiple_of(1 << 20) {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{} bytes", grouped(bytes))
    }
}

/// Digits in groups of three.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
