//! Colours by role: views say what something means, this file says how that looks.
//!
//! The default takes the terminal's own sixteen colours and its background, so that it fits light
//! and dark terminals alike. No meaning rests on colour alone.

mod presets;

use ratatui::style::Style;

use crate::model::words::words;

words! {
    /// The themes.
    pub enum Preset {
        /// The terminal's own colours.
        Terminal = "terminal",
        /// For a dark background.
        Dark = "dark",
        /// For a light background.
        Light = "light",
        /// No colour at all.
        Mono = "mono",
    }
}

/// What a piece of the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Less important text.
    Muted,
    /// Names of keys, the active tab.
    Accent,
    /// Something is as it should be.
    Ok,
    /// Something needs attention.
    Warn,
    /// Something went wrong.
    Err,
    /// A price that rose.
    Up,
    /// A price that fell.
    Down,
    /// What the keys act on.
    Selection,
    /// Lines between panes.
    Border,
    /// The border of the focused pane.
    BorderFocus,
    /// What is old because its source is not available.
    Dim,
    /// Column heads.
    Head,
}

/// A theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    preset: Preset,
    /// Whether only ASCII may be drawn.
    pub ascii: bool,
}

impl Theme {
    /// A theme; `no_color` overrides the preset.
    #[must_use]
    pub const fn new(preset: Preset, no_color: bool, ascii: bool) -> Self {
        let preset = if no_color { Preset::Mono } else { preset };
        Self { preset, ascii }
    }

    /// The theme's name.
    #[must_use]
    pub const fn preset(&self) -> Preset {
        self.preset
    }

    /// The next theme in the list.
    #[must_use]
    pub fn next(self) -> Self {
        let after = Preset::ALL
            .iter()
            .cycle()
            .skip_while(|preset| **preset != self.preset)
            .nth(1);
        Self {
            preset: after.copied().unwrap_or(Preset::Terminal),
            ..self
        }
    }

    /// The style of a role.
    #[must_use]
    pub const fn style(&self, role: Role) -> Style {
        match self.preset {
            Preset::Terminal => presets::terminal(role),
            Preset::Dark => presets::dark(role),
            Preset::Light => presets::light(role),
            Preset::Mono => presets::mono(role),
        }
    }

    /// One of two glyphs: the nicer one, or the one every terminal has.
    #[must_use]
    pub const fn glyph(&self, nice: &'static str, plain: &'static str) -> &'static str {
        if self.ascii { plain } else { nice }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;

    const ROLES: [Role; 13] = [
        Role::Text,
        Role::Muted,
        Role::Accent,
        Role::Ok,
        Role::Warn,
        Role::Err,
        Role::Up,
        Role::Down,
        Role::Selection,
        Role::Border,
        Role::BorderFocus,
        Role::Dim,
        Role::Head,
    ];

    #[test]
    fn the_default_uses_the_terminals_own_sixteen_colours_only() {
        let theme = Theme::new(Preset::Terminal, false, false);
        for role in ROLES {
            let style = theme.style(role);
            for color in [style.fg, style.bg].into_iter().flatten() {
                assert!(
                    !matches!(color, Color::Rgb(..) | Color::Indexed(_)),
                    "{role:?}"
                );
            }
        }
    }

    #[test]
    fn without_colour_there_is_none_and_the_selection_still_shows() {
        for theme in [
            Theme::new(Preset::Mono, false, false),
            Theme::new(Preset::Dark, true, false),
        ] {
            for role in ROLES {
                let style = theme.style(role);
                assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
            }
            assert_ne!(theme.style(Role::Selection), theme.style(Role::Text));
        }
    }

    #[test]
    fn looks_come_in_a_circle() {
        let first = Theme::new(Preset::Terminal, false, true);
        let after: Vec<_> = std::iter::successors(Some(first), |theme| Some(theme.next()))
            .take(5)
            .map(|theme| theme.preset().as_str())
            .collect();
        assert_eq!(after, ["terminal", "dark", "light", "mono", "terminal"]);
    }
}
