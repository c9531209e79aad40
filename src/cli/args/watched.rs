//! The arguments of `run`, `ticks` and `events`.

use clap::{Args, ValueEnum};

use super::TableFormat;
use crate::cli::values::{parse_cursor, parse_limit};

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Serve /metrics and /health: a port of this machine, or an address and a port.
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<String>,
    /// Seconds for which a lane is this engine's after it was last heard of. For tests, which cannot wait longer.
    #[arg(long, value_name = "SECONDS", hide = true, value_parser = clap::value_parser!(u64).range(3..=300))]
    pub lease: Option<u64>,
}

/// `ticks`.
#[derive(Debug, Args)]
pub struct TicksArgs {
    /// At most this many past ones.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = parse_limit)]
    pub limit: u32,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `events`.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Go on with what happens from now on, until SIGTERM or SIGINT.
    #[arg(long)]
    pub follow: bool,
    /// Begin behind the event with this cursor; default: with the first that is kept, or now with --follow.
    #[arg(long, value_name = "CURSOR", value_parser = parse_cursor)]
    pub since: Option<i64>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = EventsFormat::Json)]
    pub format: EventsFormat,
}

/// Output formats of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EventsFormat {
    /// One JSON object per line.
    Json,
}
