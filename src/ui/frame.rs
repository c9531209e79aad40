//! One frame: a function of the panel's state and the time. No lock, no wait, no clock.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::action::Action;
use super::app::App;
use super::views::{self, ViewId};
use super::widgets::{footer, header};
use super::{draw, overlays};

/// The layout of a frame: what the mouse hits, and how much fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Regions {
    /// Areas that a click acts on.
    pub targets: Vec<(Rect, Target)>,
    /// Lines that fit into the main list.
    pub page: usize,
    /// The first line shown of a list whose entries may take several lines.
    pub top: usize,
    /// Lines of the lower part of an opened run: those that fit, and all.
    pub lower: (usize, usize),
    /// Whether the selected run is shown below the list.
    pub has_glance: bool,
    /// Columns of the chart.
    pub columns: u16,
    /// Whether the table of bars and their chart fit side by side.
    pub fits_both: bool,
    /// Where the text cursor is.
    pub cursor: Option<Position>,
}

/// What a click acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A view's tab.
    View(ViewId),
    /// A key's hint.
    Hint(Action),
    /// A line of the main list, counted from the first shown; in System, an entry counted among all.
    Row(usize),
}

impl Regions {
    /// Makes the lines of a list clickable.
    pub fn rows(&mut self, area: Rect, count: usize) {
        for (row, y) in (area.top()..area.bottom()).take(count).enumerate() {
            let line = Rect::new(area.x, y, area.width, 1);
            self.targets.push((line, Target::Row(row)));
        }
    }

    /// What is at a position; positions outside everything hit nothing.
    #[must_use]
    pub fn hit(&self, x: u16, y: u16) -> Option<Target> {
        let at = Position::new(x, y);
        self.targets
            .iter()
            .rev()
            .find(|(area, _)| area.contains(at))
            .map(|(_, target)| *target)
    }
}

/// Draws the panel.
pub fn render(app: &App, now: DateTime<Utc>, buf: &mut Buffer) -> Regions {
    let mut regions = Regions::default();
    let area = buf.area;
    if area.is_empty() {
        return regions;
    }
    let shared = &app.shared;
    buf.set_style(area, shared.theme.style(super::theme::Role::Text));
    let (head, rest) = draw::split_top(area, header::height(area));
    header::draw(app, now, head, buf, &mut regions);
    let alarm = header::alarm_lines(app, now, area.width);
    let height = u16::try_from(alarm.len()).unwrap_or(0).min(rest.height / 3);
    let (place, rest) = draw::split_top(rest, height);
    header::draw_alarm(&alarm, shared.theme, place, buf);
    let (body, foot) = draw::split_bottom(rest, u16::from(rest.height > 1));
    match app.view {
        ViewId::Overview => views::overview::draw(app, now, body, buf, &mut regions),
        ViewId::Bars => views::bars::draw(&app.bars, shared, body, buf, &mut regions),
        ViewId::Runs => views::runs::draw(&app.runs, shared, now, body, buf, &mut regions),
        ViewId::Log => views::log::draw(&app.log, shared, now, body, buf, &mut regions),
        ViewId::System => views::system::draw(&app.system, shared, now, body, buf, &mut regions),
    }
    footer::draw(app, now, foot, buf, &mut regions);
    if let Some(overlay) = &app.overlay {
        overlays::draw(overlay, shared, now, body, foot, buf, &mut regions);
    }
    if shared.theme.ascii {
        draw::only_ascii(buf);
    }
    regions
}
