//! Draws the view: heads, labels, and values that are wrapped rather than cut.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::System;
use super::lines::{Section, SystemLine};
use crate::ui::draw::{put, rule, split_bottom};
use crate::ui::regions::{ClickTarget, Regions};
use crate::ui::shared::Shared;
use crate::ui::text;
use crate::ui::theme::{Role, Theme};

/// A row of the screen.
enum ScreenRow {
    Head(Section),
    Text {
        /// Where the value begins.
        column: u16,
        label: String,
        value: String,
        note: String,
    },
}

/// Draws the view.
pub fn draw(
    view: &System,
    shared: &Shared,
    now: DateTime<Utc>,
    area: Rect,
    buf: &mut Buffer,
    regions: &mut Regions,
) {
    let theme = shared.theme;
    let (area, filter) = split_bottom(area, u16::from(!view.filter.is_empty()));
    let (lines, hidden) = view.shown(shared, now);
    let at = view.at.min(lines.len().saturating_sub(1));
    let rows = rows(&lines, area.width);
    let height = usize::from(area.height);
    (regions.page, regions.top) = (height, top(&rows, at, view.top, height));
    let on_screen = rows.iter().skip(regions.top).zip(area.top()..area.bottom());
    let mut marked = false;
    for ((number, row), y) in on_screen {
        let place = Rect {
            y,
            height: 1,
            ..area
        };
        let is_selected = *number == at;
        match row {
            ScreenRow::Head(section) => rule(buf, place, section.title(), false, theme),
            ScreenRow::Text {
                column,
                label,
                value,
                note,
            } => {
                if is_selected && !std::mem::replace(&mut marked, true) {
                    put(
                        buf,
                        place,
                        0,
                        theme.glyph("▌", ">"),
                        theme.style(Role::Accent),
                    );
                }
                put(buf, place, 1, label, theme.style(Role::Muted));
                text_of(value, note, *column, theme, place, buf);
                if is_selected {
                    buf.set_style(place, theme.style(Role::Selection));
                }
                regions.targets.push((place, ClickTarget::Row(*number)));
            }
        }
    }
    if lines.is_empty() {
        put(
            buf,
            area,
            1,
            "No line matches; Esc clears the filter.",
            theme.style(Role::Muted),
        );
    }
    let shown = format!(" / {}   {hidden} hidden, Esc clears", view.filter);
    put(buf, filter, 0, &shown, theme.style(Role::Warn));
}

fn text_of(value: &str, note: &str, column: u16, theme: Theme, place: Rect, buf: &mut Buffer) {
    let x = put(buf, place, column, value, theme.style(Role::Text));
    let gap = if x > column { 2 } else { 0 };
    put(buf, place, x + gap, note, theme.style(Role::Muted));
}

/// Where the values of a section begin.
fn column(lines: &[SystemLine], section: Section, width: u16) -> u16 {
    let labels = lines.iter().filter(|line| line.section == section);
    let widest = labels.map(|line| line.label.width()).max().unwrap_or(0);
    u16::try_from(widest + 3).unwrap_or(width).min(width / 2)
}

/// Every row, with the number of the line that it is of.
fn rows(lines: &[SystemLine], width: u16) -> Vec<(usize, ScreenRow)> {
    let mut rows = vec![];
    let (mut section, mut column) = (None, 0);
    for (number, line) in lines.iter().enumerate() {
        if section.replace(line.section) != Some(line.section) {
            column = self::column(lines, line.section, width);
            rows.push((number, ScreenRow::Head(line.section)));
        }
        let room = usize::from(width.saturating_sub(column + 1)).max(1);
        let value = if line.value.is_empty() {
            text::NONE
        } else {
            &line.value
        };
        let mut values = text::wrap(value, room);
        let mut notes = text::wrap(&line.note, room);
        let last = values.last().map_or(0, |last| last.width());
        if last + 2 + line.note.width() <= room {
            // The note follows the value.
            notes = vec![String::new(); values.len().saturating_sub(1)];
            notes.push(line.note.clone());
        } else {
            notes.splice(..0, vec![String::new(); values.len()]);
            values.resize(notes.len(), String::new());
        }
        let mut label = text::fit(&line.label, usize::from(column.saturating_sub(2)));
        for (value, note) in values.into_iter().zip(notes) {
            let label = std::mem::take(&mut label);
            let row = ScreenRow::Text {
                column,
                label,
                value,
                note,
            };
            rows.push((number, row));
        }
    }
    rows
}

/// The first row on the screen: the previous one, moved just enough to show the selected line.
fn top(rows: &[(usize, ScreenRow)], at: usize, before: Option<usize>, height: usize) -> usize {
    let first = rows
        .iter()
        .position(|(number, _)| *number == at)
        .unwrap_or(0);
    let end = rows
        .iter()
        .rposition(|(number, _)| *number == at)
        .map_or(0, |last| last + 1);
    let lowest = rows.len().saturating_sub(height);
    before
        .unwrap_or(first)
        .max(end.saturating_sub(height))
        .min(first)
        .min(lowest)
}
