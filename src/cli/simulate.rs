//! `simulate`: the simulated provider in the foreground.

use super::args::SimulateArgs;
use super::context::Context;
use super::exit::{self, Failure};
use super::output;
use crate::pipeline::sources;
use crate::simulate::{Options, Replay, Server};

pub async fn run(args: SimulateArgs, context: &Context) -> Result<u8, Failure> {
    let replay = args.replay.as_deref().map(Replay::open).transpose();
    let options = Options {
        listen: args.listen,
        seed: args.seed,
        plan: args.plan,
        faults: args.fault,
        replay: replay.map_err(|error| Failure::usage(error.to_string()))?,
        journal: args.journal,
        ..Options::default()
    };
    let server = Server::start(options)
        .await
        .map_err(|error| Failure::usage(error.to_string()))?;
    output::print(&server.base_url())?;
    let source = sources::SIMULATED;
    let address = source.addresses.first().map_or("", |address| address.name);
    context.narrator.say(&format!(
        "serving until Ctrl-C; in another terminal: {address}={} {}=SIMULATED pipeline-tui fetch",
        server.base_url(),
        source.key_variable()
    ));
    exit::stop_signal().await;
    server.stop().await;
    Ok(exit::DONE)
}
