//! What is traded at Binance.

use chrono::{DateTime, Utc};
use hyper::StatusCode;
use serde_json::{Value, json};

use super::JSON;
use super::refusal::Refusal;
use super::weight::LIMIT;
use crate::simulate::assets::Listing;
use crate::simulate::reply::Reply;

/// The letters of a symbol, as a refusal names them, and how many there may be.
const LETTERS: &str = "^[A-Z0-9-_.]{1,20}$";
const MOST_LETTERS: usize = 20;

const fn symbol(
    symbol: &'static str,
    base: &'static str,
    since: (i32, u32, u32),
    until: Option<(i32, u32, u32)>,
) -> Listing {
    Listing {
        symbol,
        base,
        quote: "USDT",
        since,
        until,
    }
}

/// The symbols; `FARMUSDT` hardly trades, and `LUNAUSDT` no more.
pub(super) const SYMBOLS: [Listing; 15] = [
    symbol("BTCUSDT", "BTC", (2017, 8, 17), None),
    symbol("ETHUSDT", "ETH", (2017, 8, 17), None),
    symbol("LTCUSDT", "LTC", (2017, 12, 13), None),
    symbol("ADAUSDT", "ADA", (2018, 4, 17), None),
    symbol("XRPUSDT", "XRP", (2018, 5, 4), None),
    symbol("ETCUSDT", "ETC", (2018, 6, 12), None),
    symbol("LINKUSDT", "LINK", (2019, 1, 16), None),
    symbol("ZECUSDT", "ZEC", (2019, 3, 21), None),
    symbol("DOGEUSDT", "DOGE", (2019, 7, 5), None),
    symbol("BCHUSDT", "BCH", (2019, 11, 28), None),
    symbol("SOLUSDT", "SOL", (2020, 8, 11), None),
    symbol("DOTUSDT", "DOT", (2020, 8, 18), None),
    symbol("AVAXUSDT", "AVAX", (2020, 9, 22), None),
    symbol("FARMUSDT", "FARM", (2021, 8, 12), None),
    symbol("LUNAUSDT", "LUNA", (2020, 8, 21), Some((2022, 5, 13))),
];

/// The listing of a symbol.
pub(super) fn of(symbol: &str) -> Result<&'static Listing, Refusal> {
    let fits =
        |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if symbol.len() > MOST_LETTERS || !symbol.bytes().all(fits) {
        return Err(Refusal::Letters("symbol", LETTERS));
    }
    let listing = SYMBOLS.iter().find(|listing| listing.symbol == symbol);
    listing.ok_or(Refusal::Symbol)
}

/// The rules of the exchange, with some symbols.
pub(super) fn info(listings: &[&Listing], now: DateTime<Utc>) -> Reply {
    let symbols: Vec<Value> = listings.iter().map(|listing| row(listing)).collect();
    let body = json!({
        "timezone": "UTC",
        "serverTime": now.timestamp_millis(),
        "rateLimits": [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": LIMIT,
            },
            {
                "rateLimitType": "RAW_REQUESTS",
                "interval": "MINUTE",
                "intervalNum": 5,
                "limit": 61_000,
            },
        ],
        "exchangeFilters": [],
        "symbols": symbols,
    });
    Reply::new("data", StatusCode::OK, JSON, body.to_string())
}

fn row(listing: &Listing) -> Value {
    json!({
        "symbol": listing.symbol,
        "status": if listing.until.is_none() { "TRADING" } else { "BREAK" },
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": listing.until.is_none(),
        "isMarginTradingAllowed": false,
        "permissions": [],
    })
}
