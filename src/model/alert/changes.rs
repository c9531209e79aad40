//! From what holds now to what is new and what is over.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Alert, AlertId, AlertKind, Condition, Judgement};

/// A condition that is gone for less than this may return: it is the same alert then.
pub const SETTLES: TimeDelta = TimeDelta::minutes(5);

/// How long recovered alerts and ended deliveries are kept.
pub const KEPT: TimeDelta = TimeDelta::days(90);

/// How open alerts change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertChanges {
    /// Conditions without an open alert.
    pub opened: Vec<Condition>,
    /// Alerts whose condition has just gone.
    pub gone: Vec<AlertId>,
    /// Alerts whose condition was gone and has returned.
    pub back: Vec<AlertId>,
    /// Alerts whose condition is gone for good.
    pub recovered: Vec<AlertId>,
}

impl AlertChanges {
    /// Whether nothing changes.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.opened.is_empty()
            && self.gone.is_empty()
            && self.back.is_empty()
            && self.recovered.is_empty()
    }
}

/// Compares what holds now with the alerts that are open. What was not judged stays as it is.
#[must_use]
pub fn changes(judgement: Judgement, open: &[Alert], now: DateTime<Utc>) -> AlertChanges {
    let Judgement {
        kinds,
        conditions,
        untried,
    } = judgement;
    let is_judged = |known: &Condition| {
        let is_unsure = known.kind == AlertKind::Failed && untried.contains(&known.subject);
        kinds.contains(&known.kind) && !is_unsure
    };
    let known: BTreeSet<_> = open.iter().map(|alert| key(&alert.condition)).collect();
    let mut new = BTreeMap::new();
    let mut holds = BTreeSet::new();
    for condition in &conditions {
        let key = key(condition);
        holds.insert(key);
        if !known.contains(&key) {
            new.entry(key).or_insert(condition);
        }
    }
    let mut changes = AlertChanges {
        opened: new.into_values().cloned().collect(),
        ..AlertChanges::default()
    };
    for alert in open {
        match (holds.contains(&key(&alert.condition)), alert.gone_at) {
            (true, Some(_)) => changes.back.push(alert.id),
            (false, _) if !is_judged(&alert.condition) => {}
            (false, None) => changes.gone.push(alert.id),
            (false, Some(gone)) if now - gone >= SETTLES => changes.recovered.push(alert.id),
            (true, None) | (false, Some(_)) => {}
        }
    }
    changes
}

/// What makes two conditions the same alert.
const fn key(condition: &Condition) -> (AlertKind, &str) {
    (condition.kind, condition.subject.as_str())
}
