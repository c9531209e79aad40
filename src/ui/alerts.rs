//! What a person should know: the page of open alerts, the words in the header, and what rings.

use std::collections::HashSet;

use crate::model::alert::{AlertKind, Condition};
use crate::model::text::counted;
use crate::pipeline::snapshot::{AlertsView, Snapshot};
use crate::ui::action::Action;
use crate::ui::reply::Explanation;
use crate::ui::shared::Shared;

/// Alerts that the page lists.
const LISTED: usize = 12;

/// How many alerts there are, if there are some: `2 alerts`.
#[must_use]
pub fn count(shared: &Shared) -> Option<String> {
    let count = known(shared)?.conditions().count() as u64;
    (count > 0).then(|| counted(count, "alert"))
}

/// The open alerts, oldest first, and what has not arrived.
#[must_use]
pub fn page(shared: &Shared) -> Explanation {
    let all = known(shared).into_iter().flat_map(AlertsView::conditions);
    let all: Vec<String> = all.map(line).collect();
    let mut lines: Vec<String> = all.iter().take(LISTED).cloned().collect();
    if lines.is_empty() {
        lines.push("There are no open alerts.".to_owned());
    }
    if let Some(more) = all.len().checked_sub(LISTED).filter(|more| *more > 0) {
        lines.push(format!(
            "{more} more: pipeline-tui alert list shows them all."
        ));
    }
    if let Some(waiting) = known(shared).and_then(|view| view.undelivered.first()) {
        let why = waiting.outcome.as_deref().unwrap_or("not tried yet");
        let (channel, next) = (waiting.channel, waiting.next_at.format("%H:%M UTC"));
        lines.push(format!(
            "Not delivered yet: {channel}: {why}; it is tried again at {next}."
        ));
    }
    let test = "send a test to the webhook and the command".to_owned();
    Explanation {
        title: "Alerts".to_owned(),
        text: lines.join("\n"),
        steps: vec![("1".to_owned(), test, Action::TestAlert)],
    }
}

fn line(condition: &Condition) -> String {
    let Condition { severity, text, .. } = condition;
    format!("{severity}: {text}")
}

fn known(shared: &Shared) -> Option<&AlertsView> {
    Some(&shared.snapshot.as_ref()?.alerts)
}

/// What to ring for: alerts that were not there before. At the start nothing is new.
#[must_use]
pub fn news(before: Option<&Snapshot>, now: &Snapshot) -> Option<String> {
    let known: HashSet<(AlertKind, &str)> = before?.alerts.conditions().map(key).collect();
    let new = now.alerts.conditions();
    let new: Vec<&Condition> = new.filter(|one| !known.contains(&key(one))).collect();
    match new.as_slice() {
        [] => None,
        [one] => Some(one.text.clone()),
        [first, others @ ..] => {
            let others = counted(others.len() as u64, "other alert");
            Some(format!("{} And {others}.", first.text))
        }
    }
}

const fn key(condition: &Condition) -> (AlertKind, &str) {
    (condition.kind, condition.subject.as_str())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::alert::AlertSeverity;
    use crate::ui::sample;

    fn condition(subject: &str) -> Condition {
        Condition {
            kind: AlertKind::Holes,
            subject: subject.to_owned(),
            severity: AlertSeverity::Warning,
            text: format!("{subject} has holes."),
        }
    }

    fn snapshot(subjects: &[&str]) -> Snapshot {
        Snapshot {
            alerts: Arc::new(AlertsView {
                here: subjects.iter().map(|subject| condition(subject)).collect(),
                ..AlertsView::default()
            }),
            ..sample::normal()
        }
    }

    #[test]
    fn only_what_is_new_rings() {
        let ibm = snapshot(&["IBM daily"]);
        assert_eq!(news(None, &ibm), None, "it was there before the panel");
        assert_eq!(news(Some(&ibm), &ibm), None);
        let none = snapshot(&[]);
        assert_eq!(
            news(Some(&none), &ibm).as_deref(),
            Some("IBM daily has holes.")
        );
        let three = snapshot(&["IBM daily", "AAPL daily", "MSFT daily"]);
        assert_eq!(
            news(Some(&ibm), &three).as_deref(),
            Some("AAPL daily has holes. And 1 other alert.")
        );
        assert_eq!(news(Some(&three), &none), None);
    }
}
