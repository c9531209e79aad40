//! The lines of a list that fit on the screen, with the selected one under the selection.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::ui::cursor::Cursor;
use crate::ui::draw::{line, put};
use crate::ui::theme::{Role, Theme};

/// Draws each line that fits with `draw`, which gets the area after the mark; returns how many
/// lines follow the first on the screen.
pub fn draw<T>(
    items: &[T],
    cursor: Cursor,
    (theme, is_focused): (Theme, bool),
    area: Rect,
    buf: &mut Buffer,
    mut draw: impl FnMut(&T, Rect, &mut Buffer),
) -> usize {
    let mut cursor = cursor;
    cursor.keep_in_sight(items.len(), usize::from(area.height));
    for (row, item) in items.iter().enumerate().skip(cursor.top) {
        let place = u16::try_from(row - cursor.top)
            .ok()
            .and_then(|at| line(area, at));
        let Some(place) = place else { break };
        let is_selected = row == cursor.at;
        if is_selected {
            put(
                buf,
                place,
                0,
                theme.glyph("▌", ">"),
                theme.style(Role::Accent),
            );
        }
        draw(item, place, buf);
        if is_selected && is_focused {
            buf.set_style(place, theme.style(Role::Selection));
        }
    }
    items.len().saturating_sub(cursor.top)
}
