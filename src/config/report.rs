//! The effective settings for people to read, with the source of each.

use std::path::Path;

use super::access::SourceAccess;
use super::database::Database;
use super::error::shown;
use super::layers::{Given, Layers};
use super::locale::Locale;
use super::secret::MASK;
use super::setting::{Kind, Secrecy, Setting};
use super::settings::{ReportRow, Settings};
use super::table::{self, Table};

pub(super) fn rows(
    known: Table,
    layers: &Layers,
    settings: &Settings,
    locale: &Locale,
) -> Vec<ReportRow> {
    let rows = known.settings().map(|setting| {
        let given = layers.get(setting);
        let of_source = settings
            .access()
            .find_map(|access| Some((access, value_of_source(setting, access)?)));
        let value = match &of_source {
            Some((_, value)) => value.clone(),
            None => value(setting, given, settings),
        };
        let saved = of_source.and_then(|(access, _)| saved_in(setting, access));
        let source = match (given, saved) {
            (_, Some(path)) => {
                let path = shown(&path.display().to_string());
                format!("saved by the panel in {path}")
            }
            (None, _) if setting.name == table::ASCII.name && !locale.is_utf8() => {
                locale.to_string()
            }
            (Some(given), _) => given.set_by.to_string(),
            (None, _) => match stand_in(known, setting, layers) {
                Some(other) => format!("{}, {}", other.setting.name, other.set_by),
                None => "default".into(),
            },
        };
        ReportRow {
            name: setting.name.into(),
            toml_key: setting.key,
            value,
            source,
        }
    });
    let overruled = layers.overruled.keys.iter().map(|found| ReportRow {
        name: found.key.clone().into(),
        toml_key: None,
        value: found.days.clone(),
        source: layers.line_of_file(found.line),
    });
    rows.chain(overruled).collect()
}

/// The value in use of a setting of a source, if it is not what was written.
fn value_of_source(setting: &Setting, access: &SourceAccess) -> Option<String> {
    let declared = access.settings;
    let is_it = |row: &Setting| row.name == setting.name;
    if declared.key.iter().any(|field| is_it(&field.value)) {
        let own = access.key.is_own.then(|| MASK.to_owned());
        return Some(own.unwrap_or_else(|| setting.default.to_owned()));
    }
    let mut addresses = declared.addresses.iter().zip(&access.addresses);
    addresses.find_map(|(row, address)| is_it(row).then(|| address.to_string()))
}

fn value(setting: &Setting, given: Option<&Given>, settings: &Settings) -> String {
    match setting.name {
        name if name == table::SOURCE.name => settings.sources.usual.to_string(),
        name if name == table::SYMBOLS.name && given.is_none() => {
            let symbols = settings.defaults.symbols.iter();
            let symbols: Vec<&str> = symbols.map(|one| one.symbol.as_str()).collect();
            symbols.join(",")
        }
        name if name == table::DATABASE_URL.name => settings.database.to_string(),
        name if name == table::SSLMODE.name => match &settings.database {
            Database::Postgres(server) => server.sslmode.to_string(),
            Database::Sqlite { .. } => String::new(),
        },
        name if name == table::INTERVAL.name && given.is_none() => {
            settings.defaults.interval.to_string()
        }
        name if name == table::ASCII.name => settings.ui.ascii.to_string(),
        name if name == table::CONFIG.name => shown(&settings.config_file.display().to_string()),
        name if name == table::DATA_DIR.name => shown(&settings.data_dir.display().to_string()),
        _ => match given {
            Some(_) if setting.secrecy != Secrecy::Open => MASK.into(),
            Some(given) if setting.kind == Kind::Program => shown(&given.value.replace('\n', " ")),
            Some(given) => shown(given.value.trim()),
            None => setting.default.into(),
        },
    }
}

/// Where the panel saved the value of a key, if that is the value in use.
fn saved_in<'a>(setting: &Setting, access: &'a SourceAccess) -> Option<&'a Path> {
    let mut values = access.settings.key.iter().map(|field| &field.value);
    let path = access.saved_key.as_deref()?;
    values
        .any(|value| value.name == setting.name)
        .then_some(path)
}

/// The setting that gives the value of one that is not set itself.
fn stand_in<'a>(known: Table, setting: &Setting, layers: &'a Layers) -> Option<&'a Given> {
    let file = known
        .twins()
        .find_map(|(value, file)| (value.name == setting.name).then_some(file));
    let host = (setting.name == table::DATABASE_URL.name).then_some(&table::HOST);
    layers.get(file.or(host)?)
}
