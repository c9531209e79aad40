//! Settings: where each value comes from, and what may never be shown.
//!
//! ```text
//!  Inputs ──> layers (flags > environment > .env > config.toml) ──> Settings
//!                        └── names, keys and defaults: one table
//! ```
//!
//! Only [`Inputs`] and the files it names are read, so that tests and the demo ignore the caller's
//! environment.

mod database;
mod dotenv;
mod error;
mod file;
mod inputs;
mod layers;
mod locale;
mod nearest;
mod panel;
mod percent;
mod plan;
mod postgres;
mod provider;
mod report;
mod saved_key;
pub mod secret;
mod size;
mod small_file;
pub mod table;
#[cfg(test)]
mod tests;
mod watch;

use std::path::PathBuf;

pub use database::Database;
pub use error::ConfigError;
pub use inputs::{Flags, Folders, Inputs, default_config_path};
pub use locale::Locale;
pub use panel::{KeyBinding, UiSettings};
pub use plan::{Plan, UnknownPlan};
pub use postgres::SslMode;
pub use provider::{DEMO_KEY, Provider, check_key};
pub use report::Row;
pub use saved_key::save_key;
pub use secret::Secret;
pub use watch::{WatchDefaults, parse_symbols};

use crate::model::{Interval, Symbol};
use error::Origin;
use layers::Layers;

/// One problem of the configuration; there may be several.
pub type Problem = ConfigError;

/// The effective settings. Printing them shows no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How to reach the provider.
    pub provider: Provider,
    /// Where the store is.
    pub database: Database,
    /// The symbols to watch, in this process only.
    pub symbols: Option<Vec<Symbol>>,
    /// Their interval, in this process only.
    pub interval: Option<Interval>,
    /// What fills an empty watch list.
    pub defaults: WatchDefaults,
    /// Where data and logs are kept.
    pub data_dir: PathBuf,
    /// Where the configuration file is, or would be.
    pub config_file: PathBuf,
    /// The most bytes that kept answers may take.
    pub answers_limit: u64,
    /// Whether the log of the panel and of `run` is kept.
    pub keep_log: bool,
    /// Where the panel saved the key, if that is the key in use.
    pub saved_key: Option<PathBuf>,
    /// How the panel looks.
    pub ui: UiSettings,
    /// Key chords that replace the panel's built-in ones.
    pub keys: Vec<KeyBinding>,
    /// Whether colours are off.
    pub no_color: bool,
    /// What to log, if the caller set it.
    pub rust_log: Option<String>,
    /// Warnings, one sentence each.
    pub warnings: Vec<String>,
    /// Each setting with its value and origin, secrets masked.
    pub report: Vec<Row>,
}

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
        let mut found = Problems(vec![]);
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

/// Collects problems, so that one does not hide the next.
struct Problems(Vec<Problem>);

impl Problems {
    fn note<T>(&mut self, result: Result<T, ConfigError>) -> Result<T, ConfigError> {
        result.inspect_err(|problem| self.0.push(problem.clone()))
    }
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
    let text = |setting| layers.get(setting).map(|entry| entry.value.clone());

    let key = problems.note(provider::key(layers, &mut warnings));
    let base_url = problems.note(provider::base_url(layers));
    let plan = problems.note(provider::plan(layers));
    let database = problems.note(database::resolve(layers, &data_dir, &mut warnings));
    let own_symbols = layers.outside_file(&table::SYMBOLS).map(watch::symbols);
    let own_symbols = problems.note(own_symbols.transpose());
    let own_interval = layers.outside_file(&table::INTERVAL).map(watch::interval);
    let own_interval = problems.note(own_interval.transpose());
    let defaults = problems.note(watch::defaults(layers));
    let answers_limit = problems.note(size::answers_limit(layers));
    let keep_log = layers
        .get(&table::KEEP_LOG)
        .map_or(Ok(true), provider::switch);
    let keep_log = problems.note(keep_log);
    let ui = problems.note(panel::settings(layers, &inputs.locale));

    let (key, saved_key) = match key? {
        None if !provider::is_named(layers) => {
            saved_key::read(&layers.config_file, &mut warnings).unzip()
        }
        key => (key, None),
    };
    let (plan, key_is_demo) = (plan?, key.is_none());
    let (symbols, interval) = defaults?;
    let usual = watch::usual_interval(plan, key_is_demo);
    let settings = Settings {
        provider: Provider {
            key_is_demo,
            key: key.unwrap_or_else(|| Secret::public(DEMO_KEY)),
            base_url: base_url?,
            plan,
        },
        database: database?,
        symbols: own_symbols?,
        interval: own_interval?,
        defaults: WatchDefaults {
            symbols,
            interval: interval.unwrap_or(usual),
        },
        data_dir,
        config_file: layers.config_file.clone(),
        answers_limit: answers_limit?,
        keep_log: keep_log?,
        saved_key,
        ui: ui?,
        keys: layers.keys.clone(),
        no_color: layers.get(&table::NO_COLOR).is_some(),
        rust_log: text(&table::RUST_LOG),
        warnings,
        report: vec![],
    };
    Ok(Settings {
        report: report::rows(layers, &settings, &inputs.locale),
        ..settings
    })
}
