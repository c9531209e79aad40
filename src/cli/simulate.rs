//! `simulate`: the simulated provider in the foreground.

use super::args::SimulateArgs;
use super::context::Context;
use super::exit::{self, Failure};
use super::output;
use crate::pipeline::sources;
use crate::simulate::{Dialect, Options, Plant, Replay, Scene, Server};
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
        dialects: spoken(args.dialect),
        plan: args.plan,
        faults: args.fault,
        replay: replay.map_err(|error| Failure::usage(error.to_string()))?,
        clock,
        journal: args.journal,
    };
    let server = Server::start(options)
        .await
        .map_err(|error| Failure::usage(error.to_string()))?;
    output::print(&lines(&server))?;
    context
        .narrator
        .say("serving until Ctrl-C; in another terminal put a line in front of pipeline-tui fetch");
    exit::stop_signal().await;
    server.stop().await;
    Ok(exit::DONE)
}

/// The dialects of the flags, or all.
fn spoken(named: Vec<Dialect>) -> Vec<Dialect> {
    if named.is_empty() {
        Dialect::ALL.to_vec()
    } else {
        named
    }
}

/// One line for each dialect: the settings that take its address and a key, or its address.
fn lines(server: &Server) -> String {
    let lines = Dialect::ALL.iter().filter_map(|dialect| {
        let url = server.base_url_of(dialect.as_str())?;
        let settings: Vec<String> = sources::SETTINGS
            .iter()
            .find(|source| source.id.as_str() == dialect.as_str())
            .map_or_else(Vec::new, |source| {
                let addresses = source.addresses.iter().map(|row| (row.name, url.as_str()));
                let key = source.key.iter().map(|field| field.value.name);
                addresses
                    .chain(key.zip(dialect.key().iter().copied()))
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect()
            });
        Some(if settings.is_empty() {
            url
        } else {
            settings.join(" ")
        })
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The clock of the flags, or of the scene; without either, the system's.
fn clock(args: &SimulateArgs) -> Clock {
    match args.start.or(args.scene.map(Scene::starts)) {
        Some(start) => Clock::running_from(start, args.speed),
        None if args.speed == 1 => Clock::system(),
        None => Clock::running_from(Clock::system().now(), args.speed),
    }
}
