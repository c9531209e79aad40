//! Simulated providers over HTTP, for demonstrations, experiments and tests.
//!
//! One market, computed from a seed, is served in several dialects at once, each at its own path:
//! with the layout, the limits and the refusals of a provider, and with injected faults. It shares no
//! code with the clients, so that both can only be wrong independently.
//!
//! ```no_run
//! use pipeline_tui::simulate::{Options, Plan, Server};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::start(Options {
//!     plan: Plan::Premium,
//!     faults: vec!["burst@1".parse()?],
//!     ..Options::default()
//! })
//! .await?;
//! assert!(server.base_url().starts_with("http://127.0.0.1:"));
//! server.stop().await;
//! # Ok(())
//! # }
//! ```

mod actions;
mod assets;
mod bucket;
mod calendar;
mod candles;
mod company;
mod decimal;
mod dialect;
mod dialects;
mod faults;
mod journal;
mod listed;
mod market;
mod noise;
mod pair;
mod piece;
mod plan;
mod plant;
mod provider;
mod query;
mod replay;
mod reply;
mod scene;
mod scope;
mod server;
mod speak;
mod wire;
mod witness;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

pub use self::calendar::is_trading_day;
pub use self::dialect::Dialect;
pub use self::faults::{Fault, FaultError};
pub use self::journal::{JournalEntry, Served};
pub use self::plan::Plan;
pub use self::plant::{Plant, PlantError, Ratio, What};
pub use self::replay::{Replay, ReplayError};
pub use self::scene::{Scene, usual_watch_list};
pub use self::scope::{Scope, ScopeError};
pub use self::server::{Server, StartError};
pub use self::witness::{Planted, Why, Witness};
use crate::time::Clock;

/// How the simulator behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What the market is computed from.
    pub seed: u64,
    /// What is planted in the market.
    pub plants: Vec<Plant>,
    /// The dialects it speaks.
    pub dialects: Vec<Dialect>,
    /// What keys are allowed to do.
    pub plan: Plan,
    /// The faults to inject.
    pub faults: Vec<Fault>,
    /// Recorded answers instead of the market, for every key and without limits.
    pub replay: Option<Replay>,
    /// The simulator's clock.
    pub clock: Clock,
    /// A file to which each request is appended as a line of JSON, on disk before its answer is sent.
    pub journal: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 1,
            plants: Vec::new(),
            dialects: Dialect::ALL.to_vec(),
            plan: Plan::Free,
            faults: Vec::new(),
            replay: None,
            clock: Clock::system(),
            journal: None,
        }
    }
}
