//! Everything that settings are made from, as plain values; nothing else is read.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::locale::Locale;
use super::table;

const APP: &str = "pipeline-tui";
/// Variables with these prefixes are ours, so that a typo in one can be reported.
pub(super) const OURS: [&str; 2] = ["ALPHA_VANTAGE_", "PIPELINE_"];

/// The flags of the command line that are settings.
#[derive(Clone, Default)]
pub struct Flags {
    /// `--api-key`.
    pub api_key: Option<String>,
    /// `--api-key-file`.
    pub api_key_file: Option<PathBuf>,
    /// `--database-url`.
    pub database_url: Option<String>,
    /// `--config`: another configuration file.
    pub config_file: Option<PathBuf>,
    /// `--data-dir`: another data folder.
    pub data_dir: Option<PathBuf>,
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
    pub fn from_process(flags: Flags) -> Self {
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
        environment.retain(|name, _| {
            table::by_variable(name).is_some() || OURS.iter().any(|ours| name.starts_with(ours))
        });
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
        }
    }

    /// Inputs with nothing from the caller: no variables, and every folder inside `dir`.
    #[must_use]
    pub fn isolated(dir: &Path) -> Self {
        Self {
            environment: BTreeMap::new(),
            working_dir: dir.to_path_buf(),
            folders: Folders {
                config: dir.join("config"),
                data: dir.join("data"),
            },
            flags: Flags::default(),
            locale: Locale::default(),
        }
    }
}

/// The default path of the configuration file.
#[must_use]
pub fn default_config_path(inputs: &Inputs) -> PathBuf {
    inputs.folders.config.join("config.toml")
}
