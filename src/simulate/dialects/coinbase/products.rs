//! What is traded at Coinbase.

use serde_json::{Value, json};

use crate::simulate::assets::{Asset, Listing};
use crate::simulate::reply::Reply;

const fn product(
    symbol: &'static str,
    base: &'static str,
    since: (i32, u32, u32),
    until: Option<(i32, u32, u32)>,
) -> Listing {
    Listing {
        symbol,
        base,
        quote: "USD",
        since,
        until,
    }
}

/// The products; `FARM-USD` hardly trades, and `LUNA-USD` no more.
pub(super) const PRODUCTS: [Listing; 15] = [
    product("BTC-USD", "BTC", (2015, 7, 20), None),
    product("ETH-USD", "ETH", (2016, 5, 18), None),
    product("LTC-USD", "LTC", (2016, 8, 17), None),
    product("BCH-USD", "BCH", (2017, 12, 20), None),
    product("ETC-USD", "ETC", (2018, 8, 7), None),
    product("LINK-USD", "LINK", (2019, 6, 27), None),
    product("ZEC-USD", "ZEC", (2020, 12, 8), None),
    product("ADA-USD", "ADA", (2021, 3, 18), None),
    product("DOGE-USD", "DOGE", (2021, 6, 3), None),
    product("DOT-USD", "DOT", (2021, 6, 16), None),
    product("SOL-USD", "SOL", (2021, 6, 17), None),
    product("AVAX-USD", "AVAX", (2021, 9, 30), None),
    product("XRP-USD", "XRP", (2023, 7, 13), None),
    product("FARM-USD", "FARM", (2021, 8, 26), None),
    product("LUNA-USD", "LUNA", (2021, 8, 5), Some((2022, 5, 27))),
];

/// The list of some products.
pub(super) fn list(products: &[Listing]) -> Reply {
    let rows: Vec<Value> = products.iter().filter_map(row).collect();
    let body = Value::Array(rows).to_string();
    Reply::new("data", hyper::StatusCode::OK, super::JSON, body)
}

fn row(product: &Listing) -> Option<Value> {
    let decimals = Asset::named(product.base)?.decimals;
    let increment = format!(
        "{:.*}",
        decimals as usize,
        10_f64.powf(-f64::from(decimals))
    );
    let is_traded = product.until.is_none();
    Some(json!({
        "id": product.symbol,
        "base_currency": product.base,
        "quote_currency": product.quote,
        "quote_increment": increment,
        "base_increment": "0.00000001",
        "display_name": format!("{}/{}", product.base, product.quote),
        "min_market_funds": "1",
        "margin_enabled": false,
        "post_only": false,
        "limit_only": false,
        "cancel_only": !is_traded,
        "status": if is_traded { "online" } else { "delisted" },
        "status_message": "",
        "trading_disabled": !is_traded,
        "fx_stablecoin": false,
        "max_slippage_percentage": "0.02000000",
        "auction_mode": false,
        "high_bid_limit_percentage": "",
    }))
}
