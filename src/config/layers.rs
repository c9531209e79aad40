//! The layers in which a setting is looked up: flags, environment, `.env`, configuration file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::calendars::Overruled;
use super::error::{ConfigError, shown};
use super::file::KeyBinding;
use super::inputs::{Inputs, default_config_path};
use super::setting::{Reach, Secrecy, Setting};
use super::small_file::{self, Unread};
use super::table::{self, Table};
use super::{dotenv, file, key, postgres, secret};
use crate::model::nearest::nearest;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SetBy {
    Flag(&'static str),
    Environment,
    DotEnv {
        line: usize,
    },
    File {
        path: PathBuf,
        line: usize,
        key: &'static str,
    },
}

impl fmt::Display for SetBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Environment => f.write_str("environment"),
            Self::DotEnv { line } => write!(f, ".env line {line}"),
            Self::File { path, line, .. } => f.write_str(&line_of(path, *line)),
        }
    }
}

fn line_of(path: &Path, line: usize) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{} line {line}", shown(&name))
}

/// A value, and where it came from. It may be a secret, so it cannot be printed.
pub(super) struct Given {
    pub setting: &'static Setting,
    pub value: String,
    pub set_by: SetBy,
}

impl Given {
    /// Where it stands.
    fn place(&self) -> String {
        let name = self.setting.name;
        match &self.set_by {
            SetBy::Flag(flag) => (*flag).to_owned(),
            SetBy::Environment => name.to_owned(),
            SetBy::DotEnv { line } => format!(".env:{line}: {name}"),
            SetBy::File { path, line, key } => format!("{}:{line}: {key}", path.display()),
        }
    }

    /// An error about this value.
    pub(super) fn error(&self, reason: impl AsRef<str>) -> ConfigError {
        let error = ConfigError::new(self.place(), reason);
        match self.set_by {
            SetBy::File { .. } => error.of_file(Some(self.setting.name)),
            _ => error,
        }
    }

    /// The value of a setting that is on or off.
    pub(super) fn switch(&self) -> Result<bool, ConfigError> {
        match self.value.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(self.error("must be 1 or 0")),
        }
    }

    /// Whether it contains something that others must not see.
    fn is_secret(&self) -> bool {
        match self.setting.secrecy {
            Secrecy::Open => false,
            Secrecy::Secret => true,
            Secrecy::Key => !key::is_public(&self.value, self.setting),
            Secrecy::Url => postgres::has_password(&self.value),
        }
    }
}

/// The flags of a key, each given once for each of its values.
const KEY_FLAG: &str = "--api-key";
const KEY_FILE_FLAG: &str = "--api-key-file";

/// The values of one layer, by the names of their settings.
type Layer = BTreeMap<&'static str, Given>;

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
    /// What `[calendars]` in it contains.
    pub overruled: Overruled,
}

impl Layers {
    /// Reads the layers, and reports everything that is wrong with them.
    pub(super) fn read(inputs: &Inputs) -> (Self, Vec<ConfigError>) {
        let mut reader = Reader {
            known: inputs.table,
            problems: vec![],
            warnings: vec![],
            keys: vec![],
            overruled: Overruled::default(),
        };
        let mut outer = [
            reader.flags(inputs),
            reader.environment(inputs),
            reader.dotenv(&inputs.working_dir.join(".env")),
        ];
        let chosen = outer.iter().find_map(|layer| layer.get(table::CONFIG.name));
        let config_file = chosen.map_or_else(
            || default_config_path(inputs),
            |given| inputs.working_dir.join(&given.value),
        );
        let mut file = reader.file(&config_file, chosen);
        let named = {
            let mut layers = outer.iter().chain([&file]);
            let given = layers.find_map(|layer| layer.get(table::SOURCE.name));
            given.map(|given| given.value.trim().to_owned())
        };
        let [flags, ..] = &mut outer;
        reader.key_flags(inputs, named.as_deref(), flags);
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
            overruled: reader.overruled,
        };
        (layers, reader.problems)
    }

    /// The value that applies.
    pub(super) fn get(&self, setting: &Setting) -> Option<&Given> {
        self.outside_file(setting).or_else(|| self.in_file(setting))
    }

    /// The value that applies to this process only.
    pub(super) fn outside_file(&self, setting: &Setting) -> Option<&Given> {
        self.outer.iter().find_map(|layer| layer.get(setting.name))
    }

    /// The value in the configuration file.
    pub(super) fn in_file(&self, setting: &Setting) -> Option<&Given> {
        self.file.get(setting.name)
    }

    /// A line of the configuration file, as the origin of a value.
    pub(super) fn line_of_file(&self, line: usize) -> String {
        line_of(&self.config_file, line)
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
        if let Some(given) = self.get(value) {
            return Ok(Some(given.value.clone()));
        }
        let Some(given) = self.get(file) else {
            return Ok(None);
        };
        let path = self.working_dir.join(&given.value);
        let told = |reason: &str| {
            given.error(format!(
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
            .map(|given| self.working_dir.join(&given.value))
    }
}

struct Reader {
    known: Table,
    problems: Vec<ConfigError>,
    warnings: Vec<String>,
    keys: Vec<KeyBinding>,
    overruled: Overruled,
}

impl Reader {
    fn flags(&mut self, inputs: &Inputs) -> Layer {
        let mut layer = Layer::new();
        for setting in self.known.settings() {
            let Some(flag) = setting.flag else {
                continue;
            };
            let value = inputs.flags.value(flag).unwrap_or_default();
            self.put(&mut layer, setting, value, SetBy::Flag(flag));
        }
        for given in layer.values().filter(|given| given.is_secret()) {
            self.warnings.push(seen_by_others(given));
        }
        layer
    }

    /// The flags of a key are those of the source of symbols that name none.
    fn key_flags(&mut self, inputs: &Inputs, named: Option<&str>, layer: &mut Layer) {
        let mut declared = self.known.sources().iter();
        let source = match named {
            None => declared.next(),
            // An unknown one is reported where it is named.
            Some(name) => declared.find(|source| source.id.as_str() == name),
        };
        let Some(source) = source else {
            return;
        };
        let files = inputs.flags.api_key_file.iter();
        let files = files.map(|path| path.to_string_lossy().into_owned());
        for (flag, values) in [
            (KEY_FLAG, inputs.flags.api_key.clone()),
            (KEY_FILE_FLAG, files.collect()),
        ] {
            if values.is_empty() {
                continue;
            }
            if values.len() != source.key.len() {
                let told = key::wrong_count(source, flag);
                self.problems.push(ConfigError::new(flag, told));
                for value in values.iter().filter(|_| flag == KEY_FLAG) {
                    secret::register(value);
                }
                continue;
            }
            for (field, value) in source.key.iter().zip(values) {
                let setting = if flag == KEY_FLAG {
                    &field.value
                } else {
                    &field.file
                };
                self.put(layer, setting, value, SetBy::Flag(flag));
            }
            let secret = source
                .key
                .iter()
                .filter_map(|field| layer.get(field.value.name));
            let mut secret = secret.filter(|given| given.is_secret());
            self.warnings.extend(secret.next().map(seen_by_others));
        }
    }

    fn environment(&mut self, inputs: &Inputs) -> Layer {
        let mut layer = Layer::new();
        let known = self.known.settings();
        for setting in known.filter(|setting| setting.reach != Reach::File) {
            let mut given = setting
                .variables()
                .filter_map(|name| inputs.environment.get(name));
            if let Some(value) = given.find(|value| !value.is_empty()) {
                self.put(&mut layer, setting, value.clone(), SetBy::Environment);
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
        for dotenv::Variable { name, value, line } in entries {
            match self
                .known
                .by_variable(&name)
                .filter(|s| s.reach == Reach::Outer)
            {
                // A later line wins over an earlier one, even when it unsets the value.
                Some(setting) => {
                    layer.remove(setting.name);
                    self.put(&mut layer, setting, value, SetBy::DotEnv { line });
                }
                None => self.tell_typo(&name, &format!(".env line {line}")),
            }
        }
        self.warn_if_wide(&layer, path);
        layer
    }

    fn file(&mut self, path: &Path, chosen: Option<&Given>) -> Layer {
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
                    Some(given) => given.error(reason),
                    None => ConfigError::new("configuration file", reason).of_file(None),
                });
                return layer;
            }
        };
        let contents = file::parse(&text, self.known);
        (self.keys, self.overruled) = (contents.bindings, contents.overruled);
        for fault in contents.faults {
            let mut place = format!("{}:{}", path.display(), fault.line);
            if let Some(key) = fault.key {
                place = format!("{place}: {key}");
            }
            self.problems
                .push(ConfigError::new(place, fault.reason).of_file(None));
        }
        for found in contents.found {
            self.put_of_file(&mut layer, found, path);
        }
        self.warn_if_wide(&layer, path);
        layer
    }

    /// A value of the configuration file. Under today's key it wins over one under an earlier key.
    fn put_of_file(&mut self, layer: &mut Layer, found: file::Found, path: &Path) {
        let file::Found {
            setting,
            key,
            value,
            line,
        } = found;
        let is_former = |key| setting.former_key == Some(key);
        let path = path.to_path_buf();
        let set_by = SetBy::File { path, line, key };
        match layer.remove(setting.name) {
            None => self.put(layer, setting, value, set_by),
            Some(before) => {
                let after = Given {
                    setting,
                    value,
                    set_by,
                };
                let (former, today) = if is_former(key) {
                    (after, before)
                } else {
                    (before, after)
                };
                let name = setting.key.unwrap_or(setting.name);
                let twice = former.error(format!("{name} is set too; remove this one"));
                self.problems.push(twice.of_file(None));
                for given in [former, today] {
                    self.put(layer, setting, given.value, given.set_by);
                }
            }
        }
    }

    fn put(&mut self, layer: &mut Layer, setting: &'static Setting, value: String, set_by: SetBy) {
        if value.is_empty() {
            return;
        }
        let given = Given {
            setting,
            value,
            set_by,
        };
        if given.is_secret() {
            secret::register(&given.value);
            postgres::register(&given.value);
        }
        if given.value.contains(char::REPLACEMENT_CHARACTER) {
            self.problems
                .push(given.error("contains bytes that are not UTF-8; write it again"));
        }
        layer.insert(setting.name, given);
    }

    /// Rejects twins that are both set; drops those that a higher layer has settled.
    fn settle_twins(&mut self, layer: &mut Layer, settled: &mut Vec<&'static str>) {
        for (value, file) in self.known.twins() {
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
        if layer.values().any(Given::is_secret) && small_file::is_wide(path) {
            self.warnings.push(small_file::wide_warning(path));
        }
    }

    fn tell_typo(&mut self, name: &str, place: &str) {
        if self.known.is_ours(name) && self.known.by_variable(name).is_none() {
            let names = self.known.settings().map(|setting| setting.name);
            let near = nearest(name, names);
            let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            self.warnings.push(format!(
                "there is no setting {} (in {place}){hint}",
                shown(name)
            ));
        }
    }
}

/// The warning about a secret in a flag.
fn seen_by_others(given: &Given) -> String {
    let (what, instead) = match given.setting.secrecy {
        Secrecy::Url => (
            "password",
            format!(
                "{} or {}",
                table::DATABASE_URL.name,
                table::PASSWORD_FILE.name
            ),
        ),
        _ => ("key", KEY_FILE_FLAG.to_owned()),
    };
    let flag = given.place();
    format!("other users of this machine can see the {what} given with {flag}; use {instead}")
}
