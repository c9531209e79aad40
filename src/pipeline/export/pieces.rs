//! Reads the bars of a series piece by piece, so that a million need little memory.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::{BarQuery, DbError, Order, Store};
use crate::model::{Bar, SeriesKey};

/// Bars that are read at a time.
const PIECE: u32 = 10_000;

/// Which bars of a series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Oldest instant, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// Newest instant, inclusive.
    pub to: Option<DateTime<Utc>>,
    /// At most this many, the newest.
    pub limit: Option<u32>,
}

/// The bars of a series, piece by piece.
#[derive(Debug)]
pub struct Pieces {
    store: Arc<dyn Store>,
    rest: BarQuery,
    /// How many more may come; `None`: all.
    left: Option<u32>,
    is_over: bool,
}

impl Pieces {
    /// The newest bar first.
    #[must_use]
    pub fn newest_first(store: &Arc<dyn Store>, series: &SeriesKey, extent: Extent) -> Self {
        Self {
            store: Arc::clone(store),
            rest: BarQuery {
                series: series.clone(),
                from: extent.from,
                to: extent.to,
                limit: PIECE,
                order: Order::NewestFirst,
            },
            left: extent.limit,
            is_over: false,
        }
    }

    /// The oldest bar first. Which bar a limit begins with is found by reading backwards.
    pub async fn oldest_first(
        store: &Arc<dyn Store>,
        series: &SeriesKey,
        extent: Extent,
    ) -> Result<Self, DbError> {
        let mut pieces = Self::newest_first(store, series, extent);
        let mut from = extent.from;
        if extent.limit.is_some() {
            while let Some(bars) = pieces.next().await? {
                from = bars.last().map(|bar| bar.timestamp);
            }
        }
        pieces.rest = BarQuery {
            from,
            to: extent.to,
            order: Order::OldestFirst,
            ..pieces.rest
        };
        (pieces.left, pieces.is_over) = (extent.limit, false);
        Ok(pieces)
    }

    /// The next piece; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Bar>>, DbError> {
        if self.is_over || self.left == Some(0) {
            return Ok(None);
        }
        self.rest.limit = self.left.map_or(PIECE, |left| left.min(PIECE));
        let bars = self.store.bars(self.rest.clone()).await?;
        let count = u32::try_from(bars.len()).unwrap_or(u32::MAX);
        let Some(last) = bars.last() else {
            self.is_over = true;
            return Ok(None);
        };
        // Bars begin on whole seconds.
        let second = TimeDelta::seconds(1);
        let (end, beyond) = match self.rest.order {
            Order::NewestFirst => (&mut self.rest.to, last.timestamp.checked_sub_signed(second)),
            Order::OldestFirst => (
                &mut self.rest.from,
                last.timestamp.checked_add_signed(second),
            ),
        };
        *end = beyond;
        self.is_over = count < self.rest.limit || beyond.is_none();
        self.left = self.left.map(|left| left.saturating_sub(count));
        Ok(Some(bars))
    }
}
