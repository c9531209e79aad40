//! The overview's keys that change something: they fetch, or edit the watch list.

use chrono::{DateTime, Utc};

use super::advice::{advice, planned, steps};
use super::{Overview, save};
use crate::model::{Interval, SeriesKey, WatchEdit, watch_file};
use crate::pipeline::command::Command;
use crate::pipeline::snapshot::{SeriesState, WatchedSeries};
use crate::ui::action::{Action, Effect};
use crate::ui::backfill;
use crate::ui::export::export_of;
use crate::ui::fetch::{due_costs, fetch_of, guarded};
use crate::ui::overlays::key_question;
use crate::ui::reply::{Confirm, Explanation, PromptKind, Reply};
use crate::ui::shared::Shared;
use crate::ui::text::count;
use crate::ui::view_id::ViewId;

pub(super) fn update(
    view: &mut Overview,
    action: Action,
    shared: &Shared,
    now: DateTime<Utc>,
) -> Vec<Reply> {
    let targets = view.targets(shared);
    match action {
        Action::Fetch => {
            let replies = fetch_of(targets, shared, now);
            // Marks stay as long as a question about them is open.
            if !replies
                .iter()
                .any(|reply| matches!(reply, Reply::Confirm(_)))
            {
                view.marks.clear();
            }
            replies
        }
        Action::Backfill => fill(view.selected_status(shared), now),
        Action::Events => backfill::ask_events(&targets, now),
        Action::FetchDue => fetch_due(shared),
        Action::Offer => offer(view, shared).map_or_else(Vec::new, |(action, series)| {
            perform(action, series, shared, now)
        }),
        Action::Add => {
            let interval = add_interval(view, shared);
            ask(PromptKind::Add { interval }, "")
        }
        Action::Remove => remove(targets),
        Action::Edit => {
            let text = match targets.as_slice() {
                [] => return vec![],
                [one] => as_edited(one, shared),
                _ => String::new(),
            };
            ask(PromptKind::Edit { series: targets }, &text)
        }
        Action::Interval | Action::Export if targets.is_empty() => vec![],
        Action::Interval => ask(PromptKind::Edit { series: targets }, ""),
        Action::ToNewSymbol => follow(&targets, shared),
        Action::ToDaily => switch(&targets, Interval::Daily, shared, now),
        Action::ToWeekly => switch(&targets, Interval::Weekly, shared, now),
        Action::Copy => {
            let rows = view.rows(shared);
            let chosen: Vec<&WatchedSeries> = rows
                .into_iter()
                .filter(|status| targets.contains(&status.key))
                .collect();
            vec![Reply::Do(Effect::Copy {
                text: save::csv(&chosen),
                what: count(chosen.len(), "line"),
            })]
        }
        Action::Export => {
            let has_bars =
                |key: &SeriesKey| shared.status(key).is_some_and(|status| status.bars > 0);
            let targets: Vec<SeriesKey> = targets.into_iter().filter(has_bars).collect();
            if targets.is_empty() {
                return vec![Reply::Warn(
                    "no bars are stored to export; f fetches some".to_owned(),
                )];
            }
            export_of(targets, shared, now)
        }
        Action::Pause => pause(shared),
        Action::ImportList => ask(PromptKind::Import, ""),
        Action::ExportList => {
            let list: Vec<SeriesKey> = shared
                .series()
                .iter()
                .map(|status| status.key.clone())
                .collect();
            vec![Reply::Do(Effect::Save {
                name: format!("series-{}.csv", now.format("%Y%m%d-%H%M%S")),
                text: watch_file::write(&list, &shared.declared(), &shared.sources.usual),
            })]
        }
        Action::EnterKey => vec![key_question(view.selected(shared).as_ref(), shared)],
        Action::Schedule => {
            let text = shared
                .snapshot
                .as_ref()
                .map_or_else(String::new, |snapshot| {
                    snapshot.schedule.schedule.to_string()
                });
            ask(PromptKind::Schedule, &text)
        }
        Action::Why => view
            .selected_status(shared)
            .map_or_else(Vec::new, |status| vec![explain(status, shared, now)]),
        _ => vec![],
    }
}

/// A series as a person edits it: its interval, its prices, and what is declared of it.
fn as_edited(series: &SeriesKey, shared: &Shared) -> String {
    let adjusted = series.adjusted.then(|| "adjusted".to_owned());
    let declared = shared
        .status(series)
        .map(|status| status.declared.written());
    let declared = declared.filter(|words| !words.is_empty());
    let words = [Some(series.interval.to_string()), adjusted, declared];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Asks what the holes of a series cost.
fn fill(status: Option<&WatchedSeries>, now: DateTime<Utc>) -> Vec<Reply> {
    let holes = status.and_then(|status| {
        let within = backfill::whole(status.truth.holes.iter().copied())?;
        Some(backfill::ask(status.key.clone(), within, now))
    });
    holes.unwrap_or_default()
}

fn fetch_due(shared: &Shared) -> Vec<Reply> {
    let schedule = shared.snapshot.as_ref().map(|snapshot| &snapshot.schedule);
    let (due, now) = schedule.map_or((0, 0), |schedule| (schedule.due, schedule.sendable));
    let rest = (due > now).then(|| format!("{now} of {due} due series can be fetched today."));
    let mut replies = guarded(Command::FetchDue, &due_costs(shared), rest, shared);
    if shared.run().is_some() {
        replies.push(Reply::Say(
            "what is still due after the current run is fetched then".to_owned(),
        ));
    }
    replies
}

fn pause(shared: &Shared) -> Vec<Reply> {
    let is_paused = shared
        .snapshot
        .as_ref()
        .is_some_and(|snapshot| snapshot.schedule.paused);
    let (command, say) = if is_paused {
        (Command::Resume, "the schedule is running again")
    } else {
        (
            Command::Pause,
            "the schedule is paused, even after a restart; p resumes it",
        )
    };
    vec![command.into(), Reply::Say(say.to_owned())]
}

fn ask(kind: PromptKind, text: &str) -> Vec<Reply> {
    vec![Reply::Prompt(kind, text.to_owned())]
}

/// The state of a series explained, and the keys that help.
fn explain(status: &WatchedSeries, shared: &Shared, now: DateTime<Utc>) -> Reply {
    let advice = advice(status, shared, now);
    Reply::Explain(Explanation {
        title: match status.state {
            SeriesState::Holes => format!("{} has holes", status.key),
            SeriesState::Failed => format!("{} has failed", status.key),
            state => format!("{} is {state}", status.key),
        },
        steps: advice.keyed(&shared.keymap),
        text: match planned(status, shared, now) {
            Some(planned) => format!("{} {planned}", advice.text),
            None => advice.text,
        },
    })
}

/// The suggested step for the marked series, or else for the selected one, and for which of them.
#[must_use]
pub(super) fn offer(view: &Overview, shared: &Shared) -> Option<(Action, Vec<SeriesKey>)> {
    let snapshot = shared.snapshot.as_ref()?;
    let first = |series: &SeriesKey| {
        let status = shared.status(series)?;
        steps(status, snapshot, shared).into_iter().next()
    };
    let targets = view.targets(shared);
    let selected = view.selected(shared).filter(|key| targets.contains(key));
    let leading = selected.as_ref().or(targets.first())?;
    let (action, _) = first(leading)?;
    let alike = targets
        .iter()
        .filter(|series| first(series).is_some_and(|(other, _)| other == action));
    Some((action, alike.cloned().collect()))
}

fn perform(
    action: Action,
    series: Vec<SeriesKey>,
    shared: &Shared,
    now: DateTime<Utc>,
) -> Vec<Reply> {
    match action {
        Action::Fetch => fetch_of(series, shared, now),
        Action::Backfill => {
            let first = series.first().and_then(|series| shared.status(series));
            fill(first, now)
        }
        Action::ToNewSymbol => follow(&series, shared),
        Action::ToDaily => switch(&series, Interval::Daily, shared, now),
        Action::Remove => remove(series),
        Action::ViewRuns => vec![Reply::Go(ViewId::Runs)],
        Action::Open => series
            .into_iter()
            .next()
            .map(Reply::Bars)
            .into_iter()
            .collect(),
        _ => vec![Reply::Act(action)],
    }
}

fn remove(series: Vec<SeriesKey>) -> Vec<Reply> {
    let what = match series.as_slice() {
        [] => return vec![],
        [one] => one.to_string(),
        many => count(many.len(), "series"),
    };
    let confirm = Confirm {
        question: format!("Remove {what} from the watch list?"),
        detail: "Bars stay in the store; u undoes this.".to_owned(),
        then: vec![Reply::Change(WatchEdit::Remove(series))],
    };
    vec![Reply::Confirm(confirm)]
}

/// Watches renamed symbols under their new names instead. What is stored stays under the old ones.
fn follow(series: &[SeriesKey], shared: &Shared) -> Vec<Reply> {
    let pairs = series.iter().filter_map(|from| {
        let to = shared.status(from)?.successor()?;
        shared.status(&to).is_none().then(|| (from.clone(), to))
    });
    let pairs: Vec<_> = pairs.collect();
    if pairs.is_empty() {
        return vec![Reply::Warn(
            "no rename of it is known, or its new symbol is already watched".to_owned(),
        )];
    }
    vec![Reply::Change(WatchEdit::Replace(pairs))]
}

fn switch(
    series: &[SeriesKey],
    interval: Interval,
    shared: &Shared,
    now: DateTime<Utc>,
) -> Vec<Reply> {
    let to = |from: &SeriesKey| SeriesKey {
        interval,
        adjusted: false,
        ..from.clone()
    };
    let pairs = shared.replacing(series, to);
    if pairs.is_empty() {
        return series.first().map_or_else(Vec::new, |first| {
            let there = to(first);
            vec![Reply::Warn(format!(
                "{there} is already on the watch list; x removes {first}"
            ))]
        });
    }
    let wanted = pairs.iter().map(|(_, to)| to.clone()).collect();
    let mut replies = vec![Reply::Change(WatchEdit::Replace(pairs))];
    replies.extend(fetch_of(wanted, shared, now));
    replies
}

/// The interval that an added series gets unless another is typed.
fn add_interval(view: &Overview, shared: &Shared) -> Interval {
    let selected = view.selected_status(shared);
    selected.map_or(shared.interval, |status| match status.state {
        SeriesState::Blocked if status.key.interval.is_intraday() => Interval::Daily,
        _ => status.key.interval,
    })
}
