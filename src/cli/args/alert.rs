//! The arguments of `alert`.

use clap::{Args, Subcommand};

use super::TableFormat;
use crate::cli::values::parse_limit;

/// `alert`.
#[derive(Debug, Args)]
pub struct AlertArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AlertCommand,
}

/// What can be done about alerts.
#[derive(Debug, Subcommand)]
pub enum AlertCommand {
    /// List the open alerts, and what was not delivered. Exit code 1 if there are some.
    List {
        /// Also list recovered ones: this many of the newest alerts.
        #[arg(long, value_name = "N", value_parser = parse_limit)]
        all: Option<u32>,
        /// Output format.
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Send a test to the webhook and the command of `[alerts]`. Exit code 3 if one did not take it.
    Test,
}
