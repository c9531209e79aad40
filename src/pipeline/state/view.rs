//! The state as others see it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::super::planner::FetchPlan;
use super::super::snapshot::{ScheduleStatus, SeriesState, Snapshot, SourceStatus, WatchedSeries};
use super::{Entry, State};
use crate::model::adjustment::Ratio;
use crate::model::supposed::suppose_closed;
use crate::model::{Close, Price, SeriesKey, Truth};

/// Closes that a trend shows.
const TREND: usize = 78;
/// Instants to come that are shown.
pub(in crate::pipeline) const NEXT_TICKS: usize = 5;

impl State {
    /// The number that grows with every change.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What is true now.
    #[must_use]
    pub fn snapshot(&self, dropped_notices: u64, now: DateTime<Utc>) -> Snapshot {
        debug_assert_eq!(self.broken_promise(), None);
        let next_at = self.next_at(now);
        let plan = self.planned(now);
        let sendable = |at| self.quotas.sendable(self.due(at), at);
        let due = self.due(now).count();
        let due_next = next_at.map_or_else(Vec::new, |at| self.due_at(at, now));
        Snapshot {
            revision: self.revision,
            taken_at: now,
            read_only: self.read_only,
            sources: self
                .sources
                .iter()
                .map(|source| self.source(source, now))
                .collect(),
            store: self.store.clone(),
            schedule: ScheduleStatus {
                schedule: self.schedule.clone(),
                paused: self.paused,
                next_at,
                is_owner: self.lanes.follows_schedule(),
                no_engine: self.lanes.no_engine,
                missed: self.missed,
                due,
                sendable: sendable(now),
                due_next: due_next.len(),
                sendable_next: next_at.map_or(0, |at| plan.until(at).count()),
            },
            ticks: Arc::clone(&self.ticks.noted),
            next_ticks: self.next_ticks(&plan, NEXT_TICKS, now).into(),
            run: self.run.clone(),
            export: self.export,
            is_listed: self.list_reading > 0,
            series: self.statuses(&plan, now),
            plan: Arc::new(plan),
            runs: Arc::clone(&self.runs),
            bars: self.bars.clone(),
            opened: self.opened.clone(),
            answer: self.answer.clone(),
            system: self.system.clone(),
            engines: self.engines.clone(),
            coverage: self.coverage.clone(),
            ranges: self.ranges.clone(),
            preview: self.preview.clone(),
            alerts: Arc::clone(&self.alerts.view),
            search: self.search.view(),
            dropped_notices,
        }
    }
}

impl State {
    /// How each line of the watch list stands, compared with the others, and its state.
    pub(super) fn states(&self, now: DateTime<Utc>) -> Vec<(Truth, SeriesState)> {
        let truth = |entry: &Entry| entry.outlook(now).into_owned().truth;
        let mut truths: Vec<Truth> = self.entries.iter().map(truth).collect();
        let compared = self.entries.iter().zip(&mut truths);
        suppose_closed(compared.map(|(entry, truth)| (&entry.key.symbol, &entry.grid, truth)));
        let entries = self.entries.iter().zip(truths);
        let state = |(entry, truth): (&Entry, Truth)| {
            let state = entry.state(&truth, self.is_spent(&entry.key, now));
            (truth, state)
        };
        entries.map(state).collect()
    }

    fn source(&self, source: &SourceStatus, now: DateTime<Utc>) -> SourceStatus {
        let due = self.due(now).filter(|series| series.source == source.id);
        SourceStatus {
            quota: self.quotas.status(&source.id, now),
            sendable: self.quotas.sendable(due, now),
            ..source.clone()
        }
    }

    /// Each line of the watch list.
    #[must_use]
    pub fn watched(&self, now: DateTime<Utc>) -> Arc<[WatchedSeries]> {
        self.statuses(&self.planned(now), now)
    }

    fn statuses(&self, plan: &FetchPlan, now: DateTime<Utc>) -> Arc<[WatchedSeries]> {
        let lines = plan.lines.iter().map(|line| (&line.series, line.at));
        let planned: HashMap<&SeriesKey, Option<DateTime<Utc>>> = lines.collect();
        self.entries
            .iter()
            .zip(self.states(now))
            .map(|(entry, (truth, state))| WatchedSeries {
                next_at: planned.get(&entry.key).copied().flatten(),
                ..status(entry, truth, state)
            })
            .collect()
    }
}

/// The close of the day before the newest bar's. A split is neither gain nor loss: before what looks
/// like one, there is no close to compare with.
fn previous_close(recent: &[Close]) -> Option<Price> {
    let newest = recent.first()?.trading_date;
    let at = recent.iter().position(|bar| bar.trading_date != newest)?;
    let (before, opening) = (recent.get(at)?, recent.get(at.checked_sub(1)?)?);
    // A week in the middle of which it was split opens on the old scale.
    let mut prices = [opening.open, opening.price].into_iter();
    let has_split = prices.any(|price| Ratio::of_jump(before.price, price).is_some());
    (!has_split).then_some(before.price)
}

fn status(entry: &Entry, truth: Truth, state: SeriesState) -> WatchedSeries {
    let recent = &entry.facts.recent;
    let last = recent.first().map(|close| close.trading_date);
    let session =
        |close: &&Close| !entry.key.interval.is_intraday() || last == Some(close.trading_date);
    let mut trend: Vec<Price> = recent
        .iter()
        .take_while(session)
        .take(TREND)
        .map(|close| close.price)
        .collect();
    trend.reverse();
    // Its bars may have come with another series: adjusted daily bars bring the raw ones.
    let fetched_at = entry.fetched_at().max(truth.asked_at);
    WatchedSeries {
        grid: entry.grid.clone(),
        reach: entry.reach,
        closing_price: entry.closing_price,
        fetch_price: entry.fetch_price,
        truth,
        key: entry.key.clone(),
        state,
        fetched_at,
        last_bar: entry.facts.newest,
        previous_close: previous_close(recent),
        trend: trend.into(),
        bars: entry.facts.bars,
        oldest: entry.facts.oldest,
        next_at: None,
        declared: entry.declared.clone(),
        safe_until: entry.safe_until,
        problem: entry.problem(),
        retry_at: entry.live.retry_at,
        requests: entry.requests(),
        listing: entry.facts.listing.clone(),
        subject: Arc::clone(&entry.subject),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bars, newest first, each with its day, open and close.
    fn bars(days: &[(u32, i64, i64)]) -> Vec<Close> {
        let close = |(day, open, close): &(u32, i64, i64)| {
            let date = chrono::NaiveDate::from_ymd_opt(2026, 11, *day).unwrap();
            let price = |dollars: i64| Price::from_units(dollars * Price::ONE);
            Close {
                timestamp: date.and_time(chrono::NaiveTime::MIN).and_utc(),
                trading_date: date,
                open: price(*open),
                price: price(*close),
                is_final: true,
            }
        };
        days.iter().map(close).collect()
    }

    #[test]
    fn a_split_is_no_change_of_price() {
        let close = |dollars| Some(Price::from_units(dollars * Price::ONE));
        let fell = bars(&[(20, 380, 370), (19, 396, 400)]);
        assert_eq!(previous_close(&fell), close(400));
        assert_eq!(
            previous_close(&bars(&[(20, 101, 98), (19, 396, 400)])),
            None
        );
        // Later on that day as well: it is the first bar that opens on the new scale.
        let later = bars(&[(20, 98, 97), (20, 101, 98), (19, 396, 400)]);
        assert_eq!(previous_close(&later), None);
        let week = bars(&[(20, 396, 98), (13, 398, 400)]);
        assert_eq!(previous_close(&week), None);
        assert_eq!(previous_close(&bars(&[(20, 380, 370)])), None);
        assert_eq!(previous_close(&[]), None);
    }
}
