//! What does not change while the panel is open: this process, its paths and its settings.

use chrono::{DateTime, Utc};
use url::Url;

use crate::config::{ReportRow, SourceSettings};
use crate::model::Retention;

/// This process, its paths and its settings. Every text is safe to display and holds no secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The process ID.
    pub pid: u32,
    /// When it was started, by the panel's clock.
    pub started_at: DateTime<Utc>,
    /// The file of the store, or the address of its server.
    pub store: String,
    /// Whether that is a server.
    pub store_is_server: bool,
    /// Where data is kept.
    pub data_dir: String,
    /// Where saved tables and exported series go.
    pub exports: String,
    /// Where the log is kept; empty if it is not.
    pub log_file: String,
    /// Where the configuration file is, or would be.
    pub config_file: String,
    /// Whether it was there at the start.
    pub has_config_file: bool,
    /// Whether nothing is set that says what to watch or with which key: a first start.
    pub is_blank: bool,
    /// The sources, the one of symbols that name none first.
    pub sources: Vec<AboutSource>,
    /// How long history is kept.
    pub retention: Retention,
    /// Each setting with its value and origin.
    pub settings: Vec<ReportRow>,
}

/// A source, as this process was started with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutSource {
    /// What it declares.
    pub settings: &'static SourceSettings,
    /// Its addresses, in the order in which it declares them.
    pub addresses: Vec<Url>,
    /// Where its key comes from, in words; empty if it has none.
    pub key_origin: String,
    /// Whether a setting gives the key: the next start then uses that rather than a saved one.
    pub key_is_set: bool,
}

impl AboutSource {
    /// Its first address, for people.
    #[must_use]
    pub fn address(&self) -> &str {
        self.addresses.first().map_or("", Url::as_str)
    }
}
