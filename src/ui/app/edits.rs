//! Changes to the watch list, and how they are undone.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::App;
use crate::model::{SeriesKey, WatchEdit, watch_file};
use crate::pipeline::command::Command;
use crate::ui::action::Effect;
use crate::ui::overlays::{Overlay, question};
use crate::ui::shared::Undo;
use crate::ui::text::{count, shown_path};

/// Changes that can be undone; the oldest are dropped first.
const LEVELS: usize = 100;
/// What is said when series are removed.
const BARS_STAY: &str = "; bars stay in the store";

impl App {
    /// Changes the watch list and remembers how to undo that.
    pub(super) fn change(&mut self, edit: WatchEdit, now: DateTime<Utc>) -> Effect {
        let before: Vec<SeriesKey> = self
            .shared
            .series()
            .iter()
            .map(|status| status.key.clone())
            .collect();
        let (done, undone) = words(&edit);
        let alone = edit.apply(&before).left_alone(&self.shared.fillings());
        // One line holds no more than what is not expected.
        let briefly = done.strip_suffix(BARS_STAY).unwrap_or(&done);
        let done = match alone.as_slice() {
            [] => done,
            [one] => format!("{briefly}; {one} filled its gaps and stays"),
            many => format!("{briefly}; {} filled gaps and stay", named(many)),
        };
        if self.shared.undos.len() == LEVELS {
            self.shared.undos.remove(0);
        }
        self.shared.undos.push(Undo {
            back: edit.undo(&before, &self.shared.declared()),
            undone,
            cursor: self.views.overview.selected.clone(),
        });
        self.views.overview.awaited = arriving(&edit).cloned();
        self.views.overview.marks.clear();
        self.messages.say(format!("{done}; u undoes this"), now);
        Effect::Send(Command::EditList(edit))
    }

    /// Asks whether to add the series in a file, or reports what is wrong with it.
    pub(super) fn imported(&mut self, path: &Path, bytes: &[u8], now: DateTime<Utc>) {
        let parsed = watch_file::text(bytes)
            .map_err(str::to_owned)
            .and_then(|text| {
                let shared = &self.shared;
                watch_file::parse(text, shared.interval, &shared.sources, shared.today())
                    .map_err(|problems| first_of(&problems))
            })
            .and_then(|lines| question(lines, &self.shared));
        match parsed {
            Ok(confirm) => self.overlay = Some(Overlay::Confirm(confirm)),
            Err(why) => {
                let path = shown_path(path);
                self.messages
                    .warn(format!("{path}: nothing was added: {why}"), now);
            }
        }
    }

    pub(super) fn undo(&mut self, now: DateTime<Utc>) -> Vec<Effect> {
        let Some(edit) = self.shared.undos.pop() else {
            return vec![];
        };
        self.views.overview.awaited = edit.cursor;
        let more = match self.shared.undos.len() {
            0 => String::new(),
            more => format!("; {} can be undone", count(more, "more change")),
        };
        self.messages
            .say(format!("undone: {}{more}", edit.undone), now);
        vec![Effect::Send(Command::EditList(edit.back))]
    }
}

/// The first wrong line, and how many more there are.
fn first_of(problems: &[watch_file::BadLine]) -> String {
    let more = match problems.len() {
        0 | 1 => String::new(),
        all => format!("; {}", count(all - 1, "more error")),
    };
    let first = problems.first();
    first.map_or_else(String::new, |first| format!("{first}{more}"))
}

/// The first series that a change brings.
fn arriving(edit: &WatchEdit) -> Option<&SeriesKey> {
    match edit {
        WatchEdit::Add(series) | WatchEdit::Set(series) => series.first(),
        WatchEdit::Replace(pairs) => pairs.first().map(|(_, to)| to),
        WatchEdit::Declare(pairs) => pairs.first().map(|(series, _)| series),
        WatchEdit::Several(edits) => edits.iter().find_map(arriving),
        WatchEdit::Remove(_) | WatchEdit::PutBack { .. } => None,
    }
}

fn named(series: &[SeriesKey]) -> String {
    match series {
        [one] => one.to_string(),
        many => count(many.len(), "series"),
    }
}

/// A change and its undoing, in words.
fn words(edit: &WatchEdit) -> (String, String) {
    let is = |series: &[SeriesKey]| if series.len() == 1 { "is" } else { "are" };
    match edit {
        WatchEdit::Add(series) => {
            let what = named(series);
            (
                format!("{what} added to the watch list"),
                format!("{what} {} off the watch list again", is(series)),
            )
        }
        WatchEdit::Remove(series) => {
            let what = named(series);
            (
                format!("{what} removed{BARS_STAY}"),
                format!("{what} {} back on the watch list", is(series)),
            )
        }
        WatchEdit::Replace(pairs) => match pairs.as_slice() {
            [(from, to)] => (
                format!("{to} replaces {from} on the watch list"),
                format!("{from} is back on the watch list, {to} is off"),
            ),
            many => {
                let what = count(many.len(), "series");
                (
                    format!("{what} replaced"),
                    format!("{what} are back as they were"),
                )
            }
        },
        WatchEdit::Set(series) => (
            format!("the watch list now has {}", named(series)),
            "the watch list is back as it was".to_owned(),
        ),
        WatchEdit::Declare(pairs) => {
            let what = match pairs.as_slice() {
                [(one, _)] => one.to_string(),
                many => count(many.len(), "series"),
            };
            (
                format!("{what}: settings changed"),
                format!("{what}: settings as before"),
            )
        }
        WatchEdit::Several(edits) => edits.first().map(words).unwrap_or_default(),
        WatchEdit::PutBack { .. } => (
            "the watch list is back as it was".to_owned(),
            "the change was made again".to_owned(),
        ),
    }
}
