//! Binance's dialect: klines and the list of symbols, without a key, paid for by weight.

mod klines;
mod period;
mod refusal;
mod symbols;
mod weight;

use hyper::StatusCode;
use hyper::header::{HeaderName, RETRY_AFTER};

use self::klines::Ask;
use self::refusal::Refusal;
use self::symbols::SYMBOLS;
use self::weight::{Denied, Weights};
use crate::simulate::assets::Listing;
use crate::simulate::dialect::{Refused, Twist};
use crate::simulate::pair::Pair;
use crate::simulate::plan::Plan;
use crate::simulate::query::Query;
use crate::simulate::reply::Reply;
use crate::simulate::speak::{Asked, Setup, Speak};

/// The type of every body.
const JSON: &str = "application/json;charset=UTF-8";
/// What the requests weigh.
const KLINES: u32 = 2;
const INFO: u32 = 20;
/// What was used in this minute, by its two names.
const USED: [HeaderName; 2] = [
    HeaderName::from_static("x-mbx-used-weight"),
    HeaderName::from_static("x-mbx-used-weight-1m"),
];
/// Stops for maintenance, in seconds: of a day and a half in 2018, six hours in 2019, one in 2020.
const STOPS: [(i64, i64); 3] = [
    (1_518_049_680, klines::RESTART),
    (1_552_356_000, 1_552_377_600),
    (1_606_716_000, 1_606_719_600),
];

/// What answers requests.
#[derive(Debug)]
struct Binance {
    setup: Setup,
    weights: Weights,
}

/// Who speaks it.
pub(super) fn speaker(setup: Setup) -> Box<dyn Speak> {
    Box::new(Binance {
        setup,
        weights: Weights::default(),
    })
}

impl Speak for Binance {
    fn symbols(&self, asked: &Asked) -> Vec<String> {
        let symbol = asked.query.get("symbol");
        let is_named = !symbol.is_empty();
        is_named.then(|| symbol.to_owned()).into_iter().collect()
    }

    fn twists(&self) -> &'static [Twist] {
        &[Twist::NoRows, Twist::BadRow, Twist::WrongInterval]
    }

    fn answer(&self, asked: &Asked, twist: Option<Twist>) -> Reply {
        let weight = match asked.path.as_str() {
            "/api/v3/klines" => KLINES,
            "/api/v3/exchangeInfo" => INFO,
            _ => return Reply::new("404", StatusCode::NOT_FOUND, "text/html", ""),
        };
        let now = self.setup.clock.now();
        let is_limited = self.setup.plan != Plan::Unlimited;
        let (used, denied) = self.weights.take(now, weight, is_limited);
        let answer = match denied {
            Some(denied) => Err(Refusal::Denied(denied)),
            None if weight == KLINES => self.klines(&asked.query, twist),
            None => self.info(&asked.query, twist),
        };
        let reply = answer.unwrap_or_else(|refusal| refusal.reply(now));
        let [one, other] = USED;
        let used = used.to_string();
        reply.with(one, &used).with(other, &used)
    }

    fn refuse(&self, _: &Asked, refused: Refused) -> Option<Reply> {
        let now = self.setup.clock.now();
        let refusal = match refused {
            Refused::Burst | Refused::Minute => Refusal::Denied(Denied::until_next_minute(now)),
            Refused::Banned => Refusal::Denied(Denied::first_ban(now)),
            Refused::Location => Refusal::Location,
            Refused::Invalid => Refusal::Symbol,
            Refused::Internal => Refusal::Overload,
            _ => return None,
        };
        Some(refusal.reply(now))
    }

    fn notice(&self, text: &str) -> Reply {
        Refusal::Other(text.to_owned()).reply(self.setup.clock.now())
    }
}

impl Binance {
    fn klines(&self, query: &Query, twist: Option<Twist>) -> Result<Reply, Refusal> {
        let mut ask = Ask::read(query)?;
        let listing = symbols::of(ask.symbol)?;
        let pair = self.pair(listing).ok_or(Refusal::Symbol)?;
        if twist == Some(Twist::WrongInterval) {
            ask = ask.of_other_length();
        }
        let now = self
            .setup
            .market
            .known_at(ask.symbol, self.setup.clock.now());
        let mut rows = ask.rows(&pair, now.timestamp());
        match twist {
            Some(Twist::NoRows) => rows.clear(),
            Some(Twist::BadRow) => klines::spoil(&mut rows),
            _ => {}
        }
        Ok(klines::reply(&rows))
    }

    fn info(&self, query: &Query, twist: Option<Twist>) -> Result<Reply, Refusal> {
        let wanted: Vec<&Listing> = match query.get("symbol") {
            _ if twist == Some(Twist::NoRows) => Vec::new(),
            "" => SYMBOLS.iter().collect(),
            symbol => vec![symbols::of(symbol)?],
        };
        Ok(symbols::info(&wanted, self.setup.clock.now()))
    }

    fn pair(&self, listing: &Listing) -> Option<Pair> {
        let market = &self.setup.market;
        let planted = market.planted(listing.symbol);
        let mut pair = Pair::new(market.seed, "binance", listing, planted)?;
        for (start, end) in STOPS {
            pair.stop(start..end);
        }
        Some(pair)
    }
}

/// The answer after a number of seconds.
fn after(reply: Reply, seconds: i64) -> Reply {
    reply.with(RETRY_AFTER, &seconds.to_string())
}
