//! Draws the log.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::LogView;
use crate::ui::draw::{line, put, rule, split_top};
use crate::ui::log_lines::{role, shown};
use crate::ui::regions::Regions;
use crate::ui::shared::Shared;
use crate::ui::text;
use crate::ui::theme::Role;

/// Draws the view.
pub(super) fn draw(
    log: &LogView,
    shared: &Shared,
    now: DateTime<Utc>,
    area: Rect,
    buf: &mut Buffer,
    regions: &mut Regions,
) {
    let theme = shared.theme;
    let (head, body) = split_top(area, 1);
    rule(buf, head, &title(log, shared), true, theme);
    let height = usize::from(body.height);
    regions.page = height;
    let width = usize::from(body.width.saturating_sub(1));
    let mut rows: Vec<(u64, String, Role)> = vec![];
    for (number, entry) in log.page_of(&shared.log, height) {
        let role = role(entry.severity);
        let text = shown(entry, now, shared.zone);
        if log.wrap {
            rows.extend(
                text::wrap(&text, width)
                    .into_iter()
                    .map(|text| (number, text, role)),
            );
        } else {
            rows.push((number, text, role));
        }
    }
    // The newest lines are at the bottom, and stay there when wrapped lines take more room.
    let skipped = rows.len().saturating_sub(height);
    for (row, (number, text, role)) in (0..).zip(rows.into_iter().skip(skipped)) {
        let Some(place) = line(body, row) else { break };
        put(buf, place, 1, &text, theme.style(role));
        if log.selected() == Some(number) {
            buf.set_style(place, theme.style(Role::Selection));
        }
    }
    let nothing = match log.counts(&shared.log) {
        (0, _) => "Nothing logged yet.",
        (kept, hidden) if kept == hidden => {
            "No line matches; Esc clears the filter, L changes the level."
        }
        _ => "",
    };
    put(buf, body, 1, nothing, theme.style(Role::Muted));
}

fn title(log: &LogView, shared: &Shared) -> String {
    let (kept, hidden) = log.counts(&shared.log);
    let mut title = format!("Log  {}  ", log.level.name());
    if log.is_following() {
        title.push_str("following");
    } else if log.unseen > 0 {
        let _ = write!(title, "paused, {} new, End follows", log.unseen);
    } else {
        title.push_str("paused, End follows");
    }
    if !log.filter.is_empty() {
        let _ = write!(title, "  / {}", log.filter);
    }
    if hidden > 0 {
        let _ = write!(title, "  {} of {kept}, {hidden} hidden", kept - hidden);
    }
    let snapshot = shared.snapshot.as_ref();
    let dropped = snapshot.map_or(0, |snapshot| snapshot.dropped_notices);
    if dropped > 0 {
        let _ = write!(title, "  {dropped} dropped under load, see Runs");
    }
    let _ = write!(title, "  {}", text::zone_name(shared.zone));
    title
}
