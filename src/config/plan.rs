//! The data plan: how many requests may be sent, and how fast.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;

use crate::model::quota::Limits;

/// The shortest gap on a paid plan: the provider treats faster starts as a burst.
const MIN_GAP_MS: i64 = 250;
/// Requests that may be in flight at once, unless the plan is free.
const IN_FLIGHT: usize = 4;

/// The plan that was bought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Plan {
    /// 25 requests a day, one a second.
    #[default]
    Free,
    /// This many requests a minute, and no daily limit.
    PerMinute(u32),
    /// No limit: for the simulator and for tests.
    Unlimited,
}

/// A text that names no plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no such plan; use free, the requests per minute of a paid plan (75, 150, 300, 600, 1200), or unlimited"
)]
pub struct UnknownPlan;

impl Plan {
    /// The paid plans, in requests per minute.
    pub const SOLD: [u32; 5] = [75, 150, 300, 600, 1200];

    /// The pace and the daily limit.
    #[must_use]
    pub fn limits(self) -> Limits {
        match self {
            Self::Free => Limits {
                gap: TimeDelta::milliseconds(1200),
                per_day: Some(25),
            },
            Self::PerMinute(requests) => Limits {
                gap: TimeDelta::milliseconds((60_000 / i64::from(requests.max(1))).max(MIN_GAP_MS)),
                per_day: None,
            },
            Self::Unlimited => Limits {
                gap: TimeDelta::zero(),
                per_day: None,
            },
        }
    }

    /// How many requests may be in flight at once.
    #[must_use]
    pub const fn in_flight(self) -> usize {
        match self {
            Self::Free => 1,
            Self::PerMinute(_) | Self::Unlimited => IN_FLIGHT,
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Free => f.pad("free"),
            Self::PerMinute(requests) => f.pad(&requests.to_string()),
            Self::Unlimited => f.pad("unlimited"),
        }
    }
}

impl FromStr for Plan {
    type Err = UnknownPlan;

    fn from_str(text: &str) -> Result<Self, UnknownPlan> {
        match text {
            "free" => Ok(Self::Free),
            "unlimited" => Ok(Self::Unlimited),
            number => Self::SOLD
                .into_iter()
                .find(|requests| requests.to_string() == number)
                .map(Self::PerMinute)
                .ok_or(UnknownPlan),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_plan_has_its_pace() {
        for (word, gap_ms, per_day, in_flight) in [
            ("free", 1200, Some(25), 1),
            ("75", 800, None, 4),
            ("150", 400, None, 4),
            ("300", 250, None, 4),
            ("1200", 250, None, 4),
            ("unlimited", 0, None, 4),
        ] {
            let plan: Plan = word.parse().unwrap();
            let limits = plan.limits();
            assert_eq!(plan.to_string(), word);
            assert_eq!(limits.gap, TimeDelta::milliseconds(gap_ms), "{word}");
            assert_eq!((limits.per_day, plan.in_flight()), (per_day, in_flight));
        }
        for word in ["", "gold", "74", "075", "Free"] {
            assert_eq!(word.parse::<Plan>(), Err(UnknownPlan), "{word}");
        }
    }
}
