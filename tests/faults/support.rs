//! What the fault tests stand on: the program as a process, its database, its provider, and judges.

#[path = "../suite/support/cluster.rs"]
pub mod cluster;
pub mod gate;
pub mod ledger;
pub mod market;
pub mod oracle;
pub mod process;
pub mod product;
pub mod proxy;
pub mod server;

/// How often a test does what it does: as the variable says, or so often.
pub fn rounds(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).map_or(otherwise, |rounds| rounds.parse().unwrap())
}
