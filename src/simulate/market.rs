//! The market: a seed and what is planted in it. Everything served is a function of it, the
//! request and the time.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::calendar::day_after;
use super::company::Company;
use super::dialect::Dialect;
use super::noise::{mix, mix_text};
use super::plant::{Plant, What};

/// A seed and what is planted.
#[derive(Debug, Clone)]
pub(super) struct Market {
    pub seed: u64,
    plants: Arc<[Plant]>,
}

/// What comes instead of an answer during an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outage {
    /// HTTP 503.
    Unavailable,
    /// The end of the connection.
    Reset,
}

impl Market {
    /// The market of a seed with some plants.
    pub(super) fn new(seed: u64, plants: Vec<Plant>) -> Self {
        Self {
            seed,
            plants: plants.into(),
        }
    }

    /// The market as it is seen in a dialect.
    pub(super) fn seen_in(&self, dialect: Dialect) -> Self {
        let plants = self
            .plants
            .iter()
            .filter(|plant| plant.scope.has_dialect(dialect));
        Self {
            seed: self.seed,
            plants: plants.cloned().collect(),
        }
    }

    /// The company behind a symbol; upper and lower case are the same.
    pub(super) fn company(&self, symbol: &str) -> Company {
        Company::new(self.seed, symbol, self.planted(symbol))
    }

    /// A random word for a request about a symbol.
    pub(super) fn draw(&self, symbol: &str, at: i64) -> u64 {
        mix(mix_text(self.seed, symbol), at.cast_unsigned())
    }

    /// What is planted for a symbol.
    pub(super) fn planted<'a>(&'a self, symbol: &'a str) -> impl Iterator<Item = &'a What> + Clone {
        let plants = self.plants.iter();
        plants
            .filter(move |plant| plant.scope.has_symbol(symbol))
            .map(|plant| &plant.what)
    }

    /// The instant as of which the provider answers about a symbol: earlier than `now` while it is
    /// behind, when it has nothing that is newer than a session.
    pub(super) fn known_at(&self, symbol: &str, now: DateTime<Utc>) -> DateTime<Utc> {
        let ends = self.planted(symbol).filter_map(|what| match what {
            What::Behind { session, during } if during.contains(&now) => {
                Some(day_after(*session) - TimeDelta::seconds(1))
            }
            _ => None,
        });
        ends.fold(now, DateTime::min)
    }

    /// What comes instead of an answer about some symbols now, if anything: two in three get HTTP
    /// 503.
    pub(super) fn outage(&self, symbols: &[String], now: DateTime<Utc>) -> Option<Outage> {
        let is_out = self.plants.iter().any(|plant| match &plant.what {
            What::Outage(during) => during.contains(&now) && plant.scope.has_any(symbols),
            _ => false,
        });
        let second = now.timestamp().cast_unsigned();
        let first = symbols.first().map_or("", String::as_str);
        let is_reset = mix(mix_text(self.seed, first), second).is_multiple_of(3);
        is_out.then_some(if is_reset {
            Outage::Reset
        } else {
            Outage::Unavailable
        })
    }
}
