//! The themes. The only file that names colours other than by role.

use ratatui::style::{Color, Modifier, Style};

use super::Role;

const fn fg(color: Color) -> Style {
    Style::new().fg(color)
}

/// The terminal's sixteen colours on its own background.
pub(super) const fn terminal(role: Role) -> Style {
    match role {
        Role::Text => Style::new(),
        Role::Muted | Role::Border | Role::Dim => Style::new().add_modifier(Modifier::DIM),
        Role::Accent => fg(Color::Cyan),
        Role::BorderFocus => fg(Color::Cyan).add_modifier(Modifier::BOLD),
        Role::Ok | Role::Up => fg(Color::Green),
        Role::Warn => fg(Color::Yellow),
        Role::Err => fg(Color::Red).add_modifier(Modifier::BOLD),
        Role::Down => fg(Color::Red),
        // One style over everything in the line: the colours of states would look patchy.
        Role::Selection => fg(Color::Reset)
            .bg(Color::Reset)
            .remove_modifier(Modifier::DIM)
            .remove_modifier(Modifier::BOLD)
            .add_modifier(Modifier::REVERSED),
        Role::Head => Style::new().add_modifier(Modifier::BOLD),
    }
}

/// For a dark background.
pub(super) const fn dark(role: Role) -> Style {
    match role {
        Role::Text => fg(Color::Rgb(0xd8, 0xde, 0xe9)),
        Role::Muted => fg(Color::Rgb(0x8a, 0x93, 0xa6)),
        Role::Border | Role::Dim => fg(Color::Rgb(0x5c, 0x66, 0x7a)),
        Role::Accent => fg(Color::Rgb(0x7f, 0xc8, 0xf8)),
        Role::BorderFocus => fg(Color::Rgb(0x7f, 0xc8, 0xf8)).add_modifier(Modifier::BOLD),
        Role::Ok | Role::Up => fg(Color::Rgb(0x8f, 0xd1, 0x9e)),
        Role::Warn => fg(Color::Rgb(0xf0, 0xc6, 0x74)),
        Role::Err => fg(Color::Rgb(0xf2, 0x77, 0x7a)).add_modifier(Modifier::BOLD),
        Role::Down => fg(Color::Rgb(0xf2, 0x77, 0x7a)),
        Role::Selection => fg(Color::Rgb(0xff, 0xff, 0xff)).bg(Color::Rgb(0x2f, 0x4a, 0x6d)),
        Role::Head => fg(Color::Rgb(0xd8, 0xde, 0xe9)).add_modifier(Modifier::BOLD),
    }
}

/// For a light background.
pub(super) const fn light(role: Role) -> Style {
    match role {
        Role::Text => fg(Color::Rgb(0x24, 0x29, 0x33)),
        Role::Muted => fg(Color::Rgb(0x60, 0x69, 0x78)),
        Role::Border | Role::Dim => fg(Color::Rgb(0x98, 0xa1, 0xb0)),
        Role::Accent => fg(Color::Rgb(0x0b, 0x5c, 0x9e)),
        Role::BorderFocus => fg(Color::Rgb(0x0b, 0x5c, 0x9e)).add_modifier(Modifier::BOLD),
        Role::Ok | Role::Up => fg(Color::Rgb(0x1c, 0x6e, 0x35)),
        Role::Warn => fg(Color::Rgb(0x8a, 0x5a, 0x00)),
        Role::Err => fg(Color::Rgb(0xb0, 0x1f, 0x2e)).add_modifier(Modifier::BOLD),
        Role::Down => fg(Color::Rgb(0xb0, 0x1f, 0x2e)),
        Role::Selection => fg(Color::Rgb(0x00, 0x00, 0x00)).bg(Color::Rgb(0xc7, 0xdd, 0xf2)),
        Role::Head => fg(Color::Rgb(0x24, 0x29, 0x33)).add_modifier(Modifier::BOLD),
    }
}

/// No colour at all.
pub(super) const fn mono(role: Role) -> Style {
    match role {
        Role::Text | Role::Down | Role::Ok => Style::new(),
        Role::Muted | Role::Border | Role::Dim => Style::new().add_modifier(Modifier::DIM),
        Role::Accent | Role::Warn | Role::Up | Role::BorderFocus | Role::Head => {
            Style::new().add_modifier(Modifier::BOLD)
        }
        Role::Err => Style::new()
            .add_modifier(Modifier::BOLD)
            .add_modifier(Modifier::UNDERLINED),
        Role::Selection => Style::new()
            .remove_modifier(Modifier::DIM)
            .remove_modifier(Modifier::BOLD)
            .add_modifier(Modifier::REVERSED),
    }
}
