//! Faults that come from outside, and checks that never rely on the program.
//!
//! Faults enter where the program meets the world: its process is killed, its system calls fail, its
//! database is stopped, frozen or cut off, its provider misbehaves. Nothing in the product is
//! switched for them. Environment variables set how often rare faults are tried; `just faults` tries
//! them many times, `just faults-long` very many.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail loudly"
)]

mod checklist;
mod clock;
mod corpus;
mod crash;
mod cron;
mod crowd;
mod disk;
mod engines;
mod four;
mod health;
mod hostile;
mod outage;
mod pace;
mod payload;
mod restore;
mod secrets;
mod simulated;
mod soak;
mod starts;
mod stops;
mod storm;
mod support;
mod targets;
mod transport;
mod week;
