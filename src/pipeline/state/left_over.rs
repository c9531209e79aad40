//! Whether the schedule left something to spare, and what was done with it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::model::{RunStatus, SeriesKey};

/// What starts a run that brings history.
pub(super) const TRIGGER: &str = "history";

/// Whether there is something to spare.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not before the schedule has sent.
    Closed,
    /// An engine has begun or a run has ended, and what is left is being read.
    #[default]
    Counting,
    /// What is left is known.
    Open,
}

/// What is spare, and what was done with it since the schedule sent.
#[derive(Debug, Default)]
pub(super) struct Spare {
    stage: Stage,
    /// Whether the schedule has sent since this engine began.
    has_schedule_sent: bool,
    /// Where the oldest hole of each series began when it was last asked for: where it still begins there,
    /// asking again would bring no more.
    tried: HashMap<SeriesKey, DateTime<Utc>>,
}

impl Spare {
    /// A run has ended.
    pub(super) fn run_ended(&mut self, trigger: Option<&str>, status: RunStatus) {
        let is_stopped = matches!(status, RunStatus::Cancelled | RunStatus::Interrupted);
        self.stage = match trigger {
            Some("schedule") if !is_stopped => {
                self.tried.clear();
                self.has_schedule_sent = true;
                Stage::Counting
            }
            Some(TRIGGER) if status != RunStatus::Succeeded => Stage::Closed,
            _ if self.stage == Stage::Closed || is_stopped => Stage::Closed,
            _ => Stage::Counting,
        };
    }

    /// What is left was read.
    pub(super) fn counted(&mut self) {
        if self.stage == Stage::Counting {
            self.stage = Stage::Open;
        }
    }

    /// Whether it is known what is left.
    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether the schedule has sent since this engine began.
    pub(super) fn has_schedule_sent(&self) -> bool {
        self.has_schedule_sent
    }

    /// Whether a series was asked for whose oldest hole begins there.
    pub(super) fn has_tried(&self, series: &SeriesKey, first: DateTime<Utc>) -> bool {
        self.tried.get(series) == Some(&first)
    }

    /// A series is asked for whose oldest hole begins there.
    pub(super) fn tried(&mut self, series: SeriesKey, first: DateTime<Utc>) {
        self.tried.insert(series, first);
    }

    /// Nothing is known of what is left.
    pub(super) fn close(&mut self) {
        self.stage = Stage::Closed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_open_until_it_brings_nothing_and_again_after_the_schedule() {
        use RunStatus::{Cancelled, Failed, Partial, Succeeded};
        let mut spare = Spare::default();
        let mut after = |trigger, status| {
            spare.run_ended(Some(trigger), status);
            spare.counted();
            spare.stage
        };
        assert_eq!(after("due", Succeeded), Stage::Open);
        assert_eq!(after("schedule", Partial), Stage::Open);
        assert_eq!(after("backfill", Failed), Stage::Open);
        assert_eq!(after(TRIGGER, Succeeded), Stage::Open);
        assert_eq!(after(TRIGGER, Partial), Stage::Closed);
        assert_eq!(after("schedule", Succeeded), Stage::Open);
        assert_eq!(after("due", Cancelled), Stage::Closed);
        assert_eq!(after("schedule", Cancelled), Stage::Closed);
        assert_eq!(after("schedule", Succeeded), Stage::Open);
        spare.close();
        assert!(!spare.is_open(), "a run broke off");
    }
}
