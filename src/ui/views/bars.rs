//! One series as a table and a chart: a window over the store that moves with the cursor.
//!
//! ```text
//!  IBM 5min raw   41,208 bars   2024-01-02 … 2026-11-20      O 283.53  H 283.61  L 283.40  C 283.57  V 1,208
//!  TIME (ET)          OPEN      HIGH       LOW     CLOSE   VOLUME │                          ╻ ┃     284.00
//! ▌11-20 15:55    283.5300  283.6100  283.4000  283.5700    1,208 │             ╻       ╻    ┃ ┃ ╻
//!  11-20 15:50    283.4800  283.5500  283.4100  283.5300      986 │     ╻   ╻ ┃ ┃ ╻   ┃ ┃ ┃  ╹ ┃ ┃   283.00
//!                                                                 │ 11-20 13:00      14:00      15:00
//! ```

mod draw;
mod keys;
mod table;

use chrono::{DateTime, Utc};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use self::keys::KEYS;
use self::keys::NO_BARS;
use crate::model::adjustment::AdjustedBar;
use crate::model::{Bar, RunId, SeriesKey, Span};
use crate::pipeline::command::{Anchor, BarsWindow, Command};
use crate::pipeline::snapshot::BarsPage;
use crate::ui::action::{Action, Effect};
use crate::ui::backfill;
use crate::ui::cursor::Cursor;
use crate::ui::export::export_of;
use crate::ui::fetch::{self, fetch_of};
use crate::ui::keymap::binding::Thing;
use crate::ui::regions::Regions;
use crate::ui::reply::{PromptKind, Reply};
use crate::ui::shared::Shared;
use crate::ui::view::{Sight, View};
use crate::ui::view_id::ViewId;
use crate::ui::widgets::candles::Zoom;

/// The fewest bars of a window on each side of its anchor: several screens of the table.
const HALF: u32 = 400;
/// A window is never larger: reading it takes a tenth of a second.
const MOST: u32 = 50_000;

/// What is shown: the table, the chart, or both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arrange {
    /// Table and chart.
    #[default]
    Both,
    /// The table alone.
    Table,
    /// The chart alone.
    Chart,
}

impl Arrange {
    /// The next arrangement. Where both do not fit side by side, only the table is shown.
    #[must_use]
    pub const fn next(self, fits_both: bool) -> Self {
        match self {
            Self::Both if fits_both => Self::Table,
            Self::Both | Self::Table => Self::Chart,
            Self::Chart => Self::Both,
        }
    }

    /// What it shows, in a word.
    #[must_use]
    pub const fn word(self, fits_both: bool) -> &'static str {
        match self {
            Self::Both if fits_both => "both",
            Self::Both | Self::Table => "table",
            Self::Chart => "chart",
        }
    }
}

/// Why prices cannot be switched.
const AS_SENT: &str =
    "the provider adjusted these bars itself; the raw ones are a series of their own";

/// The state of the view.
#[derive(Debug, Default)]
pub struct Bars {
    /// The series.
    pub series: Option<SeriesKey>,
    /// The selected bar within the window, newest first.
    pub cursor: Cursor,
    /// The instant of the selected bar; `None`: it follows the newest.
    pub at: Option<DateTime<Utc>>,
    /// What is shown: the table, the chart, or both.
    pub arrange: Arrange,
    /// Whether prices are adjusted, on the scale of the whole series.
    pub is_adjusted: bool,
    /// How large a bar is drawn.
    pub zoom: Zoom,
    /// Lines of the table on the screen.
    pub page: usize,
    /// Columns of the chart on the screen.
    pub columns: u16,
    /// Whether the screen has room for the table and the chart.
    fits_both: bool,
    /// What was requested and is not there yet.
    asked: Option<BarsWindow>,
    /// The last run that had ended when the window was requested.
    read_after: Option<RunId>,
}

impl Bars {
    /// The window of this series, if it is there.
    #[must_use]
    pub fn window<'a>(&self, shared: &'a Shared) -> Option<&'a BarsPage> {
        let page = shared.snapshot.as_ref()?.bars.as_deref()?;
        (Some(&page.window.series) == self.series.as_ref()).then_some(page)
    }

    /// The selected bar.
    #[must_use]
    pub fn selected<'a>(&self, shared: &'a Shared) -> Option<&'a Bar> {
        self.window(shared)?.bars.get(self.cursor.at)
    }

    /// What is shown of a bar of a window: as it is stored, or on the scale of its series.
    fn shown(&self, page: &BarsPage, at: usize) -> AdjustedBar {
        let shown = if self.is_adjusted {
            page.scaled.bars.get(at).copied()
        } else {
            page.bars.get(at).map(AdjustedBar::raw)
        };
        shown.unwrap_or_default()
    }

    /// The bars of the chart, and the selected one among them.
    fn charted<'a>(&self, page: &'a BarsPage) -> (&'a [Bar], usize) {
        if !self.is_adjusted {
            return (&page.bars, self.cursor.at);
        }
        let known = &page.scaled.known;
        let at = page.bars.get(self.cursor.at).map_or(0, |selected| {
            known.partition_point(|bar| bar.timestamp > selected.timestamp)
        });
        (known, at.min(known.len().saturating_sub(1)))
    }

    /// The time of what was never asked for: all holes of a watched series, or else those in the window.
    fn missing(&self, shared: &Shared) -> Option<Span> {
        let status = shared.status(self.series.as_ref()?);
        let known = status.map_or(&[][..], |status| status.truth.holes.as_slice());
        let page = self.window(shared).map(|page| page.holes.as_slice());
        let in_window = page.unwrap_or_default().iter().map(|hole| hole.span);
        backfill::whole(known.iter().copied().chain(in_window))
    }

    /// Bars that the chart shows at once.
    fn in_chart(&self) -> u32 {
        let candles = u32::from(self.columns / self.zoom.cells().max(1));
        candles.saturating_mul(self.zoom.bars())
    }

    fn ask(&mut self, anchor: Anchor) -> Option<Command> {
        let half = self.in_chart().saturating_mul(2).clamp(HALF, MOST / 2);
        let window = BarsWindow {
            series: self.series.clone()?,
            anchor,
            newer: half,
            older: half,
        };
        self.asked = Some(window.clone());
        Some(Command::ShowBars(window))
    }

    /// Goes to the bar of an instant, or the last before it.
    pub fn go_to(&mut self, at: DateTime<Utc>, shared: &Shared) -> Option<Command> {
        self.at = Some(at);
        if let Some(page) = self.window(shared)
            && page.bars.first().is_some_and(|bar| bar.timestamp >= at)
            && page.bars.last().is_some_and(|bar| bar.timestamp <= at)
        {
            self.find(shared);
            return None;
        }
        self.ask(Anchor::At(at))
    }

    /// Puts the cursor on the selected bar in the current window.
    fn find(&mut self, shared: &Shared) {
        let Some(page) = self.window(shared) else {
            return;
        };
        self.cursor.at = self.at.map_or(0, |at| {
            let newer = page.bars.partition_point(|bar| bar.timestamp > at);
            newer.min(page.bars.len().saturating_sub(1))
        });
        if self.at.is_some() {
            self.at = page.bars.get(self.cursor.at).map(|bar| bar.timestamp);
        }
        let half = self.page / 2;
        let is_in_sight = (self.cursor.top..self.cursor.top + self.page).contains(&self.cursor.at);
        if !is_in_sight {
            // A jump: both sides are of interest.
            self.cursor.top = self.cursor.at.saturating_sub(half);
        }
        self.cursor.keep_in_sight(page.bars.len(), self.page);
        debug_assert!(
            self.at.is_none() || self.at == self.selected(shared).map(|bar| bar.timestamp),
            "the cursor is on the selected bar"
        );
    }

    /// Takes a window that was requested, or new bars in the store.
    fn follow(&mut self, shared: &Shared) -> Option<Command> {
        if self.series.is_none() {
            let first = shared.series().first().map(|status| status.key.clone());
            return self.enter(first, shared);
        }
        let last_run = shared.last_run();
        let Some(page) = self.window(shared) else {
            if self.asked.is_none() {
                self.read_after = last_run;
                return self.ask(self.at.map_or(Anchor::Newest, Anchor::At));
            }
            return None;
        };
        if let Some(asked) = &self.asked {
            // Until the requested window is there, the old one says nothing about the cursor.
            if *asked == page.window {
                self.asked = None;
                self.find(shared);
            }
            return None;
        }
        self.find(shared);
        let status = self
            .series
            .as_ref()
            .and_then(|series| shared.status(series));
        let newest = status
            .and_then(|status| status.last_bar)
            .map(|bar| bar.timestamp);
        // A run may change bars and add none, and a series that is not watched has no status.
        let is_old = self.read_after != last_run
            || status.is_some_and(|status| {
                status.bars != page.total || (newest.is_some() && newest != page.newest)
            });
        if is_old {
            self.read_after = last_run;
            return self.ask(self.at.map_or(Anchor::Newest, Anchor::At));
        }
        None
    }

    /// Requests the next window when the cursor comes near the edge of this one.
    fn prefetch(&mut self, shared: &Shared) -> Option<Command> {
        let page = self.window(shared)?;
        if self.asked.is_some() {
            return None;
        }
        let margin = self.page.max(self.in_chart() as usize).max(50);
        let has_newer = page.newest > page.bars.first().map(|bar| bar.timestamp);
        let has_older = page.oldest < page.bars.last().map(|bar| bar.timestamp);
        let near_newer = self.cursor.at < margin;
        let near_older = self.cursor.at + margin >= page.bars.len();
        if (has_newer && near_newer) || (has_older && near_older) {
            let at = page.bars.get(self.cursor.at)?.timestamp;
            return self.ask(Anchor::At(at));
        }
        None
    }

    /// The cursor has moved within the window.
    fn moved(&mut self, shared: &Shared) -> Option<Command> {
        let page = self.window(shared)?;
        self.cursor.keep_in_sight(page.bars.len(), self.page);
        let bar = page.bars.get(self.cursor.at)?;
        self.at = (Some(bar.timestamp) != page.newest).then_some(bar.timestamp);
        self.prefetch(shared)
    }

    fn zoomed(&mut self, zoom: Zoom, shared: &Shared) -> Vec<Reply> {
        self.zoom = zoom;
        let mut replies = vec![Reply::Say(zoom.to_string())];
        replies.extend(self.prefetch(shared).map(Reply::from));
        replies
    }

    fn jump(&mut self, anchor: Anchor, shared: &Shared) -> Vec<Reply> {
        let Some(page) = self.window(shared) else {
            return vec![];
        };
        let edge = match anchor {
            Anchor::Oldest => page.oldest,
            _ => None,
        };
        let is_here = match anchor {
            Anchor::Oldest => page.oldest == page.bars.last().map(|bar| bar.timestamp),
            _ => page.newest == page.bars.first().map(|bar| bar.timestamp),
        };
        self.at = edge;
        if is_here {
            self.find(shared);
            return vec![];
        }
        self.ask(anchor).map(Reply::from).into_iter().collect()
    }

    /// The series before or after this one in the watch list.
    fn step(&mut self, by: isize, shared: &Shared) -> Vec<Reply> {
        let all = shared.series();
        let here = all
            .iter()
            .position(|status| Some(&status.key) == self.series.as_ref());
        let count = isize::try_from(all.len()).unwrap_or(0);
        if count == 0 {
            return vec![];
        }
        let at = here
            .and_then(|at| isize::try_from(at).ok())
            .map_or(0, |at| (at + by).rem_euclid(count));
        let next = usize::try_from(at).ok().and_then(|at| all.get(at));
        self.switch(next.map(|status| status.key.clone()), shared)
    }

    /// The same symbol at the next interval, watched or not: stored bars are shown.
    fn next_interval(&mut self, shared: &Shared) -> Vec<Reply> {
        let next = self.series.clone().map(|series| {
            let all = crate::model::Interval::ALL;
            let here = all.iter().position(|interval| *interval == series.interval);
            let next = here.map_or(0, |at| (at + 1) % all.len());
            SeriesKey {
                interval: all.get(next).copied().unwrap_or(series.interval),
                ..series
            }
        });
        self.switch(next, shared)
    }

    fn switch(&mut self, series: Option<SeriesKey>, shared: &Shared) -> Vec<Reply> {
        self.enter(series, shared)
            .map(Reply::from)
            .into_iter()
            .collect()
    }
}

impl View for Bars {
    fn update(&mut self, action: Action, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
        let count = self.window(shared).map_or(0, |page| page.bars.len());
        // In the chart newer is to the right; with the chart alone the arrows follow it.
        let move_by = match action {
            Action::Left => Some(Action::Down),
            Action::Right => Some(Action::Up),
            Action::First => return self.jump(Anchor::Newest, shared),
            Action::Last => return self.jump(Anchor::Oldest, shared),
            _ => None,
        };
        if self.cursor.act(move_by.unwrap_or(action), count, self.page) {
            return self.moved(shared).map(Reply::from).into_iter().collect();
        }
        match action {
            Action::Newest => self.jump(Anchor::Newest, shared),
            Action::Oldest => self.jump(Anchor::Oldest, shared),
            Action::NextSeries => self.step(1, shared),
            Action::PreviousSeries => self.step(-1, shared),
            Action::Interval => self.next_interval(shared),
            Action::GoTo => vec![Reply::Prompt(PromptKind::GoTo, String::new())],
            Action::Fetch => self
                .series
                .clone()
                .map_or_else(Vec::new, |series| fetch_of(vec![series], shared, now)),
            Action::Backfill => {
                let missing = self.series.clone().zip(self.missing(shared));
                missing.map_or_else(Vec::new, |(series, within)| {
                    backfill::ask(series, within, now)
                })
            }
            Action::Events => {
                let series = self.series.as_slice();
                backfill::ask_events(series, now)
            }
            Action::Arrange => {
                self.arrange = self.arrange.next(self.fits_both);
                vec![]
            }
            Action::Prices => {
                let series = self.series.as_ref();
                if series.is_some_and(SeriesKey::is_stored_adjusted) {
                    return vec![Reply::Warn(AS_SENT.to_owned())];
                }
                self.is_adjusted = !self.is_adjusted;
                vec![]
            }
            Action::ZoomIn => self.zoomed(self.zoom.zoom_in(), shared),
            Action::ZoomOut => self.zoomed(self.zoom.zoom_out(), shared),
            Action::Copy => self.selected(shared).map_or_else(Vec::new, |bar| {
                vec![Reply::Do(Effect::Copy {
                    text: line(bar),
                    what: "1 bar".to_owned(),
                })]
            }),
            Action::Export | Action::Save => self
                .series
                .clone()
                .map_or_else(Vec::new, |series| export_of(vec![series], shared, now)),
            Action::Back => vec![Reply::Go(ViewId::Overview)],
            Action::NextPane | Action::PreviousPane => self.update(Action::Arrange, shared, now),
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
        let changed = (self.page, self.columns) != (regions.page, regions.columns);
        (self.page, self.columns) = (regions.page, regions.columns);
        self.fits_both = regions.fits_both;
        if !changed {
            return None;
        }
        let count = self.window(shared).map_or(0, |page| page.bars.len());
        self.cursor.keep_in_sight(count, self.page);
        self.prefetch(shared)
    }

    fn select(&mut self, row: usize, shared: &Shared) -> Vec<Reply> {
        self.cursor.at = self.cursor.top + row;
        self.moved(shared).into_iter().map(Reply::from).collect()
    }

    fn observe(&mut self, shared: &Shared, sight: Sight) -> Vec<Reply> {
        if sight == Sight::Hidden {
            return vec![];
        }
        self.follow(shared).map(Reply::from).into_iter().collect()
    }

    /// Shows a series, or again the one that was shown last.
    fn enter(&mut self, series: Option<SeriesKey>, shared: &Shared) -> Option<Command> {
        if let Some(series) = series
            && self.series.as_ref() != Some(&series)
        {
            self.series = Some(series);
            (self.at, self.cursor) = (None, Cursor::default());
            self.read_after = shared.last_run();
            return self.ask(Anchor::Newest);
        }
        if self.window(shared).is_none() {
            self.read_after = shared.last_run();
            return self.ask(self.at.map_or(Anchor::Newest, Anchor::At));
        }
        None
    }

    fn forget(&mut self) {
        self.asked = None;
    }

    fn has(&self, thing: Thing, shared: &Shared) -> bool {
        match thing {
            Thing::Hole => self.missing(shared).is_some(),
            _ => self.selected(shared).is_some(),
        }
    }

    fn declines(&self, action: Action, shared: &Shared) -> Option<&'static str> {
        match action {
            Action::Filter => Some("bars cannot be filtered; t goes to a date or time"),
            Action::Save if self.selected(shared).is_none() => Some(NO_BARS),
            _ => None,
        }
    }

    fn hint(&self, action: Action, shared: &Shared, regions: &Regions) -> String {
        match action {
            Action::Fetch if self.series.is_some() => {
                format!(" ({})", fetch::price(&self.series, shared))
            }
            Action::Arrange => {
                let next = self.arrange.next(regions.fits_both);
                next.word(regions.fits_both).to_owned()
            }
            Action::Prices if self.is_adjusted => "raw".to_owned(),
            Action::Prices => "adjusted".to_owned(),
            _ => String::new(),
        }
    }
}

/// A bar as a line of comma-separated values.
fn line(bar: &Bar) -> String {
    format!(
        "{},{},{},{},{},{}",
        bar.timestamp.to_rfc3339(),
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.volume
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_arrangement_that_looks_different_is_shown_in_a_circle() {
        let shown = |fits_both| {
            let first = Arrange::default();
            let circle = std::iter::successors(Some(first), |at| Some(at.next(fits_both)));
            circle
                .take(4)
                .map(|at| at.word(fits_both))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(true), ["both", "table", "chart", "both"]);
        assert_eq!(shown(false), ["table", "chart", "table", "chart"]);
    }

    #[test]
    fn prices_that_the_provider_adjusted_cannot_be_switched() {
        let shared = crate::ui::sample::shared(crate::ui::sample::normal());
        let now = crate::ui::sample::now();
        for (interval, is_switched) in [("daily", true), ("5min", false)] {
            let series = SeriesKey {
                adjusted: true,
                ..crate::ui::sample::series("IBM", interval.parse().unwrap())
            };
            let mut view = Bars {
                series: Some(series),
                ..Bars::default()
            };
            let replies = view.update(Action::Prices, &shared, now);
            assert_eq!(view.is_adjusted, is_switched, "{interval}");
            assert_eq!(replies.is_empty(), is_switched, "{replies:?}");
        }
    }
}
