//! What is sent: one message for all alerts of a kind that open, or recover, at once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::super::text::{clean_to, thousands};
use super::super::words::words;
use super::{AlertKind, AlertSeverity, Condition};

/// The names that a sentence has.
const NAMED: usize = 3;
/// The names that a message carries beside it.
const LISTED: usize = 10;
/// Characters of a sentence: what Discord accepts, with room to spare.
const MOST: usize = 1_500;

words! {
    /// What a message reports.
    pub enum AlertEvent {
        /// Something has begun to hold.
        Opened = "opened",
        /// It is over.
        Recovered = "recovered",
        /// A person tries whether messages arrive.
        Test = "test",
    }
}

/// A message. Slack reads `text`, Discord reads `content`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The sentence.
    pub text: String,
    /// The same.
    pub content: String,
    /// What it reports.
    pub event: AlertEvent,
    /// What it is about; none for a test.
    pub kind: Option<AlertKind>,
    /// How much it matters.
    pub severity: Option<AlertSeverity>,
    /// Alerts that it stands for.
    pub count: usize,
    /// What they are about, ten at most.
    pub subjects: Vec<String>,
    /// When it was written.
    pub at: DateTime<Utc>,
}

impl Message {
    /// A message that only shows that messages arrive.
    #[must_use]
    pub fn test(now: DateTime<Utc>) -> Self {
        let text = "This is a test from pipeline-tui: alerts arrive here.".to_owned();
        Self {
            content: text.clone(),
            text,
            event: AlertEvent::Test,
            kind: None,
            severity: None,
            count: 0,
            subjects: vec![],
            at: now,
        }
    }
}

/// What was told of one alert.
pub type ToldAlert = (AlertEvent, Condition);

/// The messages about these alerts.
#[must_use]
pub fn messages(told: Vec<ToldAlert>, now: DateTime<Utc>) -> Vec<Message> {
    let mut groups: BTreeMap<(AlertEvent, AlertKind), Vec<Condition>> = BTreeMap::new();
    for (event, condition) in told {
        let group = groups.entry((event, condition.kind)).or_default();
        group.push(condition);
    }
    let message = |((event, kind), mut group): (_, Vec<Condition>)| {
        group.sort_by(|one, next| one.subject.cmp(&next.subject));
        let text = clean_to(&sentence(event, kind, &group), MOST);
        Message {
            content: text.clone(),
            text,
            event,
            kind: Some(kind),
            severity: group.iter().map(|one| one.severity).max(),
            count: group.len(),
            subjects: names(&group).take(LISTED).map(str::to_owned).collect(),
            at: now,
        }
    };
    groups.into_iter().map(message).collect()
}

fn names(group: &[Condition]) -> impl Iterator<Item = &str> {
    group.iter().map(|condition| condition.subject.as_str())
}

fn sentence(event: AlertEvent, kind: AlertKind, group: &[Condition]) -> String {
    let (is_over, named) = (event == AlertEvent::Recovered, named(group));
    match group {
        [one] if !is_over => one.text.clone(),
        [_] => format!("Recovered: {named} {}.", over(kind, false)),
        many if is_over => {
            let count = thousands(many.len() as i128);
            let (things, over) = (things(kind), over(kind, true));
            format!("Recovered: {count} {things} {over}: {named}.")
        }
        many => {
            let count = thousands(many.len() as i128);
            let (things, holds, advice) = (things(kind), holds(kind), advice(kind));
            format!("{count} {things} {holds}: {named}. {advice}")
        }
    }
}

/// The first names, and how many more there are.
fn named(group: &[Condition]) -> String {
    let first: Vec<&str> = names(group).take(NAMED).collect();
    let first = first.join(", ");
    match group.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {} more", thousands(more as i128)),
    }
}

const fn things(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Failed | AlertKind::Behind | AlertKind::Holes | AlertKind::AboutToBeLost => {
            "series"
        }
        AlertKind::QuotaSpentEarly => "sources",
        AlertKind::NoEngine => "engines",
        AlertKind::DiskNearFull => "disks",
        AlertKind::StoreNearFull => "stores",
    }
}

/// What several of them do.
const fn holds(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Failed => "fail",
        AlertKind::Behind => "are behind",
        AlertKind::Holes => "have holes",
        AlertKind::AboutToBeLost => "are about to lose bars",
        AlertKind::QuotaSpentEarly => "have no requests left today while series are due",
        AlertKind::NoEngine => "are missing",
        AlertKind::DiskNearFull | AlertKind::StoreNearFull => "are nearly full",
    }
}

/// What is true of one again, or of many.
const fn over(kind: AlertKind, many: bool) -> &'static str {
    match (kind, many) {
        (AlertKind::Failed, false) => "no longer fails",
        (AlertKind::Failed, true) => "no longer fail",
        (AlertKind::Behind, false) => "is no longer behind",
        (AlertKind::Behind, true) => "are no longer behind",
        (AlertKind::Holes, false) => "no longer has holes",
        (AlertKind::Holes, true) => "no longer have holes",
        (AlertKind::AboutToBeLost, false) => "is no longer about to lose bars",
        (AlertKind::AboutToBeLost, true) => "are no longer about to lose bars",
        (AlertKind::QuotaSpentEarly, false) => "no longer keeps due series waiting",
        (AlertKind::QuotaSpentEarly, true) => "no longer keep due series waiting",
        (AlertKind::NoEngine, _) => "is followed by an engine again",
        (AlertKind::DiskNearFull | AlertKind::StoreNearFull, false) => "has room again",
        (AlertKind::DiskNearFull | AlertKind::StoreNearFull, true) => "have room again",
    }
}

/// How the advice begins.
pub(super) const SAFE: &str = "Stored bars are safe; ";

/// What is safe and what to do about one or many.
pub(super) const fn advice(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Failed => "Stored bars are safe; `pipeline-tui runs` shows what failed.",
        AlertKind::Behind => {
            "Stored bars are safe; `w` in the panel says why, `pipeline-tui fetch` tries again."
        }
        AlertKind::Holes => "Stored bars are safe; `pipeline-tui backfill` closes the holes.",
        AlertKind::AboutToBeLost => {
            "Stored bars are safe; fetch now, or the source no longer has the missing ones."
        }
        AlertKind::QuotaSpentEarly => {
            "Stored bars are safe; watch fewer series, or use a larger plan."
        }
        AlertKind::NoEngine => "Stored bars are safe; start `pipeline-tui run`.",
        AlertKind::DiskNearFull => "Stored bars are safe; free some space.",
        AlertKind::StoreNearFull => {
            "Stored bars are safe; raise alerts.store_limit, or lower store.answers_limit."
        }
    }
}
