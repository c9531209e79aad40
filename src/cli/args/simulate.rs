//! The arguments of `simulate`.

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Args;

use crate::cli::values::{
    parse_address, parse_dialect, parse_plan, parse_scene, parse_seed, parse_speed, parse_start,
};
use crate::simulate::{Dialect, Fault, Plan, Plant, Scene};

/// `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Address to listen on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8600", value_parser = parse_address)]
    pub listen: SocketAddr,
    /// Answer every request with this recorded file, or from a folder with an index.toml.
    #[arg(long, value_name = "FILE|DIR")]
    pub replay: Option<PathBuf>,
    /// Seed of the simulated market; the same seed gives the same bars.
    #[arg(long, default_value_t = 1, value_parser = parse_seed)]
    pub seed: u64,
    /// Speak only this provider's dialect; may be repeated; default: all, each at its own path.
    #[arg(long, value_name = "NAME", value_parser = parse_dialect)]
    pub dialect: Vec<Dialect>,
    /// Plan whose limits and refusals apply, in all dialects: demo, free, premium or unlimited.
    #[arg(long, default_value = "free", value_parser = parse_plan)]
    pub plan: Plan,
    /// Inject a fault, for example burst@2, status:503, slow:500@every=3 or reset,dialect=coinbase; may be repeated.
    #[arg(long, value_name = "SPEC")]
    pub fault: Vec<Fault>,
    /// Plant a set of events and start the clock just before them: holes, split, half-day, behind or outage.
    #[arg(long, value_parser = parse_scene)]
    pub scene: Option<Scene>,
    /// Plant an event, for example "halt@2026-11-20 10:10..2026-11-20 10:40,symbol=IBM" or split:4:1@2026-11-20; may be repeated.
    #[arg(long, value_name = "SPEC")]
    pub plant: Vec<Plant>,
    /// When the simulated clock starts: a date, a time in New York, or RFC 3339; default: now.
    #[arg(long, value_name = "TIME", value_parser = parse_start)]
    pub start: Option<DateTime<Utc>>,
    /// Speed of the simulated clock, as a multiple of real time.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = parse_speed)]
    pub speed: i32,
    /// Append every request to this file, one line of JSON each.
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
}
