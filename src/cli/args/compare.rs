//! The arguments of `compare`.

use clap::Args;

use super::ReportFormat;
use crate::cli::instant::Bound;
use crate::cli::values::parse_percent;
use crate::model::Interval;

/// `compare`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 they agree, 1 they differ or share no bar, 2 one of them is not stored."
)]
pub struct CompareArgs {
    /// The first symbol, with its source: alpaca:IBM.
    #[arg(value_name = "SOURCE:SYMBOL")]
    pub first: String,
    /// The second symbol.
    #[arg(value_name = "SOURCE:SYMBOL")]
    pub second: String,
    /// Bar size; default: the one in use, otherwise daily.
    #[arg(long)]
    pub interval: Option<Interval>,
    /// Oldest bar: a date or time in New York, or RFC 3339; default: the first time that both have.
    #[arg(long, value_name = "T")]
    pub from: Option<Bound>,
    /// Newest bar, in the same formats; default: the last time that both have.
    #[arg(long, value_name = "T")]
    pub to: Option<Bound>,
    /// Volumes may differ by so many per cent of the larger one. Closes may not differ by a cent.
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = parse_percent)]
    pub volume_tolerance: u32,
    /// Output format.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}
