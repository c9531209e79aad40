//! The arguments of the commands about what is missing.

use std::path::PathBuf;

use clap::Args;

use super::{ReportFormat, TableFormat};
use crate::cli::values::{parse_limit, parse_time};
use crate::model::{Interval, Span};

/// `gaps`.
#[derive(Debug, Args)]
pub struct GapsArgs {
    /// Symbols, separated by commas; default: the watch list.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub symbols: Vec<String>,
    /// Bar size; default: every one that is stored.
    #[arg(long)]
    pub interval: Option<Interval>,
    /// Oldest day or month that is wanted; default: the first that was asked for.
    #[arg(long, value_name = "D", value_parser = parse_time)]
    pub since: Option<Span>,
    /// Newest day or month, inclusive.
    #[arg(long, value_name = "D", value_parser = parse_time)]
    pub to: Option<Span>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `coverage`.
#[derive(Debug, Args)]
pub struct CoverageArgs {
    /// Symbols, separated by commas; default: the watch list.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub symbols: Vec<String>,
    /// Bar size; default: every one that is stored.
    #[arg(long)]
    pub interval: Option<Interval>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// As if these symbols were watched, too.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub add: Vec<String>,
    /// As if the series of this file were watched, too; a series a line, as `watch export` writes them.
    #[arg(long, value_name = "FILE")]
    pub add_file: Option<PathBuf>,
    /// Bar size of the added symbols: 1min, 5min, 15min, 30min, 60min, daily, weekly or monthly.
    #[arg(long)]
    pub interval: Option<Interval>,
    /// As if these symbols were not watched.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub remove: Vec<String>,
    /// As if the key had this plan: a word of the source's plan setting, for example 75.
    #[arg(long, value_name = "PLAN")]
    pub key_plan: Option<String>,
    /// The most lines.
    #[arg(long, value_name = "N", value_parser = parse_limit)]
    pub limit: Option<u32>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// `backfill`.
#[derive(Debug, Args)]
pub struct BackfillArgs {
    /// Symbols, separated by commas; default: the watch list.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub symbols: Vec<String>,
    /// Bar size: 1min, 5min, 15min, 30min, 60min, daily, weekly or monthly.
    #[arg(long)]
    pub interval: Option<Interval>,
    /// Oldest day or month; default: the holes only. Times in it that were refused are asked for again.
    #[arg(long, value_name = "D", value_parser = parse_time)]
    pub from: Option<Span>,
    /// Newest day or month, inclusive; default: now.
    #[arg(long, value_name = "D", value_parser = parse_time)]
    pub to: Option<Span>,
    /// Only say what it would cost.
    #[arg(long)]
    pub dry_run: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Output format.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// `sources`.
#[derive(Debug, Args)]
pub struct SourcesArgs {
    /// Output format.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// Print what each source offers, and what wishes cost there, as a page in Markdown.
    #[arg(long, conflicts_with = "format")]
    pub markdown: bool,
}
