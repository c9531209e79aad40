//! The flags that are settings.

use std::path::PathBuf;

use clap::Args;

use crate::config::Flags;

/// Flags that override a setting.
#[derive(Clone, Default, Args)]
pub struct SettingFlags {
    /// The key of the source (--source). Other users of this machine can see it; --api-key-file is safer.
    ///
    /// A key of several values: once for each, in the order in which the source names them.
    #[arg(long, value_name = "KEY", global = true, display_order = 104)]
    pub api_key: Vec<String>,
    /// A file that contains the key, or one of its values: then once for each.
    #[arg(long, value_name = "FILE", global = true, display_order = 105)]
    pub api_key_file: Vec<PathBuf>,
    /// The store's URL: `postgres://…` or `sqlite://…`.
    #[arg(long, value_name = "URL", global = true, display_order = 106)]
    pub database_url: Option<String>,
    /// The source of symbols that name none; `NAME:SYMBOL` names one.
    #[arg(long, value_name = "NAME", global = true, display_order = 107)]
    pub source: Option<String>,
}

/// Flags may contain a key and a password.
impl std::fmt::Debug for SettingFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SettingFlags").finish_non_exhaustive()
    }
}

impl From<SettingFlags> for Flags {
    fn from(flags: SettingFlags) -> Self {
        Self {
            api_key: flags.api_key,
            api_key_file: flags.api_key_file,
            database_url: flags.database_url,
            source: flags.source,
            ..Self::default()
        }
    }
}
