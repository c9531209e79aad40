//! Everything that settings are made from, as plain values; nothing else is read.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::locale::Locale;
use super::source::SourceSettings;
use super::table::Table;

const APP: &str = "pipeline-tui";

/// The flags of the command line that are settings.
#[derive(Clone, Default)]
pub struct Flags {
    /// `--api-key`: each value of the key of the source of symbols that name none, in its order.
    pub api_key: Vec<String>,
    /// `--api-key-file`: the same in files.
    pub api_key_file: Vec<PathBuf>,
    /// `--database-url`.
    pub database_url: Option<String>,
    /// `--source`: the source of symbols that name none.
    pub source: Option<String>,
    /// `--metrics`: where the engine can be watched.
    pub metrics: Option<String>,
    /// `--config`: another configuration file.
    pub config_file: Option<PathBuf>,
    /// `--data-dir`: another data folder.
    pub data_dir: Option<PathBuf>,
}

impl Flags {
    /// The value of a flag that is a setting.
    pub(super) fn value(&self, flag: &str) -> Option<String> {
        let path = |path: &Option<PathBuf>| {
            let path = path.as_ref()?;
            Some(path.to_string_lossy().into_owned())
        };
        match flag {
            "--database-url" => self.database_url.clone(),
            "--source" => self.source.clone(),
            "--metrics" => self.metrics.clone(),
            "--config" => path(&self.config_file),
            "--data-dir" => path(&self.data_dir),
            _ => None,
        }
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flags").finish_non_exhaustive()
    }
}

/// The program's folders on this platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Where the configuration file is looked for.
    pub config: PathBuf,
    /// Where data and logs are kept.
    pub data: PathBuf,
}

/// Everything that settings are made from.
#[derive(Clone)]
pub struct Inputs {
    /// A snapshot of the environment.
    pub environment: BTreeMap<String, String>,
    /// Where `.env` is looked for and relative paths start.
    pub working_dir: PathBuf,
    /// The platform's folders.
    pub folders: Folders,
    /// The command line.
    pub flags: Flags,
    /// The locale, which says what a terminal can show.
    pub locale: Locale,
    /// The settings that exist.
    pub table: Table,
}

impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs")
            .field("variables", &self.environment.keys())
            .field("working_dir", &self.working_dir)
            .field("folders", &self.folders)
            .finish_non_exhaustive()
    }
}

impl Inputs {
    /// What this process was started with.
    #[must_use]
    pub fn from_process(flags: Flags, sources: &'static [&'static SourceSettings]) -> Self {
        let table = Table::new(sources);
        let working_dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        // Bytes that are not UTF-8 become U+FFFD, which the layers refuse.
        let mut environment: BTreeMap<String, String> = std::env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .collect();
        let locale = Locale::of(&environment);
        environment.retain(|name, _| table.by_variable(name).is_some() || table.is_ours(name));
        let folders = ProjectDirs::from("", "", APP).map_or_else(
            // A user without a home, as in some containers.
            || Folders {
                config: working_dir.join(format!(".{APP}")),
                data: working_dir.join(format!(".{APP}")),
            },
            |dirs| Folders {
                config: dirs.config_dir().to_path_buf(),
                data: dirs.data_dir().to_path_buf(),
            },
        );
        Self {
            environment,
            working_dir,
            folders,
            flags,
            locale,
            table,
        }
    }

    /// Inputs with nothing from the caller: no variables, and every folder inside `dir`.
    #[must_use]
    pub fn isolated(dir: &Path, sources: &'static [&'static SourceSettings]) -> Self {
        Self {
            environment: BTreeMap::new(),
            working_dir: dir.to_path_buf(),
            folders: Folders {
                config: dir.join("config"),
                data: dir.join("data"),
            },
            flags: Flags::default(),
            locale: Locale::default(),
            table: Table::new(sources),
        }
    }
}

/// The default path of the configuration file.
#[must_use]
pub fn default_config_path(inputs: &Inputs) -> PathBuf {
    inputs.folders.config.join("config.toml")
}
