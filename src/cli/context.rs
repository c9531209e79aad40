//! What every command receives.

use super::output::Narrator;
use crate::config::Inputs;

/// What every command receives.
pub struct Context {
    /// Arguments, environment and files, from which the settings are read.
    pub inputs: Inputs,
    /// What is said while a command works.
    pub narrator: Narrator,
    /// Whether nothing may be written.
    pub read_only: bool,
}
