//! What the bars of an answer add up to for the coarser series that ride along.

use super::exchange::Exchange;
use crate::db::{BarQuery, DbError, Order};
use crate::model::roll_up::roll_up;
use crate::model::{Bar, Batch, Grid, Request, SeriesKey, Span, Spoken};

/// Finer bars that are read before those of an answer: a day and a night of minutes.
const BEFORE: u32 = 3_000;

impl Exchange<'_> {
    /// What the bars of an answer add up to for each series that rides along. The first bar may have begun
    /// before the answer: what is stored of that time is read.
    pub async fn rolled_up(
        &self,
        request: &Request,
        batches: &[Batch],
    ) -> Result<Vec<Batch>, DbError> {
        let mut rolled = vec![];
        for rider in request.filled().skip(request.series.len()) {
            let base = batches
                .iter()
                .find(|batch| rider.is_coarser_than(&batch.series));
            let Some((base, spoken)) = base.and_then(|base| Some((base, base.spoken?))) else {
                continue;
            };
            let grid = self.pipeline.grid(rider);
            let asked = spoken.asked;
            let begun = Span::new(grid.time_at(asked.from).from, asked.from);
            let before = self.before(&base.series, begun).await?;
            let from = if before.is_some() {
                begun.from
            } else {
                begun.to
            };
            let within = whole(&grid, Span::new(from, asked.to));
            let before = before.unwrap_or_default();
            let finer = before.iter().chain(base.bars.iter()).copied();
            let finer: Vec<Bar> = finer.filter(|bar| bar.is_final).collect();
            let bars = roll_up(&grid, within, &finer);
            rolled.push(Batch {
                series: rider.clone(),
                received: u32::try_from(bars.len()).unwrap_or(u32::MAX),
                bars: bars.into(),
                rejected: vec![],
                rounded: 0,
                set_aside: 0,
                spoken: (!within.is_empty()).then_some(Spoken {
                    asked: within,
                    // A bar is settled when all that it is made of is.
                    settled_to: grid.time_at(spoken.settled_to).from,
                    ..spoken
                }),
                is_rolled_up: true,
                ..base.clone()
            });
        }
        Ok(rolled)
    }

    /// The stored bars of a series in a time, if all of it was asked for.
    async fn before(&self, series: &SeriesKey, time: Span) -> Result<Option<Vec<Bar>>, DbError> {
        if time.is_empty() {
            return Ok(None);
        }
        let facts = self.store.facts(series.clone()).await?;
        if !facts.coverage.asked().gaps(time).is_empty() {
            return Ok(None);
        }
        let query = BarQuery {
            series: series.clone(),
            from: Some(time.from),
            to: Some(time.to),
            limit: BEFORE,
            order: Order::OldestFirst,
        };
        let bars = self.store.bars(query).await?.into_iter();
        Ok(Some(
            bars.filter(|bar| time.contains(bar.timestamp)).collect(),
        ))
    }
}

/// Of a time, that of whole bars.
fn whole(grid: &Grid, time: Span) -> Span {
    let (first, last) = (grid.time_at(time.from), grid.time_at(time.to));
    let begins = first.from == time.from;
    Span::new(if begins { first.from } else { first.to }, last.from)
}
