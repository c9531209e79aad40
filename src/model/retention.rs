//! How long history is kept, and how much of it.

/// What is kept of the history. Bars, coverage and what adjusts prices are never forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days that runs, requests, events and instants of the schedule are kept.
    pub days: u32,
    /// The most rows of each of their tables, however young.
    pub rows: u32,
}

impl Retention {
    /// More than a year, so that a year can be compared with the one before.
    pub const USUAL: Self = Self {
        days: 400,
        rows: 1_000_000,
    };
}

impl Default for Retention {
    fn default() -> Self {
        Self::USUAL
    }
}
