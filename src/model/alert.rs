//! What a person is told without looking: conditions that hold, the alerts they open, and what is sent
//! about them. Pure.

mod changes;
mod delivery;
mod message;
mod rules;

use chrono::{DateTime, Utc};

pub use self::changes::{AlertChanges, KEPT, SETTLES, changes};
pub use self::delivery::{Attempt, Channel, DeliveryEnd, again};
pub use self::message::{AlertEvent, Message, ToldAlert, messages};
pub use self::rules::{
    AlertRules, Engine, Facts, Judgement, SeriesHealth, Space, SpentSource, Tried, judge,
};
use super::words::words;

words! {
    /// What an alert is about.
    pub enum AlertKind {
        /// A series fails, and a retry will not help or has not.
        Failed = "failed",
        /// A series lacks the bars of whole sessions.
        Behind = "behind",
        /// Older bars of a series were never asked for.
        Holes = "holes",
        /// A bar that was never asked for leaves what its source still has within a session.
        AboutToBeLost = "about_to_be_lost",
        /// The requests of a day are used up while series are due.
        QuotaSpentEarly = "quota_spent_early",
        /// The schedule is on, and no engine follows it.
        NoEngine = "no_engine",
        /// The disk that holds the data is nearly full.
        DiskNearFull = "disk_near_full",
        /// The store nearly has the size that it may have.
        StoreNearFull = "store_near_full",
    }
}

words! {
    /// How much an alert matters.
    pub enum AlertSeverity {
        /// Something will go wrong unless a person acts.
        Warning = "warning",
        /// Something is not being done.
        Error = "error",
    }
}

/// Something that holds now and that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What it is.
    pub kind: AlertKind,
    /// What it is about: a series, a source, a place.
    pub subject: String,
    /// How much it matters.
    pub severity: AlertSeverity,
    /// What happened, what is safe, what to do.
    pub text: String,
}

/// The number of an alert in its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertId(pub i64);

/// A condition that was noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its number.
    pub id: AlertId,
    /// What holds, or held.
    pub condition: Condition,
    /// When it was noticed.
    pub opened_at: DateTime<Utc>,
    /// Since when it no longer holds.
    pub gone_at: Option<DateTime<Utc>>,
    /// When it was over for good.
    pub recovered_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests;
