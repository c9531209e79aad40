//! Alpaca: bars of US stocks, many symbols in a request, page after page. Each of its feeds is a
//! source of its own, because the same symbol has other numbers there; they share one key.
//!
//! ```text
//! plan    wishes -> few requests      pure; times: what can be asked for
//! read    answer -> bars | refusal    pure: refusal, then JSON -> rows; hours: which are wanted
//! speaks  answer -> what it covers    pure
//! events  the same for corporate actions
//! assets  the list of symbols, which another host has
//! ```

mod assets;
mod describe;
mod events;
mod hours;
mod plan;
mod read;
mod refusal;
mod route;
mod settings;
mod speaks;
mod times;
mod withholding;

use async_trait::async_trait;
use reqwest::header::HeaderName;
use url::Url;
use uuid::Uuid;

pub use self::describe::{Feed, IEX, SIP};
use self::plan::Asking;
pub use self::settings::{IEX_SETTINGS, SETTINGS};
use self::withholding::Withholding;
use crate::config::{Plan, Secret, SourceAccess};
use crate::db::Entitlement;
use crate::model::adjustment::{EventKind, Rule};
use crate::model::calendar::{Calendar, CalendarId, Calendars};
use crate::model::{Answer, Bar, Interval, Publishing, Request, Spoken, Symbol};
use crate::pipeline::http::{Auth, Bounds, Client, ClientError};
use crate::pipeline::lane::Lane;
use crate::pipeline::source::{
    Asked, Description, EventAsk, EventPage, EventSource, Page, Pause, Planned, Policy, Refusal,
    SendError, Source, SymbolReading, SymbolSource, SymbolWish, Wish,
};
use crate::time::Clock;

/// One feed of Alpaca, or whatever stands in for it at the address.
#[derive(Debug)]
pub struct Alpaca {
    feed: &'static Feed,
    bars: Client,
    trading: Client,
    policy: Policy,
    publishing: Publishing,
    withholding: Withholding,
    calendar: Calendar,
}

impl Alpaca {
    /// Prepares clients of the provider, which has bars at one address and symbols at another;
    /// nothing is sent yet. The key has its id and its secret.
    pub fn new(
        feed: &'static Feed,
        (bars, trading): (Url, Url),
        key: &[Secret],
        clock: &Clock,
    ) -> Result<Self, ClientError> {
        let client = |address| {
            let names = ["apca-api-key-id", "apca-api-secret-key"].map(HeaderName::from_static);
            let parts = names.into_iter().zip(key.iter().cloned()).collect();
            let auth = Auth::Headers(parts);
            Client::new(address, auth, clock.clone(), Bounds::default())
        };
        let plan = &feed.description.settings.plans.usual;
        Ok(Self {
            feed,
            bars: client(bars)?,
            trading: client(trading)?,
            policy: describe::policy(plan),
            publishing: feed.on(plan),
            withholding: Withholding::default(),
            calendar: Calendars::default().get(CalendarId::Xnys),
        })
    }

    /// The same with a key of this plan.
    #[must_use]
    pub fn on(self, plan: &Plan) -> Self {
        Self {
            policy: describe::policy(plan),
            publishing: self.feed.on(plan),
            ..self
        }
    }

    /// As long as nobody knows whether the newest bars are withheld, they are asked for.
    fn asking(&self) -> Asking<'_> {
        Asking {
            feed: self.feed,
            publishing: match self.withholding.known() {
                Some(_) => self.publishing(),
                None => self.feed.description.publishing,
            },
            now: self.bars.now(),
        }
    }
}

#[async_trait]
impl Source for Alpaca {
    fn describe(&self) -> &Description {
        &self.feed.description
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn plan(&self, wishes: &[Wish]) -> Planned {
        self.asking().plan(wishes)
    }

    fn publishing(&self) -> Publishing {
        match self.withholding.known() {
            Some(true) => self.feed.withheld(),
            Some(false) => self.feed.description.publishing,
            None => self.publishing,
        }
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
        let route = SETTINGS.route(request);
        let client = match route.address {
            route::BARS => &self.bars,
            _ => &self.trading,
        };
        let answer = client.get(&route, attempt).await?;
        self.withholding.heed(request, &answer);
        Ok(answer)
    }

    fn pause(&self) -> Option<Pause> {
        self.bars.pause().or_else(|| self.trading.pause())
    }

    fn hold(&self, pause: Pause) {
        self.bars.hold(pause);
    }

    fn read(&self, request: &Request, answer: &Answer) -> Result<Page, Refusal> {
        read::read(request, answer, &self.calendar)
    }

    fn pages(&self, request: &Request) -> u32 {
        plan::pages(request)
    }

    fn spoken(&self, asked: &Asked<'_>, bars: &[Bar]) -> Option<Spoken> {
        speaks::spoken(asked, bars, &self.publishing())
    }

    fn continued(&self, wanted: &Request, next: &Request) -> Option<Vec<Request>> {
        plan::continued(wanted, next)
    }

    fn know(&self, entitlements: &[Entitlement]) {
        let is_refused = |known: &Entitlement| !known.granted && known.parameter == refusal::END;
        if entitlements.iter().any(is_refused) {
            self.withholding.is_withheld();
        }
    }

    fn fitted(&self, request: Request) -> Request {
        let withheld = self.withholding.known() == Some(true);
        let now = self.bars.now();
        let shorter = withheld.then(|| self.asking().until_withheld(&request, now));
        shorter.flatten().unwrap_or(request)
    }

    fn amend(&self, request: &Request, refusal: &Refusal) -> Option<Request> {
        if refusal.parameter.as_deref() == Some(refusal::END) {
            self.withholding.is_withheld();
        }
        self.asking().amend(request, refusal)
    }

    fn instead_of(&self, request: &Request) -> String {
        self.feed.instead_of(request)
    }

    fn events(&self) -> Option<&dyn EventSource> {
        Some(self)
    }

    fn symbols(&self) -> Option<&dyn SymbolSource> {
        Some(self)
    }
}

impl EventSource for Alpaca {
    fn keeps_up(&self) -> bool {
        true
    }

    fn ask_events(&self, wanted: &[(Symbol, EventKind)]) -> Vec<EventAsk> {
        events::ask(self.feed, wanted, self.bars.now())
    }

    fn is_about_events(&self, request: &Request) -> bool {
        !events::kinds(request).is_empty()
    }

    fn read_events(&self, request: &Request, answer: &Answer) -> Result<EventPage, Refusal> {
        events::read(request, answer)
    }
}

impl SymbolSource for Alpaca {
    fn ask_symbols(&self, wish: &SymbolWish) -> Result<Request, Refusal> {
        assets::ask(self.feed, wish)
    }

    fn read_symbols(&self, request: &Request, answer: &Answer) -> Result<SymbolReading, Refusal> {
        assets::read(request, answer)
    }
}

/// The lane of the configured key for the consolidated tape.
pub(super) fn lane(access: &SourceAccess, clock: &Clock) -> Result<Lane, String> {
    of(&SIP, access, clock)
}

/// The lane of the same key for one exchange.
pub(super) fn iex_lane(access: &SourceAccess, clock: &Clock) -> Result<Lane, String> {
    of(&IEX, access, clock)
}

fn of(feed: &'static Feed, access: &SourceAccess, clock: &Clock) -> Result<Lane, String> {
    let [bars, trading] = access.addresses.as_slice() else {
        return Err(format!("{} lacks an address", access.settings.words.name));
    };
    let addresses = (bars.clone(), trading.clone());
    let source = Alpaca::new(feed, addresses, &access.key.values, clock)
        .map_err(|error| error.to_string())?;
    Ok(Lane::open(source.on(&access.plan), access))
}

#[cfg(test)]
mod tests;
