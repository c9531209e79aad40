//! One frame: a function of the panel's state and the time. No lock, no wait, no clock.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;

use super::app::App;
use super::regions::Regions;
use super::widgets::{footer, header};
use super::{draw, overlays};

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
    header::draw(shared, app.source(), app.view, now, head, buf, &mut regions);
    let alarm = header::alarm_lines(shared, now, area.width);
    let height = u16::try_from(alarm.len()).unwrap_or(0).min(rest.height / 3);
    let (place, rest) = draw::split_top(rest, height);
    header::draw_alarm(&alarm, shared.theme, place, buf);
    let (body, foot) = draw::split_bottom(rest, u16::from(rest.height > 1));
    app.shown().draw(shared, now, body, buf, &mut regions);
    footer::draw(app, now, foot, buf, &mut regions);
    if let Some(overlay) = &app.overlay {
        overlays::draw(overlay, shared, now, body, foot, buf, &mut regions);
    }
    if shared.theme.ascii {
        draw::only_ascii(buf);
    }
    debug_assert!(
        regions
            .targets
            .iter()
            .all(|(place, _)| area.union(*place) == area),
        "what is clicked is on the screen"
    );
    regions
}
