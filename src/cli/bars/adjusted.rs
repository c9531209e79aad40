//! `bars --adjusted`: what bars are on the scale of their series, and why some have no prices.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cli::exit::Failure;
use crate::db::{BarQuery, Order, Store};
use crate::model::adjustment::{AdjustedBar, Adjustments, KnownEvents, ScaledBar};
use crate::model::{Bar, Interval, SeriesKey};
use crate::pipeline::Pipeline;
use crate::pipeline::adjusted::{reasons, without_dividends};
use crate::pipeline::export::Written;

/// What the adjusted prices of series follow from; those that their source adjusts need nothing.
#[derive(Debug, Default)]
pub struct Scales(BTreeMap<SeriesKey, (Adjustments, KnownEvents)>);

impl Scales {
    /// What is known of these series.
    pub async fn read(store: &Arc<dyn Store>, series: &[SeriesKey]) -> Result<Self, Failure> {
        let mut all = BTreeMap::new();
        for series in series.iter().filter(|key| !key.is_stored_adjusted()) {
            let known = store.adjustments(series.instrument()).await?;
            all.insert(series.clone(), known);
        }
        Ok(Self(all))
    }

    /// Whether prices are computed.
    pub fn are_computed(&self) -> bool {
        !self.0.is_empty()
    }

    /// A bar on the scale of its series.
    pub fn scaled(&self, series: &SeriesKey, bar: Bar) -> ScaledBar {
        let known = self.0.get(series);
        let scaled = known.map_or_else(
            || AdjustedBar::raw(&bar),
            |(adjustments, _)| adjustments.bar(series.interval, &bar),
        );
        ScaledBar { bar, scaled }
    }

    /// What cannot be known of the bars that were written.
    pub async fn remarks(
        &self,
        pipeline: &Pipeline,
        series: &SeriesKey,
        written: Written,
    ) -> Result<Vec<String>, Failure> {
        let known = self.0.get(series).zip(written.ends);
        let Some(((adjustments, known), (oldest, newest))) = known else {
            return Ok(vec![]);
        };
        let has_events = pipeline.has_events(&series.source);
        let mut remarks = reasons(series, (&oldest, &newest), adjustments, has_events);
        if !matches!(series.interval, Interval::Weekly | Interval::Monthly) {
            let since = BarQuery {
                series: SeriesKey::of(&series.instrument(), Interval::Daily),
                from: Some(oldest.timestamp),
                to: None,
                limit: u32::MAX,
                order: Order::OldestFirst,
            };
            let daily = pipeline.store.bars(since).await?;
            remarks.extend(without_dividends(series, &daily, known, has_events));
        }
        Ok(remarks)
    }
}
