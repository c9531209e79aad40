//! What is asked for next: when, at what cost and why; and of each source, whether its plan is enough.
//!
//! ```text
//! Alpha Vantage: 3 requests at 16:20, 21 of 25 left today, 1 kept for you; …
//! WHEN       SERIES        REQUESTS  SAFE UNTIL   WHY
//! ▌16:20     GOOGL daily          1  always       not asked for yet; waits for the schedule
//!  Mon 16:20 IBM daily            1  12-24 16:00  known up to Fri 16:00; the next bar is due …
//! ```

mod draw;
mod keys;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use self::keys::KEYS;
use crate::model::SeriesKey;
use crate::pipeline::command::Command;
use crate::pipeline::snapshot::{FetchPlan, PlannedFetch};
use crate::ui::action::{Action, Effect};
use crate::ui::cursor::Cursor;
use crate::ui::fetch::{fetch_of, price};
use crate::ui::filter;
use crate::ui::keymap::binding::Thing;
use crate::ui::regions::Regions;
use crate::ui::reply::Reply;
use crate::ui::shared::Shared;
use crate::ui::view::{Sight, View};
use crate::ui::view_id::ViewId;
use crate::ui::{csv, text};

/// The filter word for what will lose bars.
const LOSES: &str = "loses:bars";

/// The state of the view.
#[derive(Debug, Default)]
pub struct PlanView {
    /// What a line must match.
    filter: String,
    /// The selected series: it stays selected when the order changes.
    selected: Option<SeriesKey>,
    /// Where it is among the lines that match.
    cursor: Cursor,
    /// Lines on the screen.
    page: usize,
}

/// The plan, once there is one.
fn plan(shared: &Shared) -> Option<&FetchPlan> {
    Some(shared.snapshot.as_ref()?.plan.as_ref())
}

/// Why a series is asked for when it is, and why not now.
fn why(line: &PlannedFetch, shared: &Shared, now: DateTime<Utc>) -> String {
    line.words(&|at| text::near(at, now, shared.zone))
}

impl PlanView {
    /// The lines that match, in the order of the plan.
    fn shown<'a>(&self, shared: &'a Shared) -> Vec<&'a PlannedFetch> {
        let lines = plan(shared).map_or(&[][..], |plan| &plan.lines);
        let is = |line: &PlannedFetch, field: Option<&str>, word: &str| {
            let name = || line.series.to_string().to_lowercase();
            match field {
                None => name().contains(word),
                Some("symbol") => {
                    let symbol = line.series.symbol.as_str().to_lowercase();
                    symbol.contains(word)
                }
                Some("interval") => line.series.interval.as_str().starts_with(word),
                Some("source") => line.series.source.as_str().starts_with(word),
                Some("loses") => line.loses(),
                Some(_) => false,
            }
        };
        let lines = lines.iter();
        lines
            .filter(|line| filter::matches(&self.filter, |field, word| is(line, field, word)))
            .collect()
    }

    fn selected_line<'a>(&self, shared: &'a Shared) -> Option<&'a PlannedFetch> {
        self.shown(shared).get(self.cursor.at).copied()
    }

    /// Follows the selected series to where it is now.
    fn follow(&mut self, shared: &Shared) {
        let lines = self.shown(shared);
        let mut places = lines.iter();
        let here = places.position(|line| Some(&line.series) == self.selected.as_ref());
        self.cursor.at = here.unwrap_or(self.cursor.at);
        self.cursor.keep_in_sight(lines.len(), self.page);
        self.selected = lines.get(self.cursor.at).map(|line| line.series.clone());
    }

    fn select_line(&mut self, at: usize, shared: &Shared) {
        self.cursor.at = at;
        self.selected = self.selected_line(shared).map(|line| line.series.clone());
        self.follow(shared);
    }

    fn save(&self, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
        let utc = |at: Option<DateTime<Utc>>| at.map_or_else(String::new, |at| at.to_rfc3339());
        let lines = self.shown(shared).into_iter().map(|line| {
            vec![
                utc(line.at),
                line.series.to_string(),
                line.price.to_string(),
                utc(line.safe_until),
                line.words(&|at| at.to_rfc3339()),
            ]
        });
        vec![Reply::Do(Effect::Save {
            name: format!("plan-{}.csv", now.format("%Y%m%d-%H%M%S")),
            text: csv::table(&["when", "series", "requests", "safe_until", "why"], lines),
        })]
    }
}

impl View for PlanView {
    fn update(&mut self, action: Action, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
        let count = self.shown(shared).len();
        if self.cursor.act(action, count, self.page) {
            self.select_line(self.cursor.at, shared);
            return vec![];
        }
        let selected = self.selected_line(shared).map(|line| line.series.clone());
        match action {
            Action::Open => selected.map(Reply::Bars).into_iter().collect(),
            Action::Fetch => {
                selected.map_or_else(Vec::new, |series| fetch_of(vec![series], shared, now))
            }
            Action::Attention => {
                self.filter = filter::toggled(&self.filter, LOSES);
                self.follow(shared);
                vec![]
            }
            Action::Save => self.save(shared, now),
            Action::Back if !self.filter.is_empty() => {
                self.filter.clear();
                self.follow(shared);
                vec![]
            }
            Action::Back => vec![Reply::Go(ViewId::Overview)],
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

    fn laid_out(&mut self, regions: &Regions, shared: &Shared) -> Option<Command> {
        self.page = regions.page;
        self.follow(shared);
        None
    }

    fn select(&mut self, row: usize, shared: &Shared) -> Vec<Reply> {
        self.select_line(self.cursor.top + row, shared);
        vec![]
    }

    fn observe(&mut self, shared: &Shared, sight: Sight) -> Vec<Reply> {
        if sight != Sight::Hidden {
            self.follow(shared);
        }
        vec![]
    }

    fn enter(&mut self, series: Option<SeriesKey>, shared: &Shared) -> Option<Command> {
        self.selected = series.or_else(|| self.selected.take());
        self.follow(shared);
        None
    }

    fn leave(&self, _shared: &Shared) -> Option<SeriesKey> {
        self.selected.clone()
    }

    fn filter(&self) -> Option<&str> {
        Some(&self.filter)
    }

    fn set_filter(&mut self, text: &str) {
        text.clone_into(&mut self.filter);
    }

    fn has(&self, _thing: Thing, shared: &Shared) -> bool {
        self.selected_line(shared).is_some()
    }

    /// What fetching costs.
    fn hint(&self, action: Action, shared: &Shared, _regions: &Regions) -> String {
        match (action, self.selected_line(shared)) {
            (Action::Fetch, Some(line)) => format!(" ({})", price([&line.series], shared)),
            _ => String::new(),
        }
    }
}
