//! `simulate`: the simulated provider in the foreground.

use super::args::SimulateArgs;
use super::context::Context;
use super::exit::{self, Failure};
use super::output;
use crate::pipeline::sources;
use crate::simulate::{Options, Plant, Replay, Scene, Server};
use crate::time::Clock;

pub async fn run(args: SimulateArgs, context: &Context) -> Result<u8, Failure> {
    let replay = args.replay.as_deref().map(Replay::open).transpose();
    let clock = clock(&args);
    let plants: Vec<Plant> = args.scene.map_or_else(Vec::new, Scene::plants);
    let plants: Vec<Plant> = plants.into_iter().chain(args.plant).collect();
    for plant in &plants {
        context.narrator.say(&format!("planted: {plant}"));
    }
    let options = Options {
        listen: args.listen,
        seed: args.seed,
        plants,
        plan: args.plan,
        faults: args.fault,
        replay: replay.map_err(|error| Failure::usage(error.to_string()))?,
        clock,
        journal: args.journal,
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

/// The clock of the flags, or of the scene; without either, the system's.
fn clock(args: &SimulateArgs) -> Clock {
    match args.start.or(args.scene.map(Scene::starts)) {
        Some(start) => Clock::running_from(start, args.speed),
        None if args.speed == 1 => Clock::system(),
        None => Clock::running_from(Clock::system().now(), args.speed),
    }
}
