//! The table of sources: the only place that names them all.

pub mod alpha_vantage;

use crate::config::SourceSettings;

/// The settings of each source; the first is the one where none is named.
pub static SETTINGS: &[&SourceSettings] = &[&alpha_vantage::SETTINGS];
