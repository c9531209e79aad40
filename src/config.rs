//! Settings: where each value comes from, and what may never be shown.
//!
//! ```text
//!  Inputs ──> layers (flags > environment > .env > config.toml) ──> Settings
//!                        └── names, keys and defaults: one table
//! ```
//!
//! Only [`Inputs`] and the files it names are read, so that tests and the demo ignore the caller's
//! environment.

mod access;
mod alerts;
mod calendars;
mod database;
mod dotenv;
mod error;
mod file;
mod inputs;
mod key;
mod layers;
mod locale;
mod number;
mod panel;
mod plan;
mod postgres;
mod report;
mod route;
mod saved_key;
pub mod secret;
mod setting;
mod settings;
mod size;
mod small_file;
mod source;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod upkeep;
mod watch;

use std::path::PathBuf;

pub use access::{Key, SourceAccess};
pub use alerts::AlertSettings;
pub use database::Database;
pub use error::ConfigError;
pub use file::KeyBinding;
pub use inputs::{Flags, Folders, Inputs, default_config_path};
pub use key::{EnteredKey, NotAKey, check_key};
pub use locale::Locale;
pub use panel::UiSettings;
pub use plan::{Plan, Plans};
pub use postgres::{Server, SslMode};
pub use route::{Route, RouteOf};
pub use saved_key::save_key;
pub use secret::Secret;
pub use setting::{Kind, Secrecy, Setting};
pub use settings::{ReportRow, Settings};
pub use source::{KeyField, SourceSettings, SourceWords};
pub use table::Table;
pub use watch::{WatchDefaults, parse_symbols};

use crate::model::Sources;
use error::{Origin, Problems};
use layers::{Given, Layers};

/// One problem of the configuration; there may be several.
pub type Problem = ConfigError;

/// Reads the settings; the first problem is the error.
pub fn load(inputs: &Inputs) -> Result<Settings, ConfigError> {
    resolve(inputs).settings
}

/// Reads the settings and tolerates a faulty configuration file: what is wrong in it is reported and
/// ignored, and the rest applies. A fault in a flag, a variable or `.env` is still an error.
pub fn load_leniently(inputs: &Inputs) -> Result<(Settings, Vec<Problem>), ConfigError> {
    let (mut layers, problems) = Layers::read(inputs);
    let mut told = live_with(problems, &mut layers)?;
    loop {
        let mut found = Problems::default();
        let error = match settle(inputs, &layers, &mut found) {
            Ok(settings) => return Ok((settings, told)),
            Err(error) => error,
        };
        let more = live_with(found.0, &mut layers)?;
        if more.is_empty() {
            return Err(error);
        }
        told.extend(more);
    }
}

/// Drops the faulty values of the configuration file and returns what was wrong with them.
fn live_with(problems: Vec<Problem>, layers: &mut Layers) -> Result<Vec<Problem>, ConfigError> {
    let mut told = vec![];
    for problem in problems {
        match problem.origin() {
            Origin::Elsewhere => return Err(problem),
            Origin::File(Some(name)) if !layers.forget(name) => {}
            Origin::File(_) => told.push(problem),
        }
    }
    Ok(told)
}

/// Where the configuration file is expected, whatever it contains.
#[must_use]
pub fn file_path(inputs: &Inputs) -> PathBuf {
    Layers::read(inputs).0.config_file
}

/// Reports everything that is wrong with the configuration.
#[must_use]
pub fn check(inputs: &Inputs) -> Vec<Problem> {
    resolve(inputs).problems
}

struct Resolved {
    settings: Result<Settings, ConfigError>,
    problems: Vec<Problem>,
}

fn resolve(inputs: &Inputs) -> Resolved {
    let (layers, problems) = Layers::read(inputs);
    let mut problems = Problems(problems);
    let settings = settle(inputs, &layers, &mut problems);
    let Problems(problems) = problems;
    Resolved {
        settings: match problems.first() {
            Some(problem) => Err(problem.clone()),
            None => settings,
        },
        problems,
    }
}

fn settle(
    inputs: &Inputs,
    layers: &Layers,
    problems: &mut Problems,
) -> Result<Settings, ConfigError> {
    let mut warnings = layers.warnings.clone();
    let data_dir = layers
        .path(&table::DATA_DIR)
        .unwrap_or_else(|| inputs.folders.data.clone());
    let text = |setting| layers.get(setting).map(|given| given.value.clone());

    let declared = inputs.table.sources();
    let known = declared.iter().map(|source| source.id.clone()).collect();
    let sources = problems.note(watch::sources(known, layers));
    let access: Vec<_> = declared
        .iter()
        .map(|source| access::resolve(source, layers, &mut warnings, problems))
        .collect();
    let database = problems.note(database::resolve(layers, &data_dir, &mut warnings));
    let read_by = sources.clone().unwrap_or_default();
    let symbols = layers.outside_file(&table::SYMBOLS);
    let symbols = symbols.map(|given| watch::symbols(given, &read_by));
    let symbols = problems.note(symbols.transpose());
    let listed = layers.in_file(&table::SYMBOLS);
    let listed = listed.map(|given| watch::symbols(given, &read_by));
    let listed = problems.note(listed.transpose());
    let interval = layers.outside_file(&table::INTERVAL).map(watch::interval);
    let interval = problems.note(interval.transpose());
    let default_interval = layers.in_file(&table::INTERVAL).map(watch::interval);
    let default_interval = problems.note(default_interval.transpose());
    let answers_limit = problems.note(size::answers_limit(layers));
    let retention = problems.note(upkeep::retention(layers));
    let metrics = problems.note(upkeep::metrics(layers));
    let keep_log = layers.get(&table::KEEP_LOG).map_or(Ok(true), Given::switch);
    let keep_log = problems.note(keep_log);
    let alerts = problems.note(alerts::settings(layers, &mut warnings));
    let ui = problems.note(panel::settings(layers, &inputs.locale));

    let sources = sources?;
    let access = access.into_iter().collect::<Result<Vec<_>, _>>()?;
    let is_blank = !access.iter().any(|access| access.key.is_own)
        && !declared
            .iter()
            .any(|source| access::is_named(source, layers))
        && layers.get(&table::SOURCE).is_none()
        && layers.get(&table::SYMBOLS).is_none();
    let (usual, others) = parted(access, &sources)?;
    let listed = listed?;
    let names_it = listed.is_some() || layers.get(&table::SOURCE).is_some();
    let leading = if names_it {
        &usual
    } else {
        leading(&usual, &others)
    };
    let usual_interval = leading.usual_interval();
    let default_symbols = match listed {
        Some(listed) => listed,
        None => watch::suggested(leading.settings, &sources)?,
    };
    let calendars = layers.overruled.calendars.clone();
    let order = std::iter::once(&usual).chain(&others);
    let order = order.map(|access| access.settings.id.clone()).collect();
    let is_for_all = table::SOURCE
        .flag
        .is_none_or(|flag| inputs.flags.value(flag).is_none());
    let settings = Settings {
        preference: is_for_all.then_some(order),
        calendars: calendars.with(declared.iter().map(|source| source.calendar())),
        sources,
        usual,
        others,
        database: database?,
        symbols: symbols?,
        interval: interval?,
        is_blank,
        defaults: WatchDefaults {
            symbols: default_symbols,
            interval: default_interval?.unwrap_or(usual_interval),
        },
        data_dir,
        config_file: layers.config_file.clone(),
        answers_limit: answers_limit?,
        retention: retention?,
        metrics: metrics?,
        alerts: alerts?,
        keep_log: keep_log?,
        ui: ui?,
        keys: layers.keys.clone(),
        no_color: layers.get(&table::NO_COLOR).is_some(),
        rust_log: text(&table::RUST_LOG),
        warnings,
        report: vec![],
    };
    Ok(Settings {
        report: report::rows(inputs.table, layers, &settings, &inputs.locale),
        ..settings
    })
}

/// The source that fills an empty watch list: the usual one, unless only another has a key.
fn leading<'a>(usual: &'a SourceAccess, others: &'a [SourceAccess]) -> &'a SourceAccess {
    let mut all = std::iter::once(usual).chain(others);
    all.find(|access| access.key.is_own).unwrap_or(usual)
}

/// How to reach the usual source, and the others.
fn parted(
    access: Vec<SourceAccess>,
    sources: &Sources,
) -> Result<(SourceAccess, Vec<SourceAccess>), ConfigError> {
    let is_usual = |access: &SourceAccess| access.settings.id == sources.usual;
    let (usual, others): (Vec<_>, Vec<_>) = access.into_iter().partition(is_usual);
    let usual = usual.into_iter().next().ok_or_else(|| {
        ConfigError::new(table::SOURCE.name, "this version knows no source of bars")
    })?;
    Ok((usual, others))
}
