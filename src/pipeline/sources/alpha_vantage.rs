//! Alpha Vantage: builds requests, and tells bars from the many kinds of refusal.
//!
//! ```text
//! plan    wish -> request            pure; options: what only this source offers
//! read    answer -> bars | refusal   pure: refusal, then json or csv -> rows -> label
//! events  the same for the lists of splits and dividends
//! symbols the same for the list of symbols and the provider's search
//! ```

mod calendar;
mod csv;
mod describe;
mod events;
mod json;
mod label;
mod options;
mod plan;
mod read;
mod refusal;
mod rows;
mod settings;
mod slices;
mod speaks;
mod symbols;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use url::Url;
use uuid::Uuid;

pub use self::describe::DESCRIPTION;
pub use self::read::read;
pub use self::settings::SETTINGS;
use crate::config::{Plan, Secret, SourceAccess};
use crate::model::adjustment::{EventKind, Rule};
use crate::model::calendar::Calendar;
use crate::model::{Answer, Bar, Interval, Request, SeriesKey, Span, Spoken, Symbol};
use crate::pipeline::http::{Auth, Bounds, Client, ClientError};
use crate::pipeline::lane::Lane;
use crate::pipeline::source::{
    Asked, Description, EventAsk, EventPage, EventSource, Page, Pause, Planned, Policy, Range,
    Refusal, SendError, Source, SymbolReading, SymbolSource, SymbolWish, Wish,
};
use crate::time::Clock;

/// The provider Alpha Vantage, or whatever stands in for it at the base URL.
#[derive(Debug)]
pub struct AlphaVantage {
    client: Client,
    key_is_demo: bool,
    policy: Policy,
    clock: Clock,
}

impl AlphaVantage {
    /// Prepares a client of the provider at `base_url`; nothing is sent yet.
    pub fn new(
        base_url: Url,
        key: Secret,
        key_is_demo: bool,
        clock: Clock,
    ) -> Result<Self, ClientError> {
        Self::with_bounds(base_url, key, key_is_demo, clock, Bounds::default())
    }

    /// As [`AlphaVantage::new`], with other bounds on time and size.
    pub fn with_bounds(
        base_url: Url,
        key: Secret,
        key_is_demo: bool,
        clock: Clock,
        bounds: Bounds,
    ) -> Result<Self, ClientError> {
        let auth = Auth::Query("apikey", key);
        Ok(Self {
            client: Client::new(base_url, auth, clock.clone(), bounds)?,
            key_is_demo,
            policy: describe::policy(&SETTINGS.plans.usual),
            clock,
        })
    }

    /// The same with a key of this plan.
    #[must_use]
    pub fn on(self, plan: &Plan) -> Self {
        Self {
            policy: describe::policy(plan),
            ..self
        }
    }

    fn requests(&self, wish: &Wish) -> Result<Vec<Request>, Refusal> {
        let options = options::Options::of(wish)?;
        let now = self.clock.now();
        plan::refuse_future(&options, now)?;
        let request = |options| plan::request(&wish.series, options, self.key_is_demo);
        match &wish.range {
            Range::Missing(missing) => {
                let kind = (wish.series.interval, &options);
                slices::slices(kind, missing, self.is_free(), now)
                    .iter()
                    .map(request)
                    .collect()
            }
            Range::Newest | Range::Between(_) => Ok(vec![request(&options)?]),
        }
    }

    /// Whether the key has the newest bars only.
    fn is_free(&self) -> bool {
        self.key_is_demo || self.policy.quota.per_day().is_some()
    }
}

#[async_trait]
impl Source for AlphaVantage {
    fn describe(&self) -> &Description {
        &DESCRIPTION
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn plan(&self, wishes: &[Wish]) -> Planned {
        Planned::each(wishes, |wish| self.requests(wish))
    }

    fn stored_as(&self, series: &SeriesKey) -> SeriesKey {
        let is_served = self.key_is_demo && self.requests(&Wish::newest(series.clone())).is_ok();
        if is_served {
            plan::demo_series(series)
        } else {
            series.clone()
        }
    }

    fn reach(
        &self,
        series: &SeriesKey,
        calendar: &Calendar,
        at: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let has_all = matches!(series.interval, Interval::Weekly | Interval::Monthly);
        let is_limited = self.is_free() && !has_all;
        let trades = |date| calendar.session(date).is_some();
        is_limited.then(|| slices::newest_reach(series.interval, &trades, at))
    }

    fn rule(&self) -> Rule {
        Rule::CloseOfExDate
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
        let reading = read(request, answer)?;
        let parts = request.series.iter().cloned().zip([reading]).collect();
        Ok(Page { parts, next: None })
    }

    fn spoken(&self, asked: &Asked<'_>, bars: &[Bar]) -> Option<Spoken> {
        Some(speaks::spoken(
            asked.request,
            asked.series.interval,
            bars,
            asked.at,
        ))
    }

    fn names(&self, request: &Request) -> Option<Span> {
        speaks::month(request)
    }

    fn instead_of(&self, request: &Request) -> String {
        describe::instead_of(request)
    }

    fn events(&self) -> Option<&dyn EventSource> {
        Some(self)
    }

    fn symbols(&self) -> Option<&dyn SymbolSource> {
        Some(self)
    }
}

impl EventSource for AlphaVantage {
    fn ask_events(&self, wanted: &[(Symbol, EventKind)]) -> Vec<EventAsk> {
        let ask = |(symbol, kind): &(Symbol, EventKind)| EventAsk {
            lists: vec![(symbol.clone(), *kind)],
            request: events::ask(symbol, *kind, self.key_is_demo),
        };
        wanted.iter().map(ask).collect()
    }

    fn is_about_events(&self, request: &Request) -> bool {
        events::kind(request).is_some()
    }

    fn read_events(&self, request: &Request, answer: &Answer) -> Result<EventPage, Refusal> {
        let list = events::read(request, answer)?;
        Ok(EventPage {
            lists: vec![list],
            next: None,
        })
    }
}

impl SymbolSource for AlphaVantage {
    fn ask_symbols(&self, wish: &SymbolWish) -> Result<Request, Refusal> {
        symbols::ask(wish, self.key_is_demo)
    }

    fn read_symbols(&self, request: &Request, answer: &Answer) -> Result<SymbolReading, Refusal> {
        symbols::read(request, answer)
    }
}

/// The lane of the configured key.
pub(super) fn lane(access: &SourceAccess, clock: &Clock) -> Result<Lane, String> {
    let (Some(address), Some(key)) = (access.addresses.first(), access.key.values.first()) else {
        return Err(format!("{} has no address or no key", SETTINGS.words.name));
    };
    let is_public = !access.key.is_own;
    let source = AlphaVantage::new(address.clone(), key.clone(), is_public, clock.clone())
        .map_err(|error| error.to_string())?;
    Ok(Lane::open(source.on(&access.plan), access))
}

#[cfg(test)]
mod tests;
