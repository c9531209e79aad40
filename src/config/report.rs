//! The effective settings for people to read, with the source of each.

use super::error::shown;
use super::layers::{Entry, Layers};
use super::locale::Locale;
use super::table::{self, SETTINGS, Setting};
use super::{Database, Settings};
use crate::config::secret::MASK;

/// One setting: its value, with secrets masked, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The variable, or the key of a setting that only the file has.
    pub name: &'static str,
    /// The dotted key in the configuration file.
    pub toml_key: Option<&'static str>,
    /// The value that applies; empty if there is none.
    pub value: String,
    /// `flag --api-key`, `environment`, `.env line 3`, `config.toml line 7` or `default`.
    pub source: String,
}

pub(super) fn rows(layers: &Layers, settings: &Settings, locale: &Locale) -> Vec<Row> {
    SETTINGS
        .iter()
        .copied()
        .map(|setting| {
            let entry = layers.get(setting);
            Row {
                name: setting.name,
                toml_key: setting.key,
                value: value(setting, entry, settings),
                source: match entry {
                    None if setting.name == table::ASCII.name && !locale.is_utf8() => {
                        locale.to_string()
                    }
                    _ => source(setting, entry, layers, settings),
                },
            }
        })
        .collect()
}

fn value(setting: &Setting, entry: Option<&Entry>, settings: &Settings) -> String {
    let provider = &settings.provider;
    match setting.name {
        name if name == table::API_KEY.name && provider.key_is_demo => "demo".into(),
        name if name == table::API_KEY.name => MASK.into(),
        name if name == table::BASE_URL.name => provider.base_url.to_string(),
        name if name == table::DATABASE_URL.name => settings.database.to_string(),
        name if name == table::SSLMODE.name => match &settings.database {
            Database::Postgres { sslmode, .. } => sslmode.to_string(),
            Database::Sqlite { .. } => String::new(),
        },
        name if name == table::INTERVAL.name && entry.is_none() => {
            settings.defaults.interval.to_string()
        }
        name if name == table::ASCII.name => settings.ui.ascii.to_string(),
        name if name == table::CONFIG.name => shown(&settings.config_file.display().to_string()),
        name if name == table::DATA_DIR.name => shown(&settings.data_dir.display().to_string()),
        _ => match entry {
            Some(_) if setting.secret => MASK.into(),
            Some(entry) => shown(entry.value.trim()),
            None => setting.default.into(),
        },
    }
}

fn source(
    setting: &Setting,
    entry: Option<&Entry>,
    layers: &Layers,
    settings: &Settings,
) -> String {
    let stand_in = match setting.name {
        name if name == table::API_KEY.name => layers.get(&table::API_KEY_FILE),
        name if name == table::PASSWORD.name => layers.get(&table::PASSWORD_FILE),
        name if name == table::DATABASE_URL.name => layers.get(&table::HOST),
        _ => None,
    };
    if let (true, Some(path)) = (setting.name == table::API_KEY.name, &settings.saved_key) {
        return format!(
            "saved by the panel in {}",
            shown(&path.display().to_string())
        );
    }
    match (entry, stand_in) {
        (Some(entry), _) => entry.source.to_string(),
        (None, Some(other)) => format!("{}, {}", other.setting.name, other.source),
        (None, None) => "default".into(),
    }
}
