//! Coinbase Exchange's dialect: candles and the list of products, without a key.

mod candles;
mod products;

use hyper::StatusCode;
use serde_json::json;

use self::candles::Ask;
use self::products::PRODUCTS;
use crate::simulate::assets::Listing;
use crate::simulate::bucket::Bucket;
use crate::simulate::dialect::{Refused, Twist};
use crate::simulate::pair::Pair;
use crate::simulate::plan::Plan;
use crate::simulate::reply::Reply;
use crate::simulate::speak::{Asked, Setup, Speak};

/// The type of every body.
const JSON: &str = "application/json; charset=utf-8";
/// Requests at once from one address, and requests a second.
const BURST: f64 = 15.0;
const A_SECOND: f64 = 10.0;

/// What answers requests.
#[derive(Debug)]
struct Coinbase {
    setup: Setup,
    bucket: Bucket,
}

/// Who speaks it.
pub(super) fn speaker(setup: Setup) -> Box<dyn Speak> {
    Box::new(Coinbase {
        setup,
        bucket: Bucket::new(BURST, A_SECOND),
    })
}

/// What a path stands for.
enum Wanted<'a> {
    Products,
    Candles(&'a str),
    Unknown,
}

impl<'a> Wanted<'a> {
    fn of(path: &'a str) -> Self {
        match path.split('/').collect::<Vec<_>>()[..] {
            ["", "products"] => Self::Products,
            ["", "products", id, "candles"] => Self::Candles(id),
            _ => Self::Unknown,
        }
    }
}

impl Speak for Coinbase {
    fn symbols(&self, asked: &Asked) -> Vec<String> {
        match Wanted::of(&asked.path) {
            Wanted::Candles(id) => vec![id.to_owned()],
            _ => Vec::new(),
        }
    }

    fn twists(&self) -> &'static [Twist] {
        &[Twist::NoRows, Twist::BadRow, Twist::WrongInterval]
    }

    fn answer(&self, asked: &Asked, twist: Option<Twist>) -> Reply {
        self.simulated(asked, twist)
            .unwrap_or_else(|refusal| refusal.reply())
    }

    fn refuse(&self, _: &Asked, refused: Refused) -> Option<Reply> {
        let refusal = match refused {
            Refused::Burst => Refusal::Limited,
            Refused::Invalid => Refusal::Unknown,
            Refused::Internal => Refusal::Internal,
            _ => return None,
        };
        Some(refusal.reply())
    }

    fn notice(&self, text: &str) -> Reply {
        message("", 200, text)
    }
}

impl Coinbase {
    /// Checks in the provider's order: limit, path, product, parameters.
    fn simulated(&self, asked: &Asked, twist: Option<Twist>) -> Result<Reply, Refusal> {
        let now = self.setup.clock.now();
        if self.setup.plan != Plan::Unlimited && self.bucket.take(now).is_none() {
            return Err(Refusal::Limited);
        }
        let id = match Wanted::of(&asked.path) {
            Wanted::Products if twist == Some(Twist::NoRows) => return Ok(products::list(&[])),
            Wanted::Products => return Ok(products::list(&PRODUCTS)),
            Wanted::Candles(id) => id,
            Wanted::Unknown => return Err(Refusal::Unknown),
        };
        let product = PRODUCTS.iter().find(|product| product.symbol == id);
        let pair = product.and_then(|product| self.pair(product));
        let pair = pair.ok_or(Refusal::Unknown)?;
        let mut ask = Ask::read(&asked.query).map_err(Refusal::Bad)?;
        if twist == Some(Twist::WrongInterval) {
            ask = ask.of_other_length();
        }
        let known_at = self.setup.market.known_at(id, now).timestamp();
        let early = self.setup.market.draw(id, ask.start()) % 4;
        let mut rows = ask.rows(&pair, known_at, early);
        match twist {
            Some(Twist::NoRows) => rows.clear(),
            Some(Twist::BadRow) => candles::spoil(&mut rows),
            _ => {}
        }
        Ok(candles::reply(&rows))
    }

    fn pair(&self, product: &Listing) -> Option<Pair> {
        let market = &self.setup.market;
        let planted = market.planted(product.symbol);
        Pair::new(market.seed, "coinbase", product, planted)
    }
}

/// Why a request gets no data.
enum Refusal {
    Limited,
    Unknown,
    Bad(String),
    Internal,
}

impl Refusal {
    /// The answer in the provider's words.
    fn reply(&self) -> Reply {
        match self {
            Self::Limited => message("burst", 429, "Public rate limit exceeded"),
            Self::Unknown => message("invalid", 404, "NotFound"),
            Self::Bad(text) => message("invalid", 400, text),
            Self::Internal => message("internal", 500, "Internal server error"),
        }
    }
}

/// A text in the provider's layout.
fn message(outcome: &str, status: u16, text: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or_default();
    Reply::new(
        outcome,
        status,
        JSON,
        json!({ "message": text }).to_string(),
    )
}
