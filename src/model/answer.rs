//! An answer and what is read from it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::adjustment::Rule;
use super::calendar::Calendar;
use super::run::{RequestId, RunId};
use super::{Bar, Interval, SeriesKey, Spoken};

/// What came back, before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, not to be trusted.
    pub content_type: Option<String>,
    /// The decoded body, with every known secret replaced.
    pub body: Bytes,
    /// When the last byte arrived.
    pub received_at: DateTime<Utc>,
    /// Milliseconds from sending to the last byte.
    pub elapsed_ms: u32,
    /// What it says may still be sent.
    pub stated: Option<Stated>,
}

/// What a provider says may still be sent of a window, and for how long that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stated {
    /// Requests.
    pub left: u32,
    /// Until the window ends.
    pub ends_in: Duration,
}

/// A row that validation refused, or a row with one extra set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedRow {
    /// The row's label, safe to show.
    pub label: String,
    /// The row as received, safe to show.
    pub content: String,
    /// Why it was refused or what was set aside.
    pub reason: String,
}

/// What an answer holds of one series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Bars, oldest first, each instant once.
    pub bars: Vec<Bar>,
    /// Rows that validation refused, and extras that were set aside.
    pub rejected: Vec<RejectedRow>,
    /// Rows the answer held.
    pub received: u32,
    /// Values whose digits past the eighth were rounded away.
    pub rounded: u32,
    /// Adjusted closes, dividends and splits that cannot be used; their bars are stored without them.
    pub set_aside: u32,
}

impl Answer {
    /// When its request was sent.
    #[must_use]
    pub fn asked_at(&self) -> DateTime<Utc> {
        self.received_at - TimeDelta::milliseconds(self.elapsed_ms.into())
    }
}

impl Reading {
    /// Marks the bars whose period had not ended at an instant: what is traded later is not in them.
    pub fn mark_unfinished(&mut self, interval: Interval, at: DateTime<Utc>, calendar: &Calendar) {
        // Oldest first: before the newest bar that had ended, all had.
        for bar in self.bars.iter_mut().rev() {
            bar.is_final = calendar.period_end(interval, bar) <= at;
            if bar.is_final {
                break;
            }
        }
    }
}

/// What one answer holds of one series, ready to be stored with the rest of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The request that was answered.
    pub request: RequestId,
    /// The run that requested it.
    pub run: RunId,
    /// The series the bars belong to.
    pub series: SeriesKey,
    /// How its source adjusts prices.
    pub rule: Rule,
    /// Bars, oldest first, each instant once; shared, since a write that fails is repeated.
    pub bars: Arc<[Bar]>,
    /// Rows that were refused, and extras that were set aside.
    pub rejected: Vec<RejectedRow>,
    /// Rows the answer held.
    pub received: u32,
    /// Values whose digits were rounded away.
    pub rounded: u32,
    /// Adjusted closes, dividends and splits that were set aside.
    pub set_aside: u32,
    /// Milliseconds that reading the answer took.
    pub parse_ms: u32,
    /// Whether the run has all it wants of this series; otherwise another answer follows.
    pub is_last: bool,
    /// What the answer speaks for; `None`: for nothing.
    pub spoken: Option<Spoken>,
    /// Whether its bars were rolled up from the finer ones that were asked for.
    pub is_rolled_up: bool,
}

/// What an upsert did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Bars that were new.
    pub inserted: u32,
    /// Bars with a changed value.
    pub changed: u32,
    /// Bars that were already stored as received.
    pub unchanged: u32,
}

impl Counts {
    /// What an upsert did to the bars that it was offered.
    #[must_use]
    pub fn of(offered: usize, inserted: u32, changed: u32) -> Self {
        let offered = u32::try_from(offered).unwrap_or(u32::MAX);
        let written = inserted.saturating_add(changed);
        debug_assert!(
            written <= offered,
            "{written} of {offered} bars were written"
        );
        Self {
            inserted,
            changed,
            unchanged: offered.saturating_sub(written),
        }
    }

    /// The bars that were offered.
    #[must_use]
    pub const fn offered(&self) -> u32 {
        self.inserted + self.changed + self.unchanged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_was_there_and_the_counts_add_up() {
        let counts = Counts::of(9, 2, 3);
        assert_eq!((counts.unchanged, counts.offered()), (4, 9));
        assert_eq!(Counts::of(0, 0, 0), Counts::default());
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "6 of 5 bars were written")]
    fn more_written_than_offered_is_noticed() {
        let _ = Counts::of(5, 4, 2);
    }
}
