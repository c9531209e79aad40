//! The list of products.

use serde::Deserialize;

use super::describe::ID;
use super::refusal;
use crate::model::calendar::CalendarId;
use crate::model::{Answer, Currency, ErrorClass, Listing, Request, Status, Symbol};
use crate::pipeline::reading::{self, not_json, quoted};
use crate::pipeline::source::{Refusal, SymbolReading, SymbolWish};

pub(super) const PRODUCTS: &str = "products";
/// Letters kept of a name.
const NAME: usize = 120;

/// Turns what is wanted into a request, or says why it cannot be sent.
pub(super) fn ask(wish: &SymbolWish) -> Result<Request, Refusal> {
    match wish {
        SymbolWish::List => Ok(request()),
        SymbolWish::Search(_) => Err(Refusal::new(
            ErrorClass::BadRequest,
            "Coinbase has no search; its list of products is searched instead",
        )),
    }
}

fn request() -> Request {
    Request {
        source: ID,
        endpoint: PRODUCTS.to_owned(),
        parameters: vec![],
        series: vec![],
        riders: vec![],
        page: 1,
    }
}

/// What the prices of a product are in: its second half.
pub(super) fn currency(symbol: &Symbol) -> Option<Currency> {
    let (_, quote) = symbol.as_str().split_once('-')?;
    quote.parse().ok()
}

#[derive(Deserialize)]
struct Product {
    id: String,
    #[serde(default)]
    base_currency: String,
    #[serde(default)]
    quote_currency: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    trading_disabled: bool,
}

/// Reads the list. A product whose name cannot be a symbol is left out.
pub(super) fn read(answer: &Answer) -> Result<SymbolReading, Refusal> {
    let body = reading::body(answer);
    if let Some(refusal) = refusal::refusal(answer.status, body, &request()) {
        return Err(refusal);
    }
    let text = reading::text(body)?;
    let products: Vec<Product> =
        serde_json::from_str(text).map_err(|error| not_json(&error, text.len()))?;
    let listings: Vec<Listing> = products.iter().filter_map(listing).collect();
    if listings.is_empty() {
        return Err(Refusal::new(ErrorClass::NoData, "the list is empty"));
    }
    Ok(SymbolReading::Listed(listings))
}

fn listing(product: &Product) -> Option<Listing> {
    let status = match product.status.as_str() {
        "delisted" => Status::Delisted,
        _ if product.trading_disabled => Status::Halted,
        _ => Status::Active,
    };
    Some(Listing {
        name: quoted(
            &format!("{} in {}", product.base_currency, product.quote_currency),
            NAME,
        ),
        exchange: "Coinbase".to_owned(),
        kind: "Crypto".to_owned(),
        calendar: Some(CalendarId::Always),
        currency: product.quote_currency.parse().ok(),
        status,
        ..Listing::of(product.id.parse().ok()?)
    })
}
