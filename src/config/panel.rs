//! The settings of the panel. Their words are the panel's own: it knows them and says what is wrong.

use super::error::ConfigError;
use super::layers::{Entry, Layers, Source};
use super::locale::Locale;
use super::provider::switch;
use super::table;

/// How the panel looks. `*_line` is where the configuration file says so; `None`: by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiSettings {
    /// `ui.theme`: a word that the panel knows, or says that it does not.
    pub theme: String,
    /// The line of `ui.theme`.
    pub theme_line: Option<usize>,
    /// `ui.ascii`: nothing but ASCII is drawn. Where the file says nothing, the locale decides.
    pub ascii: bool,
    /// `ui.mouse`: clicks and the wheel are the panel's; selecting text then needs Shift.
    pub mouse: bool,
    /// `ui.time_zone`: a word that the panel knows, or says that it does not.
    pub time_zone: String,
    /// The line of `ui.time_zone`.
    pub time_zone_line: Option<usize>,
}

/// An action of the panel and the chords that do it instead of the built-in ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBinding {
    /// The action's name, as the key of `[keys]` has it.
    pub action: String,
    /// The chords as written; none takes the action off the keyboard.
    pub chords: Vec<String>,
    /// The line of the configuration file.
    pub line: usize,
}

/// What the file says about the panel.
pub(super) fn settings(layers: &Layers, locale: &Locale) -> Result<UiSettings, ConfigError> {
    let word = |setting: &table::Setting| match layers.get(setting) {
        Some(entry) => (entry.value.trim().to_owned(), line(entry)),
        None => (setting.default.to_owned(), None),
    };
    let is_on = |setting| layers.get(setting).map_or(Ok(false), switch);
    let (theme, theme_line) = word(&table::THEME);
    let (time_zone, time_zone_line) = word(&table::TIME_ZONE);
    Ok(UiSettings {
        theme,
        theme_line,
        ascii: match layers.get(&table::ASCII) {
            Some(entry) => switch(entry)?,
            None => !locale.is_utf8(),
        },
        mouse: is_on(&table::MOUSE)?,
        time_zone,
        time_zone_line,
    })
}

const fn line(entry: &Entry) -> Option<usize> {
    match entry.source {
        Source::File { line, .. } => Some(line),
        _ => None,
    }
}
