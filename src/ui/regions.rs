//! Where things are in a frame: what the mouse hits, and how much fits.

use ratatui::layout::{Position, Rect};

use super::action::Action;
use super::view_id::ViewId;

/// The layout of a frame: what the mouse hits, and how much fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Regions {
    /// Areas that a click acts on.
    pub targets: Vec<(Rect, ClickTarget)>,
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
pub enum ClickTarget {
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
            self.targets.push((line, ClickTarget::Row(row)));
        }
    }

    /// What is at a position; positions outside everything hit nothing.
    #[must_use]
    pub fn hit(&self, x: u16, y: u16) -> Option<ClickTarget> {
        let at = Position::new(x, y);
        self.targets
            .iter()
            .rev()
            .find(|(area, _)| area.contains(at))
            .map(|(_, target)| *target)
    }
}
