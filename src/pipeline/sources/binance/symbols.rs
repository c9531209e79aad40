//! The list of pairs.

use serde::Deserialize;

use super::describe::ID;
use super::refusal;
use crate::model::calendar::CalendarId;
use crate::model::listing::Status;
use crate::model::{Answer, Currency, ErrorClass, Listing, Request, Symbol};
use crate::pipeline::reading::{self, not_json, quoted};
use crate::pipeline::source::{Refusal, SymbolReading, SymbolWish};

pub(super) const EXCHANGE_INFO: &str = "exchangeInfo";
/// Letters kept of a name.
const NAME: usize = 120;

/// Turns what is wanted into a request, or says why it cannot be sent.
pub(super) fn ask(wish: &SymbolWish) -> Result<Request, Refusal> {
    match wish {
        SymbolWish::List => Ok(Request {
            source: ID,
            endpoint: EXCHANGE_INFO.to_owned(),
            // Most of the answer otherwise.
            parameters: vec![("showPermissionSets".to_owned(), "false".to_owned())],
            series: vec![],
            riders: vec![],
            page: 1,
        }),
        SymbolWish::Search(_) => Err(Refusal::new(
            ErrorClass::BadRequest,
            "Binance has no search; its list of pairs is searched instead",
        )),
    }
}

/// What pairs are quoted in, of the assets that have been so, longest names first: of two with the same
/// end, the longer is meant.
const QUOTES: [&str; 34] = [
    "FDUSD", "AEUR", "BIDR", "BKRW", "BUSD", "BVND", "DOGE", "EURI", "IDRT", "TUSD", "USD1",
    "USDC", "USDP", "USDS", "USDT", "ARS", "AUD", "BNB", "BRL", "BTC", "COP", "CZK", "DAI", "ETH",
    "EUR", "GBP", "JPY", "MXN", "NGN", "PLN", "RUB", "TRY", "UAH", "ZAR",
];

/// What the prices of a pair are in, where its quote asset is a known one.
pub(super) fn currency(symbol: &Symbol) -> Option<Currency> {
    let base = |quote: &&&str| symbol.as_str().strip_suffix(**quote);
    let quote = QUOTES
        .iter()
        .find(|quote| base(quote).is_some_and(|base| !base.is_empty()))?;
    quote.parse().ok()
}

#[derive(Deserialize)]
struct ExchangeInfo {
    symbols: Vec<Pair>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pair {
    symbol: String,
    #[serde(default)]
    base_asset: String,
    #[serde(default)]
    quote_asset: String,
    #[serde(default)]
    status: String,
}

/// Reads the list. A pair whose name cannot be a symbol is left out.
pub(super) fn read(request: &Request, answer: &Answer) -> Result<SymbolReading, Refusal> {
    let body = reading::body(answer);
    if let Some(refusal) = refusal::refusal(answer.status, body, request) {
        return Err(refusal);
    }
    let text = reading::text(body)?;
    let info: ExchangeInfo =
        serde_json::from_str(text).map_err(|error| not_json(&error, text.len()))?;
    let listings: Vec<Listing> = info.symbols.iter().filter_map(listing).collect();
    if listings.is_empty() {
        return Err(Refusal::new(ErrorClass::NoData, "the list is empty"));
    }
    Ok(SymbolReading::Listed(listings))
}

fn listing(pair: &Pair) -> Option<Listing> {
    let name = format!("{} in {}", pair.base_asset, pair.quote_asset);
    // A pair that is no longer traded keeps its place in the list, in a break.
    let is_traded = pair.status == "TRADING";
    Some(Listing {
        name: quoted(&name, NAME),
        exchange: "Binance".to_owned(),
        kind: "Crypto".to_owned(),
        calendar: Some(CalendarId::Always),
        currency: pair.quote_asset.parse().ok(),
        status: if is_traded {
            Status::Active
        } else {
            Status::Halted
        },
        ..Listing::of(pair.symbol.parse().ok()?)
    })
}
