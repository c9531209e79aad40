//! What there is of each series, month by month; and of a month, its ranges.
//!
//! ```text
//!                      2025        2026
//! ▌IBM daily      ###########################
//!  AAPL daily     ..######+?????+############
//!  MSFT 5min                        ????????-
//!
//!  # there  + partly  . none at provider  ? never asked  x refused  - not due
//!  AAPL daily 2025-08: never asked for
//! ```

mod draw;
mod keys;
#[cfg(test)]
mod tests;

use chrono::{DateTime, NaiveDate, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use self::keys::KEYS;
use crate::model::{RunId, SeriesKey, Span};
use crate::pipeline::command::Command;
use crate::pipeline::snapshot::{CoverageMap, CoverageRow, MonthState, RangesView, Stretch};
use crate::ui::action::{Action, Effect};
use crate::ui::backfill;
use crate::ui::csv;
use crate::ui::cursor::Cursor;
use crate::ui::filter::matches;
use crate::ui::keymap::binding::Thing;
use crate::ui::regions::Regions;
use crate::ui::reply::Reply;
use crate::ui::shared::Shared;
use crate::ui::view::{Sight, View};
use crate::ui::view_id::ViewId;

/// The state of the view.
#[derive(Debug, Default)]
pub struct HeatMap {
    /// What a series must match.
    filter: String,
    /// The selected series among those that match.
    rows: Cursor,
    /// The selected month, counted back from the newest.
    months: Cursor,
    /// The month whose ranges are listed.
    opened: Option<(SeriesKey, Span)>,
    /// The selected range.
    range: Cursor,
    /// Lines on the screen.
    page: usize,
    /// Months on the screen.
    columns: usize,
    /// The last run and the watch list when the map was requested; `None`: it is requested now.
    read_for: Option<(Option<RunId>, Vec<SeriesKey>)>,
}

/// The map, once it was read.
fn map(shared: &Shared) -> Option<&CoverageMap> {
    shared.snapshot.as_ref()?.coverage.as_deref()
}

/// The selected month of a series.
struct Cell<'a> {
    row: &'a CoverageRow,
    month: NaiveDate,
    /// What there is of it; `None`: no bars of it are wanted.
    state: Option<MonthState>,
}

impl HeatMap {
    /// The series that match.
    fn shown<'a>(&self, map: &'a CoverageMap) -> Vec<&'a CoverageRow> {
        let is = |row: &CoverageRow, field: Option<&str>, word: &str| {
            let name = row.series.to_string().to_lowercase();
            let is_in_state = || {
                let mut states = row.months.iter();
                states.any(|state| state.as_str().contains(word))
            };
            match field {
                None => name.contains(word),
                Some("state") => is_in_state(),
                Some("symbol") => row.series.symbol.as_str().to_lowercase().contains(word),
                Some("interval") => row.series.interval.as_str() == word,
                Some(_) => false,
            }
        };
        let rows = map.rows.iter();
        rows.filter(|row| matches(&self.filter, |field, word| is(row, field, word)))
            .collect()
    }

    /// The selected cell.
    fn cell<'a>(&self, shared: &'a Shared) -> Option<Cell<'a>> {
        let map = map(shared)?;
        let row = self.shown(map).get(self.rows.at).copied()?;
        Some(Cell {
            row,
            month: map.month(self.months.at),
            state: row.months.get(self.months.at).copied(),
        })
    }

    /// The ranges of the opened month, once they were read.
    fn ranges<'a>(&self, shared: &'a Shared) -> Option<&'a RangesView> {
        let (series, within) = self.opened.as_ref()?;
        let ranges = shared.snapshot.as_ref()?.ranges.as_deref()?;
        ((series, within) == (&ranges.series, &ranges.within)).then_some(ranges)
    }

    fn selected_range<'a>(&self, shared: &'a Shared) -> Option<&'a Stretch> {
        self.ranges(shared)?.ranges.get(self.range.at)
    }

    /// Requests what is shown, if a run has ended or the watch list is another one since.
    fn read(&mut self, shared: &Shared) -> Vec<Reply> {
        if shared.snapshot.is_none() {
            return vec![];
        }
        let keys = shared.series().iter().map(|status| status.key.clone());
        let state = Some((shared.last_run(), keys.collect()));
        if self.read_for == state {
            return vec![];
        }
        self.read_for = state;
        let opened = self.opened.clone();
        let ranges = opened.map(|(series, within)| Command::ShowRanges(series, within));
        let commands = [Command::ShowCoverage].into_iter().chain(ranges);
        commands.map(Reply::from).collect()
    }

    fn open(&mut self, shared: &Shared) -> Vec<Reply> {
        let Some(cell) = self.cell(shared) else {
            return vec![];
        };
        let (series, within) = (cell.row.series.clone(), cell.row.span(cell.month));
        self.opened = Some((series.clone(), within));
        self.range = Cursor::default();
        vec![Command::ShowRanges(series, within).into()]
    }

    /// What an action does in the list of ranges.
    fn in_month(&mut self, action: Action, shared: &Shared) -> Vec<Reply> {
        let count = self.ranges(shared).map_or(0, |ranges| ranges.ranges.len());
        if self.range.act(action, count, self.page) {
            return vec![];
        }
        let series = self.opened.as_ref().map(|(series, _)| series.clone());
        let range = self.selected_range(shared).copied();
        match (action, series.zip(range)) {
            (Action::Open, Some((series, range))) => {
                vec![Reply::Bars(series), Reply::GoTo(range.span.from)]
            }
            (Action::Back, _) => {
                self.opened = None;
                vec![]
            }
            _ => vec![],
        }
    }

    fn save(&self, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
        let Some(map) = map(shared) else {
            return vec![];
        };
        let lines = self.shown(map).into_iter().flat_map(|row| {
            row.months.iter().enumerate().map(|(back, state)| {
                let month = map.month(back).format("%Y-%m").to_string();
                vec![row.series.to_string(), month, state.to_string()]
            })
        });
        vec![Reply::Do(Effect::Save {
            name: format!("coverage-{}.csv", now.format("%Y%m%d-%H%M%S")),
            text: csv::table(&["series", "month", "state"], lines),
        })]
    }

    fn keep_in_sight(&mut self, shared: &Shared) {
        let Some(map) = map(shared) else {
            return;
        };
        let rows = self.shown(map).len();
        self.rows.keep_in_sight(rows, self.page);
        self.months.keep_in_sight(longest(map), self.columns);
    }
}

/// Months of the series that has most.
fn longest(map: &CoverageMap) -> usize {
    map.rows
        .iter()
        .map(|row| row.months.len())
        .max()
        .unwrap_or(0)
}

impl View for HeatMap {
    fn update(&mut self, action: Action, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
        if action == Action::Backfill {
            let cell = self.cell(shared);
            return cell.map_or_else(Vec::new, |cell| {
                backfill::ask(cell.row.series.clone(), cell.row.span(cell.month), now)
            });
        }
        if self.opened.is_some() && action != Action::Save {
            return self.in_month(action, shared);
        }
        let (rows, months) =
            map(shared).map_or((0, 0), |map| (self.shown(map).len(), longest(map)));
        if self.rows.act(action, rows, self.page) {
            return vec![];
        }
        match action {
            Action::Left => {
                self.months.act(Action::Down, months, self.columns);
                vec![]
            }
            Action::Right => {
                self.months.act(Action::Up, months, self.columns);
                vec![]
            }
            Action::Open => self.open(shared),
            Action::Save => self.save(shared, now),
            Action::Back if !self.filter.is_empty() => {
                self.filter.clear();
                self.keep_in_sight(shared);
                vec![]
            }
            Action::Back => vec![Reply::Go(ViewId::Overview)],
            _ => vec![],
        }
    }

    fn draw(
        &self,
        shared: &Shared,
        _now: DateTime<Utc>,
        area: Rect,
        buf: &mut Buffer,
        regions: &mut Regions,
    ) {
        draw::draw(self, shared, area, buf, regions);
    }

    fn laid_out(&mut self, regions: &Regions, shared: &Shared) -> Option<Command> {
        self.page = regions.page;
        if self.opened.is_none() {
            self.columns = usize::from(regions.columns);
            self.keep_in_sight(shared);
        }
        None
    }

    fn select(&mut self, row: usize, shared: &Shared) -> Vec<Reply> {
        if self.opened.is_some() {
            self.range.at = self.range.top + row;
        } else {
            self.rows.at = self.rows.top + row;
            self.keep_in_sight(shared);
        }
        vec![]
    }

    fn observe(&mut self, shared: &Shared, sight: Sight) -> Vec<Reply> {
        if sight == Sight::Hidden {
            return vec![];
        }
        self.keep_in_sight(shared);
        self.read(shared)
    }

    /// What was read before is read again.
    fn enter(&mut self, series: Option<SeriesKey>, shared: &Shared) -> Option<Command> {
        self.opened = None;
        let rows = map(shared).map(|map| self.shown(map)).unwrap_or_default();
        let here = rows
            .iter()
            .position(|row| Some(&row.series) == series.as_ref());
        self.rows.at = here.unwrap_or(self.rows.at);
        self.keep_in_sight(shared);
        self.read_for = None;
        let commands = self.read(shared);
        (!commands.is_empty()).then_some(Command::ShowCoverage)
    }

    fn leave(&self, shared: &Shared) -> Option<SeriesKey> {
        self.cell(shared).map(|cell| cell.row.series.clone())
    }

    fn forget(&mut self) {
        self.read_for = None;
    }

    fn filter(&self) -> Option<&str> {
        Some(&self.filter)
    }

    fn set_filter(&mut self, text: &str) {
        text.clone_into(&mut self.filter);
        self.opened = None;
        self.rows = Cursor::default();
    }

    fn has(&self, thing: Thing, shared: &Shared) -> bool {
        let state = || self.cell(shared).and_then(|cell| cell.state);
        match thing {
            Thing::Hole => state().is_some_and(MonthState::has_hole),
            _ if self.opened.is_some() => self.selected_range(shared).is_some(),
            _ => state().is_some(),
        }
    }
}
