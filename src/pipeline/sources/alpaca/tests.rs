//! Tests of Alpaca without a network: requests, answers, refusals.

mod actions;
mod answers;
mod plans;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::*;
use crate::model::{ErrorClass, SeriesKey, SourceId, Span};
use crate::pipeline::source::{Hours, Range};

/// Friday, 15:55:30 in New York.
const NOW: &str = "2026-11-20T20:55:30Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn span(from: &str, to: &str) -> Span {
    Span::new(at(from), at(to))
}

fn source_at(feed: &'static Feed, plan: &str, now: &str) -> Alpaca {
    let plan = SETTINGS.plans.named(plan).unwrap();
    let nowhere: Url = "http://127.0.0.1:9/".parse().unwrap();
    let clock = Clock::fixed(at(now));
    let addresses = (nowhere.clone(), nowhere);
    Alpaca::new(feed, addresses, &[], &clock).unwrap().on(&plan)
}

/// With a key that is known to lack the newest minutes.
fn free_at(now: &str) -> Alpaca {
    let source = source_at(&SIP, "free", now);
    source.know(&[withheld()]);
    source
}

fn free() -> Alpaca {
    free_at(NOW)
}

/// What the store remembers of such a key.
fn withheld() -> Entitlement {
    Entitlement {
        endpoint: plan::ENDPOINT.to_owned(),
        parameter: refusal::END.to_owned(),
        granted: false,
        message: None,
    }
}

fn series(symbol: &str, interval: Interval) -> SeriesKey {
    SeriesKey {
        source: SourceId::known("alpaca"),
        ..SeriesKey::raw(symbol.parse().unwrap(), interval)
    }
}

fn wish(symbol: &str, interval: Interval, missing: &[Span]) -> Wish {
    Wish {
        range: Range::Missing(missing.to_vec()),
        ..Wish::newest(series(symbol, interval))
    }
}

fn between(symbol: &str, interval: Interval, time: Span) -> Wish {
    Wish {
        range: Range::Between(time),
        ..Wish::newest(series(symbol, interval))
    }
}

/// The one request for a wish.
fn request(wish: Wish) -> Request {
    let planned = free().plan(&[wish]);
    assert_eq!(planned.refused, []);
    let [request] = planned.requests.try_into().unwrap();
    request
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        content_type: None,
        body: Bytes::copy_from_slice(body.as_bytes()),
        received_at: at(NOW),
        elapsed_ms: 0,
        stated: None,
    }
}
