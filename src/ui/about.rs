//! What does not change while the panel is open: this process, its paths and its settings.

use chrono::{DateTime, Utc};

use crate::config::ReportRow;

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
    /// Where the provider's key comes from, in words.
    pub key_source: String,
    /// Whether a setting gives a key: the next start then uses that rather than a saved one.
    pub key_is_set: bool,
    /// Each setting with its value and origin.
    pub settings: Vec<ReportRow>,
}
