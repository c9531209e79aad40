//! The command line: reads arguments, calls the parts, maps outcomes to exit codes. No other logic.

mod adopt;
mod alert;
mod args;
mod backfill;
mod bars;
mod chosen;
mod compare;
mod completions;
mod context;
mod demo;
mod doctor;
mod events;
mod exit;
mod fetch;
mod first;
mod gaps;
mod guard;
mod happened;
mod held;
mod instant;
mod keys;
mod offers;
mod open;
mod output;
mod panel;
mod plan;
mod run;
mod runs;
mod settings;
mod simulate;
mod sources;
mod status;
mod table;
mod ticks;
mod values;
mod watch;

use tokio::sync::mpsc;

pub use args::Cli;

use self::args::Subcommand;
use self::context::Context;
use self::exit::Failure;
use crate::config::{Flags, Inputs};
use crate::pipeline::sources::SETTINGS;
use crate::telemetry::{self, Record};

/// Runs the program and returns its exit code.
#[must_use]
pub fn main() -> u8 {
    guard::close_to_others();
    telemetry::install_panic_hook();
    let inputs = Inputs::from_process(Flags::default(), SETTINGS);
    output::fit(&inputs.locale);
    let cli = match args::parse() {
        Ok(cli) => cli,
        Err(error) => {
            output::usage(&error);
            return if error.use_stderr() {
                exit::USAGE
            } else {
                exit::DONE
            };
        }
    };
    let rust_log = std::env::var("RUST_LOG").ok();
    let logged = match cli.command {
        None | Some(Subcommand::Demo(_)) if panel::why_no_screen().is_none() => {
            Logged::ToScreen(telemetry::init_for_panel(rust_log.as_deref()))
        }
        None | Some(Subcommand::Run(_)) => {
            let records = telemetry::init_for_run(cli.verbosity(), rust_log.as_deref());
            Logged::ToStderr(Some(records))
        }
        _ => {
            telemetry::init(cli.verbosity(), rust_log.as_deref());
            Logged::ToStderr(None)
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("cannot start threads ({error})"));
            return exit::PASSING;
        }
    };
    let code = runtime.block_on(exit::unless_forced(dispatch(cli, inputs, logged)));
    // A request that outlived its grace period must not delay the exit.
    runtime.shutdown_background();
    code
}

/// Where the log goes.
enum Logged {
    /// Only to the panel.
    ToScreen(mpsc::Receiver<Record>),
    /// To stderr; for `run` also here, to be kept on disk.
    ToStderr(Option<mpsc::Receiver<Record>>),
}

async fn dispatch(cli: Cli, inputs: Inputs, logged: Logged) -> u8 {
    let metrics = match &cli.command {
        Some(Subcommand::Run(args)) => args.metrics.clone(),
        _ => None,
    };
    let context = Context {
        inputs: Inputs {
            flags: Flags {
                metrics,
                ..cli.settings.into()
            },
            ..inputs
        },
        narrator: output::Narrator::new(cli.quiet),
        read_only: cli.read_only,
    };
    let outcome = match cli.command {
        None => match logged {
            Logged::ToScreen(records) => panel::run(&context, records).await,
            Logged::ToStderr(records) => panel::without_screen(&context, records).await,
        },
        Some(Subcommand::Demo(args)) => {
            let records = match logged {
                Logged::ToScreen(records) => Some(records),
                Logged::ToStderr(_) => None,
            };
            demo::run(&args, &context, records).await
        }
        Some(Subcommand::Fetch(args)) => fetch::run(&args, &context).await,
        Some(Subcommand::Run(args)) => {
            let records = match logged {
                Logged::ToScreen(records) => Some(records),
                Logged::ToStderr(records) => records,
            };
            run::run(&context, records, args.lease).await
        }
        Some(Subcommand::Bars(args)) => bars::run(&args, &context).await,
        Some(Subcommand::Compare(args)) => compare::run(&args, &context).await,
        Some(Subcommand::Runs(args)) => runs::run(&args, &context).await,
        Some(Subcommand::Ticks(args)) => ticks::run(&args, &context).await,
        Some(Subcommand::Events(args)) => happened::run(&args, &context).await,
        Some(Subcommand::Gaps(args)) => gaps::gaps(&args, &context).await,
        Some(Subcommand::Coverage(args)) => gaps::coverage(&args, &context).await,
        Some(Subcommand::Backfill(args)) => backfill::run(&args, &context).await,
        Some(Subcommand::Plan(args)) => plan::run(&args, &context).await,
        Some(Subcommand::Status(args)) => status::status(&args, &context).await,
        Some(Subcommand::Alert(args)) => alert::run(&args, &context).await,
        Some(Subcommand::Sources(args)) => sources::run(&args, &context).await,
        Some(Subcommand::Watch(args)) => watch::run(args.command, &context).await,
        Some(Subcommand::Simulate(args)) => simulate::run(args, &context).await,
        Some(Subcommand::Adopt(args)) => adopt::run(&args, &context).await,
        Some(Subcommand::Doctor(args)) => doctor::run(&args, &context).await,
        Some(Subcommand::Config(args)) => settings::run(args.command, &context.inputs),
        Some(Subcommand::Keys { markdown }) => keys::run(markdown, &context),
        Some(Subcommand::Completions { shell }) => completions::shell(shell),
        Some(Subcommand::Man) => completions::man(),
    };
    outcome.unwrap_or_else(|failure| match failure {
        Failure::Closed => exit::DONE,
        Failure::Stopped(_) => {
            output::complain("stopped before the store was open; nothing was left half done");
            exit::INTERRUPTED
        }
        Failure::Told { code, text } => {
            output::complain(&text);
            code
        }
    })
}
