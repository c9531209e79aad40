//! The footer: the keys that work here, or the newest message.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::pipeline::narrate::Severity;
use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::draw::put;
use crate::ui::keymap::binding::KeyContext;
use crate::ui::overlays::Overlay;
use crate::ui::regions::{ClickTarget, Regions};
use crate::ui::theme::Role;

/// A key and its word.
struct Hint {
    action: Action,
    key: String,
    word: String,
    rank: u8,
    is_ready: bool,
}

/// Draws the footer.
pub fn draw(app: &App, now: DateTime<Utc>, area: Rect, buf: &mut Buffer, regions: &mut Regions) {
    let theme = app.shared.theme;
    if let Some(message) = app.messages.current(now) {
        let role = if message.severity == Severity::Info {
            Role::Accent
        } else {
            Role::Warn
        };
        let mark = if message.severity == Severity::Info {
            ""
        } else {
            "! "
        };
        let help = format!(
            "  {} help",
            app.shared.keymap.key_of(KeyContext::Global, Action::Help)
        );
        let room = area
            .width
            .saturating_sub(u16::try_from(help.width() + 1).unwrap_or(0));
        let text = format!(" {mark}{}", message.text);
        put(buf, area, 0, &text, theme.style(role));
        if text.width() <= usize::from(room) {
            put(buf, area, room, &help, theme.style(Role::Muted));
        }
        return;
    }
    let mut x = 1;
    for hint in fitting(hints(app, now, regions), usize::from(area.width)) {
        let from = x;
        let (key, word) = if hint.is_ready {
            (theme.style(Role::Accent), Style::new())
        } else {
            (theme.style(Role::Muted), theme.style(Role::Muted))
        };
        x = put(buf, area, x, &hint.key, key);
        if !hint.word.is_empty() {
            x = put(buf, area, x, &format!(" {}", hint.word), word);
        }
        let place = Rect {
            x: area.x + from,
            width: x.saturating_sub(from),
            ..area
        };
        regions
            .targets
            .push((place, ClickTarget::Hint(hint.action)));
        x += if hint.word.is_empty() { 1 } else { 2 };
    }
    if app.shared.mouse && usize::from(area.width) > usize::from(x) + 6 {
        put(buf, area, area.width - 6, "mouse", theme.style(Role::Muted));
    }
}

/// The hints of this context, the available ones first, in the order of the table.
fn hints(app: &App, now: DateTime<Utc>, regions: &Regions) -> Vec<Hint> {
    let context = app.context();
    let places: &[KeyContext] = if context.is_overlay() {
        &[context]
    } else {
        &[context, KeyContext::Global]
    };
    let mut hints: Vec<Hint> = vec![];
    for row in places.iter().flat_map(|place| app.shared.keymap.of(*place)) {
        let binding = &row.binding;
        if binding.rank == u8::MAX || row.chords.is_empty() {
            continue;
        }
        let word = format!("{}{}", binding.hint, detail(binding.action, app, regions));
        if binding.action == Action::Offer && word.is_empty() {
            continue;
        }
        hints.push(Hint {
            action: binding.action,
            key: row.key(),
            word,
            rank: binding.rank,
            is_ready: app.is_ready(binding, now),
        });
    }
    hints.sort_by_key(|hint| hint.rank);
    if let Some(Overlay::Choose(list)) = &app.overlay
        && !list.is_choice
    {
        hints.retain(|hint| hint.action != Action::Accept);
    }
    if context.is_overlay() {
        hints.push(Hint {
            action: Action::Back,
            key: "Esc".to_owned(),
            word: "back".to_owned(),
            rank: 2,
            is_ready: true,
        });
    }
    hints
}

/// What an action costs in requests, or does next, if known.
fn detail(action: Action, app: &App, regions: &Regions) -> String {
    match action {
        Action::FetchDue => format!(" ({})", app.shared.sendable()),
        Action::Pause => match &app.shared.snapshot {
            Some(snapshot) if snapshot.schedule.paused => "d: resume".to_owned(),
            _ => String::new(),
        },
        _ => app.shown().hint(action, &app.shared, regions),
    }
}

/// From this width on, the footer may hold more than a few hints.
const WIDE: usize = 100;
/// The hints of a narrow footer, including those for the palette, the help and the way out.
const FEW: usize = 8;

/// Drops the least important hints until the rest fits.
fn fitting(mut hints: Vec<Hint>, width: usize) -> Vec<Hint> {
    let needed = |hints: &[Hint]| {
        let cells: usize = hints
            .iter()
            .map(|hint| {
                let word = hint.word.width();
                hint.key.width() + if word == 0 { 1 } else { word + 3 }
            })
            .sum();
        // One cell before the first; the gap after the last may be cut.
        (cells + 1).saturating_sub(2)
    };
    // Help and the way out are dropped last, whatever their rank.
    let drop_order = |hint: &Hint| match hint.action {
        Action::Quit | Action::Help | Action::Back | Action::Palette => (0, hint.rank),
        _ => (1, hint.rank),
    };
    let most = if width < WIDE { FEW } else { usize::MAX };
    while needed(&hints) > width && hints.len() > 1 || hints.len() > most {
        let last = hints
            .iter()
            .enumerate()
            .max_by_key(|(at, hint)| (drop_order(hint), *at))
            .map_or(0, |(at, _)| at);
        hints.remove(last);
    }
    hints
}
