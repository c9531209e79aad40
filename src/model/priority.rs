//! How much the freshness of a series matters beside others.

use super::words::words;

words! {
    /// How much the freshness of a series matters where a plan cannot keep all series fresh.
    #[derive(Default)]
    pub enum Priority {
        /// Fetched a quarter as often as a normal one.
        Low = "low",
        /// As all others.
        #[default]
        Normal = "normal",
        /// Fetched four times as often as a normal one.
        High = "high",
    }
}

impl Priority {
    /// How many times older a low series may be before it counts as much as this one.
    #[must_use]
    pub const fn weight(self) -> i32 {
        match self {
            Self::Low => 1,
            Self::Normal => 4,
            Self::High => 16,
        }
    }
}
