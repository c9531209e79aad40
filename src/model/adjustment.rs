//! Adjusted prices: computed from raw bars and corporate events, so that a whole series is on one
//! scale by construction. Where a factor cannot be known, there is no price, and a reason.
//!
//! ```text
//! events  what the source reported, and jumps that look like a split nobody reported
//! factors events -> cumulative factors before each date
//! bars    a raw bar and its factors -> an adjusted bar
//! split   which jumps look like a split
//! restated what a source adjusts itself, and whether it did so again
//! ```

mod bars;
mod events;
mod factors;
mod restated;
mod split;

pub use bars::{AdjustedBar, Adjustments, Gap, ScaledBar};
pub use events::{
    CorporateEvent, DailyCandidate, EventKind, EventOrigin, KnownEvents, ReportedEvents, revised,
};
pub use factors::{Adjustment, Rule, Unknown, adjustments};
pub use restated::{Restatement, RestatementKind, restated};
pub use split::{LEAST_JUMP, Ratio};

#[cfg(test)]
mod tests;
