//! A series that fills the gaps of the same series at another source: what that one gives is left to it.

use std::collections::BTreeMap;

use super::run::Pipeline;
use crate::db::{DbError, SeriesFacts};
use crate::model::{Coverage, Declarations, Declared, SeriesKey, Spans};

impl Pipeline {
    /// What the series whose gaps this one fills gives; `None`: it fills none, or those of a source that
    /// refuses the series or is not known.
    async fn given_elsewhere(
        &self,
        series: &SeriesKey,
        declared: Option<&Declared>,
    ) -> Result<Option<Spans>, DbError> {
        let Some(source) = declared.and_then(|declared| declared.fills.as_ref()) else {
            return Ok(None);
        };
        let first = self.kept_as(&series.at(source));
        let refused = self.parked(std::slice::from_ref(&first)).await?;
        if self.lane(source).is_none() || refused.into_iter().any(|refused| refused.is_some()) {
            return Ok(None);
        }
        let coverage = self.store.facts(first.clone()).await?.coverage;
        let earliest = self.earliest(&first).await?.map(|earliest| earliest.at);
        Ok(Some(coverage.given(self.reach(&first), earliest)))
    }

    /// Adds to what is known of a series what the source gives whose gaps it fills.
    pub(super) async fn leave(
        &self,
        series: &SeriesKey,
        declared: Option<&Declared>,
        facts: &mut SeriesFacts,
    ) -> Result<(), DbError> {
        if let Some(given) = self.given_elsewhere(series, declared).await? {
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
        for series in series {
            let kept = self.kept_as(series);
            if let Some(given) = self.given_elsewhere(series, declared.get(&kept)).await? {
                known.entry(kept).or_default().leave(given);
            }
        }
        Ok(())
    }
}
