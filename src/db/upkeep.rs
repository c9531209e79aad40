//! Forgetting history: which runs, requests and events may go, and deleting them in small pieces; what each table
//! takes.
//!
//! Quotas count requests of a day, recovery needs those of runs that are not settled, and a walk that
//! was cut goes on from the newest runs: none of these is forgotten, and nor is the last success of a series.

use std::fmt;

use async_trait::async_trait;

use super::error::Result;
use crate::model::{Retention, StoreTable, TableSize};

/// Up to where history may be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgettable {
    /// The newest run that may go, with its requests.
    pub run: i64,
    /// The newest event that may go.
    pub event: i64,
    /// The newest rejected row that may go.
    pub rejected: i64,
    /// The newest instant of the schedule that may go.
    pub tick: i64,
}

/// What a store forgets.
#[async_trait]
pub trait UpkeepStore: fmt::Debug + Send + Sync {
    /// Up to where history may be forgotten.
    async fn forgettable(&self, kept: Retention) -> Result<Forgettable>;

    /// Forgets at most so many rows of each table, in one transaction; returns how many.
    async fn forget(&self, upto: Forgettable, most: u32) -> Result<u64>;

    /// What each table takes, the largest first. Reads more than any other size: for a person who looks.
    async fn tables(&self) -> Result<Vec<TableSize>>;
}

/// Runs that stay whatever their age: recovery looks back as far.
const NEWEST_RUNS: i64 = 100;

/// The bounds of the tables; `$1` rows are kept. `old` and `young` are instants of the database's clock.
macro_rules! bounds {
    ($old:literal, $young:literal) => {
        concat!(
            "SELECT (SELECT max(id) FROM runs WHERE started_at < ", $old, ") AS aged, \
             (SELECT run_id FROM run_series ORDER BY run_id DESC LIMIT 1 OFFSET $1) AS series, \
             (SELECT run_id FROM requests ORDER BY run_id DESC LIMIT 1 OFFSET $1) AS requests, \
             (SELECT max(id) FROM runs) AS newest, \
             (SELECT min(id) FROM runs WHERE status = 'running' OR started_at >= ", $young, ") AS at_work, \
             (SELECT min(run_id) FROM requests WHERE state IN ('reserved', 'answered')) AS unsettled, \
             (SELECT max(id) FROM events WHERE at < ", $old, ") AS old_events, \
             (SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET $1) AS events, \
             (SELECT id FROM rejected_rows ORDER BY id DESC LIMIT 1 OFFSET $1) AS rejected, \
             (SELECT max(id) FROM ticks WHERE at < ", $old, ") AS old_ticks, \
             (SELECT id FROM ticks ORDER BY id DESC LIMIT 1 OFFSET $1) AS ticks"
        )
    };
}
pub(super) use bounds;

/// What decides up to where history may go; `None`: nothing of the kind is there.
#[derive(Debug, Default, sqlx::FromRow)]
pub(super) struct KeptBounds {
    aged: Option<i64>,
    series: Option<i64>,
    requests: Option<i64>,
    newest: Option<i64>,
    at_work: Option<i64>,
    unsettled: Option<i64>,
    old_events: Option<i64>,
    events: Option<i64>,
    rejected: Option<i64>,
    old_ticks: Option<i64>,
    ticks: Option<i64>,
}

impl KeptBounds {
    pub(super) fn forgettable(&self) -> Forgettable {
        let wanted = [self.aged, self.series, self.requests];
        let newest = self.newest.map(|run| run - NEWEST_RUNS);
        let before = |run: Option<i64>| run.map(|run| run - 1);
        let needed = [newest, before(self.at_work), before(self.unsettled)];
        let last = needed.into_iter().flatten().min().unwrap_or(0);
        Forgettable {
            run: wanted.into_iter().flatten().max().unwrap_or(0).min(last),
            event: self.old_events.max(self.events).unwrap_or(0),
            rejected: self.rejected.unwrap_or(0),
            tick: self.old_ticks.max(self.ticks).unwrap_or(0),
        }
    }
}

/// What is deleted of a table up to row or run `$1`, `$2` rows at most; `None`: it is not of the history. With a
/// request go its answer, its series and the rows that it brought in vain; a run goes when nothing is left of it.
const fn deletion(table: StoreTable) -> Option<&'static str> {
    Some(match table {
        StoreTable::Requests => {
            "DELETE FROM requests WHERE id IN ( \
                 SELECT id FROM requests WHERE run_id <= $1 ORDER BY run_id LIMIT $2)"
        }
        StoreTable::RejectedRows => {
            "DELETE FROM rejected_rows WHERE id IN ( \
                 SELECT id FROM rejected_rows WHERE id <= $1 ORDER BY id LIMIT $2)"
        }
        StoreTable::RunSeries => {
            "DELETE FROM run_series WHERE (run_id, source, symbol, interval, adjusted) IN ( \
                 SELECT run_id, source, symbol, interval, adjusted FROM run_series s \
                 WHERE run_id <= $1 AND (status <> 'succeeded' OR EXISTS ( \
                     SELECT 1 FROM run_series n WHERE n.source = s.source AND n.symbol = s.symbol \
                     AND n.interval = s.interval AND n.adjusted = s.adjusted AND n.status = 'succeeded' \
                     AND n.finished_at > s.finished_at)) \
                 ORDER BY run_id LIMIT $2)"
        }
        StoreTable::Runs => {
            "DELETE FROM runs WHERE id IN ( \
                 SELECT id FROM runs r WHERE id <= $1 \
                 AND NOT EXISTS (SELECT 1 FROM run_series WHERE run_id = r.id) \
                 AND NOT EXISTS (SELECT 1 FROM requests WHERE run_id = r.id) ORDER BY id LIMIT $2)"
        }
        StoreTable::Events => {
            "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id <= $1 ORDER BY id LIMIT $2)"
        }
        StoreTable::Ticks => {
            "DELETE FROM ticks WHERE id IN (SELECT id FROM ticks WHERE id <= $1 ORDER BY id LIMIT $2)"
        }
        _ => return None,
    })
}

impl Forgettable {
    /// The statements that forget, in their order, each with its `$1`.
    pub(super) fn deletions(self) -> impl Iterator<Item = (&'static str, i64)> {
        StoreTable::of_history().filter_map(move |table| {
            let last = match table {
                StoreTable::Events => self.event,
                StoreTable::RejectedRows => self.rejected,
                StoreTable::Ticks => self.tick,
                _ => self.run,
            };
            deletion(table).map(|statement| (statement, last))
        })
    }
}

/// Sizes of tables, the largest first.
pub(super) fn largest_first(mut tables: Vec<TableSize>) -> Vec<TableSize> {
    tables.sort_by_key(|one| (std::cmp::Reverse(one.bytes), one.table));
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BoundedBy;

    #[test]
    fn each_table_of_the_history_is_deleted_from_and_no_other() {
        for table in StoreTable::ALL {
            let is_history = table.bounded_by() == BoundedBy::History;
            let statement = deletion(*table);
            assert_eq!(statement.is_some(), is_history, "{table}");
            let of_it = format!("DELETE FROM {table} ");
            assert!(
                statement.is_none_or(|statement| statement.starts_with(&of_it)),
                "{table}"
            );
        }
    }

    #[test]
    fn what_is_needed_stays_however_old_it_is() {
        let all = KeptBounds {
            aged: Some(500),
            series: Some(700),
            requests: None,
            newest: Some(1_000),
            ..KeptBounds::default()
        };
        let run = |bounds: &KeptBounds| bounds.forgettable().run;
        assert_eq!(run(&all), 700, "the later of age and size");
        let kept = |change: fn(&mut KeptBounds)| {
            let mut bounds = KeptBounds { ..all };
            change(&mut bounds);
            run(&bounds)
        };
        assert_eq!(kept(|one| one.newest = Some(750)), 650, "the newest runs");
        assert_eq!(kept(|one| one.at_work = Some(300)), 299, "those at work");
        assert_eq!(
            kept(|one| one.unsettled = Some(20)),
            19,
            "those of kept answers"
        );
        assert_eq!(run(&KeptBounds::default()), 0);
    }
}
