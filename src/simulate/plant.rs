//! What is planted in the market: the events that a store has to find out about.
//!
//! A plant is a value. What it changes is a function of it, the seed, the symbol and the time, so
//! the same questions get the same answers, and the [witness](super::Witness) can say what there
//! was to be found.

mod spec;

use std::fmt;
use std::ops::Range;

use chrono::{DateTime, NaiveDate, Utc};

use super::calendar::{Calendar, day_after, instant, midnight};

pub use self::spec::PlantError;
use super::scope::Scope;

/// Something planted, for one symbol or for all, in one dialect or in all.
///
/// As text it is `KIND[:ARGUMENT][@WHEN][,symbol=S][,dialect=D]`, times in New York: `split:4:1@2026-11-20 09:34,symbol=IBM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plant {
    /// What is planted.
    pub what: What,
    /// What it concerns.
    pub scope: Scope,
}

/// What can be planted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Shares are split before the first trade of a day; the provider knows it from an instant of
    /// that day on, and restates everything before the day.
    Split {
        /// The new shares for old ones.
        ratio: Ratio,
        /// When the provider knows.
        known: DateTime<Utc>,
    },
    /// A dividend whose ex-date is the day of an instant; the provider knows it from then on.
    Dividend {
        /// Ten-thousandths of a dollar a share.
        amount: u32,
        /// When the provider knows.
        known: DateTime<Utc>,
    },
    /// Nothing trades: the minutes that begin in the range have no bar, ever.
    Halt(Range<DateTime<Utc>>),
    /// The minutes that begin in the range have no bar until an instant.
    Late {
        /// The minutes.
        minutes: Range<DateTime<Utc>>,
        /// When their bars appear.
        appear: DateTime<Utc>,
    },
    /// So few shares a day that most short bars have no trade.
    Illiquid(u32),
    /// The exchange is closed on a day, unlike its calendar; meant for all symbols.
    Closed(NaiveDate),
    /// The exchange trades on a day, unlike its calendar; meant for all symbols.
    Open(NaiveDate),
    /// The first day of trading; nothing is known before it.
    Listed(NaiveDate),
    /// What was served of a session is corrected on the next morning, at 06:00 in New York: closes
    /// and volumes were wrong until then.
    Corrected,
    /// For some time the provider has nothing newer than a session.
    Behind {
        /// The newest session it has.
        session: NaiveDate,
        /// For how long.
        during: Range<DateTime<Utc>>,
    },
    /// For some time requests end in HTTP 503, or in no answer.
    Outage(Range<DateTime<Utc>>),
}

/// New shares for old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    /// New shares.
    pub new: u32,
    /// Old shares.
    pub old: u32,
}

impl Ratio {
    /// New shares for each old one.
    #[must_use]
    pub fn coefficient(self) -> f64 {
        f64::from(self.new) / f64::from(self.old.max(1))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.new, self.old)
    }
}

impl What {
    /// The same for one symbol.
    #[must_use]
    pub fn of(self, symbol: &str) -> Plant {
        Plant {
            what: self,
            scope: Scope {
                symbol: Some(symbol.to_owned()),
                dialect: None,
            },
        }
    }

    /// The same for every symbol.
    #[must_use]
    pub fn of_all(self) -> Plant {
        Plant {
            what: self,
            scope: Scope::default(),
        }
    }

    /// An outage from the beginning of a day to the end of its `sessions`th session's day.
    #[must_use]
    pub fn outage(first: NaiveDate, sessions: usize) -> Self {
        let calendar = Calendar::default();
        let days = first.iter_days().filter(|day| calendar.trades_on(*day));
        let last = days.take(sessions.max(1)).last().unwrap_or(first);
        Self::Outage(instant(midnight(first))..day_after(last))
    }
}
