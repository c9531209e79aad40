//! The tables of a store, and what keeps each from growing without end.

use chrono::TimeDelta;

use super::alert;
use super::lease::ENGINE_KEPT;
use super::retention::Retention;
use super::text::{counted, thousands};
use super::words::words;

words! {
    /// A table of the store. Those of the history are in the order in which rows are deleted: what refers to a run
    /// goes before the run.
    pub enum StoreTable {
        /// Bars; on PostgreSQL the table is called `stock_data`.
        Bars = "bars",
        /// Which times of a series were asked for.
        Coverage = "coverage",
        /// How many bars each month of a series has.
        HeldCounts = "held_counts",
        /// How many bars each series has.
        SeriesTotals = "series_totals",
        /// When the newest bars of each series were asked for.
        Asked = "asked",
        /// Dividends and splits.
        CorporateEvents = "corporate_events",
        /// Up to when lists of dividends and splits are complete.
        EventLists = "event_lists",
        /// Factors that follow from dividends and splits.
        Adjustments = "adjustments",
        /// Requests that were sent.
        Requests = "requests",
        /// The series of each request.
        RequestSeries = "request_series",
        /// What was answered.
        Answers = "answers",
        /// Rows of answers that are no bars.
        RejectedRows = "rejected_rows",
        /// What a run did for each series.
        RunSeries = "run_series",
        /// Runs.
        Runs = "runs",
        /// What has happened, for readers outside.
        Events = "events",
        /// Instants of the schedule.
        Ticks = "ticks",
        /// What a person was told.
        Alerts = "alerts",
        /// Messages about it.
        AlertDeliveries = "alert_deliveries",
        /// Processes that work on the store.
        Engines = "engines",
        /// The watch list.
        Series = "series",
        /// What a source says of what it trades.
        Listings = "listings",
        /// What a key was seen to be allowed.
        Entitlements = "entitlements",
        /// What a provider last said is left, by key.
        StatedLeft = "stated_left",
        /// Leases of engines.
        Lanes = "lanes",
        /// Which source's bar is shown where several have one.
        SourceRanks = "source_ranks",
        /// What the engine remembers.
        Settings = "settings",
    }
}

/// What keeps a table from growing without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundedBy {
    /// The age and the number of its rows: `[retention]`.
    History,
    /// Its rows go with their requests.
    Requests,
    /// A number of bytes, `store.answers_limit`; and its rows go with their requests.
    AnswersLimit,
    /// The age of its rows, since they have ended.
    Age(TimeDelta),
    /// The number of things that it has a row for.
    Number(&'static str),
    /// Nothing: it is what the store is for.
    Nothing,
}

impl StoreTable {
    /// What keeps it from growing without end. What is deleted is deleted by this.
    #[must_use]
    pub const fn bounded_by(self) -> BoundedBy {
        match self {
            Self::Bars
            | Self::Coverage
            | Self::HeldCounts
            | Self::CorporateEvents
            | Self::Adjustments => BoundedBy::Nothing,
            Self::SeriesTotals | Self::Asked => BoundedBy::Number("series with bars"),
            Self::EventLists => BoundedBy::Number("list of a symbol"),
            Self::Requests
            | Self::RunSeries
            | Self::Runs
            | Self::RejectedRows
            | Self::Events
            | Self::Ticks => BoundedBy::History,
            Self::RequestSeries => BoundedBy::Requests,
            Self::Answers => BoundedBy::AnswersLimit,
            Self::Alerts | Self::AlertDeliveries => BoundedBy::Age(alert::KEPT),
            Self::Engines => BoundedBy::Age(ENGINE_KEPT),
            Self::Series => BoundedBy::Number("series on the watch list"),
            Self::Listings => BoundedBy::Number("symbol of a source"),
            Self::Entitlements => BoundedBy::Number("endpoint of a key"),
            Self::StatedLeft => BoundedBy::Number("key"),
            Self::Lanes | Self::SourceRanks => BoundedBy::Number("source"),
            Self::Settings => BoundedBy::Number("name"),
        }
    }

    /// Whether it becomes larger while the watch list and the sources stay as they are.
    #[must_use]
    pub const fn grows(self) -> bool {
        !matches!(self.bounded_by(), BoundedBy::Number(_))
    }

    /// The tables that are bounded by age and number of rows, in the order in which rows are deleted.
    pub fn of_history() -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|table| table.bounded_by() == BoundedBy::History)
    }

    /// What keeps it bounded, for people: `kept 400 days, at most 1,000,000 rows`.
    #[must_use]
    pub fn kept(self, retention: Retention) -> String {
        match self.bounded_by() {
            BoundedBy::History => format!(
                "kept {}, at most {} rows",
                counted(retention.days.into(), "day"),
                thousands(retention.rows)
            ),
            BoundedBy::Requests => "kept as long as its request".to_owned(),
            BoundedBy::AnswersLimit => "the newest, up to store.answers_limit".to_owned(),
            BoundedBy::Age(age) if age < TimeDelta::days(1) => {
                format!("kept {}", counted(whole(age.num_hours()), "hour"))
            }
            BoundedBy::Age(age) => format!("kept {}", counted(whole(age.num_days()), "day")),
            BoundedBy::Number(thing) => format!("a row for each {thing}"),
            BoundedBy::Nothing => "kept for ever".to_owned(),
        }
    }
}

fn whole(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// What a table takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct TableSize {
    /// The table.
    pub table: StoreTable,
    /// Its rows. On a server all but the bars are estimated.
    pub rows: u64,
    /// Bytes on disk, with its indexes.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_says_what_keeps_it_bounded() {
        let kept = |table: StoreTable| {
            table.kept(Retention {
                days: 30,
                rows: 5_000,
            })
        };
        for (table, said) in [
            (StoreTable::Bars, "kept for ever"),
            (StoreTable::Runs, "kept 30 days, at most 5,000 rows"),
            (StoreTable::RequestSeries, "kept as long as its request"),
            (StoreTable::Answers, "the newest, up to store.answers_limit"),
            (StoreTable::Alerts, "kept 90 days"),
            (StoreTable::Engines, "kept 1 hour"),
            (StoreTable::Lanes, "a row for each source"),
        ] {
            assert_eq!(kept(table), said);
        }
        assert!(StoreTable::Runs.grows() && StoreTable::Bars.grows());
        assert!(!StoreTable::Series.grows());
    }

    #[test]
    fn what_refers_to_a_run_goes_before_it() {
        let order: Vec<_> = StoreTable::of_history().collect();
        let place = |table| order.iter().position(|one| *one == table);
        assert!(place(StoreTable::Requests) < place(StoreTable::Runs));
        assert!(place(StoreTable::RunSeries) < place(StoreTable::Runs));
    }
}
