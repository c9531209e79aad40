//! All dialects over one market: from a request to its answer, and what goes wrong on the way.

use std::sync::{Mutex, PoisonError};

use super::Options;
use super::dialect::Dialect;
use super::dialects;
use super::faults::effect::{Canned, Effect};
use super::faults::{Armed, Fault};
use super::market::{Market, Outage};
use super::reply::{Delivery, Reply};
use super::speak::{Asked, Setup, Speak};
use crate::time::Clock;

/// The status during an outage.
const UNAVAILABLE: u16 = 503;

/// What answers requests.
#[derive(Debug)]
pub(super) struct Provider {
    market: Market,
    pub clock: Clock,
    speakers: Vec<Speaker>,
    faults: Mutex<Armed>,
}

/// One dialect, and the market as it is seen in it.
#[derive(Debug)]
struct Speaker {
    dialect: Dialect,
    market: Market,
    speak: Box<dyn Speak>,
}

impl Provider {
    pub(super) fn new(options: Options) -> Self {
        let setup = Setup {
            market: Market::new(options.seed, options.plants),
            clock: options.clock,
            plan: options.plan,
            replay: options.replay,
        };
        let speaker = |dialect| {
            let market = setup.market.seen_in(dialect);
            let setup = Setup {
                market: market.clone(),
                ..setup.clone()
            };
            Some(Speaker {
                dialect,
                market,
                speak: dialects::speaker(dialect, setup)?,
            })
        };
        Self {
            speakers: options.dialects.into_iter().filter_map(speaker).collect(),
            market: setup.market,
            clock: setup.clock,
            faults: Mutex::new(Armed::new(options.faults)),
        }
    }

    /// Replaces the faults; each counts its requests from 1 again.
    pub(super) fn set_faults(&self, faults: Vec<Fault>) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = Armed::new(faults);
    }

    /// Whether a dialect is spoken.
    pub(super) fn speaks(&self, dialect: Dialect) -> bool {
        self.speaker(dialect).is_some()
    }

    fn speaker(&self, dialect: Dialect) -> Option<&Speaker> {
        self.speakers.iter().find(|one| one.dialect == dialect)
    }

    /// The market as it is seen in a dialect, whether it is spoken or not.
    pub(super) fn market(&self, dialect: Dialect) -> Market {
        self.market.seen_in(dialect)
    }

    /// The answer to a request, compressed if that is accepted; `None` in a dialect that is not
    /// spoken. During an outage no fault meets the request.
    pub(super) fn reply(&self, dialect: Dialect, asked: &Asked, gzip: bool) -> Option<Reply> {
        let Speaker { market, speak, .. } = self.speaker(dialect)?;
        let speaker = speak.as_ref();
        let symbols = speaker.symbols(asked);
        if let Some(outage) = market.outage(&symbols, self.clock.now()) {
            return Some(unavailable(outage));
        }
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = faults.meet(dialect, &symbols);
        drop(faults);
        let spoiled = fault.and_then(|fault| {
            let reply = spoiled(speaker, asked, &fault.effect)?;
            Some(reply.called(fault.outcome()))
        });
        // Faulty answers are never compressed, so that byte counts are those of the body.
        Some(spoiled.unwrap_or_else(|| {
            let reply = speaker.answer(asked, None);
            if gzip { reply.compressed() } else { reply }
        }))
    }
}

/// An answer with a fault; `None` if the fault has no meaning in the dialect.
fn spoiled(speaker: &dyn Speak, asked: &Asked, effect: &Effect) -> Option<Reply> {
    Some(match effect {
        Effect::Answer(canned) => canned.reply(),
        Effect::Refuse(refused) => speaker.refuse(asked, *refused)?,
        Effect::Notice(text) => speaker.notice(text),
        Effect::Twist(twist) if speaker.twists().contains(twist) => {
            speaker.answer(asked, Some(*twist))
        }
        Effect::Twist(_) => return None,
        Effect::Truncate(bytes) => speaker.answer(asked, None).truncated(*bytes),
        Effect::Deliver(delivery) => speaker.answer(asked, None).delivered(delivery.clone()),
    })
}

/// What comes instead of an answer; it counts against no limit.
fn unavailable(outage: Outage) -> Reply {
    let reply = Canned::Status(UNAVAILABLE).reply();
    match outage {
        Outage::Unavailable => reply,
        Outage::Reset => reply.delivered(Delivery::Reset),
    }
    .called("outage".to_owned())
}
