//! Small pieces of drawing: lines of text, rules between panes, splitting areas. Saturating throughout.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::text;
use super::theme::{Role, Theme};

/// The upper lines of an area, and the rest.
#[must_use]
pub fn split_top(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    let top = Rect { height, ..area };
    let rest = Rect {
        y: area.y + height,
        height: area.height - height,
        ..area
    };
    (top, rest)
}

/// The upper part of an area, and its lower lines.
#[must_use]
pub fn split_bottom(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    let (top, bottom) = split_top(area, area.height - height);
    (top, bottom)
}

/// The left columns of an area, and the rest.
#[must_use]
pub fn split_left(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    let left = Rect { width, ..area };
    let rest = Rect {
        x: area.x + width,
        width: area.width - width,
        ..area
    };
    (left, rest)
}

/// One line of an area, if it has that many.
#[must_use]
pub fn line(area: Rect, row: u16) -> Option<Rect> {
    (row < area.height).then(|| Rect {
        y: area.y + row,
        height: 1,
        ..area
    })
}

/// Writes text at a column of a one-line area, cut to the room left; returns the next column.
pub fn put(buf: &mut Buffer, area: Rect, x: u16, text: &str, style: Style) -> u16 {
    let room = area.width.saturating_sub(x);
    if room == 0 || area.height == 0 {
        return x;
    }
    let cut = text::fit(text, usize::from(room));
    buf.set_stringn(area.x + x, area.y, &cut, usize::from(room), style);
    x + u16::try_from(cut.width()).unwrap_or(room)
}

/// Pieces of text with their styles, in a row.
pub fn put_all(buf: &mut Buffer, area: Rect, x: u16, pieces: &[(String, Style)]) -> u16 {
    pieces
        .iter()
        .fold(x, |x, (text, style)| put(buf, area, x, text, *style))
}

/// The width of pieces of text in cells.
#[must_use]
pub fn width(pieces: &[(String, Style)]) -> u16 {
    let cells: usize = pieces.iter().map(|(text, _)| text.width()).sum();
    u16::try_from(cells).unwrap_or(u16::MAX)
}

/// A rule with a title: `─ Log  INFO  following ────`.
pub fn rule(buf: &mut Buffer, area: Rect, title: &str, is_focused: bool, theme: Theme) {
    let role = if is_focused {
        Role::BorderFocus
    } else {
        Role::Border
    };
    let dash = theme.glyph("─", "-");
    let style = theme.style(role);
    let mut x = 0;
    if !title.is_empty() {
        x = put(buf, area, x, dash, style);
        let title_style = if is_focused {
            style
        } else {
            theme.style(Role::Head)
        };
        x = put(buf, area, x, &format!(" {title} "), title_style);
    }
    let rest = usize::from(area.width.saturating_sub(x));
    put(buf, area, x, &dash.repeat(rest), style);
}

/// A vertical rule at the left edge of an area.
pub fn upright(buf: &mut Buffer, area: Rect, theme: Theme) {
    for y in area.top()..area.bottom() {
        buf.set_stringn(
            area.x,
            y,
            theme.glyph("│", "|"),
            1,
            theme.style(Role::Border),
        );
    }
}

/// Blanks an area.
pub fn blank(buf: &mut Buffer, area: Rect, style: Style) {
    for position in area.intersection(buf.area).positions() {
        if let Some(cell) = buf.cell_mut(position) {
            cell.reset();
            cell.set_style(style);
        }
    }
}

/// Replaces what is not ASCII, for terminals that draw only ASCII.
pub fn only_ascii(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if !cell.symbol().is_ascii() {
            cell.set_symbol(plain(cell.symbol()));
        }
    }
}

fn plain(symbol: &str) -> &'static str {
    match symbol.chars().next() {
        Some('–' | '─') => "-",
        Some('…') => "~",
        Some('│' | '▌') => "|",
        Some('•' | '·') => "*",
        Some('×') => "x",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme::Preset;

    #[test]
    fn areas_are_split_without_ever_growing() {
        for height in 0..5 {
            for wanted in 0..8 {
                let area = Rect::new(2, 3, 10, height);
                let (top, rest) = split_top(area, wanted);
                assert_eq!(top.height + rest.height, height);
                let (up, bottom) = split_bottom(area, wanted);
                assert_eq!(up.height + bottom.height, height);
                assert_eq!(bottom.bottom(), area.bottom());
            }
        }
    }

    #[test]
    fn text_stays_in_its_area_and_rules_fill_it() {
        let theme = Theme::new(Preset::Mono, false, false);
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 2));
        let first = Rect::new(0, 0, 8, 1);
        put(&mut buf, first, 5, "GOOGL", Style::new());
        rule(&mut buf, Rect::new(0, 1, 12, 1), "Log", false, theme);
        assert_eq!(
            buf,
            Buffer::with_lines(["     GO…    ", "─ Log ──────"]).styled_like(&buf)
        );
    }

    trait StyledLike {
        fn styled_like(self, other: &Buffer) -> Buffer;
    }

    impl StyledLike for Buffer {
        fn styled_like(mut self, other: &Buffer) -> Buffer {
            for (cell, like) in self.content.iter_mut().zip(&other.content) {
                cell.set_style(like.style());
            }
            self
        }
    }
}
