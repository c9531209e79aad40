//! What the keys of the overview do that change something: they fetch, or edit the watch list.

use chrono::{DateTime, Utc};

use super::{Overview, advice};
use crate::model::{Interval, SeriesKey};
use crate::pipeline::command::Command;
use crate::pipeline::snapshot::SeriesState;
use crate::ui::action::Action;
use crate::ui::app::Shared;
use crate::ui::keymap::Context;
use crate::ui::overlays::{Confirm, Overlay, Prompt, PromptKind};
use crate::ui::text::count;
use crate::ui::views::{Change, Reply};

pub(super) fn update(
    view: &mut Overview,
    action: Action,
    shared: &Shared,
    now: DateTime<Utc>,
) -> Vec<Reply> {
    match action {
        Action::Fetch => {
            let replies = fetch_of(view.targets(shared), shared);
            // Marks stay as long as a question about them is open.
            if !replies.iter().any(|reply| matches!(reply, Reply::Ask(_))) {
                view.marks.clear();
            }
            replies
        }
        Action::FetchDue => {
            let due = due_count(shared);
            guarded(Command::FetchDue, due, shared)
        }
        Action::Add => {
            let prompt = Prompt::new(
                PromptKind::Add {
                    interval: add_interval(view, shared),
                },
                "",
            );
            vec![Overlay::Prompt(prompt).into()]
        }
        Action::Remove => remove(view.targets(shared)),
        Action::Edit => view.selected(shared).map_or_else(Vec::new, |series| {
            let text = series.interval.to_string();
            vec![Overlay::Prompt(Prompt::new(PromptKind::Edit { series }, &text)).into()]
        }),
        Action::ToDaily => switch(view, shared, Interval::Daily),
        Action::ToWeekly => switch(view, shared, Interval::Weekly),
        Action::EnterKey => vec![Overlay::Prompt(Prompt::new(PromptKind::Key, "")).into()],
        Action::Schedule => {
            let text = shared
                .snapshot
                .as_ref()
                .map_or_else(String::new, |snapshot| {
                    snapshot.schedule.schedule.to_string()
                });
            vec![Overlay::Prompt(Prompt::new(PromptKind::Schedule, &text)).into()]
        }
        Action::Why => view
            .selected_status(shared)
            .map_or_else(Vec::new, |status| {
                let advice = advice(status, shared, now);
                let title = format!("{} is {}", status.key, status.state);
                let steps = advice.steps.into_iter().map(|(action, label)| {
                    let key = shared.keymap.key_of(Context::Overview, action);
                    (key, label, action)
                });
                vec![Overlay::explain(title, &advice.text, steps.collect()).into()]
            }),
        _ => vec![],
    }
}

/// How many series the next run would fetch.
#[must_use]
pub fn due_count(shared: &Shared) -> usize {
    let snapshot = shared.snapshot.as_ref();
    snapshot.map_or(0, |snapshot| snapshot.schedule.due)
}

/// Whether asking for a series is no use, as far as the key and its plan are known.
#[must_use]
pub fn is_parked(series: &SeriesKey, shared: &Shared) -> bool {
    let state = shared.status(series).map(|status| status.state);
    state == Some(SeriesState::Parked)
}

/// Fetches what is not parked, after asking if that takes from the day's reserve.
#[must_use]
pub fn fetch_of(series: Vec<SeriesKey>, shared: &Shared) -> Vec<Reply> {
    let first = series.first().cloned();
    let mut series = series;
    series.retain(|key| !is_parked(key, shared));
    if let (true, Some(parked)) = (series.is_empty(), first) {
        return vec![Reply::Warn(format!(
            "{parked} is parked, asking would end the same way; w says why, and what helps"
        ))];
    }
    let requests = series.len();
    guarded(Command::Fetch(series), requests, shared)
}

fn guarded(command: Command, requests: usize, shared: &Shared) -> Vec<Reply> {
    if requests == 0 || !shared.takes_reserve(requests) {
        return vec![command.into()];
    }
    let left = shared.requests_left().unwrap_or(0);
    let confirm = Confirm {
        question: reserve_question(requests, left),
        detail: format!(
            "The last {} of a day are kept for what matters most.",
            crate::ui::app::shared::RESERVE
        ),
        then: vec![command.into()],
    };
    vec![Overlay::Confirm(confirm).into()]
}

fn reserve_question(requests: usize, left: u32) -> String {
    let wanted = count(requests, "request");
    if requests > left as usize {
        format!("{wanted} are wanted and {left} are left today: spend these?")
    } else {
        format!("Spend {wanted} of the last {left} today?")
    }
}

fn remove(series: Vec<SeriesKey>) -> Vec<Reply> {
    let what = match series.as_slice() {
        [] => return vec![],
        [one] => one.to_string(),
        many => count(many.len(), "series"),
    };
    let confirm = Confirm {
        question: format!("Take {what} out of the watch list?"),
        detail: "Its bars stay in the store; u undoes this.".to_owned(),
        then: vec![Reply::Change(Change::Remove(series))],
    };
    vec![Overlay::Confirm(confirm).into()]
}

fn switch(view: &Overview, shared: &Shared, interval: Interval) -> Vec<Reply> {
    let Some(series) = view.selected(shared) else {
        return vec![];
    };
    let to = SeriesKey {
        interval,
        ..series.clone()
    };
    if shared.status(&to).is_some() {
        return vec![Reply::Warn(format!(
            "{to} is in the watch list already; x removes {series}"
        ))];
    }
    let mut replies = vec![Reply::Change(Change::Replace(series, to.clone()))];
    replies.extend(fetch_of(vec![to], shared));
    replies
}

/// The interval that an added series gets unless another is typed.
fn add_interval(view: &Overview, shared: &Shared) -> Interval {
    let selected = view.selected_status(shared);
    selected.map_or(shared.interval, |status| match status.state {
        SeriesState::Parked if status.key.interval.is_intraday() => Interval::Daily,
        _ => status.key.interval,
    })
}

/// The series that a typed text names: `IBM`, `BRK-B 5min`, `IBM daily adjusted`.
pub fn add_of(text: &str, interval: Interval) -> Result<SeriesKey, String> {
    SeriesKey::from_words(text, interval).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_typed_as_a_symbol_and_an_interval() {
        let add = |text: &str| add_of(text, Interval::Daily).map(|series| series.to_string());
        assert_eq!(add("ibm"), Ok("IBM daily".to_owned()));
        assert_eq!(add(" BRK-B  5min "), Ok("BRK-B 5min".to_owned()));
        assert_eq!(add("ibm 5min adjusted"), Ok("IBM 5min adjusted".to_owned()));
        assert!(add("").is_err() && add("IBM hourly").unwrap_err().contains("use 1min"));
        assert!(add("IBM daily now").unwrap_err().contains("IBM daily"));
    }
}
