//! Where everything is and how it is set: the source, the engine, the store, the settings.

mod draw;
mod lines;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};

pub use self::draw::draw;
pub use self::lines::Section;
use self::lines::{Line, lines};
use super::{Cursor, Reply, ViewId, matches};
use crate::ui::action::{Action, Effect};
use crate::ui::app::Shared;
use crate::ui::csv;
use crate::ui::frame::Regions;
use crate::ui::overlays::{Overlay, Prompt, PromptKind};

/// Minutes of real time after which what was read is read again.
const OLD: i32 = 1;

/// The state of the view.
#[derive(Debug, Default)]
pub struct System {
    /// What a line must match.
    pub filter: String,
    /// The selected line among those that match.
    at: usize,
    /// The first row on the screen; `None`: the selected line is the first.
    top: Option<usize>,
    /// Rows on the screen.
    page: usize,
    /// When the engine was last asked to read it; `None`: it is asked now.
    asked_at: Option<DateTime<Utc>>,
}

impl System {
    /// Selects the first line of a section.
    pub fn go(&mut self, section: Section) {
        self.filter.clear();
        (self.at, self.top) = (lines::first(section), None);
    }

    /// Selects a line.
    pub const fn select(&mut self, line: usize) {
        self.at = line;
    }

    /// What was read before is read again.
    pub const fn forget(&mut self) {
        self.asked_at = None;
    }

    /// Whether what was read is old; if so, it counts as requested from now on.
    pub fn is_old(&mut self, shared: &Shared, now: DateTime<Utc>) -> bool {
        let lasts = TimeDelta::minutes(1) * OLD * shared.speed.max(1);
        let is_fresh = self.asked_at.is_some_and(|at| (now - at).abs() < lasts);
        if is_fresh || shared.snapshot.is_none() {
            return false;
        }
        self.asked_at = Some(now);
        true
    }

    /// Takes the layout of the screen.
    pub const fn laid_out(&mut self, regions: &Regions) {
        (self.page, self.top) = (regions.page, Some(regions.top));
    }

    /// The lines that match, and how many do not.
    fn shown(&self, shared: &Shared, now: DateTime<Utc>) -> (Vec<Line>, usize) {
        let mut all = lines(shared, now);
        let count = all.len();
        all.retain(|line| matches(&self.filter, |field, word| line.is(field, word)));
        let hidden = count - all.len();
        (all, hidden)
    }

    /// What an action does here.
    pub fn update(&mut self, action: Action, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
        let (shown, _) = self.shown(shared, now);
        let mut cursor = Cursor {
            at: self.at,
            ..Cursor::default()
        };
        if cursor.act(action, shown.len(), self.page) {
            self.at = cursor.at;
            return vec![];
        }
        match action {
            Action::Filter => {
                vec![Overlay::Prompt(Prompt::new(PromptKind::Filter, &self.filter)).into()]
            }
            Action::Back if !self.filter.is_empty() => {
                self.filter.clear();
                vec![]
            }
            Action::Back => vec![Reply::Go(ViewId::Overview)],
            Action::Copy => match shown.get(self.at).filter(|line| !line.value.is_empty()) {
                Some(line) => vec![Reply::Do(Effect::Copy {
                    text: line.value.clone(),
                    what: line.label.clone(),
                })],
                None => vec![Reply::Say("there is nothing to copy here".to_owned())],
            },
            Action::Save => {
                let rows = shown.into_iter().map(|line| {
                    let section = line.section.title().to_owned();
                    vec![section, line.label, line.value, line.note]
                });
                vec![Reply::Do(Effect::Save {
                    name: format!("system-{}.csv", now.format("%Y%m%d-%H%M%S")),
                    text: csv::table(&["section", "name", "value", "note"], rows),
                })]
            }
            _ => vec![],
        }
    }
}
