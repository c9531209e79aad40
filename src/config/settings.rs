//! The effective settings.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::access::SourceAccess;
use super::alerts::AlertSettings;
use super::database::Database;
use super::file::KeyBinding;
use super::key::EnteredKey;
use super::panel::UiSettings;
use super::source::SourceSettings;
use super::watch::WatchDefaults;
use crate::model::calendar::Calendars;
use crate::model::{Instrument, Interval, Retention, SourceId, Sources};

/// One setting: its value, with secrets masked, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// The variable, or the key of a setting that only the file has.
    pub name: Cow<'static, str>,
    /// The dotted key in the configuration file.
    pub toml_key: Option<&'static str>,
    /// The value that applies; empty if there is none.
    pub value: String,
    /// `flag --api-key`, `environment`, `.env line 3`, `config.toml line 7` or `default`.
    pub source: String,
}

/// The effective settings. Printing them shows no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The known sources, and the one of symbols that name none.
    pub sources: Sources,
    /// The sources in the order of preference: the one of symbols that name none first, then as they are
    /// declared. `None`: a flag names it for this command alone, which says nothing of the store.
    pub preference: Option<Vec<SourceId>>,
    /// Which calendar each series has, and what is overruled of it.
    pub calendars: Calendars,
    /// How to reach the source of symbols that name none.
    pub usual: SourceAccess,
    /// How to reach the other sources.
    pub others: Vec<SourceAccess>,
    /// Where the store is.
    pub database: Database,
    /// The symbols to watch, in this process only.
    pub symbols: Option<Vec<Instrument>>,
    /// Their interval, in this process only.
    pub interval: Option<Interval>,
    /// Whether nothing is set that says what to watch or with which key: a first start.
    pub is_blank: bool,
    /// What fills an empty watch list.
    pub defaults: WatchDefaults,
    /// Where data and logs are kept.
    pub data_dir: PathBuf,
    /// Where the configuration file is, or would be.
    pub config_file: PathBuf,
    /// The most bytes that kept answers may take.
    pub answers_limit: u64,
    /// What is kept of the history.
    pub retention: Retention,
    /// Where `run` serves metrics and health.
    pub metrics: Option<SocketAddr>,
    /// What opens an alert, and where it is sent.
    pub alerts: AlertSettings,
    /// Whether the log of the panel and of `run` is kept.
    pub keep_log: bool,
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
    pub report: Vec<ReportRow>,
}

impl Settings {
    /// The source that fills an empty watch list.
    #[must_use]
    pub fn leading(&self) -> &SourceAccess {
        let first = self.defaults.symbols.first();
        let mut all = self.access();
        let leading = all.find(|access| first.is_some_and(|one| one.source == access.settings.id));
        leading.unwrap_or(&self.usual)
    }

    /// The first source that needs no key and suggests symbols.
    #[must_use]
    pub fn without_key(&self) -> Option<&'static SourceSettings> {
        let mut all = self.access().map(|access| access.settings);
        all.find(|settings| settings.key.is_empty() && !settings.suggested.is_empty())
    }

    /// The same with a key that was entered for one of the sources, and for those that share its key.
    #[must_use]
    pub fn rekeyed(self, entered: &EnteredKey) -> Self {
        let mut declared = self.access().map(|access| access.settings);
        let source = declared.find(|settings| settings.id == entered.source);
        drop(declared);
        let Some(section) = source.map(SourceSettings::section) else {
            return self;
        };
        let rekeyed = |access: SourceAccess| access.rekeyed(section, &entered.values);
        Self {
            usual: rekeyed(self.usual),
            others: self.others.into_iter().map(rekeyed).collect(),
            ..self
        }
    }

    /// How to reach each source, the usual one first.
    pub fn access(&self) -> impl Iterator<Item = &SourceAccess> {
        std::iter::once(&self.usual).chain(&self.others)
    }
}
