//! The footer: the keys that work here, or the newest message.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::pipeline::narrate::Severity;
use crate::ui::action::Action;
use crate::ui::app::{App, availability};
use crate::ui::draw::put;
use crate::ui::frame::{Regions, Target};
use crate::ui::keymap::Context;
use crate::ui::overlays::Overlay;
use crate::ui::theme::Role;
use crate::ui::views::ViewId;
use crate::ui::views::overview::{due_count, is_forbidden};

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
            app.shared.keymap.key_of(Context::Global, Action::Help)
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
    for hint in fitting(hints(app, now, regions.fits_both), usize::from(area.width)) {
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
        regions.targets.push((place, Target::Hint(hint.action)));
        x += if hint.word.is_empty() { 1 } else { 2 };
    }
    if app.shared.mouse && usize::from(area.width) > usize::from(x) + 6 {
        put(buf, area, area.width - 6, "mouse", theme.style(Role::Muted));
    }
}

/// The hints of this context, the available ones first, in the order of the table.
fn hints(app: &App, now: DateTime<Utc>, fits_both: bool) -> Vec<Hint> {
    let context = app.context();
    let places: &[Context] = if context.is_overlay() {
        &[context]
    } else {
        &[context, Context::Global]
    };
    let mut hints: Vec<Hint> = vec![];
    for entry in places.iter().flat_map(|place| app.shared.keymap.of(*place)) {
        let binding = &entry.binding;
        if binding.rank == u8::MAX || entry.chords.is_empty() {
            continue;
        }
        let word = match binding.action {
            Action::Arrange => app.bars.arrange.next(fits_both).word(fits_both).to_owned(),
            action => format!("{}{}", binding.hint, detail(action, app)),
        };
        if binding.action == Action::Offer && word.is_empty() {
            continue;
        }
        hints.push(Hint {
            action: binding.action,
            key: entry.key(),
            word,
            rank: binding.rank,
            is_ready: availability::of(binding.action, app.view, app, now)
                .reason()
                .is_none(),
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
fn detail(action: Action, app: &App) -> String {
    match (action, app.view) {
        (Action::Fetch, ViewId::Overview) => {
            let targets = app.overview.targets(&app.shared);
            let asked = targets
                .iter()
                .filter(|series| !is_forbidden(series, &app.shared))
                .count();
            if targets.is_empty() {
                String::new()
            } else {
                format!(" ({asked})")
            }
        }
        (Action::Fetch, ViewId::Bars) => " (1)".to_owned(),
        (Action::FetchDue, _) => format!(" ({})", due_count(&app.shared)),
        (Action::Offer, ViewId::Runs) => match availability::offered(ViewId::Runs, app) {
            Some(Action::Cancel) => "cancel the run".to_owned(),
            Some(_) => "rerun failed".to_owned(),
            None => String::new(),
        },
        (Action::Pause, _) => match &app.shared.snapshot {
            Some(snapshot) if snapshot.schedule.paused => "d: resume".to_owned(),
            _ => String::new(),
        },
        _ => String::new(),
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
