//! What all bars of a series have in common.

use super::run::Pipeline;
use crate::db::{DbError, SeriesFacts};
use crate::model::{Currency, Interval, Listing, SeriesKey, SourceId};

/// A series, and what is known of all its bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The series.
    pub series: SeriesKey,
    /// What its prices are in, if that is known.
    pub currency: Option<Currency>,
    /// The finer interval from whose bars its own are rolled up; `None`: they are the source's own.
    pub derived_from: Option<Interval>,
}

impl Subject {
    /// Where its bars come from, in words, if they are not the source's own.
    #[must_use]
    pub fn rolled_up(&self) -> Option<String> {
        let finer = self.derived_from?;
        Some(format!("rolled up from {finer} bars"))
    }
}

impl Pipeline {
    /// What is known of all bars of a stored series.
    #[must_use]
    pub fn subject(&self, series: SeriesKey, facts: &SeriesFacts) -> Subject {
        Subject {
            currency: self.currency(&series, facts.listing.as_deref()),
            derived_from: self.derived_from(&series),
            series,
        }
    }

    /// The same, with what the store knows now.
    pub async fn subject_now(&self, series: &SeriesKey) -> Result<Subject, DbError> {
        let facts = self.store.facts(series.clone()).await?;
        Ok(self.subject(series.clone(), &facts))
    }

    /// Whether a source has lists of splits and dividends.
    #[must_use]
    pub fn has_events(&self, source: &SourceId) -> bool {
        let lane = self.lane(source);
        lane.is_some_and(|lane| lane.source.events().is_some())
    }

    /// The finer interval from whose bars those of a series are rolled up.
    #[must_use]
    pub fn derived_from(&self, series: &SeriesKey) -> Option<Interval> {
        let source = &self.lane(&series.source)?.source;
        source.derived_from(series.interval)
    }

    /// Whether bars of an interval at a source are exactly what its finer ones add up to.
    pub(super) fn rolls_up(&self, source: &SourceId, finer: Interval, coarser: Interval) -> bool {
        let lane = self.lane(source);
        lane.is_some_and(|lane| lane.source.rolls_up(finer, coarser))
    }

    /// What prices are in: as the listing says, or else the spelling of the symbol.
    fn currency(&self, series: &SeriesKey, listing: Option<&Listing>) -> Option<Currency> {
        let listed = listing.and_then(|listing| listing.currency.clone());
        listed.or_else(|| {
            let settings = self.lane(&series.source)?.source.describe().settings;
            (settings.currency)(&series.symbol)
        })
    }
}
