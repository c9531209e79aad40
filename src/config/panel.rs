//! The settings of the panel. The panel knows the valid words and reports wrong ones.

use super::error::ConfigError;
use super::layers::{Given, Layers, SetBy};
use super::locale::Locale;
use super::setting::Setting;
use super::table;

/// How the panel looks. `*_line` is the line in the configuration file; `None` for a default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiSettings {
    /// `ui.theme`: a word that the panel checks.
    pub theme: String,
    /// The line of `ui.theme`.
    pub theme_line: Option<usize>,
    /// `ui.ascii`: only ASCII is drawn. If the file does not set it, the locale decides.
    pub ascii: bool,
    /// `ui.mouse`: the panel takes clicks and the wheel; selecting text then needs Shift.
    pub mouse: bool,
    /// `ui.time_zone`: a word that the panel checks.
    pub time_zone: String,
    /// The line of `ui.time_zone`.
    pub time_zone_line: Option<usize>,
}

/// What the file says about the panel.
pub(super) fn settings(layers: &Layers, locale: &Locale) -> Result<UiSettings, ConfigError> {
    let word = |setting: &Setting| match layers.get(setting) {
        Some(given) => (given.value.trim().to_owned(), line(given)),
        None => (setting.default.to_owned(), None),
    };
    let is_on = |setting| layers.get(setting).map_or(Ok(false), Given::switch);
    let (theme, theme_line) = word(&table::THEME);
    let (time_zone, time_zone_line) = word(&table::TIME_ZONE);
    Ok(UiSettings {
        theme,
        theme_line,
        ascii: match layers.get(&table::ASCII) {
            Some(given) => given.switch()?,
            None => !locale.is_utf8(),
        },
        mouse: is_on(&table::MOUSE)?,
        time_zone,
        time_zone_line,
    })
}

const fn line(given: &Given) -> Option<usize> {
    match given.set_by {
        SetBy::File { line, .. } => Some(line),
        _ => None,
    }
}
