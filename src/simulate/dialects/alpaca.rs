//! Alpaca's dialect: bars of many companies page by page, corporate actions, assets and calendar;
//! a key of two values, and recent bars of the consolidated tape for those who pay.

mod actions;
mod assets;
mod bars;
mod name;
mod page;
mod parameters;
mod refusal;
mod tape;
mod timeframe;

use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::Value;

use self::bars::Ask;
use self::refusal::{JSON, Refusal};
use crate::simulate::bucket::Bucket;
use crate::simulate::dialect::{Refused, Twist};
use crate::simulate::noise::nearest;
use crate::simulate::plan::Plan;
use crate::simulate::reply::Reply;
use crate::simulate::speak::{Asked, Setup, Speak};

/// The two values of a key.
const KEY: [&str; 2] = ["apca-api-key-id", "apca-api-secret-key"];
/// How the ids of keys begin: of paper accounts, and of others.
const IDS: [&str; 2] = ["PK", "AK"];
/// Requests a minute, also at once, of a free and of a paid plan.
const FREE_A_MINUTE: f64 = 200.0;
const PAID_A_MINUTE: f64 = 10_000.0;
const MINUTE: f64 = 60.0;

/// What answers requests.
#[derive(Debug)]
struct Alpaca {
    setup: Setup,
    a_minute: f64,
    bucket: Bucket,
}

/// Who speaks it.
pub(super) fn speaker(setup: Setup) -> Box<dyn Speak> {
    let a_minute = if is_free(setup.plan) {
        FREE_A_MINUTE
    } else {
        PAID_A_MINUTE
    };
    Box::new(Alpaca {
        setup,
        a_minute,
        bucket: Bucket::new(a_minute, a_minute / MINUTE),
    })
}

/// Whether a plan has no recent bars.
fn is_free(plan: Plan) -> bool {
    matches!(plan, Plan::Demo | Plan::Free)
}

impl Speak for Alpaca {
    fn symbols(&self, asked: &Asked) -> Vec<String> {
        let symbols = asked.query.get("symbols").split(',');
        let symbols = symbols.filter(|symbol| !symbol.is_empty());
        symbols.map(str::to_owned).collect()
    }

    fn twists(&self) -> &'static [Twist] {
        Twist::ALL
    }

    fn answer(&self, asked: &Asked, twist: Option<Twist>) -> Reply {
        self.simulated(asked, twist)
            .unwrap_or_else(|refusal| refusal.reply())
    }

    fn refuse(&self, asked: &Asked, refused: Refused) -> Option<Reply> {
        let refusal = match refused {
            Refused::Burst | Refused::Minute => Refusal::Limited,
            Refused::BadKey => Refusal::Key,
            Refused::Premium => Refusal::Recent,
            Refused::Invalid => {
                let symbols = self.symbols(asked).into_iter();
                Refusal::Symbol(symbols.last().unwrap_or_default())
            }
            Refused::Internal => Refusal::Internal,
            _ => return None,
        };
        Some(refusal.reply())
    }

    fn notice(&self, text: &str) -> Reply {
        Refusal::Other(text.to_owned()).reply()
    }
}

impl Alpaca {
    /// Checks in the provider's order: key, limit, path, parameters.
    fn simulated(&self, asked: &Asked, twist: Option<Twist>) -> Result<Reply, Refusal> {
        if !is_key(&asked.headers) {
            return Err(Refusal::Key);
        }
        let now = self.setup.clock.now();
        let left = self.bucket.take(now);
        if left.is_none() && self.setup.plan != Plan::Unlimited {
            return Err(Refusal::Limited);
        }
        let reply = self.data(asked, twist)?;
        let missing = self.a_minute - left.unwrap_or(0.0);
        let full_again = now.timestamp() + nearest(missing / self.a_minute * MINUTE);
        let number = |value: f64| nearest(value.floor()).to_string();
        Ok(reply
            .with(
                HeaderName::from_static("x-ratelimit-limit"),
                &number(self.a_minute),
            )
            .with(
                HeaderName::from_static("x-ratelimit-remaining"),
                &number(left.unwrap_or(0.0)),
            )
            .with(
                HeaderName::from_static("x-ratelimit-reset"),
                &full_again.to_string(),
            ))
    }

    fn data(&self, asked: &Asked, twist: Option<Twist>) -> Result<Reply, Refusal> {
        let (market, query) = (&self.setup.market, &asked.query);
        let now = self.setup.clock.now();
        let is_emptied = twist == Some(Twist::NoRows);
        match asked.path.as_str() {
            "/v2/stocks/bars" => {
                let ask = Ask::read(query, now)?;
                if is_free(self.setup.plan) && ask.is_recent(now) {
                    return Err(Refusal::Recent);
                }
                Ok(ask
                    .twisted(twist)
                    .page(market, now)
                    .twisted(twist, query)
                    .reply())
            }
            "/v1/corporate-actions" => actions::page(market, query, now, is_emptied),
            "/v2/assets" => Ok(json(&assets::list(market.seed, query, is_emptied))),
            "/v2/calendar" => Ok(json(&assets::calendar(market, query, now)?)),
            _ => Err(Refusal::Path),
        }
    }
}

/// Whether a request has a key: both values, and an id that could be one.
fn is_key(headers: &HeaderMap) -> bool {
    let [id, secret] = KEY.map(|name| headers.get(name).and_then(|value| value.to_str().ok()));
    let is_id = id.is_some_and(|id| IDS.iter().any(|start| id.starts_with(start)));
    is_id && secret.is_some_and(|secret| !secret.is_empty())
}

/// An answer with data.
fn json(body: &Value) -> Reply {
    Reply::new("data", StatusCode::OK, JSON, body.to_string())
}
