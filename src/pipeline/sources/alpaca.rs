//! Alpaca: bars of US stocks, many symbols in a request, page after page. Each of its feeds is a
//! source of its own, because the same symbol has other numbers there; they share one key.
//!
//! ```text
//! plan    wishes -> few requests      pure; times: what can be asked for
//! read    answer -> bars | refusal    pure: refusal, then JSON -> rows; hours: which are wanted
//! speaks  answer -> what it covers    pure
//! ```

mod describe;
mod hours;
mod plan;
mod read;
mod refusal;
mod settings;
mod speaks;
mod times;

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use reqwest::header::HeaderName;
use uuid::Uuid;

pub use self::describe::{Feed, IEX, SIP};
use self::plan::Asking;
pub use self::settings::{IEX_SETTINGS, SETTINGS};
use crate::config::{Plan, Secret, SourceAccess};
use crate::model::adjustment::Rule;
use crate::model::calendar::{Calendar, CalendarId, Calendars};
use crate::model::{Answer, Bar, Publishing, Request, Spoken};
use crate::pipeline::http::{Auth, Bounds, Client, ClientError};
use crate::pipeline::lane::Lane;
use crate::pipeline::source::{
    Asked, Description, Page, Pause, Planned, Policy, Refusal, SendError, Source, Wish,
};
use crate::time::Clock;

/// One feed of Alpaca, or whatever stands in for it at the address.
#[derive(Debug)]
pub struct Alpaca {
    feed: &'static Feed,
    client: Client,
    policy: Policy,
    publishing: Publishing,
    /// Whether the provider said that the newest minutes are withheld, whatever the settings say.
    is_withheld: AtomicBool,
    calendar: Calendar,
}

impl Alpaca {
    /// Prepares a client of the provider; nothing is sent yet. The key has its id and its secret.
    pub fn new(
        feed: &'static Feed,
        address: url::Url,
        key: &[Secret],
        clock: Clock,
    ) -> Result<Self, ClientError> {
        let names = ["apca-api-key-id", "apca-api-secret-key"].map(HeaderName::from_static);
        let parts = names.into_iter().zip(key.iter().cloned()).collect();
        let plan = &feed.description.settings.plans.usual;
        let auth = Auth::Headers(parts);
        Ok(Self {
            feed,
            client: Client::new(address, auth, clock, Bounds::default())?,
            policy: describe::policy(plan),
            publishing: feed.on(plan),
            is_withheld: AtomicBool::new(false),
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

    fn asking(&self) -> Asking<'_> {
        Asking {
            feed: self.feed,
            publishing: self.publishing(),
            now: self.client.now(),
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
        if self.is_withheld.load(Ordering::Relaxed) {
            self.feed.withheld()
        } else {
            self.publishing
        }
    }

    fn rule(&self) -> Rule {
        Rule::CloseBefore
    }

    async fn send(&self, request: &Request, attempt: Uuid) -> Result<Answer, SendError> {
        let told = plan::told(request);
        self.client.get(&request.endpoint, &told, attempt).await
    }

    fn pause(&self) -> Option<Pause> {
        self.client.pause()
    }

    fn hold(&self, pause: Pause) {
        self.client.hold(pause);
    }

    fn read(&self, request: &Request, answer: &Answer) -> Result<Page, Refusal> {
        read::read(request, answer, &self.calendar)
    }

    fn spoken(&self, asked: &Asked<'_>, bars: &[Bar]) -> Option<Spoken> {
        speaks::spoken(asked, bars, &self.publishing())
    }

    fn amend(&self, request: &Request, refusal: &Refusal) -> Option<Request> {
        if refusal.parameter.as_deref() == Some(refusal::END) {
            self.is_withheld.store(true, Ordering::Relaxed);
        }
        self.asking().amend(request, refusal)
    }

    fn instead_of(&self, request: &Request) -> String {
        self.feed.instead_of(request)
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
    let Some(address) = access.addresses.first() else {
        return Err(format!("{} has no address", access.settings.words.name));
    };
    let source = Alpaca::new(feed, address.clone(), &access.key.values, clock.clone())
        .map_err(|error| error.to_string())?;
    Ok(Lane::open(source.on(&access.plan), access))
}

#[cfg(test)]
mod tests;
