//! What is true, as others see it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::super::snapshot::{QuotaStatus, ScheduleStatus, SeriesStatus, Snapshot};
use super::{Entry, Owner, State};
use crate::model::{Bar, Price, quota};

/// Closes that a trend shows.
const TREND: usize = 78;

impl State {
    /// The number that grows with every change.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What is true now.
    #[must_use]
    pub fn snapshot(&self, dropped_notices: u64, now: DateTime<Utc>) -> Snapshot {
        let (_, tomorrow) = quota::day(now);
        let is_spent = self.per_day.is_some_and(|limit| self.ledger.today >= limit)
            || self.ledger.day_refusal.is_some();
        Snapshot {
            revision: self.revision,
            taken_at: now,
            read_only: self.read_only,
            provider: self.provider.clone(),
            store: self.store.clone(),
            quota: QuotaStatus {
                used: self.ledger.today,
                limit: self.per_day,
                spent_until: is_spent.then_some(tomorrow),
            },
            schedule: ScheduleStatus {
                schedule: self.schedule.clone(),
                paused: self.paused,
                next_at: self.next_at(now),
                is_owner: self.owner == Owner::This,
                missed: self.missed,
                due: self.due(now).count(),
                due_next: self.next_at(now).map_or(0, |at| self.due(at).count()),
            },
            run: self.run.clone(),
            series: self
                .entries
                .iter()
                .map(|entry| status(entry, now))
                .collect(),
            runs: Arc::clone(&self.runs),
            bars: self.bars.clone(),
            opened: self.opened.clone(),
            answer: self.answer.clone(),
            search: self.search.view(),
            dropped_notices,
        }
    }
}

fn status(entry: &Entry, now: DateTime<Utc>) -> SeriesStatus {
    let recent = &entry.facts.recent;
    let last_bar = recent.first().copied();
    let other_day = |bar: &&Bar| last_bar.is_some_and(|last| bar.trading_date != last.trading_date);
    let session = |bar: &&Bar| {
        !entry.key.interval.is_intraday()
            || last_bar.is_some_and(|last| bar.trading_date == last.trading_date)
    };
    let mut trend: Vec<Price> = recent
        .iter()
        .take_while(session)
        .take(TREND)
        .map(|bar| bar.close)
        .collect();
    trend.reverse();
    SeriesStatus {
        key: entry.key.clone(),
        state: entry.state(now),
        fetched_at: entry.fetched_at(),
        last_bar,
        previous_close: recent.iter().find(other_day).map(|bar| bar.close),
        trend: trend.into(),
        bars: entry.facts.bars,
        problem: entry.live.problem.clone().or_else(|| entry.parked.clone()),
        retry_at: entry.live.retry_at,
        requests: entry.live.requests,
    }
}
