//! The layers in which a setting is looked up: flags, environment, `.env`, configuration file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::database::{self, Target};
use super::error::{ConfigError, shown};
use super::inputs::{Inputs, OURS, default_config_path};
use super::nearest::nearest;
use super::panel::KeyBinding;
use super::small_file::{self, Unread};
use super::table::{self, Reach, SETTINGS, Setting, TWINS};
use super::{dotenv, file, provider, secret};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Flag(&'static str),
    Environment,
    DotEnv { line: usize },
    File { path: PathBuf, line: usize },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Environment => f.write_str("environment"),
            Self::DotEnv { line } => write!(f, ".env line {line}"),
            Self::File { path, line } => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                write!(f, "{} line {line}", shown(&name))
            }
        }
    }
}

/// A value, and where it came from. It may be a secret, so it cannot be printed.
pub(super) struct Entry {
    pub setting: &'static Setting,
    pub value: String,
    pub source: Source,
}

impl Entry {
    /// An error about this value.
    pub(super) fn error(&self, reason: impl AsRef<str>) -> ConfigError {
        let name = self.setting.name;
        let place = match &self.source {
            Source::Flag(flag) => (*flag).to_owned(),
            Source::Environment => name.to_owned(),
            Source::DotEnv { line } => format!(".env:{line}: {name}"),
            Source::File { path, line } => {
                let key = self.setting.key.unwrap_or(name);
                format!("{}:{line}: {key}", path.display())
            }
        };
        let error = ConfigError::new(place, reason);
        match self.source {
            Source::File { .. } => error.of_file(Some(name)),
            _ => error,
        }
    }
}

/// The values of one layer, by the names of their settings.
type Layer = BTreeMap<&'static str, Entry>;

/// All layers, read.
pub(super) struct Layers {
    /// Flags, environment, `.env`: they win over the file in this order.
    outer: [Layer; 3],
    file: Layer,
    pub config_file: PathBuf,
    pub working_dir: PathBuf,
    pub warnings: Vec<String>,
    /// What `[keys]` in the configuration file contains.
    pub keys: Vec<KeyBinding>,
}

impl Layers {
    /// Reads the layers, and reports everything that is wrong with them.
    pub(super) fn read(inputs: &Inputs) -> (Self, Vec<ConfigError>) {
        let mut reader = Reader::default();
        let mut outer = [
            reader.flags(inputs),
            reader.environment(inputs),
            reader.dotenv(&inputs.working_dir.join(".env")),
        ];
        let chosen = outer.iter().find_map(|layer| layer.get(table::CONFIG.name));
        let config_file = chosen.map_or_else(
            || default_config_path(inputs),
            |entry| inputs.working_dir.join(&entry.value),
        );
        let mut file = reader.file(&config_file, chosen);
        let mut settled = Vec::new();
        for layer in outer.iter_mut().chain([&mut file]) {
            reader.settle_twins(layer, &mut settled);
        }
        let layers = Self {
            outer,
            file,
            config_file,
            working_dir: inputs.working_dir.clone(),
            warnings: reader.warnings,
            keys: reader.keys,
        };
        (layers, reader.problems)
    }

    /// The value that applies.
    pub(super) fn get(&self, setting: &Setting) -> Option<&Entry> {
        self.outside_file(setting).or_else(|| self.in_file(setting))
    }

    /// The value that applies to this process only.
    pub(super) fn outside_file(&self, setting: &Setting) -> Option<&Entry> {
        self.outer.iter().find_map(|layer| layer.get(setting.name))
    }

    /// The value in the configuration file.
    pub(super) fn in_file(&self, setting: &Setting) -> Option<&Entry> {
        self.file.get(setting.name)
    }

    /// Drops a value of the configuration file; returns whether it had one.
    pub(super) fn forget(&mut self, name: &str) -> bool {
        self.file.remove(name).is_some()
    }

    /// A secret, given directly or in a file.
    pub(super) fn secret(
        &self,
        value: &Setting,
        file: &Setting,
        warnings: &mut Vec<String>,
    ) -> Result<Option<String>, ConfigError> {
        if let Some(entry) = self.get(value) {
            return Ok(Some(entry.value.clone()));
        }
        let Some(entry) = self.get(file) else {
            return Ok(None);
        };
        let path = self.working_dir.join(&entry.value);
        let told = |reason: &str| {
            entry.error(format!(
                "cannot use the file {}: {reason}; write only the secret into it, or unset {}",
                path.display(),
                file.name
            ))
        };
        let text = small_file::read_secret(&path).map_err(|unread| told(unread.reason()))?;
        secret::register(&text);
        if small_file::is_wide(&path) {
            warnings.push(small_file::wide_warning(&path));
        }
        Ok(Some(text))
    }

    /// A path; a relative one starts at the working directory.
    pub(super) fn path(&self, setting: &Setting) -> Option<PathBuf> {
        self.get(setting)
            .map(|entry| self.working_dir.join(&entry.value))
    }
}

#[derive(Default)]
struct Reader {
    problems: Vec<ConfigError>,
    warnings: Vec<String>,
    keys: Vec<KeyBinding>,
}

impl Reader {
    fn flags(&mut self, inputs: &Inputs) -> Layer {
        let flags = &inputs.flags;
        let path = |path: &Option<PathBuf>| {
            path.as_ref()
                .map(|path| path.to_string_lossy().into_owned())
        };
        let mut layer = Layer::new();
        for (setting, value) in [
            (&table::API_KEY, flags.api_key.clone()),
            (&table::API_KEY_FILE, path(&flags.api_key_file)),
            (&table::DATABASE_URL, flags.database_url.clone()),
            (&table::CONFIG, path(&flags.config_file)),
            (&table::DATA_DIR, path(&flags.data_dir)),
        ] {
            let flag = setting.flag.unwrap_or(setting.name);
            self.put(
                &mut layer,
                setting,
                value.unwrap_or_default(),
                Source::Flag(flag),
            );
        }
        if layer.get(table::API_KEY.name).is_some_and(is_secret) {
            self.warnings.push(
                "other users of this machine can see the key given with --api-key; use --api-key-file"
                    .into(),
            );
        }
        if layer.get(table::DATABASE_URL.name).is_some_and(is_secret) {
            self.warnings.push(
                "other users of this machine can see the password given with --database-url; \
                 use DATABASE_URL or POSTGRES_PASSWORD_FILE"
                    .into(),
            );
        }
        layer
    }

    fn environment(&mut self, inputs: &Inputs) -> Layer {
        let mut layer = Layer::new();
        for setting in SETTINGS.iter().filter(|s| s.reach != Reach::File) {
            if let Some(value) = inputs.environment.get(setting.name) {
                self.put(&mut layer, setting, value.clone(), Source::Environment);
            }
        }
        for name in inputs.environment.keys() {
            self.tell_typo(name, "the environment");
        }
        layer
    }

    fn dotenv(&mut self, path: &Path) -> Layer {
        let mut layer = Layer::new();
        let text = match small_file::read(path) {
            Ok(text) => text,
            Err(Unread::Missing) => return layer,
            Err(Unread::Other(reason)) => {
                self.problems.push(ConfigError::new(
                    path.to_string_lossy(),
                    format!("cannot be read: {reason}; make it readable or move it away"),
                ));
                return layer;
            }
        };
        let (entries, faults) = dotenv::parse(&text);
        for fault in faults {
            let place = match fault.name {
                Some(name) => format!(".env:{}: {name}", fault.line),
                None => format!(".env:{}", fault.line),
            };
            self.problems.push(ConfigError::new(place, fault.reason));
        }
        for dotenv::Entry { name, value, line } in entries {
            match table::by_variable(&name).filter(|s| s.reach == Reach::Outer) {
                // A later line wins over an earlier one, even when it unsets the value.
                Some(setting) => {
                    layer.remove(setting.name);
                    self.put(&mut layer, setting, value, Source::DotEnv { line });
                }
                None => self.tell_typo(&name, &format!(".env line {line}")),
            }
        }
        self.warn_if_wide(&layer, path);
        layer
    }

    fn file(&mut self, path: &Path, chosen: Option<&Entry>) -> Layer {
        let mut layer = Layer::new();
        let text = match (small_file::read(path), chosen) {
            (Ok(text), _) => text,
            (Err(Unread::Missing), None) => return layer,
            (Err(unread), chosen) => {
                let reason = format!(
                    "cannot read {}: {}; create it, or name another",
                    path.display(),
                    unread.reason()
                );
                self.problems.push(match chosen {
                    Some(entry) => entry.error(reason),
                    None => ConfigError::new("configuration file", reason).of_file(None),
                });
                return layer;
            }
        };
        let (found, bindings, faults) = file::parse(&text);
        self.keys = bindings;
        for fault in faults {
            let mut place = format!("{}:{}", path.display(), fault.line);
            if let Some(key) = fault.key {
                place = format!("{place}: {key}");
            }
            self.problems
                .push(ConfigError::new(place, fault.reason).of_file(None));
        }
        for file::Found {
            setting,
            value,
            line,
        } in found
        {
            let path = path.to_path_buf();
            self.put(&mut layer, setting, value, Source::File { path, line });
        }
        self.warn_if_wide(&layer, path);
        layer
    }

    fn put(&mut self, layer: &mut Layer, setting: &'static Setting, value: String, source: Source) {
        if value.is_empty() {
            return;
        }
        let entry = Entry {
            setting,
            value,
            source,
        };
        if is_secret(&entry) {
            register(&entry);
        }
        if entry.value.contains(char::REPLACEMENT_CHARACTER) {
            self.problems
                .push(entry.error("contains bytes that are not UTF-8; write it again"));
        }
        layer.insert(setting.name, entry);
    }

    /// Rejects twins that are both set; drops those that a higher layer has settled.
    fn settle_twins(&mut self, layer: &mut Layer, settled: &mut Vec<&'static str>) {
        for (value, file) in TWINS {
            if settled.contains(&value.name) {
                layer.remove(value.name);
                layer.remove(file.name);
                continue;
            }
            let (has_value, has_file) = (layer.get(value.name), layer.get(file.name));
            if let (Some(value), Some(file)) = (has_value, has_file) {
                self.problems.push(value.error(format!(
                    "it and {} are both set; unset one of them",
                    file.setting.name
                )));
            }
            if has_value.or(has_file).is_some() {
                settled.push(value.name);
            }
        }
    }

    fn warn_if_wide(&mut self, layer: &Layer, path: &Path) {
        if layer.values().any(is_secret) && small_file::is_wide(path) {
            self.warnings.push(small_file::wide_warning(path));
        }
    }

    fn tell_typo(&mut self, name: &str, place: &str) {
        if OURS.iter().any(|ours| name.starts_with(ours)) && table::by_variable(name).is_none() {
            let near = nearest(name, SETTINGS.iter().map(|setting| setting.name));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            self.warnings.push(format!(
                "there is no setting {} (in {place}){hint}",
                shown(name)
            ));
        }
    }
}

/// Whether the entry contains something that others must not see.
fn is_secret(entry: &Entry) -> bool {
    let value = entry.value.as_str();
    match entry.setting.name {
        name if name == table::API_KEY.name => !provider::is_demo(value),
        name if name == table::DATABASE_URL.name => Target::has_password(value),
        _ => entry.setting.secret,
    }
}

/// Registers a secret with the redactor, even one that another layer overrides.
fn register(entry: &Entry) {
    secret::register(&entry.value);
    if entry.setting.name == table::DATABASE_URL.name {
        database::register(&entry.value);
    } else {
        secret::register(&super::percent::encode(&entry.value));
    }
}
