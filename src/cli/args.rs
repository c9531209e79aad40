//! The words of the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::TimeDelta;
use clap::{
    Arg, ArgAction, Args, CommandFactory, FromArgMatches as _, Parser, Subcommand, ValueEnum,
};

use super::instant::{Bound, parse_age};
use crate::config::Flags;
use crate::model::text::clean_to;
use crate::model::{Datatype, Entitlement, Interval, Outputsize, Symbol};
use crate::pipeline::source::Month;
use crate::simulate::{Fault, Plan};

/// Keeps a SQL store of market bars complete, correct and fresh within what your data plan allows.
#[derive(Debug, Parser)]
#[command(
    name = "pipeline-tui",
    version,
    about,
    long_about = "Keeps a SQL store of market bars complete, correct and fresh within what your data plan allows.\n\nWithout a command it opens the panel; without a terminal it is `run`.",
    after_help = "Start with: pipeline-tui demo\nThen: ALPHA_VANTAGE_API_KEY=… pipeline-tui fetch --symbols IBM --interval daily",
    disable_help_subcommand = true
)]
pub struct Cli {
    /// Say more on stderr; twice for debugging.
    #[arg(short, long, action = ArgAction::Count, global = true, display_order = 101)]
    pub verbose: u8,
    /// Say only what went wrong.
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        display_order = 102
    )]
    pub quiet: bool,
    /// Open the store without spending requests or writing.
    #[arg(long, global = true, display_order = 103)]
    pub read_only: bool,
    /// What is read as settings by every command.
    #[command(flatten)]
    pub settings: SettingFlags,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The flags of all commands, by what they are about.
const KEY: [&str; 2] = ["api_key", "api_key_file"];
const STORE: [&str; 1] = ["database_url"];
const READ_ONLY: [&str; 1] = ["read_only"];
const SAYING: [&str; 2] = ["verbose", "quiet"];

/// Flags that mean nothing to a command. It takes them, but its help does not list them.
const MEANINGLESS: [(&[&str], &[&[&str]]); 10] = [
    (&["demo"], &[&KEY, &STORE, &READ_ONLY]),
    (&["fetch"], &[&READ_ONLY]),
    (&["runs"], &[&KEY]),
    (&["simulate"], &[&KEY, &STORE, &READ_ONLY]),
    (&["doctor"], &[&READ_ONLY]),
    (&["config"], &[&READ_ONLY]),
    (&["config", "path"], &[&KEY, &STORE, &READ_ONLY, &SAYING]),
    (&["keys"], &[&KEY, &STORE, &READ_ONLY]),
    (&["completions"], &[&KEY, &STORE, &READ_ONLY, &SAYING]),
    (&["man"], &[&KEY, &STORE, &READ_ONLY, &SAYING]),
];

/// The command line, each command with the flags that concern it.
pub fn command() -> clap::Command {
    let whole = Cli::command();
    let hidden = |flags: &[&[&str]]| -> Vec<Arg> {
        whole
            .get_arguments()
            .filter(|arg| flags.concat().contains(&arg.get_id().as_str()))
            .map(|arg| arg.clone().hide(true))
            .collect()
    };
    MEANINGLESS
        .iter()
        .fold(whole.clone(), |command, (path, flags)| {
            add(command, path, hidden(flags))
        })
}

/// Adds arguments to the command at the end of a path.
fn add(command: clap::Command, path: &[&str], arguments: Vec<Arg>) -> clap::Command {
    match path {
        [] => command.args(arguments),
        [first, rest @ ..] => command.mut_subcommand(first, |sub| add(sub, rest, arguments)),
    }
}

/// Reads the command line of this process.
pub fn parse() -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(&command().try_get_matches()?)
}

impl Cli {
    /// How much is logged: -1 errors only, 0 warnings, 1 and 2 more.
    #[must_use]
    pub fn verbosity(&self) -> i8 {
        if self.quiet {
            -1
        } else {
            i8::try_from(self.verbose.min(2)).unwrap_or(2)
        }
    }
}

/// Flags that override a setting.
#[derive(Clone, Default, Args)]
pub struct SettingFlags {
    /// The key. Other users of this machine can see it: --api-key-file is safer.
    #[arg(long, value_name = "KEY", global = true, display_order = 104)]
    pub api_key: Option<String>,
    /// A file that holds the key.
    #[arg(long, value_name = "FILE", global = true, display_order = 105)]
    pub api_key_file: Option<PathBuf>,
    /// Where the store is: `postgres://…` or `sqlite://…`.
    #[arg(long, value_name = "URL", global = true, display_order = 106)]
    pub database_url: Option<String>,
}

/// Flags may hold a key and a password.
impl std::fmt::Debug for SettingFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SettingFlags").finish_non_exhaustive()
    }
}

impl From<SettingFlags> for Flags {
    fn from(flags: SettingFlags) -> Self {
        Self {
            api_key: flags.api_key,
            api_key_file: flags.api_key_file,
            database_url: flags.database_url,
            ..Self::default()
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The panel over a built-in simulated provider and a temporary store: no key, no network.
    ///
    /// Without a terminal it fetches once and prints the bars.
    Demo(DemoArgs),
    /// One run now: fetch, validate, upsert, one line a series.
    Fetch(Box<FetchArgs>),
    /// The engine without a screen: fetches on schedule, one line an event, until SIGTERM or SIGINT.
    Run,
    /// Read bars from the store, newest first.
    Bars(Box<BarsArgs>),
    /// The run history, or one run in detail.
    Runs(RunsArgs),
    /// Show and change the watch list: thousands of series in one go, no request spent.
    Watch(WatchArgs),
    /// Serve simulated or recorded answers over HTTP, as the provider would.
    Simulate(SimulateArgs),
    /// Check configuration, key, provider, database, clock and terminal.
    Doctor(DoctorArgs),
    /// Show the effective settings and where each came from.
    Config(ConfigArgs),
    /// Print the keys of the panel, with your own from the configuration file.
    Keys {
        /// As a page in Markdown.
        #[arg(long)]
        markdown: bool,
    },
    /// Print shell completions.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Another market: the same seed gives the same bars.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many times as fast as the world's the demo's clock runs.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(i32).range(1..=100_000))]
    pub speed: i32,
}

/// `fetch`.
#[derive(Debug, Args)]
pub struct FetchArgs {
    /// Symbols, separated by commas; otherwise the watch list.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub symbols: Vec<Symbol>,
    /// The bar size: 1min 5min 15min 30min 60min daily weekly monthly.
    #[arg(long)]
    pub interval: Option<Interval>,
    /// A calendar month of intraday bars.
    #[arg(long, value_name = "YYYY-MM")]
    pub month: Option<Month>,
    /// The newest 100 bars, or all there are.
    #[arg(long, value_name = "compact|full", value_parser = word::<Outputsize>)]
    pub outputsize: Option<Outputsize>,
    /// Prices adjusted for splits and dividends; for daily and longer the adjusted close beside raw prices.
    #[arg(long)]
    pub adjusted: bool,
    /// Leave out bars before 09:30 and after 16:00.
    #[arg(long)]
    pub regular_hours: bool,
    /// The format asked of the provider.
    #[arg(long, value_name = "json|csv", value_parser = word::<Datatype>)]
    pub datatype: Option<Datatype>,
    /// The recency that your plan includes.
    #[arg(long, value_name = "realtime|delayed", value_parser = word::<Entitlement>)]
    pub entitlement: Option<Entitlement>,
    /// Skip series fetched within this time, for example 15m, 6h or 1d.
    #[arg(long, value_name = "D", value_parser = parse_age)]
    pub max_age: Option<TimeDelta>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Lines of text.
    Text,
    /// One JSON object.
    Json,
}

/// `bars`.
#[derive(Debug, Args)]
pub struct BarsArgs {
    /// The symbol.
    pub symbol: Symbol,
    /// The bar size; otherwise the only one that is stored, or the finest.
    #[arg(long)]
    pub interval: Option<Interval>,
    /// Adjusted prices: for daily and longer bars the adjusted close beside the raw prices.
    #[arg(long)]
    pub adjusted: bool,
    /// Oldest bar: a date or time in New York (2026-05-15, "2026-05-15 09:30"), or RFC 3339.
    #[arg(long, value_name = "T")]
    pub from: Option<Bound>,
    /// Newest bar, in the same forms.
    #[arg(long, value_name = "T")]
    pub to: Option<Bound>,
    /// At most so many bars.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = parse_limit)]
    pub limit: u32,
    /// Fetch first if the series is older than its interval.
    #[arg(long)]
    pub fresh: bool,
    /// How the bars are printed.
    #[arg(long, value_enum, default_value_t = BarsFormat::Table)]
    pub format: BarsFormat,
    /// Write to this file instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How `bars` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BarsFormat {
    /// Aligned columns.
    Table,
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// `runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// A run to show in detail.
    #[arg(value_parser = parse_run)]
    pub id: Option<i64>,
    /// At most so many runs.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = parse_limit)]
    pub limit: u32,
    /// How they are printed.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// How lists are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// Aligned columns.
    Table,
    /// One JSON document.
    Json,
}

/// `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// What to do with the list.
    #[command(subcommand)]
    pub command: WatchCommand,
}

/// What `watch` can do. A change is made whole or not at all.
#[derive(Debug, Subcommand)]
pub enum WatchCommand {
    /// Print the watch list.
    List {
        /// How it is printed.
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Put series at the end of the list.
    Add {
        /// Which.
        #[command(flatten)]
        series: SeriesArgs,
        /// How the result is printed.
        #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
        format: ReportFormat,
    },
    /// Take series off the list; their bars stay. Exit code 1 if none of them is on it.
    Remove {
        /// Symbols, between commas or spaces.
        #[arg(required = true, value_name = "A,B")]
        symbols: Vec<String>,
        /// Only series of this interval; otherwise of every interval.
        #[arg(long)]
        interval: Option<Interval>,
        /// Only series of adjusted prices.
        #[arg(long)]
        adjusted: bool,
        /// How the result is printed.
        #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
        format: ReportFormat,
    },
    /// Make the whole list these series.
    Replace {
        /// Which.
        #[command(flatten)]
        series: SeriesArgs,
        /// How the result is printed.
        #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
        format: ReportFormat,
    },
    /// Add the series that a file names: one a line, as `watch export` prints them.
    ///
    /// A line is a symbol, an interval, and `adjusted` or `raw`, between commas or spaces; what follows
    /// a # is a comment. If a line is wrong, nothing is changed.
    Import {
        /// The file; - is stdin.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The bar size of lines that name none; otherwise that of the configuration.
        #[arg(long)]
        interval: Option<Interval>,
        /// Make the whole list what the file names.
        #[arg(long)]
        replace: bool,
        /// How the result is printed.
        #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
        format: ReportFormat,
    },
    /// Print the list as a file that `watch import` reads.
    Export {
        /// Write to this file instead of stdout.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Series on the command line.
#[derive(Debug, Args)]
pub struct SeriesArgs {
    /// Symbols, between commas or spaces.
    #[arg(required = true, value_name = "A,B")]
    pub symbols: Vec<String>,
    /// The bar size of all of them; otherwise that of the configuration.
    #[arg(long)]
    pub interval: Option<Interval>,
    /// Prices adjusted for splits and dividends.
    #[arg(long)]
    pub adjusted: bool,
}

/// `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8600")]
    pub listen: SocketAddr,
    /// Answer every request with this recorded file, or from a folder with an index.toml.
    #[arg(long, value_name = "FILE|DIR")]
    pub replay: Option<PathBuf>,
    /// Another market: the same seed gives the same bars.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The plan whose limits and refusals apply: demo, free, premium or unlimited.
    #[arg(long, default_value = "free", value_parser = word::<Plan>)]
    pub plan: Plan,
    /// Misbehave, for example burst@2, status:503, cut:200 or slow:500@every=3; may be repeated.
    #[arg(long, value_name = "SPEC")]
    pub fault: Vec<Fault>,
    /// Append every request seen to this file, one JSON line each.
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Only whether the store answers: one line, asking no provider, for health checks.
    #[arg(long, conflicts_with_all = ["online", "report"])]
    pub store: bool,
    /// Also send one request, whose price is said first: it shows whether key, network and plan are right.
    ///
    /// It is entered like any other, and its bars are stored.
    #[arg(long)]
    pub online: bool,
    /// Write all that a bug report needs to a new file; - is stdout. Secrets and home folders are left out.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// `config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What `config` can do.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting, its value and its source; secrets as ***.
    Show,
    /// Say everything that is wrong.
    Check,
    /// Print where the configuration file is looked for.
    Path,
}

/// Parses a word of the model, naming the ones there are.
fn word<T>(text: &str) -> Result<T, String>
where
    T: std::str::FromStr + Words,
{
    text.parse()
        .map_err(|_| format!("use {}", T::names().join(", ")))
}

/// Parses how many lines are printed at most.
fn parse_limit(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|limit| *limit > 0)
        .ok_or_else(|| format!("write a whole number from 1 to {}", u32::MAX))
}

fn parse_run(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| {
        let shown = clean_to(text, 40);
        format!("{shown:?} is not a run number; list them with: pipeline-tui runs")
    })
}

/// The words that a value may have.
pub trait Words {
    /// All of them.
    fn names() -> Vec<&'static str>;
}

macro_rules! named {
    ($($name:ty),+) => {
        $(impl Words for $name {
            fn names() -> Vec<&'static str> {
                Self::ALL.iter().map(|word| word.as_str()).collect()
            }
        })+
    };
}
named!(Outputsize, Datatype, Entitlement, Plan);

#[cfg(test)]
mod tests {
    use super::*;

    /// The long help of a command.
    fn help(path: &str) -> String {
        let arguments = format!("pipeline-tui {path} --help");
        let asked = command().try_get_matches_from(arguments.split_whitespace());
        asked.unwrap_err().to_string()
    }

    #[test]
    fn help_lists_what_concerns_the_command() {
        let all = [
            "--api-key",
            "--api-key-file",
            "--database-url",
            "--read-only",
        ];
        for (path, lists) in [
            ("", &all[..]),
            ("run", &all),
            ("bars", &all),
            ("fetch", &all[..3]),
            ("doctor", &all[..3]),
            ("config show", &all[..3]),
            ("runs", &all[2..]),
            ("demo", &[]),
            ("simulate", &[]),
            ("config path", &[]),
            ("keys", &[]),
            ("completions", &[]),
            ("man", &[]),
        ] {
            let help = help(path);
            for flag in all {
                let is_listed = help.split_whitespace().any(|word| word == flag);
                assert_eq!(is_listed, lists.contains(&flag), "{path} {flag}: {help}");
            }
        }
        for path in ["completions", "man", "config path"] {
            assert!(!help(path).contains("--quiet"), "{path}");
        }
        assert!(help("simulate").contains("--quiet") && help("simulate").contains("--fault"));
    }

    #[test]
    fn a_flag_counts_before_and_behind_the_command_and_where_it_is_not_listed() {
        for line in [
            "pipeline-tui --database-url sqlite://a.db --quiet fetch",
            "pipeline-tui fetch --database-url sqlite://a.db --quiet",
            "pipeline-tui config path --database-url sqlite://a.db --quiet",
            "pipeline-tui --database-url sqlite://a.db --quiet simulate",
        ] {
            let matches = command().try_get_matches_from(line.split_whitespace());
            let cli = Cli::from_arg_matches(&matches.unwrap()).unwrap();
            assert_eq!(cli.settings.database_url.as_deref(), Some("sqlite://a.db"));
            assert!(cli.quiet, "{line}");
        }
    }

    #[test]
    fn the_command_line_is_well_formed_and_help_reads_no_environment() {
        command().debug_assert();
        // Built without clap's feature `env`, which would print values of variables in --help.
        assert!(!include_str!("../../Cargo.toml").contains("\"env\""));
    }

    #[test]
    fn a_wrong_word_is_answered_with_the_right_ones() {
        let error = Cli::try_parse_from(["pipeline-tui", "fetch", "--datatype", "xml"])
            .unwrap_err()
            .to_string();
        assert!(error.contains("use json, csv"), "{error}");
        let error = Cli::try_parse_from(["pipeline-tui", "fetch", "--interval", "7min"])
            .unwrap_err()
            .to_string();
        assert!(error.contains("use 1min, 5min"), "{error}");
        let error = Cli::try_parse_from(["pipeline-tui", "fetch", "--month", "2024-13"])
            .unwrap_err()
            .to_string();
        assert!(error.contains("YYYY-MM"), "{error}");
    }

    #[test]
    fn a_parsed_key_is_not_shown() {
        let cli =
            Cli::try_parse_from(["pipeline-tui", "fetch", "--api-key", "CANARY-KEY"]).unwrap();
        assert!(!format!("{cli:?}").contains("CANARY"), "{cli:?}");
    }
}
