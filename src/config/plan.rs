//! A data plan: how many requests may be sent, how fast, and what for.

use super::setting::Setting;
use crate::model::quota::Quota;

/// One of the plans of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The word in settings: `free`, `75`.
    pub name: &'static str,
    /// What a person has with it: `free key`, `75 a minute`.
    pub words: &'static str,
    /// The pace and the daily limit.
    pub quota: Quota,
    /// How many requests may be in flight at once.
    pub in_flight: usize,
    /// Whether it includes intraday bars.
    pub has_intraday: bool,
}

/// The plans of a source.
#[derive(Debug, PartialEq, Eq)]
pub struct Plans {
    /// The setting that chooses one; `None` if there is no choice.
    pub setting: Option<Setting>,
    /// The plan unless another is chosen.
    pub usual: Plan,
    /// The others.
    pub others: &'static [Plan],
}

impl Plans {
    /// All plans, the usual one first.
    pub fn all(&self) -> impl Iterator<Item = &Plan> {
        std::iter::once(&self.usual).chain(self.others)
    }

    /// The plan with this word.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Plan> {
        self.all().find(|plan| plan.name == name).copied()
    }
}
