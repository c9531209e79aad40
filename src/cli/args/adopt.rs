//! The arguments of `adopt`.

use clap::Args;

use crate::model::Interval;

/// `adopt`.
#[derive(Debug, Args)]
pub struct AdoptArgs {
    /// Bar size of the stored bars, which the older pipeline did not store.
    #[arg(long)]
    pub interval: Interval,
    /// Only say what would happen.
    #[arg(long)]
    pub dry_run: bool,
}
