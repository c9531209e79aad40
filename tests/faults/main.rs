//! Faults that come from outside, and judges that never ask the program.
//!
//! Faults enter where the program meets the world: its process is killed, its calls of the kernel
//! fail, its database is stopped, frozen or cut off, its provider misbehaves. Nothing in the product
//! is switched for them. How often the rare ones are tried is set from the environment; `just faults`
//! asks for many, `just faults-long` for very many.
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
mod hostile;
mod outage;
mod payload;
mod restore;
mod secrets;
mod simulated;
mod soak;
mod starts;
mod stops;
mod support;
mod targets;
mod transport;
