//! How replies are sent to the client, and the ways in which they do not arrive.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::HeaderValue;
use tokio::time::{Sleep, sleep};

use super::reply::{Delivery, Reply, size};

/// Pieces of a dripping body per second.
const DRIPS_A_SECOND: u32 = 10;
/// How long the server waits before it cuts a connection, so that what was sent before arrives.
const BEFORE_CUT: Duration = Duration::from_millis(30);

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the simulator drops this connection")]
pub(super) struct Dropped;

/// Sends a reply as its delivery requires.
pub(super) async fn deliver(reply: Reply) -> Result<Response<WireBody>, Dropped> {
    match reply.delivery {
        Delivery::Slow(delay) => sleep(delay).await,
        Delivery::Silent => pending().await,
        Delivery::Reset => return Err(Dropped),
        Delivery::Plain | Delivery::Drip(_) | Delivery::Stall | Delivery::Cut(_) => {}
    }
    let body = WireBody::new(reply.body, &reply.delivery);
    let mut response = Response::new(body);
    *response.status_mut() = reply.status;
    for (name, value) in reply.headers {
        let value = HeaderValue::from_str(&value).map_err(|_| Dropped)?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// What follows the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Clean,
    Nothing,
    Break,
}

/// A body that may be slow, or shorter than promised.
#[derive(Debug)]
pub(super) struct WireBody {
    rest: Bytes,
    /// Bytes that the headers promise and that were not sent yet.
    promised: u64,
    chunk: usize,
    pause: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    end: End,
}

impl WireBody {
    fn new(mut body: Bytes, delivery: &Delivery) -> Self {
        let promised = size(body.len());
        let (mut chunk, mut pause, mut end) = (usize::MAX, Duration::ZERO, End::Clean);
        match *delivery {
            Delivery::Drip(bytes_a_second) => {
                let drops = bytes_a_second.clamp(1, DRIPS_A_SECOND);
                chunk = usize::try_from(bytes_a_second / drops).unwrap_or(1).max(1);
                pause = Duration::from_secs(1) / drops;
            }
            Delivery::Stall => {
                body.clear();
                end = End::Nothing;
            }
            Delivery::Cut(bytes) if bytes < body.len() => {
                body.truncate(bytes);
                pause = BEFORE_CUT;
                end = End::Break;
            }
            _ => {}
        }
        // With nothing to send before it, the cut itself has to wait for the headers to leave.
        let timer = (end == End::Break && body.is_empty()).then(|| Box::pin(sleep(pause)));
        Self {
            rest: body,
            promised,
            chunk,
            pause,
            timer,
            end,
        }
    }
}

impl Body for WireBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(timer) = &mut self.timer {
            ready!(timer.as_mut().poll(context));
            self.timer = None;
        }
        if self.rest.is_empty() {
            return match self.end {
                End::Clean => Poll::Ready(None),
                End::Nothing => Poll::Pending,
                End::Break => Poll::Ready(Some(Err(io::Error::other(Dropped)))),
            };
        }
        let length = self.chunk.min(self.rest.len());
        let data = self.rest.split_to(length);
        self.promised = self.promised.saturating_sub(size(length));
        if !self.pause.is_zero() {
            self.timer = Some(Box::pin(sleep(self.pause)));
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.end == End::Clean && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
