//! What is wrong with the configuration, in one sentence.

use super::secret;
use crate::model::text;

/// The most characters of an error that are shown.
const MAX_CHARS: usize = 1024;

/// One problem: where it is, what it is, and what to do. Never a secret's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct ConfigError {
    place: String,
    reason: String,
    origin: Origin,
}

/// Where the fault is: a problem in the file can be tolerated, one in this start's inputs cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Flags, environment, `.env`, or not known.
    Elsewhere,
    /// The configuration file; the setting, if its value is at fault.
    File(Option<&'static str>),
}

impl ConfigError {
    pub(super) fn new(place: impl AsRef<str>, reason: impl AsRef<str>) -> Self {
        Self {
            place: text::clean_to(place.as_ref(), MAX_CHARS),
            reason: text::clean_to(reason.as_ref(), MAX_CHARS),
            origin: Origin::Elsewhere,
        }
    }

    /// The same, as a fault of the configuration file.
    pub(super) const fn of_file(mut self, setting: Option<&'static str>) -> Self {
        self.origin = Origin::File(setting);
        self
    }

    pub(super) const fn origin(&self) -> Origin {
        self.origin
    }

    /// The variable, flag, or file, line and key at fault.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What is wrong with it, and what to do.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Collects problems, so that one does not hide the next.
#[derive(Default)]
pub(super) struct Problems(pub Vec<ConfigError>);

impl Problems {
    pub(super) fn note<T>(&mut self, result: Result<T, ConfigError>) -> Result<T, ConfigError> {
        result.inspect_err(|problem| self.0.push(problem.clone()))
    }
}

/// A value as it may be shown: without any known secret, and harmless to a terminal.
pub(super) fn shown(value: &str) -> String {
    text::clean(&secret::redact(value))
}
