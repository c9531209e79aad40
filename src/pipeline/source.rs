//! What the pipeline expects of a source of bars.

mod month;
mod windowed;
mod windows;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::month::{Month, NotAMonth};
pub use self::windowed::Windowed;
use super::retry::Waits;
use crate::config::SourceSettings;
use crate::db::Entitlement;
use crate::model::adjustment::{EventKind, ReportedEvents, Rule};
use crate::model::calendar::Calendar;
use crate::model::quota::Quota;
use crate::model::{
    Answer, Bar, ErrorClass, Interval, Listing, Publishing, Reading, Request, SeriesKey, SourceId,
    Span, Spoken, Symbol,
};

/// What is wanted, in words that every source understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The series.
    pub series: SeriesKey,
    /// Which of its bars.
    pub range: Range,
    /// At which hours.
    pub hours: Hours,
    /// What only one source offers.
    pub extras: Vec<Extra>,
}

impl Wish {
    /// The newest bars of a series, as a schedule wants them.
    #[must_use]
    pub const fn newest(series: SeriesKey) -> Self {
        Self {
            series,
            range: Range::Newest,
            hours: Hours::All,
            extras: vec![],
        }
    }
}

/// Which bars of a series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Range {
    /// The newest, as many as one request brings.
    #[default]
    Newest,
    /// Those that begin in this time.
    Between(Span),
    /// Those that begin in these times, of which the last may end now. More may come with them.
    Missing(Vec<Span>),
}

/// Which hours of a trading day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hours {
    /// All that the source has.
    #[default]
    All,
    /// The regular session.
    Regular,
}

/// An option that only some source has, by the name of its flag. Each source judges those it is
/// given: what it does not know, it refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// The flag, without dashes.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// How the series of a run are fetched, apart from which they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchOptions {
    /// Which of their bars.
    pub range: Range,
    /// At which hours.
    pub hours: Hours,
    /// What only one source offers.
    pub extras: Vec<Extra>,
}

impl FetchOptions {
    /// The same with an option that only some source has.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.extras.push(Extra { name, value });
        self
    }

    /// The wish for one series.
    #[must_use]
    pub fn wish(&self, series: &SeriesKey) -> Wish {
        Wish {
            series: series.clone(),
            range: self.range.clone(),
            hours: self.hours,
            extras: self.extras.clone(),
        }
    }
}

/// What a source answers to wishes, before anything is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    /// The requests, each for the first page of what it asks for. Those about the same series follow
    /// each other and are sent in this order.
    pub requests: Vec<Request>,
    /// Series for which there can be no request, and why.
    pub refused: Vec<(SeriesKey, Refusal)>,
}

impl Planned {
    /// The plan of a source that asks for each series by itself.
    pub fn each(
        wishes: &[Wish],
        requests: impl Fn(&Wish) -> Result<Vec<Request>, Refusal>,
    ) -> Self {
        let mut planned = Self::default();
        for wish in wishes {
            match requests(wish) {
                Ok(requests) => planned.requests.extend(requests),
                Err(refusal) => planned.refused.push((wish.series.clone(), refusal)),
            }
        }
        planned
    }
}

/// A refusal: by the provider, or by us before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The class, which decides what happens next.
    pub class: ErrorClass,
    /// What the provider said or what was found, safe to show, one sentence where possible.
    pub text: String,
    /// The parameter that it is about, as `name=value`; `None`: the whole request. Of a bad request it
    /// is a symbol that no spelling of the rest makes acceptable.
    pub parameter: Option<String>,
    /// The requests a second that a burst refusal names.
    pub per_second: Option<u32>,
}

impl Refusal {
    /// A refusal without further detail.
    #[must_use]
    pub fn new(class: ErrorClass, text: impl Into<String>) -> Self {
        Self {
            class,
            text: text.into(),
            parameter: None,
            per_second: None,
        }
    }
}

/// What an answer holds, and whether there is more of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Bars by series.
    pub parts: Vec<(SeriesKey, Reading)>,
    /// The request for the next page.
    pub next: Option<Request>,
}

/// What may be requested about symbols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SymbolWish {
    /// The list of everything that is traded.
    List,
    /// The provider's best matches for a text.
    Search(String),
}

/// What an answer about symbols holds, each symbol once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SymbolReading {
    /// The list of everything that is traded; never empty.
    Listed(Vec<Listing>),
    /// The matches of a search, best first; may be empty.
    Found(Vec<Listing>),
}

/// How sending failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError {
    /// Nothing was sent: the request is not spent.
    NeverSent(String),
    /// The connection broke or stayed silent after sending: the request counts as spent.
    Broken(String),
    /// The answer was larger than any real answer.
    TooLarge(String),
    /// The server's certificate is not trusted: nothing was sent, and a retry would not help.
    Untrusted(String),
    /// It redirects to another address, which must not get the key: a retry would not help.
    Redirected(String),
}

/// The provider asked for a pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// What it said.
    pub why: Refusal,
    /// How long the pause still lasts.
    pub left: Duration,
}

/// A source in words: advice, prompts and refusals are made of these.
#[derive(Debug)]
pub struct Description {
    /// Its word, its name and its settings.
    pub settings: &'static SourceSettings,
    /// The intervals it has bars of.
    pub intervals: &'static [Interval],
    /// When it has its bars.
    pub publishing: Publishing,
}

impl Description {
    /// Its word in databases and settings.
    #[must_use]
    pub const fn id(&self) -> &SourceId {
        &self.settings.id
    }

    /// The settings that hold its addresses, for people.
    #[must_use]
    pub fn address_settings(&self) -> String {
        let names = self.settings.addresses.iter().map(|setting| setting.name);
        names.collect::<Vec<_>>().join(" and ")
    }
}

/// How fast a source is asked, and when again.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// What the key may send.
    pub quota: Quota,
    /// Requests that may be in flight together.
    pub in_flight: usize,
    /// Which classes of refusal are tried again, and when.
    pub waits: Waits,
    /// After so many `minute` refusals in a row the day is meant: some have one text for both.
    pub minutes_that_mean_a_day: Option<u32>,
    /// The most pages of one answer: more than any real one has.
    pub most_pages: u32,
}

/// What was asked about one series, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The request.
    pub request: &'a Request,
    /// One of its series.
    pub series: &'a SeriesKey,
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// Whether no page follows.
    pub is_last_page: bool,
}

/// A source of bars.
#[async_trait]
pub trait Source: std::fmt::Debug + Send + Sync {
    /// What it is, in words.
    fn describe(&self) -> &Description;

    /// How fast it is asked, and when again.
    fn policy(&self) -> &Policy;

    /// Plans the fewest requests that bring what is wanted, without sending any.
    fn plan(&self, wishes: &[Wish]) -> Planned;

    /// The series under which the bars of a wanted one are stored.
    fn stored_as(&self, series: &SeriesKey) -> SeriesKey {
        series.clone()
    }

    /// Since when bars of a series can be asked for with this key at an instant, given when its exchange
    /// trades; `None`: since the first there is.
    fn reach(
        &self,
        _series: &SeriesKey,
        _calendar: &Calendar,
        _at: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        None
    }

    /// When it has its bars, for this key.
    fn publishing(&self) -> Publishing {
        self.describe().publishing
    }

    /// How it adjusts prices for dividends and splits.
    fn rule(&self) -> Rule;

    /// The finer interval from whose bars those of an interval are rolled up; `None`: they are the
    /// source's own.
    fn derived_from(&self, _interval: Interval) -> Option<Interval> {
        None
    }

    /// Whether its bars of an interval are exactly what its bars of a finer one add up to.
    fn rolls_up(&self, _finer: Interval, _coarser: Interval) -> bool {
        false
    }

    /// Sends a request exactly once, with `attempt` as `X-Request-Id`.
    async fn send(&self, request: &Request, attempt: Uuid) -> Result<Answer, SendError>;

    /// The pause that the provider asked for, while it lasts; nothing is sent during it.
    fn pause(&self) -> Option<Pause>;

    /// Sends nothing during a pause that another process was asked for.
    fn hold(&self, pause: Pause);

    /// Reads an answer: bars by series, or the class of refusal. The same answer always gives the
    /// same result.
    fn read(&self, request: &Request, answer: &Answer) -> Result<Page, Refusal>;

    /// The most pages that the answer to a request can have.
    fn pages(&self, _request: &Request) -> u32 {
        1
    }

    /// What an answer speaks for that holds these bars of a series, the unfinished ones marked;
    /// `None`: for nothing.
    fn spoken(&self, asked: &Asked<'_>, bars: &[Bar]) -> Option<Spoken>;

    /// The time that a request names, of which a refusal then speaks; `None`: it asks for the newest.
    fn names(&self, _request: &Request) -> Option<Span> {
        None
    }

    /// What is left to ask of a request, newest bars first, where an earlier run was cut before `next`, a
    /// page of the same bars; `None`: it is a page of others.
    fn continued(&self, wanted: &Request, next: &Request) -> Option<Vec<Request>> {
        wanted.is_continued_by(next).then(|| vec![next.clone()])
    }

    /// The request that finds in one answer whether there are bars before those of a request which
    /// brought none; `None`: the source cannot be asked that.
    fn before(&self, _request: &Request) -> Option<Request> {
        None
    }

    /// Takes in what earlier answers taught about the key.
    fn know(&self, _entitlements: &[Entitlement]) {}

    /// What can be asked nevertheless where a request was refused because of a part of it: without one
    /// of its series, which alone is refused then, or until an earlier time. `None`: nothing.
    fn amend(&self, _request: &Request, _refusal: &Refusal) -> Option<Request> {
        None
    }

    /// A planned request without what the provider has refused of such ones since.
    fn fitted(&self, request: Request) -> Request {
        request
    }

    /// What helps when the key's plan does not include a request.
    fn instead_of(&self, request: &Request) -> String;

    /// Its lists of dividends and splits, if it has any.
    fn events(&self) -> Option<&dyn EventSource> {
        None
    }

    /// Its lists and searches of symbols, if it has any.
    fn symbols(&self) -> Option<&dyn SymbolSource> {
        None
    }
}

/// A source of symbols; they are requested as bars are.
pub trait SymbolSource: Send + Sync {
    /// Turns what is wanted into a request, or refuses it without spending one.
    fn ask_symbols(&self, wish: &SymbolWish) -> Result<Request, Refusal>;

    /// Reads an answer, or the class of refusal.
    fn read_symbols(&self, request: &Request, answer: &Answer) -> Result<SymbolReading, Refusal>;
}

/// A source of lists of dividends and splits; they are requested as bars are.
pub trait EventSource: Send + Sync {
    /// Whether the lists of a symbol are asked for with its newest daily bars, once a day, and not only
    /// when a person asks or a price jumps: where they cost no more than bars do.
    fn keeps_up(&self) -> bool {
        false
    }

    /// Turns lists of symbols into requests, as few as the source needs, or refuses them without
    /// spending one.
    fn ask_events(&self, wanted: &[(Symbol, EventKind)]) -> Vec<EventAsk>;

    /// Whether a request is for such a list.
    fn is_about_events(&self, request: &Request) -> bool;

    /// Reads an answer, or the class of refusal.
    fn read_events(&self, request: &Request, answer: &Answer) -> Result<EventPage, Refusal>;
}

/// Lists of dividends and splits that one request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventAsk {
    /// Which lists.
    pub lists: Vec<(Symbol, EventKind)>,
    /// The request for their first page, or why they cannot be asked for.
    pub request: Result<Request, Refusal>,
}

/// One page of lists of dividends and splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// A list for each that was asked for, with what this page has of it.
    pub lists: Vec<ReportedEvents>,
    /// The request for the next page; `None`: this is the last one.
    pub next: Option<Request>,
}
