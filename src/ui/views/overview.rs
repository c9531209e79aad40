//! The watch list, the state of each series, what to do about the selected one, and the log's end.
//!
//! ```text
//!  SYMBOL  INTERVAL  STATE    FETCHED    LAST BAR     CLOSE   CHG%  NEXT / WHY
//!  IBM     daily     fresh    2 min ago  Fri 11-20   283.57  +0.42  16:20
//! ▌MSFT    5min      blocked  4 min ago  –                –      –  not in plan
//! ─ MSFT 5min ──────────────────────────────────────────────────────────────────
//!  Intraday bars need a paid Alpha Vantage plan. 1 request spent, nothing stored.
//!  . switch to daily bars, 1 request     E another interval     K another key
//! ─ Log  INFO  following ───────────────────────────────────────────────────────
//!  13:36:12 INFO  IBM daily: 100 received, 1 new, 99 unchanged, 412 ms
//! ```

mod advice;
mod columns;
mod draw;
mod keys;
mod order;
mod preview;
mod save;
mod steps;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use self::keys::KEYS;
use self::order::Sort;
use crate::model::SeriesKey;
use crate::pipeline::command::Command;
use crate::pipeline::snapshot::WatchedSeries;
use crate::ui::action::Action;
use crate::ui::cursor::Cursor;
use crate::ui::fetch::{self, is_forbidden};
use crate::ui::filter;
use crate::ui::keymap::binding::Thing;
use crate::ui::regions::Regions;
use crate::ui::reply::{PromptKind, Reply};
use crate::ui::shared::Shared;
use crate::ui::view::{Sight, View};
use crate::ui::view_id::ViewId;

/// The pane with the focus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pane {
    /// The table.
    #[default]
    Table,
    /// The end of the log.
    Log,
}

/// The overview's state.
#[derive(Debug, Default)]
pub struct Overview {
    /// The selected series: it stays selected when the table is sorted again.
    pub selected: Option<SeriesKey>,
    /// The series that is selected as soon as it is on the list.
    pub awaited: Option<SeriesKey>,
    /// Where it was, in case it is removed.
    pub cursor: Cursor,
    /// Marked series.
    pub marks: BTreeSet<SeriesKey>,
    /// What the table is sorted by.
    pub sort: Sort,
    /// Whether the order is reversed.
    pub reverse: bool,
    /// What a line must match.
    pub filter: String,
    /// The pane with the focus.
    pub pane: Pane,
    /// Lines of the table on the screen.
    pub page: usize,
}

impl Overview {
    /// The lines of the table in their order.
    #[must_use]
    pub fn rows<'a>(&self, shared: &'a Shared) -> Vec<&'a WatchedSeries> {
        order::rows(shared.series(), &self.filter, self.sort, self.reverse)
    }

    /// The selected series.
    #[must_use]
    pub fn selected(&self, shared: &Shared) -> Option<SeriesKey> {
        self.selected_status(shared)
            .map(|status| status.key.clone())
    }

    /// The selected line.
    #[must_use]
    pub fn selected_status<'a>(&self, shared: &'a Shared) -> Option<&'a WatchedSeries> {
        let rows = self.rows(shared);
        rows.get(self.position(&rows)).copied()
    }

    /// Where the selected series is in these lines; if it is gone, the line in its place.
    fn position(&self, rows: &[&WatchedSeries]) -> usize {
        let selected = self.selected.as_ref();
        rows.iter()
            .position(|row| Some(&row.key) == selected)
            .unwrap_or_else(|| self.cursor.at.min(rows.len().saturating_sub(1)))
    }

    /// Follows the selected series to where it is now.
    fn follow(&mut self, shared: &Shared) {
        let known = shared.series();
        self.marks
            .retain(|mark| known.iter().any(|status| status.key == *mark));
        let is_there = |key: &SeriesKey| known.iter().any(|status| status.key == *key);
        if self.awaited.as_ref().is_some_and(is_there) {
            self.selected = self.awaited.take();
            let rows = self.rows(shared);
            if !rows
                .iter()
                .any(|row| Some(&row.key) == self.selected.as_ref())
            {
                self.filter.clear();
            }
        }
        let rows = self.rows(shared);
        self.cursor.at = self.position(&rows);
        self.cursor.keep_in_sight(rows.len(), self.page);
        self.selected = rows.get(self.cursor.at).map(|row| row.key.clone());
        debug_assert!(
            rows.is_empty() || self.selected(shared) == self.selected,
            "the selected series is a line of the table"
        );
        debug_assert!(
            self.marks.iter().all(|mark| shared.status(mark).is_some()),
            "what is marked is on the watch list"
        );
    }

    /// What would be fetched now: the marked series, or else the selected one.
    #[must_use]
    pub fn targets(&self, shared: &Shared) -> Vec<SeriesKey> {
        if self.marks.is_empty() {
            self.selected(shared).into_iter().collect()
        } else {
            let marked = |status: &&WatchedSeries| self.marks.contains(&status.key);
            shared
                .series()
                .iter()
                .filter(marked)
                .map(|status| status.key.clone())
                .collect()
        }
    }
}

impl View for Overview {
    fn update(&mut self, action: Action, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
        if self.pane == Pane::Log
            && matches!(
                action,
                Action::Open | Action::Up | Action::PageUp | Action::HalfPageUp | Action::First
            )
        {
            self.pane = Pane::Table;
            return vec![Reply::Go(ViewId::Log)];
        }
        let count = self.rows(shared).len();
        if self.cursor.act(action, count, self.page) {
            self.awaited = None;
            self.selected = self
                .rows(shared)
                .get(self.cursor.at)
                .map(|row| row.key.clone());
            return vec![];
        }
        match action {
            Action::NextPane | Action::PreviousPane => {
                self.pane = match self.pane {
                    Pane::Table => Pane::Log,
                    Pane::Log => Pane::Table,
                };
                vec![]
            }
            Action::Mark => {
                if let Some(key) = self.selected(shared)
                    && !self.marks.remove(&key)
                {
                    self.marks.insert(key);
                }
                self.cursor.act(Action::Down, count, self.page);
                self.selected = self
                    .rows(shared)
                    .get(self.cursor.at)
                    .map(|row| row.key.clone());
                vec![]
            }
            Action::MarkAll => {
                let rows = self.rows(shared);
                let shown: BTreeSet<SeriesKey> = rows.iter().map(|row| row.key.clone()).collect();
                if shown.is_subset(&self.marks) {
                    self.marks.clear();
                } else {
                    self.marks.extend(shown);
                }
                vec![]
            }
            Action::Attention => {
                self.filter = filter::toggled(&self.filter, order::NEEDS);
                self.follow(shared);
                vec![]
            }
            Action::Back => {
                if !self.filter.is_empty() {
                    self.filter.clear();
                } else if !self.marks.is_empty() {
                    self.marks.clear();
                } else {
                    self.pane = Pane::Table;
                }
                self.follow(shared);
                vec![]
            }
            Action::Sort => {
                self.sort = self.sort.next();
                self.reverse = false;
                self.follow(shared);
                vec![Reply::Say(format!("sorted by {}", self.sort))]
            }
            Action::SortReverse => {
                self.reverse = !self.reverse;
                self.follow(shared);
                vec![]
            }
            Action::GoTo => {
                let prompt = Reply::Prompt(PromptKind::GoTo, String::new());
                let bars = self.selected(shared).map(Reply::Bars);
                bars.into_iter().chain([prompt]).collect()
            }
            Action::Open => self.selected(shared).map(Reply::Bars).into_iter().collect(),
            Action::Save => save::table(&self.rows(shared), now),
            _ => steps::update(self, action, shared, now),
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

    fn laid_out(&mut self, regions: &Regions, shared: &Shared) -> Option<Command> {
        self.page = regions.page;
        let count = self.rows(shared).len();
        self.cursor.keep_in_sight(count, regions.page);
        None
    }

    fn select(&mut self, row: usize, shared: &Shared) -> Vec<Reply> {
        let rows = self.rows(shared);
        if let Some(clicked) = rows.get(self.cursor.top + row) {
            self.cursor.at = self.cursor.top + row;
            self.selected = Some(clicked.key.clone());
            self.pane = Pane::Table;
        }
        vec![]
    }

    fn observe(&mut self, shared: &Shared, _sight: Sight) -> Vec<Reply> {
        self.follow(shared);
        vec![]
    }

    fn leave(&self, shared: &Shared) -> Option<SeriesKey> {
        self.selected(shared)
    }

    fn filter(&self) -> Option<&str> {
        Some(&self.filter)
    }

    fn set_filter(&mut self, text: &str) {
        text.clone_into(&mut self.filter);
    }

    fn suggestion(&self, shared: &Shared) -> Option<Action> {
        steps::offer(self, shared).map(|(action, _)| action)
    }

    fn has(&self, thing: Thing, shared: &Shared) -> bool {
        self.selected_status(shared)
            .is_some_and(|status| thing != Thing::Hole || !status.truth.holes.is_empty())
    }

    /// What fetching costs.
    fn hint(&self, action: Action, shared: &Shared, _regions: &Regions) -> String {
        let targets = match action {
            Action::Fetch => self.targets(shared),
            _ => vec![],
        };
        if targets.is_empty() {
            return String::new();
        }
        let allowed = targets.iter().filter(|key| !is_forbidden(key, shared));
        format!(" ({})", fetch::price(allowed, shared))
    }
}
