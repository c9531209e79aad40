//! Coinbase Exchange: spot markets that never close, without a key.
//!
//! ```text
//! plan      wish -> requests       pure: windows of at most 300 candles, both ends inclusive
//! read      answer -> bars         pure: candles newest first, as low, high, open, close
//! symbols   the list of products
//! ```

mod describe;
mod plan;
mod read;
mod refusal;
mod settings;
mod symbols;

use async_trait::async_trait;
use url::Url;
use uuid::Uuid;

pub use self::describe::DESCRIPTION;
pub use self::settings::SETTINGS;
use crate::config::SourceAccess;
use crate::model::adjustment::Rule;
use crate::model::{Answer, Bar, Interval, Request, Spoken};
use crate::pipeline::http::{Auth, Bounds, Client, ClientError};
use crate::pipeline::lane::Lane;
use crate::pipeline::source::{
    Asked, Description, Page, Pause, Planned, Policy, Refusal, SendError, Source, SymbolReading,
    SymbolSource, SymbolWish, Wish,
};
use crate::time::Clock;

/// Coinbase Exchange, or whatever stands in for it at the base URL.
#[derive(Debug)]
pub struct Coinbase {
    client: Client,
    policy: Policy,
}

impl Coinbase {
    /// Prepares a client of the exchange at `base_url`; nothing is sent yet.
    pub fn new(base_url: Url, clock: Clock) -> Result<Self, ClientError> {
        Ok(Self {
            client: Client::new(base_url, Auth::None, clock, Bounds::default())?,
            policy: describe::policy(&SETTINGS.plans.usual),
        })
    }
}

#[async_trait]
impl Source for Coinbase {
    fn describe(&self) -> &Description {
        &DESCRIPTION
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn plan(&self, wishes: &[Wish]) -> Planned {
        let now = self.client.now();
        Planned::each(wishes, |wish| plan::requests(wish, now))
    }

    fn rule(&self) -> Rule {
        Rule::CloseBefore
    }

    fn derived_from(&self, interval: Interval) -> Option<Interval> {
        plan::finer(interval)
    }

    fn rolls_up(&self, finer: Interval, coarser: Interval) -> bool {
        finer.adds_up_to(coarser)
    }

    async fn send(&self, request: &Request, attempt: Uuid) -> Result<Answer, SendError> {
        self.client.get(&SETTINGS.route(request), attempt).await
    }

    fn pause(&self) -> Option<Pause> {
        self.client.pause()
    }

    fn hold(&self, pause: Pause) {
        self.client.hold(pause);
    }

    fn read(&self, request: &Request, answer: &Answer) -> Result<Page, Refusal> {
        read::read(request, answer)
    }

    fn spoken(&self, asked: &Asked<'_>, bars: &[Bar]) -> Option<Spoken> {
        plan::spoken(asked, bars)
    }

    fn instead_of(&self, request: &Request) -> String {
        describe::instead_of(request)
    }

    fn symbols(&self) -> Option<&dyn SymbolSource> {
        Some(self)
    }
}

impl SymbolSource for Coinbase {
    fn ask_symbols(&self, wish: &SymbolWish) -> Result<Request, Refusal> {
        symbols::ask(wish)
    }

    fn read_symbols(&self, _request: &Request, answer: &Answer) -> Result<SymbolReading, Refusal> {
        symbols::read(answer)
    }
}

/// The lane of the exchange.
pub(super) fn lane(access: &SourceAccess, clock: &Clock) -> Result<Lane, String> {
    let address = access.addresses.first();
    let address = address.ok_or_else(|| format!("{} has no address", SETTINGS.words.name))?;
    let source =
        Coinbase::new(address.clone(), clock.clone()).map_err(|error| error.to_string())?;
    Ok(Lane::open(source, access))
}

#[cfg(test)]
mod tests;
