//! Alpha Vantage: builds requests, and tells bars from the many kinds of refusal.
//!
//! ```text
//! ask     series -> request          pure
//! read    answer -> bars | refusal   pure: refusal, then json or csv -> rows -> label
//! symbols the same for the list of symbols and the provider's search
//! ```

mod ask;
mod csv;
mod json;
mod label;
mod refusal;
mod rows;
mod settings;
mod symbols;

use async_trait::async_trait;
use chrono::TimeDelta;
use url::Url;
use uuid::Uuid;

use self::refusal::malformed;
pub use self::settings::SETTINGS;
use crate::config::Secret;
use crate::model::{Answer, Ask, SeriesKey, SymbolAsk, market};
use crate::pipeline::http::{Auth, Bounds, Client, ClientError};
use crate::pipeline::source::{
    BarSource, FetchOptions, Pause, Reading, Refusal, SendError, SymbolReading, SymbolWish,
};
use crate::time::Clock;

/// The provider Alpha Vantage, or whatever stands in for it at the base URL.
#[derive(Debug)]
pub struct AlphaVantage {
    client: Client,
    key_is_demo: bool,
    clock: Clock,
}

impl AlphaVantage {
    /// Prepares a client of the provider at `base_url`; nothing is sent yet.
    pub fn new(
        base_url: Url,
        key: Secret,
        key_is_demo: bool,
        clock: Clock,
    ) -> Result<Self, ClientError> {
        Self::with_bounds(base_url, key, key_is_demo, clock, Bounds::default())
    }

    /// As [`AlphaVantage::new`], with other bounds on time and size.
    pub fn with_bounds(
        base_url: Url,
        key: Secret,
        key_is_demo: bool,
        clock: Clock,
        bounds: Bounds,
    ) -> Result<Self, ClientError> {
        let auth = Auth::Query("apikey", key);
        Ok(Self {
            client: Client::new(base_url, auth, clock.clone(), bounds)?,
            key_is_demo,
            clock,
        })
    }
}

#[async_trait]
impl BarSource for AlphaVantage {
    fn ask(&self, series: &SeriesKey, options: &FetchOptions) -> Result<Ask, Refusal> {
        ask::refuse_future(options, self.clock.now())?;
        ask::ask(series, options, self.key_is_demo)
    }

    async fn send(&self, query: &[(String, String)], attempt: Uuid) -> Result<Answer, SendError> {
        self.client.get("", query, attempt).await
    }

    fn pause(&self) -> Option<Pause> {
        self.client.pause()
    }

    fn read(&self, ask: &Ask, answer: &Answer) -> Result<Reading, Refusal> {
        read(ask, answer)
    }

    fn ask_symbols(&self, wish: &SymbolWish) -> Result<SymbolAsk, Refusal> {
        symbols::ask(wish, self.key_is_demo)
    }

    fn read_symbols(&self, ask: &SymbolAsk, answer: &Answer) -> Result<SymbolReading, Refusal> {
        symbols::read(ask, answer)
    }
}

/// Reads an answer: bars, or the class of refusal. Content types are ignored: the provider sends
/// refusals as JSON whatever was requested.
pub fn read(ask: &Ask, answer: &Answer) -> Result<Reading, Refusal> {
    let text = body(answer)?;
    let reading = match text.as_bytes().first() {
        Some(b'{') => json::read(text, answer.status, ask),
        _ if !(200..300).contains(&answer.status) => Err(malformed(format!(
            "the provider answered HTTP {} without saying why",
            answer.status
        ))),
        Some(_) => csv::read(text, ask),
        None => Err(malformed("the answer is empty")),
    };
    let mut reading = reading?;
    let asked_at = answer.received_at - TimeDelta::milliseconds(answer.elapsed_ms.into());
    // Oldest first: before the newest bar that had ended, all had.
    for bar in reading.bars.iter_mut().rev() {
        bar.is_final = market::period_end(ask.series.interval, bar) <= asked_at;
        if bar.is_final {
            break;
        }
    }
    Ok(reading)
}

/// The text of an answer, unless its status or its first byte shows a failure.
fn body(answer: &Answer) -> Result<&str, Refusal> {
    let body = answer
        .body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&answer.body);
    let body = body.trim_ascii_start();
    if let Some(refusal) = refusal::by_status(answer.status, body) {
        return Err(refusal);
    }
    std::str::from_utf8(body).map_err(|_| malformed("the answer is not UTF-8 text"))
}

#[cfg(test)]
mod tests;
