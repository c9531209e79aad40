//! Where everything is and how it is set: the source, the engine, the store, the settings.

mod draw;
mod keys;
mod lines;
mod tables;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use self::keys::KEYS;
pub use self::lines::Section;
use self::lines::{SystemLine, lines};
use crate::model::SeriesKey;
use crate::pipeline::command::Command;
use crate::ui::action::{Action, Effect};
use crate::ui::csv;
use crate::ui::cursor::Cursor;
use crate::ui::filter::matches;
use crate::ui::regions::Regions;
use crate::ui::reply::Reply;
use crate::ui::shared::Shared;
use crate::ui::view::View;
use crate::ui::view_id::ViewId;

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
    pub fn go(&mut self, section: Section, shared: &Shared) {
        self.filter.clear();
        let sources = shared.about.sources.len();
        (self.at, self.top) = (lines::first(section, sources), None);
    }

    /// Whether what was read is old; if so, it counts as requested from now on.
    fn is_old(&mut self, shared: &Shared, now: DateTime<Utc>) -> bool {
        let lasts = TimeDelta::minutes(1) * OLD * shared.speed.max(1);
        let is_fresh = self.asked_at.is_some_and(|at| (now - at).abs() < lasts);
        if is_fresh || shared.snapshot.is_none() {
            return false;
        }
        self.asked_at = Some(now);
        true
    }

    /// The lines that match, and how many do not.
    fn shown(&self, shared: &Shared, now: DateTime<Utc>) -> (Vec<SystemLine>, usize) {
        let mut all = lines(shared, now);
        let count = all.len();
        all.retain(|line| matches(&self.filter, |field, word| line.is(field, word)));
        let hidden = count - all.len();
        (all, hidden)
    }
}

impl View for System {
    fn update(&mut self, action: Action, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
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

    fn draw(
        &self,
        shared: &Shared,
        now: DateTime<Utc>,
        area: Rect,
        buf: &mut Buffer,
        regions: &mut Regions,
    ) {
        draw::draw(self, shared, now, area, buf, regions);
    }

    fn laid_out(&mut self, regions: &Regions, _shared: &Shared) -> Option<Command> {
        (self.page, self.top) = (regions.page, Some(regions.top));
        None
    }

    fn select(&mut self, row: usize, _shared: &Shared) -> Vec<Reply> {
        self.at = row;
        vec![]
    }

    /// What was read before is read again.
    fn enter(&mut self, _series: Option<SeriesKey>, _shared: &Shared) -> Option<Command> {
        self.asked_at = None;
        None
    }

    fn refresh(&mut self, shared: &Shared, now: DateTime<Utc>) -> Option<Command> {
        self.is_old(shared, now).then_some(Command::ShowSystem)
    }

    fn filter(&self) -> Option<&str> {
        Some(&self.filter)
    }

    fn set_filter(&mut self, text: &str) {
        text.clone_into(&mut self.filter);
    }
}
