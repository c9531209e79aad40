//! The provider: from a request to its answer, with its limits, its plan, and what goes wrong.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Options;
use super::corporate::{self, CorporateFunction};
use super::faults::effect::{Canned, Effect, Twist};
use super::faults::{Armed, Fault};
use super::functions;
use super::market::{Market, Outage};
use super::plan::{DEMO_KEY, Ledger, Plan, is_documented};
use super::query::{Ask, Function, Query};
use super::refusal::Refusal;
use super::replay::Replay;
use super::reply::{Delivery, Reply};
use super::symbols::{self, SymbolFunction};
use crate::time::Clock;

/// The status during an outage.
const UNAVAILABLE: u16 = 503;

/// What answers requests.
#[derive(Debug)]
pub(super) struct Provider {
    pub market: Market,
    pub clock: Clock,
    plan: Plan,
    replay: Option<Replay>,
    faults: Mutex<Armed>,
    ledger: Mutex<Ledger>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a request is for.
#[derive(Clone, Copy)]
enum Wanted {
    Bars(Function),
    Symbols(SymbolFunction),
    Actions(CorporateFunction),
}

impl Wanted {
    fn named(function: &str) -> Option<Self> {
        let bars = function.parse().map(Self::Bars);
        let symbols = || function.parse().map(Self::Symbols);
        let actions = || function.parse().map(Self::Actions);
        bars.or_else(|_| symbols()).or_else(|_| actions()).ok()
    }
}

impl Provider {
    pub(super) fn new(options: Options) -> Self {
        Self {
            market: Market::new(options.seed, options.plants),
            clock: options.clock,
            plan: options.plan,
            replay: options.replay,
            faults: Mutex::new(Armed::new(options.faults)),
            ledger: Mutex::default(),
        }
    }

    /// Replaces the faults; each counts its requests from 1 again.
    pub(super) fn set_faults(&self, faults: Vec<Fault>) {
        *lock(&self.faults) = Armed::new(faults);
    }

    /// The answer to a request, compressed if that is accepted. During an outage no fault meets it.
    pub(super) fn reply(&self, query: &Query, gzip: bool) -> Reply {
        let symbol = query.get("symbol");
        if let Some(outage) = self.market.outage(symbol, self.clock.now()) {
            return unavailable(outage);
        }
        let Some(fault) = lock(&self.faults).meet(symbol) else {
            let reply = self.ordinary(query, None);
            return if gzip { reply.compressed() } else { reply };
        };
        // Faulty answers are never compressed, so that byte counts are those of the body.
        self.spoiled(query, &fault.effect).called(fault.outcome())
    }

    fn spoiled(&self, query: &Query, effect: &Effect) -> Reply {
        match effect {
            Effect::Answer(canned) => canned.reply(query.get("function"), query.get("apikey")),
            Effect::Twist(twist) => self.ordinary(query, Some(*twist)),
            Effect::Truncate(bytes) => self.ordinary(query, None).truncated(*bytes),
            Effect::Deliver(delivery) => self.ordinary(query, None).delivered(delivery.clone()),
        }
    }

    /// The answer of a recording or of the market.
    fn ordinary(&self, query: &Query, twist: Option<Twist>) -> Reply {
        let (function, key) = (query.get("function"), query.get("apikey"));
        let answer = match &self.replay {
            Some(replay) => replay
                .answer(query)
                .map(|bytes| Reply::recorded("replay", bytes))
                .ok_or(Refusal::Invalid),
            None => self.simulated(query, twist),
        };
        answer.unwrap_or_else(|refusal| refusal.reply(function, key))
    }

    /// Checks in the provider's order: key, function, limits, plan, parameters.
    fn simulated(&self, query: &Query, twist: Option<Twist>) -> Result<Reply, Refusal> {
        let (plan, key) = (self.plan, query.get("apikey"));
        if key.is_empty() {
            return Err(Refusal::BadKey);
        }
        let demo = plan == Plan::Demo || key == DEMO_KEY;
        if demo && !is_documented(query) {
            return Err(Refusal::DemoKey);
        }
        let wanted = Wanted::named(query.get("function")).ok_or(Refusal::NoFunction)?;
        if demo {
            return self.data(Plan::Unlimited, wanted, query, twist);
        }
        let now = self.clock.now();
        lock(&self.ledger).admit(plan, key, now)?;
        let answer = self.data(plan, wanted, query, twist);
        if answer.is_err() {
            lock(&self.ledger).give_back(key, now);
        }
        answer
    }

    fn data(
        &self,
        plan: Plan,
        wanted: Wanted,
        query: &Query,
        twist: Option<Twist>,
    ) -> Result<Reply, Refusal> {
        // Symbols and corporate actions are included in every plan. Of the twists of bars, only
        // missing rows apply to them.
        let (now, no_rows) = (self.clock.now(), twist == Some(Twist::NoRows));
        match wanted {
            Wanted::Bars(function) => self.bars(plan, function, query, twist),
            Wanted::Symbols(function) => {
                let sheet = symbols::answer(self.market.seed, now, function, query, no_rows);
                let sheet = sheet.ok_or(Refusal::Invalid)?;
                Ok(labelled(sheet.body, sheet.file_name))
            }
            Wanted::Actions(function) => {
                let sheet = corporate::answer(&self.market, now, function, query, no_rows);
                let sheet = sheet.ok_or(Refusal::Invalid)?;
                Ok(labelled(sheet.body, sheet.file_name.as_deref()))
            }
        }
    }

    fn bars(
        &self,
        plan: Plan,
        function: Function,
        query: &Query,
        twist: Option<Twist>,
    ) -> Result<Reply, Refusal> {
        if let Some(refusal) = plan.excludes(function) {
            return Err(refusal);
        }
        let mut ask = Ask::read(function, query).ok_or(Refusal::Invalid)?;
        if let Some(refusal) = plan.excludes_parameters(&ask) {
            return Err(refusal);
        }
        if let Some(twist) = twist {
            ask = twist.ask(ask);
        }
        let sheet = functions::answer(&self.market, self.clock.now(), &ask);
        let mut sheet = sheet.ok_or(Refusal::Invalid)?;
        if let Some(twist) = twist {
            twist.spoil(&mut sheet);
        }
        let reply = labelled(sheet.body(), sheet.file_name().as_deref());
        Ok(reply.serving(sheet.served()))
    }
}

/// What comes instead of an answer; it counts against no limit.
fn unavailable(outage: Outage) -> Reply {
    let reply = Canned::Status(UNAVAILABLE).reply("", "");
    match outage {
        Outage::Unavailable => reply,
        Outage::Reset => reply.delivered(Delivery::Reset),
    }
    .called("outage".to_owned())
}

/// An answer as the provider labels it: CSV has the name of a file.
fn labelled(body: String, file_name: Option<&str>) -> Reply {
    match file_name {
        Some(name) => Reply::csv("data", body, name),
        None => Reply::json("data", body),
    }
}
