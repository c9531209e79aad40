//! Binance: spot markets that never close, from the public mirror, without a key.
//!
//! ```text
//! plan      wish -> requests       pure: windows of at most 1000 rows, both ends inclusive
//! read      answer -> bars         pure: rows of twelve places, the oldest first
//! symbols   the list of pairs
//! ```

mod describe;
mod plan;
mod read;
mod refusal;
mod settings;
mod symbols;

use async_trait::async_trait;
use reqwest::header::HeaderName;
use url::Url;
use uuid::Uuid;

pub use self::describe::DESCRIPTION;
pub use self::settings::SETTINGS;
use crate::config::SourceAccess;
use crate::model::adjustment::Rule;
use crate::model::{Answer, Bar, Interval, Request, Spoken};
use crate::pipeline::http::{Auth, Bounds, Client, ClientError, Meter};
use crate::pipeline::lane::Lane;
use crate::pipeline::source::{
    Asked, Description, Page, Pause, Planned, Policy, Refusal, SendError, Source, SymbolReading,
    SymbolSource, SymbolWish, Wish,
};
use crate::time::Clock;

/// The weight of the requests of a minute, as the provider counts them for this address.
const USED: HeaderName = HeaderName::from_static("x-mbx-used-weight-1m");
/// Four fifths of what it allows: others may use the same address.
const MOST_WEIGHT: u64 = 4_800;
/// What a request for bars weighs.
const WEIGHT: u64 = 2;
/// The list of pairs is larger than any answer with bars.
const MOST_BYTES: usize = 48 << 20;

/// Binance's market data, or whatever stands in for it at the base URL.
#[derive(Debug)]
pub struct Binance {
    client: Client,
    policy: Policy,
}

impl Binance {
    /// Prepares a client of the exchange at `base_url`; nothing is sent yet.
    pub fn new(base_url: Url, clock: Clock) -> Result<Self, ClientError> {
        let bounds = Bounds {
            body: MOST_BYTES,
            ..Bounds::default()
        };
        let meter = Meter {
            header: USED,
            most: MOST_WEIGHT,
            weight: WEIGHT,
        };
        Ok(Self {
            client: Client::new(base_url, Auth::None, clock, bounds)?.metered(meter),
            policy: describe::policy(&SETTINGS.plans.usual),
        })
    }
}

#[async_trait]
impl Source for Binance {
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

    fn rolls_up(&self, finer: Interval, coarser: Interval) -> bool {
        finer.adds_up_to(coarser)
    }

    async fn send(&self, request: &Request, attempt: Uuid) -> Result<Answer, SendError> {
        let answer = self.client.get(&SETTINGS.route(request), attempt).await?;
        if let Some(pause) = refusal::ban(request, &answer) {
            self.client.hold(pause);
        }
        Ok(answer)
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

    fn before(&self, request: &Request) -> Option<Request> {
        plan::before(request)
    }

    fn instead_of(&self, request: &Request) -> String {
        describe::instead_of(request)
    }

    fn symbols(&self) -> Option<&dyn SymbolSource> {
        Some(self)
    }
}

impl SymbolSource for Binance {
    fn ask_symbols(&self, wish: &SymbolWish) -> Result<Request, Refusal> {
        symbols::ask(wish)
    }

    fn read_symbols(&self, request: &Request, answer: &Answer) -> Result<SymbolReading, Refusal> {
        symbols::read(request, answer)
    }
}

/// The lane of the exchange.
pub(super) fn lane(access: &SourceAccess, clock: &Clock) -> Result<Lane, String> {
    let address = access.addresses.first();
    let address = address.ok_or_else(|| format!("{} has no address", SETTINGS.words.name))?;
    let source = Binance::new(address.clone(), clock.clone()).map_err(|error| error.to_string())?;
    Ok(Lane::open(source, access))
}

#[cfg(test)]
mod tests;
