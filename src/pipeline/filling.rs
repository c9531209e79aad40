//! A series that fills the gaps of the same series at another source: what that one gives is left to it,
//! and what it cannot give is left to the one that fills.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::run::Pipeline;
use crate::db::{DbError, SeriesFacts};
use crate::model::{Coverage, Declarations, SeriesKey, Span, Spans};

/// What is declared, and which series fills the gaps of which.
pub(super) struct Pairs<'a> {
    declared: &'a Declarations,
    /// By the series whose gaps are filled.
    filling: HashMap<SeriesKey, &'a SeriesKey>,
}

impl<'a> Pairs<'a> {
    /// The pairs of a watch list.
    pub fn of(declared: &'a Declarations) -> Self {
        let fills = declared.iter().filter_map(|(series, declared)| {
            let first = declared.fills.as_ref()?;
            Some((series.at(first), series))
        });
        Self {
            declared,
            filling: fills.collect(),
        }
    }

    /// The other series of a pair, and whether it is the first: that whose gaps are filled.
    fn other(&self, series: &SeriesKey) -> Option<(SeriesKey, bool)> {
        let declared = self.declared.get(series);
        if let Some(first) = declared.and_then(|declared| declared.fills.as_ref()) {
            return Some((series.at(first), true));
        }
        let filling = self.filling.get(series)?;
        Some(((*filling).clone(), false))
    }
}

impl Pipeline {
    /// What the other series of a pair gives; `None`: there is none, or its source refuses it or is not
    /// known. The first gives what it can, the one that fills all else.
    async fn given_elsewhere(
        &self,
        series: &SeriesKey,
        pairs: &Pairs<'_>,
    ) -> Result<Option<Spans>, DbError> {
        let Some((other, is_first)) = pairs.other(series) else {
            return Ok(None);
        };
        let other = self.kept_as(&other);
        let both = [other.clone(), self.kept_as(series)];
        let refused = self.parked(&both).await?;
        let refused = refused.iter().take(if is_first { 1 } else { 2 });
        if self.lane(&other.source).is_none() || refused.flatten().next().is_some() {
            return Ok(None);
        }
        let [other, series] = &both;
        let first = if is_first { other } else { series };
        let coverage = self.store.facts(first.clone()).await?.coverage;
        let earliest = self.earliest(first).await?.map(|earliest| earliest.at);
        let given = coverage.given(self.reach(first), earliest);
        if is_first {
            return Ok(Some(given));
        }
        let all = Span::new(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        Ok(Some(given.gaps(all).into_iter().collect()))
    }

    /// Adds to what is known of a series, as it is declared, what the other one of its pair gives.
    pub(super) async fn leave(
        &self,
        series: &SeriesKey,
        pairs: &Pairs<'_>,
        facts: &mut SeriesFacts,
    ) -> Result<(), DbError> {
        if let Some(given) = self.given_elsewhere(series, pairs).await? {
            facts.coverage.leave(given);
        }
        Ok(())
    }

    /// The same for the coverage of several series.
    pub(super) async fn leave_to_others(
        &self,
        series: &[SeriesKey],
        declared: &Declarations,
        known: &mut BTreeMap<SeriesKey, Coverage>,
    ) -> Result<(), DbError> {
        let pairs = Pairs::of(declared);
        for series in series {
            let kept = self.kept_as(series);
            if let Some(given) = self.given_elsewhere(&kept, &pairs).await? {
                known.entry(kept).or_default().leave(given);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Declared, Interval, SourceId};

    #[test]
    fn the_other_of_a_pair_is_found_from_both_though_nothing_is_declared_of_the_first() {
        let ibm = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
        let filling = ibm.at(&SourceId::known("other"));
        let fills = Declared {
            fills: Some(ibm.source.clone()),
            ..Declared::default()
        };
        let declared = Declarations::from([(filling.clone(), fills)]);
        let pairs = Pairs::of(&declared);
        assert_eq!(pairs.other(&filling), Some((ibm.clone(), true)));
        assert_eq!(pairs.other(&ibm), Some((filling, false)));
        let alone = SeriesKey::raw("AAPL".parse().unwrap(), Interval::Daily);
        assert_eq!(pairs.other(&alone), None);
    }
}
