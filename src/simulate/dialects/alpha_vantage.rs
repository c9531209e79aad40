//! Alpha Vantage's dialect: one path, `function` says what is asked for, and refusals come with
//! status 200.

mod ask;
mod corporate;
mod functions;
mod limits;
mod refusal;
mod symbols;
mod twist;

use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::StatusCode;

use self::ask::{Ask, Function};
use self::corporate::CorporateFunction;
use self::limits::{DEMO_KEY, Ledger, is_documented};
use self::refusal::{ARTIFICIAL, Refusal, notice};
use self::symbols::SymbolFunction;
use crate::simulate::dialect::{Refused, Twist};
use crate::simulate::plan::Plan;
use crate::simulate::query::Query;
use crate::simulate::reply::Reply;
use crate::simulate::speak::{Asked, Setup, Speak};

/// What answers requests.
#[derive(Debug)]
struct AlphaVantage {
    setup: Setup,
    ledger: Mutex<Ledger>,
}

/// Who speaks it.
pub(super) fn speaker(setup: Setup) -> Box<dyn Speak> {
    Box::new(AlphaVantage {
        setup,
        ledger: Mutex::default(),
    })
}

impl Speak for AlphaVantage {
    fn symbols(&self, asked: &Asked) -> Vec<String> {
        vec![asked.query.get("symbol").to_owned()]
    }

    fn twists(&self) -> &'static [Twist] {
        &[
            Twist::NoRows,
            Twist::BadRow,
            Twist::WrongSymbol,
            Twist::WrongInterval,
        ]
    }

    /// The answer of a recording or of the market.
    fn answer(&self, asked: &Asked, twist: Option<Twist>) -> Reply {
        if !asked.path.is_empty() {
            return Reply::new("404", StatusCode::NOT_FOUND, "text/plain", "");
        }
        let query = &asked.query;
        let answer = match &self.setup.replay {
            Some(replay) => replay
                .answer(query)
                .map(|bytes| Reply::recorded("replay", bytes))
                .ok_or(Refusal::Invalid),
            None => self.simulated(query, twist),
        };
        answer.unwrap_or_else(|refusal| refused(refusal, asked))
    }

    fn refuse(&self, asked: &Asked, kind: Refused) -> Option<Reply> {
        if kind == Refused::Artificial {
            return Some(Reply::json("", ARTIFICIAL.to_owned()));
        }
        let refusal = kind.as_str().parse().ok()?;
        Some(refused(refusal, asked))
    }

    fn notice(&self, text: &str) -> Reply {
        notice("", "Information", text)
    }
}

/// A refusal that names what was asked for.
fn refused(refusal: Refusal, asked: &Asked) -> Reply {
    refusal.reply(asked.query.get("function"), asked.query.get("apikey"))
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

impl AlphaVantage {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks in the provider's order: key, function, limits, plan, parameters.
    fn simulated(&self, query: &Query, twist: Option<Twist>) -> Result<Reply, Refusal> {
        let (plan, key) = (self.setup.plan, query.get("apikey"));
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
        let now = self.setup.clock.now();
        self.ledger().admit(plan, key, now)?;
        let answer = self.data(plan, wanted, query, twist);
        if answer.is_err() {
            self.ledger().give_back(key, now);
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
        let (now, no_rows) = (self.setup.clock.now(), twist == Some(Twist::NoRows));
        match wanted {
            Wanted::Bars(function) => self.bars(plan, function, query, twist),
            Wanted::Symbols(function) => {
                let sheet = symbols::answer(self.setup.market.seed, now, function, query, no_rows);
                let sheet = sheet.ok_or(Refusal::Invalid)?;
                Ok(labelled(sheet.body, sheet.file_name))
            }
            Wanted::Actions(function) => {
                let sheet = corporate::answer(&self.setup.market, now, function, query, no_rows);
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
            ask = twist::ask(twist, ask);
        }
        let sheet = functions::answer(&self.setup.market, self.setup.clock.now(), &ask);
        let mut sheet = sheet.ok_or(Refusal::Invalid)?;
        if let Some(twist) = twist {
            twist::spoil(twist, &mut sheet);
        }
        let reply = labelled(sheet.body(), sheet.file_name().as_deref());
        Ok(reply.serving(sheet.served()))
    }
}

/// An answer as the provider labels it: CSV has the name of a file.
fn labelled(body: String, file_name: Option<&str>) -> Reply {
    match file_name {
        Some(name) => Reply::csv("data", body, name),
        None => Reply::json("data", body),
    }
}
