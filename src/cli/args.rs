//! The arguments of the command line.

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::{Arg, ArgAction, Args, CommandFactory, FromArgMatches as _, Parser, ValueEnum};

mod adopt;
mod alert;
mod compare;
mod settings;
mod simulate;
mod truth;
mod watched;

pub use self::adopt::AdoptArgs;
pub use self::alert::{AlertArgs, AlertCommand};
pub use self::compare::CompareArgs;
pub use self::settings::SettingFlags;
pub use self::simulate::SimulateArgs;
pub use self::truth::{BackfillArgs, CoverageArgs, GapsArgs, PlanArgs, SourcesArgs, StatusArgs};
pub use self::watched::{EventsArgs, EventsFormat, RunArgs, TicksArgs};
use super::instant::{Bound, parse_age};
use super::values::{
    one_of, parse_limit, parse_priority, parse_run, parse_scene, parse_seed, parse_speed,
};
use crate::model::{Interval, Priority, SourceId};
use crate::pipeline::source::Month;
use crate::pipeline::sources;
use crate::simulate::Scene;

/// Keeps an SQL store of market bars complete, correct and fresh within what your data plan allows.
#[derive(Debug, Parser)]
#[command(
    name = "pipeline-tui",
    version,
    about,
    long_about = "Keeps an SQL store of market bars complete, correct and fresh within what your data plan allows.\n\nWithout a command it opens the panel, or acts as `run` if there is no terminal.",
    disable_help_subcommand = true
)]
pub struct Cli {
    /// Print more on stderr; twice for debugging.
    #[arg(short, long, action = ArgAction::Count, global = true, display_order = 101)]
    pub verbose: u8,
    /// Print only errors.
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        display_order = 102
    )]
    pub quiet: bool,
    /// Only read the store: send no requests, write nothing.
    #[arg(long, global = true, display_order = 103)]
    pub read_only: bool,
    /// Settings that every command accepts.
    #[command(flatten)]
    pub settings: SettingFlags,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Subcommand>,
}

/// The global flags, grouped by topic.
const KEY: [&str; 2] = ["api_key", "api_key_file"];
const STORE: [&str; 1] = ["database_url"];
const SOURCE: [&str; 1] = ["source"];
const READ_ONLY: [&str; 1] = ["read_only"];
const SAYING: [&str; 2] = ["verbose", "quiet"];

/// Flags without meaning for a command. It accepts them, but its help does not list them.
const MEANINGLESS: [(&[&str], &[&[&str]]); 15] = [
    (&["demo"], &[&KEY, &STORE, &SOURCE, &READ_ONLY]),
    (&["fetch"], &[&READ_ONLY]),
    (&["run"], &[&READ_ONLY]),
    (&["backfill"], &[&READ_ONLY]),
    (&["runs"], &[&KEY, &SOURCE]),
    (&["events"], &[&KEY, &SOURCE, &READ_ONLY]),
    (&["alert"], &[&KEY, &SOURCE]),
    (&["alert", "test"], &[&STORE, &READ_ONLY]),
    (&["simulate"], &[&KEY, &STORE, &SOURCE, &READ_ONLY]),
    (&["doctor"], &[&READ_ONLY]),
    (&["config"], &[&READ_ONLY]),
    (
        &["config", "path"],
        &[&KEY, &STORE, &SOURCE, &READ_ONLY, &SAYING],
    ),
    (&["keys"], &[&KEY, &STORE, &SOURCE, &READ_ONLY]),
    (
        &["completions"],
        &[&KEY, &STORE, &SOURCE, &READ_ONLY, &SAYING],
    ),
    (&["man"], &[&KEY, &STORE, &SOURCE, &READ_ONLY, &SAYING]),
];

/// The command line, each command with the flags that apply to it.
pub fn command() -> clap::Command {
    let key = sources::SETTINGS
        .first()
        .map_or("", |source| source.key_variable());
    let whole = Cli::command().after_help(format!(
        "Start with: pipeline-tui demo\nThen: {key}=… pipeline-tui fetch --symbols IBM --interval daily"
    ));
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

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
    /// Try the panel with a simulated provider and a temporary store: no key, no network.
    ///
    /// Without a terminal it fetches once and prints the bars.
    Demo(DemoArgs),
    /// Run once now: fetch, validate, store, and print one line per series.
    Fetch(Box<FetchArgs>),
    /// Fetch on schedule without a screen, one line per event, until SIGTERM or SIGINT.
    Run(RunArgs),
    /// Read bars from the store, newest first.
    Bars(Box<BarsArgs>),
    /// Compare two stored series of the same bar size: closes, volumes, and bars that only one has.
    Compare(CompareArgs),
    /// Show the run history, or one run in detail.
    Runs(RunsArgs),
    /// List the instants of the schedule: the next ones, and what became of the last ones; spends no requests.
    Ticks(TicksArgs),
    /// Print what has happened, or follow it, as lines of JSON; works beside an engine of any process.
    Events(EventsArgs),
    /// List the holes: bars that should be there and were never asked for. Exit code 1 if there are some.
    Gaps(GapsArgs),
    /// List what is there of each series, and why the rest is not.
    Coverage(CoverageArgs),
    /// Fetch what is missing in a range, for any number of symbols; what is covered costs nothing.
    Backfill(BackfillArgs),
    /// Print what is asked for next, when, at what cost and why; spends no requests.
    Plan(PlanArgs),
    /// Print how the watch list stands, in one line. Exit code 1 if something is behind, has holes or failed.
    Status(StatusArgs),
    /// List what a person should know, or try whether alerts arrive; spends no requests.
    Alert(AlertArgs),
    /// Print each source: its key, what it allows, what was sent, and what to do next; spends no requests.
    Sources(SourcesArgs),
    /// Take over the bars of the pipeline that this program replaces, from its own PostgreSQL database.
    Adopt(AdoptArgs),
    /// Show or change the watch list, thousands of series at once; spends no requests.
    Watch(WatchArgs),
    /// Serve simulated or recorded answers over HTTP, as the provider would.
    Simulate(SimulateArgs),
    /// Check configuration, key, provider, database, clock and terminal.
    Doctor(DoctorArgs),
    /// Show the effective settings and where each came from, or check them.
    Config(ConfigArgs),
    /// Print the panel's keys, including your own from the configuration file.
    Keys {
        /// Print the default keys as a page in Markdown.
        #[arg(long)]
        markdown: bool,
    },
    /// Print shell completions.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Seed of the simulated market; the same seed gives the same bars.
    #[arg(long, default_value_t = 1, value_parser = parse_seed)]
    pub seed: u64,
    /// Speed of the demo's clock, as a multiple of real time.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = parse_speed)]
    pub speed: i32,
    /// Something seldom seen, within ten seconds: holes, split, half-day, behind or outage.
    #[arg(long, value_parser = parse_scene)]
    pub scene: Option<Scene>,
}

/// `fetch`.
#[derive(Debug, Args)]
pub struct FetchArgs {
    /// Symbols, separated by commas; default: the watch list.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub symbols: Vec<String>,
    /// Bar size: 1min, 5min, 15min, 30min, 60min, daily, weekly or monthly.
    #[arg(long)]
    pub interval: Option<Interval>,
    /// One calendar month of intraday bars.
    #[arg(long, value_name = "YYYY-MM")]
    pub month: Option<Month>,
    /// The newest 100 bars (compact), or all available (full).
    #[arg(long, value_name = "compact|full", value_parser = one_of(&["compact", "full"]))]
    pub outputsize: Option<String>,
    /// Prices adjusted for splits and dividends; daily and longer bars keep raw prices and add an adjusted close.
    #[arg(long)]
    pub adjusted: bool,
    /// Leave out bars before 09:30 and after 16:00.
    #[arg(long)]
    pub regular_hours: bool,
    /// Format to request from the provider.
    #[arg(long, value_name = "json|csv", value_parser = one_of(&["json", "csv"]))]
    pub datatype: Option<String>,
    /// How recent the data is; your plan must include it.
    #[arg(long, value_name = "realtime|delayed", value_parser = one_of(&["realtime", "delayed"]))]
    pub entitlement: Option<String>,
    /// Skip series fetched within this time, for example 15m, 6h or 1d.
    #[arg(long, value_name = "D", value_parser = parse_age)]
    pub max_age: Option<TimeDelta>,
    /// The symbols' dividends and splits instead of bars: two requests for each symbol.
    #[arg(long, conflicts_with_all = [
        "interval", "month", "outputsize", "adjusted", "regular_hours", "datatype", "entitlement", "max_age",
    ])]
    pub events: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// Output formats of a result.
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
    /// Symbols, separated by commas.
    #[arg(required = true, value_delimiter = ',', value_name = "A,B")]
    pub symbols: Vec<String>,
    /// Bar size; default: the only one stored, or the finest.
    #[arg(long)]
    pub interval: Option<Interval>,
    /// Prices and volumes adjusted for splits and dividends, on one scale; the source's own adjusted close beside.
    #[arg(long)]
    pub adjusted: bool,
    /// Oldest bar: a date or time in New York (2026-05-15, "2026-05-15 09:30"), or RFC 3339.
    #[arg(long, value_name = "T")]
    pub from: Option<Bound>,
    /// Newest bar, in the same formats.
    #[arg(long, value_name = "T")]
    pub to: Option<Bound>,
    /// At most this many bars of each series, the newest; default: 100 on stdout and in a table, all in other files.
    #[arg(long, value_name = "N", value_parser = parse_limit)]
    pub limit: Option<u32>,
    /// Fetch first unless the series was fetched within its interval.
    #[arg(long)]
    pub fresh: bool,
    /// Output format; default: what the name of the file ends with, otherwise a table.
    #[arg(long, value_enum)]
    pub format: Option<BarsFormat>,
    /// Write to this file instead of stdout; for several symbols, one file each in this folder. Files begin with the oldest bar.
    #[arg(long, value_name = "FILE|FOLDER")]
    pub output: Option<PathBuf>,
}

/// Output formats of `bars`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BarsFormat {
    /// Aligned columns.
    Table,
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object per line.
    Jsonl,
    /// Apache Parquet, for files only.
    Parquet,
}

/// `runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Number of a run to show in detail.
    #[arg(value_parser = parse_run)]
    pub id: Option<i64>,
    /// At most this many runs.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = parse_limit)]
    pub limit: u32,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,
}

/// Output formats of a list.
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

/// The commands of `watch`. A change is made completely or not at all.
#[derive(Debug, clap::Subcommand)]
pub enum WatchCommand {
    /// Print the watch list.
    List {
        /// Output format.
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Add series to the end of the list.
    Add {
        /// The series.
        #[command(flatten)]
        series: SeriesArgs,
        /// What is declared of them.
        #[command(flatten)]
        declared: DeclaredArgs,
        /// Output format.
        #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
        format: ReportFormat,
    },
    /// Declare something of series on the list: since when, how important, which group.
    Set {
        /// Symbols, separated by commas or spaces.
        #[arg(required = true, value_name = "A,B")]
        symbols: Vec<String>,
        /// Only series with this interval; default: every interval.
        #[arg(long)]
        interval: Option<Interval>,
        /// What is declared of them.
        #[command(flatten)]
        declared: DeclaredArgs,
        /// Output format.
        #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
        format: ReportFormat,
    },
    /// Remove series from the list; their bars stay stored. Exit code 1 if none of them was on it.
    Remove {
        /// Symbols, separated by commas or spaces.
        #[arg(required = true, value_name = "A,B")]
        symbols: Vec<String>,
        /// Only series with this interval; default: every interval.
        #[arg(long)]
        interval: Option<Interval>,
        /// Only series with adjusted prices.
        #[arg(long)]
        adjusted: bool,
        /// Output format.
        #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
        format: ReportFormat,
    },
    /// Replace the whole list with these series.
    Replace {
        /// The series.
        #[command(flatten)]
        series: SeriesArgs,
        /// Output format.
        #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
        format: ReportFormat,
    },
    /// Add the series listed in a file, one per line, as `watch export` prints them.
    ///
    /// A line has a symbol, an interval, and `adjusted` or `raw`, separated by commas or spaces; text
    /// after a # is a comment. If any line is wrong, nothing changes.
    Import {
        /// The file; - for stdin.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Bar size of lines without one; default: the configured interval.
        #[arg(long)]
        interval: Option<Interval>,
        /// Replace the whole list instead of adding to it.
        #[arg(long)]
        replace: bool,
        /// Output format.
        #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
        format: ReportFormat,
    },
    /// Print the list in the format that `watch import` reads.
    Export {
        /// Write to this file instead of stdout.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Series on the command line.
#[derive(Debug, Args)]
pub struct SeriesArgs {
    /// Symbols, separated by commas or spaces.
    #[arg(required = true, value_name = "A,B")]
    pub symbols: Vec<String>,
    /// Bar size of all of them; default: the configured interval.
    #[arg(long)]
    pub interval: Option<Interval>,
    /// Prices adjusted for splits and dividends.
    #[arg(long)]
    pub adjusted: bool,
}

/// What is declared of series.
#[derive(Debug, Args)]
pub struct DeclaredArgs {
    /// The day since when their bars are wanted, such as 2020-01-31; none: as the source has them.
    ///
    /// The schedule brings older bars with what is spare, after all that is due; `backfill` or the key b at once.
    #[arg(long, value_name = "DAY")]
    pub since: Option<String>,
    /// low, normal or high: where a plan cannot keep all series fresh, which it keeps fresher.
    #[arg(long, value_parser = parse_priority)]
    pub priority: Option<Priority>,
    /// How old what is known of them may be, such as 30m, 2h or 3sessions; none: nothing is said.
    ///
    /// Where a plan cannot keep all series fresh, those that would be older come first.
    #[arg(long, value_name = "TIME")]
    pub fresh_within: Option<String>,
    /// The group they belong to: one word; none: no group.
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// A second source, which brings what their own cannot: older bars than its plan has, and what it
    /// refuses.
    ///
    /// Adds the same series of that source to the watch list; the view `bars_best` joins the bars of both.
    /// none: takes the series that fills off the list; its bars stay.
    #[arg(long, value_name = "SOURCE")]
    pub fill_from: Option<SourceId>,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Check only the store and print one line, for health checks; does not contact the provider.
    #[arg(long, conflicts_with_all = ["online", "report"])]
    pub store: bool,
    /// Also send one request to check key, network and plan; its cost is printed first.
    ///
    /// It counts like any other request, and its bars are stored.
    #[arg(long)]
    pub online: bool,
    /// Write everything a bug report needs to a new file; - for stdout. Secrets and home folders are left out.
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

/// The commands of `config`.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum ConfigCommand {
    /// Print every setting, its value and its source; secrets as ***.
    Show,
    /// Report everything that is wrong.
    Check,
    /// Print the path of the configuration file, whether it exists or not.
    Path,
}

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
            ("run", &all[..3]),
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
        assert!(error.contains("use json or csv"), "{error}");
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
