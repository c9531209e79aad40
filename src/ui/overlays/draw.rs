//! Draws the overlays of a view.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::prompt::SUGGESTIONS;
use super::{Choose, Overlay, Prompt};
use crate::ui::backfill;
use crate::ui::draw::{blank, line, put, split_top};
use crate::ui::regions::Regions;
use crate::ui::reply::{Confirm, PromptKind};
use crate::ui::shared::Shared;
use crate::ui::text;
use crate::ui::theme::{Role, Theme};

/// Draws an overlay over the body of the screen.
pub fn draw(
    overlay: &Overlay,
    shared: &Shared,
    now: DateTime<Utc>,
    body: Rect,
    foot: Rect,
    buf: &mut Buffer,
    regions: &mut Regions,
) {
    match overlay {
        Overlay::Choose(list) => choose(list, shared.theme, body, buf, regions),
        Overlay::Prompt(line) if line.kind == PromptKind::Filter => {
            filter(line, shared.theme, foot, buf, regions);
        }
        Overlay::Prompt(line) => prompt(line, shared, now, body, buf, regions),
        Overlay::Confirm(question) => confirm(question, "y yes     n no", shared, body, buf),
        Overlay::Price(question) => {
            confirm(&backfill::counting(question), "n no", shared, body, buf);
        }
    }
}

/// A box in the middle of an area with a title; returns what is inside.
fn boxed(area: Rect, width: u16, height: u16, title: &str, theme: Theme, buf: &mut Buffer) -> Rect {
    let width = width.min(area.width);
    let height = height.min(area.height);
    let outer = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 3,
        width,
        height,
    };
    blank(buf, outer, theme.style(Role::Text));
    let style = theme.style(Role::BorderFocus);
    let inside = usize::from(width.saturating_sub(2));
    let bar = theme.glyph("─", "-");
    let corner = |nice| theme.glyph(nice, "+");
    let name = text::fit(title, inside.saturating_sub(4));
    let rest = inside.saturating_sub(name.width() + 3);
    let top = format!(
        "{}{bar} {name} {}{}",
        corner("╭"),
        bar.repeat(rest),
        corner("╮")
    );
    let bottom = format!("{}{}{}", corner("╰"), bar.repeat(inside), corner("╯"));
    for row in 0..height {
        let Some(place) = line(outer, row) else { break };
        if row == 0 {
            put(buf, place, 0, &top, style);
        } else if row + 1 == height {
            put(buf, place, 0, &bottom, style);
        } else {
            put(buf, place, 0, theme.glyph("│", "|"), style);
            put(
                buf,
                place,
                width.saturating_sub(1),
                theme.glyph("│", "|"),
                style,
            );
        }
    }
    Rect {
        x: outer.x + 2.min(width),
        y: outer.y + 1.min(height),
        width: width.saturating_sub(4),
        height: height.saturating_sub(2),
    }
}

fn choose(list: &Choose, theme: Theme, area: Rect, buf: &mut Buffer, regions: &mut Regions) {
    let wanted = u16::try_from(list.count() + 3).unwrap_or(u16::MAX);
    let height = wanted.max(6).min(area.height);
    let inside = boxed(area, 76, height, &list.title, theme, buf);
    let (search, body) = split_top(inside, u16::from(list.is_searched));
    let x = put(
        buf,
        search,
        0,
        theme.glyph("› ", "> "),
        theme.style(Role::Accent),
    );
    let typed = list.input.text();
    if typed.is_empty() && list.is_searched {
        put(buf, search, x, "type to search", theme.style(Role::Muted));
    }
    put(buf, search, x, typed, Style::new());
    if list.is_searched {
        cursor(search, x, list.input.cursor(), regions);
    }
    let lead = list
        .lines()
        .map(|choice| choice.lead.width())
        .max()
        .unwrap_or(0)
        .min(22);
    let mut at = list.cursor;
    at.keep_in_sight(list.count(), usize::from(body.height));
    if list.count() == 0 {
        put(buf, body, 2, "no matches", theme.style(Role::Muted));
    }
    for (row, choice) in list.lines().enumerate().skip(at.top) {
        let Some(place) = u16::try_from(row - at.top)
            .ok()
            .and_then(|row| line(body, row))
        else {
            break;
        };
        if choice.is_head {
            let role = if list.is_searched {
                Role::Head
            } else {
                Role::Text
            };
            put(buf, place, 0, &choice.text, theme.style(role));
            continue;
        }
        let is_ready = choice.disabled.is_none();
        let style = if is_ready {
            Style::new()
        } else {
            theme.style(Role::Muted)
        };
        let mut x = 0;
        if lead > 0 {
            x = put(
                buf,
                place,
                0,
                &text::left(&choice.lead, lead),
                theme.style(Role::Accent),
            ) + 2;
        }
        x = put(buf, place, x, &choice.text, style);
        if let Some(reason) = &choice.disabled {
            put(buf, place, x + 2, reason, theme.style(Role::Muted));
        }
        if row == at.at && list.is_choice {
            buf.set_style(place, theme.style(Role::Selection));
        }
    }
}

fn cursor(area: Rect, x: u16, characters: usize, regions: &mut Regions) {
    if area.is_empty() {
        return;
    }
    let at = x.saturating_add(u16::try_from(characters).unwrap_or(u16::MAX));
    regions.cursor = Some(Position::new(
        area.x + at.min(area.width.saturating_sub(1)),
        area.y,
    ));
}

fn filter(prompt: &Prompt, theme: Theme, area: Rect, buf: &mut Buffer, regions: &mut Regions) {
    blank(buf, area, theme.style(Role::Text));
    let x = put(buf, area, 0, " / ", theme.style(Role::Accent));
    put(buf, area, x, prompt.input.text(), Style::new());
    cursor(area, x, prompt.input.cursor(), regions);
    let hint = "Enter keeps it, Esc cancels; e.g. state:failed, !blocked";
    let hint_at = area
        .width
        .saturating_sub(u16::try_from(hint.len() + 1).unwrap_or(0));
    if hint_at > x + u16::try_from(prompt.input.text().width()).unwrap_or(u16::MAX) + 1 {
        put(buf, area, hint_at, hint, theme.style(Role::Muted));
    }
}

fn prompt(
    prompt: &Prompt,
    shared: &Shared,
    now: DateTime<Utc>,
    area: Rect,
    buf: &mut Buffer,
    regions: &mut Regions,
) {
    let theme = shared.theme;
    let suggestions = prompt.suggestions(shared);
    let shown = suggestions.len().min(SUGGESTIONS);
    let width = 72.min(area.width);
    let inner = usize::from(width.saturating_sub(4));
    let (hint, role) = match &prompt.error {
        Some(error) => (format!("! {error}"), Role::Warn),
        None => (prompt.hint(shared, now), Role::Muted),
    };
    let hints: Vec<String> = hint
        .lines()
        .flat_map(|line| text::wrap(line, inner))
        .collect();
    let height = u16::try_from(shown + hints.len() + 3).unwrap_or(u16::MAX);
    let inside = boxed(area, width, height, &prompt.title(shared), theme, buf);
    let (entry, rest) = split_top(inside, 1);
    let x = put(
        buf,
        entry,
        0,
        theme.glyph("› ", "> "),
        theme.style(Role::Accent),
    );
    put(buf, entry, x, &prompt.shown(), Style::new());
    cursor(entry, x, prompt.input.cursor(), regions);
    let lead = suggestions
        .iter()
        .take(shown)
        .map(|one| one.value.width())
        .max()
        .unwrap_or(0);
    let mut row = 0;
    for (at, suggestion) in suggestions.iter().take(shown).enumerate() {
        let Some(place) = line(rest, row) else { break };
        let x = put(
            buf,
            place,
            0,
            &text::left(&suggestion.value, lead),
            Style::new(),
        ) + 2;
        put(buf, place, x, &suggestion.note, theme.style(Role::Muted));
        if prompt.choice == Some(at) {
            buf.set_style(place, theme.style(Role::Selection));
        }
        row += 1;
    }
    for hint in hints {
        let Some(place) = line(rest, row) else { break };
        put(buf, place, 0, &hint, theme.style(role));
        row += 1;
    }
}

fn confirm(confirm: &Confirm, keys: &str, shared: &Shared, area: Rect, buf: &mut Buffer) {
    let theme = shared.theme;
    let width = 60.min(area.width);
    let inner = usize::from(width.saturating_sub(4));
    let question = text::wrap(&confirm.question, inner);
    let detail = text::wrap(&confirm.detail, inner);
    let height = u16::try_from(question.len() + detail.len() + 4).unwrap_or(u16::MAX);
    let inside = boxed(area, width, height, "Sure?", theme, buf);
    let lines = question
        .into_iter()
        .map(|text| (text, Role::Head))
        .chain(detail.into_iter().map(|text| (text, Role::Muted)))
        .chain([(String::new(), Role::Text), (keys.to_owned(), Role::Accent)]);
    for (row, (text, role)) in (0..).zip(lines) {
        if let Some(place) = line(inside, row) {
            put(buf, place, 0, &text, theme.style(role));
        }
    }
}
