//! The list of symbols, which another host has than the bars.

use std::borrow::Cow;

use serde::Deserialize;

use super::describe::Feed;
use super::refusal;
use super::route::ASSETS;
use crate::model::calendar::CalendarId;
use crate::model::{Answer, Currency, ErrorClass, Listing, Request, Status};
use crate::pipeline::reading::{body, not_json, quoted, text};
use crate::pipeline::source::{Refusal, SymbolReading, SymbolWish};

/// Characters kept of a name.
const NAME: usize = 120;

/// The request for the list; there is no search.
pub(super) fn ask(feed: &Feed, wish: &SymbolWish) -> Result<Request, Refusal> {
    if let SymbolWish::Search(_) = wish {
        let text = "Alpaca has no search; its list of symbols is searched instead";
        return Err(Refusal::new(ErrorClass::BadRequest, text));
    }
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Ok(Request {
        source: feed.source().clone(),
        endpoint: ASSETS.to_owned(),
        parameters: vec![pair("status", "active"), pair("asset_class", "us_equity")],
        series: vec![],
        riders: vec![],
        page: 1,
    })
}

#[derive(Deserialize)]
struct Asset<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    exchange: Cow<'a, str>,
    #[serde(borrow, default)]
    status: Cow<'a, str>,
    #[serde(default)]
    tradable: bool,
}

/// Reads the list. What cannot be a symbol is left out.
pub(super) fn read(request: &Request, answer: &Answer) -> Result<SymbolReading, Refusal> {
    if let Some(refusal) = refusal::of(request, answer) {
        return Err(refusal);
    }
    let text = text(body(answer))?;
    let assets: Vec<Asset<'_>> =
        serde_json::from_str(text).map_err(|error| not_json(&error, text.len()))?;
    let mut listings: Vec<Listing> = assets.iter().filter_map(listing).collect();
    listings.sort_by(|one, other| one.symbol.cmp(&other.symbol));
    listings.dedup_by(|later, kept| later.symbol == kept.symbol);
    if listings.is_empty() {
        return Err(Refusal::new(ErrorClass::NoData, "the list is empty"));
    }
    Ok(SymbolReading::Listed(listings))
}

fn listing(asset: &Asset<'_>) -> Option<Listing> {
    let status = match asset.status.as_ref() {
        "inactive" => Status::Delisted,
        _ if !asset.tradable => Status::Halted,
        _ => Status::Active,
    };
    Some(Listing {
        name: quoted(&asset.name, NAME),
        exchange: quoted(&asset.exchange, NAME),
        kind: "Equity".to_owned(),
        calendar: Some(CalendarId::Xnys),
        currency: Some(Currency::usd()),
        status,
        ..Listing::of(asset.symbol.parse().ok()?)
    })
}
